// MaxPooling: a window moves over the image; beside it the maxima, the means and where the gradient of each goes.
// The state is the model's traits; what follows from them is computed in numbers.js.

import { choice, heading, make } from "../base/elements.js";
import { numberField } from "../base/field.js";
import { cellAt, chip, colour, css, drawGrid, ink, placeFrame } from "../base/grid.js";
import { oneStop } from "../base/keys.js";
import { legend } from "../base/legend.js";
import { largest, plain } from "../base/numbers.js";
import { em, exportButton, onWidth, page } from "../base/page.js";
import { cellKeys, clock, player, speedSlider } from "../base/player.js";
import { set } from "../base/state.js";
import { outputSize, places, pooled, same, shifted, winner } from "./numbers.js";

const LARGEST = 1e6; // as in widget.py
const [GAPS, HEADING] = [4 * 1.8, 9.4]; // em: between the maps, and of the longest heading of an output
const MAPS = [ // what is shown, how it is called, and whether it has the image's shape
  ["image", "Input", true],
  ["maxima", "Max pool", false],
  ["means", "Mean pool", false],
  ["max_gradient", "Gradient through max", true],
  ["mean_gradient", "Gradient through mean", true],
];

function settings(model) {
  return ["image", "window", "stride"].map((name) => model.get(name));
}

function size(model) {
  return outputSize(...settings(model));
}

// From output to output, row after row.
const walk = {
  place: (model) => model.get("position")[0] * size(model)[1] + model.get("position")[1],
  last: (model) => size(model)[0] * size(model)[1] - 1,
  to: (model, place) => ({ position: [Math.floor(place / size(model)[1]), place % size(model)[1]] }),
};

function initialize({ model }) {
  return clock(model, walk);
}

