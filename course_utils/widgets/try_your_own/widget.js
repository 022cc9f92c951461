// TryYourOwn: a picture goes to Python, which answers with probabilities and, a little later, with the map of where it looked.
// The state is the model's traits; what follows from them is computed in numbers.js.

import { heading, make } from "../base/elements.js";
import { colour } from "../base/grid.js";
import { oneStop } from "../base/keys.js";
import { probability } from "../base/numbers.js";
import { page } from "../base/page.js";
import { set, told } from "../base/state.js";
import { camera } from "./camera.js";
import { drops, largestAt, spread, where } from "./numbers.js";

const NONE_YET = "No picture has been given yet: drop or paste one here, choose a file, or take one with the camera."; // as in widget.py
const NOTICED = 0.005;
const FAINTEST = 0.05;
const STRENGTH = 0.75; // of the deepest colour of the map
const SMALLER = 2048; // pixels along the longer side of a picture that is too large to be sent as it is
const PATIENCE = 10_000; // milliseconds until the screen says that no answer has come

function numbersOf(model) {
  const view = model.get("_covered");
  const covered = view?.byteLength ? Array.from({ length: view.byteLength / 4 }, (_, at) => view.getFloat32(4 * at, true)) : [];
  const [bars, starts, side, size, probabilities] = ["_bars", "_starts", "_side", "_size", "probabilities"].map((name) => model.get(name));
  const bar = bars.indexOf(model.get("classes").indexOf(model.get("chosen")));
  const whole = probabilities[bars[bar]];
  const ready = starts.length > 0 && covered.length === starts.length ** 2 * bars.length;
  return { covered, bars, starts, side, size, probabilities, bar, whole, ready, drop: ready ? drops(covered, bars.length, bar, whole) : [] };
}

function isSet(place) {
  return place[0] >= 0;
}

