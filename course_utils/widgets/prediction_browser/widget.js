// PredictionBrowser: the pictures of a set in an order, the confusion matrix that picks among them, and one of them large.
// The state is the model's traits; what follows from them is counted in numbers.js.

import { choice, heading, make } from "../base/elements.js";
import { colour, css, ink } from "../base/grid.js";
import { oneStop } from "../base/keys.js";
import { counted, fixed, percent, probability } from "../base/numbers.js";
import { em, onWidth, page } from "../base/page.js";
import { set, told } from "../base/state.js";
import { confusion, mistakes, readSet, rightOf, rowsOf, seen } from "./numbers.js";

const ORDERS = [["most wrong", "most wrong"], ["most sure", "most sure"], ["most unsure", "most unsure"]];
const WHICH = { "most wrong": "wrong, the surest first", "most sure": "all, the surest first", "most unsure": "all, the least sure first" };
const MOST_CLASSES = 10; // in a matrix, as in widget.py
const MISTAKES = 12;
const AT_ONCE = 24; // pictures that are asked for together
const PAUSE = 80; // milliseconds of rest until pictures are asked for
const PATIENCE = 8000; // and until the screen does without
const TILE = { width: 7.2, height: 10.2 }; // em
let views = 0; // for names of elements that no other view has

function setOf(model) {
  return readSet(model.get("_top"), model.get("_predicted"), model.get("_actual"));
}

