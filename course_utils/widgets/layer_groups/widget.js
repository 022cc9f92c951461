// LayerGroups: a network from its input to its output in groups, of which the first may be frozen; what moves, and how fast.
// The state is the model's traits; what follows from them is counted in numbers.js.

import { choice, make } from "../base/elements.js";
import { oneStop } from "../base/keys.js";
import { counted, fixed, percent, significant } from "../base/numbers.js";
import { page } from "../base/page.js";
import { rateControls, typed } from "../base/rates.js";
import { set } from "../base/state.js";
import { groupsOf, totals } from "./numbers.js";

const BYTES = 8; // of each weight that trains: its gradient and its momentum
const PACE = 420; // milliseconds from group to group, while a step is shown

// As `_size` in widget.py.
function size(count) {
  return count >= 1e6 ? `${fixed(count / 1e6, 1)} MB` : `${fixed(count / 1e3, 1)} kB`;
}

// As `_numbered` in widget.py.
function numbered(from, to) {
  const numbers = Array.from({ length: to - from + 1 }, (_, at) => String(from + at));
  return numbers.length > 1 ? `groups ${numbers.slice(0, -1).join(", ")} and ${numbers.at(-1)}` : `group ${numbers[0]}`;
}

function codeOf(model) {
  const [first, count] = [model.get("first_trainable"), model.get("_groups").length];
  const freeze = first === 0 ? "unfreeze()" : first === count - 1 ? "freeze()" : `freeze_to(${first})`;
  const [before, lr] = typed(model.get("rates"));
  return `learner.${freeze}\nlearner.bn_freeze(${model.get("batch_norms_frozen") ? "True" : "False"})\n${before}learner.fit(${lr}, 1, cycle_len=1)`;
}

