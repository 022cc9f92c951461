// A figure of curves from 0 to 1 over 0 to 1, with a marker that moves along them.

import { shape } from "./elements.js";

const ROOM = { left: 34, right: 10, top: 16, bottom: 34 };

export function plot(width, height, label) {
  const wide = width - ROOM.left - ROOM.right;
  const high = height - ROOM.top - ROOM.bottom;
  const x = (value) => ROOM.left + value * wide;
  const y = (value) => ROOM.top + (1 - value) * high;
  const svg = shape("svg", { viewBox: `0 0 ${width} ${height}`, width, height });
  for (const value of [0, 0.2, 0.4, 0.6, 0.8, 1]) {
    svg.append(shape("line", { class: "course-rule", x1: x(0), x2: x(1), y1: y(value), y2: y(value) }));
    svg.append(shape("text", { x: x(0) - 6, y: y(value) + 4, "text-anchor": "end" }, String(value)));
    svg.append(shape("text", { x: x(value), y: y(0) + 16, "text-anchor": "middle" }, String(value)));
  }
  svg.append(shape("text", { x: x(0.5), y: height - 3, "text-anchor": "middle" }, label));

  // A curve through values at even steps; where one is null it has a gap.
  function curve(kind, values) {
    let pen = "M";
    const points = values.map((value, step) => {
      const point = value === null ? "" : `${pen}${x(step / (values.length - 1)).toFixed(1)} ${y(value).toFixed(1)}`;
      pen = value === null ? "M" : "L";
      return point;
    });
    svg.append(shape("path", { class: `course-${kind}`, d: points.join("") }));
  }

  function tip(at, value) {
    svg.append(shape("path", { class: "course-best", d: `M${x(at)} ${y(value) - 3}l-4 -7h8z` }));
  }

  // A line across, with a dot of each kind; give its `move(at, values)`, in which a null hides a dot.
  function marker(kinds) {
    const line = shape("line", { class: "course-marker", y1: y(1), y2: y(0) });
    const dots = kinds.map((kind) => shape("circle", { class: `course-${kind}`, r: 4.5 }));
    svg.append(line, ...dots);
    return (at, values) => {
      line.setAttribute("x1", x(at));
      line.setAttribute("x2", x(at));
      dots.forEach((dot, number) => {
        dot.setAttribute("cx", x(at));
        dot.setAttribute("cy", y(values[number] ?? 0));
        dot.setAttribute("visibility", values[number] === null ? "hidden" : "visible");
      });
    };
  }

  // Follow the pointer while it is pressed.
  function onDrag(react) {
    const follow = (event) => {
      const box = svg.getBoundingClientRect();
      const value = ((event.clientX - box.left) * (width / box.width) - ROOM.left) / wide;
      react(Math.max(0, Math.min(1, value)));
    };
    svg.addEventListener("pointerdown", (event) => {
      svg.setPointerCapture(event.pointerId);
      follow(event);
    });
    svg.addEventListener("pointermove", (event) => event.buttons && follow(event));
  }

  return { svg, curve, tip, marker, onDrag };
}
