// Learning rates of layer groups, as one types them, and the controls that set them.

import { choice, make } from "./elements.js";
import { numberField } from "./field.js";
import { significant } from "./numbers.js";

const LOWEST = 1e-6;
const HIGHEST = 10;

// 1, 3 or 10 where each group's rate is that many times the one before, else 0; as `spread` in rates.py.
export function spread(rates) {
  const fits = (factor) => rates.every((rate, group) => {
    const expected = rates.at(-1) / factor ** (rates.length - 1 - group);
    return Math.abs(rate - expected) <= 1e-9 * expected;
  });
  return [1, 3, 10].find(fits) ?? 0;
}

// What one types for the rates: a line before the call, perhaps, and what stands in the call; as `typed` in rates.py.
export function typed(rates) {
  const [factor, last] = [spread(rates), rates.length - 1];
  if (last === 0) return ["", significant(rates[0], 12)];
  if (!factor) return ["", `[${rates.map((rate) => significant(rate, 12)).join(", ")}]`];
  const parts = rates.map((_, group) => (group === last ? "lr" : `lr / ${factor ** (last - group)}`));
  return [`lr = ${significant(rates[last], 12)}\n`, factor === 1 ? "lr" : `[${parts.join(", ")}]`];
}

// A slider and a field for the last group's rate, with which the others move, and how far these are below it.
export function rateControls(model, { take, refuse }) {
  const scale = (rate) => take(model.get("rates").map((one, group, rates) => (group === rates.length - 1 ? rate : Math.min(HIGHEST, (one / rates.at(-1)) * rate))));
  const slider = make("input", { type: "range", min: -5, max: 0, step: 0.05, "aria-label": "learning rate of the last layers", input: () => scale(Number((10 ** slider.value).toPrecision(2))) });
  const field = numberField("learning rate, as a number", HIGHEST, { take: scale, refuse, least: LOWEST, write: significant, example: "0.01 or 1e-3" });
  const earlier = choice("Earlier groups", [[1, "the same"], [3, "÷ 3 each"], [10, "÷ 10 each"]], (factor) =>
    take(model.get("rates").map((_, group, rates) => rates.at(-1) / factor ** (rates.length - 1 - group))));
  const show = () => {
    const rates = model.get("rates");
    slider.value = Math.log10(rates.at(-1));
    slider.setAttribute("aria-valuetext", significant(rates.at(-1)));
    field.show(rates.at(-1));
    earlier.node.hidden = rates.length === 1;
    earlier.show(spread(rates));
  };
  return { nodes: [make("label", { class: "course-slide" }, make("span", { class: "course-label" }, "Learning rate"), slider), field, earlier.node], show };
}