function render({ model, el }) {
  const { root, heard, words } = page({ model, el }, "pooling");
  const steps = player(model, walk, "Step", { stopped: () => { remark = ""; } });
  const speed = speedSlider(model);
  let first = model.get("image"); // where Reset goes back to
  let own = ""; // the image that was last set by hand, as text
  let remark = ""; // what a button has just shown, until something else moves
  let cell = 30;
  let fields = [];

  // ---- controls
  const button = (text, title, click) => make("button", { type: "button", title, click }, text);
  const sizes = (most) => Array.from({ length: most }, (_, at) => [at + 1, String(at + 1)]);
  const window_ = choice("Window", sizes(4).slice(1).map(([value, text]) => [value, `${text} × ${text}`]), (value) => change({ window: value, stride: value }));
  const stride = choice("Stride", sizes(4), (value) => change({ stride: value }));
  const shift = button("Shift by 1", "Move the whole picture one pixel to the right", shiftImage);
  const random = button("Random", "Whole numbers from −9 to 9", () => changeImage(model.get("image").map((row) => row.map(() => Math.floor(19 * Math.random()) - 9))));
  const reset = button("Reset", "Back to the picture that was given", () => changeImage(first));

  // ---- maps, and the window in numbers
  const maps = MAPS.map(([kind, name, whole]) => {
    const canvas = make("canvas", { "aria-hidden": "true", click: (event) => onPointer(event, kind) });
    const frame = make("div", { class: "course-frame" });
    const title = heading(name);
    return { kind, name, whole, canvas, frame, title, node: make("div", {}, title, make("div", { class: "course-map" }, canvas, frame)) };
  });
  maps[0].canvas.addEventListener("pointermove", (event) => event.buttons && onPointer(event, "image"));
  const stage = make("div", { class: "course-maps", tabindex: 0, role: "group", "aria-label": "Input, outputs and gradients. Arrow keys move the window, space plays, Home and End jump.", keydown: cellKeys(model, steps, size) },
    ...[maps.slice(0, 3), maps.slice(3)].map((group) => make("div", { class: "course-group" }, ...group.map(({ node }) => node))));
  const grid = make("div", { class: "course-numbers", role: "group", "aria-label": "window" });
  const result = make("div", { class: "course-result" });
  root.append(
    make("div", { class: "course-controls" }, steps.node, speed.node, window_.node, stride.node, make("span", { class: "course-player" }, shift, random, reset), exportButton(model, heard)),
    stage,
    legend(model, heard, "Framed: kept by a window."),
    make("div", { class: "course-abreast" }, words, make("div", { class: "course-sums" }, make("figure", {}, make("figcaption", {}, "The window"), grid), result)),
  );

  // What would leave no output is not set, and said.
  function change(values) {
    const [image, side, by] = [model.get("image"), values.window ?? model.get("window"), values.stride ?? model.get("stride")];
    const outputs = outputSize(image, side, by);
    if (Math.min(...outputs) < 1) {
      words.textContent = `A window of ${side} × ${side} does not fit into ${image.length} × ${image[0].length} numbers.`;
      return;
    }
    remark = "";
    set(model, { ...values, position: model.get("position").map((at, axis) => Math.min(at, outputs[axis] - 1)) });
  }

  function changeImage(image, said = "") {
    remark = said;
    own = JSON.stringify(image);
    set(model, { image });
  }

  function shiftImage() {
    const [before, given] = [computed(model), model.get("image")];
    const image = shifted(given);
    const after = pooled(image, model.get("window"), model.get("stride"));
    const count = before.maxima.flat().length;
    changeImage(image, ` The picture moved one pixel to the right: ${same(before.maxima, after.maxima)} of ${count} maxima are as before, ${same(before.means, after.means)} of the means, and ${same(given, image)} of the ${image.flat().length} numbers of the picture.`);
  }

  // ---- pointer and keys
  function onPointer(event, kind) {
    const map = maps.find((one) => one.kind === kind);
    const values = map.values;
    const under = cellAt(event, map.canvas, cell, values.length, values[0].length);
    if (!under) return;
    const [outputs, by, side] = [size(model), model.get("stride"), model.get("window")];
    const at = (place, most) => Math.max(0, Math.min(most - 1, map.whole ? Math.round((place - (side - 1) / 2) / by) : place));
    remark = "";
    set(model, { playing: false, position: under.map((place, axis) => at(place, outputs[axis])) });
  }

  // ---- drawing: only when numbers or the width change
  function draw() {
    const image = model.get("image");
    const made = computed(model);
    const [limit, palette] = [largest(image), model.get("palette")];
    cell = sideOfCell(image[0].length, made.maxima[0].length);
    for (const map of maps) {
      map.values = map.kind === "image" ? image : made[map.kind];
      map.title.textContent = `${map.name} ${map.values.length} × ${map.values[0].length}`;
      const own = map.kind.endsWith("gradient");
      drawGrid(map.canvas, map.values, { cell, limit: own ? largest(made.max_gradient) : limit, palette });
      if (own) map.title.textContent = map.name;
    }
    ring(maps[0].canvas, made.max_gradient, (r, c) => ink(colour(image[r][c], limit, palette)));
  }

  // All maps beside each other where their numbers can be read then, else outputs and gradients in a row each, or one by one.
  function sideOfCell(wide, narrow) {
    const size = em(stage);
    const width = (stage.clientWidth || 900) - size; // without the padding
    const room = width - GAPS * size - 8;
    const beside = Math.min(room / (3 * wide + 2 * narrow), (room - 2 * HEADING * size) / (3 * wide)); // the outputs are as wide as their headings
    const rows = Math.min(2.7 * size, (width - GAPS * size) / (wide + 2 * Math.max(narrow, wide / 2)));
    return Math.floor(beside >= 2.6 * size ? Math.min(3.2 * size, beside) : rows >= 1.5 * size ? rows : Math.min(2.7 * size, width / wide));
  }

  // Around each number that some window keeps, in the colour that the number is written in.
  function ring(canvas, kept, shade) {
    const context = canvas.getContext("2d");
    context.lineWidth = 2;
    kept.forEach((row, r) => row.forEach((count, c) => {
      context.strokeStyle = shade(r, c);
      if (count > 0) context.strokeRect(c * cell + 3.5, r * cell + 3.5, cell - 6, cell - 6);
    }));
  }

  function build(side) {
    if (fields.length === side) return;
    fields = Array.from({ length: side }, (_, r) => Array.from({ length: side }, (_, c) =>
      numberField(`window, row ${r + 1}, column ${c + 1}`, LARGEST, { take: (value) => onEdit(r, c, value), refuse: (text) => { words.textContent = text; } })));
    grid.style.gridTemplateColumns = `repeat(${side}, 4.2em)`;
    grid.replaceChildren(...fields.flat());
    oneStop(grid, fields);
  }

  function onEdit(r, c, value) {
    const [before, image] = [computed(model), structuredClone(model.get("image"))];
    const [top, left] = model.get("position").map((at) => at * model.get("stride"));
    if (image[top + r][left + c] === value) return update();
    image[top + r][left + c] = value;
    const after = pooled(image, model.get("window"), model.get("stride"));
    const count = before.maxima.flat().length;
    const [maxima, means] = ["maxima", "means"].map((kind) => count - same(before[kind], after[kind]));
    changeImage(image, maxima ? ` ${maxima} of ${count} maxima and ${means} of the means have changed.` : ` Max pooling has not noticed the change: all ${count} maxima are as before. Of the means ${means} ${means === 1 ? "has" : "have"} changed.`);
  }

  // The numbers of one window; called for every step.
  function update() {
    const [image, side, by] = settings(model);
    const [row, column] = model.get("position");
    const made = computed(model);
    if (made.maxima[row]?.[column] === undefined) return; // the position is on its way
    for (const { frame, whole } of maps) whole ? placeFrame(frame, cell, row * by, column * by, side, side) : placeFrame(frame, cell, row, column, 1, 1);
    build(side);
    const [limit, palette] = [largest(image), model.get("palette")];
    const best = winner(image, row, column, side, by);
    const inside = places(row, column, side, by);
    inside.forEach(([r, c], at) => {
      const field = fields[Math.floor(at / side)][at % side];
      const rgb = colour(image[r][c], limit, palette);
      field.style.background = css(rgb);
      field.style.color = ink(rgb);
      field.classList.toggle("course-kept", r === best[0] && c === best[1]);
      field.show(image[r][c]);
    });
    const seen = inside.map(([r, c]) => image[r][c]);
    const [most, mean] = [made.maxima[row][column], made.means[row][column]];
    result.replaceChildren(
      make("div", {}, `max(${seen.map((value) => plain(value)).join(", ")}) = `, chip(most, limit, palette), ", gradient 1 for it and 0 for the others"),
      make("div", {}, `mean: their sum / ${seen.length} = `, chip(mean, limit, palette), `, gradient ${plain(1 / seen.length)} for each`));
    controls();
    const alike = seen.filter((value) => value === most).length;
    const unseen = made.mean_gradient.flat().filter((value) => value === 0).length;
    const [rows, columns] = size(model);
    const kept = alike > 1 ? `, ${alike} times: the first of them alone` : ": it alone";
    words.textContent = `${side} × ${side} windows with stride ${by} turn ${image.length} × ${image[0].length} numbers into ${rows} × ${columns}. In row ${row + 1}, column ${column + 1} the largest of ${seen.length} is ${plain(most)}${kept} is passed on, and the whole gradient goes back to it. The mean is ${plain(mean)}, and each number gets ${plain(1 / seen.length)} of the gradient.${unseen ? ` ${unseen} numbers lie in no window.` : ""}${remark}`;
  }

  function controls() {
    steps.show();
    speed.show();
    window_.show(model.get("window"));
    stride.show(model.get("stride"));
    words.setAttribute("aria-live", model.get("playing") ? "off" : "polite"); // not every step of a run is read out
    reset.disabled = JSON.stringify(model.get("image")) === JSON.stringify(first);
  }

  function redraw() {
    draw();
    update();
  }

  // An image from elsewhere, Python or another view, is a new beginning.
  function onImage() {
    if (JSON.stringify(model.get("image")) !== own) first = model.get("image");
  }

  heard.on("image", onImage);
  heard.once("image window stride palette", redraw);
  heard.on("position", update);
  heard.on("playing delay", controls);
  onWidth(heard, el, redraw);
  redraw();

  return heard.stop;
}

function computed(model) {
  return pooled(...settings(model));
}

export default { initialize, render, computed };
