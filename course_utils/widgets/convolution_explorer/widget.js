// ConvolutionExplorer: a window moves over the image, and what it sees is multiplied and added up beside it.
// The state is the model's traits, image, kernels and settings; what follows from them is computed in numbers.js.

import { choice, heading, make } from "../base/elements.js";
import { numberField } from "../base/field.js";
import { cellAt, chip, colour, css, drawGrid, ink, placeFrame } from "../base/grid.js";
import { oneStop } from "../base/keys.js";
import { legend } from "../base/legend.js";
import { largest, plain, sum } from "../base/numbers.js";
import { em, exportButton, onWidth, page } from "../base/page.js";
import { cellKeys, clock, player, speedSlider } from "../base/player.js";
import { set } from "../base/state.js";
import { arranged, channelsOf, lineBetween, outputSize, padded, stages, winner } from "./numbers.js";

const LARGEST = 1e9; // as in widget.py
const MAX_SIDE = 64;
const MOST_TERMS = 27; // of a sum that is spelled out
const SETTINGS = ["image", "kernels", "bias", "stride", "padding", "relu", "pool"];

function settings(model) {
  return Object.fromEntries(SETTINGS.map((name) => [name, model.get(name)]));
}

function size(model) {
  return outputSize(...["image", "kernels", "stride", "padding"].map((name) => model.get(name)));
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
  const { root, heard, words } = page({ model, el }, "explorer");
  const steps = player(model, walk, "Step", { stopped: () => { hovered = null; } });
  const speed = speedSlider(model);
  let computed = stages(settings(model)); // every number of every stage
  let tool = "move"; // what a click into the input does
  let hovered = null; // the output under the pointer, which is shown in place of the position
  let drawing = null; // the image while a stroke is being painted
  let pen = null; // the cell in which the stroke was last seen
  let past = []; // the images before each change that was made by hand, the first being the one that was given
  let own = null; // the image that was last made by hand, as text
  let remark = ""; // on what has just been done, until something else moves
  let cell = 10; // the side of a cell of the outputs, and of the input
  let inputCell = 10;

  // ---- controls
  const stride = choice("Stride", [[1, "1"], [2, "2"], [3, "3"]], (value) => change({ stride: value }));
  const padding = choice("Padding", [[0, "0"], [1, "1"], [2, "2"]], (value) => change({ padding: value }));
  const relu = choice("ReLU", [[false, "off"], [true, "on"]], (value) => change({ relu: value }));
  const pool = choice("Max pool", [[1, "off"], [2, "2 × 2"], [3, "3 × 3"]], (value) => change({ pool: value }));
  const tools = choice("Input:", [["move", "Move"], ["draw", "Draw"], ["erase", "Erase"]], (value) => {
    tool = value;
    tools.show(tool);
    stage.classList.toggle("course-drawing", tool !== "move");
  });
  tools.show(tool);
  const button = (text, title, click) => make("button", { type: "button", title, click }, text);
  const undo = button("Undo", "Take back the last change of the input", () => takeBack(past.length - 1));
  const reset = button("Reset", "Back to the input as it was given", () => takeBack(0));
  const clear = button("Clear", "Make the whole input 0", () => changeImage(model.get("image").map((channel) => channel.map((row) => row.map(() => 0)))));
  const file = make("input", { type: "file", accept: "image/*", hidden: true, "aria-label": "a picture to look at", change: () => { takePicture(file.files[0]); file.value = ""; } });
  const open = button("Picture…", "Look at a picture of yours, or drop one on the maps; it does not leave this machine", () => file.click());
  const presets = make("select", { "aria-label": "preset for this kernel", change: usePreset });
  presets.append(make("option", { value: "", disabled: true }, "own numbers"));
  for (const name of Object.keys(model.get("_presets"))) presets.append(make("option", { value: name }, name));
  const tabs = make("span", { class: "course-choice", role: "group", "aria-label": "kernel" });

  // ---- maps
  const stage = make("div", { class: "course-stage", tabindex: 0, role: "group", "aria-roledescription": "step-through convolution", keydown: cellKeys(model, steps, size) });
  const sums = make("div", { class: "course-sums" });
  let inputs = []; // one {canvas, frame} for each channel
  let maps = []; // the stages: {name, kind, canvas, frame}
  let fields = { window: [], kernel: [], product: [] };
  let bias = null;
  let totals = null;
  let shape = ""; // what the elements were built for

  const body = make("div", { class: "course-body" },
    make("div", { class: "course-maps" }, stage, legend(model, heard, "The deepest colour is the number farthest from zero: of the input, of the kernel, of the output.")),
    make("div", { class: "course-made" }, words, sums));
  root.append(
    make("div", { class: "course-controls" },
      steps.node, speed.node, stride.node, padding.node, relu.node, pool.node,
      tabs, make("label", {}, make("span", { class: "course-label" }, "Kernel"), presets), tools.node,
      make("span", { class: "course-player" }, undo, reset, clear, open, file), exportButton(model, heard)),
    body,
  );

  // What would leave no output is not set, and said.
  function leavesOutputs(values) {
    const next = { ...settings(model), ...values };
    const outputs = outputSize(next.image, next.kernels, next.stride, next.padding);
    const enough = Math.min(...outputs) >= Math.max(1, next.pool);
    if (!enough) say(`That leaves ${outputs.map((side) => Math.max(0, side)).join(" × ")} outputs, too few. Take a smaller stride or pool, or more padding.`);
    return enough && outputs;
  }

  function change(values) {
    const outputs = leavesOutputs(values);
    if (!outputs) return;
    remark = "";
    const position = model.get("position").map((at, axis) => Math.min(at, outputs[axis] - 1));
    set(model, { ...values, position });
  }

  // Other numbers for the selected kernel, and the name that goes with them.
  function changeKernel(numbers, name) {
    const selected = model.get("selected");
    const instead = (list, value) => list.map((one, at) => (at === selected ? value : one));
    set(model, { kernels: instead(model.get("kernels"), numbers), names: instead(model.get("names"), name) });
  }

  function usePreset() {
    const name = presets.value;
    const numbers = model.get("_presets")[name];
    const kernel = model.get("kernels")[model.get("selected")];
    const [top, left] = [kernel[0].length, kernel[0][0].length].map((side) => Math.floor((side - 3) / 2));
    changeKernel(kernel.map((rows) => rows.map((row, r) => row.map((_, c) => numbers[r - top]?.[c - left] ?? 0))), name);
  }

  // ---- building: only when shapes or stages change
  function build() {
    const image = model.get("image");
    const kernels = model.get("kernels");
    const shown = [["Output", "output"]];
    if (model.get("relu")) shown.push(["ReLU", "rectified"]);
    if (model.get("pool") > 1) shown.push(["Max pool", "pooled"]);
    const ring = model.get("padding");
    const smaller = image.length > 1 ? 1.5 : 1; // several channels take much room
    const text = em(root);
    const taps = kernels[0][0][0].length;
    const beside = root.clientWidth >= 78 * text && taps <= 4; // wide enough for the sums beside the maps
    body.classList.toggle("course-beside", beside);
    const sizes = shown.map(([, stage]) => [computed[stage][0].length, computed[stage][0][0].length]);
    const blocks = [[(image[0].length + 2 * ring) / smaller, (image.length * (image[0][0].length + 2 * ring)) / smaller], ...sizes];
    const gaps = 10 * (image.length - 1) + 12;
    const width = (beside ? stage.clientWidth : root.clientWidth || 900) - 1.2 * text - gaps;
    const places = arranged(blocks, width, (beside ? 29 : 26) * text, 1.9 * text, beside);
    cell = Math.max(3, Math.min(Math.round(2.9 * text), Math.floor(places.cell)));
    inputCell = Math.max(2, Math.floor(cell / smaller));
    const key = JSON.stringify([image.length, kernels.length, kernels[0][0].length, taps, ring, shown, model.get("pool"), blocks, places.lines, cell, text]);
    if (key === shape) return;
    shape = key;
    hovered = null;
    const rows = Array.from({ length: Math.max(...places.lines) + 1 }, () => make("div", { class: "course-maprow" }));
    stage.replaceChildren(...rows);
    inputs = image.map((channel, number) => {
      const canvas = make("canvas", { "aria-hidden": "true" });
      const frame = make("div", { class: "course-frame" });
      canvas.addEventListener("pointerdown", (event) => onInput(event, number, true));
      canvas.addEventListener("pointermove", (event) => event.buttons && onInput(event, number, false));
      canvas.addEventListener("pointerup", finishStroke);
      canvas.addEventListener("pointercancel", finishStroke);
      return { canvas, frame, box: make("div", { class: "course-map course-input" }, canvas, frame) };
    });
    const dimensions = image.length > 1 ? [image.length, image[0].length, image[0][0].length] : [image[0].length, image[0][0].length];
    rows[places.lines[0]].append(make("div", { class: "course-part" }, heading(`Input ${dimensions.join(" × ")}`), make("div", { class: "course-channels" }, ...inputs.map(({ box }) => box))));
    maps = shown.map(([name, kind], at) => {
      const canvas = make("canvas", { "aria-hidden": "true" });
      const frame = make("div", { class: "course-frame" });
      const values = computed[kind][0];
      canvas.addEventListener("pointermove", (event) => onHover(event, kind));
      canvas.addEventListener("pointerleave", () => { hovered = null; update(); });
      canvas.addEventListener("click", (event) => { onHover(event, kind); if (hovered) set(model, { playing: false, position: hovered.at }); });
      const map = { name, kind, canvas, frame };
      const caption = kind === "rectified" ? "ReLU: max(0, x)" : `${name} ${values.length} × ${values[0].length}`;
      rows[places.lines[at + 1]].append(make("div", { class: "course-part" }, heading(caption), make("div", { class: "course-map" }, canvas, frame)));
      return map;
    });
    buildSums(kernels[0]);
    buildTabs(kernels.length);
  }

  function buildTabs(count) {
    tabs.replaceChildren();
    tabs.hidden = count < 2;
    model.get("names").forEach((name, at) => {
      const thumbnail = make("canvas", { class: "course-thumbnail", "aria-hidden": "true" });
      tabs.append(make("button", { type: "button", click: () => set(model, { selected: at }) }, thumbnail, make("span", {}, name)));
    });
    oneStop(tabs, [[...tabs.children]]);
  }

  function buildSums(kernel) {
    const active = root.contains(document.activeElement) ? document.activeElement.getAttribute("data-cell") : null;
    fields = { window: [], kernel: [], product: [] };
    const grid = (kind, channel, label, editable) => {
      const table = make("div", { class: `course-numbers course-${kind}`, role: "group", "aria-label": label });
      table.style.gridTemplateColumns = `repeat(${kernel[0][0].length}, var(--wide))`;
      fields[kind][channel] = kernel[channel].map((row, r) => row.map((_, c) => {
        const name = `${label}, row ${r + 1}, column ${c + 1}`;
        const field = editable
          ? numberField(name, LARGEST, { take: (value) => onEdit(kind, channel, r, c, value), refuse: say, "data-cell": `${kind} ${channel} ${r} ${c}` })
          : make("output", { "aria-label": name });
        table.append(field);
        return field;
      }));
      if (editable) oneStop(table, fields[kind][channel]);
      return table;
    };
    const several = kernel.length > 1;
    const lines = kernel.map((_, channel) => {
      const of = several ? `, channel ${channel + 1}` : "";
      return make("div", { class: "course-line" },
        make("figure", {}, make("figcaption", {}, `Window${of}`), grid("window", channel, `window${of}`, true)),
        make("span", { class: "course-sign" }, "×"),
        make("figure", {}, make("figcaption", {}, `Kernel${of}`), grid("kernel", channel, `kernel${of}`, true)),
        make("span", { class: "course-sign" }, "="),
        make("figure", {}, make("figcaption", {}, `Products${of}`), grid("product", channel, `product${of}`, false)));
    });
    bias = numberField("bias of this kernel", LARGEST, { take: onBias, refuse: say, class: "course-bias", "data-cell": "bias" });
    totals = make("div", { class: "course-totals" });
    sums.replaceChildren(make("div", { class: "course-lines" }, ...lines), make("div", { class: "course-result" }, totals, make("label", { class: "course-biasline" }, "Bias: ", bias)));
    if (active) sums.querySelector(`[data-cell="${active}"]`)?.focus();
  }

  // ---- what the pointer does
  function outputUnder(row, column) {
    const [rows, columns] = size(model);
    const kernel = model.get("kernels")[0][0];
    const by = model.get("stride");
    const at = (place, window, most) => Math.max(0, Math.min(most - 1, Math.round((place - (window - 1) / 2) / by)));
    return [at(row, kernel.length, rows), at(column, kernel[0].length, columns)];
  }

  function onInput(event, channel, first) {
    const ring = model.get("padding");
    const rows = model.get("image")[0].length;
    const columns = model.get("image")[0][0].length;
    const under = cellAt(event, inputs[channel].canvas, inputCell, rows + 2 * ring, columns + 2 * ring);
    if (!under) return;
    if (first) inputs[channel].canvas.setPointerCapture(event.pointerId);
    if (tool === "move") {
      set(model, { playing: false, position: outputUnder(...under) });
      return;
    }
    drawing ??= structuredClone(model.get("image"));
    const full = tool === "draw" ? Math.max(1, ...drawing.flat(2)) : 0;
    for (const [r, c] of lineBetween(first || !pen ? under : pen, under)) {
      const [row, column] = [r - ring, c - ring];
      if (row >= 0 && column >= 0 && row < rows && column < columns) drawing[channel][row][column] = full;
    }
    pen = under;
    drawInputs();
  }

  function finishStroke() {
    if (drawing) changeImage(drawing);
    drawing = pen = null;
  }

  // An image may be smaller than the one before it: the window stays inside.
  function setImage(image) {
    const outputs = outputSize(image, ...["kernels", "stride", "padding"].map((name) => model.get(name)));
    set(model, { image, position: model.get("position").map((at, axis) => Math.max(0, Math.min(at, outputs[axis] - 1))) });
  }

  function changeImage(image) {
    remark = "";
    const before = model.get("image");
    if (JSON.stringify(image) === JSON.stringify(before)) return;
    past.push(before);
    own = JSON.stringify(image);
    setImage(image);
  }

  // A picture of somebody's own, made as small as can be followed; nothing of it leaves the page.
  async function takePicture(picture) {
    if (!picture) return;
    const image = model.get("image");
    try {
      const bitmap = await createImageBitmap(picture);
      const scale = Math.min(1, MAX_SIDE / Math.max(bitmap.width, bitmap.height));
      const [columns, rows] = [bitmap.width, bitmap.height].map((side) => Math.max(1, Math.round(side * scale)));
      const canvas = make("canvas", { width: columns, height: rows });
      const context = canvas.getContext("2d");
      context.fillStyle = "#fff"; // behind what is transparent
      context.fillRect(0, 0, columns, rows);
      context.imageSmoothingQuality = "high";
      context.drawImage(bitmap, 0, 0, columns, rows);
      const next = channelsOf(context.getImageData(0, 0, columns, rows).data, rows, columns, image.length);
      if (!leavesOutputs({ image: next })) return;
      changeImage(next);
      remark = `${picture.name || "The picture"}, ${bitmap.height} × ${bitmap.width} pixels, is shown ${image.length === 3 ? "in colour" : "in grey"} at ${rows} × ${columns}. Undo brings back what was there. `;
    } catch {
      say(`${picture.name || "What was dropped"} cannot be read as a picture. Take a PNG, a JPEG, a GIF or a WebP file.`);
    }
  }

  root.addEventListener("dragover", (event) => event.preventDefault()); // else the browser would open what is dropped
  root.addEventListener("drop", (event) => {
    event.preventDefault();
    event.stopPropagation();
    const [picture] = event.dataTransfer.files;
    if (picture) takePicture(picture);
    else say("Nothing to read was dropped. Drop the file of a picture, or choose one by Picture….");
  });

  function takeBack(to) {
    const image = past[to];
    past = past.slice(0, to);
    own = JSON.stringify(image);
    setImage(image);
  }

  // An image from elsewhere, Python or another view, is a new beginning.
  function onImage() {
    if (JSON.stringify(model.get("image")) !== own) past = [];
    showUndo();
  }

  function showUndo() {
    undo.disabled = reset.disabled = past.length === 0;
    clear.disabled = !model.get("image").flat(2).some((value) => value !== 0);
  }

  function onHover(event, kind) {
    const values = computed[kind][model.get("selected")];
    const map = maps.find((one) => one.kind === kind);
    const under = cellAt(event, map.canvas, cell, values.length, values[0].length);
    if (!under) hovered = null;
    else if (kind !== "pooled") hovered = { at: under };
    else hovered = { at: winner(computed.rectified[model.get("selected")], ...under, model.get("pool")), pool: under };
    update();
  }

  function say(text) {
    words.textContent = text;
  }

  function onEdit(kind, channel, r, c, value) {
    if (kind === "kernel") {
      const selected = model.get("selected");
      const kernel = structuredClone(model.get("kernels")[selected]);
      if (kernel[channel][r][c] === value) return update();
      kernel[channel][r][c] = value;
      const name = model.get("names")[selected];
      changeKernel(kernel, name in model.get("_presets") ? `kernel ${selected + 1}` : name);
    } else {
      const image = structuredClone(model.get("image"));
      const [row, column] = model.get("position").map((at) => at * model.get("stride") - model.get("padding"));
      image[channel][row + r][column + c] = value;
      changeImage(image);
    }
    update();
  }

  function onBias(value) {
    set(model, { bias: model.get("bias").map((one, at) => (at === model.get("selected") ? value : one)) });
    update();
  }

  // ---- drawing
  function drawInputs() {
    const image = drawing ?? model.get("image");
    const ring = model.get("padding");
    const palette = model.get("palette");
    inputs.forEach(({ canvas }, channel) => drawGrid(canvas, padded(image[channel], ring), { cell: inputCell, limit: largest(image), palette, ring }));
  }

  function drawMaps() {
    const selected = model.get("selected");
    const [limit, palette] = [largest(computed.output[selected]), model.get("palette")];
    for (const { canvas, kind } of maps) drawGrid(canvas, computed[kind][selected], { cell, limit, palette });
    [...tabs.children].forEach((button, at) => {
      const values = computed.output[at];
      if (!values) return;
      drawGrid(button.firstChild, values, { cell: Math.max(1, Math.floor((2.1 * em(root)) / values.length)), limit: largest(values), palette });
      button.setAttribute("aria-pressed", String(at === selected));
      button.lastChild.textContent = model.get("names")[at];
    });
  }

  function fill(field, value, rgb, disabled = false) {
    field.style.background = css(rgb);
    field.style.color = ink(rgb);
    if (field.tagName === "OUTPUT") field.textContent = plain(value);
    else {
      field.show(value);
      field.disabled = disabled;
    }
  }

  // The numbers of one window; called for every step.
  function update() {
    const selected = model.get("selected");
    const image = model.get("image");
    const kernels = model.get("kernels")[selected];
    const by = model.get("stride");
    const ring = model.get("padding");
    const side = model.get("pool");
    const [row, column] = hovered?.at ?? model.get("position");
    if (computed.output[selected]?.[row]?.[column] === undefined || !kernels) return;
    const [rows, columns] = [kernels[0].length, kernels[0][0].length];
    for (const { frame } of inputs) placeFrame(frame, inputCell, row * by, column * by, rows, columns);
    for (const { frame, kind } of maps) {
      if (kind === "pooled") {
        const [r, c] = [Math.floor(row / side), Math.floor(column / side)];
        const pooled = computed.pooled[selected];
        if (r < pooled.length && c < pooled[0].length) placeFrame(frame, cell, r, c, 1, 1);
        else frame.hidden = true;
      } else if (hovered?.pool && kind === maps[maps.length - 2].kind) {
        placeFrame(frame, cell, hovered.pool[0] * side, hovered.pool[1] * side, side, side);
      } else placeFrame(frame, cell, row, column, 1, 1);
    }
    const palette = model.get("palette");
    const limits = [largest(image), largest(kernels)];
    const products = [];
    kernels.forEach((kernel, channel) => {
      kernel.forEach((weights, r) => weights.forEach((weight, c) => {
        const [y, x] = [row * by - ring + r, column * by - ring + c];
        const outside = image[channel][y]?.[x] === undefined;
        const pixel = outside ? 0 : image[channel][y][x];
        products.push([pixel, weight, pixel * weight]);
        fill(fields.window[channel][r][c], pixel, colour(pixel, limits[0], palette), outside || hovered !== null);
        fields.window[channel][r][c].classList.toggle("course-outside", outside);
        fill(fields.kernel[channel][r][c], weight, colour(weight, limits[1], palette));
        fill(fields.product[channel][r][c], pixel * weight, colour(pixel * weight, limits[0] * limits[1], palette));
      }));
    });
    bias.show(model.get("bias")[selected]);
    showTotals(products, row, column);
  }

  function showTotals(products, row, column) {
    const selected = model.get("selected");
    const value = computed.output[selected][row][column];
    const extra = model.get("bias")[selected];
    const total = value - extra; // so that rounding never makes the lines contradict each other
    const side = model.get("pool");
    const sized = (number) => chip(number, largest(computed.output[selected]), model.get("palette"));
    const each = products.length / model.get("image").length;
    const spelled = products.length <= MOST_TERMS
      ? products.map(([pixel, weight]) => `${plain(pixel)}×${weight < 0 ? `(${plain(weight)})` : plain(weight)}`).join(" + ")
      : model.get("image").map((_, channel) => `${plain(sum(products.slice(channel * each, (channel + 1) * each).map(([, , product]) => product)))} from channel ${channel + 1}`).join(" + ");
    const lines = [
      make("div", { class: "course-spelled" }, spelled),
      make("div", {}, `= ${plain(total)}, the sum of the ${products.length} products`),
      make("div", {}, `${plain(total)} + bias ${plain(extra)} = `, sized(value)),
    ];
    let said = `Row ${row + 1}, column ${column + 1}: ${products.length} products add up to ${plain(total)}; with the bias ${plain(extra)} the output is ${plain(value)}.`;
    if (model.get("relu")) {
      const after = computed.rectified[selected][row][column];
      lines.push(make("div", {}, `ReLU: max(0, ${plain(value)}) = `, sized(after)));
      said += value > 0 ? ` ReLU keeps ${plain(after)}.` : value < 0 ? ` ReLU makes it 0: negative numbers are thrown away.` : "";
    }
    const pooled = computed.pooled[selected][Math.floor(row / side)]?.[Math.floor(column / side)];
    if (side > 1 && pooled !== undefined) {
      const from = [Math.floor(row / side) * side, Math.floor(column / side) * side];
      const seen = [];
      for (let r = 0; r < side; r++) for (let c = 0; c < side; c++) seen.push(plain(computed.rectified[selected][from[0] + r][from[1] + c]));
      lines.push(make("div", {}, `Max pool: the largest of ${seen.join(", ")} = `, sized(pooled)));
      said += ` The largest of its ${side} × ${side} window is ${plain(pooled)}.`;
    } else if (side > 1) said += ` No max pool window reaches it.`;
    totals.replaceChildren(...lines);
    words.textContent = remark + said;
  }

  function controls() {
    steps.show();
    speed.show();
    words.setAttribute("aria-live", model.get("playing") ? "off" : "polite"); // not every step of a run is read out
    stride.show(model.get("stride"));
    padding.show(model.get("padding"));
    relu.show(model.get("relu"));
    pool.show(model.get("pool"));
    const name = model.get("names")[model.get("selected")];
    presets.disabled = Math.min(model.get("kernels")[0][0].length, model.get("kernels")[0][0][0].length) < 3;
    presets.value = name in model.get("_presets") ? name : "";
    stage.setAttribute("aria-label", "Image and outputs. Arrow keys move the window, space plays, Home and End jump.");
  }

  function redraw() {
    build();
    controls();
    drawInputs();
    drawMaps();
    update();
  }

  function recompute() {
    computed = stages(settings(model));
    redraw();
  }

  heard.once(SETTINGS.join(" "), recompute);
  heard.on("image", onImage);
  heard.once("names selected palette", redraw);
  heard.on("position", () => { remark = ""; steps.show(); update(); });
  heard.on("playing delay", controls);
  onWidth(heard, el, redraw);
  redraw();
  showUndo();

  return heard.stop;
}

function computed(model) {
  return stages(settings(model));
}

export default { initialize, render, computed };
