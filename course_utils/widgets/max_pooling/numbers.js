// Pooling: the same as torch.nn.functional's max_pool2d and avg_pool2d and their gradients, which a test compares.

import { sum } from "../base/numbers.js";

// The rows and columns of the output.
export function outputSize(image, window, stride) {
  return [image.length, image[0].length].map((side) => Math.floor((side - window) / stride) + 1);
}

// The places [row, column] in the window of one output.
export function places(row, column, window, stride) {
  return Array.from({ length: window * window }, (_, at) => [row * stride + Math.floor(at / window), column * stride + (at % window)]);
}

// The place of the largest number in the window of one output; of some that are alike the first one, row by row.
export function winner(image, row, column, window, stride) {
  const inside = places(row, column, window, stride);
  return inside.reduce((best, [r, c]) => (image[r][c] > image[best[0]][best[1]] ? [r, c] : best), inside[0]);
}

// All outputs of both kinds, and what the sum of all outputs changes with each number: of max the number that was kept gets all
// of a window's gradient, of mean each gets the same part.
export function pooled(image, window, stride) {
  const [rows, columns] = outputSize(image, window, stride);
  const zeros = () => image.map((line) => line.map(() => 0));
  const [maxGradient, meanGradient] = [zeros(), zeros()];
  const each = (compute) => Array.from({ length: rows }, (_, row) => Array.from({ length: columns }, (_, column) => compute(row, column)));
  const maxima = each((row, column) => {
    const [r, c] = winner(image, row, column, window, stride);
    maxGradient[r][c] += 1;
    return image[r][c];
  });
  const means = each((row, column) => {
    const inside = places(row, column, window, stride);
    for (const [r, c] of inside) meanGradient[r][c] += 1 / inside.length;
    return sum(inside.map(([r, c]) => image[r][c])) / inside.length;
  });
  return { maxima, means, max_gradient: maxGradient, mean_gradient: meanGradient };
}

// The image moved by one to the right, with zeros coming in.
export function shifted(image) {
  return image.map((row) => [0, ...row.slice(0, -1)]);
}

// How many numbers of two arrays are the same.
export function same(before, after) {
  return sum(before.flat().map((value, at) => Number(Math.abs(value - after.flat()[at]) < 1e-12)));
}
