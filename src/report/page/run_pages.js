// The sections of the page about a run. Each function returns what its section shows.

const about = data("run");
const run = about.run;
const current = { table: null };
const NEVER = -1e8;  // times before it are not known
const jobs = jobRows(data("jobs"));
const attempts = attemptRows(data("attempts"));

const STATE_CLASSES = { "done": "finished", "made earlier": "finished", "failed": "failed", "timed out": "failed", "interrupted": "failed", "failed earlier": "failed" };

function jobRows(columns) {
  const text = (list, numbers) => (at) => columns[list][columns[numbers][at]];
  const [rule, reason, host] = [text("rules", "rule"), text("reasons", "reason"), text("hosts", "host")];
  return columns.key.map((key, at) => ({
    at, key, rule: rule(at), reason: reason(at), host: host(at), name: columns.wildcards[at] || key,
    wildcards: columns.wildcards[at], state: columns.state[at], isOfRun: columns.in_run[at] === 1,
    ready: columns.ready[at], handed: columns.handed[at], started: columns.started[at], ended: columns.ended[at],
    work: columns.work[at], cpu: columns.cpu[at], rss: columns.rss[at], threads: columns.threads[at],
    attempt: columns.attempt[at], status: columns.status[at], signal: columns.signal[at],
    waitedFor: columns.waited_for[at], ...columns.further[at],
    waited: columns.ready[at] > NEVER && columns.started[at] > NEVER ? Math.max(0, columns.started[at] - columns.ready[at]) : 0,
  }));
}

function attemptRows(columns) {
  return columns.job.map((job, at) => ({
    job: jobs[job], slot: columns.slot[at], number: columns.number[at], started: columns.started[at],
    took: columns.took[at], isRunning: columns.took[at] < 0, isFailed: columns.failed[at] === 1,
  }));
}

function tableSection(table) {
  current.table = table;
  return table.element;
}

function card(title, value) {
  return make("li", { class: "card" }, make("strong", {}, value), title);
}

const TIME_OF_DAY = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const dayOf = (seconds) => new Date(seconds * 1000).toDateString();

/** The moment of a time that counts from the begin of the run; without the day, if it is that of the begin. */
function momentText(since) {
  if (since <= NEVER) return "";
  const at = run.began_at + since;
  return dayOf(at) === dayOf(run.began_at) ? TIME_OF_DAY.format(new Date(at * 1000)) : timeText(at);
}

function stateText(job) {
  return make("span", { class: "state-" + (STATE_CLASSES[job.state] ?? "other") }, job.state);
}

function jobLink(job) {
  return make("button", { type: "button", class: "link", onclick: () => showJob(job) }, own(shortened(job.name, 200)));
}

const SECTIONS = {
  overview: { title: "Overview", make: overviewSection },
  timeline: { title: "Timeline", make: timelineSection },
  path: { title: "Critical path", make: pathSection },
  rules: { title: "Rules", make: rulesSection },
  jobs: { title: "Jobs", make: jobsSection },
};
const ROUTES = {
  rule: (rule) => show("rule=" + encodeURIComponent(rule), "jobs", rule),
};
const IN_VIEWER = new Set();
function afterViewing() {}

const STATE_TEXTS = {
  running: "runs", done: "has ended well", failed: "has failed", interrupted: "was interrupted", killed: "was killed",
  unknown: "has left records, but no journal",
};

function overviewSection() {
  const bad = jobs.filter((job) => job.isOfRun && STATE_CLASSES[job.state] === "failed");
  return [
    make("h1", {}, `The run ${STATE_TEXTS[run.state]}`),
    make("ul", { class: "cards" },
      card(about.has_journal ? `done of ${countText(run.due, "job")}` : "done", run.done.toLocaleString()),
      run.running ? card("running", run.running.toLocaleString()) : "",
      run.failed ? card("failed", run.failed.toLocaleString()) : "",
      run.interrupted ? card("interrupted", run.interrupted.toLocaleString()) : "",
      run.skipped ? card("skipped, since a job that they need has failed", run.skipped.toLocaleString()) : "",
      about.has_journal ? card("up to date", run.up_to_date.toLocaleString()) : "",
      card(run.state === "running" ? "so far" : "from the first moment to the last", durationText(run.wall_s)),
      card("work of all jobs together", durationText(total("work"))),
      card("critical path", durationText(run.critical_path_s)),
      about.has_journal ? card("jobs were ready and waited, together", durationText(run.jobs_waited_s)) : ""),
    run.damaged_records ? make("p", { class: "state-failed" }, `${countText(run.damaged_records, "record")} of the store could not be read.`) : "",
    bad.length ? failuresPart(bad) : "",
    coresPart(),
    make("h2", {}, "Slowest rules"), slowestRules(),
    make("h2", {}, "Facts"),
    facts([
      ["Folder", about.folder], ["Began", timeText(run.began_at)], ["Ended", run.ended_at ? timeText(run.ended_at) : ""],
      ["Cores", run.cores ? String(run.cores) : ""], ["Executor", run.executor], ["Host", run.host], ["User", run.user],
      ["Run", run.id], ["Exit code", run.state === "done" || run.state === "failed" ? String(run.exit_code) : ""],
      ["Stopped by signal", run.stopped_by_signal ? String(run.stopped_by_signal) : ""],
      ["Furrow", run.furrow], ["This page", `was made ${timeText(about.made)}`],
    ]),
  ];
}

