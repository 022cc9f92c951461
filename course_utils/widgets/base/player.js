// Going through something step by step: by buttons, by keys, or by itself, as the traits `playing` and `delay` say.
// A walk says of a model where it is, `place`, from 0 to `last`, and what to set so that it goes somewhere, `to`.

import { make } from "./elements.js";
import { set, viewsOf } from "./state.js";

function go(model, walk, place, values = {}) {
  const inside = Math.max(0, Math.min(walk.last(model), place));
  set(model, { ...values, ...walk.to(model, inside) });
}

// The clock belongs to the model: two views of one widget do not move it twice, and where the last one has gone, as when a cell
// was run again, it stops.
export function clock(model, walk) {
  let ticking = null;
  const tick = () => {
    const seen = viewsOf(model);
    if (seen === 0) set(model, { playing: false });
    if (!seen) return;
    const next = walk.place(model) + 1;
    go(model, walk, next, { playing: next < walk.last(model) });
  };
  const follow = () => {
    clearInterval(ticking);
    ticking = model.get("playing") ? setInterval(tick, model.get("delay")) : null;
  };
  model.on("change:playing", follow);
  model.on("change:delay", follow);
  follow();
  return () => {
    clearInterval(ticking);
    model.off("change:playing", follow);
    model.off("change:delay", follow);
  };
}

// The buttons, named after the `unit` of a step, and what keys do; whoever goes by hand stops the clock, and `stopped` hears of
// it. `all` is what the button is called that goes to the end; without a name there is none.
export function player(model, walk, unit, { stopped = () => {}, all = "" } = {}) {
  const byHand = (place) => {
    stopped();
    go(model, walk, place, { playing: false });
  };
  const by = (steps) => byHand(walk.place(model) + steps);
  const button = (text, title, click, attributes = {}) => make("button", { type: "button", title, click, ...attributes }, text);
  const word = unit.toLowerCase();
  const start = button("Start", "Back to the beginning (Home)", () => byHand(0));
  const back = button(`◀ ${unit}`, `One ${word} back (←)`, () => by(-1), { "aria-label": `${word} back` });
  const play = button("", "Space", toggle, { class: "course-play" });
  const on = button(`${unit} ▶`, `One ${word} on (→)`, () => by(1), { "aria-label": `${word} on` });

  const end = button(all, "To the end (End)", () => byHand(walk.last(model)));
  end.hidden = !all;

  function toggle() {
    const playing = !model.get("playing");
    if (playing && walk.place(model) >= walk.last(model)) go(model, walk, 0, { playing });
    else set(model, { playing });
  }

  // Whether the key was one of the player's.
  function key(event) {
    if (event.key === " ") toggle();
    else if (event.key === "Home") byHand(0);
    else if (event.key === "End") byHand(walk.last(model));
    else return false;
    return true;
  }

  function show() {
    play.textContent = model.get("playing") ? "‖ Pause" : "▶ Play";
    start.disabled = back.disabled = walk.place(model) === 0;
    on.disabled = end.disabled = walk.place(model) === walk.last(model);
  }

  return { node: make("span", { class: "course-player" }, start, back, play, on, end), byHand, by, key, show };
}

// What keys do where the places are cells, in as many rows and columns as `size` says: arrows move among them, from the cell at
// `position`, and other keys are the player's.
export function cellKeys(model, steps, size) {
  return (event) => {
    const [rows, columns] = size(model);
    const [row, column] = model.get("position");
    const moves = { ArrowLeft: [row, column - 1], ArrowRight: [row, column + 1], ArrowUp: [row - 1, column], ArrowDown: [row + 1, column] };
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in moves) {
      const [r, c] = moves[event.key];
      const inside = (at, count) => Math.max(0, Math.min(count - 1, at));
      steps.byHand(inside(r, rows) * columns + inside(c, columns));
    } else if (!steps.key(event)) return;
    event.preventDefault();
  };
}

export function speedSlider(model) {
  const slider = make("input", { type: "range", min: 1, max: 30, "aria-label": "speed, steps per second", change: () => set(model, { delay: Math.round(1000 / slider.value) }) });
  const show = () => { slider.value = Math.max(1, Math.min(30, Math.round(1000 / model.get("delay")))); };
  return { node: make("label", {}, make("span", { class: "course-label" }, "Speed"), slider), show };
}
