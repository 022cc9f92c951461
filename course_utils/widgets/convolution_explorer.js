// ConvolutionExplorer: a window moves over the image, and what it sees is multiplied and added up beside it.
// The state is the model's traits; every output on the screen was computed by PyTorch.

import { cellAt, colour, css, drawGrid, ink, largest, make, parse, placeFrame, plain } from "./grid.js";
import { choice, exportButton, hidePicture, keepKeys } from "./shell.js";

// The clock belongs to the model: two views of one widget do not move it twice.
function initialize({ model }) {
  let clock = null;
  const tick = () => {
    if (!step(model, 1)) set(model, { playing: false });
  };
  const follow = () => {
    clearInterval(clock);
    clock = model.get("playing") ? setInterval(tick, model.get("delay")) : null;
  };
  model.on("change:playing change:delay", follow);
  follow();
  return () => clearInterval(clock);
}

function set(model, values) {
  for (const [name, value] of Object.entries(values)) model.set(name, value);
  model.save_changes();
}

function size(model) {
  const output = model.get("output")[0];
  return [output.length, output[0].length];
}

// Move on by so many outputs, row after row; false where the end is reached.
function step(model, by) {
  const [rows, columns] = size(model);
  const [row, column] = model.get("position");
  const next = row * columns + column + by;
  if (next < 0 || next >= rows * columns) return false;
  set(model, { position: [Math.floor(next / columns), next % columns] });
  return true;
}

function padded(channel, ring) {
  const zeros = (length) => Array(length).fill(0);
  const wide = channel.map((row) => [...zeros(ring), ...row, ...zeros(ring)]);
  const blank = () => zeros(channel[0].length + 2 * ring);
  return [...Array.from({ length: ring }, blank), ...wide, ...Array.from({ length: ring }, blank)];
}

