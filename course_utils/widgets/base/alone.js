// A widget in a page of its own: a stand-in for the model that Jupyter gives, which holds the traits and tells of changes.

function standIn(traits) {
  const heard = {};
  const changed = new Set();
  return {
    alone: true,
    get: (name) => traits[name],
    set: (name, value) => {
      if (JSON.stringify(traits[name]) === JSON.stringify(value)) return;
      traits[name] = value;
      changed.add(name);
    },
    save_changes: () => {
      const names = [...changed];
      changed.clear();
      for (const name of names) for (const react of heard[`change:${name}`] ?? []) react();
    },
    on: (event, react) => { (heard[event] ??= new Set()).add(react); },
    off: (event, react) => heard[event]?.delete(react),
    send: () => {},
  };
}

// The page is light or dark as the reader's machine is, by the mark that JupyterLab puts on its own pages.
function followTheme() {
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const follow = () => document.body.setAttribute("data-jp-theme-light", String(!dark.matches));
  dark.addEventListener("change", follow);
  follow();
}

// `bytes` are the traits that hold bytes, in base64.
export function show(widget, el, traits, bytes) {
  followTheme();
  for (const [name, text] of Object.entries(bytes)) traits[name] = new DataView(Uint8Array.from(atob(text), (one) => one.charCodeAt(0)).buffer);
  const model = standIn(traits);
  widget.initialize?.({ model });
  widget.render({ model, el });
  el.model = model;
}
