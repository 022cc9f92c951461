// Points in many dimensions: where they stand on a map of two, how far they are from each other, and what goes along with them;
// the same as widget.py.

import { sum } from "../base/numbers.js";

export const SHADES = [[68, 1, 84], [65, 68, 135], [42, 120, 142], [34, 168, 132], [122, 209, 81], [253, 231, 37]]; // viridis
const FEWEST = 3; // points that a correlation needs

// The rows of a table of float32, as they travel.
export function rows(bytes, dimensions) {
  const all = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  return Array.from({ length: all.length / dimensions }, (_, at) => Array.from(all.subarray(at * dimensions, (at + 1) * dimensions)));
}

// The points around their mean.
export function centred(vectors) {
  const mean = vectors[0].map((_, axis) => sum(vectors.map((vector) => vector[axis])) / vectors.length);
  return vectors.map((vector) => vector.map((value, axis) => value - mean[axis]));
}

// How far along each direction each centred point lies: for each point a number for each direction.
export function along(points, directions) {
  return points.map((point) => directions.map((direction) => sum(direction.map((part, axis) => part * point[axis]))));
}

// Which share of how the centred points differ each direction holds.
export function shares(points, directions) {
  const squares = (rows) => sum(rows.flat().map((value) => value * value));
  const all = squares(points);
  const places = along(points, directions);
  return directions.map((_, at) => (all ? squares(places.map((place) => [place[at]])) / all : 0));
}

export function distances(points, from) {
  return points.map((point) => Math.sqrt(sum(point.map((value, axis) => (value - points[from][axis]) ** 2))));
}

// The nearest others, the nearest first; of two that are as far to twelve digits the earlier one.
export function nearest(far, from, count) {
  const rounded = far.map((one) => Number(one.toExponential(11)));
  return far.map((_, at) => at).filter((at) => at !== from).sort((a, b) => rounded[a] - rounded[b] || a - b).slice(0, count);
}

// Pearson's correlation of two rows of numbers, over those where both are known; null where there is none.
export function correlation(xs, ys) {
  const pairs = xs.map((x, at) => [x, ys[at]]).filter(([, y]) => y !== null);
  if (pairs.length < FEWEST) return null;
  const [x, y] = [0, 1].map((which) => {
    const mean = sum(pairs.map((pair) => pair[which])) / pairs.length;
    return pairs.map((pair) => pair[which] - mean);
  });
  const size = Math.sqrt(sum(x.map((value) => value * value)) * sum(y.map((value) => value * value)));
  return size > 0 ? sum(x.map((value, at) => value * y[at])) / size : null;
}

// The colour of a share from 0 to 1.
export function shade(share) {
  const place = Math.min(Math.max(share, 0), 1) * (SHADES.length - 1);
  const low = Math.min(Math.floor(place), SHADES.length - 2);
  return SHADES[low].map((part, at) => Math.round(part + (place - low) * (SHADES[low + 1][at] - part)));
}
