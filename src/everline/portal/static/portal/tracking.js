// An order's page that moves by itself. The server says that there is news, and sends the fresh part of the page in
// the customer's language. Without event streams it looks now and then; without this file the page loads itself anew.
"use strict";

const tracking = document.getElementById("tracking");
if (tracking) follow(tracking);

function follow(part) {
  const SLOW = 15;
  const LATER = 60;
  let stream = null;
  let polling = 0;
  let turning = 0;
  let retrying = 0;
  let asking = false;
  let askAgain = false;

  start();
  document.addEventListener("visibilitychange", () => (document.hidden ? stop() : wake()));
  window.addEventListener("pagehide", stop);
  // Back by the back button, perhaps from memory: what it shows may be old.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) wake();
  });

  function wake() {
    if (part.dataset.live) refresh().then(start);
  }

  function start() {
    stop();
    if (!part.dataset.live || document.hidden) return;
    turn();
    if (window.EventSource) listen();
    else poll();
  }

  function stop() {
    if (stream) stream.close();
    stream = null;
    clearTimeout(polling);
    clearTimeout(turning);
    clearTimeout(retrying);
  }

  // The browser comes back by itself with the last event it saw, and stays away after the last one.
  function listen() {
    stream = new EventSource(`${part.dataset.events}?after=${part.dataset.after}`);
    for (const name of part.dataset.names.split(" ")) stream.addEventListener(name, refresh);
    stream.addEventListener("error", () => {
      if (!stream || stream.readyState !== EventSource.CLOSED) return;
      // Full, gone, or over: the page itself knows which.
      stream = null;
      refresh();
      poll();
      retrying = setTimeout(start, LATER * 1000);
    });
  }

  function poll() {
    const seconds = Number(part.dataset.live) || SLOW;
    polling = setTimeout(async () => {
      await refresh();
      if (part.dataset.live && !stream) poll();
    }, seconds * 1000);
  }

  // Some of what the page says becomes untrue by time alone.
  function turn() {
    clearTimeout(turning);
    const seconds = Number(part.dataset.again);
    if (seconds && seconds < 3600) turning = setTimeout(refresh, seconds * 1000);
  }

  async function refresh() {
    if (asking) {
      askAgain = true;
      return;
    }
    asking = true;
    try {
      const answer = await fetch(location.href, { headers: { "X-Part": "tracking" }, redirect: "manual" });
      if (answer.type === "opaqueredirect" || answer.status === 404) location.reload(); // signed out meanwhile
      else if (answer.ok) show(await answer.text());
    } catch {
      // No network: the next look finds it again.
    }
    asking = false;
    if (askAgain) {
      askAgain = false;
      await refresh();
    }
  }

  function show(text) {
    const fresh = new DOMParser().parseFromString(text, "text/html").getElementById(part.id);
    if (!fresh) return;
    for (const name of ["live", "again", "after"]) {
      if (fresh.dataset[name] === undefined) delete part.dataset[name];
      else part.dataset[name] = fresh.dataset[name];
    }
    document.title = fresh.dataset.title || document.title;
    const now = part.querySelector("[data-situation]");
    const next = fresh.querySelector("[data-situation]");
    now.className = next.className;
    now.dataset.situation = next.dataset.situation;
    for (const name of ["words", "stages", "actions", "what", "track"]) swap(name, fresh);
    if (part.dataset.live) turn();
    else stop();
  }

  // Only what changed, so that screen readers hear news once and nobody loses their place.
  function swap(name, fresh) {
    const old = part.querySelector(`[data-part="${name}"]`);
    const next = fresh.querySelector(`[data-part="${name}"]`);
    if (!old || !next || said(old) === said(next)) return;
    const focused = old.contains(document.activeElement) ? document.activeElement : null;
    old.replaceChildren(...next.childNodes);
    if (!focused) return;
    const kept = Array.from(old.querySelectorAll("a, button")).find((each) => each.textContent === focused.textContent);
    (kept || part.querySelector("h2")).focus({ preventScroll: true });
  }

  // A form's token differs each time and says nothing.
  function said(element) {
    const copy = element.cloneNode(true);
    for (const hidden of copy.querySelectorAll('input[name="csrfmiddlewaretoken"]')) hidden.remove();
    return copy.innerHTML.replace(/\s+/g, " ");
  }
}
