// The view of the functions by themselves: all curves, and a line that moves to the input.

import { make, shape } from "../base/elements.js";
import { plain } from "../base/numbers.js";
import { em } from "../base/page.js";
import { plot } from "../base/plot.js";
import { set } from "../base/state.js";
import { CURVES, GRID, REACH, activation, slope } from "./numbers.js";
import { NAMES, height, slider } from "./shared.js";

const UP = { from: -1.5, to: 5, ticks: [-1, 0, 1, 2, 3, 4, 5] };
const FORMULAS = {
  relu: () => "max(0, x)",
  leaky_relu: (leak) => `max(${plain(leak)} x, x)`,
  sigmoid: () => "1 / (1 + exp(−x))",
  tanh: () => "(exp(x) − exp(−x)) / (exp(x) + exp(−x))",
};

export function functionsView(model) {
  const input = slider("input x", REACH, (x) => set(model, { x }));
  const rows = CURVES.map((name) => {
    const cells = [0, 1, 2].map(() => make("span", {}));
    const line = shape("path", { d: "M2 5H36" });
    const sample = make("span", { class: "course-plot course-sample", "aria-hidden": "true" }, shape("svg", { viewBox: "0 0 38 10", width: "2.6em" }, line));
    const button = make("button", { type: "button", click: () => set(model, { function: name }) }, NAMES[name]);
    return { name, button, line, cells, node: make("div", { class: "course-row" }, button, sample, ...cells) };
  });
  const node = make("div", { class: "course-panels" }, input.figure,
    make("div", {}, make("div", { class: "course-row course-head" }, ...["Function", "", "Formula", "Value", "Slope"].map((text) => make("span", {}, text))), ...rows.map((row) => row.node)));
  let move = () => {};

  function draw() {
    const across = { from: -REACH, to: REACH, ticks: [-4, -2, 0, 2, 4] };
    const drawn = plot(Math.max(260, input.figure.clientWidth || 420), height(input.figure, node), "input x", across, UP, em(node));
    const chosen = model.get("function");
    const ordered = [...CURVES.filter((name) => name !== chosen), chosen]; // the chosen one above the others
    drawn.line("axis", [[-REACH, 0], [REACH, 0]]);
    drawn.line("axis", [[0, UP.from], [0, UP.to]]);
    for (const name of ordered) drawn.curve(name === chosen ? "chosen" : `other course-${name}`, GRID.map((x) => activation(name, x, model.get("leak"))));
    move = drawn.marker(["dot"]);
    input.show(drawn);
  }

  function update() {
    const [x, leak, chosen] = ["x", "leak", "function"].map((name) => model.get(name));
    move(x, [activation(chosen, x, leak)]);
    for (const { name, button, line, cells } of rows) {
      const numbers = [activation(name, x, leak), slope(name, x, leak)];
      button.setAttribute("aria-pressed", String(name === chosen));
      line.setAttribute("class", name === chosen ? "course-chosen" : `course-other course-${name}`);
      [FORMULAS[name](leak), ...numbers.map((value) => plain(value))].forEach((text, at) => { cells[at].textContent = text; });
      numbers.forEach((value, at) => { cells[at + 1].title = String(value); });
    }
    input.say(x, `${plain(x)}; ${NAMES[chosen]} is ${plain(activation(chosen, x, leak))}`);
  }

  // As `describe` in widget.py.
  function words() {
    const [x, leak, name] = ["x", "leak", "function"].map((trait) => model.get(trait));
    const title = NAMES[name][0].toUpperCase() + NAMES[name].slice(1);
    return `${title} turns ${plain(x)} into ${plain(activation(name, x, leak))}, and its slope there is ${plain(slope(name, x, leak))}. ${personality(name, x, leak)}`;
  }

  return { node, draw, update, words };
}

function personality(name, x, leak) {
  if (name.endsWith("relu") && x > 0) return "Positive numbers pass as they are.";
  if (name === "relu") return "Negative numbers are thrown away, and no gradient flows back through them.";
  if (name === "leaky_relu") return `A negative number keeps ${plain(leak)} of its size, and as much of the gradient flows back.`;
  return `It always lies between ${name === "sigmoid" ? "0" : "−1"} and 1${Math.abs(x) > 3 ? ", and so far from 0 hardly any gradient flows back" : ""}.`;
}
