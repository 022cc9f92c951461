// The view of a network: two layers, drawn as the sum of the units between them, whose bends and weights can be moved.

import { choice, make, shape } from "../base/elements.js";
import { numberField } from "../base/field.js";
import { oneStop } from "../base/keys.js";
import { fixed, plain } from "../base/numbers.js";
import { em } from "../base/page.js";
import { plot } from "../base/plot.js";
import { set } from "../base/state.js";
import { GRID, REACH, bends, error, fitted, network, parts, targetCurve } from "./numbers.js";
import { NAMES, height, slider } from "./shared.js";

const LARGEST = 100; // as in widget.py
const UP = { from: -4, to: 4, ticks: [-4, -2, 0, 2, 4] };
const NEAR = 1.6; // how near to a bend it is taken, in em
const COLUMNS = ["weight", "bias", "second weight"];

export function networkView(model, refuse) {
  const between = choice("Between the layers", Object.entries(NAMES), (value) => set(model, { between: value }));
  const count = choice("Units", Array.from({ length: 8 }, (_, at) => [at + 1, String(at + 1)]), (value) => set(model, fitted(model.get("target"), value)));
  const target = choice("Follow", [["wave", "wave"], ["hill", "hill"], ["stairs", "stairs"]], (value) => set(model, { target: value, ...fitted(value, model.get("units").length) }));
  const again = make("button", { type: "button", title: "Weights with which ReLU follows the target", click: () => set(model, fitted(model.get("target"), model.get("units").length)) }, "Fit");
  const input = slider("input x", REACH, (x) => set(model, { x }), takeBend);
  const table = make("div", { class: "course-units" });
  const key = make("div", { class: "course-keys" }, ...[["sum", "the network"], ["part", "what each unit adds"], ["target", "what it should follow"]].map(([kind, text]) => make("span", { class: `course-key course-${kind}` }, make("i", {}), text)));
  const node = make("div", {},
    make("div", { class: "course-controls" }, between.node, count.node, target.node, again),
    make("div", { class: "course-panels course-network" }, make("div", {}, key, input.figure), table));
  let rows = [];
  let drawn = null;
  let curves = {};
  let marker = () => {};
  let handles = [];
  let held = -1; // the unit whose bend is being dragged

  const traits = () => ["units", "offset", "between", "target", "leak", "x"].map((name) => model.get(name));
  const bent = () => model.get("between").endsWith("relu");

  function change(unit, column, value) {
    set(model, { units: model.get("units").map((row, at) => (at === unit ? row.map((one, number) => (number === column ? value : one)) : row)) });
  }

  // A bend that is near to the pointer is dragged in place of the input.
  function takeBend(x, y, first) {
    if (first) {
      const [units, offset, kind, , leak] = traits();
      const far = bends(units).map((place) => (place === null || !bent() ? Infinity : Math.hypot(drawn.x(place) - drawn.x(x), drawn.y(network(units, offset, kind, place, leak)) - drawn.y(y))));
      const nearest = Math.min(...far);
      held = nearest <= NEAR * em(node) ? far.indexOf(nearest) : -1;
    }
    if (held < 0) return false;
    const [weight] = model.get("units")[held];
    const inside = Math.max(-REACH + 0.01, Math.min(REACH - 0.01, x)); // a bend that leaves the figure could not be taken again
    change(held, 1, Math.max(-LARGEST, Math.min(LARGEST, Number((-weight * inside).toFixed(2)))));
    return true;
  }

  function build(units) {
    if (rows.length === units.length) return;
    const field = (label, take) => numberField(label, LARGEST, { take, refuse });
    rows = units.map((_, at) => {
      const fields = COLUMNS.map((column, number) => field(`${column} of unit ${at + 1}`, (value) => change(at, number, value)));
      const lever = make("input", { type: "range", min: -6, max: 6, step: 0.05, "aria-label": `second weight of unit ${at + 1}`, input: () => change(at, 2, Number(lever.value)) });
      const adds = make("span", { class: "course-adds" });
      return { fields, lever, adds, node: make("div", { class: "course-unit" }, make("b", {}, String(at + 1)), ...fields, lever, adds) };
    });
    const offset = field("offset, the bias of the second layer", (value) => set(model, { offset: value }));
    const total = make("b", { class: "course-adds" });
    oneStop(table, rows.map(({ fields }) => fields));
    rows.offset = offset;
    rows.total = total;
    table.replaceChildren(
      make("div", { class: "course-unit course-head" }, ...["", "weight", "bias", "second weight", "", "adds"].map((text) => make("span", {}, text))),
      ...rows.map((row) => row.node),
      make("div", { class: "course-unit course-total" }, make("span", {}), make("span", {}), make("label", { class: "course-label" }, "offset"), offset, make("span", { class: "course-label" }, "sum at x"), total));
  }

  function draw() {
    const across = { from: -REACH, to: REACH, ticks: [-4, -2, 0, 2, 4] };
    drawn = plot(Math.max(260, input.figure.clientWidth || 420), height(input.figure, node), "input x", across, UP, em(node));
    drawn.line("axis", [[-REACH, 0], [REACH, 0]]);
    drawn.line("axis", [[0, UP.from], [0, UP.to]]);
    curves = {};
    marker = drawn.marker(["dot"]);
    input.show(drawn);
  }

  // The curves of this moment in place of those before.
  function trace(units, offset, kind, goal, leak) {
    for (const path of Object.values(curves)) path.remove();
    curves = { target: drawn.curve("target", GRID.map((x) => targetCurve(goal, x))) };
    const each = GRID.map((x) => parts(units, kind, x, leak));
    units.forEach((_, at) => { curves[at] = drawn.curve("part", each.map((row) => row[at])); });
    const places = bends(units).filter((place) => bent() && place !== null);
    const xs = [...GRID, ...places].sort((a, b) => a - b); // so that a bend is as sharp as it is
    curves.sum = drawn.line("sum", xs.map((x) => [x, network(units, offset, kind, x, leak)]));
    handles.forEach((handle) => handle.remove());
    handles = bends(units).map((place, at) => {
      const y = place === null ? 0 : network(units, offset, kind, place, leak);
      const hidden = place === null || !bent() || Math.abs(y) > UP.to;
      const size = em(node);
      return hidden ? make("i", {}) : shape("g", { class: "course-bend" }, shape("circle", { cx: drawn.x(place), cy: drawn.y(y), r: 0.75 * size }), shape("text", { x: drawn.x(place), y: drawn.y(y) + 0.35 * size, "text-anchor": "middle" }, String(at + 1)));
    });
    drawn.inside.append(...drawn.inside.querySelectorAll(".course-marker, .course-dot"), ...handles.filter((handle) => handle.tagName === "g"));
  }

  function update() {
    const [units, offset, kind, goal, leak, x] = traits();
    build(units);
    between.show(kind);
    count.show(units.length);
    target.show(goal);
    trace(units, offset, kind, goal, leak);
    const added = parts(units, kind, x, leak);
    const total = network(units, offset, kind, x, leak);
    marker(x, [total]);
    rows.forEach(({ fields, lever, adds }, at) => {
      fields.forEach((field, number) => field.show(units[at][number]));
      lever.value = units[at][2];
      adds.textContent = plain(added[at]);
      adds.title = String(added[at]);
    });
    rows.offset.show(offset);
    rows.total.textContent = plain(total);
    input.say(x, `${plain(x)}; the network gives ${plain(total)}`);
  }

  // As `describe` in widget.py.
  function words() {
    const [units, offset, kind, goal, leak] = traits();
    const several = `${units.length} unit${units.length > 1 ? "s" : ""}`;
    const missed = `Its root mean squared error to the ${goal} is ${fixed(error(units, offset, kind, goal, leak), 3)}.`;
    if (kind === "nothing") {
      const [first, second] = [0, 1].map((x) => network(units, offset, kind, x, leak));
      return `With nothing between the layers the sum of ${several} is a straight line, ${plain(second - first)} x + ${plain(first)}, whatever the weights and however many units. ${missed}`.replace("+ −", "− ");
    }
    const found = bends(units).filter((place) => place !== null).length;
    const said = bent() ? `a unit bends the sum where it begins, ${found === 1 ? "once" : `${found} times`} between −5 and 5` : "each adds a smooth step to the sum";
    return `${several} with ${NAMES[kind]} between the layers: ${said}. ${missed}`;
  }

  return { node, draw, update, words };
}
