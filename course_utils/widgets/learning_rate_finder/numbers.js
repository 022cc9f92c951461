// A search for a learning rate: its losses smoothed, and what the curve says of a rate; the same as widget.py, which a test compares.

const FEWEST = 10; // steps, with fewer nothing can be said

// An exponential average of the losses, corrected for its beginning at 0.
export function smoothed(losses, smoothing) {
  let [average, power] = [0, 1];
  return losses.map((loss) => {
    average = smoothing * average + (1 - smoothing) * loss;
    power *= smoothing;
    return average / (1 - power);
  });
}

// The step with the lowest loss, or -1 where the curve does not say: it is too short, or the loss does not fall.
export function lowest(curve) {
  const at = curve.indexOf(Math.min(...curve));
  return curve.length >= FEWEST && at >= 2 ? at : -1;
}

// The step at which the loss falls fastest, or -1; the first tenth, in which the mean of few losses jumps, is left out.
export function steepest(curve) {
  const end = lowest(curve);
  const first = Math.max(1, Math.min(Math.floor(curve.length / 10), end - 1));
  let best = -1;
  for (let at = first; at < end; at++) {
    if (best < 0 || curve[at + 1] - curve[at - 1] < curve[best + 1] - curve[best - 1]) best = at;
  }
  return best;
}

// The loss at a rate between two that were tried, on a straight line over the logarithm of the rate.
export function lossAt(rates, curve, rate) {
  const place = Math.log10(rate);
  const tried = rates.map(Math.log10);
  if (place <= tried[0]) return curve[0];
  const after = tried.findIndex((one) => one >= place);
  if (after < 0) return curve.at(-1);
  const share = (place - tried[after - 1]) / (tried[after] - tried[after - 1]);
  return curve[after - 1] + share * (curve[after] - curve[after - 1]);
}

// The share of the way from the first loss down to the lowest.
export function gained(curve, loss) {
  const bottom = curve[lowest(curve)];
  return (curve[0] - loss) / (curve[0] - bottom);
}

// The rule of the lessons: halfway, on a logarithmic axis, between the steepest rate and a tenth of that at the lowest point.
export function suggested(rates, curve) {
  return Math.sqrt((rates[steepest(curve)] * rates[lowest(curve)]) / 10);
}

// What to think of a rate: `best` is the rate at the lowest point, `rule` the one suggested, and `share` how much of the way down
// is done.
export function verdict(rate, best, rule, share) {
  if (rate > best) return "high";
  if (rate > 3 * rule) return "bold";
  if (rate >= rule / 3) return "good";
  return share < 0.2 ? "low" : "slow";
}