function render({ model, el }) {
  const { root, heard, words } = page({ model, el }, "try");
  let asked = 0; // the number of the last question
  let waiting = 0; // the timer of its answer
  let shownFor = ""; // the map that is on the canvas

  // ---- ways in
  const said = make("div", { class: "course-said", role: "status" });
  const say = (text, refused = false) => {
    said.textContent = text;
    said.classList.toggle("course-refused", refused);
  };
  const file = make("input", { type: "file", accept: "image/*", hidden: true, "aria-label": "a picture to look at", change: () => { take(file.files[0], file.files[0]?.name); file.value = ""; } });
  const choose = make("button", { type: "button", title: "Or drop one on the widget, or paste one into it", click: () => file.click() }, "Choose a picture…");
  const photograph = camera(heard, take, say);
  const bar = make("progress", { max: 1, value: 0, hidden: true, "aria-label": "how much of the map is done" });

  // ---- the parts
  const image = make("img", { alt: "", draggable: "false", load: () => {
    stage.style.setProperty("--ratio", image.naturalWidth / image.naturalHeight);
    stage.classList.toggle("course-tall", image.naturalHeight > image.naturalWidth);
  } });
  const map = make("canvas", { "aria-hidden": "true" });
  const square = make("div", { class: "course-square", hidden: true });
  const seen = make("div", { class: "course-net" }, map, square);
  const stage = make("div", { class: "course-stage-of", tabindex: 0, role: "group", "aria-label": "Your picture with the map of where the network looked. Arrow keys move a grey square over it, Escape takes it away.", keydown: onKey, pointerleave: () => move([-1, -1]) }, image, seen);
  for (const event of ["pointermove", "pointerdown"]) seen.addEventListener(event, onPointer);
  const empty = make("div", { class: "course-empty" }, "Drop or paste a picture here");
  const bars = make("div", { class: "course-bars", role: "group", "aria-label": "what the network says; a press shows the map of a class" });
  const line = make("span", { class: "course-label" });
  const answer = make("div", {}, heading("What the network says ", line), bars);
  const legend = make("div", { class: "course-legend" });
  root.append(
    make("div", { class: "course-controls" }, choose, file, photograph.open),
    said,
    bar,
    photograph.node,
    make("div", { class: "course-parts" },
      make("div", {}, stage, empty, legend),
      answer),
    words,
  );

  // ---- a picture goes to Python
  async function take(blob, name = "the picture") {
    if (!blob) return;
    const number = ++asked;
    clearTimeout(waiting);
    say(`Looking at ${name}…`);
    let sent = blob;
    let note = "";
    if (blob.size > model.get("_largest")) {
      sent = await smaller(blob);
      if (!sent) return say(`${name} has ${(blob.size / 1e6).toFixed(1)} MB, more than the ${model.get("_largest") / 1e6} MB that can be sent, and this browser cannot make it smaller. Make it smaller, or save it as a JPEG.`);
      note = ` Its file has ${(blob.size / 1e6).toFixed(1)} MB, so this page made it smaller before it was sent.`;
    }
    const bytes = await sent.arrayBuffer();
    if (number !== asked) return; // another one was given meanwhile
    if (!told(() => model.send({ ask: "picture", name, number }, undefined, [bytes]))) return say("Python has stopped: run this cell again, then give the picture.");
    notes.set(number, note);
    waiting = setTimeout(() => say("Python has not answered yet: it is busy, or has stopped. If it has stopped, run this cell again."), PATIENCE);
  }

  const notes = new Map(); // what is said beside an answer, by the number of the question

  heard.message((content) => {
    if (content.looking === asked) {
      clearTimeout(waiting);
      bar.hidden = content.done >= content.total;
      bar.value = content.done / content.total;
      say(`Where did it look? ${content.done} of ${content.total} covered pictures are done.`);
    }
    if (content.answered === asked) {
      clearTimeout(waiting);
      bar.hidden = true;
      say(content.error ? `${content.error}` : (notes.get(asked) ?? ""), Boolean(content.error));
    }
    notes.delete(content.answered);
  });
  heard.also(() => clearTimeout(waiting));

  async function smaller(blob) {
    try {
      const bitmap = await createImageBitmap(blob);
      const share = Math.min(1, SMALLER / Math.max(bitmap.width, bitmap.height));
      const canvas = make("canvas", { width: Math.round(share * bitmap.width), height: Math.round(share * bitmap.height) });
      canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
      return await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.92));
    } catch {
      return null;
    }
  }

  const pictureIn = (carried) => [...(carried?.files ?? [])].find((one) => one.type.startsWith("image/")) ?? carried?.files?.[0];
  root.addEventListener("dragover", (event) => {
    event.preventDefault();
    root.classList.add("course-over");
  });
  root.addEventListener("dragleave", () => root.classList.remove("course-over"));
  root.addEventListener("drop", (event) => {
    event.preventDefault();
    event.stopPropagation();
    root.classList.remove("course-over");
    const given = pictureIn(event.dataTransfer);
    if (given) take(given, given.name);
    else say("That was no file. Save the picture first, then drop the file, or copy the picture and paste it here.");
  });
  root.addEventListener("paste", (event) => {
    const given = pictureIn(event.clipboardData);
    event.preventDefault();
    event.stopPropagation();
    if (given) take(given, "the pasted picture");
    else say("There is no picture to paste. Copy one first, not its address.");
  });
  // Ctrl + V inside is the widget's, and not a cell to be pasted.
  const keep = (event) => {
    if (root.contains(event.target) && (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "v") event.target.setAttribute("data-lm-suppress-shortcuts", "true");
  };
  window.addEventListener("keydown", keep, true);
  heard.also(() => window.removeEventListener("keydown", keep, true));

  // ---- the grey square
  function move(place) {
    const now = model.get("place");
    if (numbersOf(model).ready && (now[0] !== place[0] || now[1] !== place[1])) set(model, { place });
  }

  function onPointer(event) {
    const { starts, side, size } = numbersOf(model);
    const box = seen.getBoundingClientRect();
    const nearest = (share) => starts.reduce((best, start, at) => (Math.abs(start + side / 2 - share * size) < Math.abs(starts[best] + side / 2 - share * size) ? at : best), 0);
    move([nearest((event.clientY - box.top) / box.height), nearest((event.clientX - box.left) / box.width)]);
  }

  function onKey(event) {
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey || (!step && event.key !== "Escape")) return;
    event.preventDefault();
    const { ready, starts, drop } = numbersOf(model);
    if (!ready) return;
    const place = model.get("place");
    const inside = (at) => Math.max(0, Math.min(starts.length - 1, at));
    if (!step) move([-1, -1]);
    else if (isSet(place)) move(place.map((at, axis) => inside(at + step[axis])));
    else move([Math.floor(largestAt(drop) / starts.length), largestAt(drop) % starts.length]);
  }

  // ---- drawing
  function drawPicture() {
    const source = model.get("_picture");
    image.hidden = !source;
    stage.hidden = !source;
    empty.hidden = Boolean(source);
    if (source) image.src = source;
    image.alt = model.get("name");
  }

  // The map over the picture, as `_tinted` in widget.py.
  function tint() {
    const { ready, drop, starts, side, size } = numbersOf(model);
    map.hidden = !ready;
    if (!ready) return legend.replaceChildren();
    const now = `${model.get("chosen")} ${model.get("_picture").length} ${drop.join()}`;
    if (now === shownFor) return;
    shownFor = now;
    const heat = spread(drop, starts, side, size);
    const most = heat.reduce((limit, one) => Math.max(limit, Math.abs(one)), FAINTEST);
    map.width = map.height = size;
    const pixels = new ImageData(size, size);
    const shades = [colour(1, 1, "blue-orange"), colour(-1, 1, "blue-orange")];
    heat.forEach((one, at) => {
      pixels.data.set(shades[one < 0 ? 1 : 0], 4 * at);
      pixels.data[4 * at + 3] = Math.round(255 * STRENGTH * Math.min(1, Math.abs(one) / most));
    });
    map.getContext("2d").putImageData(pixels, 0, 0);
    const swatch = (value, text) => {
      const mark = make("i", {});
      mark.style.background = `rgb(${colour(value, 1, "blue-orange").join(" ")})`;
      return make("span", { class: "course-swatch" }, mark, text);
    };
    legend.replaceChildren(swatch(1, `needed for ${model.get("chosen")}`), swatch(-1, "speaks against it"), make("span", { class: "course-label" }, "Move a grey square over the picture."));
  }

  function buildBars() {
    const classes = model.get("classes");
    const rows = model.get("_bars").map((at) => {
      const fill = make("i", {});
      const was = make("span", { class: "course-was" });
      const share = make("span", { class: "course-number" });
      const name = make("span", { class: "course-name", title: classes[at] }, classes[at]);
      const button = make("button", { type: "button", click: () => set(model, { chosen: classes[at] }) }, name, make("span", { class: "course-track" }, fill, was), share);
      return { at, fill, was, share, button };
    });
    bars.replaceChildren(...rows.map(({ button }) => button));
    answer.hidden = !rows.length;
    if (rows.length) oneStop(bars, rows.map(({ button }) => [button]));
    bars.rows = rows;
  }

  function update() {
    const { covered, bars: shown, starts, side, size, probabilities, ready } = numbersOf(model);
    const place = model.get("place");
    const thresholds = model.get("thresholds");
    const hidden = ready && isSet(place) && place.every((at) => at < starts.length);
    bars.rows.forEach(({ at, fill, was, share, button }, row) => {
      const now = hidden ? covered[(place[0] * starts.length + place[1]) * shown.length + row] : probabilities[at];
      fill.style.width = `${100 * now}%`;
      was.style.left = `${100 * (thresholds.length ? thresholds[at] : probabilities[at])}%`;
      was.hidden = !(thresholds.length || hidden);
      share.textContent = probability(now);
      const label = thresholds.length ? now > thresholds[at] : row === 0;
      button.classList.toggle("course-is", label);
      button.setAttribute("aria-pressed", String(model.get("classes")[at] === model.get("chosen")));
      button.setAttribute("aria-label", `${model.get("classes")[at]}: ${probability(now)}`);
    });
    line.textContent = thresholds.length ? "line: the threshold" : hidden ? "line: without the grey square" : "";
    square.hidden = !hidden;
    if (hidden) Object.assign(square.style, { left: `${(100 * starts[place[1]]) / size}%`, top: `${(100 * starts[place[0]]) / size}%`, width: `${(100 * side) / size}%`, height: `${(100 * side) / size}%` });
    words.textContent = describe(model);
  }

  function redraw() {
    drawPicture();
    buildBars();
    tint();
    update();
  }

  heard.once("name probabilities _picture _bars", redraw);
  heard.once("chosen _covered _starts _side _size", () => { tint(); update(); });
  heard.on("place", update);
  heard.onResize(() => { shownFor = ""; tint(); });
  redraw();

  return heard.stop;
}

