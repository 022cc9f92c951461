// ActivationFunctions: three views, of the functions, of a network with one between its layers, and of exp and log.
// The state is the model's traits; what follows from them is computed in numbers.js.

import { choice, make } from "../base/elements.js";
import { exportButton, onWidth, page } from "../base/page.js";
import { set } from "../base/state.js";
import { functionsView } from "./functions.js";
import { networkView } from "./network.js";
import { CURVES, GRID, activation, error, network, parts, powers, slope, targetCurve } from "./numbers.js";
import { powersView } from "./powers.js";

function render({ model, el }) {
  const { root, heard, words } = page({ model, el }, "activation");
  const refuse = (text) => { words.textContent = text; };
  const views = { functions: functionsView(model), network: networkView(model, refuse), "exp and log": powersView(model) };
  const view = choice("Show", Object.keys(views).map((name) => [name, name]), (value) => set(model, { view: value }));
  root.append(make("div", { class: "course-controls" }, view.node, exportButton(model, heard)), ...Object.values(views).map(({ node }) => node), words);

  function update() {
    const now = views[model.get("view")];
    now.update();
    words.textContent = now.words();
  }

  function redraw() {
    view.show(model.get("view"));
    for (const [name, { node }] of Object.entries(views)) node.hidden = name !== model.get("view");
    views[model.get("view")].draw();
    update();
  }

  heard.once("view function leak", redraw);
  heard.once("x units offset between target exponents", update);
  onWidth(heard, root, redraw);
  redraw();

  return heard.stop;
}

function computed(model) {
  const [x, leak, units, offset, between, target] = ["x", "leak", "units", "offset", "between", "target"].map((name) => model.get(name));
  return {
    values: CURVES.map((name) => activation(name, x, leak)),
    slopes: CURVES.map((name) => slope(name, x, leak)),
    network: GRID.map((one) => network(units, offset, between, one, leak)),
    parts: units.map((unit) => GRID.map((one) => parts([unit], between, one, leak)[0])),
    target: GRID.map((one) => targetCurve(target, one)),
    powers: powers(model.get("exponents")),
    error: [error(units, offset, between, target, leak)],
  };
}

export default { render, computed };
