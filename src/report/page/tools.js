"use strict";
// Small tools: elements, numbers as texts, and the data of the page.

/** An element. Strings among CHILDREN become texts, so nothing that a name holds is ever read as HTML. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class") element.className = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

function drawn(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** A text of the user: its direction is its own. */
function own(text) {
  return make("bdi", {}, String(text));
}

function data(name) {
  const element = document.getElementById("data-" + name);
  return element ? JSON.parse(element.textContent) : null;
}

function sizeText(bytes) {
  if (bytes < 1000) return bytes + " B";
  const units = ["kB", "MB", "GB", "TB"];
  let value = bytes / 1000, at = 0;
  while (value >= 999.5 && at < units.length - 1) { value /= 1000; at += 1; }
  return (value < 10 ? value.toFixed(1) : Math.round(value)) + " " + units[at];
}

function durationText(seconds) {
  if (seconds < 0) return "";
  if (seconds < 10) return seconds.toFixed(seconds < 1 ? 2 : 1) + " s";
  const whole = Math.round(seconds);
  if (whole < 60) return whole + " s";
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${whole % 60} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

const TIME = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
function timeText(seconds) {
  return seconds > 0 ? TIME.format(new Date(seconds * 1000)) : "";
}

function countText(count, noun) {
  return `${count.toLocaleString()} ${noun}${count === 1 ? "" : "s"}`;
}

/** A list of names and values; those without a value are left out. */
function facts(pairs) {
  const list = make("dl", { class: "facts" });
  for (const [name, value] of pairs) {
    if (value === "" || value === null || value === undefined) continue;
    list.append(make("dt", {}, name), make("dd", {}, typeof value === "string" ? own(value) : value));
  }
  return list;
}

const DROPPED = "script, style, iframe, object, embed, link, meta, base, form";
const ADDRESSES = new Set(["href", "src", "xlink:href", "action", "formaction", "data", "poster", "background", "srcset"]);

/** HTML that was made from reStructuredText, without what could run or load anything. */
function prose(html) {
  const box = make("div", { class: "prose" });
  const parsed = new DOMParser().parseFromString(html, "text/html");
  parsed.querySelectorAll(DROPPED).forEach((element) => element.remove());
  for (const element of parsed.body.querySelectorAll("*")) {
    for (const { name, value } of [...element.attributes]) {
      const lower = name.toLowerCase();
      if (lower.startsWith("on") || lower === "style" && /url|expression/i.test(value)) element.removeAttribute(name);
      else if (ADDRESSES.has(lower)) checkAddress(element, name, value);
    }
  }
  box.append(...[...parsed.body.childNodes].map((node) => document.importNode(node, true)));
  return box;
}

function checkAddress(element, name, value) {
  const address = value.replace(/[\u0000-\u0020]/g, "");
  const isLink = element.localName === "a" && name === "href";
  if (isLink ? /^(#|https?:|mailto:)/i.test(address) : /^data:image\//i.test(address)) {
    if (isLink && !address.startsWith("#")) element.setAttribute("rel", "noopener noreferrer");
    return;
  }
  element.removeAttribute(name);
  if (element.localName === "img") element.replaceWith(element.alt || value);
}
