// Tables that are searched, sorted and filtered; and the reading of CSV and TSV.

const ROWS_AT_ONCE = 200;
const MOST_PRINTED = 2000;

/** COLUMNS: {title, value(row), cell(row)?, isNumber?}; the value is what is sorted and searched. */
class DataTable {
  constructor(columns, rows, { label, noun = "row", filters = [], search = "", further = () => "" }) {
    Object.assign(this, { columns, rows, noun, further });
    this.sortedBy = null;
    this.isDown = false;
    this.texts = null;
    this.filters = filters.filter((filter) => this.choices(filter).length > 1);
    this.body = make("tbody");
    this.count = make("p", { class: "count", role: "status" });
    this.more = make("button", { type: "button", class: "more", onclick: () => this.showMore() });
    this.input = make("input", { type: "search", value: search, oninput: () => this.refresh(), autocomplete: "off", spellcheck: "false" });
    this.selects = this.filters.map((filter) => this.select(filter));
    this.heads = columns.map((column, at) => this.head(column, at));
    this.element = make("div", {},
      make("div", { class: "tools" },
        make("label", {}, `Search ${label}`, this.input),
        this.selects.map((select, at) => make("label", {}, this.filters[at].title, select)), this.count),
      make("div", { class: "scroll" },
        make("table", { class: "rows" }, make("caption", { class: "hidden" }, label),
          make("thead", {}, make("tr", {}, this.heads)), this.body)),
      this.more);
    this.refresh();
  }

  choices(filter) {
    return [...new Set(this.rows.map(filter.value))].filter((value) => value !== "").sort(compare);
  }

  select(filter) {
    const options = this.choices(filter).map((value) => make("option", { value }, shortened(value)));
    const select = make("select", { onchange: () => this.refresh() }, make("option", { value: "" }, "all"), options);
    select.value = filter.chosen ?? "";
    return select;
  }

  head(column, at) {
    const button = make("button", { type: "button", onclick: () => this.sortBy(at) }, own(column.title));
    return make("th", { scope: "col", class: column.isNumber ? "number" : null }, button);
  }

  sortBy(at) {
    this.isDown = this.sortedBy === at ? !this.isDown : false;
    this.sortedBy = at;
    this.heads.forEach((head, place) => {
      if (place === at) head.setAttribute("aria-sort", this.isDown ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
    this.refresh();
  }

  searchable() {
    this.texts ??= this.rows.map((row) =>
      (this.columns.map((column) => column.value(row)).join("\n") + "\n" + this.further(row)).toLowerCase());
    return this.texts;
  }

  found() {
    const words = this.input.value.toLowerCase().split(/\s+/).filter(Boolean);
    const texts = words.length ? this.searchable() : null;
    const chosen = this.selects.map((select) => select.value);
    const found = this.rows.filter((row, at) =>
      (!texts || words.every((word) => texts[at].includes(word))) &&
      chosen.every((value, place) => value === "" || String(this.filters[place].value(row)) === value));
    if (this.sortedBy === null) return found;
    const { value } = this.columns[this.sortedBy];
    const sign = this.isDown ? -1 : 1;
    return found.map((row) => [value(row), row]).sort((a, b) => sign * compare(a[0], b[0])).map((pair) => pair[1]);
  }

  refresh() {
    this.shown = this.found();
    this.body.replaceChildren();
    const all = this.rows.length, count = this.shown.length;
    this.count.textContent = count === all ? countText(all, this.noun) : `${count.toLocaleString()} of ${countText(all, this.noun)}`;
    this.showMore();
  }

  showMore(most = ROWS_AT_ONCE) {
    const at = this.body.rows.length;
    this.body.append(...this.shown.slice(at, at + most).map((row) => this.row(row)));
    const left = this.shown.length - this.body.rows.length;
    this.more.hidden = left <= 0;
    this.more.textContent = `Show more (${left.toLocaleString()} left)`;
  }

  row(row) {
    return make("tr", {}, this.columns.map((column) => {
      const content = column.cell ? column.cell(row) : own(column.value(row));
      const isEmpty = content === "" || (content instanceof Node && content.textContent === "");
      const kind = [column.isNumber ? "number" : "", isEmpty ? "empty" : ""].join(" ").trim();
      return make("td", { class: kind || null, "data-title": column.title },
        column.isNumber ? content : make("span", { class: "long", dir: "auto" }, content));
    }));
  }
}

addEventListener("beforeprint", () => {
  if (current.table) current.table.showMore(MOST_PRINTED);
});

function shortened(text, most = 80) {
  return text.length > most ? text.slice(0, most) + "\u2026" : text;
}

const ORDER = new Intl.Collator(undefined, { numeric: true });
const isNumeric = (value) => typeof value === "number" || (value !== "" && !Number.isNaN(Number(value)));

/** Numbers before texts, and what is empty last. */
function compare(a, b) {
  if (a === "" || b === "") return (a === "") - (b === "");
  const [left, right] = [isNumeric(a), isNumeric(b)];
  if (left && right) return Number(a) - Number(b);
  return left === right ? ORDER.compare(a, b) : right - left;
}

/** The rows of a table as RFC 4180 has them; SEPARATOR: a comma or a tab. */
function parseTable(text, separator) {
  const rows = [];
  let row = [], field = "", isQuoted = false;
  const endRow = () => {
    row.push(field);
    if (row.length > 1 || row[0] !== "") rows.push(row);
    row = [];
    field = "";
  };
  for (let at = text.charCodeAt(0) === 0xfeff ? 1 : 0; at < text.length; at += 1) {
    const c = text[at];
    if (isQuoted) {
      if (c !== '"') field += c;
      else if (text[at + 1] === '"') { field += c; at += 1; }
      else isQuoted = false;
    } else if (c === '"' && field === "") isQuoted = true;
    else if (c === separator) { row.push(field); field = ""; }
    else if (c === "\n") endRow();
    else if (c !== "\r" || text[at + 1] !== "\n") field += c;
  }
  endRow();
  return rows;
}

/** Some .csv files have semicolons or tabs. */
function separatorOf(text, mime) {
  if (mime === "text/tab-separated-values") return "\t";
  const line = text.slice(0, text.indexOf("\n") + 1 || text.length);
  const counts = [",", ";", "\t"].map((mark) => line.split(mark).length);
  return [",", ";", "\t"][counts.indexOf(Math.max(...counts))];
}

function tableOf(text, mime) {
  const [titles = [], ...rows] = parseTable(text, separatorOf(text, mime));
  const width = rows.reduce((most, row) => Math.max(most, row.length), titles.length);
  const columns = Array.from({ length: width }, (_, at) => ({
    title: titles[at] ?? `column ${at + 1}`,
    value: (row) => row[at] ?? "",
    isNumber: rows.length > 0 && rows.slice(0, 100).every((row) => (row[at] ?? "") === "" || isNumeric(row[at])),
  }));
  return new DataTable(columns, rows, { label: "the table" });
}
