// LearningRateSchedule: cycles and rates to set, how the rate moves, and where a network of one weight ends with it.
// The state is the model's traits; what follows from them is computed in numbers.js.

import { choice, heading, make, shape } from "../base/elements.js";
import { fixed, plain, significant, sum } from "../base/numbers.js";
import { em, exportButton, onWidth, page } from "../base/page.js";
import { clock, player, speedSlider } from "../base/player.js";
import { plot, roundTicks } from "../base/plot.js";
import { rateControls, typed } from "../base/rates.js";
import { set } from "../base/state.js";
import { EDGE, NARROW, SHIFT, STEPS, WIDE, ends, inWide, lengths, loss, meanValidation, momentum, multiple, multiples, place, placeIn, stepSizes, walkDown } from "./numbers.js";

const [MOST_EPOCHS, FITS, TRAIL] = [200, 100, 14];
const SHAPE = "rates kind cycles cycle_len cycle_mult"; // the traits that make a fit what it is
const DECADES = 3; // below the lowest rate, on a logarithmic axis

function cyclesOf(model) {
  return lengths(model.get("kind"), model.get("cycles"), model.get("cycle_len"), model.get("cycle_mult"));
}

function stepsOf(model) {
  return STEPS * sum(cyclesOf(model));
}

// A fit is walked through in at most so many steps of the player.
const TICKS = 280;

function stride(model) {
  return Math.max(1, Math.ceil(stepsOf(model) / TICKS));
}

const walk = {
  place: (model) => Math.ceil(model.get("step") / stride(model)),
  last: (model) => Math.ceil(stepsOf(model) / stride(model)),
  to: (model, at) => ({ step: Math.min(stepsOf(model), at * stride(model)) }),
};

function initialize({ model }) {
  return clock(model, walk);
}

// All that follows from the traits, but for the place in the fit.
function fitOf(model) {
  const cycles = cyclesOf(model);
  const shares = multiples(model.get("kind"), cycles);
  const rates = model.get("rates");
  const sizes = stepSizes(shares.map((share) => rates.at(-1) * share));
  return { cycles, epochs: sum(cycles), steps: shares.length, shares, sizes, weights: walkDown(sizes, model.get("seed")), ends: ends(sizes, FITS) };
}

// What one types for the fit; as `code` in widget.py.
function codeOf(model) {
  const [kind, cycles, cycleLen, cycleMult, rates] = ["kind", "cycles", "cycle_len", "cycle_mult", "rates"].map((name) => model.get(name));
  const call = (lr) => {
    if (kind === "one cycle") return `learner.fit_one_cycle(${lr}, ${cycles})`;
    if (kind === "constant") return `learner.fit(${lr}, ${cycles})`;
    return `learner.fit(${lr}, ${cycles}, cycle_len=${cycleLen}${cycleMult === 1 ? "" : `, cycle_mult=${cycleMult}`})`;
  };
  const [before, lr] = typed(rates);
  return before + call(lr);
}

