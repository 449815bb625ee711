// The viewer: a dialog over the page.

const viewer = document.getElementById("viewer");

function open(title, actions, body) {
  viewer.replaceChildren(
    make("div", { class: "head" },
      make("h2", { id: "viewer-title", dir: "auto" }, title),
      make("div", { class: "actions" }, actions, make("button", { type: "button", onclick: () => viewer.close() }, "Close"))),
    make("div", { class: "body" }, body));
  if (!viewer.open) viewer.showModal();
  viewer.querySelector(".body").scrollTop = 0;
}

// The event comes a moment after the dialog has closed: it may show something else by then.
viewer.addEventListener("close", () => {
  if (viewer.open) return;
  viewer.replaceChildren();
  afterViewing();
});
viewer.addEventListener("click", (event) => {
  if (event.target === viewer) viewer.close();
  else if (event.target.closest?.("a[href^='#']")) viewer.close();
});
viewer.addEventListener("keydown", (event) => {
  if (event.target.closest("input, select, pre, table")) return;
  const step = { ArrowLeft: "-1", ArrowRight: "1" }[event.key];
  const button = step && viewer.querySelector(`[data-step="${step}"]`);
  if (button && !button.disabled) {
    event.preventDefault();
    button.click();
    viewer.querySelector(`[data-step="${step}"]`).focus();
  }
});
