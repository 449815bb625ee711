// The dashboard: shows a run while it goes on. The file with its numbers is a script that calls show(), since a page that was
// opened from a disk may load no other kind of file.

const about = data("dashboard");
const main = document.getElementById("main");
const LOAD_EVERY_MS = 1000, QUIET_S = 60;
let latest = null, problem = "";

const state = make("h1", {}, "The run has not begun");
const news = make("p", { class: "faint", role: "status" });
const bar = make("progress", { max: 1, value: 0, "aria-label": "Jobs that have ended", class: "whole" });
const cards = make("ul", { class: "cards" });
const failures = make("section", { "aria-label": "Failures" });
const running = make("section", { "aria-label": "Running jobs" });
const rules = make("section", { "aria-label": "Rules" });

const STATES = { running: "The run goes on", done: "The run has ended well", failed: "The run has failed", interrupted: "The run was interrupted" };

/** Called by the file. */
function show(run) {
  const isNew = !latest || run.written_at !== latest.written_at;
  latest = run;
  problem = "";
  if (isNew) draw();
}

function card(title, value) {
  return make("li", { class: "card" }, make("strong", {}, value), title);
}

function draw() {
  const run = latest, ended = run.done + run.failed + run.skipped;
  const setText = (element, text) => { if (element.textContent !== text) element.textContent = text; };
  setText(state, run.due === 0 && run.state === "running" ? "The run begins" : run.due === 0 && run.state === "done" ? "There was nothing to do" : STATES[run.state]);
  document.title = `${run.due ? Math.floor((100 * ended) / run.due) : 0} % ${run.failed ? "(" + run.failed + " failed) " : ""}- ${heading}`;
  bar.max = Math.max(1, run.due);
  bar.value = ended;
  cards.replaceChildren(...[
    card(`done of ${countText(run.due, "job")}`, run.done.toLocaleString()), card("running", run.running.toLocaleString()), card("waiting", run.waiting.toLocaleString()),
    run.failed ? card("failed", run.failed.toLocaleString()) : null, run.skipped ? card("skipped, since a job that they need has failed", run.skipped.toLocaleString()) : null,
    run.interrupted ? card("interrupted", run.interrupted.toLocaleString()) : null, run.up_to_date ? card("up to date before", run.up_to_date.toLocaleString()) : null,
    run.remaining_s ? card("left, about", durationText(run.remaining_s)) : null,
  ].filter(Boolean));
  drawFailures(run);
  drawRules(run);
  drawTimes();
}

function table(label, titles, rows) {
  return make("div", { class: "scroll" }, make("table", { class: "rows" }, make("caption", { class: "hidden" }, label),
    make("thead", {}, make("tr", {}, titles.map(([title, isNumber]) => make("th", { scope: "col", class: isNumber ? "number" : null }, title)))),
    make("tbody", {}, rows.map((row) => make("tr", {}, row.map((cell, at) =>
      make("td", { class: titles[at][1] ? "number" : null, "data-title": titles[at][0] }, cell)))))));
}

function drawFailures(run) {
  const open = new Set([...failures.querySelectorAll("details[open]")].map((element) => element.dataset.key));
  failures.replaceChildren(...(run.failures.length ? [make("h2", {}, "What went wrong"), ...run.failures.map((job, at) => {
    const key = job.rule + "/" + job.name + "/" + (run.failures.length - at);
    const how = job.timed_out ? "took too long" : job.signal ? "signal " + job.signal : "exit code " + job.status;
    return make("details", { open: open.has(key), "data-key": key },
      make("summary", {}, make("strong", {}, own(job.rule)), own(job.name), " ", make("span", { class: "state-failed" }, how), job.will_retry ? ", is tried again" : ""),
      job.error ? make("pre", { tabindex: "0", dir: "auto" }, job.error) : "", job.output ? make("pre", { tabindex: "0", dir: "auto" }, job.output) : "",
      job.logs ? make("p", {}, "Log: ", own(job.logs)) : "");
  })] : []));
}

function drawRules(run) {
  const shown = run.rules.filter((rule) => rule.due + rule.done + rule.running + rule.failed > 0);
  rules.replaceChildren(make("h2", {}, "Rules"), table("Rules", [["Rule"], ["Done", true], ["Running", true], ["Failed", true], ["Mean time", true]], shown.map((rule) => {
    const due = Math.max(rule.due, rule.done + rule.running + rule.failed);
    return [own(rule.rule), make("span", {}, `${rule.done.toLocaleString()} of ${due.toLocaleString()}`, make("span", { class: "bar", style: `width:${(100 * rule.done) / Math.max(1, due)}%` })),
      rule.running ? rule.running.toLocaleString() : "", rule.failed ? rule.failed.toLocaleString() : "", rule.mean_s > 0 ? durationText(rule.mean_s) : ""];
  })));
}

/** What changes although nothing happens. */
function drawTimes() {
  const run = latest;
  if (!run) {
    news.textContent = problem || "Waiting for its first numbers.";
    return;
  }
  const now = Date.now() / 1000, isRunning = run.state === "running";
  const end = run.ended_at ?? now;
  const quiet = isRunning && now - run.written_at > QUIET_S ? ` There has been no news for ${durationText(now - run.written_at)}: it may have been killed.` : "";
  const cores = run.cores ? `, on ${countText(run.cores, "core")}` : "";
  news.textContent = run.began_at ? `${durationText(Math.max(0, end - run.began_at))} since ${timeText(run.began_at)}${run.host ? ", by " + run.user + " on " + run.host : ""}${cores}.${quiet}${problem}` : "";
  const jobs = [...run.jobs].sort((a, b) => a.started_at - b.started_at);
  const isPlaced = jobs.some((job) => job.host);
  running.replaceChildren(...(isRunning && jobs.length ? [make("h2", {}, "Running"), table("Running jobs", [["Rule"], ["Job"], ...(isPlaced ? [["Node"]] : []), ["Time", true]],
    jobs.map((job) => [own(job.rule), make("span", { class: "long" }, own(shortened(job.name, 300)), job.attempt > 1 ? ` (attempt ${job.attempt})` : ""),
      ...(isPlaced ? [own(job.host ?? "")] : []), durationText(Math.max(0, now - job.started_at))])),
  run.running > jobs.length ? make("p", { class: "faint" }, `and ${(run.running - jobs.length).toLocaleString()} more`) : ""] : []));
}

function shortened(text, most) {
  return text.length > most ? text.slice(0, most) + "\u2026" : text;
}

function load() {
  const script = make("script", { src: `${encodeURIComponent(about.file)}?${Date.now()}`,
    onload: () => script.remove(), onerror: () => { script.remove(); problem = ` ${about.file} is not beside this page.`; } });
  document.head.append(script);
  drawTimes();
  if (!latest || latest.state === "running" || document.hidden) setTimeout(load, LOAD_EVERY_MS);
  else setTimeout(load, 5 * LOAD_EVERY_MS);  // another run may write it again
}

const heading = document.title;
document.getElementById("title").append(own(heading));
document.querySelector("nav").remove();
main.replaceChildren(state, news, bar, cards, failures, running, rules, make("p", { class: "faint" }, "Folder: ", own(about.folder)));
load();