function listed(parts) {
  return parts.length > 1 ? `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}` : parts[0];
}

// As `_says` in widget.py.
function says(model) {
  const [name, classes, probabilities, thresholds, bars] = ["name", "classes", "probabilities", "thresholds", "_bars"].map((one) => model.get(one));
  const text = (at) => `${classes[at]} (${probability(probabilities[at])})`;
  if (!thresholds.length) return `${name}: the network says ${text(bars[0])}${bars.length > 1 ? `, then ${text(bars[1])}` : ""}.`;
  const above = bars.filter((at) => probabilities[at] > thresholds[at]).map(text);
  if (!above.length) return `${name}: no tag is above its threshold; the most probable is ${text(bars[0])}.`;
  return `${name}: above ${above.length > 1 ? "their thresholds are" : "its threshold is"} ${listed(above)}.`;
}

// As `describe` in widget.py.
function describe(model) {
  if (!model.get("name")) return NONE_YET;
  const { ready, drop, starts, whole } = numbersOf(model);
  if (!ready) return says(model);
  const [chosen, place, top] = [model.get("chosen"), model.get("place"), largestAt(drop)];
  const said = [says(model)];
  if (drop[top] < NOTICED) said.push(`No grey square takes ${NOTICED} of ${chosen} away.`);
  else said.push(`A grey square ${where(Math.floor(top / starts.length), top % starts.length, starts.length)} takes the most of ${chosen} away: ${probability(whole - drop[top])} is left.`);
  if (isSet(place)) said.push(`With the square in row ${place[0] + 1}, column ${place[1] + 1} it is ${probability(whole - drop[place[0] * starts.length + place[1]])}.`);
  return said.join(" ");
}

function computed(model) {
  const { ready, drop, starts, side, size } = numbersOf(model);
  return ready ? { drop, heat: Array.from(spread(drop, starts, side, size)) } : {};
}

export default { render, computed };