function total(field) {
  return jobs.reduce((sum, job) => sum + (job.isOfRun ? job[field] : 0), 0);
}

function failuresPart(bad) {
  const shown = bad.slice(0, 20);
  return make("section", { "aria-label": "Failures" }, make("h2", {}, `What went wrong (${countText(bad.length, "job")})`),
    shown.map((job) => make("details", { open: shown.length < 4 },
      make("summary", {}, make("strong", {}, own(job.rule)), own(shortened(job.wildcards || job.key, 300)), " ", stateText(job), " ",
        make("span", { class: "faint" }, exitText(job))),
      job.error ? make("pre", { tabindex: "0", dir: "auto" }, job.error) : "",
      job.log ? make("pre", { tabindex: "0", dir: "auto" }, job.log) : make("p", { class: "faint" }, "It has no log, or an empty one."),
      make("p", {}, make("button", { type: "button", onclick: () => showJob(job) }, "All about this job")))),
    bad.length > shown.length ? make("p", {}, make("a", { href: "#jobs" }, "The others are among the jobs.")) : "");
}

function exitText(job) {
  if (job.signal) return "signal " + job.signal;
  return job.status ? "exit code " + job.status : "";
}

const USES = [
  ["worked", "worked", "jobs ran"],
  ["idle_jobs_ready", "held back", "jobs were ready, but resources, threads or the start of jobs held them back"],
  ["idle_nothing_ready", "idle", "no job was ready: those that were left waited for others"],
];

function coresPart() {
  const seconds = run.core_seconds;
  const all = seconds.worked + seconds.idle_jobs_ready + seconds.idle_nothing_ready;
  if (!run.cores || all <= 0) return "";
  const percent = (name) => (100 * seconds[name]) / all;
  const lost = run.wall_s - run.critical_path_s;
  return make("section", { "aria-label": "Use of cores" }, make("h2", {}, `What ${countText(run.cores, "core")} did`),
    make("div", { class: "stack", "aria-hidden": "true" },
      USES.filter(([name]) => percent(name) > 0).map(([name, kind]) => make("span", { class: "use-" + kind.replace(" ", "-"), style: `width:${percent(name)}%` }))),
    make("ul", { class: "uses" }, USES.map(([name, kind, text]) => make("li", {},
      make("span", { class: "swatch use-" + kind.replace(" ", "-"), "aria-hidden": "true" }),
      make("strong", {}, `${percent(name).toFixed(0)} % `), `${text} (${durationText(seconds[name])} of core time)`))),
    make("p", {}, `The critical path took ${durationText(run.critical_path_s)} of ${durationText(run.wall_s)}. `,
      lost > run.wall_s * 0.05 && run.jobs_waited_s > lost * 0.5
        ? `More cores (-c) can save ${durationText(lost)} at most.`
        : "More cores (-c) would hardly make it faster: shorten the jobs on the critical path."));
}

function slowestRules() {
  const rules = about.rules.filter((rule) => rule.work_s > 0).sort((a, b) => b.work_s - a.work_s).slice(0, 5);
  if (!rules.length) return make("p", {}, "No job has run.");
  const longest = rules[0].work_s;
  return make("div", { class: "scroll" }, make("table", { class: "rows" }, make("caption", { class: "hidden" }, "The slowest rules"),
    make("thead", {}, make("tr", {}, ["Rule", "Total time", "Longest job", "Waited"].map((title, at) => make("th", { scope: "col", class: at ? "number" : null }, title)))),
    make("tbody", {}, rules.map((rule) => make("tr", {},
      make("td", { "data-title": "Rule" }, ruleLink(rule.rule)),
      make("td", { "data-title": "Total time", class: "number" }, make("span", {}, durationText(rule.work_s), make("span", { class: "bar", style: `width:${(100 * rule.work_s) / longest}%` }))),
      make("td", { "data-title": "Longest job", class: "number" }, durationText(rule.longest_s)),
      make("td", { "data-title": "Waited", class: "number" }, durationText(rule.waited_s)))))));
}

function ruleLink(rule) {
  return make("a", { href: "#rule=" + encodeURIComponent(rule) }, own(rule));
}

function pathSection() {
  const chain = about.chain.map((at) => jobs[at]);
  const seconds = (title, name) => ({ title, value: (job) => job[name], cell: (job) => durationText(job[name]), isNumber: true });
  const longest = Math.max(...chain.map((job) => job.work), 0) || 1;
  const columns = [
    { title: "Job", value: (job) => job.name, cell: jobLink },
    { title: "Rule", value: (job) => job.rule, cell: (job) => ruleLink(job.rule) },
    { title: "Worked", value: (job) => job.work, isNumber: true, cell: (job) => make("span", {}, durationText(job.work), make("span", { class: "bar", style: `width:${(100 * job.work) / longest}%` })) },
    ...(about.has_journal ? [seconds("Waited before", "waited")] : []),
    { title: "Started", value: (job) => job.started, cell: (job) => momentText(job.started), isNumber: true },
  ];
  return [
    make("h1", {}, "Critical path"),
    make("p", {}, `Each of these jobs needs a file of the one before it. Together they worked for ${durationText(run.critical_path_s)}: with any number of cores, the run cannot take less.`),
    chain.length ? tableSection(new DataTable(columns, chain, { label: "jobs of the critical path", noun: "job" })) : make("p", {}, "No job has run."),
  ];
}

