// ThresholdExplorer: a threshold to move, with F-beta over the whole range, the mistakes tag by tag, and pictures.
// The state is the model's traits; what follows from them is counted in numbers.js.

import { heading, make } from "../base/elements.js";
import { counted, fixed, plain, sum } from "../base/numbers.js";
import { em, onWidth, page } from "../base/page.js";
import { plot } from "../base/plot.js";
import { set, told } from "../base/state.js";
import { STEPS, countAt, curves, nearFirst, precisionRecall, readScores } from "./numbers.js";

const NEAR = 0.05; // as in widget.py
const SHOWN = 6;
const PAUSE = 150; // milliseconds of rest until pictures are asked for
const PATIENCE = 5000; // and until the screen does without
const KINDS = ["precision", "recall", "score"];
const MARKS = { right: "✓", missed: "○", wrong: "✗", near: "·" };
const MEANINGS = {
  right: "right: given, and it is there",
  missed: "missed: not given, and it is there (false negative)",
  wrong: "wrong: given, and it is not there (false positive)",
  near: "rightly left out, by a little",
};

function decimal(threshold) {
  const text = fixed(threshold, 4);
  return text.slice(0, 4) + text.slice(4).replace(/0+$/, "");
}

function rounded(share) {
  return share === null ? "undefined" : fixed(share, 3);
}

// A long tag goes to the next line after an underscore, if it must.
function breakable(tag) {
  return tag.split(/(?<=_)/).flatMap((part, at) => (at ? [make("wbr", {}), part] : [part]));
}

function scoresOf(model) {
  return readScores(model.get("_probabilities"), model.get("_targets"), model.get("classes").length);
}

