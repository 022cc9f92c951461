// What a network sees of a picture: the same as course_utils/vision/variations.py, which a test compares.

import { sum } from "../base/numbers.js";
import { uniform } from "../base/random.js";

const SYMMETRIES = [ // of the square, each a matrix that takes (x, y) of the new picture to (x, y) of the old
  [[1, 0], [0, 1]],
  [[-1, 0], [0, 1]],
  [[1, 0], [0, -1]],
  [[-1, 0], [0, -1]],
  [[0, 1], [1, 0]],
  [[0, -1], [-1, 0]],
  [[0, -1], [1, 0]],
  [[0, 1], [-1, 0]],
];
export const PLAIN = { symmetry: 0, turn: 0, zoom: 1, across: 0, down: 0, brightness: 0, contrast: 0 };

// Takes a place in the new picture, (x, y, 1), to a place in the old, both from -1 to 1 across and down.
export function matrixOf({ symmetry, turn, zoom, across, down }) {
  const [cos, sin] = [Math.cos((turn * Math.PI) / 180), Math.sin((turn * Math.PI) / 180)];
  const shift = 1 - 1 / zoom;
  return SYMMETRIES[symmetry].map(([a, b], axis) => [(a * cos + b * sin) / zoom, (b * cos - a * sin) / zoom, shift * (axis ? down : across)]);
}

// A place among `side` pixels, mirrored at the edges.
function reflected(place, side) {
  const from = Math.abs(place + 0.5);
  const flips = Math.floor(from / side);
  const rest = from - flips * side;
  return Math.max(0, Math.min(side - 1, flips % 2 ? side - rest - 0.5 : rest - 0.5));
}

// Three colours of size × size pixels, one after the other, from 0 to 1. `picture` has bytes, red, green and blue of each pixel,
// `wide` of them in a row, of which the square begins at `left` and `top`.
function sampled({ bytes, wide, left, top, side, size }, matrix) {
  const [[xx, xy, x0], [yx, yy, y0]] = matrix;
  const made = new Float64Array(3 * size * size);
  let at = 0;
  for (let row = 0; row < size; row++) {
    const v = (2 * row + 1) / size - 1;
    for (let column = 0; column < size; column++, at++) {
      const u = (2 * column + 1) / size - 1;
      const x = reflected(((xx * u + xy * v + x0 + 1) * side - 1) / 2, side);
      const y = reflected(((yx * u + yy * v + y0 + 1) * side - 1) / 2, side);
      const [west, north] = [Math.floor(x), Math.floor(y)];
      const [right, lower] = [x - west, y - north];
      const first = 3 * ((top + north) * wide + left + west);
      const [east, south] = [west + 1 < side ? 3 : 0, north + 1 < side ? 3 * wide : 0];
      for (let colour = 0; colour < 3; colour++) {
        const here = first + colour;
        const above = bytes[here] * (1 - right) + bytes[here + east] * right;
        const below = bytes[here + south] * (1 - right) + bytes[here + south + east] * right;
        made[colour * size * size + at] = (above * (1 - lower) + below * lower) / 255;
      }
    }
  }
  return made;
}

// Another contrast around the mean, and another brightness.
function lit(colours, brightness, contrast) {
  const mean = colours.reduce((a, b) => a + b, 0) / colours.length;
  return colours.map((one) => Math.max(0, Math.min(1, one * (1 + contrast) + (brightness - contrast * mean))));
}

// What the network sees of a picture that is varied so.
export function seen(picture, variation) {
  return lit(sampled(picture, matrixOf(variation)), variation.brightness, variation.contrast);
}

// The eight symmetries of colours that are seen, each by moving pixels alone.
export function symmetric(colours, size) {
  const last = size - 1;
  return SYMMETRIES.map(([[a, b], [c, d]]) => {
    const turned = new Float64Array(colours.length);
    const [left, top] = [a + b < 0 ? last : 0, c + d < 0 ? last : 0];
    for (let row = 0; row < size; row++) {
      for (let column = 0; column < size; column++) {
        const from = (top + c * column + d * row) * size + left + a * column + b * row;
        const to = row * size + column;
        for (let colour = 0; colour < 3; colour++) turned[colour * size * size + to] = colours[colour * size * size + from];
      }
    }
    return turned;
  });
}

// Some variations as they are drawn while training, and where the square then begins, among `spare` further places.
export function drawn(seed, count, { symmetries, degrees, light, maxZoom }, spare) {
  const numbers = uniform(seed, 8 * count);
  return Array.from({ length: count }, (_, at) => {
    const [which, turn, zoom, across, down, brightness, contrast, start] = numbers.slice(8 * at, 8 * at + 8);
    return {
      symmetry: Math.floor(which * symmetries),
      turn: degrees * (2 * turn - 1),
      zoom: 1 + (maxZoom - 1) * zoom,
      across: 2 * across - 1,
      down: 2 * down - 1,
      brightness: light * (2 * brightness - 1),
      contrast: light * (2 * contrast - 1),
      start: Math.floor(start * (spare + 1)),
    };
  });
}

// Where the corners of what is seen lie in the square, from the top left one on clockwise, from -1 to 1.
export function corners(variation) {
  const matrix = matrixOf(variation);
  return [[-1, -1], [1, -1], [1, 1], [-1, 1]].map(([u, v]) => matrix.map(([across, down, shift]) => sum([across * u, down * v, shift])));
}

// The square made smaller with nothing varied, as in validation: each new pixel is the mean of the old ones below it, which weigh
// less the farther they are from its middle.
export function scaled({ bytes, wide, left, top, side, size }) {
  const taps = tapsOf(side, size);
  const narrow = new Float64Array(3 * side * size); // as many rows as before
  for (let colour = 0; colour < 3; colour++) for (let row = 0; row < side; row++) taps.forEach(({ from, weights }, column) => {
    const first = 3 * ((top + row) * wide + left + from) + colour;
    narrow[(colour * side + row) * size + column] = sum(weights.map((weight, at) => weight * bytes[first + 3 * at]));
  });
  const made = new Float64Array(3 * size * size);
  for (let colour = 0; colour < 3; colour++) taps.forEach(({ from, weights }, row) => {
    for (let column = 0; column < size; column++) {
      const first = (colour * side + from) * size + column;
      made[(colour * size + row) * size + column] = sum(weights.map((weight, at) => weight * narrow[first + size * at])) / 255;
    }
  });
  return made;
}

// For each of `size` new places, at which of `side` old ones it begins and how much each from there on weighs.
function tapsOf(side, size) {
  const scale = side / size;
  return Array.from({ length: size }, (_, at) => {
    const middle = scale * (at + 0.5);
    const from = Math.max(0, Math.floor(middle - scale + 0.5));
    const to = Math.min(side, Math.floor(middle + scale + 0.5));
    const far = Array.from({ length: to - from }, (_, step) => Math.max(0, 1 - Math.abs(from + step + 0.5 - middle) / scale));
    const all = sum(far);
    return { from, weights: far.map((weight) => weight / all) };
  });
}
