// EmbeddingMap: categories as points seen from one side, and the numbers of one of them beside those of its nearest neighbours.
// The state is the model's traits; what follows from them is computed in numbers.js.

import { choice, heading, make, shape } from "../base/elements.js";
import { colour, css, ink } from "../base/grid.js";
import { oneStop } from "../base/keys.js";
import { legend } from "../base/legend.js";
import { counted, fixed, largest, percent, plain, sum } from "../base/numbers.js";
import { em, exportButton, onWidth, page } from "../base/page.js";
import { plot, roundTicks } from "../base/plot.js";
import { set } from "../base/state.js";
import { along, centred, correlation, distances, nearest, rows, shade, shares } from "./numbers.js";

const NEAREST = 5;
const NAMED = 40; // points that have their names beside them
const WRITTEN = 8; // numbers of a row, up to which they are written
const [LEFT, SIDES] = [44, 54]; // what the labels of the map take, where text is 14 pixels large
const [ABOVE, BELOW] = [16, 34];

// A number of a column, as `plain_value_text` in widget.py writes it.
function valueText(value) {
  if (!(Math.abs(value) >= 100 && Math.abs(value) < 1e15)) return plain(value);
  const text = fixed(value, 0);
  return `${value < 0 ? "−" : ""}${Number(text.replace("−", "")).toLocaleString("en-US")}`;
}

function howMany(points) {
  return Math.min(NEAREST, Math.max(1, Math.floor((points.length - 1) / 2)));
}

function onTheMap(alike, count) {
  if (count === 1) return `On the map ${alike ? "it is nearest too" : "another one looks nearer"}.`;
  const many = alike === count ? "All of them are" : alike === 0 ? "None of them is" : `${alike} of them ${alike === 1 ? "is" : "are"}`;
  return `${many} among the ${count} nearest on the map${alike ? " too" : ""}.`;
}

// The embedding, which stays as it is.
function pointsOf(model) {
  const directions = model.get("_directions");
  const vectors = rows(model.get("_vectors"), directions[0].length);
  const points = centred(vectors);
  return { directions, vectors, points, shares: shares(points, directions) };
}

// All that follows from the embedding and the traits.
function mapOf(model, embedding) {
  const { directions, vectors, points } = embedding;
  const [item, seen] = [model.get("item"), model.get("seen")];
  const positions = along(points, seen.map((at) => directions[at]));
  const far = distances(vectors, item);
  const column = model.get("_columns").find(({ name }) => name === model.get("column"));
  const colours = column ? column.values : vectors.map(() => null);
  return {
    vectors, positions, far, colours, shares: embedding.shares,
    near: nearest(far, item, howMany(vectors)),
    nearHere: nearest(distances(positions, item), item, howMany(vectors)),
    correlation: correlation(positions.map(([x]) => x), colours),
  };
}