function render({ model, el }) {
  const { root, heard, words } = page({ model, el }, "threshold");
  let scores = scoresOf(model);
  let lines = curves(scores, model.get("beta"));
  let moveMarker = () => {}; // what moves in the figure
  let bars = []; // for each tag: {row, missed, wrong}
  let examples = []; // for each picture: {row, chips, figure}
  let shownFor = ""; // the rows of these
  const held = new Map(model.get("_held").map(({ row, item, picture }) => [row, { item, picture }])); // pictures that are here
  let doingWithout = Boolean(model.alone); // whether the pictures that are here must do
  let waiting = 0; // for Python to send some
  const without = make("span", { class: "course-message", role: "status", hidden: true }, "Python has stopped or is busy: only pictures that are here already are shown.");

  // ---- controls
  const slider = make("input", { type: "range", min: 0, max: 1, step: 0.01, "aria-label": "threshold", input: () => set(model, { threshold: Number(slider.value) }) });
  const shown = make("output", { class: "course-shown" });
  const best = make("button", { type: "button", title: "Go to the threshold with the highest value", click: () => set(model, { threshold: bestStep() / STEPS }) });
  const tags = make("select", { "aria-label": "tag to look at", change: () => set(model, { tag: tags.value, page: 0 }) });

  // ---- the figures
  const key = (kind) => make("span", { class: `course-key course-${kind}` }, make("i", {}), make("span", {}), " ", make("b", {}));
  const keys = { score: key("score"), precision: key("precision"), recall: key("recall") };
  const figure = make("div", { class: "course-plot", "aria-hidden": "true" });
  const scale = make("span", {});
  const missedHead = make("span", {});
  const wrongHead = make("span", {});
  const list = make("div", { class: "course-bars", tabindex: 0, role: "group", "aria-label": "all tags" });
  const others = make("button", { type: "button", click: () => set(model, { page: model.get("page") + 1 }) }, "Others");
  const gallery = make("div", { class: "course-gallery", tabindex: 0, role: "group", "aria-label": "pictures near the threshold" });
  const legend = Object.entries({ right: "right", missed: "missed", wrong: "wrong", near: "left out, though near" }).map(([kind, text]) =>
    make("span", { class: `course-chip course-${kind}` }, make("b", {}, MARKS[kind]), make("span", {}, text)));
  root.append(
    make("div", { class: "course-controls" }, make("label", { class: "course-slide" }, make("span", { class: "course-label" }, "Threshold"), slider, shown), best, make("label", {}, make("span", { class: "course-label" }, "Tag"), tags)),
    make("div", { class: "course-whole" },
      make("div", { class: "course-panels" },
        make("div", { role: "group", "aria-label": "curves" }, make("div", { class: "course-keys" }, ...Object.values(keys)), figure),
        make("div", { role: "group", "aria-label": "mistakes by tag" }, make("div", { class: "course-bar-row course-bar-head" }, scale, missedHead, wrongHead), list)),
      words,
      make("div", { class: "course-controls course-over" }, heading("Pictures near the threshold"), others, without),
      make("div", { class: "course-legend" }, ...legend),
      gallery),
  );

  function bestStep() {
    return lines.fBeta.indexOf(Math.max(...lines.fBeta));
  }

  function chosen() {
    return model.get("classes").indexOf(model.get("tag"));
  }

  function name() {
    return `F${plain(model.get("beta"))}`;
  }

  // ---- the curves: drawn anew for another tag or width; only the marker moves with the threshold
  function drawPlot() {
    const text = em(root);
    const width = Math.max(200, figure.clientWidth || 420);
    const beside = figure.clientWidth < 0.6 * root.clientWidth;
    const height = beside ? Math.max(16 * text, Math.min(24 * text, list.clientHeight + 4)) : 16 * text; // as high as the bars beside it
    const label = chosen() < 0 ? "threshold" : `threshold; precision and recall are those of ${model.get("tag")}`;
    const drawn = plot(width, height, label, undefined, undefined, text);
    const at = (step) => Object.fromEntries(["right", "wrong", "missed"].map((kind) => [kind, lines[kind].map((counts) => counts[step])]));
    const shares = lines.fBeta.map((_, step) => precisionRecall(at(step), chosen()));
    drawn.curve("precision", shares.map(([precision]) => precision));
    drawn.curve("recall", shares.map(([, recall]) => recall));
    drawn.curve("score", lines.fBeta);
    drawn.tip(bestStep() / STEPS, lines.fBeta[bestStep()]);
    moveMarker = drawn.marker(KINDS);
    drawn.onDrag((value) => set(model, { threshold: Math.round(value * STEPS) / STEPS }));
    figure.replaceChildren(drawn.svg);
  }

  // ---- a row for each tag
  function buildBars() {
    const bar = (kind) => ({ count: make("span", { class: "course-count" }), fill: make("i", { class: `course-${kind}` }) });
    bars = model.get("classes").map((tag) => {
      const [missed, wrong] = [bar("missed"), bar("wrong")];
      const label = make("span", { class: "course-tag", title: tag }, tag);
      const row = make("div", { class: "course-bar-row", title: `Look at ${tag}`, click: () => set(model, { tag: model.get("tag") === tag ? "" : tag, page: 0 }) },
        label, make("span", { class: "course-side course-left" }, missed.count, missed.fill), make("span", { class: "course-side" }, wrong.fill, wrong.count));
      return { row, label, missed, wrong };
    });
    list.replaceChildren(...bars.map(({ row }) => row));
    tags.replaceChildren(make("option", { value: "" }, "all tags"), ...model.get("classes").map((tag) => make("option", { value: tag }, tag)));
  }

  // The count that fills the width: 10, 20, 50, 100, ... so that the bars are seen to grow and seldom change their scale.
  function scaleOf(counts) {
    const largest = Math.max(10, ...counts.wrong, ...counts.missed);
    const ten = 10 ** Math.floor(Math.log10(largest));
    return [1, 2, 5, 10].map((times) => times * ten).find((most) => most >= largest);
  }

  // ---- pictures
  function buildGallery() {
    const classes = model.get("classes");
    const rows = rowsShown();
    shownFor = JSON.stringify(rows);
    examples = rows.map((row) => {
      const chips = classes.map((tag) => make("li", { class: "course-chip", hidden: true }, make("b", {}), make("span", {}, ...breakable(tag)), make("small", {})));
      const order = classes.map((_, tag) => tag).sort((a, b) => probability(row, b) - probability(row, a));
      return { row, chips, order, figure: make("figure", {}, image(row), make("ul", {}, ...order.map((tag) => chips[tag]))) };
    });
    gallery.replaceChildren(...examples.map(({ figure }) => figure));
    others.disabled = (doingWithout ? held.size : scores.rows) <= examples.length;
    updateGallery(false);
    clearTimeout(waiting);
    waiting = setTimeout(askForPictures, PAUSE);
  }

  // The rows of the pictures that are near the threshold, or to the tenth that it rounds to: their tags are seen to change.
  function rowsShown() {
    const tenth = Math.floor(10 * model.get("threshold") + 0.5) / 10;
    const all = doingWithout ? [...held.keys()].sort((a, b) => a - b) : Array.from({ length: scores.rows }, (_, row) => row);
    const order = nearFirst(scores, all, tenth, chosen(), NEAR);
    const count = Math.min(SHOWN, order.length);
    return Array.from({ length: count }, (_, at) => order[(count * model.get("page") + at) % order.length]);
  }

  function image(row) {
    const { item, picture } = held.get(row) ?? { item: `picture ${row + 1}` };
    const node = picture ? make("img", { src: picture, alt: item, draggable: "false" }) : make("div", { class: "course-lost" }, picture === "" ? "cannot be read" : "…");
    node.title = item;
    return node;
  }

  // Python has the pictures, and sends each once; where it does not answer, those that are here must do.
  function askForPictures() {
    const rows = examples.map(({ row }) => row).filter((row) => !held.has(row));
    if (!rows.length || doingWithout) return;
    if (told(() => model.send({ ask: "pictures", rows }))) waiting = setTimeout(doWithout, PATIENCE);
    else doWithout();
  }

  function doWithout() {
    doingWithout = true;
    without.hidden = false;
    buildGallery();
  }

  heard.message(({ pictures }, buffers) => {
    if (!pictures) return;
    clearTimeout(waiting);
    pictures.forEach(([row, item], at) => {
      const bytes = buffers[at];
      const picture = bytes.byteLength ? URL.createObjectURL(new Blob([bytes], { type: "image/jpeg" })) : "";
      held.set(row, { item, picture });
    });
    without.hidden = true;
    if (doingWithout) { // the answer came late
      doingWithout = false;
      buildGallery();
    } else for (const { row, figure } of examples) figure.firstChild.replaceWith(image(row));
  });
  heard.also(() => clearTimeout(waiting));
  heard.also(() => held.forEach(({ picture }) => picture?.startsWith("blob:") && URL.revokeObjectURL(picture)));

  function probability(row, tag) {
    return scores.probabilities[row * scores.tags + tag];
  }

  function updateGallery(moved) {
    const threshold = model.get("threshold");
    const limit = Math.fround(threshold);
    const at = chosen();
    const changed = [];
    for (const { row, chips, order } of examples) {
      let nearly = 0; // of those that are rightly left out, two are enough
      for (const tag of order) {
        const chip = chips[tag];
        const share = probability(row, tag);
        const actual = scores.targets[row * scores.tags + tag];
        const near = Math.abs(share - threshold) <= NEAR;
        const kind = share > limit ? (actual ? "right" : "wrong") : actual ? "missed" : near && (tag === at || nearly++ < 2) ? "near" : "";
        if (chip.getAttribute("data-kind") !== kind) {
          chip.setAttribute("data-kind", kind);
          chip.className = `course-chip course-${kind}`;
          chip.hidden = !kind;
          chip.firstChild.textContent = MARKS[kind] ?? "";
          chip.title = `${model.get("classes")[tag]}: ${MEANINGS[kind] ?? ""}`;
          changed.push(chip);
        }
        chip.classList.toggle("course-close", near);
        chip.classList.toggle("course-looked-at", tag === at);
        chip.lastChild.textContent = fixed(share, 2);
        chip.setAttribute("aria-label", `${model.get("classes")[tag]} ${fixed(share, 2)}, ${MEANINGS[kind] ?? ""}`);
      }
    }
    if (!moved) return;
    void gallery.offsetWidth; // so that a flash that is still running starts again
    for (const chip of changed) chip.classList.add("course-flash");
  }

  // ---- everything that moves with the threshold
  function update() {
    const threshold = model.get("threshold");
    const at = chosen();
    const counts = countAt(scores, threshold, model.get("beta"));
    const [precision, recall] = precisionRecall(counts, at);
    const values = { score: counts.fBeta, precision, recall };
    slider.value = threshold;
    slider.setAttribute("aria-valuetext", `${decimal(threshold)}, ${name()} ${fixed(counts.fBeta, 3)}`);
    shown.textContent = decimal(threshold);
    tags.value = model.get("tag");
    for (const [kind, node] of Object.entries(keys)) {
      node.querySelector("span").textContent = kind === "score" ? name() : kind;
      node.querySelector("b").textContent = rounded(values[kind]);
      node.title = values[kind] === null ? "nothing to divide by" : String(values[kind]);
    }
    moveMarker(threshold, KINDS.map((kind) => values[kind]));
    const [missed, wrong] = [sum(counts.missed), sum(counts.wrong)];
    missedHead.replaceChildren(make("b", {}, counted(missed)), " missed");
    missedHead.title = "false negatives: tags that are there and are not given";
    wrongHead.replaceChildren(make("b", {}, counted(wrong)), " wrong");
    wrongHead.title = "false positives: tags that are given and are not there";
    const most = scaleOf(counts);
    list.style.setProperty("--count", `${0.72 + 0.66 * counted(most).length}em`); // the room of a number beside its bar
    scale.textContent = `scale: 0 to ${counted(most)}`;
    bars.forEach((bar, tag) => {
      bar.row.classList.toggle("course-looked-at", tag === at);
      for (const kind of ["missed", "wrong"]) {
        const count = counts[kind][tag];
        bar[kind].count.textContent = counted(count);
        bar[kind].fill.style.width = `calc((100% - var(--count)) * ${Math.min(1, count / most)})`;
      }
    });
    const tag = model.get("tag");
    const part = at < 0 ? "" : `; of these ${counted(counts.wrong[at])} and ${counted(counts.missed[at])} for ${tag}`;
    words.textContent = `Threshold ${decimal(threshold)}: ${name()} is ${fixed(counts.fBeta, 3)} on ${counted(scores.rows)} picture${scores.rows === 1 ? "" : "s"}, with ${counted(wrong)} wrong tag${wrong === 1 ? "" : "s"} (false positives) and ${counted(missed)} missed (false negatives)${part}. ${at < 0 ? "Precision" : `For ${tag}: precision`} ${rounded(precision)}, recall ${rounded(recall)}.`;
    if (JSON.stringify(rowsShown()) === shownFor) updateGallery(true);
    else buildGallery();
  }

  function redraw() {
    drawPlot();
    const top = bestStep();
    best.textContent = `Best ${name()}: ${fixed(lines.fBeta[top], 3)} at ${decimal(top / STEPS)}`;
    update();
  }

  function recount() {
    scores = scoresOf(model);
    lines = curves(scores, model.get("beta"));
    buildBars();
    buildGallery();
    redraw();
  }

  heard.on("threshold", update);
  heard.on("tag", redraw);
  heard.on("page", update);
  heard.on("beta classes _probabilities _targets", recount);
  recount();
  onWidth(heard, figure, redraw);

  return heard.stop;
}

function computed(model) {
  const scores = scoresOf(model);
  const { wrong, missed, fBeta } = countAt(scores, model.get("threshold"), model.get("beta"));
  return { falsePositives: wrong, falseNegatives: missed, fBeta, curve: curves(scores, model.get("beta")).fBeta };
}

export default { render, computed };
