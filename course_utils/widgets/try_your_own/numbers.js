// What the map shows: the same as course_utils/vision/occlusion.py, which a test compares.

// Of the numbers of all bars (places × places × bars) how much less probable one bar is with each part covered, row by row.
export function drops(covered, bars, bar, whole) {
  return Array.from({ length: covered.length / bars }, (_, at) => whole - covered[at * bars + bar]);
}

// Of each pixel the mean of the numbers of all squares that cover it, row by row; 0 where none does.
export function spread(numbers, starts, side, size) {
  const places = starts.length;
  const total = new Float64Array(size * size);
  const count = new Float64Array(size * size);
  starts.forEach((top, row) => starts.forEach((left, column) => {
    for (let y = top; y < top + side; y++) {
      for (let x = left; x < left + side; x++) {
        total[y * size + x] += numbers[row * places + column];
        count[y * size + x] += 1;
      }
    }
  }));
  return total.map((one, at) => one / Math.max(1, count[at]));
}

// The place of the first of the largest numbers.
export function largestAt(numbers) {
  return numbers.reduce((best, one, at) => (one > numbers[best] ? at : best), 0);
}

// Where a square is, in words; as `_where` in widget.py.
const NAMES = [
  ["at the upper left", "at the top", "at the upper right"],
  ["at the left", "in the middle", "at the right"],
  ["at the lower left", "at the bottom", "at the lower right"],
];

export function where(row, column, places) {
  return NAMES[Math.floor((3 * row) / places)][Math.floor((3 * column) / places)];
}
