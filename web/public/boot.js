// Says in words why the page stays empty: an old browser, a part that could not be loaded, an error before the first
// drawing. It needs none of the page's own code, and nothing that an old browser lacks.
(function () {
  var russian = /^ru/i.test(navigator.language || "");
  var words = {
    old: ["This browser is too old for this page. Update it, or open the page in another one.",
      "Этот браузер слишком старый для страницы. Обновите его или откройте страницу в другом."],
    part: ["A part of the page could not be loaded. Check the connection and load it again.",
      "Часть страницы не загрузилась. Проверьте соединение и загрузите её снова."],
    fault: ["The page could not start. Load it again; if that does not help, update the browser.",
      "Страница не смогла запуститься. Загрузите её снова; если не поможет, обновите браузер."],
    again: ["Load again", "Загрузить снова"]
  };

  function say(what, detail) {
    var root = document.getElementById("root");
    if (!root) return void document.addEventListener("DOMContentLoaded", function () { say(what, detail); });
    // What is drawn already speaks for itself.
    if (root.childNodes.length > 0) return;
    var at = russian ? 1 : 0;
    var main = document.createElement("main");
    main.className = "splash";
    main.setAttribute("role", "alert");
    var text = document.createElement("p");
    text.textContent = words[what][at] + (detail ? " (" + detail + ")" : "");
    var button = document.createElement("button");
    button.textContent = words.again[at];
    button.onclick = function () { location.reload(); };
    main.appendChild(text);
    main.appendChild(button);
    root.appendChild(main);
  }

  if (!("noModule" in document.createElement("script"))) say("old");
  window.addEventListener("error", function (event) {
    if (event.target && event.target.tagName === "SCRIPT") return say("part");
    // React takes away what it drew before it tells of an error.
    if (event.error) setTimeout(function () { say("fault", event.error.message); });
  }, true);
  window.addEventListener("unhandledrejection", function (event) {
    setTimeout(function () { say("fault", event.reason && event.reason.message); });
  });
})();
