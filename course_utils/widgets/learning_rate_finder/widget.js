// LearningRateFinder: a search is replayed, its losses are smoothed, and a rate is taken from the curve.
// The state is the model's traits; what follows from them is computed in numbers.js.

import { heading, make, shape } from "../base/elements.js";
import { numberField } from "../base/field.js";
import { fixed, percent, significant } from "../base/numbers.js";
import { em, exportButton, onWidth, page } from "../base/page.js";
import { clock, player, speedSlider } from "../base/player.js";
import { plot, roundTicks } from "../base/plot.js";
import { set } from "../base/state.js";
import { gained, lossAt, lowest, smoothed, steepest, suggested, verdict } from "./numbers.js";

const [FEWEST, OF_THE_SEARCH, SMOOTHEST] = [10, 0.9, 0.98]; // as in widget.py
const VERDICTS = {
  low: "Too low: hardly anything is learnt",
  slow: "A low rate: it would learn, but slowly",
  good: "A good rate: the loss still falls there",
  bold: "A bold rate: it may learn faster, or fail",
  high: "Too high: the loss rises",
};
const MARKS = { low: "✗", slow: "○", good: "✓", bold: "○", high: "✗" };
const TICKS = 250; // a search is replayed in at most so many steps of the player

function stride(model) {
  return Math.max(1, Math.ceil(model.get("rates").length / TICKS));
}

const walk = {
  place: (model) => Math.ceil(model.get("step") / stride(model)),
  last: (model) => Math.ceil(model.get("rates").length / stride(model)),
  to: (model, at) => ({ step: Math.min(model.get("rates").length, at * stride(model)) }),
};

function initialize({ model }) {
  return clock(model, walk);
}

// What to show of the losses; as `loss_range` in widget.py, of the search's own smoothing, so that the axis keeps still.
function lossRange(losses) {
  const curve = smoothed(losses, OF_THE_SEARCH);
  const low = Math.min(...losses, ...curve);
  const high = Math.max(...curve);
  const from = low < 0 || low > high / 2 ? low : 0;
  return { from, to: high + (0.1 * (high - from) || 1) };
}

