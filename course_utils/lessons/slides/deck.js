// The deck: its keys, its map, what the speaker sees, light and dark.

(() => {
  const root = document.documentElement;
  const show = document.querySelector(".reveal");
  const speaker = /receiver/i.test(location.search); // one of the two slides in the speaker's window
  const system = matchMedia("(prefers-color-scheme: dark)");
  const make = (tag, traits = {}, ...children) => {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(traits)) node.setAttribute(name, value);
    node.append(...children);
    return node;
  };

  // Light and dark.
  const dark = () => root.dataset.theme === "dark";
  const paint = (theme) => { root.dataset.theme = theme; Widgets.paint(); };
  if (root.dataset.theme === "system") {
    paint(system.matches ? "dark" : "light");
    system.addEventListener("change", () => paint(system.matches ? "dark" : "light"));
  }

  // A line at the foot that goes away.
  const said = make("div", { id: "said", role: "status" });
  let waiting = 0;
  const say = (words, long = false) => {
    clearTimeout(waiting);
    said.textContent = words;
    if (words && !long) waiting = setTimeout(() => { said.textContent = ""; }, 3500);
  };

  // The slides' own text, made to fit before reveal.js lays them out.
  Fit.all();

  // What lies over the slides: the whole code, the map, the keys.
  const over = (id, title) => {
    const body = make("div");
    const close = make("button", { type: "button" }, "Close (Esc)");
    const dialog = make("dialog", { id, "aria-label": title }, make("h2", {}, title), body, close);
    close.addEventListener("click", () => dialog.close());
    dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
    dialog.addEventListener("close", () => show.focus({ preventScroll: true }));
    return { dialog, body };
  };
  const code = over("code", "The whole code");
  const map = over("map", "Map of the slides");
  const keys = over("keys", "Keys");
  code.body.setAttribute("tabindex", "0");

  function showCode() {
    const cells = JSON.parse(Reveal.getCurrentSlide().dataset.cells);
    const found = cells.map((cell) => document.querySelector(`template.whole[data-cell="${CSS.escape(cell)}"]`)).filter(Boolean);
    if (!found.length) return say("There is no code behind this slide.");
    code.body.replaceChildren(...found.map((one) => make("pre", { class: "code" }, make("code", {}, one.content.cloneNode(true)))));
    code.dialog.showModal();
    code.body.focus();
  }

  function showMap() {
    const current = Reveal.getCurrentSlide();
    map.body.replaceChildren(...[...document.querySelectorAll(".slides > section")].flatMap((stack) => {
      const slides = [...stack.querySelectorAll(":scope > section")];
      const items = slides.map((slide) => {
        const link = make("a", { href: `#/${slide.id}` }, slide.dataset.words || slide.dataset.section);
        if (slide === current) link.setAttribute("aria-current", "true");
        link.addEventListener("click", (event) => {
          event.preventDefault();
          map.dialog.close();
          const { h, v } = Reveal.getIndices(slide);
          Reveal.slide(h, v);
        });
        return make("li", {}, link);
      });
      return [make("h3", {}, slides[0].dataset.section), make("ol", {}, ...items)];
    }));
    map.dialog.showModal();
    (map.body.querySelector("[aria-current]") ?? map.body.querySelector("a"))?.focus();
  }

  // What to say, over the slide: where a browser blocks the speaker's window.
  const spoken = make("div", { id: "spoken", role: "note", "aria-label": "Notes", hidden: "" });
  function showNotes() {
    spoken.innerHTML = Reveal.getCurrentSlide().querySelector("aside.notes").innerHTML || "<p>There are no notes to this slide.</p>";
  }
  function toggleNotes(on = spoken.hidden) {
    spoken.hidden = !on;
    if (on) showNotes();
  }
  function openSpeaker() {
    const open = window.open;
    let blocked = false;
    window.open = (...asked) => {
      const opened = open.apply(window, asked);
      blocked = !opened;
      return opened;
    };
    try {
      Reveal.getPlugin("notes").open();
    } catch (error) {
      if (!blocked) throw error;
      toggleNotes(true);
      say("This browser blocks the speaker's window, so the notes are here. N hides them.");
    } finally {
      window.open = open;
    }
  }

  // A pointer that a hall can see; below it nothing is pressed.
  const dot = make("i");
  const pointer = make("div", { id: "pointer", hidden: "" }, dot);
  pointer.addEventListener("pointermove", ({ clientX, clientY }) => { dot.style.left = `${clientX}px`; dot.style.top = `${clientY}px`; });
  function togglePointer() {
    pointer.hidden = !pointer.hidden;
    say(pointer.hidden ? "" : "The pointer follows the mouse. L puts it away.");
  }

  function enterWidget() {
    const frame = Reveal.getCurrentSlide().querySelector(".widget iframe");
    if (!frame) return say("There is no widget on this slide.");
    frame.focus();
    frame.contentDocument.querySelector("#widget :is(button, input, select, [tabindex='0']):not(:disabled)")?.focus();
  }

  // JupyterLab keeps a tab of its own, and what is unsaved there stays. While it starts it forgets which cell it was asked for, so
  // it is asked again.
  const STARTING = [4, 8, 14].map((seconds) => seconds * 1000);
  let lab = null;
  let opened = 0;
  let asking = [];
  function openLab() {
    const address = Reveal.getCurrentSlide().querySelector("footer a")?.href;
    if (!address) return say("This deck was written without a way to JupyterLab.");
    if (!lab || lab.closed) opened = Date.now();
    lab = window.open(address, "course-lab");
    if (!lab) return say("This browser blocks the tab of JupyterLab; allow it for this page, and press J again.", true);
    lab.focus();
    asking.forEach(clearTimeout);
    const left = STARTING.map((after) => opened + after - Date.now()).filter((wait) => wait > 0);
    asking = left.map((wait) => setTimeout(() => { if (!lab.closed) lab.location = address; }, wait));
  }
  document.addEventListener("click", (event) => {
    if (!event.target.closest?.("footer a")) return;
    event.preventDefault();
    openLab();
  });

  // Code, letter, what to press, what it does; without a function, a key of reveal.js itself.
  const KEYS = [
    [null, "→ Space", "next slide"],
    [null, "← PageUp", "the one before"],
    [67, "C", "the whole code of this slide", showCode],
    [77, "M", "map of the slides", showMap],
    [null, "O Esc", "all slides at a glance"],
    [83, "S", "the speaker's window: notes, the next slide, a clock", openSpeaker],
    [78, "N", "the notes, in the slide", () => toggleNotes()],
    [87, "W", "into the widget; Esc leads back", enterWidget],
    [74, "J", "this cell in JupyterLab", openLab],
    [76, "L", "a pointer", togglePointer],
    [68, "D", "dark or light", () => paint(dark() ? "light" : "dark")],
    [null, "B", "a black screen"],
    [null, "F", "the whole screen"],
    [null, "G", "to the slide of a number"],
    [191, "?", "these keys", () => keys.dialog.showModal()],
  ];
  const list = make("dl");
  for (const [, letters, words] of KEYS) {
    list.append(make("dt", {}, ...letters.split(" ").flatMap((one) => [make("kbd", {}, one), " "])), make("dd", {}, words));
  }
  keys.body.append(list);
  document.addEventListener("keydown", (event) => {
    const open = document.querySelector("dialog[open]");
    const closing = { code: "c", map: "m", keys: "?" };
    if (!open || closing[open.id] !== event.key) return;
    open.close();
    event.preventDefault();
    event.stopImmediatePropagation(); // or reveal.js opens it again
  });

  document.body.append(code.dialog, map.dialog, keys.dialog, spoken, pointer, said);
  Widgets.start({
    dark,
    back(frame) { frame.blur(); window.focus(); show.focus({ preventScroll: true }); },
    entered(box, inside) {
      box.classList.toggle("focused", inside);
      say(inside ? "Keys go to the widget now. Esc gives them back to the slides." : "", inside);
    },
  });

  function near() {
    const slides = Reveal.getSlides();
    const at = slides.indexOf(Reveal.getCurrentSlide());
    Widgets.near(slides.slice(Math.max(0, at - 1), at + 2));
  }
  Reveal.on("slidechanged", () => { near(); if (!spoken.hidden) showNotes(); say(""); });
  const bound = Object.fromEntries(KEYS.filter(([code]) => code).map(([code, , , run]) => [code, run]));
  Reveal.initialize({
    width: 1280, height: 720, margin: 0, minScale: 0.1, maxScale: 8, center: false, hash: !speaker, transition: "none",
    backgroundTransition: "none", slideNumber: "c/t", navigationMode: "linear", controlsTutorial: false, help: false,
    viewDistance: 2, mobileViewDistance: 2, scrollActivationWidth: null, plugins: [RevealNotes],
    keyboard: bound, keyboardCondition: () => !document.querySelector("dialog[open]"),
  }).then(() => {
    near();
    show.focus({ preventScroll: true });
    root.dataset.ready = "true";
    if (!speaker && Reveal.isFirstSlide()) say("Press ? for the keys.");
  });
})();
