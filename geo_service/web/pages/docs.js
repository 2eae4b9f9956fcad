// Starts the Swagger UI on our own description; no outside validator is asked. Without deep links
// no link stands in a button, which a screen reader could not tell apart.
'use strict';

// Fields are named by their parameter, for a reader who does not see which row they stand in.
function nameFields() {
  document.querySelectorAll('tr[data-param-name]').forEach((row) => {
    row.querySelectorAll('select, input').forEach((field) => field.setAttribute('aria-label', row.dataset.paramName));
  });
}

window.addEventListener('load', () => {
  new MutationObserver(nameFields).observe(document.getElementById('swagger-ui'), { childList: true, subtree: true });
  window.SwaggerUIBundle({
    url: '/openapi.json',
    dom_id: '#swagger-ui',
    validatorUrl: null,
    deepLinking: false,
  });
});
