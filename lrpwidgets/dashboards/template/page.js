// The page around a dashboard: says what is going on until there is something to see, and keeps the kernel's fate in view.
// Voilà calls the functions whose names begin with "voila"; JupyterLab's front end appears as window.jupyterapp.
window.lrpwidgets = (() => {
  const prefersDark = matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = localStorage.getItem("lrp-theme") ?? (prefersDark ? "dark" : "light");

  const opened = performance.now();
  const find = (selector) => document.querySelector(selector);
  let stage = "starting";
  let finished = false;

  function say() {
    const seconds = Math.round((performance.now() - opened) / 1000);
    const text = find("#loading_text");
    if (text) text.textContent = stage + (seconds > 1 ? ` · ${seconds} s` : "");
  }
  const clock = setInterval(say, 250);

  function enter(next) {
    stage = next;
    say();
  }

  function fail(sentence) {
    if (finished) return;
    finished = true;
    clearInterval(clock);
    find("#loading").classList.add("failed");
    find("#loading_title").textContent = "could not open this dashboard";
    find("#loading_text").textContent = sentence;
  }

  // An output is there when it has elements: until then a widget is a line of text, also when it could not be made.
  // A view's element stands, without a name and empty, while its script is fetched; pictures stand before a view.
  function look() {
    const outputs = [...document.querySelectorAll("#rendered_cells .jp-OutputArea-output")];
    const broken = outputs.find((output) => output.textContent.startsWith("Error"));
    if (broken) fail(broken.textContent);
    const drawn = (output) =>
      output.querySelector(':scope > :not([class="lm-Widget"]:empty)') && !output.querySelector(".lrp-still");
    if (finished || !outputs.some(drawn)) return finished;
    finished = true;
    clearInterval(clock);
    requestAnimationFrame(() => find("#loading").remove());
    return true;
  }

  window.voila_heartbeat = () => {};
  window.voila_process = () => enter("drawing");
  window.voila_finish = () => {
    const observer = new MutationObserver(() => look() && observer.disconnect());
    observer.observe(document.body, { childList: true, subtree: true });
    if (!find('script[type="application/vnd.voila.cell-output+json"]')) fail("The notebook has no output.");
  };
  window.addEventListener("load", () => {
    if (stage === "starting") fail("The server stopped before the dashboard was complete. Is it still running?");
    setTimeout(fail, 60_000, "The dashboard did not appear within a minute. Open the page again.");
  });

  // The beacon that ends the kernel of a closed page must repeat the cookie `_xsrf`, which Voilà itself never sets.
  if (!/\b_xsrf=/.test(document.cookie)) {
    const secret = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0"));
    document.cookie = `_xsrf=${secret.join("")}; path=/; SameSite=Strict`;
  }
  window.addEventListener("pageshow", (event) => event.persisted && location.reload()); // its kernel has ended

  function follow({ kernel }) {
    const { dataset } = document.body;
    const ends = ["dead", "terminating", "restarting", "autorestarting"]; // a restarted one knows nothing of this page
    let connected = false;
    let ended = false;
    function show() {
      connected ||= kernel.connectionStatus === "connected";
      ended ||= ends.includes(kernel.status);
      dataset.kernel = kernel.status;
      dataset.connection = ended || (connected && kernel.connectionStatus !== "connected") ? "lost" : "open";
    }
    kernel.statusChanged.connect(show);
    kernel.connectionStatusChanged.connect(show);
    show();
  }
  Object.defineProperty(window, "jupyterapp", {
    configurable: true,
    set(app) {
      Object.defineProperty(window, "jupyterapp", { value: app });
      app.widgetManagerPromise.promise.then(follow);
    },
  });

  return { fail };
})();
