// What the colours of maps mean.

import { make } from "./elements.js";
import { drawGrid } from "./grid.js";
import { em } from "./page.js";

// The colours of the model's palette with their meaning; `full` says which number has the deepest colour.
export function legend(model, heard, full) {
  const swatches = [[-1, "negative"], [0, "zero"], [1, "positive"]].map(([value, name]) => {
    const canvas = make("canvas", { "aria-hidden": "true" });
    return { value, canvas, node: make("span", { class: "course-swatch" }, canvas, name) };
  });
  const draw = () => swatches.forEach(({ value, canvas }) => drawGrid(canvas, [[value]], { cell: Math.round(1.3 * em(canvas)), limit: 1, palette: model.get("palette") }));
  heard.on("palette", draw);
  heard.onResize(draw);
  queueMicrotask(draw); // its size is that of the text, once it stands somewhere
  return make("div", { class: "course-legend", role: "group", "aria-label": "what the colours mean" }, ...swatches.map(({ node }) => node), make("span", { class: "course-label" }, full));
}
