// What a threshold makes of probabilities: counts of right, wrong and missed tags, and F-beta; the same
// as scikit-learn's, with which a test compares them.

export const STEPS = 100; // the curves have a point at each hundredth

// From views on bytes: float32 probabilities and a byte for each right answer, row after row.
export function readScores(probabilities, targets, tags) {
  const bytes = (view) => view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength);
  return { probabilities: new Float32Array(bytes(probabilities)), targets: new Uint8Array(bytes(targets)), tags, rows: targets.byteLength / tags };
}

function fScore(hits, given, actual, beta) {
  const weighed = given + beta * beta * actual;
  return weighed ? ((1 + beta * beta) * hits) / weighed : 0;
}

// At one threshold: for each tag how often it is right, wrong and missed, and the mean of the pictures' F-beta.
export function countAt({ probabilities, targets, tags, rows }, threshold, beta) {
  const limit = Math.fround(threshold); // the probabilities have 32 bits, and Python compares in 32
  const [right, wrong, missed] = [0, 1, 2].map(() => Array(tags).fill(0));
  let sum = 0;
  for (let row = 0, at = 0; row < rows; row++) {
    let [hits, given, actual] = [0, 0, 0];
    for (let tag = 0; tag < tags; tag++, at++) {
      const yes = probabilities[at] > limit;
      given += yes;
      actual += targets[at];
      if (yes && targets[at]) hits++, right[tag]++;
      else if (yes) wrong[tag]++;
      else if (targets[at]) missed[tag]++;
    }
    sum += fScore(hits, given, actual, beta);
  }
  return { right, wrong, missed, fBeta: sum / rows };
}

// The same at every hundredth: fBeta[step], and right, wrong and missed as [tag][step]. One pass: each probability is counted
// at the first step that it is not above, and what is above a step is the sum of all later counts.
export function curves({ probabilities, targets, tags, rows }, beta) {
  const limits = Float32Array.from({ length: STEPS + 1 }, (_, step) => step / STEPS);
  const [right, wrong] = [0, 1].map(() => Array.from({ length: tags }, () => Array(STEPS + 2).fill(0)));
  const positives = Array(tags).fill(0);
  const fBeta = Array(STEPS + 1).fill(0);
  const [hits, given] = [new Uint16Array(STEPS + 2), new Uint16Array(STEPS + 2)];
  for (let row = 0, at = 0; row < rows; row++) {
    hits.fill(0);
    given.fill(0);
    let actual = 0;
    for (let tag = 0; tag < tags; tag++, at++) {
      let first = Math.ceil(probabilities[at] * STEPS);
      while (first > 0 && !(probabilities[at] > limits[first - 1])) first--;
      while (first <= STEPS && probabilities[at] > limits[first]) first++;
      given[first]++;
      if (targets[at]) hits[first]++, actual++, positives[tag]++, right[tag][first]++;
      else wrong[tag][first]++;
    }
    for (let step = STEPS; step >= 0; step--) {
      hits[step] += hits[step + 1];
      given[step] += given[step + 1];
      // Entry `step + 1` now sums all that are above the limit of `step`.
      fBeta[step] += fScore(hits[step + 1], given[step + 1], actual, beta);
    }
  }
  const above = (counts) => {
    for (let step = STEPS; step >= 0; step--) counts[step] += counts[step + 1];
    return counts.slice(1);
  };
  const [rights, wrongs] = [right.map(above), wrong.map(above)];
  const missed = rights.map((counts, tag) => counts.map((count) => positives[tag] - count));
  return { fBeta: fBeta.map((sum) => sum / rows), right: rights, wrong: wrongs, missed };
}

// The rows near a threshold, by the probabilities of one tag or with -1 of all, in a mixed order, then the others, the nearest
// first; `near` is how near that is. `_near_first` in widget.py gives the same.
export function nearFirst({ probabilities, tags }, rows, threshold, tag, near) {
  const distance = (row) => {
    let least = Infinity;
    for (let at = tag < 0 ? 0 : tag; at <= (tag < 0 ? tags - 1 : tag); at++) least = Math.min(least, Math.abs(probabilities[row * tags + at] - threshold));
    return least;
  };
  const all = rows.map((row) => [row, distance(row), Math.imul(row, 2654435761) >>> 0]);
  const close = all.filter(([, far]) => far <= near).sort((a, b) => a[2] - b[2]);
  const others = all.filter(([, far]) => far > near).sort((a, b) => a[1] - b[1]);
  return [...close, ...others].map(([row]) => row);
}

// Precision and recall of one tag, or with -1 of all together; null where there is nothing to divide by.
export function precisionRecall({ right, wrong, missed }, tag) {
  const pick = (counts) => (tag < 0 ? counts.reduce((a, b) => a + b, 0) : counts[tag]);
  const [hits, given, actual] = [pick(right), pick(right) + pick(wrong), pick(right) + pick(missed)];
  return [given ? hits / given : null, actual ? hits / actual : null];
}
