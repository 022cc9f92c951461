// The lecture's colours, and grids of numbers on a canvas.

import { make } from "./elements.js";
import { plain } from "./numbers.js";

const WHITE = [255, 255, 255];
const RED = [214, 45, 38];
const GREEN = [0, 136, 62];

// Green is positive and red negative where `signed`, else red is positive; `limit` has the full colour (colours.py does the same).
export function colour(value, limit, signed) {
  const full = value >= 0 && signed ? GREEN : RED;
  const strength = Math.min(Math.abs(value) / limit, 1);
  return WHITE.map((white, part) => Math.round(white + strength * (full[part] - white)));
}

export function css(rgb) {
  return `rgb(${rgb.join(" ")})`;
}

export function ink(rgb) {
  return 0.3 * rgb[0] + 0.59 * rgb[1] + 0.11 * rgb[2] < 140 ? "#fff" : "#222";
}

// Draw rows of numbers; `upTo` leaves the cells after the first so many blank, for a map that is being filled.
export function drawGrid(canvas, rows, { cell, limit, signed, ring = 0, upTo = Infinity }) {
  const height = rows.length * cell;
  const width = rows[0].length * cell;
  const context = sharpContext(canvas, width + 1, height + 1);
  const written = cell >= 22 ? fitting(rows, cell) : null;
  if (written) context.font = `${written.size}px system-ui, sans-serif`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  let count = 0;
  rows.forEach((row, r) => {
    row.forEach((value, c) => {
      const blank = count++ >= upTo;
      const padded = r < ring || c < ring || r >= rows.length - ring || c >= row.length - ring;
      const rgb = colour(value, limit, signed);
      context.fillStyle = blank ? "#e4e4e4" : padded ? "#ececec" : css(rgb);
      context.fillRect(c * cell, r * cell, cell, cell);
      if (written && !blank) {
        context.fillStyle = padded ? "#8a8a8a" : ink(rgb);
        context.fillText(written.texts[r][c], (c + 0.5) * cell, (r + 0.5) * cell + 1);
      }
    });
  });
  context.strokeStyle = "rgb(0 0 0 / 16%)";
  context.lineWidth = 1;
  context.strokeRect(0.5, 0.5, width, height);
  if (cell >= 6) {
    context.beginPath();
    for (let y = cell + 0.5; y < height; y += cell) context.moveTo(0, y), context.lineTo(width, y);
    for (let x = cell + 0.5; x < width; x += cell) context.moveTo(x, 0), context.lineTo(x, height);
    context.stroke();
  }
}

// The numbers of a grid as text that fits into its cells, and the size of that text; null where none fits.
function fitting(rows, cell) {
  for (const digits of [undefined, 2, 1, 0]) {
    const texts = rows.map((row) => row.map((value) => plain(value, digits)));
    const longest = Math.max(...texts.flat().map((text) => text.length));
    const size = Math.min(15, Math.round(cell * 0.36), Math.floor((cell - 4) / (0.6 * longest)));
    if (size >= 9) return { texts, size };
  }
  return null;
}

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
export function chip(value, limit, signed = true) {
  const rgb = colour(value, limit, signed);
  const node = make("b", { class: "course-chip" }, plain(value));
  node.style.background = css(rgb);
  node.style.color = ink(rgb);
  return node;
}