function render({ model, el }) {
  const { root, heard, words } = page({ model, el }, "embedding");
  const names = model.get("_names");
  const columns = model.get("_columns");
  const components = model.get("_directions").length;
  const embedding = pointsOf(model);
  let map = mapOf(model, embedding);
  const most = largest(map.vectors);
  let remark = ""; // what has just been done, until something else is
  let points = [];
  let drawn = null; // the figure, as long as only its points move in it

  // ---- controls
  const sides = [[0, 1], [0, 2], [1, 2]].filter(([, other]) => other < components);
  const seen = choice("Seen by components", sides.map((side) => [String(side), `${side[0] + 1} and ${side[1] + 1}`]), turn);
  const colourBy = choice("Colour", [...columns.map(({ name }) => [name, name]), ["", "none"]], (column) => { remark = ""; set(model, { column }); });
  const list = make("datalist", { id: `names-${Math.random().toString(36).slice(2)}` }, ...names.map((name) => make("option", { value: name })));
  const find = make("input", { type: "text", list: list.id, "aria-label": "go to a category by its name", placeholder: "name", change: goTo });
  find.addEventListener("keydown", (event) => { // JupyterLab keeps Enter from the field
    if (event.key === "Enter") goTo();
  });

  // ---- the map, and the numbers
  const figure = make("div", { class: "course-plot", tabindex: 0, role: "group", "aria-label": "map. Arrow keys go to the next point that way, Home and End to the first and the last.", keydown: onKey });
  const scale = make("div", { class: "course-scale" });
  const title = heading("");
  const table = make("div", { class: "course-rows", role: "group", "aria-label": "the category and its nearest neighbours" });
  root.append(
    make("div", { class: "course-controls" }, ...(sides.length > 1 ? [seen.node] : []), ...(columns.length ? [colourBy.node] : []),
      make("label", {}, make("span", { class: "course-label" }, "Go to"), find), list, exportButton(model, heard)),
    make("div", { class: "course-panels" }, make("div", {}, figure, scale), make("div", {}, title, table, legend(model, heard, "The deepest colour is the largest number of all."), words)),
  );

  function turn(side) {
    const [first, second] = side.split(",").map(Number);
    const before = map.nearHere;
    set(model, { seen: [first, second] });
    const stay = mapOf(model, embedding).nearHere.filter((at) => before.includes(at)).length;
    const all = before.length;
    remark = `Not a point has moved: you look from another side. Of the ${all} that looked nearest, ${stay === all ? "all still do" : stay === 0 ? "none does now" : stay === 1 ? "1 still does" : `${stay} still do`}. `;
    update();
  }

  function choose(item, said = "") {
    remark = said;
    set(model, { item });
  }

  function goTo() {
    const text = find.value.trim();
    if (!text) return;
    const at = names.indexOf(text) >= 0 ? names.indexOf(text) : names.findIndex((name) => name.toLowerCase() === text.toLowerCase());
    find.toggleAttribute("aria-invalid", at < 0);
    if (at >= 0) choose(at);
    else words.textContent = `There is no “${text}”. Type a name such as ${names[0]} or ${names.at(-1)}.`;
  }

  // To the point that lies most nearly that way, and nearest.
  function onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (event.key === "Home") choose(0);
    else if (event.key === "End") choose(names.length - 1);
    else if (!way) return;
    else {
      const item = model.get("item");
      const cost = map.positions.map((place) => {
        const [x, y] = place.map((value, axis) => value - map.positions[item][axis]);
        const [ahead, aside] = [x * way[0] + y * way[1], Math.abs(x * way[1]) + Math.abs(y * way[0])];
        return ahead > 0 && ahead >= aside ? ahead + 2 * aside : Infinity;
      });
      const best = cost.indexOf(Math.min(...cost));
      if (cost[best] < Infinity) choose(best);
    }
    event.preventDefault();
  }

  // ---- drawing
  // Both ways one unit is as long, so that a distance on the map is one.
  function frame() {
    const unit = em(root) / 14;
    const width = Math.max(220, figure.clientWidth || 520);
    const height = Math.round(Math.min(width, (el.clientWidth > 900 ? 30 : 24) * em(root)));
    const [wide, high] = [width - SIDES * unit, height - (ABOVE + BELOW) * unit];
    const ranges = [0, 1].map((axis) => map.positions.map((place) => place[axis])).map((values) => [Math.min(...values), Math.max(...values)]);
    const spans = ranges.map(([low, high]) => high - low);
    const perPixel = Math.max((1.22 * spans[0]) / wide, (1.16 * spans[1]) / high) || 2 / high;
    const [across, up] = ranges.map(([low, high_], axis) => {
      const half = (perPixel * (axis ? high : wide)) / 2;
      const middle = (low + high_) / 2;
      return { from: middle - half, to: middle + half, ticks: roundTicks(middle - half, middle + half, axis ? 5 : 6) };
    });
    return { width, height, across, up: { ...up, room: LEFT }, unit };
  }

  function axisName(which) {
    const component = model.get("seen")[which];
    return `component ${component + 1}: ${percent(map.shares[component])} of how they differ`;
  }

  // `moving` lets the points go to their new places, where they can be followed.
  function drawMap(moving = false) {
    const { width, height, across, up, unit } = frame();
    const fresh = plot(width, height, axisName(0), across, up, em(root));
    fresh.svg.append(shape("text", { x: LEFT * unit, y: 11 * unit }, `↑ ${axisName(1)}`));
    const lines = shape("g", { class: moving ? "course-lines course-later" : "course-lines" });
    const old = moving && drawn ? drawn.places : null;
    const places = map.positions.map(([x, y]) => [fresh.x(x), fresh.y(y)]);
    points = names.map((name, at) => {
      const dot = shape("circle", {}, shape("title", {}, name));
      const node = shape("g", { class: "course-point" }, dot);
      node.style.transform = `translate(${(old ?? places)[at].join("px, ")}px)`;
      return { node, dot };
    });
    fresh.inside.append(lines, ...points.map(({ node }) => node));
    fresh.onDrag((x, y) => pick(fresh.x(x), fresh.y(y)));
    figure.replaceChildren(fresh.svg);
    drawn = { places, lines, unit, width };
    if (old) {
      figure.getBoundingClientRect(); // they stand where they were before they move
      points.forEach(({ node }, at) => { node.style.transform = `translate(${places[at].join("px, ")}px)`; });
    }
  }

  function pick(x, y) {
    const far = drawn.places.map((place) => Math.hypot(place[0] - x, place[1] - y));
    const at = far.indexOf(Math.min(...far));
    if (far[at] < 3 * em(root) && at !== model.get("item")) choose(at);
  }

  // Colours, sizes and names of the points: what is looked at lies above.
  function paint() {
    const item = model.get("item");
    const known = map.colours.filter((value) => value !== null);
    const [low, high] = [Math.min(...known), Math.max(...known)];
    const coloured = model.get("column") !== "";
    const many = names.length > NAMED;
    const size = (names.length > 300 ? 4 : many ? 5 : 6.5) * drawn.unit;
    points.forEach(({ node, dot }, at) => {
      const value = map.colours[at];
      const near = map.near.includes(at);
      dot.setAttribute("r", at === item ? 1.6 * size : near ? 1.25 * size : size);
      dot.style.fill = coloured ? (value === null ? "none" : css(shade(high > low ? (value - low) / (high - low) : 0.5))) : "var(--blue)";
      node.setAttribute("class", `course-point${at === item ? " course-chosen" : near ? " course-near" : ""}`);
      node.querySelector("text")?.remove();
    });
    const order = [item, ...map.near, ...(many ? [] : names.map((_, at) => at).filter((at) => at !== item && !map.near.includes(at)))];
    write(order, size);
    drawn.lines.replaceChildren(...map.near.map((at) => shape("line", { x1: drawn.places[item][0], y1: drawn.places[item][1], x2: drawn.places[at][0], y2: drawn.places[at][1] })));
    for (const at of [...map.near].reverse().concat(item)) points[at].node.parentNode.append(points[at].node);
  }

  // Names beside their points, as many as find room: to the right, to the left, above or below.
  function write(order, size) {
    const high = em(root);
    const taken = order.map((at) => [drawn.places[at][0] - size, drawn.places[at][1] - size, drawn.places[at][0] + size, drawn.places[at][1] + size]);
    for (const [place, at] of order.entries()) {
      const name = names[at].length > 24 ? `${names[at].slice(0, 23)}…` : names[at];
      const wide = 0.56 * high * name.length + 4;
      const gap = (place === 0 ? 1.6 : 1.25) * size + 0.25 * high;
      const spots = [["start", gap, 0], ["end", -gap, 0], ["middle", 0, -gap - 0.4 * high], ["middle", 0, gap + 0.4 * high]];
      const box = ([anchor, x, y]) => {
        const from = drawn.places[at][0] + x - (anchor === "start" ? 0 : anchor === "end" ? wide : wide / 2);
        return [from, drawn.places[at][1] + y - 0.5 * high, from + wide, drawn.places[at][1] + y + 0.5 * high];
      };
      const free = (one) => one[0] > 0 && one[2] < drawn.width && taken.every((other, own) => own === place || one[2] < other[0] || other[2] < one[0] || one[3] < other[1] || other[3] < one[1]);
      const spot = spots.find((one) => free(box(one))) ?? (place === 0 ? spots[0] : null);
      if (!spot) continue;
      taken.push(box(spot));
      points[at].node.append(shape("text", { x: spot[1], y: spot[2] + 0.35 * high, "text-anchor": spot[0] }, name));
    }
  }

  function drawScale() {
    const known = map.colours.filter((value) => value !== null);
    scale.hidden = !known.length;
    if (!known.length) return;
    const ramp = make("i", { "aria-hidden": "true" });
    ramp.style.background = `linear-gradient(to right, ${[0, 0.2, 0.4, 0.6, 0.8, 1].map((share) => css(shade(share))).join(", ")})`;
    const missing = map.colours.length - known.length;
    scale.replaceChildren(make("span", { class: "course-label" }, model.get("column")), valueText(Math.min(...known)), ramp, valueText(Math.max(...known)),
      ...(missing ? [make("span", { class: "course-label" }, `hollow: not known (${missing})`)] : []));
  }

  // The numbers of the chosen one and of its neighbours, below each other.
  function drawRows() {
    const item = model.get("item");
    const palette = model.get("palette");
    const had = table.contains(document.activeElement);
    const dimensions = map.vectors[0].length;
    title.textContent = `${called(item)} is ${dimensions === 1 ? "one number" : `a row of ${dimensions} numbers`}, and these are nearest to it`;
    const longest = Math.max(...map.near.map((at) => map.far[at])) || 1;
    const buttons = [item, ...map.near].map((at) => make("button", { type: "button", "aria-pressed": String(at === item), title: names[at], click: () => hop(at) }, names[at]));
    table.replaceChildren(...[item, ...map.near].flatMap((at, row) => {
      const cells = map.vectors[at].map((value) => {
        const rgb = colour(value, most, palette);
        const cell = make("i", { class: value < 0 ? "course-minus" : "" }, dimensions <= WRITTEN ? plain(value) : "");
        cell.style.backgroundColor = css(rgb);
        cell.style.color = ink(rgb);
        return cell;
      });
      const bar = make("i", { class: "course-far" });
      bar.style.width = `${(100 * map.far[at]) / longest}%`;
      const apart = row ? make("span", { class: "course-distance" }, make("span", { class: "course-track", "aria-hidden": "true" }, bar), plain(map.far[at])) : make("span", { class: "course-distance course-label" }, "distance");
      return [buttons[row], make("span", { class: `course-strip-of${dimensions <= WRITTEN ? " course-written" : ""}`, role: "img", "aria-label": `numbers of ${names[at]}` }, ...cells), apart];
    }));
    const written = [...table.querySelectorAll(".course-written")];
    if (written.some((strip) => [...strip.children].some((cell) => cell.scrollWidth > cell.clientWidth))) { // part of a number is another number
      for (const strip of written) {
        strip.classList.remove("course-written");
        for (const cell of strip.children) cell.textContent = "";
      }
    }
    oneStop(table, buttons.map((button) => [button]));
    if (had) buttons[0].focus();
  }

  function hop(at) {
    const [from, to] = [model.get("item"), at];
    if (from === to) return;
    const back = nearest(distances(map.vectors, to), to, howMany(map.vectors)).includes(from);
    choose(to, `${names[from]} is ${back ? "" : "not "}among the nearest of ${names[to]} in turn. `);
  }

  function called(at) {
    const kind = model.get("_kind");
    return kind && /^[0-9]/.test(names[at]) ? `${kind} ${names[at]}` : names[at];
  }

  // As `describe` in widget.py.
  function describe() {
    const [item, side, kind, column] = ["item", "seen", "_kind", "column"].map((name) => model.get(name));
    const [count, dimensions] = [names.length, map.vectors[0].length];
    const held = percent(sum(side.map((at) => map.shares[at])));
    const listed = map.near.map((at) => `${names[at]} (${plain(map.far[at])})`);
    const all = [...(listed.length > 1 ? [listed.slice(0, -1).join(", ")] : []), listed.at(-1)].join(" and ");
    const said = [`${counted(count)} points${kind ? `, one for each ${kind},` : ""} have ${dimensions} number${dimensions === 1 ? "" : "s"} each; this side of them, components ${side[0] + 1} and ${side[1] + 1}, holds ${held} of how they differ.`];
    said.push(`Nearest to ${called(item)} ${dimensions > 1 ? "in all of them" : "there"} ${listed.length === 1 ? "is" : "are"} ${all}.`);
    if (map.near.length < count - 1) {
      const alike = map.near.filter((at) => map.nearHere.includes(at)).length;
      said.push(onTheMap(alike, map.near.length));
    }
    if (column) {
      const value = map.colours[item];
      let text = `The colour is ${column}, ${value === null ? "not known" : valueText(value)} for ${called(item)}`;
      if (map.correlation !== null) {
        const strength = fixed(Math.abs(map.correlation), 2);
        text += `; from left to right it ${map.correlation > 0 ? "grows" : "falls"} (correlation ${map.correlation < 0 && Number(strength) ? "−" : ""}${strength})`;
      }
      said.push(`${text}.`);
    }
    return said.join(" ");
  }

  function update() {
    map = mapOf(model, embedding);
    seen.show(String(model.get("seen")));
    colourBy.show(model.get("column"));
    paint();
    drawScale();
    drawRows();
    words.textContent = remark + describe();
  }

  function redraw(moving = false) {
    map = mapOf(model, embedding);
    drawMap(moving);
    update();
  }

  heard.once("item column palette", update);
  heard.on("seen", () => redraw(true));
  onWidth(heard, el, () => redraw());
  redraw();

  return heard.stop;
}

function computed(model) {
  const map = mapOf(model, pointsOf(model));
  return { positions: map.positions, distances: map.far, nearest: map.near, shares: map.shares, correlation: map.correlation === null ? [] : [map.correlation] };
}

export default { render, computed };
