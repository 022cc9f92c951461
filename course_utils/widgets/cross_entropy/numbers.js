// Cross-entropy: the same as torch.nn.functional's cross_entropy and binary_cross_entropy_with_logits, which a test compares.
// Logits and targets are (pictures, classes); a target is 1 for what is true and 0 for what is not.

import { sum } from "../base/numbers.js";
import { sigmoid, softmax } from "../softmax_sigmoid/numbers.js";

export function probabilities(logits, kind) {
  return logits.map((row) => (kind === "softmax" ? softmax(row, 1) : sigmoid(row)));
}

// What each number costs: −log of the probability of what is true, which for softmax is asked of the true class alone. Written
// with log(1 + x), so that a small cost keeps its digits.
export function terms(logits, targets, kind, base) {
  const scale = Math.log(base);
  const softmaxCost = (row, at) => Math.log1p(sum(row.map((other, number) => (number === at ? 0 : Math.exp(other - row[at])))));
  return logits.map((row, number) => row.map((logit, at) => {
    const truth = targets[number][at];
    if (kind === "sigmoid") return Math.log1p(Math.exp(truth ? -logit : logit)) / scale;
    return truth ? softmaxCost(row, at) / scale : 0;
  }));
}

// What each picture costs: the term of its true class, or the mean of its terms.
export function losses(costs, kind) {
  return costs.map((row) => sum(row) / (kind === "softmax" ? 1 : row.length));
}

// Which answers are right: with softmax one for each picture, whose true class is above all others; with sigmoid one for each number.
export function right(logits, targets, kind) {
  if (kind === "sigmoid") return logits.map((row, number) => row.map((logit, at) => logit > 0 === (targets[number][at] === 1)));
  return logits.map((row, number) => {
    const at = targets[number].indexOf(1);
    return [row.every((other, column) => column === at || other < row[at])];
  });
}

// The logit with which a class has a probability, beside the others of its row.
export function logitFor(probability, row, at, kind) {
  const odds = Math.log(probability / (1 - probability));
  if (kind === "sigmoid") return odds;
  const others = row.filter((_, number) => number !== at);
  const most = Math.max(...others); // taken out, so that no exp overflows
  return odds + most + Math.log(sum(others.map((other) => Math.exp(other - most))));
}

// The probability whose point on the curve of its cost is nearest to (x, y); `across` and `up` are how long one of each is.
export function nearest(x, y, base, across, up, least) {
  const steps = 400;
  const most = -Math.log(least);
  let [best, closest] = [1, Infinity];
  for (let step = 0; step <= 2 * steps; step++) { // even steps across, and even steps up, where the curve is steep
    const p = Math.max(least, Math.min(1 - least, step <= steps ? step / steps : Math.exp(-(most * (step - steps)) / steps)));
    const far = Math.hypot((p - x) * across, (-Math.log(p) / Math.log(base) - y) * up);
    if (far < closest) [best, closest] = [p, far];
  }
  return best;
}
