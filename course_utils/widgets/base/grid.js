// Numbers as colours, and grids of numbers on a canvas.

import { make } from "./elements.js";
import { largest, plain } from "./numbers.js";
import { em } from "./page.js";

const ZERO = { light: [255, 255, 255], dark: [40, 40, 40] }; // white maps would glare in the dark
const PALETTES = { // of positive numbers, of negative ones
  "blue-orange": [[0, 114, 178], [213, 94, 0]],
  "lecture": [[0, 136, 62], [214, 45, 38]],
};
const IN_THE_DARK = {
  "blue-orange": [[86, 180, 233], [240, 140, 60]],
  "lecture": [[80, 200, 120], [255, 110, 100]],
};
// Zeros around an image with what is written on them, cells that are still blank, and the lines between cells.
const SHADES = {
  light: { padded: "#ececec", faint: "#666", blank: "#e4e4e4", line: "rgb(0 0 0 / 16%)" },
  dark: { padded: "#171717", faint: "#aaa", blank: "#1c1c1c", line: "rgb(255 255 255 / 16%)" },
};
const FONT = "system-ui, sans-serif"; // of numbers in cells
const MARKED = 0.02; // a negative number with less of the colour looks white, and is not marked; of tiny cells every second row is

function theme() {
  return document.body.getAttribute("data-jp-theme-light") === "false" ? "dark" : "light";
}

// From white at zero, or nearly black in a dark theme, to the full colour at `limit`; colours.py does the same in the light.
export function colour(value, limit, palette, shade = theme()) {
  const full = (shade === "dark" ? IN_THE_DARK : PALETTES)[palette][value < 0 ? 1 : 0];
  const strength = Math.min(Math.abs(value) / limit, 1);
  return ZERO[shade].map((zero, part) => Math.round(zero + strength * (full[part] - zero)));
}

export function css(rgb) {
  return `rgb(${rgb.join(" ")})`;
}

