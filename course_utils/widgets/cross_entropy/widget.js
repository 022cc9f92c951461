// CrossEntropy: a dot on the curve of −log for each prediction, to drag; the batch beside it, and the picture that is looked at.
// The state is the model's traits; what follows from them is computed in numbers.js.

import { choice, heading, make, shape } from "../base/elements.js";
import { numberField } from "../base/field.js";
import { fixed, percent, sum } from "../base/numbers.js";
import { em, exportButton, onWidth, page } from "../base/page.js";
import { plot } from "../base/plot.js";
import { set } from "../base/state.js";
import { logitFor, losses, nearest, probabilities, right, terms } from "./numbers.js";

const LARGEST = 100; // as in widget.py
const TOP = 5; // of the curve, in powers of e
const LEAST = Math.exp(-TOP); // the smallest probability that can be dragged to
const NEAR = 1.7; // how near to a dot it is taken, in em
const BASES = [[2, "2"], [Math.E, "e"], [10, "10"]];
const LOGS = new Map([[2, "log2"], [Math.E, "ln"], [10, "log10"]]);

// Three decimals, six where these would be zeros.
function share(probability) {
  if (probability < 1e-6) return "less than 0.000001";
  return fixed(probability, probability >= 0.001 ? 3 : 6);
}

function render({ model, el }) {
  const { root, heard, words } = page({ model, el }, "entropy");
  let first = model.get("logits"); // where Reset goes back to
  let own = ""; // the logits that were last set by hand, as text
  let remark = ""; // what a button has just shown, until something else moves
  let built = ""; // what the elements were made for
  let front = null; // the dot that stands above the others
  let drawn = null;
  let dots = [];
  let rows = [];
  let parts = [];

  // ---- controls
  const button = (text, title, click) => make("button", { type: "button", title, click }, text);
  const kind = choice("Each picture has", [["softmax", "one class (softmax)"], ["sigmoid", "any classes (sigmoid)"]], changeKind);
  const base = choice("Logarithm to base", BASES, (value) => set(model, { base: value }));
  const surer = button("Twice as sure", "Multiply every logit by 2", () => scale(2));
  const lessSure = button("Half as sure", "Divide every logit by 2", () => scale(0.5));
  const unsure = button("No idea", "Make every logit 0", () => scale(0));
  const reset = button("Reset", "Back to the numbers that were given", () => change(first, ""));
  const figure = make("div", {
    class: "course-plot course-curve", tabindex: 0, role: "slider", "aria-label": "probability that the truth was given", "aria-valuemin": 0, "aria-valuemax": 1, keydown: onKey,
  });
  const batch = make("div", { class: "course-batch", role: "radiogroup", "aria-label": "picture to look at", keydown: onRowKey });
  const mean = make("div", { class: "course-item course-mean" });
  const title = heading("");
  const detail = make("div", { class: "course-detail" });
  const curveTitle = heading("");
  root.append(
    make("div", { class: "course-controls" }, kind.node, base.node, make("span", { class: "course-player" }, surer, lessSure, unsure, reset), exportButton(model, heard)),
    make("div", { class: "course-panels" },
      make("div", {}, curveTitle, figure),
      make("div", {}, heading("The batch"), batch, mean, title, detail)),
    words,
  );

  // ---- what changes the state
  function change(logits, said) {
    remark = said;
    own = JSON.stringify(logits);
    set(model, { logits });
  }

  function moveLogit(row, at, value) {
    const inside = Math.max(-LARGEST, Math.min(LARGEST, value));
    change(model.get("logits").map((logits, number) => (number === row ? logits.map((logit, column) => (column === at ? inside : logit)) : logits)), "");
  }

  function scale(factor) {
    const before = found();
    const logits = model.get("logits").map((row) => row.map((logit) => Math.max(-LARGEST, Math.min(LARGEST, Number((logit * factor).toPrecision(12))))));
    change(logits, "");
    const after = found();
    const [was, is] = [before.mean, after.mean].map((value) => fixed(value, 3));
    if (factor === 0) {
      const count = model.get("classes").length;
      const [what, cost] = model.get("kind") === "softmax" ? [`each of the ${count} classes the same`, `${log()}(${count})`] : ["a half to each class", `${log()}(2)`];
      remark = ` Whoever has no idea gives ${what}, a loss of ${cost} = ${is}. A larger one is worse than knowing nothing.`;
    } else {
      const answers = before.hits === after.hits ? "Not one answer has changed" : `${after.hits} answers are right in place of ${before.hits}`;
      const why = factor > 1 ? "what is wrong is now surely wrong" : "what is wrong is less sure of it";
      remark = ` ${answers}, and the loss went from ${was} to ${is}${after.hits < after.asked && (factor > 1) === (after.mean > before.mean) ? `: ${why}` : ""}.`;
    }
    update();
  }

  function changeKind(value) {
    const truths = model.get("targets").map((row) => sum(row));
    const at = truths.findIndex((count) => count !== 1);
    remark = "";
    if (value === "softmax" && at >= 0) words.textContent = `Picture ${at + 1} has ${truths[at]} true classes, and softmax must choose one. Choose one for each picture, or stay with sigmoid.`;
    else if (value === "softmax" && model.get("classes").length < 2) words.textContent = "Softmax of one class is always 1: it needs two or more.";
    else set(model, { kind: value, focus: Math.max(0, model.get("targets")[model.get("selected")].indexOf(1)) });
  }

  function select(row) {
    remark = "";
    set(model, { selected: row, focus: Math.max(0, model.get("targets")[row].indexOf(1)) });
  }

  // Softmax: the class becomes the true one; sigmoid: it is true or not.
  function toggle(at) {
    const [row, one] = [model.get("selected"), model.get("kind") === "softmax"];
    const targets = model.get("targets").map((line, number) => (number !== row ? line : line.map((truth, column) => (column === at ? (one ? 1 : 1 - truth) : one ? 0 : truth))));
    remark = "";
    set(model, { targets, focus: at });
  }

  // The truth is given this probability.
  function give(probability) {
    const [row, at] = [model.get("selected"), looked()];
    const truth = model.get("targets")[row][at];
    const logit = logitFor(truth ? probability : 1 - probability, model.get("logits")[row], at, model.get("kind"));
    moveLogit(row, at, Number(logit.toFixed(3)));
  }

  // ---- what follows from the state
  function log() {
    return LOGS.get(model.get("base"));
  }

  function looked() {
    return model.get("kind") === "softmax" ? model.get("targets")[model.get("selected")].indexOf(1) : model.get("focus");
  }

  function found() {
    const { probabilities: given, terms: costs, losses: each } = computed(model);
    const answers = right(model.get("logits"), model.get("targets"), model.get("kind"));
    return { given, costs, each, mean: sum(each) / each.length, answers, hits: sum(answers.flat()), asked: answers.flat().length };
  }

  // The dots of the curve: with softmax one for each picture, with sigmoid one for each class of the picture that is looked at.
  function places({ each, costs, answers }) {
    const row = model.get("selected");
    if (model.get("kind") === "softmax") return each.map((cost, at) => ({ cost, right: answers[at][0], name: String(at + 1), chosen: at === row }));
    return costs[row].map((cost, at) => ({ cost, right: answers[row][at], name: model.get("classes")[at], chosen: at === model.get("focus") }));
  }

  // ---- pointer and keys
  function onPointer(x, y, first) {
    const by = model.get("base");
    const high = TOP / Math.log(by);
    const [across, up] = [drawn.x(1) - drawn.x(0), drawn.y(0) - drawn.y(1)];
    if (first) {
      const far = places(found()).map(({ cost }) => Math.hypot((by ** -cost - x) * across, (Math.min(cost, high) - y) * up));
      const at = far.indexOf(Math.min(...far));
      if (far[at] <= NEAR * drawn.em) pick(at);
    }
    give(nearest(x, y, by, across, up, LEAST));
  }

  function pick(at) {
    if (model.get("kind") === "sigmoid") set(model, { focus: at });
    else if (at !== model.get("selected")) select(at);
  }

  function onKey(event) {
    const by = { ArrowLeft: -0.01, ArrowDown: -0.01, ArrowRight: 0.01, ArrowUp: 0.01, PageDown: -0.1, PageUp: 0.1, Home: -1, End: 1 }[event.key];
    if (!by || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const { costs } = found();
    const now = model.get("base") ** -costs[model.get("selected")][looked()];
    give(Math.max(LEAST, Math.min(1 - LEAST, Math.round((now + by) * 100) / 100)));
  }

  function onRowKey(event) {
    const last = rows.length - 1;
    const now = model.get("selected");
    const to = { ArrowUp: now - 1, ArrowLeft: now - 1, ArrowDown: now + 1, ArrowRight: now + 1, Home: 0, End: last }[event.key];
    if (to === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    select(Math.max(0, Math.min(last, to)));
    rows[model.get("selected")].node.focus();
  }

  // ---- the figure: drawn anew for another base, width or count of dots
  function drawPlot() {
    const high = TOP / Math.log(model.get("base"));
    const ticks = Array.from({ length: Math.floor(high) + 1 }, (_, at) => at);
    const text = em(root);
    const width = Math.max(260, figure.clientWidth || 420);
    const height = (figure.clientWidth < 0.6 * root.clientWidth ? 22 : 18) * text; // beside the batch, or above it
    const label = model.get("kind") === "softmax" ? "probability that the truth was given" : "probability of what is true: p, or 1 − p";
    drawn = plot(width, height, label, { from: 0, to: 1, ticks: [0, 0.2, 0.4, 0.6, 0.8, 1] }, { from: 0, to: high, ticks }, text);
    const steps = 600;
    drawn.curve("loss", Array.from({ length: steps + 1 }, (_, at) => (at === 0 ? null : -Math.log(at / steps) / Math.log(model.get("base")))));
    const across = shape("line", { class: "course-average", x1: drawn.x(0), x2: drawn.x(1) });
    const said = shape("text", { class: "course-said", x: drawn.x(1) - 4, "text-anchor": "end" });
    dots = places(found()).map(({ name }) => {
      const box = shape("rect", {});
      const text = shape("text", { "text-anchor": "middle" }, name);
      return { box, text, node: shape("g", { class: "course-dot" }, box, text) };
    });
    drawn.inside.append(across);
    drawn.svg.append(said, ...dots.map(({ node }) => node)); // they stay inside, and whole
    drawn.average = (value) => {
      across.setAttribute("y1", drawn.y(Math.min(value, high)));
      across.setAttribute("y2", drawn.y(Math.min(value, high)));
      said.setAttribute("y", Math.max(2 * text, drawn.y(Math.min(value, high)) - 0.5 * text));
      said.textContent = `mean ${fixed(value, 3)}${value > high ? " ▲" : ""}`;
    };
    drawn.high = high;
    drawn.onDrag(onPointer);
    figure.replaceChildren(drawn.svg);
    drawn.em = text;
  }

  function placeDots(now) {
    const by = model.get("base");
    const all = places(now);
    all.forEach(({ cost, right: isRight, name, chosen }, at) => {
      const { box, text, node } = dots[at];
      const above = cost > drawn.high;
      text.textContent = `${name}${above ? ` ▲ ${fixed(cost, 2)}` : ""}`;
      const [wide, high] = [drawn.em * Math.max(1.7, 0.8 + 0.6 * text.textContent.length), 1.7 * drawn.em];
      const middle = drawn.y(Math.min(cost, drawn.high));
      const left = Math.max(drawn.x(0) - 6, Math.min(drawn.x(1) + 6 - wide, drawn.x(by ** -cost) - wide / 2));
      for (const [key, value] of Object.entries({ x: left, y: middle - high / 2, width: wide, height: high, rx: isRight ? high / 2 : 2 })) box.setAttribute(key, value);
      text.setAttribute("x", left + wide / 2);
      text.setAttribute("y", middle + 0.35 * drawn.em);
      node.setAttribute("class", `course-dot course-${isRight ? "right" : "wrong"}${chosen ? " course-chosen" : ""}`);
    });
    const chosen = dots[all.findIndex((one) => one.chosen)];
    if (chosen && chosen !== front) drawn.svg.append(chosen.node);
    front = chosen;
  }

  // ---- rows of the batch, and the classes of one picture
  function build() {
    const classes = model.get("classes");
    const key = JSON.stringify([classes, model.get("logits").length, model.get("kind"), model.get("base")]);
    if (key === built) return;
    built = key;
    front = null;
    rows = model.get("logits").map((_, at) => {
      const [truth, cost, mark, fill] = [make("span", { class: "course-truth" }), make("span", { class: "course-cost" }), make("b", {}), make("i", {})];
      const node = make("div", { class: "course-item", role: "radio", click: () => { select(at); node.focus(); } },
        make("b", { class: "course-number" }, String(at + 1)), truth, make("div", { class: "course-bar", "aria-hidden": "true" }, fill), cost, mark);
      return { node, truth, cost, mark, fill };
    });
    batch.replaceChildren(...rows.map(({ node }) => node));
    parts = classes.map((name, at) => {
      const change = (value) => moveLogit(model.get("selected"), at, value);
      const slider = make("input", { type: "range", step: 0.1, "aria-label": `logit of ${name}`, input: () => change(Number(slider.value)), focus: () => model.get("kind") === "sigmoid" && set(model, { focus: at }) });
      const field = numberField(`logit of ${name}, as a number`, LARGEST, { take: change, refuse: (text) => { words.textContent = text; } });
      const truth = make("button", { type: "button", click: () => toggle(at) }, "");
      const [fill, number, cost] = [make("i", {}), make("span", { class: "course-given" }), make("span", { class: "course-term" })];
      const node = make("div", { class: "course-part" }, truth, slider, field, make("div", { class: "course-bar", "aria-hidden": "true" }, fill), number, cost);
      return { node, slider, field, truth, fill, number, cost };
    });
    detail.replaceChildren(make("div", { class: "course-part course-head", "aria-hidden": "true" }, make("span", {}, model.get("kind") === "softmax" ? "True class" : "True?"), make("span", {}, "Logit"), make("span", {}), make("span", { class: "course-wide" }, "Probability"), make("span", {}), make("span", { class: "course-term" }, "Loss")), ...parts.map(({ node }) => node));
    drawPlot();
  }

  function update() {
    const [logits, targets, classes, row] = ["logits", "targets", "classes", "selected"].map((name) => model.get(name));
    const softmaxed = model.get("kind") === "softmax";
    const all = found();
    const total = sum(all.each);
    const most = Math.max(...all.each, 1e-9);
    kind.show(model.get("kind"));
    base.show(model.get("base"));
    curveTitle.textContent = `The loss of a prediction: −${log()}(p)`;
    surer.disabled = lessSure.disabled = unsure.disabled = logits.flat().every((logit) => logit === 0);
    reset.disabled = JSON.stringify(logits) === JSON.stringify(first);
    rows.forEach(({ node, truth, cost, mark, fill }, at) => {
      const hits = all.answers[at];
      const isRight = hits.every(Boolean);
      const names = classes.filter((_, column) => targets[at][column]).join(", ") || "none";
      truth.textContent = truth.title = names;
      cost.textContent = fixed(all.each[at], 3);
      cost.title = String(all.each[at]);
      fill.style.width = `${(100 * all.each[at]) / most}%`;
      mark.textContent = isRight ? "✓ right" : softmaxed ? "✗ wrong" : `✗ ${hits.length - sum(hits)} wrong`;
      node.className = `course-item course-${isRight ? "right" : "wrong"}`;
      node.setAttribute("aria-checked", String(at === row));
      node.setAttribute("tabindex", at === row ? 0 : -1);
      node.setAttribute("aria-label", `picture ${at + 1}, ${names}: loss ${fixed(all.each[at], 3)}, ${mark.textContent.slice(2)}`);
    });
    mean.replaceChildren(make("b", { class: "course-truth" }, "Mean"), make("span", {}, `${all.hits} of ${all.asked} right`), make("b", { class: "course-cost" }, fixed(all.mean, 3)), make("span", {}));
    title.textContent = `Picture ${row + 1}: ${softmaxed ? "the true class alone is asked" : "each class is asked by itself"}`;
    const reach = Math.max(10, Math.ceil(Math.max(...logits.flat().map(Math.abs))));
    parts.forEach(({ node, slider, field, truth, fill, number, cost }, at) => {
      const true_ = targets[row][at] === 1;
      slider.min = -reach;
      slider.max = reach;
      slider.value = logits[row][at];
      field.show(logits[row][at]);
      truth.textContent = `${true_ ? "✓ " : ""}${classes[at]}`;
      truth.title = softmaxed ? `Make ${classes[at]} the true class` : `Is ${classes[at]} in the picture?`;
      truth.setAttribute("aria-pressed", String(true_));
      const p = all.given[row][at];
      fill.style.width = `${100 * p}%`;
      number.textContent = fixed(p, 3);
      number.title = String(p);
      cost.textContent = softmaxed && !true_ ? "–" : fixed(all.costs[row][at], 3);
      cost.title = softmaxed && !true_ ? "" : `−${log()}(${true_ ? "" : "1 − "}${share(p)})`;
      node.className = `course-part${at === looked() ? " course-looked-at" : ""}`;
    });
    drawn.average(all.mean);
    placeDots(all);
    const at = looked();
    const [p, true_, name] = [all.given[row][at], targets[row][at] === 1, classes[at]];
    const spelled = `−${log()}(${true_ ? "" : "1 − "}${share(p)}) = ${fixed(all.costs[row][at], 3)}`;
    figure.setAttribute("aria-valuenow", fixed(true_ ? p : 1 - p, 3));
    figure.setAttribute("aria-valuetext", `picture ${row + 1}, ${name}: ${fixed(true_ ? p : 1 - p, 3)}, a loss of ${fixed(all.costs[row][at], 3)}`);
    const there = softmaxed ? `the truth is ${name}, and` : `${name} is ${true_ ? "" : "not "}there, and`;
    const part = logits.length > 1 && total > 0 ? `, ${percent(all.each[row] / total)} of the sum over the batch` : "";
    const own = softmaxed ? `its loss is ${spelled}${part}.` : `that term is ${spelled}${classes.length > 1 ? `. The mean of its ${classes.length} terms is ${fixed(all.each[row], 3)}` : ""}${part}.`;
    words.textContent = `Picture ${row + 1}: ${there} the network gives it ${share(p)}; ${own} The mean loss is ${fixed(all.mean, 3)}; ${all.hits} of ${all.asked} answers are right.${remark}`;
  }

  function redraw() {
    const fits = model.get("targets").length === model.get("logits").length && model.get("classes").length === model.get("logits")[0].length;
    if (!fits) return; // one of them is still on its way
    build();
    update();
  }

  // Logits from elsewhere, Python or another view, are a new beginning.
  function onLogits() {
    if (JSON.stringify(model.get("logits")) !== own) first = model.get("logits");
  }

  heard.on("logits", onLogits);
  heard.once("logits targets classes kind base selected focus", redraw);
  onWidth(heard, root, () => { front = null; drawPlot(); update(); });
  redraw();

  return heard.stop;
}

function computed(model) {
  const [logits, targets, kind, base] = ["logits", "targets", "kind", "base"].map((name) => model.get(name));
  const costs = terms(logits, targets, kind, base);
  return { probabilities: probabilities(logits, kind), terms: costs, losses: losses(costs, kind) };
}

export default { render, computed };
