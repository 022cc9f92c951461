// LayerPipeline: an image goes through a network, layer by layer; any number tells how it came about and what it saw.
// The state is the model's traits, the image and the network; what follows from them is computed in numbers.js.

import { choice, heading, make, shape } from "../base/elements.js";
import { cellAt, chip, drawGrid, placeFrame } from "../base/grid.js";
import { legend } from "../base/legend.js";
import { largest, plain } from "../base/numbers.js";
import { em, exportButton, onWidth, page } from "../base/page.js";
import { clock, player } from "../base/player.js";
import { set } from "../base/state.js";
import { forward, seen, sharesOf, strongest } from "./numbers.js";
import { formula, saw } from "./words.js";

const WRITTEN = 3.4; // em, the side of a cell in which a number can be read
const FARTHEST = { // whose number farthest from zero has the deepest colour; as SCALES in widget.py
  map: "The deepest colour is the number of each map that is farthest from zero.",
  layer: "The deepest colour is the number of a layer that is farthest from zero.",
  network: "The deepest colour is the number of the network that is farthest from zero.",
};
const SHOWN = 4; // maps that a number saw, drawn beside their kernels; more are counted

const known = new WeakMap(); // for each model: what its numbers were computed from, and all of them

// All layers with all numbers, computed anew where the network or the image is another.
function network(model) {
  const from = ["layers", "_weights", "_pixels"].map((name) => model.get(name));
  const held = known.get(model);
  if (held?.from.every((value, at) => value === from[at])) return held.layers;
  const layers = forward(...from);
  known.set(model, { from, layers });
  return layers;
}

// From layer to layer, each with its most telling number.
const walk = {
  place: (model) => model.get("layer"),
  last: (model) => network(model).length - 1,
  to: (model, layer) => ({ layer, focus: strongest(network(model), layer) }),
};

function initialize({ model }) {
  return clock(model, walk);
}

