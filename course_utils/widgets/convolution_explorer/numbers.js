// What a convolution computes: the same as torch.nn.functional's conv2d, relu and max_pool2d, which a test compares.

import { sum } from "../base/numbers.js";

// The rows and columns of the output.
export function outputSize(image, kernels, stride, padding) {
  const sides = [[image[0].length, kernels[0][0].length], [image[0][0].length, kernels[0][0][0].length]];
  return sides.map(([side, window]) => Math.floor((side + 2 * padding - window) / stride) + 1);
}

// A channel with rings of zeros around it.
export function padded(channel, ring) {
  const zeros = (length) => Array(length).fill(0);
  const wide = channel.map((row) => [...zeros(ring), ...row, ...zeros(ring)]);
  const blank = () => zeros(channel[0].length + 2 * ring);
  return [...Array.from({ length: ring }, blank), ...wide, ...Array.from({ length: ring }, blank)];
}

function convolve(image, kernels, bias, stride, padding) {
  const [rows, columns] = outputSize(image, kernels, stride, padding);
  const channels = image.map((channel) => padded(channel, padding));
  const at = (kernel, top, left) => {
    let total = 0;
    kernel.forEach((weights, channel) => weights.forEach((line, r) => {
      const row = channels[channel][top + r];
      for (let c = 0; c < line.length; c++) total += row[left + c] * line[c];
    }));
    return total;
  };
  return kernels.map((kernel, number) =>
    Array.from({ length: rows }, (_, r) => Array.from({ length: columns }, (_, c) => at(kernel, r * stride, c * stride) + bias[number])));
}

// Pixels of a picture, red, green, blue and opacity from 0 to 255, as grids of numbers from 0 to 1: three channels of colour, or
// so many of the same grey, by the weights of ITU-R BT.601, as Pillow has them. With three digits, which is finer than a byte.
export function channelsOf(bytes, rows, columns, channels) {
  const rounded = (value) => Math.round((1000 * value) / 255) / 1000;
  const grey = (at) => 0.299 * bytes[at] + 0.587 * bytes[at + 1] + 0.114 * bytes[at + 2];
  const pick = (at, channel) => rounded(channels === 3 ? bytes[at + channel] : grey(at));
  const grid = (channel) => Array.from({ length: rows }, (_, r) => Array.from({ length: columns }, (_, c) => pick(4 * (r * columns + c), channel)));
  return Array.from({ length: channels }, (_, channel) => grid(channel));
}

// How maps of (rows, columns) stand in a room of `width` × `height` so that their cells are largest: in one line, in two where
// they may, or, where the room is narrow, each in a line of its own, whatever that is high. Above each is a heading.
export function arranged(maps, width, height, heading, two) {
  const gap = 24;
  const fitting = (lines) => {
    const groups = [...new Set(lines)].map((line) => maps.filter((_, at) => lines[at] === line));
    const across = groups.map((group) => (width - gap * (group.length - 1)) / sum(group.map(([, columns]) => columns)));
    const down = (height - heading * groups.length) / sum(groups.map((group) => Math.max(...group.map(([rows]) => rows))));
    return { cell: Math.min(down, ...across), lines };
  };
  if (!two && width < 560) return { ...fitting(maps.map((_, at) => at)), cell: width / Math.max(...maps.map(([, columns]) => columns)) };
  const splits = maps.map((_, last) => maps.map((_, at) => Number(at > last))).filter((lines) => two || !lines.at(-1));
  return splits.map(fitting).reduce((best, one) => (one.cell >= best.cell ? one : best));
}

// The cells of a straight line from one cell to another, both among them: a fast pointer is seen in few places only.
export function lineBetween([row, column], [toRow, toColumn]) {
  const steps = Math.max(Math.abs(toRow - row), Math.abs(toColumn - column));
  const between = (from, to, step) => Math.round(from + ((to - from) * step) / Math.max(1, steps));
  return Array.from({ length: steps + 1 }, (_, step) => [between(row, toRow, step), between(column, toColumn, step)]);
}

// The place of the largest number in a max pool window.
export function winner(map, row, column, side) {
  let best = [row * side, column * side];
  for (let r = row * side; r < (row + 1) * side; r++)
    for (let c = column * side; c < (column + 1) * side; c++) if (map[r][c] > map[best[0]][best[1]]) best = [r, c];
  return best;
}

function maxPool(map, side) {
  const places = (length) => Array.from({ length: Math.floor(length / side) }, (_, at) => at);
  return places(map.length).map((row) => places(map[0].length).map((column) => {
    const [r, c] = winner(map, row, column, side);
    return map[r][c];
  }));
}

// All stages of all kernels: the convolution, ReLU where it is on, and max pool where its side is above 1.
export function stages({ image, kernels, bias, stride, padding, relu, pool }) {
  const output = convolve(image, kernels, bias, stride, padding);
  const rectified = relu ? output.map((map) => map.map((row) => row.map((value) => Math.max(0, value)))) : output;
  const pooled = pool > 1 ? rectified.map((map) => maxPool(map, pool)) : rectified;
  return { output, rectified, pooled };
}