function render({ model, el }) {
  const { root, heard, words } = page({ model, el }, "predictions");
  const id = `course-predictions-${views++}`;
  let all = setOf(model);
  let counts = confusion(all, model.get("classes").length);
  let rows = []; // in their order
  let across = 1; // pictures side by side
  let cells = []; // what picks: { label, guess, button }
  const tiles = new Map(); // by place: those that are seen
  const held = new Map(model.get("_held").map((one) => [one.row, one])); // pictures that are here
  let doingWithout = Boolean(model.alone);
  let asked = 0; // the timer of a question to Python
  let busy = false; // whether it has been asked and has not answered

  // ---- controls
  const order = choice("Show", ORDERS, (value) => pick({ order: value }));
  const labels = make("select", { "aria-label": "labelled class", change: () => pick({ actual: labels.value }) });
  const guesses = make("select", { "aria-label": "predicted class", change: () => pick({ predicted: guesses.value }) });
  const every = make("button", { type: "button", click: () => pick({ actual: "", predicted: "" }) }, "All classes");
  const without = make("span", { class: "course-message", role: "status", hidden: true }, "Python has stopped or is busy: only pictures that are here already are shown.");

  // ---- the parts
  const picking = make("div", { class: "course-picking" });
  const list = make("div", { class: "course-list", role: "listbox", tabindex: 0, "aria-label": "pictures in this order", keydown: key });
  const long = make("div", { class: "course-long", role: "presentation" });
  const none = make("p", { class: "course-none" });
  list.append(long);
  const large = make("figure", { class: "course-big" });
  root.append(
    make("div", { class: "course-controls" }, order.node, make("label", {}, make("span", { class: "course-label" }, "Labelled"), labels), make("label", {}, make("span", { class: "course-label" }, "Predicted"), guesses), every),
    make("div", { class: "course-parts" }, picking, make("div", { class: "course-middle" }, list, none), large),
    words,
    without,
  );

  // ---- choosing: a mistake is among the wrong, and what is right is not
  function pick(values) {
    const to = { order: model.get("order"), actual: model.get("actual"), predicted: model.get("predicted"), ...values };
    if (to.order === "most wrong" && to.actual && to.actual === to.predicted) {
      if (values.order) [to.actual, to.predicted] = ["", ""];
      else to.order = "most sure";
    }
    set(model, { ...to, place: 0 });
  }

  function number(name) {
    return model.get("classes").indexOf(model.get(name));
  }

  // ---- the confusion matrix, or of many classes the commonest mistakes
  function buildPicking() {
    const classes = model.get("classes");
    const option = (name) => make("option", { value: name }, name);
    for (const select of [labels, guesses]) select.replaceChildren(make("option", { value: "" }, "any class"), ...classes.map(option));
    picking.replaceChildren(...(classes.length <= MOST_CLASSES ? matrix(classes) : pairs(classes)));
  }

  function choose(label, guess) {
    const classes = model.get("classes");
    const same = number("actual") === label && number("predicted") === guess;
    pick({ actual: same || label < 0 ? "" : classes[label], predicted: same || guess < 0 ? "" : classes[guess] });
  }

  function matrix(classes) {
    const most = Math.max(1, ...counts.flatMap((row, label) => row.filter((_, guess) => guess !== label)));
    const grid = make("div", { class: "course-matrix", role: "group", "aria-label": "confusion matrix: labelled classes in rows, predicted ones in columns" });
    grid.style.gridTemplateColumns = `minmax(2em, max-content) repeat(${classes.length}, minmax(1.9em, 5em))`;
    grid.append(make("span", {}), ...classes.map((name) => make("span", { class: "course-name", title: name }, name)));
    cells = [];
    const buttons = classes.map((name, label) => {
      const total = Math.max(1, counts[label].reduce((a, b) => a + b, 0));
      const line = classes.map((other, guess) => {
        const count = counts[label][guess];
        // As `_shades` in widget.py.
        const rgb = colour(label === guess ? count / total : -count / most, 1, "blue-orange");
        const button = make("button", { type: "button", "aria-label": `labelled ${name}, predicted ${other}: ${counted(count)}`, click: () => choose(label, guess) }, count ? counted(count) : "·");
        if (count) Object.assign(button.style, { background: css(rgb), color: ink(rgb) });
        cells.push({ label, guess, button });
        return button;
      });
      grid.append(make("span", { class: "course-name course-label-of", title: name }, name), ...line);
      return line;
    });
    oneStop(grid, buttons);
    const swatch = (value, text) => {
      const square = make("i", {});
      square.style.background = css(colour(value, 1, "blue-orange"));
      return make("span", { class: "course-swatch" }, square, text);
    };
    return [
      heading("Confusion matrix"),
      make("div", { class: "course-axes" }, "↓ labelled, → predicted. Click a cell."),
      grid,
      make("div", { class: "course-legend" }, swatch(0.8, "right"), swatch(-0.8, "wrong, deeper where more")),
    ];
  }

  function pairs(classes) {
    cells = [];
    const buttons = mistakes(counts, MISTAKES).map(({ label, guess, count }) => {
      const button = make("button", { type: "button", click: () => choose(label, guess) }, make("b", {}, counted(count)), make("span", {}, `${classes[label]} → ${classes[guess]}`));
      cells.push({ label, guess, button });
      return button;
    });
    const column = make("div", { class: "course-pairs", role: "group", "aria-label": "commonest mistakes, labelled and predicted class" }, ...(buttons.length ? buttons : ["There is no mistake."]));
    if (buttons.length) oneStop(column, buttons.map((button) => [button]));
    return [heading("Commonest mistakes"), make("div", { class: "course-axes" }, "labelled → predicted. Click one."), column];
  }

  // ---- the pictures: only those that are seen are elements
  function layOut() {
    across = Math.max(1, Math.floor(list.clientWidth / (TILE.width * em(root))));
    long.style.height = `${Math.ceil(rows.length / across) * TILE.height}em`;
    for (const tile of tiles.values()) tile.remove();
    tiles.clear();
    fillIn();
  }

  function fillIn() {
    const unit = em(root);
    const [from, to] = seen({ scrolled: list.scrollTop, height: list.clientHeight, tile: TILE.height * unit, across, count: rows.length });
    for (const [place, tile] of tiles) {
      if (place >= from && place < to) continue;
      tile.remove();
      tiles.delete(place);
    }
    for (let place = from; place < to; place++) {
      if (tiles.has(place)) continue;
      const tile = tileAt(place);
      tiles.set(place, tile);
      long.append(tile);
    }
    mark();
    if (busy) return; // the timer is that of the answer
    clearTimeout(asked);
    asked = setTimeout(ask, PAUSE);
  }

  function tileAt(place) {
    const row = rows[place];
    const classes = model.get("classes");
    const right = all.predicted[row] === all.actual[row];
    const [guess, label] = [classes[all.predicted[row]], classes[all.actual[row]]];
    const tile = make("div", {
      id: `${id}-${place}`,
      class: `course-tile ${right ? "course-right" : "course-wrong"}`,
      role: "option",
      "aria-setsize": rows.length,
      "aria-posinset": place + 1,
      "aria-label": `${place + 1}: predicted ${guess} with ${probability(all.top[row])}, ${right ? "right" : `labelled ${label}`}`,
      click: () => set(model, { place }),
    }, image(row), make("div", { class: "course-guess" }, make("b", {}, right ? "✓" : "✗"), make("span", {}, guess), make("small", {}, probability(all.top[row]))), make("div", { class: "course-truth" }, right ? "" : `labelled ${label}`));
    tile.style.left = `${(100 * (place % across)) / across}%`;
    tile.style.width = `${100 / across}%`;
    tile.style.top = `${Math.floor(place / across) * TILE.height}em`;
    return tile;
  }

  function image(row, big = false) {
    const one = held.get(row);
    const source = (big && one?.large) || one?.picture;
    if (source) return make("img", { src: source, alt: one.item, draggable: "false", title: one.item });
    const why = one ? "cannot be read" : model.alone ? "not in this page" : "…";
    return make("div", { class: "course-lost" }, why);
  }

  function chosenPlace() {
    return Math.min(model.get("place"), rows.length - 1);
  }

  function mark() {
    const place = chosenPlace();
    for (const [at, tile] of tiles) tile.setAttribute("aria-selected", String(at === place));
    if (tiles.has(place)) list.setAttribute("aria-activedescendant", `${id}-${place}`);
    else list.removeAttribute("aria-activedescendant");
  }

  function key(event) {
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -across, ArrowDown: across, Home: -Infinity, End: Infinity };
    if (!(event.key in steps) || event.ctrlKey || event.metaKey || event.altKey || !rows.length) return;
    event.preventDefault();
    event.stopPropagation();
    const to = chosenPlace() + steps[event.key];
    set(model, { place: Math.max(0, Math.min(rows.length - 1, to)) });
  }

  function bringIntoView(place) {
    const unit = em(root);
    const top = Math.floor(place / across) * TILE.height * unit;
    const bottom = top + TILE.height * unit;
    if (top < list.scrollTop) list.scrollTop = top;
    else if (bottom > list.scrollTop + list.clientHeight) list.scrollTop = bottom - list.clientHeight;
  }

  // ---- Python has the pictures, and sends each once; where it does not answer, those that are here must do
  function ask() {
    if (doingWithout || busy) return;
    const row = rows[chosenPlace()];
    const big = row !== undefined && held.get(row)?.large === undefined;
    const missing = [...tiles.keys()].sort((a, b) => a - b).map((place) => rows[place]).filter((one) => !held.has(one)).slice(0, AT_ONCE);
    if (!big && !missing.length) return;
    busy = told(() => model.send({ ask: "pictures", rows: big ? [row] : missing, large: big }));
    if (busy) asked = setTimeout(doWithout, PATIENCE);
    else doWithout();
  }

  function doWithout() {
    doingWithout = true;
    busy = false;
    without.hidden = false;
  }

  heard.message(({ pictures, large: big }, buffers) => {
    if (!pictures) return;
    clearTimeout(asked);
    busy = doingWithout = false;
    without.hidden = true;
    pictures.forEach((one, at) => {
      const source = buffers[at].byteLength ? URL.createObjectURL(new Blob([buffers[at]], { type: "image/jpeg" })) : "";
      const before = held.get(one.row);
      held.set(one.row, { ...before, ...one, ...(big ? { large: source, picture: before?.picture ?? source } : { picture: source }) });
    });
    const came = new Set(pictures.map(({ row }) => row));
    for (const [place, tile] of tiles) if (came.has(rows[place])) tile.firstChild.replaceWith(image(rows[place]));
    if (came.has(rows[chosenPlace()])) showLarge();
    ask();
  });
  heard.also(() => clearTimeout(asked));
  heard.also(() => held.forEach((one) => [one.picture, one.large].forEach((source) => source?.startsWith("blob:") && URL.revokeObjectURL(source))));

  // ---- one picture with its probabilities
  function showLarge() {
    const row = rows[chosenPlace()];
    large.hidden = row === undefined;
    if (row === undefined) return;
    const classes = model.get("classes");
    const one = held.get(row);
    const known = one?.probabilities ?? [[all.predicted[row], all.top[row]]];
    const bars = known.map(([at, share]) => {
      const kind = at === all.actual[row] ? "course-is" : "course-not";
      const bar = make("i", { class: kind });
      bar.style.width = `${100 * share}%`;
      return make("div", { class: `course-share ${kind}` }, make("span", { class: "course-name", title: classes[at] }, classes[at]), make("span", { class: "course-track" }, bar), make("small", {}, probability(share)));
    });
    const rest = classes.length - known.length;
    const left = Math.max(0, 1 - known.reduce((sum, [, share]) => sum + share, 0));
    large.replaceChildren(
      image(row, true),
      make("figcaption", {}, one?.item ?? `picture ${counted(row + 1)} of the set`),
      make("div", { class: "course-shares" }, ...bars),
      make("div", { class: "course-label" }, rest ? `${counted(rest)} other classes: ${fixed(left, 3)} together. Blue is the label.` : "Blue is the label."),
    );
  }

  // As `describe` in widget.py.
  function describe() {
    const classes = model.get("classes");
    const right = rightOf(counts);
    const start = `${counted(right)} of ${counted(all.top.length)} pictures are right (${percent(right / all.top.length, 1)}).`;
    const kept = [["labelled", model.get("actual")], ["predicted", model.get("predicted")]].filter(([, name]) => name).map(([how, name]) => ` ${how} ${name}`).join(" and");
    const place = chosenPlace();
    const row = rows[place];
    if (row === undefined) return `${start} Of those${kept} none is ${model.get("order") === "most wrong" ? "wrong" : "there"}.`;
    const verdict = all.predicted[row] === all.actual[row] ? "and so does its label" : `its label says ${classes[all.actual[row]]}`;
    return `${start} Shown: ${counted(rows.length)}${kept} (${WHICH[model.get("order")]}). Number ${counted(place + 1)}: the network says ${classes[all.predicted[row]]} (${probability(all.top[row])}), ${verdict}.`;
  }

  function update() {
    const [label, guess] = [number("actual"), number("predicted")];
    rows = rowsOf(all, model.get("order"), label, guess);
    order.show(model.get("order"));
    labels.value = model.get("actual");
    guesses.value = model.get("predicted");
    every.disabled = label < 0 && guess < 0;
    for (const cell of cells) cell.button.setAttribute("aria-pressed", String(cell.label === label && cell.guess === guess));
    none.hidden = rows.length > 0;
    none.textContent = model.get("order") === "most wrong" ? "No picture here is wrong." : "There is no picture here.";
    list.hidden = !rows.length;
    list.scrollTop = 0;
    layOut();
    look();
  }

  function look() {
    if (rows.length) bringIntoView(chosenPlace());
    fillIn();
    showLarge();
    words.textContent = describe();
  }

  function recount() {
    all = setOf(model);
    counts = confusion(all, model.get("classes").length);
    buildPicking();
    update();
  }

  list.addEventListener("scroll", fillIn, { passive: true });
  heard.once("order actual predicted", update);
  heard.on("place", look);
  heard.once("classes _top _predicted _actual", recount);
  recount();
  onWidth(heard, list, () => { layOut(); look(); });

  return heard.stop;
}

function computed(model) {
  const all = setOf(model);
  const at = (name) => model.get("classes").indexOf(model.get(name));
  return { confusion: confusion(all, model.get("classes").length), rows: rowsOf(all, model.get("order"), at("actual"), at("predicted")), top: [...all.top] };
}

export default { render, computed };
