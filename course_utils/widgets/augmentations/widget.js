// Augmentations: the picture with a frame around what is seen, what the network sees, eight draws and eight symmetries.
// The state is the model's traits; what follows from them is computed in numbers.js.

import { choice, heading, make, shape } from "../base/elements.js";
import { oneStop } from "../base/keys.js";
import { plain } from "../base/numbers.js";
import { page } from "../base/page.js";
import { set } from "../base/state.js";
import { PLAIN, corners, drawn, scaled, seen, symmetric } from "./numbers.js";

const DRAWS = 8; // as in widget.py
const MOST_ZOOM = 10;
const NAMES = ["as it is", "mirrored left to right", "mirrored top to bottom", "half a turn", "mirrored in the diagonal \\", "mirrored in the diagonal /", "a quarter turn left", "a quarter turn right"];
const KINDS = [[1, "1"], [2, "2, side_on"], [8, "8, top_down"]];
const BY_HAND = ["symmetry", "turn", "zoom", "across", "down", "brightness", "contrast", "start"];
const LIMITS = ["symmetries", "degrees", "light", "max_zoom"];

function variationOf(model) {
  return Object.fromEntries(BY_HAND.map((name) => [name, model.get(name)]));
}

// The picture as numbers.js takes it, with the square that begins at a pixel of its longer side.
function pictureOf(model, start) {
  const view = model.get("_bytes");
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  const [wide, side, size] = ["_wide", "_side", "_size"].map((name) => model.get(name));
  const high = bytes.length / 3 / wide;
  return { bytes, wide, high, side, size, left: wide >= high ? start : 0, top: wide >= high ? 0 : start, spare: Math.max(wide, high) - side };
}

// The middle of the picture, as it is cut out in validation.
function middleOf(model) {
  return pictureOf(model, Math.floor(pictureOf(model, 0).spare / 2));
}

function drawsOf(model) {
  const [symmetries, degrees, light, maxZoom] = LIMITS.map((name) => model.get(name));
  return drawn(model.get("seed"), DRAWS, { symmetries, degrees, light, maxZoom }, pictureOf(model, 0).spare);
}

// What was done to a picture; as `_in_words` in widget.py.
function inWords({ symmetry, turn, zoom, brightness, contrast }) {
  const parts = symmetry ? [NAMES[symmetry]] : [];
  if (turn) parts.push(`turned by ${plain(Math.abs(turn))}° to the ${turn > 0 ? "left" : "right"}`);
  if (zoom > 1) parts.push(`zoomed ${plain(zoom)} times`);
  if (brightness) parts.push(`${plain(Math.abs(brightness))} ${brightness > 0 ? "brighter" : "darker"}`);
  if (contrast) parts.push(`its contrast times ${plain(1 + contrast)}`);
  return parts.join(", ") || NAMES[0];
}

// Colours from 0 to 1 on a canvas, a pixel each; the page makes them larger.
function paint(canvas, colours, size) {
  const image = new ImageData(size, size);
  const count = size * size;
  for (let at = 0; at < count; at++) {
    for (let colour = 0; colour < 3; colour++) image.data[4 * at + colour] = Math.round(255 * colours[colour * count + at]);
    image.data[4 * at + 3] = 255;
  }
  canvas.width = canvas.height = size;
  canvas.getContext("2d").putImageData(image, 0, 0);
}

// A slider with its name and its number.
function lever(label, name, move, write = plain) {
  const input = make("input", { type: "range", "aria-label": name, input: () => move(Number(input.value)) });
  const said = make("output", {});
  const show = (value, least, most, step) => {
    Object.assign(input, { min: least, max: most, step });
    input.value = value;
    said.textContent = write(value);
    input.setAttribute("aria-valuetext", said.textContent);
  };
  return { node: make("label", { class: "course-lever" }, make("span", { class: "course-label" }, label), input, said), input, show };
}

