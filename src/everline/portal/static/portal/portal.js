// Small comforts on top of pages that work without this file.
"use strict";

// The time zone of the device, as long as nobody has chosen another one.
for (const select of document.querySelectorAll('select[data-detect="timezone"]')) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const known = Array.from(select.options).some((option) => option.value === zone);
  if (known && !select.closest("form").querySelector(".error")) select.value = zone;
}

// A form is sent once; the server would take a second one for the first anyway.
for (const form of document.querySelectorAll('form[method="post"]')) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
  });
}
// Coming back by the back button, it may be sent again.
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

// Tracking that moves by itself: fetch the page anew and show what changed, until nothing moves any more.
const live = document.querySelector("[data-live]");
if (live) follow(live);

function follow(part) {
  const pause = Number(part.dataset.live);
  const again = async () => {
    if (document.hidden) return setTimeout(again, pause);
    try {
      const answer = await fetch(location.href, { credentials: "same-origin", redirect: "error" });
      if (!answer.ok) return setTimeout(again, 4 * pause);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById(part.id);
      if (!fresh) return undefined;
      const busy = part.contains(document.activeElement);
      if (!busy && words(fresh) !== words(part)) {
        part.replaceChildren(...fresh.childNodes);
      }
      if (fresh.dataset.live) return setTimeout(again, pause);
      if (busy) return location.reload();
      delete part.dataset.live;
    } catch {
      return setTimeout(again, 4 * pause);
    }
    return undefined;
  };
  setTimeout(again, pause);
}

function words(part) {
  return part.textContent.replace(/\s+/g, " ");
}
