// A field for one number: it shows a rounded one, and the exact one while it is being edited.

import { make } from "./elements.js";
import { parse, plain } from "./numbers.js";

// `take` gets what was typed, if it is a number from `least` to `most`, and `refuse` else the reason in words; `write` makes the
// text of a number.
export function numberField(label, most, { take, refuse, least = -most, write = plain, example = "0.5 or -1", ...attributes }) {
  const field = make("input", { type: "text", inputmode: "decimal", "aria-label": label, ...attributes });
  let exact = 0;
  const range = most < 1e6 ? ` from ${write(least)} to ${write(most)}` : " that can be used here";

  field.addEventListener("change", () => {
    const value = field.value === write(exact) ? exact : parse(field.value);
    if (value >= least && value <= most) take(value);
    else {
      field.setAttribute("aria-invalid", "true");
      refuse(`“${field.value}” is not a number${range}. Type one as in ${example}.`);
      field.focus();
    }
  });
  field.addEventListener("focus", () => {
    field.value = String(exact);
    field.select();
  });
  field.addEventListener("blur", () => {
    if (field.value === String(exact)) field.value = write(exact);
  });
  field.addEventListener("keydown", (event) => { // JupyterLab keeps Enter from the field
    if (event.key === "Enter") field.dispatchEvent(new Event("change"));
  });

  // Show a number; what somebody is typing stays until the number is another one.
  field.show = (value) => {
    const focused = field === field.ownerDocument.activeElement;
    if (!focused || exact !== value) field.value = focused ? String(value) : write(value);
    exact = value;
    field.title = String(value);
    field.removeAttribute("aria-invalid");
  };
  return field;
}
