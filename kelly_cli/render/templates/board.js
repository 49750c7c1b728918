// One stream for all tabs of a short code: a browser opens only six connections to one address.
(() => {
  "use strict";
  const board = document.getElementById("board"), state = document.getElementById("state");
  const live = new URL("live" + location.search, location.origin + location.pathname);
  const others = new BroadcastChannel(live.pathname + live.search);
  const quiet = 12000, again = 3000;
  let stream = null, html = "", heard = Date.now(), letGo = null, asking = null, timer = 0;

  const ages = () => {
    for (const each of board.querySelectorAll("[data-at]")) {
      const seconds = Math.max(0, Math.floor((Date.now() - Number(each.dataset.at)) / 1000));
      const [size, unit] = seconds < 120 ? [1, "s"] : seconds < 7200 ? [60, "min"]
        : seconds < 172800 ? [3600, "h"] : [86400, "d"];
      const text = Math.floor(seconds / size) + " " + unit;
      if (each.textContent !== text) each.textContent = text;
    }
    const lost = Date.now() - heard > quiet;
    const words = lost ? "Not connected: trying again. The figures are from before" : "Live";
    if (state.textContent !== words) state.textContent = words;
    state.className = lost ? "lost" : "";
  };
  const hear = (told) => {
    heard = told.lost ? 0 : Date.now();
    if (told.html && told.html !== html) {
      html = told.html;
      board.innerHTML = html;
    }
    ages();
  };
  const tell = (told) => { others.postMessage(told); hear(told); };
  others.onmessage = ({ data }) => {
    if (!data.ask) hear(data);
    else if (stream && html) others.postMessage({ html });
  };

  const open = () => {
    stream = new EventSource(live);
    stream.addEventListener("board", (event) => tell({ html: event.data }));
    stream.addEventListener("beat", () => tell({}));
    stream.onerror = () => {
      tell({ lost: true });
      if (stream.readyState === EventSource.CLOSED) timer = setTimeout(open, again);
    };
  };
  const rest = () => {
    if (asking) asking.abort();
    if (letGo) letGo();
    clearTimeout(timer);
    if (stream) stream.close();
    asking = letGo = stream = null;
  };
  const watch = () => {
    if (document.hidden || asking) return;
    asking = new AbortController();
    const held = () => new Promise((done) => { letGo = done; open(); });
    navigator.locks.request(live.href, { signal: asking.signal }, held).catch(() => {});
    others.postMessage({ ask: true });
  };
  document.addEventListener("visibilitychange", () => (document.hidden ? rest() : watch()));
  setInterval(ages, 1000);
  ages();
  watch();
})();