function render({ model, el }) {
  const { root, heard, words } = page({ model, el }, "augmentations");
  const change = (name) => (value) => set(model, { [name]: value });
  const canvas = () => make("canvas", { "aria-hidden": "true" });

  // ---- controls
  const kind = choice("Symmetries", KINDS, change("symmetries"));
  const degrees = lever("Turn up to", "largest turn of a draw, in degrees", change("degrees"), (value) => `${plain(value)}°`);
  const zoom = lever("Zoom up to", "largest zoom of a draw", change("max_zoom"));
  const light = lever("Light up to", "largest change of brightness and contrast in a draw", change("light"));
  const fresh = make("button", { type: "button", title: "Eight others, from the next seed", click: () => set(model, { seed: model.get("seed") + 1 }) }, "New draws");
  const asItIs = make("button", { type: "button", title: "Nothing is done to the picture (Home)", click: reset }, "As it is");

  // ---- by hand
  const levers = {
    turn: lever("Turn", "turn, in degrees to the left", change("turn"), (value) => `${plain(value)}°`),
    zoom: lever("Zoom", "zoom", change("zoom")),
    across: lever("Across", "place of what is seen, across", change("across")),
    down: lever("Down", "place of what is seen, down", change("down")),
    brightness: lever("Brightness", "brightness", change("brightness"), signed),
    contrast: lever("Contrast", "contrast", change("contrast"), (value) => `× ${plain(1 + value)}`),
    start: lever("Cut", "pixel at which the square begins", change("start")),
  };

  // ---- the pictures
  const whole = canvas();
  const overlay = shape("svg", { "aria-hidden": "true" });
  const stage = make("div", { class: "course-whole", tabindex: 0, role: "group", "aria-label": "The picture, with a frame around what is seen. Arrow keys move the frame, plus and minus zoom, Home takes all back.", keydown: onKey }, whole, overlay);
  for (const event of ["pointerdown", "pointermove"]) stage.addEventListener(event, onPointer);
  const large = make("canvas", { class: "course-seen", "aria-hidden": "true" });
  const size = make("span", { class: "course-label" });
  const thumbnails = (count, click) => Array.from({ length: count }, (_, at) => {
    const picture = canvas();
    return { picture, button: make("button", { type: "button", click: () => click(at) }, picture) };
  });
  const draws = thumbnails(DRAWS, (at) => set(model, drawsOf(model)[at]));
  const symmetries = thumbnails(NAMES.length, change("symmetry"));
  const strip = (name, ones) => {
    const node = make("div", { class: "course-strip-of", role: "group", "aria-label": name }, ...ones.map(({ button }) => button));
    oneStop(node, [ones.map(({ button }) => button)]);
    return node;
  };
  const validated = make("canvas", { class: "course-validated", "aria-hidden": "true" });
  const averaged = make("p", { class: "course-label" });
  const code = make("pre", { class: "course-code" });
  const which = make("span", { class: "course-label" });
  root.append(
    make("div", { class: "course-controls" }, kind.node, degrees.node, zoom.node, light.node),
    make("div", { class: "course-parts" },
      make("div", {}, heading("The picture"), stage),
      make("div", {}, heading("What the network sees ", size), large),
      make("div", { class: "course-levers" }, make("div", { class: "course-line" }, heading("By hand"), asItIs), ...Object.values(levers).map(({ node }) => node),
        make("div", { class: "course-typed" }, make("span", { class: "course-label" }, "What to type:"), code))),
    words,
    make("div", { class: "course-strips" },
      make("div", {}, make("div", { class: "course-line" }, heading("Eight draws ", make("span", { class: "course-label" }, "click one to take it in hand")), fresh), strip("eight draws", draws)),
      make("div", {}, heading("Eight symmetries ", which), strip("eight symmetries", symmetries)),
      make("div", {}, heading("In validation ", make("span", { class: "course-label" }, "the middle")), make("div", { class: "course-beside" }, validated, averaged))),
  );

  function signed(value) {
    return `${value > 0 ? "+" : ""}${plain(value)}`;
  }

  function reset() {
    set(model, { ...PLAIN, start: Math.floor(pictureOf(model, 0).spare / 2) });
  }

  // ---- pointer and keys: the frame has room to move where it is zoomed
  function onPointer(event) {
    if (!event.buttons) return;
    const { wide, high, left, top, side } = pictureOf(model, model.get("start"));
    const box = whole.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * wide - left;
    const y = ((event.clientY - box.top) / box.height) * high - top;
    const room = 1 - 1 / model.get("zoom");
    if (!room) return;
    const at = (place) => Math.max(-1, Math.min(1, Math.round((100 * ((2 * place) / side - 1)) / room) / 100));
    set(model, { across: at(x), down: at(y) });
  }

  function onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const by = (name, step, least, most) => set(model, { [name]: Math.max(least, Math.min(most, Math.round(100 * (model.get(name) + step)) / 100)) });
    if (event.key === "ArrowLeft" || event.key === "ArrowRight") by("across", event.key === "ArrowLeft" ? -0.1 : 0.1, -1, 1);
    else if (event.key === "ArrowUp" || event.key === "ArrowDown") by("down", event.key === "ArrowUp" ? -0.1 : 0.1, -1, 1);
    else if (event.key === "+" || event.key === "-") by("zoom", event.key === "-" ? -0.1 : 0.1, 1, MOST_ZOOM);
    else if (event.key === "Home") reset();
    else return;
    event.preventDefault();
  }

  // ---- drawing
  function drawPicture() {
    const { bytes, wide, high } = pictureOf(model, 0);
    const image = new ImageData(wide, high);
    for (let at = 0; at < wide * high; at++) {
      for (let colour = 0; colour < 3; colour++) image.data[4 * at + colour] = bytes[3 * at + colour];
      image.data[4 * at + 3] = 255;
    }
    Object.assign(whole, { width: wide, height: high });
    root.style.setProperty("--ratio", wide / high);
    whole.getContext("2d").putImageData(image, 0, 0);
    overlay.setAttribute("viewBox", `0 0 ${wide} ${high}`);
    size.textContent = `${model.get("_size")} × ${model.get("_size")}`;
  }

  // The square that is cut out, and in it the part that is seen.
  function frame() {
    const { wide, high, left, top, side } = pictureOf(model, model.get("start"));
    const places = corners(variationOf(model)).map(([x, y]) => [left + ((x + 1) / 2) * side, top + ((y + 1) / 2) * side]);
    const points = places.map((place) => place.join(" ")).join(", ");
    const radius = Math.max(wide, high) / 50;
    overlay.replaceChildren(
      shape("rect", { class: "course-square", x: left, y: top, width: side, height: side }),
      shape("polygon", { class: "course-around", points }),
      shape("polygon", { class: "course-part", points }),
      shape("circle", { cx: places[0][0], cy: places[0][1], r: radius }));
  }

  function drawStrip() {
    drawsOf(model).forEach((one, at) => {
      paint(draws[at].picture, seen(pictureOf(model, one.start), one), model.get("_size"));
      draws[at].button.setAttribute("aria-label", `draw ${at + 1}: ${inWords(one)}`);
      draws[at].button.title = inWords(one);
    });
  }

  function drawSymmetries() {
    const size = model.get("_size");
    symmetric(seen(pictureOf(model, model.get("start")), PLAIN), size).forEach((colours, at) => {
      paint(symmetries[at].picture, colours, size);
      symmetries[at].button.setAttribute("aria-label", NAMES[at]);
      symmetries[at].button.title = NAMES[at];
    });
  }

  function update() {
    averaged.textContent = unvaried(model)
      ? "Training sees the same: nothing is varied."
      : "Scaled, not varied. tta(n=4) averages the predictions for this and four draws.";
    const variation = variationOf(model);
    paint(large, seen(pictureOf(model, variation.start), variation), model.get("_size"));
    frame();
    const [count, degreesNow, lightNow, maxZoom] = LIMITS.map((name) => model.get(name));
    const spare = pictureOf(model, 0).spare;
    const most = Math.max(0.5, lightNow, Math.abs(variation.brightness), Math.abs(variation.contrast));
    const widest = Math.max(45, degreesNow, Math.abs(variation.turn));
    levers.turn.show(variation.turn, -widest, widest, 0.5);
    levers.zoom.show(variation.zoom, 1, Math.max(2, maxZoom, variation.zoom), 0.01);
    levers.across.show(variation.across, -1, 1, 0.01);
    levers.down.show(variation.down, -1, 1, 0.01);
    levers.brightness.show(variation.brightness, -most, most, 0.01);
    levers.contrast.show(variation.contrast, -most, most, 0.01);
    levers.start.show(variation.start, 0, spare, 1);
    levers.start.node.hidden = !spare;
    levers.across.input.disabled = levers.down.input.disabled = variation.zoom === 1; // all of the square is seen
    symmetries.forEach(({ button }, at) => {
      button.setAttribute("aria-pressed", String(at === variation.symmetry));
      button.classList.toggle("course-never", at >= count);
    });
    kind.show(count);
    which.textContent = count === 8 ? "top_down draws any" : count === 2 ? "side_on draws the first two" : "none but the first is drawn";
    degrees.show(degreesNow, 0, Math.max(45, degreesNow), 1);
    zoom.show(maxZoom, 1, Math.max(2, maxZoom), 0.01);
    light.show(lightNow, 0, Math.max(0.5, lightNow), 0.01);
    code.textContent = codeOf(model);
    words.textContent = describe(model);
  }

  function limits() {
    drawStrip();
    update();
  }

  function redraw() {
    drawPicture();
    paint(validated, scaled(middleOf(model)), model.get("_size"));
    drawSymmetries();
    limits();
  }

  heard.once("symmetry turn zoom across down brightness contrast", update);
  heard.once("start", () => { drawSymmetries(); update(); });
  heard.once("symmetries degrees light max_zoom seed", limits);
  heard.once("_bytes _wide _side _size _full", redraw);
  redraw();

  return heard.stop;
}

