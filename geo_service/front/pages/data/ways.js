// What a file is for its layer: changes by id, additions, or all of it. Changes are proposed: they
// leave alone what the file does not have.
import { make } from '../../shared/dom.js';
import { t } from '../frame.js';

const WAYS = ['update', 'add', 'whole'];

// The choice, and what it says to the service: that a file is the whole layer is said when it is
// published, once it is known what that costs.
export function waysChoice() {
  const inputs = WAYS.map((way) =>
    make('input', {
      type: 'radio',
      name: 'import-as',
      value: way,
      id: `import-as-${way}`,
      checked: way === WAYS[0],
    }),
  );
  const node = make(
    'fieldset',
    { class: 'ways' },
    make('legend', {}, t('data.as')),
    inputs.map((input) =>
      make(
        'label',
        {},
        input,
        make('span', {}, t(`taken_as.${input.value}`)),
        make('span', { class: 'beside' }, t(`data.as_${input.value}`)),
      ),
    ),
  );
  const chosen = () => inputs.find((input) => input.checked)?.value ?? WAYS[0];
  return {
    node,
    // What an answer to a question adds to what is sent; a way is chosen here, so that the whole
    // layer is said in one place only.
    answered: (name, value) => {
      if (name !== 'as') {
        return { [name]: value };
      }
      inputs.forEach((input) => {
        input.checked = input.value === value;
      });
      return {};
    },
    // Nothing is there to be changed in a layer without features.
    said: (isEmpty) => {
      const way = chosen() === 'update' && isEmpty ? 'add' : chosen();
      return way === 'whole' ? {} : { as: way };
    },
  };
}
