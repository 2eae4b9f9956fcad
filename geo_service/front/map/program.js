// The map's program: makes the page around Folium's maps. What stands in `planningMap` beside the
// settings can be looked at in the browser's console.
import * as geodesy from './geodesy.js';
import { nameOf } from './items.js';
import { PlanningPage } from './page.js';
import { tooltip } from './sheets.js';

Object.assign(window.planningMap, { geodesy, nameOf, tooltip, page: new PlanningPage() });
