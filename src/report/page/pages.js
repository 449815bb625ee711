// The sections of the report. Each function returns what its section shows.

const about = data("about");
const workflow = data("workflow");
const results = workflow.results;
const jobs = jobRows(data("jobs"));
const current = { table: null };

function jobRows(columns) {
  return columns.key.map((key, at) => {
    const phase = columns.phase[at], signal = columns.signal[at], status = columns.status[at];
    return {
      key, name: columns.wildcards[at] || key, rule: columns.rules[columns.rule[at]], host: columns.hosts[columns.host[at]],
      wildcards: columns.wildcards[at], state: { 1: "started", 2: "finished", 3: "failed" }[phase] ?? "",
      exit: signal ? "signal " + signal : phase === 3 ? "status " + status : "",
      started: columns.started[at], took: columns.took[at], cpu: columns.cpu[at], rss: columns.rss[at],
      threads: columns.threads[at], attempt: columns.attempt[at], params: columns.params[at], command: columns.command[at],
    };
  });
}

function tableSection(table) {
  current.table = table;
  return table.element;
}

function byRule() {
  const rules = new Map();
  for (const job of jobs) {
    const times = rules.get(job.rule) ?? { rule: job.rule, count: 0, total: 0, least: Infinity, most: 0, cpu: 0, rss: 0, failed: 0 };
    rules.set(job.rule, times);
    times.failed += job.state === "failed";
    if (job.state !== "finished") continue;
    times.count += 1;
    times.total += job.took;
    times.least = Math.min(times.least, job.took);
    times.most = Math.max(times.most, job.took);
    times.cpu += job.cpu;
    times.rss = Math.max(times.rss, job.rss);
  }
  return [...rules.values()];
}

function card(title, value) {
  return make("li", { class: "card" }, make("strong", {}, value), title);
}

const SECTIONS = {
  about: { title: "About", make: aboutSection },
  results: { title: "Results", make: resultsSection },
  statistics: { title: "Statistics", make: statisticsSection },
  rules: { title: "Rules", make: rulesSection },
  jobs: { title: "Jobs", make: jobsSection },
  configuration: { title: "Configuration", make: configurationSection },
};

function aboutSection() {
  const metadata = Object.entries(workflow.metadata);
  return [
    make("h1", {}, "About this workflow"),
    workflow.text ? prose(workflow.text) : "",
    metadata.length ? facts(metadata.map(([name, value]) => [name, nested(value)])) : "",
    make("ul", { class: "cards" }, card("in the report", countText(results.length, "result")),
      card("in " + countText(workflow.graph.rules.length, "rule"), countText(Object.values(about.jobs).reduce((a, b) => a + b, 0), "job")),
      card("when the report was made", timeText(about.made))),
    make("h2", {}, "Rules"), graphOfRules(),
    make("h2", {}, "Made by"),
    facts([["Snakefile", workflow.snakefile], ["Folder", about.folder], ["Furrow", about.version],
      ["Due", about.due ? `${countText(about.due, "job")} had to run again when the report was made` : ""]]),
  ];
}

function nested(value) {
  if (Array.isArray(value)) return make("ul", {}, value.map((item) => make("li", {}, nested(item))));
  if (value && typeof value === "object") return facts(Object.entries(value).map(([name, item]) => [name, nested(item)]));
  return own(value);
}

