// The living widgets: each in a frame of its own, so that its keys and its style stay apart; made when its slide comes near.

const Widgets = (() => {
  const WIDTHS = [1160, 1000, 1300, 880, 1450, 1600, 1800];
  const SMALLEST = 0.35; // below this a widget is not shrunk further, and can be scrolled
  const frames = new Set();
  let dark = () => false;
  let back = () => {};
  let entered = () => {};

  const settled = () => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(go, 30))));
  const paint = (frame) => frame.contentDocument?.body?.setAttribute("data-jp-theme-light", String(!dark()));

  function place(frame, width, height, room) {
    const size = Math.max(SMALLEST, Math.min(room.width / width, room.height / height));
    frame.style.width = `${width}px`;
    frame.style.height = `${Math.max(height, room.height / size)}px`;
    frame.style.transform = `translateX(${Math.max(0, (room.width - width * size) / 2)}px) scale(${size})`;
    return size;
  }

  const heightOf = (frame) => Math.ceil(frame.contentDocument.querySelector("#widget").getBoundingClientRect().bottom + 14);

  // The width at which the widget's letters come out largest on the slide.
  async function fit(frame, room) {
    let best = { letters: 0 };
    for (const width of WIDTHS) {
      frame.style.width = `${width}px`;
      frame.style.height = `${room.height}px`;
      await settled();
      const height = heightOf(frame);
      const size = Math.min(room.width / width, room.height / height);
      const root = frame.contentDocument.querySelector(".course-widget") ?? frame.contentDocument.body;
      const letters = parseFloat(frame.contentWindow.getComputedStyle(root).fontSize) * size;
      if (letters > best.letters * 1.02) best = { letters, width, height };
      if (height * (room.width / width) < room.height * 0.8) break; // narrower or wider ones are no larger from here on
    }
    frame.style.width = `${best.width}px`;
    await settled();
    place(frame, best.width, heightOf(frame), room);
    frame.dataset.ready = "true";
    // What opens inside may need more room.
    let tallest = heightOf(frame);
    new frame.contentWindow.ResizeObserver(() => {
      const height = heightOf(frame);
      if (height > tallest) place(frame, best.width, (tallest = height), room);
    }).observe(frame.contentDocument.querySelector("#widget"));
  }

  function wake(box) {
    if (box.querySelector("iframe") || !box.querySelector("template")) return;
    const room = { width: box.clientWidth, height: box.clientHeight };
    if (!room.height) return; // not laid out yet
    const frame = document.createElement("iframe");
    frame.title = box.dataset.title;
    frame.srcdoc = box.querySelector("template").content.textContent;
    frame.style.opacity = "0";
    frame.style.width = `${room.width}px`;
    frame.style.height = `${room.height}px`;
    frame.addEventListener("load", async () => {
      const page = frame.contentDocument;
      const style = page.createElement("style");
      // The slide has its own heading; that the page's numbers are PyTorch's is said on it where they are not.
      style.textContent = "body { margin: 0 !important; padding: 0 !important; } body > h1, #widget + .checked { display: none; } html { overflow-x: hidden; }";
      page.head.append(style);
      paint(frame);
      page.addEventListener("keydown", (event) => {
        if (event.key === "Escape" && !event.defaultPrevented) back(frame);
      });
      frame.contentWindow.addEventListener("focus", () => entered(box, true));
      frame.contentWindow.addEventListener("blur", () => entered(box, false));
      await fit(frame, room);
      frame.style.opacity = "";
      box.querySelector(".waits").hidden = true;
    });
    box.append(frame);
    frames.add(frame);
  }

  return {
    start(hooks) { ({ dark, back, entered } = hooks); },
    near: (sections) => sections.forEach((section) => section?.querySelectorAll(".widget").forEach(wake)),
    paint: () => frames.forEach(paint),
  };
})();