function render({ model, el }) {
  const { root, heard, words } = page({ model, el }, "finder");
  const steps = player(model, walk, "Step", { all: "All" });
  const speed = speedSlider(model);
  let curve = [];
  let remark = ""; // what a control has just done, until something else moves
  let show = () => {}; // what moves in the figure

  // ---- controls
  const smoothing = make("input", { type: "range", min: 0, max: SMOOTHEST, step: 0.02, "aria-label": "smoothing", input: () => smooth(Number(smoothing.value)) });
  const smoothness = make("output", {});
  const usual = make("button", { type: "button", title: "Smoothing 0.9, as in the search", click: () => smooth(OF_THE_SEARCH) }, "Back to 0.9");
  const figure = make("div", { class: "course-plot", tabindex: 0, role: "slider", "aria-label": "learning rate to take", keydown: onKey });
  const field = numberField("learning rate, as a number", model.get("rates").at(-1), { take: (rate) => take(rate, rate), least: model.get("rates")[0], refuse: (text) => { words.textContent = text; }, write: significant, example: "0.01 or 1e-3" });
  const rule = make("button", { type: "button", title: "Halfway between the steepest and a tenth of the lowest: the rule of the lessons", click: () => take(suggestedRate()) });
  const steep = make("button", { type: "button", title: "Where the curve falls fastest", click: () => take(model.get("rates")[steepest(curve)]) });
  const shown = make("output", { class: "course-rate" });
  const judged = make("span", { class: "course-verdict" });
  const code = make("pre", { class: "course-code" });
  root.append(
    make("div", { class: "course-controls" }, steps.node, speed.node,
      make("span", { class: "course-smoothing" }, make("label", {}, make("span", { class: "course-label" }, "Smoothing"), smoothing), smoothness, usual), exportButton(model, heard)),
    make("div", { class: "course-panels" },
      make("div", {},
        make("div", { class: "course-keys" }, make("span", { class: "course-key course-raw" }, make("i", {}), "loss of one mini-batch"), make("span", { class: "course-key course-average" }, make("i", {}), "smoothed")),
        figure),
      make("div", { class: "course-taken" }, heading("The rate to take"), shown, judged, make("label", {}, make("span", { class: "course-label" }, "Type one"), field), rule, steep,
        make("span", { class: "course-label" }, "What to type:"), code)),
    words,
  );

  function suggestedRate() {
    return suggested(model.get("rates"), curve);
  }

  function lowestRate() {
    return model.get("rates")[lowest(curve)];
  }

  // Two digits are enough for a rate that is pointed at; at the edges of the search they may be too few.
  function take(rate, rounded = Number(significant(rate))) {
    const rates = model.get("rates");
    remark = "";
    set(model, { rate: Math.min(rates.at(-1), Math.max(rates[0], rounded)), step: rates.length, playing: false });
  }

  function smooth(value) {
    const before = lowestRate();
    const after = model.get("rates")[lowest(smoothed(model.get("losses"), value))];
    remark = before && after && significant(before) !== significant(after) ? `With other smoothing the lowest point went from ${significant(before)} to ${significant(after)}. ` : "";
    set(model, { smoothing: value });
  }

  function onKey(event) {
    const rates = model.get("rates");
    const by = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10 }[event.key];
    if (by) take(model.get("rate") * 1.1 ** by);
    else if (event.key === "Home") take(rates[0]);
    else if (event.key === "End") take(rates.at(-1));
    else if (!steps.key(event)) return;
    event.preventDefault();
  }

  // ---- drawing
  function draw() {
    const [rates, losses] = [model.get("rates"), model.get("losses")];
    const powers = rates.map(Math.log10);
    const { from, to } = lossRange(losses);
    const across = { from: powers[0], to: Math.max(powers.at(-1), powers[0] + 1e-9), write: (power) => significant(10 ** power) };
    across.ticks = Array.from({ length: 40 }, (_, at) => at - 20).filter((power) => power >= across.from - 1e-9 && power <= across.to + 1e-9);
    const width = Math.max(240, figure.clientWidth || 720);
    const high = Math.min((el.clientWidth > 900 ? 25 : 19) * em(root), Math.max(240, window.innerHeight / 2)); // so that the words stay in sight
    const drawn = plot(width, Math.round(high), "learning rate", across, { from, to, ticks: roundTicks(from, to, 5), room: 42 }, em(root));
    const [left, right, top, bottom] = [drawn.x(across.from), drawn.x(across.to), drawn.y(to), drawn.y(from)];
    const best = lowestRate();
    if (best) {
      const edges = [suggestedRate() / 3, 3 * suggestedRate(), best].map((rate) => Math.max(left, Math.min(right, drawn.x(Math.log10(rate)))));
      drawn.inside.append(shape("rect", { class: "course-good", x: edges[0], y: top, width: edges[1] - edges[0], height: bottom - top }));
      for (const x of edges) drawn.inside.append(shape("line", { class: "course-edge", x1: x, x2: x, y1: top, y2: bottom }));
      const bands = [["low", left, edges[0]], ["good", edges[0], edges[1]], ["bold", edges[1], edges[2]], ["too high", edges[2], right]];
      for (const [name, start, end] of bands) if (end - start > (0.6 * name.length + 0.5) * em(root)) drawn.svg.append(shape("text", { class: "course-band", x: (start + end) / 2, y: top - 3, "text-anchor": "middle" }, name));
    }
    const dots = losses.map((loss, at) => shape("circle", { class: "course-raw", r: 0.22 * em(root), cx: drawn.x(powers[at]), cy: drawn.y(loss) }));
    drawn.inside.append(...dots);
    const path = drawn.line("average", []);
    const move = drawn.marker(["taken"]);
    show = () => {
      const step = model.get("step");
      dots.forEach((dot, at) => dot.setAttribute("visibility", at < step ? "visible" : "hidden"));
      path.setAttribute("d", curve.slice(0, step).map((loss, at) => `${at ? "L" : "M"}${drawn.x(powers[at]).toFixed(1)} ${drawn.y(loss).toFixed(1)}`).join(""));
      const whole = step === rates.length;
      const place = whole ? Math.log10(model.get("rate")) : powers[Math.max(0, step - 1)];
      move(place, [whole ? lossAt(rates, curve, model.get("rate")) : step ? curve[step - 1] : null]);
    };
    drawn.onDrag((power) => take(10 ** power));
    figure.replaceChildren(drawn.svg);
    update();
  }

  // As `describe` in widget.py.
  function describe(loss, share, kind) {
    const [rates, losses, step, rate] = ["rates", "losses", "step", "rate"].map((name) => model.get(name));
    if (step === 0) return `Before the first of ${rates.length} steps: the rate will grow from ${significant(rates[0])} on.`;
    if (step < rates.length) return `Step ${step} of ${rates.length}: the rate has grown to ${significant(rates[step - 1])}; the loss of this mini-batch is ${fixed(losses[step - 1], 2)}, smoothed ${fixed(curve[step - 1], 2)}.`;
    const here = `At a rate of ${significant(rate)} the smoothed loss is ${fixed(loss, 2)}`;
    if (!kind && rates.length < FEWEST) return `${here}. The search saw ${rates.length} step${rates.length > 1 ? "s" : ""}, too few to say which rate is good: search again with more steps, or with smaller mini-batches.`;
    if (!kind) return `${here}. The loss did not fall in this search: search again from a lower rate on, or with more steps.`;
    const best = lowestRate();
    const times = best >= rate ? `about ${significant(best / rate)} times as high` : `about ${significant(rate / best)} times lower`;
    return `${here}: ${percent(share)} of its way from ${fixed(curve[0], 2)} at first down to ${fixed(curve[lowest(curve)], 2)}. The lowest point is at ${significant(best)}, ${times}. ${VERDICTS[kind]}.`;
  }

  function update() {
    const [rates, rate] = [model.get("rates"), model.get("rate")];
    const loss = lossAt(rates, curve, rate);
    const share = lowest(curve) < 0 ? null : gained(curve, loss);
    const kind = lowest(curve) < 0 ? "" : verdict(rate, lowestRate(), suggestedRate(), share);
    show();
    steps.show();
    shown.textContent = significant(rate);
    judged.textContent = kind ? `${MARKS[kind]} ${VERDICTS[kind]}` : "";
    judged.className = `course-verdict course-${kind || "none"}`;
    field.show(rate);
    code.textContent = `lr = ${significant(rate, 12)}\nlearner.fit(lr, 3, cycle_len=1)`;
    words.textContent = remark + describe(loss, share, kind);
    for (const [name, value] of Object.entries({ valuemin: rates[0], valuemax: rates.at(-1), valuenow: rate, valuetext: `${significant(rate)}. ${kind ? VERDICTS[kind] : ""}` })) figure.setAttribute(`aria-${name}`, value);
  }

  function redraw() {
    curve = smoothed(model.get("losses"), model.get("smoothing"));
    smoothing.value = model.get("smoothing");
    smoothness.textContent = fixed(model.get("smoothing"), 2);
    smoothing.setAttribute("aria-valuetext", fixed(model.get("smoothing"), 2));
    usual.disabled = model.get("smoothing") === OF_THE_SEARCH;
    const there = lowest(curve) >= 0;
    rule.hidden = steep.hidden = !there;
    if (there) {
      rule.textContent = `Suggested: ${significant(suggestedRate())}`;
      steep.textContent = `Steepest: ${significant(model.get("rates")[steepest(curve)])}`;
    }
    speed.show();
    draw();
  }

  heard.once("rates losses smoothing", redraw);
  heard.once("rate step", () => {
    if (model.get("playing")) remark = "";
    update();
  });
  heard.on("playing", steps.show);
  heard.on("delay", speed.show);
  redraw();
  onWidth(heard, el, draw);

  return heard.stop;
}

function computed(model) {
  const curve = smoothed(model.get("losses"), model.get("smoothing"));
  return { curve, loss: [lossAt(model.get("rates"), curve, model.get("rate"))] };
}

export default { initialize, render, computed };
