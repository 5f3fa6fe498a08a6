// Recovery codes: copy, download, print. Without this file they can still be written down.
const tools = document.querySelector("[data-keep]");
if (tools) {
  const codes = Array.from(document.querySelectorAll(`#${tools.dataset.keep} code`), (each) => each.textContent);
  const text = `${codes.join("\n")}\n`;
  const says = tools.querySelector("[data-says]");
  const acts = {
    async copy() {
      await navigator.clipboard.writeText(text);
      says.textContent = tools.dataset.copied;
    },
    download() {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
      link.download = tools.dataset.name;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    },
    print: () => window.print(),
  };
  tools.hidden = false;
  tools.addEventListener("click", (event) => {
    const act = acts[event.target.closest("button")?.dataset.do];
    if (act) act();
  });
}
