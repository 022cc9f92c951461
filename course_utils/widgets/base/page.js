// What surrounds every widget: the still picture hides, keys stay inside, and a button writes the workbook.

import { fromBase64, make } from "./elements.js";
import { countView, listener, told } from "./state.js";

const PATIENCE = 10_000; // milliseconds until a button says that no answer has come
const WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

// The element that a widget fills, and what listens to its model until the widget goes.
export function page({ model, el }, name) {
  const root = make("div", { class: `course-widget course-${name}` });
  const heard = listener(model);
  queueMicrotask(() => (root.querySelector(".course-controls") ?? root).append(largeButton(root, heard))); // the widget has built them by then
  heard.also(hidePicture(model));
  heard.also(countView(model));
  heard.also(followTheme(heard));
  heard.also(keepKeys(root));
  el.append(make("div", { class: "course-host" }, root));
  return { root, heard, words: make("p", { class: "course-words", role: "status", "aria-live": "polite" }) };
}

// How many pixels an em of an element's text is: what is drawn on a canvas has its size by that.
export function em(node) {
  return parseFloat(getComputedStyle(node).fontSize) || 14; // an element that is nowhere yet has none
}

// What is drawn on a canvas is drawn again where the theme changes.
function followTheme(heard) {
  const watcher = new MutationObserver(() => heard.resized());
  watcher.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light"] });
  return () => watcher.disconnect();
}

// For a hall, in this view alone: everything by half again as large.
function largeButton(root, heard) {
  const button = make("button", {
    type: "button",
    class: "course-larger",
    title: "Larger text and pictures, as for a hall",
    "aria-pressed": "false",
    click: () => {
      button.setAttribute("aria-pressed", String(root.classList.toggle("course-large")));
      heard.resized();
    },
  }, "Large");
  return button;
}

// Call when the width or the size of the text changes; a scroll bar that comes and goes is no reason.
export function onWidth(heard, node, react) {
  heard.onResize(react);
  let width = node.clientWidth;
  const watcher = new ResizeObserver(() => {
    if (Math.abs(node.clientWidth - width) < 20) return;
    width = node.clientWidth;
    react();
  });
  watcher.observe(node);
  heard.also(() => watcher.disconnect());
}

// The picture that was left for readers without a living widget is found by a stretch of its own data, wherever it stands.
function hidePicture(model) {
  const mark = model.get("_picture_mark");
  if (!mark) return () => {};
  const image = `img[src*="${mark}"]`;
  const style = make("style", {}, `${image}, .jp-OutputArea-child:has(> .jp-OutputArea-output > ${image}), .output_area:has(${image}) { display: none !important; }`);
  document.head.append(style);
  const stop = hideByPixels(model.get("_picture_sum"));
  return () => {
    style.remove();
    stop();
  };
}

// VS Code keeps pictures behind addresses that begin with blob: and say nothing of what they lead to, so the pixels of each are
// added up. A picture may come later than the widget, and may be exchanged.
function hideByPixels(sum) {
  const hidden = new Map();
  const decide = ({ target: image }) => {
    if (image.localName !== "img" || !image.src.startsWith("blob:")) return;
    const found = pixelSum(image) === sum;
    if (found && !hidden.has(image)) hidden.set(image, image.style.display);
    if (found) image.style.setProperty("display", "none", "important");
    else show(image);
  };
  const show = (image) => {
    if (hidden.has(image)) image.style.display = hidden.get(image);
    hidden.delete(image);
  };
  document.addEventListener("load", decide, true);
  for (const image of document.images) if (image.complete) decide({ target: image });
  return () => {
    document.removeEventListener("load", decide, true);
    for (const image of [...hidden.keys()]) show(image);
  };
}

// Adler-32, as in Python's zlib. The sums stay exact for 5,000 bytes before they are brought below the modulus again.
function pixelSum(image) {
  const canvas = make("canvas", { width: image.naturalWidth, height: image.naturalHeight });
  if (!canvas.width || !canvas.height) return -1;
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  const bytes = context.getImageData(0, 0, canvas.width, canvas.height).data;
  let low = 1;
  let high = 0;
  for (let start = 0; start < bytes.length; start += 5000) {
    const end = Math.min(start + 5000, bytes.length);
    for (let i = start; i < end; i++) {
      low += bytes[i];
      high += low;
    }
    low %= 65521;
    high %= 65521;
  }
  return high * 65536 + low;
}

// JupyterLab listens for keys before anything in the page does. Plain keys pressed inside the widget are the widget's own; with
// Ctrl or Cmd, and Shift + Enter, they still save and run. The mark is on the element itself: of a slider JupyterLab would take
// the arrows before it looks further up.
function keepKeys(root) {
  const decide = (event) => {
    if (!root.contains(event.target)) return;
    const passes = event.ctrlKey || event.metaKey || event.altKey || (event.shiftKey && event.key === "Enter");
    event.target.toggleAttribute("data-lm-suppress-shortcuts", !passes);
  };
  window.addEventListener("keydown", decide, true);
  return () => window.removeEventListener("keydown", decide, true);
}

// In a page of its own only Python could write what is on the screen: there is the workbook of when the page was saved.
function storedWorkbook(holder, heard) {
  const link = make("a", { class: "course-link", download: holder.getAttribute("data-name"), title: "What this page showed when it was saved, in live formulas" }, "Excel workbook");
  link.href = URL.createObjectURL(new Blob([fromBase64(holder.textContent)], { type: WORKBOOK }));
  heard.also(() => URL.revokeObjectURL(link.href));
  return link;
}

export function exportButton(model, heard) {
  if (model.alone) return model.workbook ? storedWorkbook(model.workbook, heard) : "";
  const said = make("span", { class: "course-message", role: "status" });
  const link = make("a", { class: "course-link", hidden: true }, "Download a copy");
  const button = make("button", {
    type: "button",
    title: "Write what is on the screen as a workbook of live formulas",
    click: () => {
      button.disabled = true;
      said.textContent = "Writing…";
      link.hidden = true;
      if (!told(() => model.send({ ask: "export" }))) show("Python has stopped: run this cell again, then export.");
      else waiting = setTimeout(() => show("Python has not answered yet: it is busy, or has stopped. If it has stopped, run this cell again."), PATIENCE);
    },
  }, "Export to Excel");
  let waiting = 0;
  const show = (text = model.get("message")) => {
    clearTimeout(waiting);
    button.disabled = false;
    said.textContent = text;
  };
  const offer = (content, buffers) => {
    if (!content.exported) return;
    URL.revokeObjectURL(link.href);
    link.href = URL.createObjectURL(new Blob([buffers[0]], { type: WORKBOOK }));
    link.download = content.exported;
    link.hidden = false;
    show();
  };
  heard.on("message", () => show());
  heard.message(offer);
  heard.also(() => URL.revokeObjectURL(link.href));
  heard.also(() => clearTimeout(waiting));
  return make("span", { class: "course-export" }, button, make("span", { class: "course-exported" }, said, " ", link));
}
