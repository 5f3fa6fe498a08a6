// Small comforts on top of pages that work without this file.
"use strict";

const root = document.documentElement;
const toast = document.getElementById("toast");
root.classList.add("js");

// A short word at the foot of the page, read aloud by screen readers.
let fading = 0;
function say(text) {
  if (!toast || !text) return;
  toast.textContent = text;
  toast.classList.add("shown");
  clearTimeout(fading);
  fading = setTimeout(() => {
    toast.classList.remove("shown");
    toast.textContent = "";
  }, 4000);
}

// The time zone of the device, as long as nobody has chosen another one.
for (const select of document.querySelectorAll('select[data-detect="timezone"]')) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const known = Array.from(select.options).some((option) => option.value === zone);
  if (known && !select.closest("form").querySelector(".error")) select.value = zone;
}

// A form is sent once; the server would take a second one for the first anyway. Its button shows that it is on its way.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.getAttribute("method") !== "post") return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  const button = event.submitter;
  if (button && !button.matches(".link, .menu-item")) button.setAttribute("aria-busy", "true");
});
// Coming back by the back button, it may be sent again.
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll("[aria-busy]")) button.removeAttribute("aria-busy");
  }
});

// One listener for everything that is pressed.
document.addEventListener("click", (event) => {
  const pressed = event.target.closest("[data-copy], [data-dismiss], [data-share]");
  if (pressed?.dataset.copy !== undefined) copy(pressed);
  else if (pressed?.dataset.share !== undefined) share(pressed);
  else if (pressed) pressed.closest("[data-dismissable]")?.remove();
  for (const menu of document.querySelectorAll("[data-menu][open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("[data-menu][open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});
for (const button of document.querySelectorAll("[data-dismiss]")) button.hidden = false;

async function copy(button) {
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
  } catch {
    // Without the right to the clipboard the text is at least chosen, ready for the keyboard.
    const text = button.parentElement.querySelector("code");
    if (text) getSelection().selectAllChildren(text);
    return;
  }
  button.classList.add("copied");
  setTimeout(() => button.classList.remove("copied"), 2000);
  say(button.dataset.copied);
}

// Share where the system can; elsewhere the address is copied.
async function share(button) {
  const address = button.dataset.share || location.href;
  try {
    if (navigator.share) await navigator.share({ title: document.title, url: address });
    else {
      await navigator.clipboard.writeText(address);
      say(button.dataset.copied);
    }
  } catch {
    // Closed without sharing.
  }
}

// The theme changes at once; the server remembers it by the same cookie.
const themes = document.querySelector("[data-theme-form]");
themes?.addEventListener("submit", (event) => {
  const chosen = event.submitter?.value;
  if (!chosen) return;
  event.preventDefault();
  const kept = chosen === "system" ? "; max-age=0" : "; max-age=31536000";
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `theme=${chosen}; path=/; samesite=lax${kept}${secure}`;
  if (chosen === "system") delete root.dataset.theme;
  else root.dataset.theme = chosen;
  for (const button of themes.querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(button.value === chosen));
  }
});
