// Random numbers that Python repeats to the last bit, from a seed; random.py gives the same.

export function started(seed) {
  let state = (Math.imul(seed, 2654435761) + 12345) >>> 0;
  for (let times = 0; times < 3; times++) state = following(state);
  return state;
}

// The generator of Numerical Recipes, which any language can repeat.
export function following(state) {
  return (Math.imul(1664525, state) + 1013904223) >>> 0;
}

// So many numbers from 0 up to but not including 1.
export function uniform(seed, count) {
  let state = started(seed);
  return Array.from({ length: count }, () => {
    state = following(state);
    return state / 2 ** 32;
  });
}
