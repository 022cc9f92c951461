// SoftmaxSigmoid: sliders for the logits, and beside them what softmax and sigmoid make of these.
// The state is the model's traits; what follows from them is computed in numbers.js.

import { make } from "../base/elements.js";
import { numberField } from "../base/field.js";
import { fixed, plain, sum } from "../base/numbers.js";
import { page } from "../base/page.js";
import { set } from "../base/state.js";
import { powers, sigmoid, softmax } from "./numbers.js";

const LARGEST = 50;

function render({ model, el }) {
  const { root, heard, words } = page({ model, el }, "softmax");
  let rows = []; // for each class: {slider, field, power, softmax, sigmoid}
  let built = ""; // the classes that the rows were made for
  let looked = null; // the class that the formulas spell out, the largest where none was chosen
  let remark = ""; // what a button has just shown, until something else moves

  // ---- controls
  const fresh = make("button", { type: "button", title: "Other logits, between −5 and 5", click: drawFresh }, "Fresh random numbers");
  const more = make("button", { type: "button", title: "Add 1 to every logit", click: () => shift(1) }, "+1 to all");
  const less = make("button", { type: "button", title: "Take 1 from every logit", click: () => shift(-1) }, "−1 to all");
  const heat = make("input", { type: "range", min: -1, max: 1, step: 0.05, "aria-label": "temperature of the softmax", input: () => set(model, { temperature: Number((10 ** heat.value).toPrecision(2)) }) });
  const heated = make("output", {});
  const normal = make("button", { type: "button", title: "Temperature 1: powers of e", click: () => set(model, { temperature: 1 }) }, "T = 1");

  // ---- the table
  const powerHead = make("span", { class: "course-power" });
  const softmaxHead = make("small", {});
  const head = make("div", { class: "course-row course-head" },
    make("span", {}, "Class"), make("span", {}, "Logit z"), make("span", {}), powerHead,
    make("div", { class: "course-value" }, make("div", {}, "Softmax", softmaxHead)),
    make("div", { class: "course-value" }, make("div", {}, "Sigmoid", make("small", {}, "1 / (1 + exp(−z)), dashes at 0.5"))));
  const sums = { power: make("output", { class: "course-power", "aria-label": "sum of the powers" }), softmax: make("span", {}), sigmoid: make("span", {}) };
  const sumRow = make("div", { class: "course-row course-sum" },
    make("span", { class: "course-name" }, "Sum"), make("span", {}), make("span", {}), sums.power,
    make("div", { class: "course-value" }, make("div", { class: "course-short" }, "Softmax"), sums.softmax, make("em", {}, "always")),
    make("div", { class: "course-value course-sigmoid" }, make("div", { class: "course-short" }, "Sigmoid"), sums.sigmoid, make("em", {}, "anything")));
  const table = make("div", { class: "course-rows" });
  const formulas = make("div", { class: "course-formulas" });
  root.append(
    make("div", { class: "course-controls" }, fresh, more, less, make("span", { class: "course-heat" }, make("label", {}, make("span", { class: "course-label" }, "Temperature T"), heat), heated, normal)),
    table, formulas, words,
  );

  // The next numbers of the seeds that come; Python sends more of them while it is there.
  function drawFresh() {
    const [logits, ...others] = model.get("_ahead");
    remark = "";
    set(model, { seed: model.get("seed") + 1, logits, _ahead: others });
  }

  function shift(by) {
    const logits = model.get("logits").map((logit) => Number((logit + by).toPrecision(12)));
    const times = Math.exp(1 / model.get("temperature"));
    remark = ` Softmax stays as it was: every power is ${by > 0 ? "multiplied" : "divided"} by ${plain(times)}, and so is their sum. Sigmoid does not.`;
    set(model, { logits });
  }

  function move(at, value) {
    remark = "";
    set(model, { logits: model.get("logits").map((logit, number) => (number === at ? value : logit)) });
  }

  function value(kind, name, heading) {
    const fill = make("i", {});
    const number = make("span", {});
    const mark = make("b", {});
    const node = make("div", { class: `course-value course-${kind}`, role: "group", "aria-label": `${heading} of ${name}` },
      make("div", { class: "course-short" }, heading), make("div", { class: "course-bar", "aria-hidden": "true" }, fill), number, mark);
    const show = (share, text) => {
      fill.style.width = `${100 * share}%`;
      number.textContent = fixed(share, 3);
      number.title = String(share);
      mark.textContent = text;
    };
    return { node, show };
  }

  // ---- the formulas of one class, each part of which lights up what it is in the table, and the other way round
  function lookAt(at) {
    if (looked === at) return;
    looked = at;
    spellOut();
  }

  // A part of a formula, and the element of the table that it is.
  function part(text, element) {
    const light = (on) => () => {
      element.classList.toggle("course-linked", on);
      node.classList.toggle("course-linked", on);
    };
    const node = make("b", { class: "course-part", pointerenter: light(true), pointerleave: light(false) }, text);
    return node;
  }

  function spellOut() {
    const [logits, classes, temperature] = ["logits", "classes", "temperature"].map((name) => model.get(name));
    const at = Math.min(looked ?? logits.indexOf(Math.max(...logits)), logits.length - 1);
    const [risen, shares, chances] = [powers(logits, temperature), softmax(logits, temperature), sigmoid(logits)];
    const logit = plain(logits[at]);
    rows.forEach(({ row }, number) => {
      row.classList.toggle("course-looked-at", number === at);
      for (const lit of row.querySelectorAll(".course-linked")) lit.classList.remove("course-linked");
    });
    const sums = risen.flatMap((power, number) => [number ? " + " : "", part(plain(power), rows[number].power)]);
    const divided = temperature === 1 ? logit : `${logit} / ${plain(temperature)}`;
    formulas.replaceChildren(
      make("div", {}, `Softmax of ${classes[at]} = exp(${divided}) / sum = `, part(plain(risen[at]), rows[at].power), " / (", ...sums, ") = ", part(fixed(shares[at], 3), rows[at].softmax.node)),
      make("div", {}, `Sigmoid of ${classes[at]} = 1 / (1 + exp(−(${logit}))) = 1 / (1 + ${plain(Math.exp(-logits[at]))}) = `, part(fixed(chances[at], 3), rows[at].sigmoid.node), ", whatever the others are"),
    );
  }

  function build() {
    const classes = model.get("classes");
    if (JSON.stringify(classes) === built) return;
    built = JSON.stringify(classes);
    looked = null;
    rows = classes.map((name, at) => ({
      slider: make("input", { type: "range", step: 0.1, "aria-label": `logit of ${name}`, input: () => move(at, Number(rows[at].slider.value)) }),
      field: numberField(`logit of ${name}, as a number`, LARGEST, { take: (value) => move(at, value), refuse: (text) => { words.textContent = text; } }),
      power: make("output", { class: "course-power", "aria-label": `power of ${name}` }),
      softmax: value("softmax-value", name, "Softmax"),
      sigmoid: value("sigmoid", name, "Sigmoid"),
    }));
    table.replaceChildren(head, ...rows.map(({ slider, field, power, softmax: left, sigmoid: right }, at) => {
      const name = make("span", { class: "course-name", title: classes[at] }, classes[at]);
      rows[at].row = make("div", { class: "course-row", pointerenter: () => lookAt(at), focusin: () => lookAt(at) }, name, slider, field, power, left.node, right.node);
      return rows[at].row;
    }), sumRow);
  }

  function update() {
    const logits = model.get("logits");
    const classes = model.get("classes");
    const temperature = model.get("temperature");
    if (logits.length !== classes.length) return; // the other of the two is on its way
    const risen = powers(logits, temperature);
    const shares = softmax(logits, temperature);
    const chances = sigmoid(logits);
    const most = Math.max(...logits);
    const best = classes.filter((_, at) => logits[at] === most);
    const above = classes.filter((_, at) => logits[at] > 0);
    const reach = Math.max(10, Math.ceil(Math.max(...logits.map(Math.abs))));
    rows.forEach(({ slider, field, power, softmax: left, sigmoid: right }, at) => {
      slider.min = -reach;
      slider.max = reach;
      slider.value = logits[at];
      field.show(logits[at]);
      power.textContent = plain(risen[at]);
      power.title = String(risen[at]);
      left.show(shares[at], logits[at] < most ? "" : best.length > 1 ? "= tied" : "✓ picked");
      right.show(chances[at], logits[at] > 0 ? "✓ yes" : "");
    });
    spellOut();
    fresh.disabled = !model.get("_ahead").length;
    more.disabled = most + 1 > LARGEST;
    less.disabled = Math.min(...logits) - 1 < -LARGEST;
    sums.power.textContent = plain(sum(risen));
    sums.softmax.textContent = fixed(sum(shares), 3);
    sums.sigmoid.textContent = fixed(sum(chances), 3);
    const divided = temperature === 1 ? "exp(z)" : `exp(z / ${plain(temperature)})`;
    powerHead.textContent = divided;
    softmaxHead.textContent = `${divided} / sum`;
    heat.value = Math.log10(temperature);
    heat.setAttribute("aria-valuetext", String(temperature));
    heated.textContent = `${plain(temperature)}: powers of ${plain(Math.exp(1 / temperature))}`;
    normal.disabled = temperature === 1;
    const share = fixed(Math.max(...shares), 3);
    const chosen = best.length > 1 ? `cannot choose between ${best.join(", ")} (${share} each)` : `picks ${best[0]} (${share})`;
    words.textContent = `Softmax ${chosen}; its ${classes.length} numbers always add up to 1. Above 0.5 by sigmoid: ${above.join(", ") || "none"}; its numbers add up to ${fixed(sum(chances), 3)}.${remark}`;
  }

  function redraw() {
    build();
    update();
  }

  const later = heard.once("logits classes _ahead", redraw); // classes and logits may change together
  heard.on("temperature seed", () => {
    remark = "";
    later();
  });
  redraw();

  return heard.stop;
}

function computed(model) {
  const [logits, temperature] = [model.get("logits"), model.get("temperature")];
  return { powers: powers(logits, temperature), softmax: softmax(logits, temperature), sigmoid: sigmoid(logits) };
}

export default { render, computed };
