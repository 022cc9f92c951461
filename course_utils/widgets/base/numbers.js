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

// The first twelve digits of a number's size and its power of ten; more the screen and PyTorch need not agree on, and 0.125 and
// 0.12499999999999997, the same sum in another order, are one number. Halves are rounded up.
function agreed(value) {
  const [mantissa, exponent] = Math.abs(value).toExponential(11).split("e");
  return [mantissa, Number(exponent)];
}

// With so many decimals, halves away from zero, and a real minus sign: the number as a person reads it is rounded, where toFixed
// rounds the binary fraction. `fixed` in numbers.py writes the same.
export function fixed(value, digits) {
  const [mantissa, exponent] = agreed(value);
  const twelve = mantissa.replace(".", "");
  const lost = 11 - exponent - digits; // how many of the twelve are rounded away; whole numbers of that size are exact
  const unit = 10 ** lost;
  const count = lost > 12 ? "0" : lost > 0 ? String(Math.floor((Number(twelve) + unit / 2) / unit)) : twelve + "0".repeat(-lost);
  const text = count.padStart(digits + 1, "0");
  const point = text.length - digits;
  return `${value < 0 && Number(count) > 0 ? "−" : ""}${text.slice(0, point)}${digits ? "." : ""}${text.slice(point)}`;
}

// At most two decimals, three below 0.1; `plain_number` in numbers.py writes the same.
export function plain(value, digits) {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "∞" : "−∞";
  const [mantissa, exponent] = agreed(value);
  if (exponent >= 4) {
    const tens = fixed(Number(mantissa), 1);
    const [first, power] = tens === "10.0" ? ["1.0", exponent + 1] : [tens, exponent];
    return `${value < 0 ? "−" : ""}${first}e+${power}`;
  }
  return withoutZeros(fixed(value, digits ?? (exponent < -1 ? 3 : 2)));
}

function withoutZeros(text) {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

// A share of all, as per cent; what is not quite all or nothing is not written as if it were. `percent` in numbers.py is the same.
export function percent(share, digits = 0) {
  const [least, text] = [10 ** -digits, fixed(100 * share, digits)];
  if (share < 1 - 1e-9 && text === fixed(100, digits)) return `>${fixed(100 - least, digits)}%`;
  if (share > 1e-9 && text === fixed(0, digits)) return `<${fixed(least, digits)}%`;
  return `${text}%`;
}

// Three decimals; 0.9996 is not 1. `probability` in numbers.py writes the same.
export function probability(value) {
  const text = fixed(value, 3);
  return text === "1.000" && value < 1 ? ">0.999" : text;
}

// A count, with commas between thousands.
export function counted(number) {
  return number.toLocaleString("en-US");
}

// With so many digits from the first one on, as a learning rate is written; `significant` in numbers.py writes the same.
export function significant(value, digits = 2) {
  const [mantissa, exponent] = agreed(value);
  if (exponent > -5 && exponent < 4) return withoutZeros(fixed(value, Math.max(digits - 1 - exponent, 0)));
  const first = fixed(Number(mantissa), digits - 1);
  const [text, power] = first.startsWith("10") ? ["1", exponent + 1] : [withoutZeros(first), exponent];
  return `${value < 0 ? "−" : ""}${text}e${power}`;
}

export function parse(text) {
  const tidy = text.trim().replace("−", "-").replace(",", ".");
  return tidy === "" ? NaN : Number(tidy);
}
