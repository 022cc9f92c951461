// Numbers as text and text as numbers, and small sums.

export function sum(numbers) {
  return numbers.reduce((a, b) => a + b, 0);
}

// The size of the largest number, however deep it lies, and 1 where all are zero.
export function largest(nested) {
  let most = 0;
  for (const value of nested.flat(Infinity)) most = Math.max(most, Math.abs(value));
  return most || 1;
}

// At most two decimals, three below 0.1, and a real minus sign.
export function plain(value, digits = Math.abs(value) < 0.1 ? 3 : 2) {
  if (Math.abs(value) >= 10000) return value.toExponential(1).replaceAll("-", "−");
  const text = String(Number(value.toFixed(digits)));
  return text === "-0" ? "0" : text.replace("-", "−");
}

export function parse(text) {
  const tidy = text.trim().replace("−", "-").replace(",", ".");
  return tidy === "" ? NaN : Number(tidy);
}
