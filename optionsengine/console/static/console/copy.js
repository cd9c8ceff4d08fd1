"use strict";
// A button with data-copy="id" copies the text of that element, and selects it where the browser lets no page copy.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copy);
  const selection = window.getSelection();
  selection.selectAllChildren(source);
  let copied = false;
  try {
    await navigator.clipboard.writeText(source.textContent);
    copied = true;
  } catch {
    copied = document.execCommand("copy"); // pages without TLS have no clipboard
  }
  button.textContent = copied ? "Copied" : "Selected: press Ctrl+C";
});