function render({ model, el }) {
  const { root, heard, words } = page({ model, el }, "pipeline");
  const steps = player(model, walk, "Layer", { stopped: () => { hovered = null; }, all: "Show all" });
  const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  let columns = []; // for each layer: {node, maps: [{canvas, frame, box}], cell, limits}
  let enlarged = null; // the map in large
  let hovered = null; // the number under the pointer, in place of the focus
  let before = model.get("layer"); // the last layer that was drawn, to see which one is new
  let sweep = 0; // the animation frame in which a new layer is being filled

  const strip = make("div", { class: "course-strip", tabindex: 0, role: "group", "aria-roledescription": "network", "aria-label": "The layers. Left and right arrows go from layer to layer, up and down from map to map, space plays.", keydown: onStripKey });
  const links = shape("svg", { class: "course-links", "aria-hidden": "true" });
  const detail = make("div", { class: "course-detail" });
  const scale = choice("Deepest colour of each", [["map", "map"], ["layer", "layer"], ["network", "network"]], (value) => set(model, { scale: value }));
  const farthest = make("span", {});
  root.append(
    make("div", { class: "course-controls" }, steps.node, scale.node, exportButton(model, heard)),
    strip, legend(model, heard, farthest), words, detail,
  );

  function onStripKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const layers = network(model);
    const [layer, map] = model.get("focus");
    const next = { ArrowUp: map - 1, ArrowDown: map + 1 }[event.key];
    if (event.key === "ArrowRight") steps.by(1);
    else if (event.key === "ArrowLeft") steps.by(-1);
    else if (next !== undefined) set(model, { focus: strongest(layers, layer, Math.max(0, Math.min(layers[layer].maps.length - 1, next))) });
    else if (!steps.key(event)) return;
    event.preventDefault();
  }

  function onMapKey(event) {
    const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
    if (!(event.key in moves) || event.ctrlKey || event.metaKey || event.altKey) return;
    const [layer, map, row, column] = model.get("focus");
    const rows = network(model)[layer].maps[map];
    const [r, c] = [row + moves[event.key][0], column + moves[event.key][1]];
    if (rows[r]?.[c] != null) set(model, { focus: [layer, map, r, c] });
    event.preventDefault();
  }

  // ---- the strip of layers
  const wide = () => root.clientWidth >= 78 * em(root);

  // How high the maps of a layer may stand above each other: where the screen is wide, all of the widget is seen at once.
  function tallest() {
    return (wide() ? 12 : 28) * em(root);
  }

  function roomOf() {
    return (root.clientWidth || 900) - 40;
  }

  function cellOf(layer, scale) {
    const rows = layer.maps[0];
    const text = em(root);
    if (layer.vector) return Math.round(text * (rows[0].length > 1 ? 0.7 : Math.max(1.7, Math.min(WRITTEN, (tallest() - 9) / rows.length / text))));
    return Math.max(2, Math.min(Math.round(1.15 * text), Math.round(scale * Math.sqrt(28 / Math.max(rows.length, rows[0].length)))));
  }

  function below(layer, cell) {
    return Math.max(1, Math.floor(tallest() / (layer.maps[0].length * cell + 9)));
  }

  function widthOf(layer, cell) {
    const across = Math.ceil(layer.maps.length / below(layer, cell));
    const text = Math.max(0.61 * layer.heading.length, 0.52 * layer.subheading.length, 0.55 * layer.shape.join(" × ").length);
    return Math.max(4 * em(root), text * em(root), across * (layer.maps[0][0].length * cell + 9));
  }

  function build() {
    const layers = network(model);
    const room = (root.clientWidth || 900) - 20 - (10 + 0.6 * em(root)) * layers.length - (model.get("class_names").length ? 4.3 * em(root) : 0);
    const fits = (scale) => layers.reduce((sum, layer) => sum + widthOf(layer, cellOf(layer, scale)), 0) <= room;
    const unit = em(root) / 14;
    let scale = (fits(2 * unit) ? 8 : 4) * unit; // what does not fit into a line is wrapped, and need not be small
    while (fits(2 * unit) && !fits(scale)) scale -= 0.25 * unit;
    strip.replaceChildren(links);
    const most = largest(layers.map(({ maps }) => maps));
    const limitOf = (layer, map) => ({ map: () => largest(map), layer: () => largest(layer.maps), network: () => most })[model.get("scale")]();
    columns = layers.map((layer, number) => {
      const cell = cellOf(layer, scale);
      const maps = layer.maps.map((_, map) => {
        const canvas = make("canvas", { "aria-hidden": "true" });
        const frame = make("div", { class: "course-frame", hidden: true });
        const under = (event) => {
          const rows = layer.maps[map];
          const at = number <= model.get("layer") && cellAt(event, canvas, cell, rows.length, rows[0].length);
          return at && rows[at[0]][at[1]] !== null ? [number, map, ...at] : null;
        };
        canvas.addEventListener("pointermove", (event) => { hovered = under(event); update(); });
        canvas.addEventListener("pointerleave", () => { hovered = null; update(); });
        canvas.addEventListener("click", (event) => { const focus = under(event); if (focus) set(model, { focus, playing: false }); });
        return { canvas, frame, box: make("div", { class: "course-map" }, canvas, frame) };
      });
      const stack = make("div", { class: "course-maps" }, ...maps.map(({ box }) => box));
      stack.style.gridTemplateRows = `repeat(${Math.min(layer.maps.length, below(layer, cell))}, auto)`;
      const labelled = number === layers.length - 1 && layer.vector && layer.maps[0][0].length === 1 && (model.get("class_names").length > 0 || layer.shape[0] > 1);
      const names = labelled ? layer.maps[0].map((_, at) => model.get("class_names")[at] ?? String(at + 1)) : [];
      const labels = make("div", { class: "course-names" }, ...names.map((name) => make("span", { style: `height: ${cell}px` }, name)));
      const node = make("div", { class: "course-part" }, heading(layer.heading), make("div", { class: "course-kind" }, layer.subheading), make("div", { class: "course-kind" }, layer.shape.join(" × ")), make("div", { class: "course-row" }, stack, labels));
      strip.append(node);
      return { node, maps, cell, limits: layer.maps.map((map) => limitOf(layer, map)) };
    });
  }

  function drawColumn(number, upTo) {
    const layer = network(model)[number];
    const { maps, cell, limits } = columns[number];
    const palette = model.get("palette");
    maps.forEach(({ canvas }, map) => drawGrid(canvas, layer.maps[map], { cell, limit: limits[map], palette, upTo }));
  }

  function drawStrip() {
    const shown = model.get("layer");
    columns.forEach(({ node }, number) => {
      node.classList.toggle("course-later", number > shown);
      node.classList.toggle("course-current", number === model.get("focus")[0]);
      drawColumn(number, number > shown ? 0 : Infinity);
    });
  }

  // A layer that has just been reached is filled cell by cell, while a frame shows what each cell sees.
  function fillLayer(number) {
    cancelAnimationFrame(sweep);
    const layer = network(model)[number];
    const rows = layer.maps[0];
    const count = rows.length * rows[0].length;
    const lasts = Math.min(1600, model.get("delay") * 0.6, 200 + count * 12);
    let start = null;
    const frame = (now) => {
      start ??= now;
      const done = Math.min(count, Math.floor(((now - start) / lasts) * count));
      if (done >= count || !root.isConnected) {
        sweep = 0;
        drawColumn(number, Infinity);
        update();
        return;
      }
      drawColumn(number, done);
      mark([number, 0, Math.floor(done / rows[0].length), done % rows[0].length]);
      sweep = requestAnimationFrame(frame);
    };
    sweep = requestAnimationFrame(frame);
  }

  // Frames around a number and around everything that it saw.
  function mark([number, map, row, column]) {
    const layers = network(model);
    for (const { maps } of columns) for (const { frame } of maps) frame.hidden = true;
    placeFrame(columns[number].maps[map].frame, columns[number].cell, row, column, 1, 1);
    const lines = [];
    for (const { source, map: from, window } of seen(layers, number, map, row, column)) {
      const rows = layers[source].maps[from];
      const top = Math.max(0, window.top);
      const left = Math.max(0, window.left);
      const bottom = Math.min(rows.length, window.top + (window.rows - 1) * window.down + 1);
      const right = Math.min(rows[0].length, window.left + (window.columns - 1) * window.right + 1);
      if (bottom <= top || right <= left) continue; // all of it in the padding
      placeFrame(columns[source].maps[from].frame, columns[source].cell, top, left, bottom - top, right - left);
      lines.push([[source, from, (top + bottom) / 2, right], [number, map, row + 0.5, column]]);
    }
    link(lines);
  }

  // A line from each window that a number saw to the number: of [layer, map, row, column], in cells, both ends. Where the layers
  // are wrapped and the number stands further left, a line would go across all that is between: the frames must do.
  function link(lines) {
    const origin = strip.getBoundingClientRect();
    const place = ([layer, map, row, column]) => {
      const box = columns[layer].maps[map].canvas.getBoundingClientRect();
      const { cell } = columns[layer];
      return [box.left - origin.left + strip.scrollLeft + column * cell, box.top - origin.top + row * cell];
    };
    const ends = lines.map((line) => line.map(place)).filter(([[x], [toX]]) => toX > x);
    links.replaceChildren(...ends.map(([[x, y], [toX, toY]]) => {
      const bend = Math.max(12, Math.abs(toX - x) / 2);
      return shape("path", { d: `M${x} ${y}C${x + bend} ${y} ${toX - bend} ${toY} ${toX} ${toY}` });
    }));
  }

  // ---- the map in large, and how a number came about
  function update() {
    const layers = network(model);
    const focus = hovered ?? model.get("focus");
    const [number, map, row, column] = focus;
    const layer = layers[number];
    const value = layer?.maps[map]?.[row]?.[column];
    if (value == null) return;
    if (!sweep) mark(focus);
    const parts = seen(layers, number, map, row, column);
    const lines = formula(layer, parts, value, map, row, column);
    const place = layer.vector ? `number ${row * layer.maps[0][0].length + column + 1}${nameOf(number, row)}` : `${layer.maps.length > 1 ? `map ${map + 1}, ` : ""}row ${row + 1}, column ${column + 1}`;
    words.textContent = `${layer.label}, ${place}: ${plain(value)}. ${saw(layers, layer, parts, value, row, column)}`;
    showDetail(focus, parts, lines, value, place);
  }

  function nameOf(number, row) {
    const name = number === network(model).length - 1 && model.get("class_names")[row];
    return name ? ` (${name})` : "";
  }

  function showDetail([number, map, row, column], parts, lines, value, place) {
    const layers = network(model);
    const layer = layers[number];
    const held = detail.contains(document.activeElement);
    const rows = layer.maps[map];
    const cell = Math.max(4, Math.min(Math.round(WRITTEN * em(root)), Math.floor(Math.min((wide() ? 11 : layer.vector ? 34 : 24) * em(root), roomOf()) / Math.max(rows.length, rows[0].length))));
    const canvas = make("canvas", { "aria-hidden": "true" });
    const frame = make("div", { class: "course-frame" });
    const large = make("div", { class: "course-map course-large", tabindex: 0, role: "group", "aria-label": `${layer.label}, map ${map + 1} in large. Arrow keys move from number to number.`, keydown: onMapKey }, canvas, frame);
    const [limit, palette] = [columns[number].limits[map], model.get("palette")];
    drawGrid(canvas, rows, { cell, limit, palette, text: em(root) });
    placeFrame(frame, cell, row, column, 1, 1);
    canvas.addEventListener("click", (event) => {
      const at = cellAt(event, canvas, cell, rows.length, rows[0].length);
      if (at && rows[at[0]][at[1]] !== null) set(model, { focus: [number, map, ...at], playing: false });
    });
    enlarged = large;
    const caption = layer.vector ? layer.label : `${layer.label}${layer.maps.length > 1 ? `, map ${map + 1}` : ""}`;
    detail.replaceChildren(
      make("figure", {}, make("figcaption", {}, caption), large),
      make("div", { class: "course-made" },
        heading(`${layer.label}, ${place} `, chip(value, limit, palette)),
        make("p", { class: "course-rule" }, layer.words),
        ...sumOfMaps(layer, layers, parts, [map, row, column]),
        make("div", { class: "course-lines" }, ...parts.slice(0, SHOWN).map((part) => line(layer, layers[part.source], part))),
        ...(parts.length > SHOWN && parts[0].weights ? [make("p", {}, `… and ${parts.length - SHOWN} more maps in the same way.`)] : []),
        ...lines.map((text) => make("div", { class: "course-formula" }, text))),
    );
    if (held) enlarged.focus({ preventScroll: true });
  }

  // A convolution of several maps: what each of them gives with its own part of the kernel, and all of these added up.
  function sumOfMaps(layer, layers, parts, [map, row, column]) {
    if (layer.kind !== "conv" || parts.length < 2) return [];
    const shares = sharesOf(layers, layers.indexOf(layer), map);
    const bias = layer.weights.bias?.[map];
    const limit = largest(shares);
    const cell = Math.max(2, Math.floor((5.6 * em(root)) / Math.max(shares[0].length, shares[0][0].length)));
    const figure = (caption, grid) => {
      const canvas = make("canvas", { "aria-hidden": "true" });
      const frame = make("div", { class: "course-frame" });
      drawGrid(canvas, grid, { cell, limit, palette: model.get("palette"), text: em(root) });
      placeFrame(frame, cell, row, column, 1, 1);
      return make("figure", {}, make("figcaption", {}, caption), make("div", { class: "course-map" }, canvas, frame));
    };
    const terms = shares.slice(0, SHOWN).flatMap((share, at) => [
      ...(at ? [make("span", { class: "course-sign" }, "+")] : []), figure(`from map ${parts[at].map + 1}: ${plain(share[row][column])}`, share)]);
    const rest = shares.length > SHOWN ? [make("span", {}, `+ ${shares.length - SHOWN} more`)] : [];
    const added = bias === undefined ? "" : make("span", {}, ` + bias ${plain(bias)}`);
    const total = figure(`${layer.settings.relu ? "after ReLU" : "sum"}: ${plain(layer.maps[map][row][column])}`, layer.maps[map]);
    return [make("div", { class: "course-line course-shares" }, ...terms, ...rest, added, make("span", { class: "course-sign" }, "="), total)];
  }

  // One map that the number saw: the window, and where there are weights, times the weights, the products.
  function line(layer, source, { map, values, weights, source: at }) {
    if (layer.vector !== source.vector && !weights) return "";
    const clean = (grid) => grid.map((row) => row.map((value) => value ?? 0));
    const cell = Math.max(4, Math.min(Math.round((wide() ? 2.9 : WRITTEN) * em(root)), Math.floor((10.3 * em(root)) / Math.max(values.length, values[0].length))));
    const figure = (caption, grid, limit) => {
      const canvas = make("canvas", { "aria-hidden": "true" });
      drawGrid(canvas, clean(grid), { cell, limit, palette: model.get("palette"), text: em(root) });
      return make("figure", {}, make("figcaption", {}, caption), canvas);
    };
    const from = source.maps.length > 1 ? `${source.label}, map ${map + 1}` : source.label;
    const parts = [figure(from, values, columns[at].limits[map])];
    if (weights) {
      const products = values.map((row, r) => row.map((value, c) => (value ?? 0) * (weights[r][c] ?? 0)));
      parts.push(
        make("span", { class: "course-sign" }, "×"), figure(layer.kind === "conv" ? "kernel" : "weights, a template", weights, largest(layer.weights.weight)),
        make("span", { class: "course-sign" }, "="), figure("products", products, largest(products)),
      );
    }
    return make("div", { class: "course-line" }, ...parts);
  }

  function redraw() {
    cancelAnimationFrame(sweep);
    sweep = 0;
    build();
    steps.show();
    scale.show(model.get("scale"));
    farthest.textContent = FARTHEST[model.get("scale")];
    drawStrip();
    update();
  }

  function onLayer() {
    const now = model.get("layer");
    const forwards = now === before + 1;
    before = now;
    cancelAnimationFrame(sweep);
    sweep = 0;
    steps.show();
    drawStrip();
    if (forwards && now > 0 && !still) fillLayer(now);
    update();
    columns[now].node.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  function onFocus() {
    columns.forEach(({ node }, number) => node.classList.toggle("course-current", number === model.get("focus")[0]));
    update();
  }

  heard.once("layers _weights _pixels class_names palette scale", redraw);
  heard.on("layer", onLayer);
  heard.on("focus", onFocus);
  heard.on("playing", steps.show);
  heard.also(() => cancelAnimationFrame(sweep));
  onWidth(heard, el, redraw);
  redraw();

  return heard.stop;
}

function computed(model) {
  return Object.fromEntries(network(model).map(({ name, values }) => [name, values]));
}

export default { initialize, render, computed };