// Black or white, whichever is easier to read on a colour: at least 4.5 to 1 on any.
export function ink(rgb) {
  const [red, green, blue] = rgb.map((part) => (part <= 10 ? part / 3294.6 : ((part / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? "#000" : "#fff";
}

// Draw rows of numbers: written where they fit, else the negative ones have a minus sign, so that no sign is told by colour alone.
// `text` is how large the text around is, which a canvas that is not in the page yet does not know.
export function drawGrid(canvas, rows, { cell, limit, palette, ring = 0, text = em(canvas) }) {
  const height = rows.length * cell;
  const width = rows[0].length * cell;
  const context = sharpContext(canvas, width + 1, height + 1);
  const written = cell >= 1.85 * text ? fitting(context, rows, cell, text) : null;
  if (written) context.font = written.font;
  context.textAlign = "center";
  context.textBaseline = "middle";
  const shade = theme(); // asked once: a large map has thousands of cells
  const shades = SHADES[shade];
  rows.forEach((row, r) => {
    row.forEach((value, c) => {
      const blank = value === null; // null fills up the last row of a long vector
      const padded = r < ring || c < ring || r >= rows.length - ring || c >= row.length - ring;
      const rgb = colour(value, limit, palette, shade);
      context.fillStyle = blank ? shades.blank : padded ? shades.padded : css(rgb);
      context.fillRect(c * cell, r * cell, cell, cell);
      if (written && !blank) {
        context.fillStyle = padded ? shades.faint : ink(rgb);
        context.fillText(written.texts[r][c], (c + 0.5) * cell, (r + 0.5) * cell + 1);
      } else if (value < -MARKED * limit && !blank && !padded && (cell > 5 || r % 2 === 0)) minus(context, r, c, cell, ink(rgb));
    });
  });
  context.strokeStyle = shades.line;
  context.lineWidth = 1;
  context.strokeRect(0.5, 0.5, width, height);
  if (cell >= 6) {
    context.beginPath();
    for (let y = cell + 0.5; y < height; y += cell) context.moveTo(0, y), context.lineTo(width, y);
    for (let x = cell + 0.5; x < width; x += cell) context.moveTo(x, 0), context.lineTo(x, height);
    context.stroke();
  }
}

function minus(context, row, column, cell, colour) {
  const [width, height] = [Math.max(2, Math.round(cell / 2)), Math.max(1, Math.round(cell / 9))];
  context.fillStyle = colour;
  context.globalAlpha = 0.6;
  context.fillRect(column * cell + (cell - width) / 2, row * cell + (cell - height) / 2, width, height);
  context.globalAlpha = 1;
}

// The numbers of a grid as text that fits into its cells, and its font; null where none fits that can be read. With one decimal
// only large numbers are written: 0.95 is not 1.
function fitting(context, rows, cell, smallest) {
  const most = largest(rows.map((row) => row.map((value) => value ?? 0)));
  for (const digits of most < 10 ? [undefined, 2] : [undefined, 2, 1]) {
    const texts = rows.map((row) => row.map((value) => (value === null ? "" : plain(value, digits))));
    context.font = `${smallest}px ${FONT}`;
    const widest = Math.max(...texts.flat().map((text) => widthOf(context, text)));
    const size = Math.min(1.15 * smallest, (smallest * (cell - 4)) / widest);
    if (size >= smallest) return { texts, font: `${size}px ${FONT}` };
  }
  return null;
}

// How wide a text is in the font of a context, letter by letter: the letters of numbers are few, and each is measured once.
function widthOf(context, text) {
  const { font } = context;
  const known = widths.get(font) ?? new Map();
  widths.set(font, known);
  let width = 0;
  for (const letter of text) {
    if (!known.has(letter)) known.set(letter, context.measureText(letter).width);
    width += known.get(letter);
  }
  return width;
}

const widths = new Map(); // of letters, for each font

// A canvas as sharp as the screen, and its context measured in units of the page.
function sharpContext(canvas, width, height) {
  const ratio = Math.max(2, window.devicePixelRatio || 1);
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  return context;
}

// Cover a grid but for its first `upTo` cells, by an element above the canvas: a map is filled without drawing it again.
export function cover(node, cell, rows, columns, upTo) {
  const done = Math.min(upTo, rows * columns);
  const state = `${cell} ${rows} ${columns} ${done} ${theme()}`;
  if (covered.get(node) === state) return;
  covered.set(node, state);
  node.hidden = done === rows * columns;
  const [y, x] = [Math.floor(done / columns) * cell, (done % columns) * cell];
  node.style.clipPath = done ? `polygon(0 ${y + cell}px, ${x}px ${y + cell}px, ${x}px ${y}px, 100% ${y}px, 100% 100%, 0 100%)` : "none";
  const { blank, line } = SHADES[theme()];
  const lines = cell < 6 ? [] : ["180deg", "90deg"].map((way) => `linear-gradient(${way}, ${line} 1px, transparent 1px)`);
  node.style.backgroundColor = blank;
  node.style.backgroundImage = lines.join();
  node.style.backgroundSize = `${cell}px ${cell}px`;
  node.style.boxShadow = `inset 0 0 0 1px ${line}`;
}

const covered = new WeakMap(); // how each cover lies

// A frame around some cells, as an element above the canvas: it moves without drawing the grid again.
export function placeFrame(frame, cell, row, column, rows, columns) {
  frame.hidden = false;
  frame.style.transform = `translate(${column * cell}px, ${row * cell}px)`;
  frame.style.width = `${columns * cell + 1}px`;
  frame.style.height = `${rows * cell + 1}px`;
}

// The row and column of a grid under the pointer, or null outside.
export function cellAt(event, canvas, cell, rows, columns) {
  const box = canvas.getBoundingClientRect();
  const row = Math.floor(((event.clientY - box.top) / box.height) * (rows + 1 / cell));
  const column = Math.floor(((event.clientX - box.left) / box.width) * (columns + 1 / cell));
  return row >= 0 && column >= 0 && row < rows && column < columns ? [row, column] : null;
}

// A number on the colour that it has where `limit` has the full one.
export function chip(value, limit, palette) {
  const rgb = colour(value, limit, palette);
  const node = make("b", { class: "course-chip" }, plain(value));
  node.style.background = css(rgb);
  node.style.color = ink(rgb);
  return node;
}
