// The account's page is forms; there is nothing to fetch.
import { main } from './frame.js';

main.setAttribute('data-state', 'shown');