function graphOfRules() {
  const { rules, nodes, edges, width, height } = workflow.graph;
  const arrow = drawn("marker", { id: "arrow", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto" },
    drawn("path", { d: "M0,0L8,4L0,8z" }));
  const picture = drawn("svg", { width: width + 4, height: height + 4, viewBox: `-2 -2 ${width + 4} ${height + 4}`, role: "group" },
    drawn("title", {}, "Which rules need files of which others"), drawn("defs", {}, arrow));
  for (const edge of edges) picture.append(drawn("path", { d: edge[2], "marker-end": "url(#arrow)" }));
  rules.forEach((rule, at) => {
    const [x, y, w, h] = nodes[at];
    picture.append(drawn("a", { href: "#rule=" + encodeURIComponent(rule), "aria-label": `Rule ${rule}` },
      drawn("rect", { x, y, width: w, height: h, rx: 5 }),
      drawn("text", { x: x + w / 2, y: y + h / 2 }, shortened(rule, 50)), drawn("title", {}, rule)));
  });
  return make("div", { class: "graph", tabindex: "0", role: "region", "aria-label": "Graph of rules" }, picture);
}

function resultsSection(category) {
  const shown = category === undefined ? results : results.filter((result) => result.category === category);
  const labels = [...new Set(shown.flatMap((result) => Object.keys(result.labels)))].slice(0, 8);
  const link = (result) => make("a", { href: "#result=" + result.id }, own(result.name));
  const columns = [
    { title: "File", value: (result) => result.name, cell: link },
    ...labels.map((label) => ({ title: label, value: (result) => result.labels[label] ?? "" })),
    ...(category === undefined ? [{ title: "Category", value: (result) => result.category }] : []),
    ...(shown.some((result) => result.subcategory) ? [{ title: "Subcategory", value: (result) => result.subcategory }] : []),
    { title: "Rule", value: (result) => result.rule },
    { title: "Size", value: (result) => result.size, cell: (result) => sizeText(result.size), isNumber: true },
  ];
  const filters = [["Category", "category"], ["Subcategory", "subcategory"], ["Kind", "kind"], ["Rule", "rule"]]
    .map(([title, name]) => ({ title, value: (result) => result[name] }));
  const further = (result) => [result.path, result.caption, ...Object.values(result.wildcards), ...Object.values(result.labels)].join("\n");
  const table = new DataTable(columns, shown, { label: "results", noun: "result", filters, further });
  return [
    make("h1", {}, category === undefined ? "Results" : make("span", {}, "Results: ", own(category))),
    category === undefined ? categoryCards() : make("p", {}, make("a", { href: "#results" }, "All results")),
    results.length ? tableSection(table) : make("p", {}, "No output of the workflow is flagged with report()."),
  ];
}

function categoryCards() {
  const counts = new Map();
  for (const result of results) counts.set(result.category, (counts.get(result.category) ?? 0) + 1);
  if (counts.size < 2) return "";
  return make("ul", { class: "cards" }, [...counts].sort(byName).map(([name, count]) =>
    make("li", {}, make("a", { class: "card", href: "#category=" + encodeURIComponent(name) },
      make("strong", {}, own(shortened(name, 200))), countText(count, "result")))));
}

/** What has no category comes last. */
function byName([a], [b]) {
  return (a === "Other") - (b === "Other") || compare(a, b);
}

function statisticsSection() {
  const times = byRule();
  const longest = Math.max(...times.map((time) => time.total), 0) || 1;
  const done = jobs.filter((job) => job.state === "finished" && job.started > 0);
  const seconds = (title, value) => ({ title, value, isNumber: true, cell: (row) => (row.count ? durationText(value(row)) : "") });
  const total = { title: "Total time", value: (row) => row.total, isNumber: true, cell: (row) =>
    make("span", {}, durationText(row.total), make("span", { class: "bar", style: `width:${(100 * row.total) / longest}%` })) };
  const columns = [
    { title: "Rule", value: (row) => row.rule, cell: (row) => make("a", { href: "#rule=" + encodeURIComponent(row.rule) }, own(row.rule)) },
    { title: "Jobs", value: (row) => row.count, cell: (row) => row.count.toLocaleString(), isNumber: true }, total,
    seconds("Mean", (row) => row.total / row.count), seconds("Shortest", (row) => row.least), seconds("Longest", (row) => row.most),
    seconds("CPU time", (row) => row.cpu),
    { title: "Peak memory", value: (row) => row.rss, cell: (row) => (row.rss ? sizeText(row.rss * 1024) : ""), isNumber: true },
  ];
  const starts = done.map((job) => job.started), ends = done.map((job) => job.started + job.took);
  const least = (list) => list.reduce((a, b) => Math.min(a, b), Infinity);
  const most = (list) => list.reduce((a, b) => Math.max(a, b), 0);
  return [
    make("h1", {}, "Statistics"),
    done.length ? make("ul", { class: "cards" },
      card("with a record", countText(done.length, "job")),
      card("run time of all jobs together", durationText(done.reduce((sum, job) => sum + job.took, 0))),
      card("first start", timeText(least(starts))), card("last end", timeText(most(ends)))) : "",
    times.length ? tableSection(new DataTable(columns, times, { label: "rules", noun: "rule" }))
      : make("p", {}, "Nothing is recorded of the jobs of this workflow."),
  ];
}

function rulesSection(chosen) {
  return [make("h1", {}, "Rules"), ...workflow.rules.map((rule) => ruleDetails(rule, rule.name === chosen))];
}

function ruleDetails(rule, isOpen) {
  const place = `${rule.file}:${rule.line}`;
  const list = (texts) => (texts.length ? make("ul", {}, texts.slice(0, 500).map((text) => make("li", {}, make("code", {}, own(text))))) : "");
  const count = about.jobs[rule.name] ?? 0;
  return make("details", { open: isOpen, "data-rule": rule.name },
    make("summary", {}, make("strong", {}, own(rule.name)), make("span", { class: "faint" }, countText(count, "job"))),
    rule.docstring ? make("p", { dir: "auto" }, rule.docstring) : "",
    facts([["Written at", place], ["Input", list(rule.input)], ["Output", list(rule.output)], ["Script", rule.place]]),
    rule.code ? [make("h3", {}, "Code", rule.language ? ` (${rule.language})` : ""), make("pre", { tabindex: "0" }, make("code", {}, rule.code))] : "",
    rule.software.map((software) => [make("h3", {}, "Software: ", software.kind, software.name ? [" ", own(software.name)] : ""),
      make("pre", { tabindex: "0" }, software.text)]).flat());
}

function jobsSection() {
  const seconds = (title, name) => ({ title, value: (job) => job[name], cell: (job) => durationText(job[name]), isNumber: true });
  const columns = [
    { title: "Job", value: (job) => job.name, cell: (job) => make("button", { type: "button", class: "link", onclick: () => showJob(job) }, own(job.name)) },
    { title: "Rule", value: (job) => job.rule },
    { title: "State", value: (job) => job.state, cell: (job) => make("span", { class: "state-" + job.state }, job.state) },
    { title: "Started", value: (job) => job.started, cell: (job) => timeText(job.started), isNumber: true },
    seconds("Took", "took"), seconds("CPU time", "cpu"),
    { title: "Peak memory", value: (job) => job.rss, cell: (job) => (job.rss > 0 ? sizeText(job.rss * 1024) : ""), isNumber: true },
    { title: "Threads", value: (job) => job.threads, isNumber: true },
  ];
  const filters = [{ title: "Rule", value: (job) => job.rule }, { title: "State", value: (job) => job.state }, { title: "Host", value: (job) => job.host }];
  return [make("h1", {}, "Jobs"), jobs.length
    ? tableSection(new DataTable(columns, jobs, { label: "jobs", noun: "job", filters, further: (job) => job.key + "\n" + job.params }))
    : make("p", {}, "Nothing is recorded of the jobs of this workflow.")];
}

function configurationSection() {
  const rows = [];
  const walk = (value, path) => {
    const isTable = value !== null && typeof value === "object" && Object.keys(value).length > 0;
    if (!isTable) rows.push({ path, value: typeof value === "string" ? value : JSON.stringify(value) });
    else for (const [name, item] of Object.entries(value)) walk(item, Array.isArray(value) ? `${path}[${name}]` : path ? `${path}.${name}` : name);
  };
  walk(workflow.config, "");
  const columns = [{ title: "Name", value: (row) => row.path, cell: (row) => make("code", {}, own(row.path)) }, { title: "Value", value: (row) => row.value }];
  const isEmpty = Object.keys(workflow.config).length === 0;
  return [make("h1", {}, "Configuration"),
    workflow.configfiles.length ? facts([["Files", make("ul", {}, workflow.configfiles.map((file) => make("li", {}, own(file))))]]) : "",
    isEmpty ? make("p", {}, "The workflow has no configuration.") : tableSection(new DataTable(columns, rows, { label: "values", noun: "value" }))];
}
