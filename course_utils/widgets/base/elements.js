// Elements of the page, and of figures in it.

import { oneStop } from "./keys.js";

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name, value);
    else if (value !== false && value != null) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children);
  return node;
}

// An element with attributes (a function becomes a listener) and children (elements and text).
export function make(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

// The same for a shape in a figure.
export function shape(tag, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

// A heading that no style of the page around it knows: a notebook and slides draw h2 and h3 in their own way.
export function heading(...children) {
  return make("div", { class: "course-heading", role: "heading", "aria-level": 2 }, ...children);
}

// One of several choices as a row of buttons, of which one is pressed: one stop for Tab, with arrows inside.
export function choice(label, options, pick) {
  const buttons = options.map(([value, text]) => make("button", { type: "button", click: () => pick(value) }, text));
  const show = (chosen) => options.forEach(([value], at) => buttons[at].setAttribute("aria-pressed", String(value === chosen)));
  const node = make("span", { class: "course-choice", role: "group", "aria-label": label }, make("span", { class: "course-label" }, label), ...buttons);
  oneStop(node, [buttons]);
  return { node, show };
}

export function fromBase64(text) {
  return Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
}
