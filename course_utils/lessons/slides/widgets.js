// The living widgets: each in a frame of its own, so that its keys and its style stay apart; made when its slide comes near.

const Widgets = (() => {
  const NARROWER = [1060, 960, 860, 760];
  const WIDER = [1300, 1450, 1600, 1800];
  const SMALLEST = 0.35; // below this a widget is not shrunk further, and can be scrolled
  const frames = new Set();
  let dark = () => false;
  let back = () => {};
  let entered = () => {};

  const settled = () => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(go, 30))));
  function paint(frame) {
    const body = frame.contentDocument?.body;
    body?.setAttribute("data-jp-theme-light", String(!dark()));
    body?.style.setProperty("background", getComputedStyle(document.documentElement).getPropertyValue("--paper"));
  }

  function place(frame, width, height, room) {
    const size = Math.max(SMALLEST, Math.min(room.width / width, room.height / height));
    frame.style.width = `${width}px`;
    frame.style.height = `${Math.max(height, room.height / size)}px`;
    frame.style.transform = `translateX(${Math.max(0, (room.width - width * size) / 2)}px) scale(${size})`;
    return size;
  }

  const heightOf = (frame) => Math.ceil(frame.contentDocument.querySelector("#widget").getBoundingClientRect().bottom + 14);

  // How large the widget's letters come out on the slide at a width.
  async function tried(frame, width, room) {
    frame.style.width = `${width}px`;
    frame.style.height = `${room.height}px`;
    await settled();
    const height = heightOf(frame);
    const size = Math.min(room.width / width, room.height / height);
    const root = frame.contentDocument.querySelector(".course-widget") ?? frame.contentDocument.body;
    return { letters: parseFloat(frame.contentWindow.getComputedStyle(root).fontSize) * size, width, height };
  }

  // The width at which they come out largest: narrower where there is room below, else wider, as long as that helps.
  async function best(frame, room) {
    let found = await tried(frame, room.width, room);
    for (const width of found.height <= room.height ? NARROWER : WIDER) {
      const next = await tried(frame, width, room);
      if (next.letters < found.letters * 1.01) break;
      found = next;
    }
    return found;
  }

  async function fit(frame, room) {
    const larger = frame.contentDocument.querySelector(".course-larger");
    let found = await best(frame, room);
    if (larger) {
      larger.click();
      const large = await best(frame, room);
      if (large.letters > found.letters * 1.04) found = large;
      else larger.click();
    }
    frame.style.width = `${found.width}px`;
    await settled();
    let tallest = heightOf(frame);
    place(frame, found.width, tallest, room);
    frame.dataset.ready = "true";
    // What opens inside may need more room.
    new frame.contentWindow.ResizeObserver(() => {
      const height = heightOf(frame);
      if (height > tallest) place(frame, found.width, (tallest = height), room);
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
      style.textContent = "body { margin: 0 !important; padding: 0 !important; } main > h1, #widget + .checked { display: none; } html { overflow-x: hidden; }";
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
