// A figure of curves over a range, with a marker that moves along them; both ranges are 0 to 1 unless others are given.

import { shape } from "./elements.js";
import { plain } from "./numbers.js";

const SIDES = { left: 34, right: 10, top: 16, bottom: 34 }; // where text is 14 pixels large
const EDGE = 6; // how far what is drawn may go over the edge of the range: half a dot
const SHARES = { from: 0, to: 1, ticks: [0, 0.2, 0.4, 0.6, 0.8, 1] };

// A range is { from, to, ticks }, of which the ticks are the numbers with a line and a label, which `write` makes of a number;
// long labels of `up` need `room`. Give the figure, `x` and `y` from numbers to its units, and what draws in it; what is put into
// `inside` is cut off at the edge of the ranges.
// `text` is how large the text is in pixels: `em` of the element that the figure will stand in.
export function plot(width, height, label, across = SHARES, up = SHARES, text = 14) {
  const larger = text / 14;
  const ROOM = { left: (up.room ?? SIDES.left) * larger, right: SIDES.right * larger, top: SIDES.top * larger, bottom: SIDES.bottom * larger };
  const wide = width - ROOM.left - ROOM.right;
  const high = height - ROOM.top - ROOM.bottom;
  const x = (value) => ROOM.left + ((value - across.from) / (across.to - across.from)) * wide;
  const y = (value) => ROOM.top + ((up.to - value) / (up.to - up.from)) * high;
  const svg = shape("svg", { viewBox: `0 0 ${width} ${height}`, width, height });
  const box = [ROOM.left - EDGE, ROOM.top - EDGE, wide + 2 * EDGE, high + 2 * EDGE];
  const inside = shape("svg", { x: box[0], y: box[1], width: box[2], height: box[3], viewBox: box.join(" ") });
  const [left, right, bottom, top] = [x(across.from), x(across.to), y(up.from), y(up.to)];
  for (const value of up.ticks) {
    svg.append(shape("line", { class: "course-rule", x1: left, x2: right, y1: y(value), y2: y(value) }));
    svg.append(shape("text", { x: left - 6, y: y(value) + 5 * larger, "text-anchor": "end" }, (up.write ?? plain)(value)));
  }
  for (const value of across.ticks) svg.append(shape("text", { x: x(value), y: bottom + 16 * larger, "text-anchor": "middle" }, (across.write ?? plain)(value)));
  svg.append(inside, shape("text", { x: (left + right) / 2, y: height - 3 * larger, "text-anchor": "middle" }, label));

  // A curve through values at even steps; where one is null it has a gap.
  function curve(kind, values) {
    const step = (across.to - across.from) / (values.length - 1);
    return line(kind, values.map((value, at) => [across.from + at * step, value]));
  }

  // A line through points [x, y]; where a y is null it has a gap.
  function line(kind, points) {
    let pen = "M";
    const parts = points.map(([at, value]) => {
      const part = value === null ? "" : `${pen}${x(at).toFixed(1)} ${y(value).toFixed(1)}`;
      pen = value === null ? "M" : "L";
      return part;
    });
    const path = shape("path", { class: `course-${kind}`, d: parts.join("") });
    inside.append(path);
    return path;
  }

  function tip(at, value) {
    inside.append(shape("path", { class: "course-best", d: `M${x(at)} ${y(value) - 3}l-4 -7h8z` }));
  }

  // A line across, with a dot of each kind; give its `move(at, values)`, in which a null hides a dot.
  function marker(kinds) {
    const line = shape("line", { class: "course-marker", y1: top, y2: bottom });
    const dots = kinds.map((kind) => shape("circle", { class: `course-${kind}`, r: 4.5 }));
    inside.append(line, ...dots);
    return (at, values) => {
      line.setAttribute("x1", x(at));
      line.setAttribute("x2", x(at));
      dots.forEach((dot, number) => {
        dot.setAttribute("cx", x(at));
        dot.setAttribute("cy", y(values[number] ?? up.from));
        dot.setAttribute("visibility", values[number] === null ? "hidden" : "visible");
      });
    };
  }

  // Follow the pointer while it is pressed: where it is in both ranges, and whether it has just been pressed.
  function onDrag(react) {
    const within = (value, { from, to }) => Math.max(from, Math.min(to, value));
    const follow = (event, first) => {
      const place = svg.getBoundingClientRect();
      const scale = width / place.width;
      const [right, down] = [((event.clientX - place.left) * scale - ROOM.left) / wide, ((event.clientY - place.top) * scale - ROOM.top) / high];
      react(within(across.from + right * (across.to - across.from), across), within(up.to - down * (up.to - up.from), up), first);
    };
    svg.addEventListener("pointerdown", (event) => {
      svg.setPointerCapture(event.pointerId);
      follow(event, true);
    });
    svg.addEventListener("pointermove", (event) => event.buttons && follow(event, false));
  }

  return { svg, inside, x, y, curve, line, tip, marker, onDrag };
}

// Round numbers in a range, about so many: multiples of 1, 2 or 5 and a power of ten.
export function roundTicks(from, to, count) {
  const rough = (to - from) / count;
  const ten = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((times) => times * ten).find((one) => one >= rough * 0.8);
  const first = Math.ceil(from / step - 1e-9);
  return Array.from({ length: Math.floor(to / step + 1e-9) - first + 1 }, (_, at) => Number(((first + at) * step).toPrecision(12)));
}
