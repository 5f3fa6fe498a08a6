// Small comforts of the shop on pages that work without this file: places while somebody types, plans to compare.
"use strict";

for (const form of document.querySelectorAll("form[data-suggest]")) suggest(form);

function suggest(form) {
  const input = form.querySelector("input[name=q]");
  const list = form.querySelector("[role=listbox]");
  const status = form.querySelector("[role=status]");
  let chosen = -1;
  let timer = 0;
  let running = null;
  input.setAttribute("role", "combobox");
  input.setAttribute("aria-autocomplete", "list");
  input.setAttribute("aria-controls", list.id);
  input.setAttribute("aria-expanded", "false");

  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(look, 120);
  });
  input.addEventListener("focus", () => { if (list.children.length && input.value.trim()) open(true); });
  input.addEventListener("blur", () => setTimeout(() => open(false), 150));
  input.addEventListener("keydown", (event) => {
    const size = list.children.length;
    if (event.isComposing || !size) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      open(true);
      const step = event.key === "ArrowDown" ? 1 : -1;
      choose(chosen < 0 && step < 0 ? size - 1 : (chosen + step + size) % size);
    } else if (event.key === "Enter" && chosen >= 0 && !list.hidden) {
      event.preventDefault();
      location.href = list.children[chosen].dataset.url;
    } else if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      open(false);
    }
  });

  async function look() {
    const text = input.value.trim();
    if (running) running.abort();
    if (!text) { list.replaceChildren(); status.textContent = ""; return open(false); }
    running = new AbortController();
    try {
      const answer = await fetch(`${form.dataset.suggest}?q=${encodeURIComponent(text)}`, { signal: running.signal, headers: { Accept: "application/json" } });
      if (!answer.ok) return open(false);
      const { places } = await answer.json();
      list.replaceChildren(...places.map(option));
      choose(-1);
      status.textContent = places.length ? `${status.dataset.some} ${places.length}` : status.dataset.none;
      return open(places.length > 0);
    } catch {
      return undefined;
    }
  }

  function option(place, number) {
    const item = document.createElement("li");
    item.id = `${list.id}-${number}`;
    item.setAttribute("role", "option");
    item.setAttribute("aria-selected", "false");
    item.dataset.url = place.url;
    const flag = document.createElement("img");
    flag.src = place.flag;
    flag.alt = "";
    flag.width = 24;
    flag.height = 16;
    flag.className = "flag";
    const name = document.createElement("span");
    name.className = "name";
    name.textContent = place.name;
    const price = document.createElement("span");
    price.className = "soft small";
    price.textContent = place.price;
    item.append(flag, name, price);
    item.addEventListener("mousedown", (event) => event.preventDefault());
    item.addEventListener("click", () => { location.href = place.url; });
    return item;
  }

  function choose(number) {
    chosen = number;
    Array.from(list.children).forEach((item, index) => item.setAttribute("aria-selected", String(index === number)));
    if (number < 0) return input.removeAttribute("aria-activedescendant");
    input.setAttribute("aria-activedescendant", list.children[number].id);
    return list.children[number].scrollIntoView({ block: "nearest" });
  }

  function open(shown) {
    list.hidden = !shown;
    input.setAttribute("aria-expanded", String(shown));
    if (!shown) choose(-1);
  }
}

// Plans ticked to compare: kept in the page's address, so that reload, back and other filters keep them.
document.addEventListener("change", (event) => {
  if (event.target.matches("input[type=checkbox][name=compare]")) compare();
});
document.addEventListener("htmx:afterSettle", () => compare());
window.addEventListener("pageshow", () => compare());

function compare() {
  const bar = document.getElementById("compare-form");
  if (!bar) return;
  const boxes = Array.from(document.querySelectorAll("input[type=checkbox][name=compare]"));
  const elsewhere = Array.from(bar.querySelectorAll("input[type=hidden][name=compare]"), (field) => field.value);
  const plans = [...elsewhere, ...boxes.filter((box) => box.checked).map((box) => box.value)];
  const full = plans.length >= Number(bar.dataset.most);
  for (const box of boxes) box.disabled = full && !box.checked;
  bar.querySelector("button").disabled = plans.length < Number(bar.dataset.least);
  bar.hidden = plans.length === 0;
  const address = new URL(location.href);
  address.searchParams.delete("compare");
  for (const plan of plans) address.searchParams.append("compare", plan);
  if (address.href !== location.href) history.replaceState(history.state, "", address);
  const filters = document.getElementById("plan-filters");
  if (!filters) return;
  for (const field of filters.querySelectorAll("input[type=hidden][name=compare]")) field.remove();
  for (const plan of plans) {
    const field = document.createElement("input");
    field.type = "hidden";
    field.name = "compare";
    field.value = plan;
    filters.append(field);
  }
}