function render({ model, el }) {
  const { root, heard, words } = page({ model, el }, "groups");
  const all = model.get("_groups");
  const largest = Math.max(...all.flat().map((part) => part.weights), 1);
  const last = all.length - 1;
  let remark = ""; // what a button has just shown, until something else changes
  let showing = 0; // the timer of a step that is shown

  // ---- controls
  const names = all.map((_, first) => [first, first === 0 ? "unfreeze()" : first === last ? "freeze()" : `freeze_to(${first})`]);
  const frozen = choice("Weights", names, (first) => change({ first_trainable: first }));
  const norms = choice("Batch norms", [[false, "bn_freeze(False)"], [true, "bn_freeze(True)"]], (still) => change({ batch_norms_frozen: still }));
  const rates = rateControls(model, { take: (values) => change({ rates: values }), refuse: (text) => { words.textContent = text; } });
  const once = make("button", { type: "button", title: "Show what one mini-batch does", click: step }, "▶ One step of training");

  // ---- the network
  const total = make("b", {});
  const totalWords = make("span", {});
  const views = all.map((parts, number) => groupView(parts, number));
  const network = make("div", { class: "course-network", role: "group", "aria-label": "parts of the network, from its input to its output" }, ...views.map(({ node }) => node));
  oneStop(network, [views.flatMap(({ bars }) => bars)]);
  const part = make("p", { class: "course-part" });
  const code = make("pre", { class: "course-code" });
  const key = (kind, text) => make("span", { class: "course-swatch" }, make("i", { class: kind }), text);
  root.append(
    make("div", { class: "course-controls" }, frozen.node, norms.node),
    make("div", { class: "course-controls" }, ...rates.nodes, once),
    make("div", { class: "course-total" }, total, totalWords),
    network,
    make("div", { class: "course-legend" }, key("course-weights course-on", "weights that train"), key("course-weights", "frozen"), key("course-moves", "batch norm: averages move"), key("", "averages stand still")),
    part,
    make("div", { class: "course-abreast" }, words, make("div", { class: "course-typed" }, make("span", { class: "course-label" }, "What to type:"), code)),
  );

  function groupView(parts, number) {
    const state = make("div", { class: "course-state" });
    const bars = parts.map((one, at) => {
      const bar = make("i", {});
      bar.style.height = `${(100 * one.weights) / largest}%`;
      const look = () => set(model, { block: [number, at] });
      return make("button", { type: "button", "aria-label": `${one.name}, ${counted(one.weights)} weights`, title: one.name, click: look, focus: look, pointerenter: look }, bar);
    });
    const dots = parts.map((one) => make("i", { hidden: !one.averages }));
    const counts = make("div", { class: "course-counts" });
    const node = make("div", { class: "course-group" },
      state, make("div", { class: "course-blocks" }, ...bars), make("div", { class: "course-norms", "aria-hidden": "true" }, ...dots.map((dot) => make("span", {}, dot))), counts);
    node.style.flexGrow = String(Math.max(4, parts.length));
    const show = (group, rate, sum) => {
      node.classList.toggle("course-trains", group.trains);
      state.textContent = `Group ${number + 1}: ${group.trains ? `trains at ${significant(rate)}` : "❄ frozen"}`;
      dots.forEach((dot) => dot.classList.toggle("course-moves", group.learns));
      const averages = group.averages ? [make("div", {}, `${counted(group.averages)} averages ${group.learns ? "move" : "stand still"}`)] : [];
      counts.replaceChildren(make("div", {}, `${counted(group.weights)} weights, ${percent(group.weights / sum)}`), ...averages);
    };
    return { node, bars, show };
  }

  function change(values) {
    stop();
    const before = totals(computedGroups());
    set(model, values);
    const after = totals(computedGroups());
    const parts = [];
    if (after.moving !== before.moving) parts.push(`${counted(Math.abs(after.moving - before.moving))} weights ${after.moving > before.moving ? "more" : "fewer"}`);
    if (after.learning !== before.learning) parts.push(`${counted(Math.abs(after.learning - before.learning))} averages ${after.learning > before.learning ? "more" : "fewer"}`);
    remark = parts.length ? `${parts.join(" and ")} will move. ` : "";
    update();
  }

  function computedGroups() {
    return groupsOf(all, model.get("first_trainable"), model.get("batch_norms_frozen"));
  }

  // ---- one step: forward through all groups, and back as far as one trains
  function step() {
    stop();
    const groups = computedGroups();
    const first = model.get("first_trainable");
    const way = [...all.map((_, at) => [at, "course-passed"]), ...all.map((_, at) => [last - at, "course-back"]).filter(([at]) => at >= first)];
    const { moving, weights, learning } = totals(groups);
    const said = `The mini-batch went forward through ${all.length > 1 ? `all ${all.length} groups` : "the group"}, and gradients came back ${first ? `to group ${first + 1} and no further` : "through all of it"}: ${counted(moving)} weights moved, ${counted(weights - moving)} did not, nor did ${counted(totals(groups).averages - learning)} averages. `;
    const end = () => {
      stop();
      remark = said;
      update();
    };
    if (window.matchMedia("(prefers-reduced-motion: reduce)").matches) return end();
    const next = () => {
      clear();
      if (!way.length) return end();
      const [at, kind] = way.shift();
      views[at].node.classList.add(kind);
      words.textContent = kind === "course-passed" ? `Forward: the mini-batch goes through group ${at + 1}.` : `Back: gradients reach group ${at + 1}, and its weights move by ${significant(model.get("rates")[at])} times them.`;
      showing = setTimeout(next, PACE * (kind === "course-back" ? 2 : 1));
    };
    next();
  }

  function clear() {
    for (const { node } of views) node.classList.remove("course-passed", "course-back");
  }

  function stop() {
    clearTimeout(showing);
    clear();
  }

  // As `describe` in widget.py.
  function describe(groups) {
    const first = model.get("first_trainable");
    const { weights, moving, averages, learning } = totals(groups);
    const still = first === 0 ? "nothing is frozen" : `${numbered(1, first)} ${first === 1 ? "is" : "are"} frozen`;
    const text = `${counted(moving)} of ${counted(weights)} weights move (${percent(moving / weights)}): ${still}; gradients and the optimiser's memory of them take ${size(BYTES * moving)}.`;
    if (!averages) return `${text} There is no batch norm.`;
    if (model.get("batch_norms_frozen")) return `${text} No running average of a batch norm moves, though the weights of those that train do.`;
    if (!learning) return `${text} No running average of a batch norm moves, as those of frozen groups stand still.`;
    return `${text} ${counted(learning)} running averages of batch norms move too, with every mini-batch.`;
  }

  function look() {
    const [number, at] = model.get("block");
    views.forEach(({ bars }, group) => bars.forEach((bar, place) => bar.setAttribute("aria-pressed", String(group === number && place === at))));
    const one = all[number][at];
    const norm = one.averages ? `, ${one.norms} batch norm${one.norms > 1 ? "s" : ""} with ${counted(one.averages)} averages` : "";
    part.textContent = `${one.name || "The network"} (${one.kind}) in group ${number + 1}: ${counted(one.weights)} weights${norm}.`;
  }

  function update() {
    const groups = computedGroups();
    const { weights, moving } = totals(groups);
    frozen.show(model.get("first_trainable"));
    norms.show(model.get("batch_norms_frozen"));
    rates.show();
    views.forEach(({ show }, number) => show(groups[number], model.get("rates")[number], weights));
    total.textContent = counted(moving);
    totalWords.textContent = `of ${counted(weights)} weights move (${percent(moving / weights)})`;
    words.textContent = remark + describe(groups);
    code.textContent = codeOf(model);
  }

  heard.once("first_trainable batch_norms_frozen rates", update);
  heard.on("block", look);
  heard.also(stop);
  update();
  look();

  return heard.stop;
}

function computed(model) {
  const groups = groupsOf(model.get("_groups"), model.get("first_trainable"), model.get("batch_norms_frozen"));
  const { moving, learning } = totals(groups);
  return { weights: groups.map((group) => group.weights), averages: groups.map((group) => group.averages), moving_weights: [moving], moving_averages: [learning] };
}

export default { render, computed };