// Whether the transforms vary nothing, in which case pictures are the same in training as in validation.
function unvaried(model) {
  const [symmetries, degrees, light, maxZoom] = LIMITS.map((name) => model.get(name));
  return model.get("_unvaried") && symmetries === 1 && !degrees && !light && maxZoom === 1;
}

// As `code` in widget.py.
function codeOf(model) {
  const [symmetries, degrees, light, maxZoom] = LIMITS.map((name) => model.get(name));
  const usual = degrees === 10 && light === 0.05 && { 2: "side_on", 8: "top_down" }[symmetries];
  const never = unvaried(model);
  const augment = never ? "None" : usual || `Augmentation(symmetries=${symmetries}, degrees=${short(degrees)}, light=${short(light)})`;
  return `transforms_for(arch, ${model.get("_size")}, augment=${augment}${never || maxZoom === 1.1 ? "" : `, max_zoom=${short(maxZoom)}`})`;
}

// With at most six digits, as Python's :g.
function short(number) {
  return String(Number(number.toPrecision(6)));
}

function listed(parts) {
  return parts.length > 1 ? `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}` : parts[0];
}

// As `_draws_in_words` in widget.py.
function drawsInWords(model) {
  const [symmetries, degrees, light, maxZoom] = LIMITS.map((name) => model.get(name));
  const parts = { 1: [], 2: ["swaps left and right or does not"], 8: ["takes one of the eight symmetries"] }[symmetries];
  if (degrees) parts.push(`turns by up to ${plain(degrees)}° either way`);
  if (maxZoom > 1) parts.push(`zooms up to ${plain(maxZoom)} times`);
  if (light) parts.push(`changes brightness and contrast by up to ${plain(light)}`);
  if (parts.length) return `A draw ${listed(parts)}.`;
  return pictureOf(model, 0).spare ? "All draws are alike but for where the square is cut out." : "All draws are alike.";
}