function render({ model, el }) {
  const root = make("div", { class: "course-widget course-explorer" });
  const stopKeys = keepKeys(root);
  const stopPicture = hidePicture(model);
  const exporting = exportButton(model);
  let tool = "move"; // what a click into the input does
  let hovered = null; // the output under the pointer, which is shown in place of the position
  let drawing = null; // the image while a stroke is being painted
  let cell = 10; // the side of a cell of the outputs, and of the input
  let inputCell = 10;

  // ---- controls
  const toStart = make("button", { type: "button", title: "Back to the first window", click: () => set(model, { playing: false, position: [0, 0] }) }, "Start");
  const back = make("button", { type: "button", "aria-label": "step back", title: "One step back (←)", click: () => step(model, -1) }, "◀ Step");
  const play = make("button", { type: "button", class: "course-play", title: "Space", click: togglePlay });
  const forward = make("button", { type: "button", "aria-label": "step", title: "One step on (→)", click: () => step(model, 1) }, "Step ▶");
  const speed = make("input", { type: "range", min: 1, max: 30, "aria-label": "speed, steps per second", change: () => set(model, { delay: Math.round(1000 / speed.value) }) });
  const stride = choice("Stride", [[1, "1"], [2, "2"], [3, "3"]], (value) => change({ stride: value }));
  const padding = choice("Padding", [[0, "0"], [1, "1"], [2, "2"]], (value) => change({ padding: value }));
  const relu = choice("ReLU", [[false, "off"], [true, "on"]], (value) => change({ relu: value }));
  const pool = choice("Max pool", [[1, "off"], [2, "2 × 2"], [3, "3 × 3"]], (value) => change({ pool: value }));
  const tools = choice("In the input:", [["move", "Move"], ["draw", "Draw"], ["erase", "Erase"]], (value) => {
    tool = value;
    tools.show(tool);
    stage.classList.toggle("course-drawing", tool !== "move");
  });
  tools.show(tool);
  const presets = make("select", { "aria-label": "preset for this kernel", change: () => model.send({ ask: "preset", name: presets.value }) });
  presets.append(make("option", { value: "", disabled: true }, "own numbers"));
  for (const name of Object.keys(model.get("_presets"))) presets.append(make("option", { value: name }, name));
  const tabs = make("span", { class: "course-choice", role: "group", "aria-label": "kernel" });
  const words = make("p", { class: "course-words", role: "status" });

  // ---- maps
  const stage = make("div", { class: "course-stage", tabindex: 0, role: "group", "aria-roledescription": "step-through convolution", keydown: onKey });
  const sums = make("div", { class: "course-sums" });
  let inputs = []; // one {canvas, frame} for each channel
  let maps = []; // the stages: {name, trait, canvas, frame}
  let fields = { window: [], kernel: [], product: [] };
  let bias = null;
  let totals = null;
  let shape = ""; // what the elements were built for

  root.append(
    make("div", { class: "course-controls" }, make("span", { class: "course-player" }, toStart, back, play, forward), make("label", {}, make("span", { class: "course-label" }, "Speed"), speed), stride.node, padding.node, relu.node, pool.node),
    make("div", { class: "course-controls" }, tabs, make("label", {}, make("span", { class: "course-label" }, "Kernel"), presets), tools.node, exporting.button, exporting.said),
    stage, words, sums,
  );
  el.append(root);

  function togglePlay() {
    const playing = !model.get("playing");
    const [rows, columns] = size(model);
    const [row, column] = model.get("position");
    const atEnd = row === rows - 1 && column === columns - 1;
    set(model, playing && atEnd ? { playing, position: [0, 0] } : { playing });
  }

  // A setting that would leave no output is refused by Python; here it is not sent at all.
  function change(values) {
    const next = (name) => (name in values ? values[name] : model.get(name));
    const image = model.get("image")[0];
    const kernel = model.get("kernels")[0][0];
    const outputs = [[image.length, kernel.length], [image[0].length, kernel[0].length]].map(
      ([side, window]) => Math.floor((side + 2 * next("padding") - window) / next("stride")) + 1,
    );
    if (Math.min(...outputs) < Math.max(1, next("pool"))) {
      words.textContent = `That leaves ${outputs.join(" × ")} outputs, too few. Take a smaller stride or pool, or more padding.`;
      return;
    }
    edit(values);
  }

  function onKey(event) {
    const [rows, columns] = size(model);
    const [row, column] = model.get("position");
    const moves = {
      ArrowLeft: [row, column - 1],
      ArrowRight: [row, column + 1],
      ArrowUp: [row - 1, column],
      ArrowDown: [row + 1, column],
      Home: [0, 0],
      End: [rows - 1, columns - 1],
    };
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === " ") togglePlay();
    else if (event.key in moves) {
      const [r, c] = moves[event.key];
      hovered = null;
      set(model, { playing: false, position: [Math.max(0, Math.min(rows - 1, r)), Math.max(0, Math.min(columns - 1, c))] });
    } else return;
    event.preventDefault();
  }

  // ---- building: only when shapes or stages change
  function build() {
    const image = model.get("image");
    const kernels = model.get("kernels");
    const stages = [["Output", "output"]];
    if (model.get("relu")) stages.push(["ReLU", "rectified"]);
    if (model.get("pool") > 1) stages.push(["Max pool", "pooled"]);
    const ring = model.get("padding");
    const smaller = image.length > 1 ? 1.5 : 1; // several channels take much room
    const wide = image.length * (image[0][0].length + 2 * ring) / smaller;
    const high = image[0].length + 2 * ring;
    const widths = stages.map(([, trait]) => model.get(trait)[0][0].length);
    const room = Math.max(320, (el.clientWidth || 900) - 24 - 26 * stages.length - 10 * (image.length - 1));
    cell = Math.max(4, Math.min(40, Math.floor(room / (wide + widths.reduce((a, b) => a + b)))));
    if (high * cell > 420) cell = Math.max(4, Math.floor(420 / high));
    inputCell = Math.max(3, Math.floor(cell / smaller));
    const key = JSON.stringify([image.length, high, wide, kernels.length, kernels[0][0].length, kernels[0][0][0].length, ring, stages, model.get("pool"), widths, cell]);
    if (key === shape) return;
    shape = key;
    hovered = null;
    stage.replaceChildren();
    inputs = image.map((channel, number) => {
      const canvas = make("canvas", { "aria-hidden": "true" });
      const frame = make("div", { class: "course-frame" });
      canvas.addEventListener("pointerdown", (event) => onInput(event, number, true));
      canvas.addEventListener("pointermove", (event) => event.buttons && onInput(event, number, false));
      canvas.addEventListener("pointerup", finishStroke);
      canvas.addEventListener("pointercancel", finishStroke);
      return { canvas, frame, box: make("div", { class: "course-map course-input" }, canvas, frame) };
    });
    const dimensions = image.length > 1 ? [image.length, image[0].length, image[0][0].length] : [image[0].length, image[0][0].length];
    stage.append(make("section", {}, make("h3", {}, `Input ${dimensions.join(" × ")}`), make("div", { class: "course-channels" }, ...inputs.map(({ box }) => box))));
    maps = stages.map(([name, trait]) => {
      const canvas = make("canvas", { "aria-hidden": "true" });
      const frame = make("div", { class: "course-frame" });
      const values = model.get(trait)[0];
      canvas.addEventListener("pointermove", (event) => onHover(event, trait));
      canvas.addEventListener("pointerleave", () => { hovered = null; update(); });
      canvas.addEventListener("click", (event) => { onHover(event, trait); if (hovered) set(model, { playing: false, position: hovered.at }); });
      const map = { name, trait, canvas, frame };
      const caption = trait === "rectified" ? "ReLU: max(0, x)" : `${name} ${values.length} × ${values[0].length}`;
      stage.append(make("section", {}, make("h3", {}, caption), make("div", { class: "course-map" }, canvas, frame)));
      return map;
    });
    buildSums(kernels[0]);
    buildTabs(kernels.length);
  }

  function buildTabs(count) {
    tabs.replaceChildren();
    tabs.hidden = count < 2;
    model.get("names").forEach((name, at) => {
      const thumbnail = make("canvas", { class: "course-thumbnail", "aria-hidden": "true" });
      tabs.append(make("button", { type: "button", click: () => set(model, { selected: at }) }, thumbnail, make("span", {}, name)));
    });
  }

  function buildSums(kernel) {
    const active = root.contains(document.activeElement) ? document.activeElement.getAttribute("data-cell") : null;
    fields = { window: [], kernel: [], product: [] };
    const grid = (kind, channel, label, editable) => {
      const table = make("div", { class: `course-numbers course-${kind}`, role: "group", "aria-label": label });
      table.style.gridTemplateColumns = `repeat(${kernel[0][0].length}, auto)`;
      fields[kind][channel] = kernel[channel].map((row, r) => row.map((_, c) => {
        const name = `${label}, row ${r + 1}, column ${c + 1}`;
        const field = editable
          ? make("input", { type: "text", inputmode: "decimal", "aria-label": name, "data-cell": `${kind} ${channel} ${r} ${c}`, change: () => onEdit(kind, channel, r, c) })
          : make("output", { "aria-label": name });
        if (editable) exactInFocus(field);
        table.append(field);
        return field;
      }));
      return table;
    };
    const several = kernel.length > 1;
    const lines = kernel.map((_, channel) => {
      const of = several ? `, channel ${channel + 1}` : "";
      return make("div", { class: "course-line" },
        make("figure", {}, make("figcaption", {}, `Window${of}`), grid("window", channel, `window${of}`, true)),
        make("span", { class: "course-sign" }, "×"),
        make("figure", {}, make("figcaption", {}, `Kernel${of}`), grid("kernel", channel, `kernel${of}`, true)),
        make("span", { class: "course-sign" }, "="),
        make("figure", {}, make("figcaption", {}, `Products${of}`), grid("product", channel, `product${of}`, false)));
    });
    bias = make("input", { type: "text", inputmode: "decimal", class: "course-bias", "aria-label": "bias of this kernel", "data-cell": "bias", change: onBias });
    exactInFocus(bias);
    totals = make("div", { class: "course-totals" });
    sums.replaceChildren(make("div", { class: "course-lines" }, ...lines), make("div", { class: "course-result" }, totals, make("label", { class: "course-biasline" }, "Bias: ", bias)));
    if (active) sums.querySelector(`[data-cell="${active}"]`)?.focus();
  }

  // ---- what the pointer does
  function outputUnder(row, column) {
    const [rows, columns] = size(model);
    const kernel = model.get("kernels")[0][0];
    const by = model.get("stride");
    const at = (place, window, most) => Math.max(0, Math.min(most - 1, Math.round((place - (window - 1) / 2) / by)));
    return [at(row, kernel.length, rows), at(column, kernel[0].length, columns)];
  }

  function onInput(event, channel, first) {
    const ring = model.get("padding");
    const rows = model.get("image")[0].length;
    const columns = model.get("image")[0][0].length;
    const under = cellAt(event, inputs[channel].canvas, inputCell, rows + 2 * ring, columns + 2 * ring);
    if (!under) return;
    if (first) inputs[channel].canvas.setPointerCapture(event.pointerId);
    if (tool === "move") {
      set(model, { playing: false, position: outputUnder(...under) });
      return;
    }
    const [row, column] = [under[0] - ring, under[1] - ring];
    if (row < 0 || column < 0 || row >= rows || column >= columns) return;
    drawing ??= structuredClone(model.get("image"));
    drawing[channel][row][column] = tool === "draw" ? Math.max(1, ...drawing.flat(2)) : 0;
    drawInputs();
  }

  function finishStroke() {
    if (drawing) edit({ image: drawing });
    drawing = null;
  }

  function onHover(event, trait) {
    const values = model.get(trait)[model.get("selected")];
    const map = maps.find((one) => one.trait === trait);
    const under = cellAt(event, map.canvas, cell, values.length, values[0].length);
    if (!under) hovered = null;
    else if (trait !== "pooled") hovered = { at: under };
    else hovered = { at: winner(...under), pool: under };
    update();
  }

  // The place of the largest number in a max pool window.
  function winner(row, column) {
    const side = model.get("pool");
    const values = model.get("rectified")[model.get("selected")];
    let best = [row * side, column * side];
    for (let r = row * side; r < (row + 1) * side; r++)
      for (let c = column * side; c < (column + 1) * side; c++) if (values[r][c] > values[best[0]][best[1]]) best = [r, c];
    return best;
  }

  // After an edit the outputs are pale until PyTorch's numbers are here; at once, unless Python is busy with a cell.
  function edit(values) {
    if (Object.entries(values).every(([name, value]) => JSON.stringify(model.get(name)) === JSON.stringify(value))) {
      update(); // nothing new, so no answer will come
      return;
    }
    root.classList.add("course-waiting");
    set(model, values);
  }

  function readNumber(field) {
    const shown = Number(field.getAttribute("data-shown"));
    const value = field.value === plain(shown) ? shown : parse(field.value);
    if (Math.abs(value) <= 1e9) return value;
    words.textContent = `“${field.value}” is not a number that can be used here. Type one as in 0.5 or -1.`;
    field.setAttribute("aria-invalid", "true");
    field.focus();
    return null;
  }

  // A field shows a rounded number, and the exact one while it is being edited.
  function exactInFocus(field) {
    field.addEventListener("focus", () => {
      field.value = field.getAttribute("data-shown");
      field.select();
    });
    field.addEventListener("keydown", (event) => { // JupyterLab keeps Enter from the field
      if (event.key === "Enter") field.dispatchEvent(new Event("change"));
    });
    field.addEventListener("blur", () => {
      if (field.value === field.getAttribute("data-shown")) field.value = plain(Number(field.value));
    });
  }

  function onEdit(kind, channel, r, c) {
    const field = fields[kind][channel][r][c];
    const value = readNumber(field);
    if (value === null) return;
    if (kind === "kernel") {
      const kernels = structuredClone(model.get("kernels"));
      kernels[model.get("selected")][channel][r][c] = value;
      edit({ kernels });
    } else {
      const image = structuredClone(model.get("image"));
      const [row, column] = model.get("position").map((at) => at * model.get("stride") - model.get("padding"));
      image[channel][row + r][column + c] = value;
      edit({ image });
    }
  }

  function onBias() {
    const value = readNumber(bias);
    if (value === null) return;
    const values = [...model.get("bias")];
    values[model.get("selected")] = value;
    edit({ bias: values });
  }

  // ---- drawing
  function drawInputs() {
    const image = drawing ?? model.get("image");
    const ring = model.get("padding");
    const signed = image.flat(2).some((value) => value < 0);
    inputs.forEach(({ canvas }, channel) => drawGrid(canvas, padded(image[channel], ring), { cell: inputCell, limit: largest(image), signed, ring }));
  }

  function drawMaps() {
    const selected = model.get("selected");
    const limit = largest(model.get("output")[selected]);
    for (const { canvas, trait } of maps) drawGrid(canvas, model.get(trait)[selected], { cell, limit, signed: true });
    [...tabs.children].forEach((button, at) => {
      const values = model.get("output")[at];
      if (!values) return;
      drawGrid(button.firstChild, values, { cell: Math.max(1, Math.floor(30 / values.length)), limit: largest(values), signed: true });
      button.setAttribute("aria-pressed", String(at === selected));
      button.lastChild.textContent = model.get("names")[at];
    });
  }

  function fill(field, value, rgb, disabled = false) {
    field.style.background = css(rgb);
    field.style.color = ink(rgb);
    if (field.tagName === "OUTPUT") {
      field.textContent = plain(value);
    } else {
      const focused = field === document.activeElement;
      if (!focused || field.getAttribute("data-shown") !== String(value)) field.value = focused ? String(value) : plain(value);
      field.setAttribute("data-shown", String(value));
      field.title = String(value);
      field.disabled = disabled;
      field.removeAttribute("aria-invalid");
    }
  }

  // The numbers of one window; called for every step.
  function update() {
    const selected = model.get("selected");
    const image = model.get("image");
    const kernels = model.get("kernels")[selected];
    const by = model.get("stride");
    const ring = model.get("padding");
    const side = model.get("pool");
    const [row, column] = hovered?.at ?? model.get("position");
    const output = model.get("output")[selected];
    if (output[row]?.[column] === undefined || !kernels) return;
    const [rows, columns] = [kernels[0].length, kernels[0][0].length];
    for (const { frame } of inputs) placeFrame(frame, inputCell, row * by, column * by, rows, columns);
    for (const { frame, trait } of maps) {
      if (trait === "pooled") {
        const [r, c] = [Math.floor(row / side), Math.floor(column / side)];
        const pooled = model.get("pooled")[selected];
        if (r < pooled.length && c < pooled[0].length) placeFrame(frame, cell, r, c, 1, 1);
        else frame.hidden = true;
      } else if (hovered?.pool && trait === maps[maps.length - 2].trait) {
        placeFrame(frame, cell, hovered.pool[0] * side, hovered.pool[1] * side, side, side);
      } else placeFrame(frame, cell, row, column, 1, 1);
    }
    const signed = image.flat(2).some((value) => value < 0);
    const limits = [largest(image), largest(kernels)];
    const products = [];
    kernels.forEach((kernel, channel) => {
      kernel.forEach((weights, r) => weights.forEach((weight, c) => {
        const [y, x] = [row * by - ring + r, column * by - ring + c];
        const outside = image[channel][y]?.[x] === undefined;
        const pixel = outside ? 0 : image[channel][y][x];
        products.push([pixel, weight, pixel * weight]);
        fill(fields.window[channel][r][c], pixel, colour(pixel, limits[0], signed), outside || hovered !== null);
        fields.window[channel][r][c].classList.toggle("course-outside", outside);
        fill(fields.kernel[channel][r][c], weight, colour(weight, limits[1], true));
        fill(fields.product[channel][r][c], pixel * weight, colour(pixel * weight, limits[0] * limits[1], true));
      }));
    });
    fill(bias, model.get("bias")[selected], [255, 255, 255]);
    showTotals(products, row, column);
  }

  function showTotals(products, row, column) {
    const selected = model.get("selected");
    const value = model.get("output")[selected][row][column];
    const extra = model.get("bias")[selected];
    const total = value - extra; // PyTorch's sum, so that rounding never makes the lines contradict each other
    const side = model.get("pool");
    const sized = largest(model.get("output")[selected]);
    const chip = (number) => {
      const rgb = colour(number, sized, true);
      const node = make("b", { class: "course-chip" }, plain(number));
      node.style.background = css(rgb);
      node.style.color = ink(rgb);
      return node;
    };
    const spelled = products.map(([pixel, weight]) => `${plain(pixel)}×${weight < 0 ? `(${plain(weight)})` : plain(weight)}`).join(" + ");
    const lines = [
      make("div", { class: "course-spelled" }, spelled),
      make("div", {}, `= ${plain(total)}, the sum of the ${products.length} products`),
      make("div", {}, `${plain(total)} + bias ${plain(extra)} = `, chip(value)),
    ];
    let said = `Row ${row + 1}, column ${column + 1}: ${products.length} products add up to ${plain(total)}; with the bias ${plain(extra)} the output is ${plain(value)}.`;
    if (model.get("relu")) {
      const after = model.get("rectified")[selected][row][column];
      lines.push(make("div", {}, `ReLU: max(0, ${plain(value)}) = `, chip(after)));
      said += value > 0 ? ` ReLU keeps ${plain(after)}.` : value < 0 ? ` ReLU makes it 0: negative numbers are thrown away.` : "";
    }
    const pooled = model.get("pooled")[selected][Math.floor(row / side)]?.[Math.floor(column / side)];
    if (side > 1 && pooled !== undefined) {
      const from = [Math.floor(row / side) * side, Math.floor(column / side) * side];
      const seen = [];
      for (let r = 0; r < side; r++) for (let c = 0; c < side; c++) seen.push(plain(model.get("rectified")[selected][from[0] + r][from[1] + c]));
      lines.push(make("div", {}, `Max pool: the largest of ${seen.join(", ")} = `, chip(pooled)));
      said += ` The largest of its ${side} × ${side} window is ${plain(pooled)}.`;
    } else if (side > 1) said += ` No max pool window reaches it.`;
    totals.replaceChildren(...lines);
    words.textContent = said;
  }

  function controls() {
    const playing = model.get("playing");
    play.textContent = playing ? "‖ Pause" : "▶ Play";
    words.setAttribute("aria-live", playing ? "off" : "polite"); // not every step of a run is read out
    speed.value = Math.max(1, Math.min(30, Math.round(1000 / model.get("delay"))));
    stride.show(model.get("stride"));
    padding.show(model.get("padding"));
    relu.show(model.get("relu"));
    pool.show(model.get("pool"));
    const name = model.get("names")[model.get("selected")];
    presets.disabled = Math.min(model.get("kernels")[0][0].length, model.get("kernels")[0][0][0].length) < 3;
    presets.value = name in model.get("_presets") ? name : "";
    stage.setAttribute("aria-label", "Image and outputs. Arrow keys move the window, space plays, Home and End jump.");
  }

  function redraw() {
    build();
    controls();
    drawInputs();
    drawMaps();
    update();
  }

  const drawn = "image kernels bias names selected stride padding relu pool output rectified pooled".split(" ").map((name) => `change:${name}`).join(" ");
  let waiting = false;
  const later = () => { // several traits change at once: draw once
    if (waiting) return;
    waiting = true;
    queueMicrotask(() => { waiting = false; redraw(); });
  };
  const arrived = () => root.classList.remove("course-waiting");
  model.on("change:_computed", arrived);
  model.on(drawn, later);
  model.on("change:position", update);
  model.on("change:playing change:delay", controls);
  const watcher = new ResizeObserver(later);
  watcher.observe(el);
  redraw();

  return () => {
    stopKeys();
    stopPicture();
    exporting.stop();
    watcher.disconnect();
    model.off("change:_computed", arrived);
    model.off(drawn, later);
    model.off("change:position", update);
    model.off("change:playing change:delay", controls);
  };
}

export default { initialize, render };
