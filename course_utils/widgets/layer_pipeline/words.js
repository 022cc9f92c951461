// How a number of a layer came about, in words: its formula, and what it saw.

import { plain } from "../base/numbers.js";
import { dot } from "./numbers.js";

// How the number came about, as lines of text; `value` is what PyTorch computed.
export function formula(layer, parts, value, map, row, column) {
  const here = plain(value);
  const first = parts[0]?.values.flat().filter((one) => one !== null) ?? [];
  const one = first.length ? plain(first[0]) : "";
  switch (layer.kind) {
    case "input":
      return [`A pixel of the image: ${here}. Nothing was computed yet.`];
    case "conv":
    case "linear": {
      const sums = parts.map(({ values, weights }) => dot(values, weights));
      const terms = parts.flatMap(({ values, weights }) => values.flatMap((line, r) => line.map((number, c) => [number, weights[r][c]]))).filter(([, weight]) => weight !== null);
      const index = layer.kind === "conv" ? map : row * layer.maps[0][0].length + column;
      const bias = layer.weights.bias?.[index];
      const spelled = terms.length <= 18
        ? terms.map(([number, weight]) => `${plain(number ?? 0)}×${weight < 0 ? `(${plain(weight)})` : plain(weight)}`).join(" + ")
        : sums.map((sum, at) => `${plain(sum)} from map ${parts[at].map + 1}`).join(" + ");
      const total = value - (bias ?? 0); // PyTorch's sum, so that rounding never makes the lines contradict each other
      const relu = layer.settings.relu ? ["ReLU: negative numbers become 0."] : [];
      return [`${spelled} = ${plain(total)}, the sum of ${terms.length} products`, bias === undefined ? `= ${here}` : `${plain(total)} + bias ${plain(bias)} = ${here}`, ...relu];
    }
    case "relu":
      return [`max(0, ${one}) = ${here}`, first[0] < 0 ? "Negative: thrown away." : "Not negative: kept as it is."];
    case "leaky_relu":
      return [first[0] < 0 ? `${plain(layer.settings.slope)} × ${one} = ${here}` : `${one} is not negative: kept as it is.`];
    case "sigmoid":
      return [`1 / (1 + exp(−(${one}))) = ${here}`];
    case "tanh":
      return [`tanh(${one}) = ${here}`];
    case "max_pool":
    case "adaptive_max_pool":
      return [`The largest of ${listed(first)} is ${here}.`];
    case "avg_pool":
    case "adaptive_avg_pool":
      return [`The average of ${listed(first)} is ${here}.`];
    case "add":
      return [`${parts.map(({ values }) => plain(values[0][0])).join(" + ")} = ${here}`];
    case "batch_norm": {
      const at = layer.vector ? row * layer.maps[0][0].length + column : map;
      const { running_mean: mean, running_var: variance, weight, bias } = layer.weights;
      const scaled = weight ? ` × ${plain(weight[at])} + ${plain(bias[at])}` : "";
      return [`(${one} − mean ${plain(mean[at])}) / √(variance ${plain(variance[at])} + ${layer.settings.eps})${scaled} = ${here}`];
    }
    case "softmax":
    case "log_softmax": {
      const own = parts[0].values[row][column];
      const exponential = (number) => Math.exp(number);
      const sum = first.map(exponential).reduce((a, b) => a + b, 0);
      return layer.kind === "softmax"
        ? [`exp(${plain(own)}) = ${plain(exponential(own))}`, `The sum of all ${first.length} such numbers is ${plain(sum)}.`, `${plain(exponential(own))} / ${plain(sum)} = ${here}`]
        : [`${plain(own)} − log(${plain(sum)}) = ${here}, where ${plain(sum)} is the sum of exp(x) over all ${first.length} numbers.`];
    }
    default:
      return [`The same number, ${here}, at another place.`];
  }
}

// What the number saw, as a sentence.
export function saw(layers, layer, parts, value, row, column) {
  if (!parts.length) return "A pixel of the image; nothing was computed yet.";
  const source = layers[parts[0].source];
  const { rows, columns } = parts[0].window;
  const first = parts[0].values[0][0];
  const where = parts.length > 1 && layer.kind !== "add" ? `each of ${parts.length} maps of ${source.label}` : source.label;
  const bias = layer.weights.bias ? " and a bias" : "";
  switch (layer.kind) {
    case "conv":
      return `It saw a ${rows} × ${columns} window of ${where}; ${rows * columns * parts.length} products${bias} add up to ${plain(value)}.`;
    case "linear":
      return `It saw all ${layer.weights.weight[0].length} numbers of ${source.label}, each times its own weight; the products${bias} add up to ${plain(value)}.`;
    case "relu":
      return first < 0 ? `It saw ${plain(first)} and threw it away: negative numbers become 0.` : `It saw ${plain(first)} and kept it.`;
    case "max_pool":
    case "adaptive_max_pool":
      return `It is the largest number of the ${rows} × ${columns} window that it saw of ${where}.`;
    case "avg_pool":
    case "adaptive_avg_pool":
      return `It is the average of the ${rows} × ${columns} window that it saw of ${where}.`;
    case "sigmoid":
      return `It squeezed ${plain(first)} between 0 and 1: ${plain(100 * value)}%.`;
    case "softmax":
      return `It is exp(${plain(parts[0].values[row][column])}) as a share of all such numbers of ${source.label}: ${plain(100 * value)}%.`;
    case "add":
      return `It is the sum of two numbers, of ${parts.map((part) => layers[part.source].label).join(" and ")}.`;
    default:
      return layer.words;
  }
}

function listed(numbers) {
  const shown = numbers.slice(0, 16).map((number) => plain(number)).join(", ");
  return numbers.length > 16 ? `${shown} and ${numbers.length - 16} more` : shown;
}
