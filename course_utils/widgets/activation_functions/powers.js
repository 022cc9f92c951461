// The view of exp and log: a product as the area of a rectangle, and its logarithm as the sum of two areas below 1/t.

import { make, heading, shape } from "../base/elements.js";
import { plain } from "../base/numbers.js";
import { em } from "../base/page.js";
import { plot } from "../base/plot.js";
import { set } from "../base/state.js";
import { powers } from "./numbers.js";
import { height } from "./shared.js";

const MOST = 1.5; // as in widget.py
const ENDS = [5, 10, 25]; // how far the axis of the areas goes
const TOP = 2;

export function powersView(model) {
  const levers = ["p", "q"].map((name, at) => {
    const slider = make("input", { type: "range", min: -MOST, max: MOST, step: 0.01, "aria-label": name, input: () => change(at, Number(slider.value)) });
    const output = make("output", {});
    return { slider, output, node: make("label", { class: "course-lever" }, make("b", {}, name), slider, output) };
  });
  const example = (text, p, q) => make("button", { type: "button", click: () => set(model, { exponents: [p, q] }) }, text);
  const examples = [example("2 × 3", Math.log(2), Math.log(3)), example("3 / 2", Math.log(3), -Math.log(2)), example("4 × ½", Math.log(4), -Math.log(2))];
  const figures = [make("div", { class: "course-plot", "aria-hidden": "true" }), make("div", { class: "course-plot", "aria-hidden": "true" })];
  const node = make("div", {},
    make("div", { class: "course-controls" }, ...levers.map((lever) => lever.node), make("span", { class: "course-player" }, ...examples)),
    make("div", { class: "course-panels course-powers" },
      make("div", {}, heading("exp: a product, an area"), figures[0]),
      make("div", {}, heading("log: a sum, two areas below 1/t"), figures[1])));

  function change(at, value) {
    set(model, { exponents: model.get("exponents").map((one, number) => (number === at ? value : one)) });
  }

  function drawRectangle([a, b, both], [p, q]) {
    const range = { from: 0, to: 5, ticks: [0, 1, 2, 3, 4, 5] };
    const drawn = plot(Math.max(240, figures[0].clientWidth || 360), height(figures[0], node), `exp(${plain(p)}) = ${plain(a)}`, range, range, em(node));
    const [left, top, right, bottom] = [drawn.x(0), drawn.y(b), drawn.x(a), drawn.y(0)];
    drawn.inside.append(shape("rect", { class: "course-first", x: left, y: top, width: right - left, height: bottom - top }));
    drawn.svg.append(
      shape("text", { class: "course-large-number", x: (left + right) / 2, y: (top + bottom) / 2 + 0.35 * em(node), "text-anchor": "middle" }, plain(both)),
      shape("text", { class: "course-side-number", x: right + 8, y: (top + bottom) / 2 + 0.35 * em(node) }, `exp(${plain(q)}) = ${plain(b)}`));
    figures[0].replaceChildren(drawn.svg);
  }

  function drawAreas([a, b, both], [p, q]) {
    const end = ENDS.find((one) => Math.max(a, b, both) <= one);
    const across = { from: 0, to: end, ticks: Array.from({ length: 6 }, (_, at) => (at * end) / 5) };
    const drawn = plot(Math.max(240, figures[1].clientWidth || 360), height(figures[1], node), "t", across, { from: 0, to: TOP, ticks: [0, 1, 2] }, em(node));
    const area = (kind, from, to) => {
      const [start, stop] = [Math.min(from, to), Math.max(from, to)];
      const edge = Array.from({ length: 81 }, (_, at) => start + ((stop - start) * at) / 80).map((t) => `L${drawn.x(t)} ${drawn.y(1 / t)}`);
      drawn.inside.append(shape("path", { class: `course-${kind}`, d: `M${drawn.x(start)} ${drawn.y(0)}${edge.join("")}L${drawn.x(stop)} ${drawn.y(0)}z` }));
    };
    area("first", 1, a);
    area("second", a, both);
    const size = em(node);
    for (const [name, from, to] of [["p", 1, a], ["q", a, both]]) { // where there is room for it
      const middle = (from + to) / 2;
      if (Math.abs(drawn.x(to) - drawn.x(from)) > 1.5 * size) drawn.svg.append(shape("text", { class: "course-side-number", x: drawn.x(middle), y: drawn.y(0) - 0.5 * size, "text-anchor": "middle" }, name));
    }
    drawn.line("curve", Array.from({ length: 200 }, (_, at) => 1 / TOP + ((end - 1 / TOP) * at) / 199).map((t) => [t, 1 / t]));
    const mark = (t, text, lift) => drawn.svg.append(
      shape("line", { class: "course-marker", x1: drawn.x(t), x2: drawn.x(t), y1: drawn.y(0), y2: drawn.y(0.6) - lift }),
      shape("text", { class: "course-side-number", x: drawn.x(t) + 5, y: drawn.y(0.6) - lift }, text));
    mark(a, plain(a), 3.2 * size);
    mark(both, plain(both), 1.6 * size);
    drawn.svg.append(
      shape("text", { class: "course-side-number", x: drawn.x(end), y: drawn.y(TOP) + 1.2 * size, "text-anchor": "end" }, `p: log(${plain(a)}) = ${plain(p)}`),
      shape("text", { class: "course-side-number", x: drawn.x(end), y: drawn.y(TOP) + 2.6 * size, "text-anchor": "end" }, `q: log(${plain(b)}) = ${plain(q)}`),
      shape("text", { class: "course-side-number", x: drawn.x(end), y: drawn.y(TOP) + 4 * size, "text-anchor": "end" }, `p + q: log(${plain(both)}) = ${plain(p + q)}`));
    figures[1].replaceChildren(drawn.svg);
  }

  function update() {
    const exponents = model.get("exponents");
    const made = powers(exponents);
    levers.forEach(({ slider, output }, at) => {
      slider.value = exponents[at];
      output.textContent = `${plain(exponents[at])}, exp = ${plain(made[at])}`;
      slider.setAttribute("aria-valuetext", output.textContent);
    });
    drawRectangle(made, exponents);
    drawAreas(made, exponents);
  }

  // As `describe` in widget.py.
  function words() {
    const [p, q] = model.get("exponents");
    const [a, b, both] = powers([p, q]).map((value) => plain(value));
    return `exp turns a sum into a product: exp(${plain(p)}) × exp(${plain(q)}) = ${a} × ${b} = ${both} = exp(${plain(p + q)}). log turns a product into a sum: log(${a} × ${b}) = log(${a}) + log(${b}) = ${plain(p)} + ${plain(q)} = ${plain(p + q)}.`.replace("+ −", "− ");
  }

  return { node, draw: () => {}, update, words };
}
