// Every number of every layer, as PyTorch computes it, and what each was made of: the part of the layers before it that it saw.

import { sum } from "../base/numbers.js";

// The layers as they travel, with their numbers: `maps` are grids, of which a vector is one, and `weights` are nested by role.
// All weights travel as one row of bytes, float32 or float64; `pixels` are the input, (channels, height, width).
export function forward(layers, bytes, pixels) {
  const held = layers.flatMap(({ weights }) => Object.values(weights));
  const count = sum(held.map(({ shape }) => sizeOf(shape)));
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  const row = bytes.byteLength === 8 * count ? new Float64Array(buffer) : new Float32Array(buffer);
  const done = [];
  for (const layer of layers) {
    const weights = Object.fromEntries(Object.entries(layer.weights).map(([role, { start, shape }]) => [role, nested(row, start, shape)]));
    const whole = { ...layer, weights };
    whole.values = layer.sources.length ? COMPUTED[layer.kind](layer.sources.map((at) => done[at]), whole) : pixels.flat(2);
    whole.maps = layer.vector ? [wrapped(whole.values)] : nested(whole.values, 0, layer.shape);
    done.push(whole);
  }
  return done;
}

function sizeOf(shape) {
  return shape.reduce((a, b) => a * b, 1);
}

function nested(row, start, shape) {
  if (shape.length === 1) return Array.from(row.slice(start, start + shape[0]));
  const size = sizeOf(shape.slice(1));
  return Array.from({ length: shape[0] }, (_, at) => nested(row, start + at * size, shape.slice(1)));
}

// A vector as rows: one number each up to 16, else about a square, its last row filled with null; widget.py does the same.
function wrapped(values) {
  const columns = values.length <= 16 ? 1 : Math.ceil(Math.sqrt(values.length));
  const cells = Array.from({ length: Math.ceil(values.length / columns) * columns }, (_, at) => values[at] ?? null);
  return nested(cells, 0, [cells.length / columns, columns]);
}

// What each kind of layer makes of its sources, as a row of numbers in PyTorch's order.
const each = (compute) => ([source], layer) => source.values.map((value, at) => compute(value, layer, at));
const COMPUTED = {
  conv: convolved,
  linear: ([{ values }], { weights }) => weights.weight.map((row, at) => row.reduce((total, weight, from) => total + weight * values[from], 0) + (weights.bias?.[at] ?? 0)),
  batch_norm: each(normalised),
  relu: each((value) => Math.max(0, value)),
  leaky_relu: each((value, { settings }) => (value > 0 ? value : settings.slope * value)),
  sigmoid: each((value) => 1 / (1 + Math.exp(-value))),
  tanh: each(Math.tanh),
  max_pool: pooled(({ inside }) => Math.max(...inside)),
  adaptive_max_pool: pooled(({ inside }) => Math.max(...inside)),
  avg_pool: pooled(({ inside, padded }, { settings }) => sum(inside) / (settings.divisor ?? (settings.count_include_pad ? padded : inside.length))),
  adaptive_avg_pool: pooled(({ inside }) => sum(inside) / inside.length),
  flatten: ([{ values }]) => values,
  add: ([first, second]) => first.values.map((value, at) => value + second.values[at]),
  softmax: ([{ values }]) => logShares(values).map(Math.exp),
  log_softmax: ([{ values }]) => logShares(values),
};

function convolved([source], layer) {
  const { settings, shape: [outputs, rows, columns], weights: { weight, bias } } = layer;
  const [channels, height, width] = source.shape;
  const [together, perGroup] = [channels / settings.groups, outputs / settings.groups];
  const result = [];
  for (let output = 0; output < outputs; output++) {
    const first = Math.floor(output / perGroup) * together;
    for (let row = 0; row < rows; row++) for (let column = 0; column < columns; column++) {
      const { top, left, down, right } = windowOf(layer, source, row, column);
      let total = 0;
      weight[output].forEach((kernel, channel) => kernel.forEach((line, r) => {
        const y = top + r * down;
        if (y < 0 || y >= height) return;
        const start = ((first + channel) * height + y) * width;
        for (let c = 0; c < line.length; c++) {
          const x = left + c * right;
          if (x >= 0 && x < width) total += source.values[start + x] * line[c];
        }
      }));
      result.push(total + (bias?.[output] ?? 0));
    }
  }
  return result;
}

// `reduce` gets the numbers inside of each window, and how many places it has with those in the padding.
function pooled(reduce) {
  return ([source], layer) => {
    const [channels, height, width] = source.shape;
    const [, rows, columns] = layer.shape;
    const [below, beside] = layer.settings.padding ?? [0, 0];
    const result = [];
    for (let channel = 0; channel < channels; channel++)
      for (let row = 0; row < rows; row++) for (let column = 0; column < columns; column++) {
        const window = windowOf(layer, source, row, column);
        const inside = [];
        for (let r = 0, y = window.top; r < window.rows; r++, y += window.down)
          for (let c = 0, x = window.left; c < window.columns; c++, x += window.right)
            if (y >= 0 && y < height && x >= 0 && x < width) inside.push(source.values[(channel * height + y) * width + x]);
        const padded = (Math.min(window.top + window.rows, height + below) - window.top) * (Math.min(window.left + window.columns, width + beside) - window.left);
        result.push(reduce({ inside, padded }, layer));
      }
    return result;
  };
}

