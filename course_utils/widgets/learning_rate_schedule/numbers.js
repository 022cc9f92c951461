// How a learning rate moves during a fit, the same as course_utils/training/schedules.py, and where it leads gradient descent on a
// loss with two valleys, the same as valleys.py, to the last bit.

import { following, started } from "../base/random.js";

export const STEPS = 20; // mini-batches in an epoch

// Epochs in each cycle.
export function lengths(kind, cycles, cycleLen, cycleMult) {
  if (kind === "one cycle") return [cycles];
  if (kind === "constant") return Array(cycles).fill(1);
  return Array.from({ length: cycles }, (_, cycle) => cycleLen * cycleMult ** cycle);
}

// Which cycle a fit is in after so many epochs, and where in it: 0 at its start, 1 at the end of the fit.
export function placeIn(cycles, epochsDone) {
  let left = epochsDone;
  for (let cycle = 0; cycle < cycles.length; cycle++) {
    if (left < cycles[cycle]) return { cycle, position: left / cycles[cycle] };
    left -= cycles[cycle];
  }
  return { cycle: cycles.length - 1, position: 1 };
}

const WARM_UP = 0.3;

function between(position, before, peak, after) {
  if (position < WARM_UP) return before + ((peak - before) * (1 - Math.cos((Math.PI * position) / WARM_UP))) / 2;
  return peak + ((after - peak) * (1 - Math.cos((Math.PI * (position - WARM_UP)) / (1 - WARM_UP)))) / 2;
}

// The multiple of the full rate at a position in a cycle.
export function multiple(kind, position) {
  if (kind === "constant") return 1;
  if (kind === "one cycle") return between(position, 1 / 25, 1, 1e-5);
  return (1 + Math.cos(Math.PI * position)) / 2;
}

export function momentum(kind, position) {
  return kind === "one cycle" ? between(position, 0.95, 0.85, 0.95) : 0.9;
}

// The multiple of the full rate at each step of a fit.
export function multiples(kind, cycles) {
  const steps = STEPS * cycles.reduce((a, b) => a + b);
  return Array.from({ length: steps }, (_, step) => multiple(kind, placeIn(cycles, step / STEPS).position));
}

// ---- a loss with two valleys
export const NARROW = 3; // where the narrow valley is
export const WIDE = 7;
const BETWEEN = 4.2; // where the wide valley begins
export const EDGE = 10; // of the picture, which the weight does not leave; the other is 0
export const SHIFT = 0.4; // how far the loss on the validation data lies beside that on the training data
const [NARROW_WIDTH, WIDE_WIDTH, RIM, START, NOISE, SCALE] = [0.4, 1.4, 2, 1, 1, 100];

export function loss(w) {
  const narrow = (w - NARROW) / NARROW_WIDTH;
  const wide = (w - WIDE) / WIDE_WIDTH;
  return 0.02 * (w - 5) * (w - 5) + 1.25 - 1 / (1 + narrow * narrow) - 1 / (1 + wide * wide);
}

function slope(w) {
  const narrow = (w - NARROW) / NARROW_WIDTH;
  const wide = (w - WIDE) / WIDE_WIDTH;
  const below = 1 + narrow * narrow;
  const beside = 1 + wide * wide;
  return 0.04 * (w - 5) + (2 * narrow) / (NARROW_WIDTH * below * below) + (2 * wide) / (WIDE_WIDTH * beside * beside);
}

// The rates of steps as the walks take them.
export function stepSizes(rates) {
  return rates.map((rate) => Number((SCALE * rate).toPrecision(12)));
}

// The weight before the first step and after each; a seed is one order of mini-batches.
export function walkDown(sizes, seed) {
  let state = started(seed);
  let weight = START;
  const path = [weight];
  for (const size of sizes) {
    state = following(state);
    const off = NOISE * (state / 2 ** 31 - 1);
    weight = Math.min(EDGE, Math.max(0, weight - size * (slope(weight) + off)));
    path.push(weight);
  }
  return path;
}

// Where fits with the first so many seeds end.
export function ends(sizes, seeds) {
  return Array.from({ length: seeds }, (_, seed) => walkDown(sizes, seed).at(-1));
}

export function inWide(weights) {
  return weights.filter((weight) => weight >= BETWEEN).length;
}

export function meanValidation(weights) {
  return weights.reduce((total, weight) => total + loss(weight - SHIFT), 0) / weights.length;
}

export function place(w) {
  return w < RIM ? "on the slope" : w < BETWEEN ? "in the narrow valley" : "in the wide valley";
}
