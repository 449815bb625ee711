// The timeline: a row for each slot, with attempts of jobs as bars; below it, how many run and wait. A drawing of a hundred
// thousand bars must stay quick, so it is a canvas; what it shows is in the table of jobs, too.

const HUES = [210, 30, 140, 280, 0, 175, 60, 320, 100, 245];
const COUNTS_HEIGHT = 70, AXIS_HEIGHT = 22, LONGEST_CANVAS = 4000;

class Timeline {
  constructor() {
    this.attempts = attempts.map((attempt) => ({ ...attempt, end: attempt.isRunning ? run.wall_s : attempt.started + attempt.took }))
      .sort((a, b) => a.slot - b.slot || a.started - b.started);
    const starts = this.attempts.map((attempt) => attempt.started);
    this.first = starts.reduce((least, at) => Math.min(least, at), 0);
    this.last = this.attempts.reduce((most, attempt) => Math.max(most, attempt.end), run.wall_s) || 1;
    this.slots = Math.max(about.slots, 1);
    this.row = Math.max(3, Math.min(22, Math.floor(700 / this.slots)), Math.min(3, LONGEST_CANVAS / this.slots));
    this.colours = new Map();
    about.rules.filter((rule) => rule.work_s > 0 || rule.running).sort((a, b) => b.work_s - a.work_s).forEach((rule, at) => this.colours.set(rule.rule, at));
    this.counts = countsOverTime();
    this.from = this.first;
    this.to = this.last;
    this.canvas = make("canvas", {
      tabindex: "0", role: "img", "aria-label": this.summary(), onkeydown: (event) => this.press(event),
      onpointermove: (event) => this.point(event), onpointerleave: () => this.say(""), onclick: (event) => this.click(event),
      onpointerdown: (event) => this.grab(event), onpointerup: () => { this.grabbed = null; },
    });
    this.canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    this.text = make("p", { class: "faint pointed", role: "status" });
    const button = (text, label, action) => make("button", { type: "button", "aria-label": label, onclick: action }, text);
    this.element = make("div", {},
      make("div", { class: "buttons" }, button("+", "Closer", () => this.zoom(0.5)), button("\u2212", "Farther", () => this.zoom(2)),
        button("\u2190", "Earlier", () => this.move(-0.25)), button("\u2192", "Later", () => this.move(0.25)), button("All", "Whole run", () => this.whole())),
      make("div", { class: "timeline" }, this.canvas), this.text, this.legend());
    new ResizeObserver(() => this.draw()).observe(this.element);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  summary() {
    return `${countText(this.attempts.length, "attempt")} of jobs on ${countText(this.slots, "slot")} in ${durationText(this.last - this.first)}. The table of jobs has the same.`;
  }

  legend() {
    const names = [...this.colours.keys()], shown = names.slice(0, HUES.length);
    return make("ul", { class: "legend" },
      shown.map((rule) => make("li", {}, make("span", { class: "swatch", style: `background:${this.colour(rule)}`, "aria-hidden": "true" }), ruleLink(rule))),
      names.length > shown.length ? make("li", { class: "faint" }, `and ${countText(names.length - shown.length, "other rule")} in grey`) : "",
      this.attempts.some((attempt) => attempt.isFailed) ? make("li", {}, make("span", { class: "swatch failed", "aria-hidden": "true" }), "failed or interrupted") : "");
  }

  colour(rule) {
    const at = this.colours.get(rule) ?? HUES.length;
    return at < HUES.length ? `hsl(${HUES[at]} 55% 55%)` : "hsl(0 0% 60%)";
  }

  x(at) { return ((at - this.from) / (this.to - this.from)) * this.width; }

  draw() {
    this.width = this.element.clientWidth;
    if (!this.width) return;
    const height = this.slots * this.row + AXIS_HEIGHT + COUNTS_HEIGHT, scale = devicePixelRatio || 1;
    Object.assign(this.canvas, { width: this.width * scale, height: height * scale });
    this.canvas.style.height = height + "px";
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue("--" + name).trim();
    const pen = this.canvas.getContext("2d");
    pen.scale(scale, scale);
    pen.font = "12px system-ui, sans-serif";
    this.drawAxis(pen, colour);
    this.drawBars(pen, colour);
    this.drawCounts(pen, colour);
  }

  drawAxis(pen, colour) {
    const bottom = this.slots * this.row;
    pen.fillStyle = colour("faint");
    pen.strokeStyle = colour("line");
    const step = niceStep((this.to - this.from) / Math.max(2, this.width / 110));
    for (let at = Math.ceil(this.from / step) * step; at <= this.to; at += step) {
      const x = this.x(at);
      pen.beginPath();
      pen.moveTo(x, 0);
      pen.lineTo(x, bottom + AXIS_HEIGHT + COUNTS_HEIGHT);
      pen.stroke();
      pen.fillText(axisText(at, step), x + 3, bottom + 15);
    }
  }

  drawBars(pen, colour) {
    const bad = colour("bad"), ink = "#111";
    let slot = -1, drawnTo = 0;
    for (const attempt of this.attempts) {
      if (attempt.end < this.from || attempt.started > this.to) continue;
      if (attempt.slot !== slot) { slot = attempt.slot; drawnTo = -1; }
      const left = Math.max(0, this.x(attempt.started)), right = Math.min(this.width, this.x(attempt.end));
      if (right < drawnTo + 0.3 && !attempt.isFailed) continue;  // it would not be seen
      drawnTo = right;
      const top = slot * this.row, wide = Math.max(0.7, right - left - (right - left > 3 ? 1 : 0));
      pen.fillStyle = attempt.isFailed ? bad : this.colour(attempt.job.rule);
      pen.globalAlpha = attempt.isRunning ? 0.6 : 1;
      pen.fillRect(left, top, wide, this.row - (this.row > 4 ? 1 : 0));
      pen.globalAlpha = 1;
      if (wide < 40 || this.row < 14) continue;
      pen.save();
      pen.beginPath();
      pen.rect(left, top, wide - 2, this.row);
      pen.clip();
      pen.fillStyle = attempt.isFailed ? "#fff" : ink;
      pen.fillText(attempt.job.rule + "  " + shortened(attempt.job.wildcards, 100), left + 4, top + this.row - 7);
      pen.restore();
    }
  }

  drawCounts(pen, colour) {
    const top = this.slots * this.row + AXIS_HEIGHT, high = COUNTS_HEIGHT - 14, bottom = top + COUNTS_HEIGHT;
    const most = Math.max(1, ...this.counts.most);
    const area = (field, fill) => {
      pen.fillStyle = fill;
      pen.beginPath();
      pen.moveTo(0, bottom);
      let value = 0;
      for (const count of this.counts.list) {
        const x = Math.max(0, Math.min(this.width, this.x(count.at)));
        pen.lineTo(x, bottom - (value / most) * high);
        value = count[field];
        pen.lineTo(x, bottom - (value / most) * high);
      }
      pen.lineTo(this.width, bottom - (value / most) * high);
      pen.lineTo(this.width, bottom);
      pen.fill();
    };
    area("both", colour("mark"));
    area("running", colour("bar"));
    pen.fillStyle = colour("faint");
    pen.fillText(`running and, above it, ready but waiting (up to ${most.toLocaleString()})`, 4, top + 10);
  }

  at(event) {
    const box = this.canvas.getBoundingClientRect();
    const time = this.from + ((event.clientX - box.left) / this.width) * (this.to - this.from);
    const slot = Math.floor((event.clientY - box.top) / this.row), near = (this.to - this.from) * (2 / this.width);
    return this.attempts.find((one) => one.slot === slot && one.started - near <= time && one.end + near >= time);
  }

  point(event) {
    if (this.grabbed) {
      const by = ((this.grabbed.x - event.clientX) / this.width) * (this.to - this.from);
      this.hasMoved ||= Math.abs(this.grabbed.x - event.clientX) > 3;
      this.set(this.grabbed.from + by, this.grabbed.to + by);
      return;
    }
    const found = this.at(event);
    this.canvas.style.cursor = found ? "pointer" : "default";
    this.say(found ? `${found.job.rule} ${shortened(found.job.name, 200)}: ${durationText(found.end - found.started)}, from ${durationText(found.started)}` +
      (found.number > 1 ? `, attempt ${found.number}` : "") + (found.isRunning ? ", runs" : "") : "");
  }

  say(text) { this.text.textContent = text || "Point at a bar, or click on it. Drag to move; Ctrl and the wheel, or + and \u2212, zoom."; }
  grab(event) { this.hasMoved = false; this.grabbed = { x: event.clientX, from: this.from, to: this.to }; }
  click(event) {
    const found = this.hasMoved ? null : this.at(event);
    if (found) showJob(found.job);
  }

  wheel(event) {
    if (!event.ctrlKey) return;
    event.preventDefault();
    const box = this.canvas.getBoundingClientRect();
    this.zoom(event.deltaY > 0 ? 1.25 : 0.8, (event.clientX - box.left) / this.width);
  }

  press(event) {
    const action = { "+": () => this.zoom(0.5), "=": () => this.zoom(0.5), "-": () => this.zoom(2), ArrowLeft: () => this.move(-0.25),
      ArrowRight: () => this.move(0.25), "0": () => this.whole(), Home: () => this.whole() }[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  }

  zoom(by, part = 0.5) {
    const middle = this.from + (this.to - this.from) * part, long = Math.max((this.to - this.from) * by, (this.last - this.first) / 1e5);
    this.set(middle - long * part, middle + long * (1 - part));
  }

  move(by) {
    const step = (this.to - this.from) * by;
    this.set(this.from + step, this.to + step);
  }

  whole() { this.set(this.first, this.last); }

  set(from, to) {
    const long = Math.min(to - from, this.last - this.first);
    this.from = Math.max(this.first, Math.min(from, this.last - long));
    this.to = this.from + long;
    this.draw();
  }
}

function niceStep(least) {
  return [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800,
    604800, 2592000, 31536000].find((step) => step >= least) ?? least;
}

function axisText(at, step) {
  if (step < 1) return at.toFixed(step < 0.01 ? 3 : step < 0.1 ? 2 : 1) + " s";
  return at < 1e-9 ? "0" : durationText(Math.round(at)).replace(/ 0 (s|min)$/, "");
}

/** How many jobs run, and how many are ready but wait, at each moment at which that changes. */
function countsOverTime() {
  const changes = [];
  for (const attempt of attempts) {
    changes.push([attempt.started, 1, 0]);
    if (!attempt.isRunning) changes.push([attempt.started + attempt.took, -1, 0]);
  }
  for (const job of jobs) {
    if (job.waited > 0) changes.push([job.ready, 0, 1], [job.started, 0, -1]);
  }
  changes.sort((a, b) => a[0] - b[0]);
  let running = 0, waiting = 0;
  const list = changes.map(([at, run, wait]) => {
    running += run;
    waiting += wait;
    return { at, running, both: running + waiting };
  });
  return { list, most: [list.reduce((most, count) => Math.max(most, count.both), 0)] };
}

function timelineSection() {
  if (!attempts.length) return [make("h1", {}, "Timeline"), make("p", {}, "No job has run.")];
  const timeline = new Timeline();
  timeline.say("");
  return [make("h1", {}, "Timeline"), timeline.element];
}
