// A widget in a page of its own: a stand-in for the model that Jupyter gives, which holds the traits and tells of changes.

import { fromBase64, make } from "./elements.js";

function standIn(traits) {
  const heard = {};
  const changed = new Set();
  return {
    alone: true,
    get: (name) => traits[name],
    set: (name, value) => {
      if (JSON.stringify(traits[name]) === JSON.stringify(value)) return;
      traits[name] = value;
      changed.add(name);
    },
    save_changes: () => {
      const names = [...changed];
      changed.clear();
      for (const name of names) for (const react of heard[`change:${name}`] ?? []) react();
    },
    on: (event, react) => { (heard[event] ??= new Set()).add(react); },
    off: (event, react) => heard[event]?.delete(react),
    send: () => {},
    workbook: document.getElementById("workbook"), // where one was written when the page was saved
  };
}

// The page is light or dark as the reader's machine is, by the mark that JupyterLab puts on its own pages.
function followTheme() {
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const follow = () => document.body.setAttribute("data-jp-theme-light", String(!dark.matches));
  dark.addEventListener("change", follow);
  follow();
}

// How far the screen's numbers are from those that Python computed: how many were compared, and the largest difference as a
// share of the largest number of their array; Infinity where they are not the same numbers at all.
export function compare(witness, computed) {
  let [compared, difference] = [0, 0];
  for (const [name, { size, every, values }] of Object.entries(witness)) {
    const own = [computed[name] ?? []].flat(Infinity).filter((one) => one !== null);
    const scale = Math.max(1e-300, ...values.map((value) => Math.abs(value ?? 0)));
    if (own.length !== size) difference = Infinity;
    values.forEach((value, at) => {
      if (value === null) return; // not a finite number
      const far = Math.abs(own[at * every] - value) / scale;
      difference = Math.max(difference, Number.isNaN(far) ? Infinity : far);
      compared += 1;
    });
  }
  return { compared, difference };
}

// Below the widget: whether this browser computes what PyTorch computed when the page was written.
function check(widget, model, el) {
  const told = JSON.parse(document.getElementById("witness")?.textContent ?? "{}");
  if (!Object.keys(told).length) return;
  const { compared, difference } = compare(told, widget.computed(model));
  const same = difference <= 1e-12;
  const far = difference ? `the largest difference is ${difference.toExponential(0).replace("-", "−")} of the largest number` : "none differs";
  el.after(make("p", { class: "checked" }, same
    ? `This page computes its own numbers. ${compared.toLocaleString("en-US")} that PyTorch computed when it was saved were compared: ${far}.`
    : "Do not trust the numbers of this page: this browser computes others than PyTorch did when it was saved."));
  if (!same) console.error("The page computes other numbers than PyTorch did.", told, widget.computed(model));
}

// `bytes` are the traits that hold bytes, in base64.
export function show(widget, el, traits, bytes) {
  followTheme();
  for (const [name, text] of Object.entries(bytes)) traits[name] = new DataView(fromBase64(text).buffer);
  const model = standIn(traits);
  widget.initialize?.({ model });
  widget.render({ model, el });
  el.model = model;
  check(widget, model, el);
}
