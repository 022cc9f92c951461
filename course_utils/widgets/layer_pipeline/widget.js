// LayerPipeline: an image goes through a network, layer by layer; any number tells how it came about and what it saw.
// The state is the model's traits, the image and the network; what follows from them is computed in numbers.js.

import { choice, heading, make, shape } from "../base/elements.js";
import { cellAt, chip, cover, drawGrid, placeFrame } from "../base/grid.js";
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
const KEPT = 100; // of what was drawn and added up in the lower half, so much is kept for when one comes back to it

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
  let columns = []; // for each layer: {node, maps: [{canvas, hidden, frame, box}], cell, limits}
  let size = { text: 14, width: 900 }; // of the text and of the widget, as they were when the layers were laid out
  let places = null; // where the maps stand in the strip, read when lines are drawn between them
  let framed = []; // the frames that are in sight
  const held = new Map(); // what was drawn and added up in the lower half, by what it shows
  let hovered = null; // the number under the pointer, in place of the focus
  let before = model.get("layer"); // the last layer that was drawn, to see which one is new
  let sweep = 0; // the animation frame in which a new layer is being filled

  const strip = make("div", { class: "course-strip", tabindex: 0, role: "group", "aria-roledescription": "network", "aria-label": "The layers. Left and right arrows go from layer to layer, up and down from map to map, space plays.", keydown: onStripKey });
  const links = shape("svg", { class: "course-links", "aria-hidden": "true" });
  const caption = make("figcaption", {});
  const ownFrame = make("div", { class: "course-frame" });
  const enlarged = make("div", { class: "course-map course-large", tabindex: 0, role: "group", keydown: onMapKey }); // the map in large
  const made = make("div", { class: "course-made" });
  const detail = make("div", { class: "course-detail" }, make("figure", {}, caption, enlarged), made);
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
  // Nothing that a step calls asks the page for sizes: it would have to lay itself out anew each time.
  const wide = () => size.width >= 78 * size.text;

  // How high the maps of a layer may stand above each other: where the screen is wide, all of the widget is seen at once.
  function tallest() {
    return (wide() ? 12 : 28) * size.text;
  }

  function cellOf(layer, scale) {
    const rows = layer.maps[0];
    const { text } = size;
    if (layer.vector) return Math.round(text * (rows[0].length > 1 ? 0.7 : Math.max(1.7, Math.min(WRITTEN, (tallest() - 9) / rows.length / text))));
    return Math.max(2, Math.min(Math.round(1.15 * text), Math.round(scale * Math.sqrt(28 / Math.max(rows.length, rows[0].length)))));
  }

  function below(layer, cell) {
    return Math.max(1, Math.floor(tallest() / (layer.maps[0].length * cell + 9)));
  }

  function widthOf(layer, cell) {
    const across = Math.ceil(layer.maps.length / below(layer, cell));
    const text = Math.max(0.61 * layer.heading.length, 0.52 * layer.subheading.length, 0.55 * layer.shape.join(" × ").length);
    return Math.max(4 * size.text, text * size.text, across * (layer.maps[0][0].length * cell + 9));
  }

  function build() {
    const layers = network(model);
    size = { text: em(root), width: root.clientWidth || 900 };
    places = null;
    framed = [];
    held.clear();
    const room = size.width - 20 - (10 + 0.6 * size.text) * layers.length - (model.get("class_names").length ? 4.3 * size.text : 0);
    const fits = (scale) => layers.reduce((sum, layer) => sum + widthOf(layer, cellOf(layer, scale)), 0) <= room;
    const unit = size.text / 14;
    let scale = (fits(2 * unit) ? 8 : 4) * unit; // what does not fit into a line is wrapped, and need not be small
    while (fits(2 * unit) && !fits(scale)) scale -= 0.25 * unit;
    strip.replaceChildren(links);
    watcher.disconnect();
    inSight.clear();
    const most = largest(layers.map(({ maps }) => maps));
    const limitOf = (layer, map) => ({ map: () => largest(map), layer: () => largest(layer.maps), network: () => most })[model.get("scale")]();
    columns = layers.map((layer, number) => {
      const cell = cellOf(layer, scale);
      const limits = layer.maps.map((map) => limitOf(layer, map));
      const maps = layer.maps.map((rows, map) => {
        const canvas = make("canvas", { "aria-hidden": "true" });
        const hidden = make("div", { class: "course-cover" });
        const frame = make("div", { class: "course-frame", hidden: true });
        drawGrid(canvas, rows, { cell, limit: limits[map], palette: model.get("palette"), text: size.text });
        const under = (event) => {
          const at = number <= model.get("layer") && cellAt(event, canvas, cell, rows.length, rows[0].length);
          return at && rows[at[0]][at[1]] !== null ? [number, map, ...at] : null;
        };
        canvas.addEventListener("pointermove", (event) => { hovered = under(event); update(); });
        canvas.addEventListener("pointerleave", () => { hovered = null; update(); });
        canvas.addEventListener("click", (event) => { const focus = under(event); if (focus) set(model, { focus, playing: false }); });
        return { canvas, hidden, frame, box: make("div", { class: "course-map" }, canvas, hidden, frame) };
      });
      const stack = make("div", { class: "course-maps" }, ...maps.map(({ box }) => box));
      stack.style.gridTemplateRows = `repeat(${Math.min(layer.maps.length, below(layer, cell))}, auto)`;
      const labelled = number === layers.length - 1 && layer.vector && layer.maps[0][0].length === 1 && (model.get("class_names").length > 0 || layer.shape[0] > 1);
      const names = labelled ? layer.maps[0].map((_, at) => model.get("class_names")[at] ?? String(at + 1)) : [];
      const labels = make("div", { class: "course-names" }, ...names.map((name) => make("span", { style: `height: ${cell}px` }, name)));
      const node = make("div", { class: "course-part" }, heading(layer.heading), make("div", { class: "course-kind" }, layer.subheading), make("div", { class: "course-kind" }, layer.shape.join(" × ")), make("div", { class: "course-row" }, stack, labels));
      strip.append(node);
      watcher.observe(node);
      return { node, maps, cell, limits };
    });
  }

  // All numbers are drawn once; those of a layer that was not reached yet are covered, but for the first `upTo`.
  function reveal(number, upTo) {
    const { maps, cell } = columns[number];
    const rows = network(model)[number].maps[0];
    for (const { hidden } of maps) cover(hidden, cell, rows.length, rows[0].length, upTo);
  }

  function showStrip() {
    const shown = sweep ? model.get("layer") - 1 : model.get("layer");
    columns.forEach(({ node }, number) => {
      node.classList.toggle("course-later", number > model.get("layer"));
      node.classList.toggle("course-current", number === model.get("focus")[0]);
      reveal(number, number > shown ? 0 : Infinity);
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
        reveal(number, Infinity);
        mark(hovered ?? model.get("focus"));
        return;
      }
      reveal(number, done);
      mark([number, 0, Math.floor(done / rows[0].length), done % rows[0].length]);
      sweep = requestAnimationFrame(frame);
    };
    sweep = requestAnimationFrame(frame);
  }

  // Frames around a number and around everything that it saw.
  function mark([number, map, row, column]) {
    const layers = network(model);
    const before = framed;
    framed = [];
    const place = (layer, at, ...cells) => {
      const { frame } = columns[layer].maps[at];
      placeFrame(frame, columns[layer].cell, ...cells);
      framed.push(frame);
    };
    place(number, map, row, column, 1, 1);
    const lines = [];
    for (const { source, map: from, window } of seen(layers, number, map, row, column)) {
      const rows = layers[source].maps[from];
      const top = Math.max(0, window.top);
      const left = Math.max(0, window.left);
      const bottom = Math.min(rows.length, window.top + (window.rows - 1) * window.down + 1);
      const right = Math.min(rows[0].length, window.left + (window.columns - 1) * window.right + 1);
      if (bottom <= top || right <= left) continue; // all of it in the padding
      place(source, from, top, left, bottom - top, right - left);
      lines.push([[source, from, (top + bottom) / 2, right], [number, map, row + 0.5, column]]);
    }
    for (const frame of before) if (!framed.includes(frame)) frame.hidden = true;
    link(lines);
  }

  // A line from each window that a number saw to the number: of [layer, map, row, column], in cells, both ends. Where the layers
  // are wrapped and the number stands further left, a line would go across all that is between: the frames must do.
  function link(lines) {
    places ??= measured();
    const place = ([layer, map, row, column]) => {
      const [[left, top], { cell }] = [places[layer][map], columns[layer]];
      return [left + column * cell, top + row * cell];
    };
    const ends = lines.map((line) => line.map(place)).filter(([[x], [toX]]) => toX > x);
    links.replaceChildren(...ends.map(([[x, y], [toX, toY]]) => {
      const bend = Math.max(12, Math.abs(toX - x) / 2);
      return shape("path", { d: `M${x} ${y}C${x + bend} ${y} ${toX - bend} ${toY} ${toX} ${toY}` });
    }));
  }

  function measured() {
    const origin = strip.getBoundingClientRect();
    return columns.map(({ maps }) => maps.map(({ box }) => {
      const { left, top } = box.getBoundingClientRect();
      return [left - origin.left + strip.scrollLeft, top - origin.top];
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
    const rows = layer.maps[map];
    const limit = columns[number].limits[map];
    const cell = Math.max(4, Math.min(Math.round(WRITTEN * size.text), Math.floor(Math.min((wide() ? 11 : layer.vector ? 34 : 24) * size.text, size.width - 40) / Math.max(rows.length, rows[0].length))));
    const canvas = picture(`large ${number} ${map}`, rows, cell, limit);
    canvas.onclick = (event) => {
      const at = cellAt(event, canvas, cell, rows.length, rows[0].length);
      if (at && rows[at[0]][at[1]] !== null) set(model, { focus: [number, map, ...at], playing: false });
    };
    if (canvas.parentNode !== enlarged) enlarged.replaceChildren(canvas, ownFrame);
    placeFrame(ownFrame, cell, row, column, 1, 1);
    enlarged.setAttribute("aria-label", `${layer.label}, map ${map + 1} in large. Arrow keys move from number to number.`);
    caption.textContent = layer.vector ? layer.label : `${layer.label}${layer.maps.length > 1 ? `, map ${map + 1}` : ""}`;
    made.replaceChildren(
      heading(`${layer.label}, ${place} `, chip(value, limit, model.get("palette"))),
      make("p", { class: "course-rule" }, layer.words),
      ...sumOfMaps(number, parts, [map, row, column]),
      make("div", { class: "course-lines" }, ...parts.slice(0, SHOWN).map((part) => line(number, [map, row, column], part))),
      ...(parts.length > SHOWN && parts[0].weights ? [make("p", {}, `… and ${parts.length - SHOWN} more maps in the same way.`)] : []),
      ...lines.map((text) => make("div", { class: "course-formula" }, text)),
    );
  }

  // What `compute` gives, or gave before, where nothing but the place that is looked at has changed.
  function kept(name, compute) {
    const value = held.has(name) ? held.get(name) : compute();
    held.delete(name); // the one that was asked for last is the last to go
    held.set(name, value);
    if (held.size > KEPT) held.delete(held.keys().next().value);
    return value;
  }

  function picture(name, rows, cell, limit) {
    return kept(name, () => {
      const canvas = make("canvas", { "aria-hidden": "true" });
      drawGrid(canvas, rows, { cell, limit, palette: model.get("palette"), text: size.text });
      return canvas;
    });
  }

  // A convolution of several maps: what each of them gives with its own part of the kernel, and all of these added up.
  function sumOfMaps(number, parts, [map, row, column]) {
    const layer = network(model)[number];
    if (layer.kind !== "conv" || parts.length < 2) return [];
    const shares = kept(`shares ${number} ${map}`, () => sharesOf(network(model), number, map));
    const bias = layer.weights.bias?.[map];
    const limit = largest(shares);
    const cell = Math.max(2, Math.floor((5.6 * size.text) / Math.max(shares[0].length, shares[0][0].length)));
    const figure = (words, name, grid) => {
      const frame = make("div", { class: "course-frame" });
      placeFrame(frame, cell, row, column, 1, 1);
      return make("figure", {}, make("figcaption", {}, words), make("div", { class: "course-map" }, picture(`${name} ${number} ${map}`, grid, cell, limit), frame));
    };
    const terms = shares.slice(0, SHOWN).flatMap((share, at) => [
      ...(at ? [make("span", { class: "course-sign" }, "+")] : []), figure(`from map ${parts[at].map + 1}: ${plain(share[row][column])}`, `share ${at}`, share)]);
    const rest = shares.length > SHOWN ? [make("span", {}, `+ ${shares.length - SHOWN} more`)] : [];
    const added = bias === undefined ? "" : make("span", {}, ` + bias ${plain(bias)}`);
    const total = figure(`${layer.settings.relu ? "after ReLU" : "sum"}: ${plain(layer.maps[map][row][column])}`, "sum", layer.maps[map]);
    return [make("div", { class: "course-line course-shares" }, ...terms, ...rest, added, make("span", { class: "course-sign" }, "="), total)];
  }

  // One map that the number saw: the window, and where there are weights, times the weights, the products.
  function line(number, place, { map, values, weights, source: at }) {
    const [layer, source] = [network(model)[number], network(model)[at]];
    if (layer.vector !== source.vector && !weights) return "";
    const clean = (grid) => grid.map((row) => row.map((value) => value ?? 0));
    const cell = Math.max(4, Math.min(Math.round((wide() ? 2.9 : WRITTEN) * size.text), Math.floor((10.3 * size.text) / Math.max(values.length, values[0].length))));
    const figure = (words, name, grid, limit) =>
      make("figure", {}, make("figcaption", {}, words), picture(`${name} ${number} ${place} ${at} ${map}`, clean(grid), cell, limit));
    const from = source.maps.length > 1 ? `${source.label}, map ${map + 1}` : source.label;
    const parts = [figure(from, "window", values, columns[at].limits[map])];
    if (weights) {
      const products = values.map((row, r) => row.map((value, c) => (value ?? 0) * (weights[r][c] ?? 0)));
      parts.push(
        make("span", { class: "course-sign" }, "×"), figure(layer.kind === "conv" ? "kernel" : "weights, a template", "kernel", weights, kept(`weights ${number}`, () => largest(layer.weights.weight))),
        make("span", { class: "course-sign" }, "="), figure("products", "products", products, largest(products)),
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
    showStrip();
    update();
  }

  function onStep() {
    const now = model.get("layer");
    const last = before;
    before = now;
    if (now !== last) {
      cancelAnimationFrame(sweep);
      sweep = 0;
      steps.show();
      if (now === last + 1 && !still) fillLayer(now);
    }
    showStrip();
    update();
    if (now !== last) follow(columns[now].node);
  }

  // On a small screen the page follows to a layer that is out of sight, unless its reader is elsewhere and sees no layer.
  const inSight = new Set();
  const watcher = new IntersectionObserver((seen) => {
    for (const { target, intersectionRatio } of seen) inSight[intersectionRatio < 0.99 ? "delete" : "add"](target);
  }, { threshold: 0.99 });
  heard.also(() => watcher.disconnect());

  function follow(node) {
    if (inSight.size && !inSight.has(node)) node.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  heard.once("layers _weights _pixels class_names palette scale", redraw);
  heard.once("layer focus", onStep);
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
