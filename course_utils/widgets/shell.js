// What surrounds every widget: the still picture hides, keys stay inside, and a button writes the workbook.

import { make } from "./grid.js";

// The picture that was left for readers without a living widget is found by a stretch of its own data, wherever it stands.
export function hidePicture(model) {
  const mark = model.get("_picture_mark");
  if (!mark) return () => {};
  const image = `img[src*="${mark}"]`;
  const style = make("style", {}, `${image}, .jp-OutputArea-child:has(> .jp-OutputArea-output > ${image}), .output_area:has(${image}) { display: none !important; }`);
  document.head.append(style);
  return () => style.remove();
}

// JupyterLab listens for keys before anything in the page does. Plain keys pressed inside the widget are the widget's own; with
// Ctrl or Cmd, and Shift + Enter, they still save and run. The mark is on the element itself: of a slider JupyterLab would take
// the arrows before it looks further up.
export function keepKeys(root) {
  const decide = (event) => {
    if (!root.contains(event.target)) return;
    const passes = event.ctrlKey || event.metaKey || event.altKey || (event.shiftKey && event.key === "Enter");
    event.target.toggleAttribute("data-lm-suppress-shortcuts", !passes);
  };
  window.addEventListener("keydown", decide, true);
  return () => window.removeEventListener("keydown", decide, true);
}

export function exportButton(model) {
  const said = make("span", { class: "course-message", role: "status" });
  const link = make("a", { class: "course-link", hidden: true }, "Download a copy");
  const button = make("button", {
    type: "button",
    title: "Write what is on the screen as a workbook of live formulas",
    click: () => {
      button.disabled = true;
      said.textContent = "Writing…";
      link.hidden = true;
      model.send({ ask: "export" });
    },
  }, "Export to Excel");
  const show = () => {
    button.disabled = false;
    said.textContent = model.get("message");
  };
  const offer = (content, buffers) => {
    if (!content.exported) return;
    URL.revokeObjectURL(link.href);
    const type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    link.href = URL.createObjectURL(new Blob([buffers[0]], { type }));
    link.download = content.exported;
    link.hidden = false;
    show();
  };
  model.on("change:message", show);
  model.on("msg:custom", offer);
  const stop = () => {
    model.off("change:message", show);
    model.off("msg:custom", offer);
    URL.revokeObjectURL(link.href);
  };
  return { button, said: make("span", { class: "course-exported" }, said, " ", link), stop };
}

// One of several choices as a row of buttons, of which one is pressed.
export function choice(label, options, pick) {
  const buttons = options.map(([value, text]) => make("button", { type: "button", click: () => pick(value) }, text));
  const show = (chosen) => options.forEach(([value], at) => buttons[at].setAttribute("aria-pressed", String(value === chosen)));
  return { node: make("span", { class: "course-choice", role: "group", "aria-label": label }, make("span", { class: "course-label" }, label), ...buttons), show };
}
