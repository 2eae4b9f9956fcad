// Starts the Swagger UI on our own description; no outside validator is asked. Without deep links
// no link stands in a button, which a screen reader could not tell apart.
'use strict';

window.addEventListener('load', () => {
  window.SwaggerUIBundle({
    url: '/openapi.json',
    dom_id: '#swagger-ui',
    validatorUrl: null,
    deepLinking: false,
  });
});
