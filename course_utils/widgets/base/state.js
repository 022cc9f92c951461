// The state of a widget is the traits of its model, and nothing else: Python, and another view of the widget, see the same.

// Set some traits together.
export function set(model, values) {
  for (const [name, value] of Object.entries(values)) model.set(name, value);
  told(() => model.save_changes());
}

// Whether Python could be told: where it has stopped Jupyter raises an error, and the screen goes on by itself.
export function told(tell) {
  try {
    tell();
    return true;
  } catch {
    return false;
  }
}

// How many views of a widget are in the page; undefined where there was none yet. Jupyter gives another object for a model to each
// view: what they have in common is the model of its layout.
const views = new WeakMap();
const same = (model) => (typeof model.get("layout") === "object" && model.get("layout")) || model;

export function viewsOf(model) {
  return views.get(same(model));
}

// Count a view, until the function that is given back is called.
export function countView(model) {
  views.set(same(model), (viewsOf(model) ?? 0) + 1);
  return () => views.set(same(model), viewsOf(model) - 1);
}

// What listens to a model until `stop`, which also calls what was given to `also`.
export function listener(model) {
  const stops = [];
  const resizes = [];
  const listen = (event, react) => {
    model.on(event, react);
    stops.push(() => model.off(event, react));
  };
  return {
    on: (names, react) => names.split(" ").forEach((name) => listen(`change:${name}`, react)),
    // Several traits change at once: react once, when all have.
    once: (names, react) => {
      let waiting = false;
      const later = () => {
        if (waiting) return;
        waiting = true;
        queueMicrotask(() => { waiting = false; react(); });
      };
      names.split(" ").forEach((name) => listen(`change:${name}`, later));
      return later;
    },
    message: (react) => listen("msg:custom", react),
    onResize: (react) => resizes.push(react),
    resized: () => resizes.forEach((react) => react()),
    also: (stop) => stops.push(stop),
    stop: () => stops.forEach((stop) => stop()),
  };
}
