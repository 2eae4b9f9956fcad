// What a field for an industry's code suggests.
import { make } from '../shared/dom.js';
import { get } from './api.js';
import { later } from './parts.js';

// Suggests industries for what is typed, and names the one whose code it is.
export function showIndustry(input) {
  const name = make('p', { class: 'field-help', 'aria-live': 'polite' });
  const codes = make('datalist', { id: input.getAttribute('list') });
  const suggest = later(async () => {
    const typed = input.value.trim();
    if (!typed) {
      return;
    }
    const none = { industries: [] };
    const asked = get('/api/industries', { query: typed, limit: 20 });
    const { industries } = await asked.catch(() => none);
    codes.replaceChildren(
      ...industries.map((item) =>
        make('option', { value: item.code, label: `${item.code} ${item.name}` }),
      ),
    );
    const same = industries.find((item) => item.code === typed);
    name.textContent = same ? `${same.code} ${same.name}` : '';
  }, 150);
  input.addEventListener('input', suggest);
  return [name, codes];
}
