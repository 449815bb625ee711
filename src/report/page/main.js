// Which section is shown: the part of the address behind # says it, so that links and the Back button work.

const main = document.getElementById("main");
let shownPlace = null;
let behindViewer = "about";
let viewedResult = null;

function place() {
  const text = location.hash.slice(1);
  const at = text.indexOf("=");
  const decode = (part) => {
    try { return decodeURIComponent(part); } catch { return part; }
  };
  return at < 0 ? { name: text || "about" } : { name: text.slice(0, at), value: decode(text.slice(at + 1)) };
}

function go(address, replaces = false) {
  if (replaces) {
    history.replaceState(null, "", "#" + address);
    route();
  } else location.hash = address;
}

/** The viewer is closed; the address may name another result already. */
function leaveViewer() {
  const { name, value } = place();
  if (name === "result" && (value === viewedResult || !viewedResult)) go(behindViewer, true);
  viewedResult = null;
}

function show(key, section, value) {
  if (shownPlace === key) return;
  const isFirst = shownPlace === null;
  shownPlace = key;
  behindViewer = key;
  current.table = null;
  main.replaceChildren(...SECTIONS[section].make(value).filter((part) => part !== ""));
  for (const link of document.querySelectorAll("#sections a")) {
    if (link.hash === "#" + section) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = `${SECTIONS[section].title} - ${heading}`;
  if (isFirst) return;
  const head = main.querySelector("h1");
  head.tabIndex = -1;
  head.focus({ preventScroll: true });
  scrollTo(0, 0);
}

function route() {
  const { name, value } = place();
  if (name !== "result" && viewer.open) viewer.close();
  if (name === "category") show("category=" + encodeURIComponent(value), "results", value);
  else if (name === "rule") showRule(value);
  else if (name === "result") showResultOf(value);
  else if (name !== "main") show(name in SECTIONS ? name : "about", name in SECTIONS ? name : "about");
}

function showRule(rule) {
  show("rules", "rules", rule);
  const details = [...main.querySelectorAll("details")].find((element) => element.dataset.rule === rule);
  if (!details) return;
  details.open = true;
  details.scrollIntoView();
  details.querySelector("summary").focus({ preventScroll: true });
}

function showResultOf(id) {
  if (shownPlace === null) show("results", "results");
  const result = results.find((one) => one.id === id);
  viewedResult = id;
  if (result) showResult(result, current.table?.shown?.includes(result) ? current.table.shown : results);
}

const heading = document.title;
document.getElementById("title").append(own(heading));
document.getElementById("sections").append(...Object.entries(SECTIONS).map(([name, section]) =>
  make("li", {}, make("a", { href: "#" + name }, section.title))));
addEventListener("hashchange", route);
addEventListener("keydown", (event) => {
  if (event.key === "/" && !viewer.open && current.table && !event.target.closest("input, select, textarea")) {
    event.preventDefault();
    current.table.input.focus();
  }
});
route();
