// What a set's predictions are: the confusion matrix, and its pictures in an order; as widget.py has them from PyTorch.

// From views on bytes: of each picture its highest probability (float32), and the class that has it and the labelled one (uint16).
export function readSet(top, predicted, actual) {
  const bytes = (view) => view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength);
  return { top: new Float32Array(bytes(top)), predicted: new Uint16Array(bytes(predicted)), actual: new Uint16Array(bytes(actual)) };
}

// Counts: labelled classes in rows, predicted ones in columns.
export function confusion({ predicted, actual }, classes) {
  const counts = Array.from({ length: classes }, () => Array(classes).fill(0));
  actual.forEach((label, row) => counts[label][predicted[row]]++);
  return counts;
}

// How many pictures are right.
export function rightOf(counts) {
  return counts.reduce((sum, row, at) => sum + row[at], 0);
}

// The pictures of a labelled and a predicted class, of any with -1: the wrong ones and the surest first, all and the surest first,
// or all and the least sure first; of equals that which comes first in the set.
export function rowsOf({ top, predicted, actual }, order, label, guess) {
  const rows = [];
  for (let row = 0; row < top.length; row++) {
    if (label >= 0 && actual[row] !== label) continue;
    if (guess >= 0 && predicted[row] !== guess) continue;
    if (order === "most wrong" && predicted[row] === actual[row]) continue;
    rows.push(row);
  }
  const up = order === "most unsure" ? 1 : -1;
  return rows.sort((a, b) => up * (top[a] - top[b]) || a - b);
}

// The commonest mistakes, at most so many: { label, guess, count }.
export function mistakes(counts, most) {
  const found = counts.flatMap((row, label) => row.map((count, guess) => ({ label, guess, count })).filter(({ guess, count }) => guess !== label && count));
  return found.sort((a, b) => b.count - a.count || a.label - b.label || a.guess - b.guess).slice(0, most);
}

// Which pictures of a long list in rows of so many are seen, and one screen more each way: from the first to before the last.
export function seen({ scrolled, height, tile, across, count }) {
  const from = Math.max(0, Math.floor((scrolled - height) / tile)) * across;
  const to = Math.ceil((scrolled + 2 * height) / tile) * across;
  return [Math.min(from, count), Math.min(to, count)];
}
