// Which section is shown: the part of the address behind # says it, so that links and the Back button work. SECTIONS of
// the page have a title and what they show; ROUTES are further addresses; those IN_VIEWER are shown over a section.

const main = document.getElementById("main");
let shownPlace = null;
const FIRST_SECTION = Object.keys(SECTIONS)[0];
let behindViewer = FIRST_SECTION;

function place() {
  const text = location.hash.slice(1);
  const at = text.indexOf("=");
  const decode = (part) => {
    try { return decodeURIComponent(part); } catch { return part; }
  };
  return at < 0 ? { name: text || FIRST_SECTION } : { name: text.slice(0, at), value: decode(text.slice(at + 1)) };
}

function go(address, replaces = false) {
  if (replaces) {
    history.replaceState(null, "", "#" + address);
    route();
  } else location.hash = address;
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
  if (!IN_VIEWER.has(name) && viewer.open) viewer.close();
  const section = Object.hasOwn(SECTIONS, name) ? name : FIRST_SECTION;
  if (Object.hasOwn(ROUTES, name)) ROUTES[name](value);
  else if (name !== "main") show(section, section);
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
