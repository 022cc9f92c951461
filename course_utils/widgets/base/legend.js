// What the colours of maps mean.

import { make } from "./elements.js";
import { drawGrid } from "./grid.js";

const SIDE = 18;

// The colours of the model's palette with their meaning; `full` says which number has the deepest colour.
export function legend(model, heard, full) {
  const swatches = [[-1, "negative"], [0, "zero"], [1, "positive"]].map(([value, name]) => {
    const canvas = make("canvas", { "aria-hidden": "true" });
    return { value, canvas, node: make("span", { class: "course-swatch" }, canvas, name) };
  });
  const draw = () => swatches.forEach(({ value, canvas }) => drawGrid(canvas, [[value]], { cell: SIDE, limit: 1, palette: model.get("palette") }));
  heard.on("palette", draw);
  draw();
  return make("div", { class: "course-legend", role: "group", "aria-label": "what the colours mean" }, ...swatches.map(({ node }) => node), make("span", { class: "course-label" }, full));
}
