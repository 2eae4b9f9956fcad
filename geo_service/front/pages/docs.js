// Starts the Swagger UI on our own description; no outside validator is asked. Without deep links
// no link stands in a button, which a screen reader could not tell apart.

// Fields are named by their parameter, for a reader who does not see which row they stand in.
function nameFields() {
  for (const row of document.querySelectorAll('tr[data-param-name]')) {
    const name = row.getAttribute('data-param-name') ?? '';
    for (const field of row.querySelectorAll('select, input')) {
      field.setAttribute('aria-label', name);
    }
  }
}

window.addEventListener('load', () => {
  const container = document.getElementById('swagger-ui');
  if (container) {
    new MutationObserver(nameFields).observe(container, { childList: true, subtree: true });
  }
  window.SwaggerUIBundle({
    url: 'openapi.json',
    dom_id: '#swagger-ui',
    validatorUrl: null,
    deepLinking: false,
  });
});
