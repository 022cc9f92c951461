// What the views of the widget share.

import { make } from "../base/elements.js";
import { em } from "../base/page.js";

export const NAMES = { nothing: "nothing", relu: "ReLU", leaky_relu: "leaky ReLU", sigmoid: "sigmoid", tanh: "tanh" };

// How high a figure is: more where it stands beside something than on a phone, where it should not be taller than wide.
export function height(figure, node) {
  return (figure.clientWidth < 0.65 * node.clientWidth ? 24 : 20) * em(node);
}

// A figure that is a slider for the number across, by pointer and by keys. `show` puts a plot into it, of which `take` may take
// what is pressed, `say` says where it is.
export function slider(label, reach, move, take = () => false) {
  const limit = (value) => Math.max(-reach, Math.min(reach, Math.round(value * 100) / 100));
  const figure = make("div", { class: "course-plot", tabindex: 0, role: "slider", "aria-label": label, "aria-valuemin": -reach, "aria-valuemax": reach, keydown: onKey });
  let now = 0;

  function onKey(event) {
    const by = { ArrowLeft: -0.1, ArrowDown: -0.1, ArrowRight: 0.1, ArrowUp: 0.1, PageDown: -1, PageUp: 1, Home: -2 * reach, End: 2 * reach }[event.key];
    if (!by || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    move(limit(now + by));
  }

  function show(drawn) {
    drawn.onDrag((x, y, first) => { if (!take(x, y, first, drawn)) move(limit(x)); });
    figure.replaceChildren(drawn.svg);
  }

  function say(value, text) {
    now = value;
    figure.setAttribute("aria-valuenow", value);
    figure.setAttribute("aria-valuetext", text);
  }

  return { figure, show, say };
}