function rulesSection() {
  const longest = Math.max(...about.rules.map((rule) => rule.work_s), 0) || 1;
  const count = (title, name) => ({ title, value: (rule) => rule[name], cell: (rule) => (rule[name] ? rule[name].toLocaleString() : ""), isNumber: true });
  const seconds = (title, name) => ({ title, value: (rule) => rule[name], cell: (rule) => (rule[name] > 0 ? durationText(rule[name]) : ""), isNumber: true });
  const columns = [
    { title: "Rule", value: (rule) => rule.rule, cell: (rule) => ruleLink(rule.rule) },
    ...(about.has_journal ? [count("Due", "due"), count("Up to date", "up_to_date")] : []),
    count("Done", "done"), count("Failed", "failed"), count("Running", "running"),
    { title: "Total time", value: (rule) => rule.work_s, isNumber: true, cell: (rule) => (rule.work_s > 0 ? make("span", {}, durationText(rule.work_s), make("span", { class: "bar", style: `width:${(100 * rule.work_s) / longest}%` })) : "") },
    seconds("Longest job", "longest_s"), ...(about.has_journal ? [seconds("Waited", "waited_s")] : []), seconds("CPU time", "cpu_s"),
    { title: "Peak memory", value: (rule) => rule.max_rss_kb, cell: (rule) => (rule.max_rss_kb ? sizeText(rule.max_rss_kb * 1024) : ""), isNumber: true },
  ];
  return [make("h1", {}, "Rules"), tableSection(new DataTable(columns, about.rules, { label: "rules", noun: "rule" }))];
}

function jobsSection(rule) {
  const seconds = (title, name) => ({ title, value: (job) => job[name], cell: (job) => (job[name] > 0 ? durationText(job[name]) : ""), isNumber: true });
  const columns = [
    { title: "Job", value: (job) => job.name, cell: jobLink },
    { title: "Rule", value: (job) => job.rule },
    { title: "State", value: (job) => job.state, cell: stateText },
    { title: "Why", value: (job) => job.reason },
    { title: "Started", value: (job) => (job.started > NEVER ? job.started : ""), cell: (job) => momentText(job.started), isNumber: true },
    ...(about.has_journal ? [seconds("Waited", "waited")] : []), seconds("Worked", "work"), seconds("CPU time", "cpu"),
    { title: "Peak memory", value: (job) => job.rss, cell: (job) => (job.rss > 0 ? sizeText(job.rss * 1024) : ""), isNumber: true },
  ];
  const filters = [["Rule", "rule"], ["State", "state"], ["Host", "host"]].map(([title, name]) =>
    ({ title, value: (job) => job[name], chosen: name === "rule" ? rule : undefined }));
  const further = (job) => job.key + "\n" + (job.log ?? "") + "\n" + (job.command ?? "");
  return [make("h1", {}, "Jobs"), jobs.length
    ? tableSection(new DataTable(columns, jobs, { label: "jobs", noun: "job", filters, further })) : make("p", {}, "No job has a record.")];
}

function showJob(job) {
  const before = jobs[job.waitedFor];
  open(shortened(job.name, 300), [], [facts([
    ["Rule", ruleLink(job.rule)], ["State", stateText(job)], ["Exit", exitText(job)], ["Why it ran", job.reason],
    ["Wildcards", job.wildcards], ["First output", job.key],
    ["Was ready", momentText(job.ready)], ["Last waited for", before ? make("span", {}, own(before.rule), " ", own(before.name)) : ""],
    ["Started", momentText(job.started)], ["Waited", job.waited > 0 ? durationText(job.waited) : ""], ["Ended", momentText(job.ended)],
    ["Worked", job.work > 0 ? durationText(job.work) : ""], ["CPU time", job.cpu > 0 ? durationText(job.cpu) : ""],
    ["Peak memory", job.rss > 0 ? sizeText(job.rss * 1024) : ""], ["Threads", String(job.threads)], ["Attempts", String(job.attempt)],
    ["Host", job.host], ["Logs", job.logs?.length ? make("ul", {}, job.logs.map((log) => make("li", {}, own(log)))) : ""],
  ]),
  job.error ? [make("h3", {}, "Error"), make("pre", { tabindex: "0", dir: "auto" }, job.error)] : "",
  job.log ? [make("h3", {}, "End of its log"), make("pre", { tabindex: "0", dir: "auto" }, job.log)] : "",
  job.command ? [make("h3", {}, "Command"), make("pre", { tabindex: "0" }, job.command)] : ""].flat());
}