function render({ model, el }) {
  const { root, heard, words } = page({ model, el }, "schedule");
  const steps = player(model, walk, "Step");
  const speed = speedSlider(model);
  let fit = fitOf(model);
  let moveMarker = () => {};
  let moveBall = () => {};
  let remark = ""; // what a control has just done, until something else moves

  // ---- controls
  const kinds = choice("Rate", [["restarts", "Restarts"], ["constant", "Constant"], ["one cycle", "One cycle"]], changeKind);
  const counts = {
    cycles: stepper("Cycles", "cycles"),
    cycle_len: stepper("cycle_len", "cycle_len"),
    cycle_mult: stepper("cycle_mult", "cycle_mult"),
  };
  const controls = rateControls(model, { take: takeRates, refuse: (text) => { words.textContent = text; } });
  const axis = choice("Axis", [[false, "linear"], [true, "log"]], (logarithmic) => set(model, { log_scale: logarithmic }));
  const others = make("button", { type: "button", title: "The same fit with the mini-batches in another order", click: () => {
    remark = "The same rates with other mini-batches. ";
    set(model, { seed: (model.get("seed") + 1) % FITS });
  } }, "Other mini-batches");

  // ---- figures
  const rateFigure = make("div", { class: "course-plot", tabindex: 0, role: "slider", "aria-label": "step of the fit", "aria-valuemin": 0, keydown: onKey });
  const lossFigure = make("div", { class: "course-plot course-still", "aria-hidden": "true" });
  const keys = make("div", { class: "course-keys" });
  const losses = { training: make("b", {}), validation: make("b", {}) };
  const code = make("pre", { class: "course-code" });
  const key = (kind, ...parts) => make("span", { class: `course-key course-${kind}` }, make("i", {}), ...parts);
  const panels = make("div", { class: "course-panels" },
    make("div", {}, heading("The learning rate"), keys, rateFigure),
    make("div", {}, heading("A network of one weight, trained with it"), make("div", { class: "course-keys" }, key("training", "loss on training data ", losses.training), key("validation", "on validation data ", losses.validation)), lossFigure));
  root.append(
    make("div", { class: "course-controls" }, kinds.node, ...Object.values(counts).map(({ node }) => node), axis.node),
    make("div", { class: "course-controls" }, ...controls.nodes),
    panels,
    words,
    make("div", { class: "course-controls course-below" }, steps.node, speed.node, others, exportButton(model, heard)),
    make("div", { class: "course-typed" }, make("span", { class: "course-label" }, "What to type:"), code),
  );

  // Buttons for a whole number from 1.
  function stepper(label, name) {
    const by = (more) => () => change({ [name]: model.get(name) + more });
    const less = make("button", { type: "button", "aria-label": `${label}: one less`, click: by(-1) }, "−");
    const more = make("button", { type: "button", "aria-label": `${label}: one more`, click: by(1) }, "+");
    const shown = make("output", { "aria-label": label });
    const title = make("span", { class: "course-label" }, label);
    const show = () => {
      title.textContent = name === "cycles" && model.get("kind") !== "restarts" ? "Epochs" : label;
      shown.textContent = model.get(name);
      less.disabled = model.get(name) <= 1;
      more.disabled = epochsWith({ [name]: model.get(name) + 1 }) > MOST_EPOCHS;
    };
    return { node: make("span", { class: "course-stepper", role: "group", "aria-label": label }, title, less, shown, more), show };
  }

  function epochsWith(values) {
    const get = (name) => values[name] ?? model.get(name);
    return sum(lengths(get("kind"), get("cycles"), get("cycle_len"), get("cycle_mult")));
  }

  // Another fit: what one has seen of it stays seen, as far as it goes.
  function change(values) {
    const before = sum(cyclesOf(model));
    const after = epochsWith(values);
    if (after > MOST_EPOCHS) {
      words.textContent = `That would be a fit of ${after} epochs, and at most ${MOST_EPOCHS} can be shown.`;
      return;
    }
    remark = after === before ? "" : `${plain(before)} epochs have become ${plain(after)}. `;
    const steps = STEPS * after;
    const whole = model.get("step") === stepsOf(model);
    set(model, { ...values, step: whole ? steps : Math.min(steps, model.get("step")), playing: false });
  }

  // Of as many epochs as there were, or as near below as restarts come.
  function changeKind(kind) {
    const epochs = sum(cyclesOf(model));
    let cycles = kind === "restarts" ? 1 : epochs;
    while (kind === "restarts" && epochsWith({ kind, cycles: cycles + 1 }) <= epochs) cycles++;
    change({ kind, cycles });
  }

  function takeRates(rates) {
    remark = "";
    set(model, { rates, playing: false });
  }

  function onKey(event) {
    const by = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: STEPS, PageDown: -STEPS }[event.key];
    if (by) steps.by(by);
    else if (!steps.key(event)) return;
    event.preventDefault();
  }

  // ---- drawing
  function drawRates() {
    const rates = model.get("rates");
    const [kind, logarithmic] = [model.get("kind"), model.get("log_scale")];
    const top = Math.max(...rates);
    const up = logarithmic
      ? { from: Math.floor(Math.log10(Math.min(...rates))) - DECADES + 1, to: Math.log10(top) + 0.15, write: (power) => significant(10 ** power) }
      : { from: 0, to: top * 1.08, write: (rate) => significant(rate) };
    up.ticks = logarithmic ? range(up.from, Math.floor(up.to + 1e-9)) : roundTicks(0, top, 4);
    const high = (rate) => (logarithmic ? Math.log10(Math.max(rate, 10 ** (up.from - 1))) : rate);
    const drawn = plot(...size(rateFigure), "epochs", { from: 0, to: fit.epochs, ticks: roundTicks(0, fit.epochs, 8).filter(Number.isInteger) }, { ...up, room: 58 }, em(root));
    let start = 0;
    const ends = fit.cycles.map((length) => (start += length));
    if (kind === "restarts") ends.slice(0, -1).forEach((end) => drawn.inside.append(shape("line", { class: "course-restart", x1: drawn.x(end), x2: drawn.x(end), y1: drawn.y(up.from), y2: drawn.y(up.to) })));
    rates.forEach((rate, group) => {
      const points = fit.cycles.flatMap((length, cycle) => {
        const samples = kind === "constant" ? 1 : Math.max(12, Math.ceil((240 * length) / fit.epochs));
        return Array.from({ length: samples + 1 }, (_, at) => [ends[cycle] - length + (length * at) / samples, high(rate * multiple(kind, at / samples))]);
      });
      drawn.line(`group course-group-${order(group)}`, points);
    });
    if (kind === "restarts" && fit.cycles.length <= 8) {
      fit.cycles.forEach((length, cycle) => {
        const wide = drawn.x(length) - drawn.x(0);
        const text = wide > 5 * em(root) ? `cycle ${cycle + 1}` : wide > 1.5 * em(root) ? `${cycle + 1}` : "";
        drawn.svg.append(shape("text", { class: "course-cycle", x: drawn.x(ends[cycle] - length / 2), y: drawn.y(up.to) - 2, "text-anchor": "middle" }, text));
      });
    }
    const move = drawn.marker(rates.map((_, group) => `group-${order(group)}`));
    moveMarker = () => {
      const share = shareAt();
      move(model.get("step") / STEPS, rates.map((rate) => (logarithmic && Math.log10(rate * share) < up.from ? null : rate * share)).map((rate) => rate === null ? null : high(rate)));
    };
    drawn.onDrag((epochs) => { remark = ""; set(model, { step: Math.round(epochs * STEPS), playing: false }); });
    rateFigure.replaceChildren(drawn.svg);
  }

  // Dashes are longest for the group before the last.
  function order(group) {
    return model.get("rates").length - 1 - group;
  }

  function drawLoss() {
    const unit = em(root) / 14;
    const drawn = plot(...size(lossFigure), "the weight", { from: 0, to: EDGE, ticks: [] }, { from: 0, to: 1.75, ticks: [0, 0.5, 1, 1.5] }, em(root));
    const curve = (by) => Array.from({ length: 251 }, (_, at) => loss(at / 25 - by));
    const ground = curve(0);
    const path = drawn.line("ground", [...ground.map((value, at) => [at / 25, value]), [EDGE, 0], [0, 0]]);
    path.setAttribute("class", "course-ground");
    drawn.curve("validation", curve(SHIFT));
    drawn.curve("training", ground);
    for (const [at, name] of [[NARROW, "narrow valley"], [WIDE, "wide valley"]]) drawn.inside.append(shape("text", { x: drawn.x(at), y: drawn.y(0) - 6 * unit, "text-anchor": "middle" }, name));
    const trail = Array.from({ length: TRAIL }, (_, age) => shape("circle", { class: "course-trail", r: 3.5 * unit, opacity: 0.75 * (1 - age / TRAIL) }));
    const pole = shape("line", { class: "course-pole" });
    const above = shape("rect", { class: "course-validation", width: 10 * unit, height: 10 * unit });
    const ball = shape("circle", { class: "course-ball", r: 8 * unit });
    drawn.inside.append(...trail, pole, above, ball);
    moveBall = () => {
      const step = model.get("step");
      const weight = fit.weights[step];
      const [x, y, validation] = [drawn.x(weight), drawn.y(loss(weight)), drawn.y(loss(weight - SHIFT))];
      trail.forEach((dot, age) => {
        const at = fit.weights[step - age - 1];
        dot.setAttribute("visibility", at === undefined ? "hidden" : "visible");
        if (at === undefined) return;
        dot.setAttribute("cx", drawn.x(at));
        dot.setAttribute("cy", drawn.y(loss(at)) - 6 * unit);
      });
      for (const [name, value] of Object.entries({ cx: x, cy: y - 8 * unit })) ball.setAttribute(name, value);
      for (const [name, value] of Object.entries({ x1: x, x2: x, y1: y, y2: validation })) pole.setAttribute(name, value);
      for (const [name, value] of Object.entries({ x: x - 5 * unit, y: validation - 5 * unit, transform: `rotate(45 ${x} ${validation})` })) above.setAttribute(name, value);
    };
    lossFigure.replaceChildren(drawn.svg);
  }

  function size(figure) {
    const high = Math.min((el.clientWidth > 900 ? 20 : 15) * em(root), Math.max(220, window.innerHeight / 2)); // so that the words stay in sight
    return [Math.max(220, figure.clientWidth || 520), Math.round(high)];
  }

  function shareAt() {
    const { position } = placeIn(fit.cycles, model.get("step") / STEPS);
    return multiple(model.get("kind"), position);
  }

  // As `_where` in widget.py.
  function where() {
    const [step, kind] = [model.get("step"), model.get("kind")];
    const rate = significant(model.get("rates").at(-1) * shareAt());
    if (step === fit.steps) return "The fit is over.";
    if (step === 0) return `Before the first of ${fit.steps} steps: the rate is ${rate}.`;
    const { cycle, position } = placeIn(fit.cycles, step / STEPS);
    if (kind !== "restarts") return `Step ${step} of ${fit.steps}: the rate is ${rate}.`;
    if (position === 0) return `Cycle ${cycle} of ${fit.cycles.length} is over, and the rate jumps back to ${rate}.`;
    return `Cycle ${cycle + 1} of ${fit.cycles.length}, step ${step} of ${fit.steps}: the rate is ${rate}.`;
  }

  function showKeys() {
    const [rates, share] = [model.get("rates"), shareAt()];
    const name = (group) => (rates.length === 1 ? "rate" : group === rates.length - 1 ? "last group" : `group ${group + 1}`);
    const moving = model.get("kind") === "one cycle" ? [make("span", {}, "momentum ", make("b", {}, fixed(momentum("one cycle", placeIn(fit.cycles, model.get("step") / STEPS).position), 3)))] : [];
    keys.replaceChildren(...rates.map((rate, group) => key(`group-${order(group)}`, `${name(group)} `, make("b", {}, significant(rate * share)))).reverse(), ...moving);
  }

  function update() {
    const step = model.get("step");
    const weight = fit.weights[step];
    if (weight === undefined) return; // the step of this fit is on its way
    moveMarker();
    moveBall();
    steps.show();
    showKeys();
    const [training, validation] = [loss(weight), loss(weight - SHIFT)].map((value) => fixed(value, 2));
    losses.training.textContent = training;
    losses.validation.textContent = validation;
    const epochs = `${fit.epochs} epoch${fit.epochs === 1 ? "" : "s"}`;
    words.textContent = `${remark}${where()} A network of one weight is ${place(weight)}: loss ${training} on the training data, ${validation} on the validation data. After ${epochs} it is ${place(fit.weights.at(-1))}. Of ${FITS} such fits, each with its own mini-batches, ${inWide(fit.ends)} end in the wide valley; the mean validation loss of the ${FITS} is ${fixed(meanValidation(fit.ends), 2)}.`;
    rateFigure.setAttribute("aria-valuemax", fit.steps);
    rateFigure.setAttribute("aria-valuenow", step);
    rateFigure.setAttribute("aria-valuetext", where());
  }

  function redraw() {
    fit = fitOf(model);
    kinds.show(model.get("kind"));
    Object.values(counts).forEach(({ show }) => show());
    counts.cycle_len.node.hidden = counts.cycle_mult.node.hidden = model.get("kind") !== "restarts";
    controls.show();
    axis.show(model.get("log_scale"));
    speed.show();
    code.textContent = codeOf(model);
    draw();
  }

  function draw() {
    drawRates();
    drawLoss();
    update();
  }

  heard.once(`${SHAPE} seed log_scale`, redraw);
  heard.on("step", () => {
    if (model.get("playing")) remark = "";
    update();
  });
  heard.on("playing", steps.show);
  heard.on("delay", speed.show);
  redraw();
  onWidth(heard, el, draw);

  return heard.stop;
}

function range(from, to) {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, at) => from + at);
}

function computed(model) {
  const fit = fitOf(model);
  return { curve: fit.shares.flatMap((share) => model.get("rates").map((rate) => share * rate)), weights: fit.weights, ends: fit.ends, mean_validation_loss: [meanValidation(fit.ends)] };
}

export default { initialize, render, computed };