function normalised(value, { shape, weights, settings }, at) {
  const channel = Math.floor(at / sizeOf(shape.slice(1)));
  const { running_mean: mean, running_var: variance, weight, bias } = weights;
  return ((value - mean[channel]) / Math.sqrt(variance[channel] + settings.eps)) * (weight?.[channel] ?? 1) + (bias?.[channel] ?? 0);
}

// Logarithms of the shares of softmax; the largest is taken away from all, so that no exp overflows.
function logShares(values) {
  const most = Math.max(...values);
  const total = Math.log(sum(values.map((value) => Math.exp(value - most))));
  return values.map((value) => value - most - total);
}

// Where a window lies in the layer before it. `step` is the dilation: every so many cells count.
function windowOf(layer, source, row, column) {
  const { kind, settings } = layer;
  const [height, width] = source.vector ? [source.maps[0].length, source.maps[0][0].length] : source.shape.slice(1);
  if (kind === "conv" || kind === "max_pool" || kind === "avg_pool") {
    const weight = layer.weights.weight;
    const [rows, columns] = kind === "conv" ? [weight[0][0].length, weight[0][0][0].length] : settings.kernel;
    const [down, right] = settings.dilation ?? [1, 1];
    const top = row * settings.stride[0] - settings.padding[0];
    const left = column * settings.stride[1] - settings.padding[1];
    return { top, left, rows, columns, down, right };
  }
  if (kind.startsWith("adaptive")) {
    const [rows, columns] = layer.shape.slice(1);
    const top = Math.floor((row * height) / rows);
    const left = Math.floor((column * width) / columns);
    return { top, left, rows: Math.ceil(((row + 1) * height) / rows) - top, columns: Math.ceil(((column + 1) * width) / columns) - left, down: 1, right: 1 };
  }
  if (kind === "linear" || kind === "softmax" || kind === "log_softmax" || layer.vector !== source.vector) {
    return { top: 0, left: 0, rows: height, columns: width, down: 1, right: 1 };
  }
  return { top: row, left: column, rows: 1, columns: 1, down: 1, right: 1 };
}

// What one number saw: a list of {source, map, window, values, weights}; outside the source (padding) a value is null.
export function seen(layers, number, map, row, column) {
  const layer = layers[number];
  const parts = [];
  for (const at of layer.sources) {
    const source = layers[at];
    const window = windowOf(layer, source, row, column);
    for (const from of mapsRead(layer, source, map)) {
      const cells = (pick) => Array.from({ length: window.rows }, (_, r) => Array.from({ length: window.columns }, (_, c) => pick(r, c)));
      const values = cells((r, c) => source.maps[from][window.top + r * window.down]?.[window.left + c * window.right] ?? null);
      parts.push({ source: at, map: from, window, values, weights: weightsFor(layer, source, map, from, row, column, cells) });
    }
  }
  return parts;
}

function mapsRead(layer, source, map) {
  const all = source.maps.map((_, at) => at);
  if (layer.kind === "conv") {
    const { groups } = layer.settings;
    const each = source.maps.length / groups;
    const first = Math.floor(map / (layer.maps.length / groups)) * each;
    return all.slice(first, first + each);
  }
  if (layer.vector !== source.vector || layer.kind === "linear") return all;
  return [map];
}

function weightsFor(layer, source, map, from, row, column, cells) {
  if (layer.kind === "conv") {
    const first = mapsRead(layer, source, map)[0];
    return layer.weights.weight[map][from - first];
  }
  if (layer.kind !== "linear") return null;
  const weights = layer.weights.weight[row * layer.maps[0][0].length + column];
  const [height, width] = [source.maps[0].length, source.maps[0][0].length];
  return cells((r, c) => weights[(from * height + r) * width + c] ?? null);
}

// What each map that a convolution reads gives to one of its maps, before they are added up and the bias comes.
export function sharesOf(layers, number, map) {
  const layer = layers[number];
  const [, rows, columns] = layer.shape;
  const grids = mapsRead(layer, layers[layer.sources[0]], map).map(() => Array.from({ length: rows }, () => Array(columns)));
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++)
    seen(layers, number, map, r, c).forEach(({ values, weights }, at) => { grids[at][r][c] = dot(values, weights); });
  return grids;
}

export function dot(values, weights) {
  let sum = 0;
  values.forEach((line, r) => line.forEach((value, c) => { sum += (value ?? 0) * (weights[r][c] ?? 0); }));
  return sum;
}

// The number farthest from zero in a layer, or in one of its maps: the most telling one to begin with.
export function strongest(layers, number, only = null) {
  const { maps } = layers[number];
  let best = [only ?? 0, 0, 0];
  const size = ([map, row, column]) => Math.abs(maps[map][row][column] ?? 0);
  maps.forEach((rows, map) => rows.forEach((row, r) => row.forEach((_, c) => {
    if ((only === null || map === only) && size([map, r, c]) > size(best)) best = [map, r, c];
  })));
  return [number, ...best];
}
