// SoftmaxSigmoid: sliders for the logits, and beside them what softmax and sigmoid make of these.
// The state is the model's traits; Python computes the same two functions, and a test compares them with PyTorch.

import { make, parse, plain } from "./grid.js";
import { hidePicture, keepKeys } from "./shell.js";

const LARGEST = 50;

function set(model, values) {
  for (const [name, value] of Object.entries(values)) model.set(name, value);
  model.save_changes();
}

function softmax(logits, temperature) {
  const most = Math.max(...logits); // taken away from all: the shares are the same, and no exp overflows
  const powers = logits.map((logit) => Math.exp((logit - most) / temperature));
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / sum);
}

function sigmoid(logits) {
  return logits.map((logit) => 1 / (1 + Math.exp(-logit)));
}

function total(numbers) {
  return numbers.reduce((a, b) => a + b);
}

function render({ model, el }) {
  const root = make("div", { class: "course-widget course-softmax" });
  const stopKeys = keepKeys(root);
  const stopPicture = hidePicture(model);
  let rows = []; // for each class: {slider, field, power, softmax, sigmoid}
  let built = ""; // the classes that the rows were made for
  let remark = ""; // what a button has just shown, until something else moves

  // ---- controls
  const fresh = make("button", { type: "button", title: "Other logits, between −5 and 5", click: () => model.send({ ask: "fresh" }) }, "Fresh random numbers");
  const more = make("button", { type: "button", title: "Add 1 to every logit", click: () => shift(1) }, "+1 to all");
  const less = make("button", { type: "button", title: "Take 1 from every logit", click: () => shift(-1) }, "−1 to all");
  const heat = make("input", { type: "range", min: -1, max: 1, step: 0.05, "aria-label": "temperature of the softmax", input: () => set(model, { temperature: Number((10 ** heat.value).toPrecision(2)) }) });
  const heated = make("output", {});
  const normal = make("button", { type: "button", title: "Temperature 1: powers of e", click: () => set(model, { temperature: 1 }) }, "T = 1");
  const words = make("p", { class: "course-words", role: "status", "aria-live": "polite" });

  // ---- the table
  const powerHead = make("span", { class: "course-power" });
  const softmaxHead = make("small", {});
  const head = make("div", { class: "course-row course-head" },
    make("span", {}, "Class"), make("span", {}, "Logit z"), make("span", {}), powerHead,
    make("div", { class: "course-value" }, make("div", {}, "Softmax", softmaxHead)),
    make("div", { class: "course-value" }, make("div", {}, "Sigmoid", make("small", {}, "1 / (1 + exp(−z)), dashes at 0.5"))));
  const sums = { power: make("output", { class: "course-power", "aria-label": "sum of the powers" }), softmax: make("span", {}), sigmoid: make("span", {}) };
  const sum = make("div", { class: "course-row course-sum" },
    make("span", { class: "course-name" }, "Sum"), make("span", {}), make("span", {}), sums.power,
    make("div", { class: "course-value" }, make("div", { class: "course-short" }, "Softmax"), sums.softmax, make("em", {}, "always")),
    make("div", { class: "course-value course-sigmoid" }, make("div", { class: "course-short" }, "Sigmoid"), sums.sigmoid, make("em", {}, "anything")));
  const table = make("div", { class: "course-rows" });
  root.append(
    make("div", { class: "course-controls" }, fresh, more, less, make("span", { class: "course-heat" }, make("label", {}, make("span", { class: "course-label" }, "Temperature T"), heat), heated, normal)),
    table, words,
  );
  el.append(root);

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

  function onField(at) {
    const { field } = rows[at];
    const shown = model.get("logits")[at];
    const value = field.value === plain(shown) ? shown : parse(field.value);
    if (Math.abs(value) <= LARGEST) move(at, value);
    else {
      field.setAttribute("aria-invalid", "true");
      words.textContent = `“${field.value}” cannot be a logit here. Type a number from −${LARGEST} to ${LARGEST}, as in 2.5 or -1.`;
    }
  }

  function value(kind, name, heading) {
    const fill = make("i", {});
    const number = make("span", {});
    const mark = make("b", {});
    const node = make("div", { class: `course-value course-${kind}`, role: "group", "aria-label": `${heading} of ${name}` },
      make("div", { class: "course-short" }, heading), make("div", { class: "course-bar", "aria-hidden": "true" }, fill), number, mark);
    const show = (share, text) => {
      fill.style.width = `${100 * share}%`;
      number.textContent = share.toFixed(3);
      number.title = String(share);
      mark.textContent = text;
    };
    return { node, show };
  }

  function build() {
    const classes = model.get("classes");
    if (JSON.stringify(classes) === built) return;
    built = JSON.stringify(classes);
    rows = classes.map((name, at) => ({
      slider: make("input", { type: "range", step: 0.1, "aria-label": `logit of ${name}`, input: () => move(at, Number(rows[at].slider.value)) }),
      field: make("input", { type: "text", inputmode: "decimal", "aria-label": `logit of ${name}, as a number`, change: () => onField(at) }),
      power: make("output", { class: "course-power", "aria-label": `power of ${name}` }),
      softmax: value("softmax-value", name, "Softmax"),
      sigmoid: value("sigmoid", name, "Sigmoid"),
    }));
    table.replaceChildren(head, ...rows.map(({ slider, field, power, softmax: left, sigmoid: right }, at) => {
      field.addEventListener("keydown", (event) => { // JupyterLab keeps Enter from the field
        if (event.key === "Enter") field.dispatchEvent(new Event("change"));
      });
      const name = make("span", { class: "course-name", title: classes[at] }, classes[at]);
      return make("div", { class: "course-row" }, name, slider, field, power, left.node, right.node);
    }), sum);
  }

  function update() {
    const logits = model.get("logits");
    const classes = model.get("classes");
    const temperature = model.get("temperature");
    if (logits.length !== classes.length) return; // the other of the two is on its way
    const powers = logits.map((logit) => Math.exp(logit / temperature));
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
      if (field !== document.activeElement || parse(field.value) !== logits[at]) field.value = plain(logits[at]);
      field.title = String(logits[at]);
      field.removeAttribute("aria-invalid");
      power.textContent = plain(powers[at]);
      power.title = String(powers[at]);
      left.show(shares[at], logits[at] < most ? "" : best.length > 1 ? "= tied" : "✓ picked");
      right.show(chances[at], logits[at] > 0 ? "✓ yes" : "");
    });
    more.disabled = most + 1 > LARGEST;
    less.disabled = Math.min(...logits) - 1 < -LARGEST;
    sums.power.textContent = plain(total(powers));
    sums.softmax.textContent = total(shares).toFixed(3);
    sums.sigmoid.textContent = total(chances).toFixed(3);
    const divided = temperature === 1 ? "exp(z)" : `exp(z / ${temperature})`;
    powerHead.textContent = divided;
    softmaxHead.textContent = `${divided} / sum`;
    heat.value = Math.log10(temperature);
    heat.setAttribute("aria-valuetext", String(temperature));
    heated.textContent = `${plain(temperature)}: powers of ${plain(Math.exp(1 / temperature))}`;
    normal.disabled = temperature === 1;
    const share = Math.max(...shares).toFixed(2);
    const chosen = best.length > 1 ? `cannot choose between ${best.join(", ")} (${share} each)` : `picks ${best[0]} (${share})`;
    words.textContent = `Softmax ${chosen}; its ${classes.length} numbers always add up to 1. Above 0.5 by sigmoid: ${above.join(", ") || "none"}; its numbers add up to ${total(chances).toFixed(2)}.${remark}`;
  }

  function redraw() {
    build();
    update();
  }

  const later = () => {
    queueMicrotask(redraw); // classes and logits may change together
  };
  const forget = () => {
    remark = "";
    later();
  };
  model.on("change:logits change:classes", later);
  model.on("change:temperature change:seed", forget);
  redraw();

  return () => {
    stopKeys();
    stopPicture();
    model.off("change:logits change:classes", later);
    model.off("change:temperature change:seed", forget);
  };
}

export default { render };