// As `_never` in widget.py.
function never(model) {
  const { symmetry, turn, zoom, brightness, contrast } = variationOf(model);
  const [symmetries, degrees, light, maxZoom] = LIMITS.map((name) => model.get(name));
  const beyond = [];
  if (symmetry >= symmetries) beyond.push(NAMES[symmetry]);
  if (Math.abs(turn) > degrees) beyond.push(`a turn by ${plain(Math.abs(turn))}°`);
  if (zoom > maxZoom) beyond.push(`a zoom of ${plain(zoom)}`);
  if (Math.max(Math.abs(brightness), Math.abs(contrast)) > light) beyond.push("so much light");
  return beyond.join(", ");
}

// As `describe` in widget.py.
function describe(model) {
  const [size, full] = [model.get("_size"), model.get("_full")];
  const said = [`The network sees ${size} × ${size} pixels: the picture ${inWords(variationOf(model))}.`, drawsInWords(model)];
  const beyond = never(model);
  if (beyond) said.push(`No draw does what is set by hand here: ${beyond}.`);
  if (full) said.push(`To keep this page small it shows fewer pixels than the ${full} × ${full} of the widget.`);
  return said.join(" ");
}

function computed(model) {
  const variation = variationOf(model);
  return {
    seen: Array.from(seen(pictureOf(model, variation.start), variation)),
    draws: drawsOf(model).map((one) => Array.from(seen(pictureOf(model, one.start), one))),
    validated: Array.from(scaled(middleOf(model))),
  };
}

export default { render, computed };
