// Shows the server's own API description. Runs from a file because the content policy forbids inline scripts.
window.addEventListener("DOMContentLoaded", () => {
  window.SwaggerUIBundle({
    url: "api/v1/openapi.json",
    dom_id: "#api",
    deepLinking: true,
    persistAuthorization: false,
    validatorUrl: null,
  });
});
