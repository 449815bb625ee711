// What the viewer shows: one result, or one job.

const MOST_TEXT = 2_000_000;
let objectUrls = [];

function bytesOf(id) {
  const element = document.getElementById("file-" + id);
  if (!element) return null;
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(element.textContent);
  const binary = atob(element.textContent);
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < binary.length; at += 1) bytes[at] = binary.charCodeAt(at);
  return bytes;
}

/** Where the browser finds the file: in the page, or beside it in an unpacked archive. */
function addressOf(result) {
  const bytes = bytesOf(result.id);
  if (!bytes || about.archive) {
    const name = result.path.slice(result.path.lastIndexOf("/") + 1);
    return `data/raw/${result.id}/${encodeURIComponent(name)}`;
  }
  const address = URL.createObjectURL(new Blob([bytes], { type: result.mime }));
  objectUrls.push(address);
  return address;
}

function textOf(result) {
  const bytes = bytesOf(result.id);
  return bytes && new TextDecoder().decode(bytes);
}

const VIEWS = {
  image(result, address) {
    const image = make("img", { src: address, alt: [result.name, ...labelTexts(result)].join(", ") });
    const button = make("button", { type: "button", "aria-pressed": "false", onclick: () => {
      const isWhole = image.classList.toggle("whole");
      button.setAttribute("aria-pressed", String(isWhole));
    } }, "Actual size");
    return make("div", {}, image, make("p", {}, button));
  },
  table(result) {
    const text = textOf(result);
    if (text === null) return null;
    const table = tableOf(text.slice(0, MOST_TEXT * 4), result.mime);
    return table.element;
  },
  text(result) {
    const text = textOf(result);
    if (text === null) return null;
    const isCut = text.length > MOST_TEXT;
    return make("div", {}, make("pre", { tabindex: "0", dir: "auto" }, text.slice(0, MOST_TEXT)),
      isCut ? make("p", { class: "faint" }, "The rest is in the file: download it.") : "");
  },
  html(result, address) {
    // A page of its own: its scripts run, but see nothing of this one.
    const sandbox = about.archive ? null : "allow-scripts allow-popups allow-forms allow-downloads";
    const frame = make("iframe", { title: result.name, sandbox });
    if (about.archive) frame.src = address;
    else frame.srcdoc = textOf(result) ?? "";
    return frame;
  },
  pdf(result, address) {
    return make("div", {}, make("iframe", { title: result.name, src: address }),
      make("p", { class: "faint" }, "If nothing shows here: open it in a tab of its own, or download it."));
  },
};

function viewOf(result, address) {
  const view = VIEWS[result.kind]?.(result, address);
  return view ?? make("p", { class: "faint" }, "This file cannot be shown here. Open it, or download it.");
}

function labelTexts(result) {
  return Object.entries(result.labels).map(([name, value]) => `${name}: ${value}`);
}

function showResult(result, neighbours) {
  const address = addressOf(result);
  const file = result.path.slice(result.path.lastIndexOf("/") + 1);
  const at = neighbours.indexOf(result);
  const step = (by, text) => make("button", {
    type: "button", disabled: !neighbours[at + by], "data-step": by,
    onclick: () => go("result=" + neighbours[at + by].id, true),
  }, text);
  open(result.name, [
    step(-1, "Previous"), step(1, "Next"),
    make("a", { class: "button", href: address, target: "_blank", rel: "noopener" }, "Open"),
    make("a", { class: "button", href: address, download: file }, "Download"),
  ], [
    make("div", { class: "view" }, viewOf(result, address)),
    result.caption ? make("section", { "aria-label": "Caption" }, prose(result.caption)) : "",
    make("h3", {}, "Details"),
    facts([
      ["Path", result.path], ["Category", categoryText(result)],
      ...Object.entries(result.labels),
      ["Size", sizeText(result.size)], ["Kind", result.mime],
      ["Rule", make("a", { href: "#rule=" + encodeURIComponent(result.rule) }, own(result.rule))],
      ...Object.entries(result.wildcards).map(([name, value]) => ["Wildcard " + name, value]),
      ["Params", result.params],
    ]),
  ]);
}

function categoryText(result) {
  return result.subcategory ? `${result.category} / ${result.subcategory}` : result.category;
}

function showJob(job) {
  open(job.name, [], [facts([
    ["Rule", make("a", { href: "#rule=" + encodeURIComponent(job.rule) }, own(job.rule))],
    ["State", job.state], ["Exit", job.exit], ["Wildcards", job.wildcards], ["First output", job.key],
    ["Started", timeText(job.started)], ["Took", durationText(job.took)], ["CPU time", durationText(job.cpu)],
    ["Peak memory", job.rss > 0 ? sizeText(job.rss * 1024) : ""], ["Threads", String(job.threads)],
    ["Attempts", String(job.attempt)], ["Host", job.host], ["Params", job.params],
  ]), job.command ? make("h3", {}, "Command") : "", job.command ? make("pre", { tabindex: "0" }, job.command) : ""]);
}

let viewedResult = null;

/** The viewer is closed; the address may name another result already. */
function afterViewing() {
  objectUrls.forEach((address) => URL.revokeObjectURL(address));
  objectUrls = [];
  const { name, value } = place();
  if (name === "result" && (value === viewedResult || !viewedResult)) go(behindViewer, true);
  viewedResult = null;
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

const IN_VIEWER = new Set(["result"]);
const ROUTES = {
  category: (category) => show("category=" + encodeURIComponent(category), "results", category),
  rule: showRule,
  result: showResultOf,
};
