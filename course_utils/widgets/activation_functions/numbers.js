// Activation functions, a network of two layers with one between, and powers: the same as PyTorch's, which a test compares.

import { sum } from "../base/numbers.js";

export const REACH = 5; // the network is looked at from −5 to 5
export const GRID = Array.from({ length: 161 }, (_, step) => -REACH + step / 16);
const FLAT = 1e-9; // a change of slope that is smaller bends nothing
export const CURVES = ["relu", "leaky_relu", "sigmoid", "tanh"];

const sigmoid = (x) => 1 / (1 + Math.exp(-x));
const FUNCTIONS = { // what each makes of x, and how steep it is there
  nothing: [(x) => x, () => 1],
  relu: [(x) => Math.max(0, x), (x) => (x > 0 ? 1 : 0)],
  leaky_relu: [(x, leak) => (x > 0 ? x : leak * x), (x, leak) => (x > 0 ? 1 : leak)],
  sigmoid: [sigmoid, (x) => sigmoid(x) * sigmoid(-x)],
  tanh: [Math.tanh, (x) => 1 / Math.cosh(x) ** 2],
};

export function activation(name, x, leak) {
  return FUNCTIONS[name][0](x, leak);
}

export function slope(name, x, leak) {
  return FUNCTIONS[name][1](x, leak);
}

// What each unit, [weight, bias, second weight], adds to the sum.
export function parts(units, between, x, leak) {
  return units.map(([weight, bias, second]) => second * activation(between, weight * x + bias, leak));
}

export function network(units, offset, between, x, leak) {
  return sum(parts(units, between, x, leak)) + offset;
}

// What the network should follow.
export function targetCurve(name, x) {
  if (name === "wave") return 2 * Math.sin(x);
  if (name === "hill") return 2.5 * Math.exp(-(x ** 2) / 2);
  return Math.min(Math.floor((x + REACH) / 2.5), 3) - 1.5;
}

// So many units that, with ReLU, meet the target at even places: each begins at one and changes the slope to that of the next
// stretch.
export function fitted(target, count) {
  const width = (2 * REACH) / count;
  const heights = Array.from({ length: count + 1 }, (_, at) => targetCurve(target, -REACH + at * width));
  const slopes = heights.slice(1).map((height, at) => (height - heights[at]) / width);
  return { units: slopes.map((one, at) => [1, REACH - at * width, one - (slopes[at - 1] ?? 0)]), offset: heights[0] };
}

// The root of the mean squared difference to the target.
export function error(units, offset, between, target, leak) {
  const squares = GRID.map((x) => (network(units, offset, between, x, leak) - targetCurve(target, x)) ** 2);
  return Math.sqrt(sum(squares) / GRID.length);
}

// Where ReLU's units bend the sum: for each unit a place, or null where it has none.
export function bends(units) {
  return units.map(([weight, bias, second]) => {
    const place = Math.abs(weight * second) > FLAT ? -bias / weight : Infinity;
    return Math.abs(place) < REACH ? place : null;
  });
}

// exp of both and of their sum.
export function powers([p, q]) {
  return [Math.exp(p), Math.exp(q), Math.exp(p + q)];
}
