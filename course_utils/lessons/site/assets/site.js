// What moves on a page: the theme, the table of contents, buttons that copy, and the frames of the widgets.

const root = document.documentElement;
const system = matchMedia("(prefers-color-scheme: dark)");
const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);

// Light or dark: as the reader's machine is, until the button says otherwise; where both agree again nothing is kept.
function showTheme() {
  const dark = isDark();
  root.toggleAttribute("data-dark", dark);
  document.querySelector(".theme").setAttribute("aria-pressed", String(dark));
  for (const frame of document.querySelectorAll(".living iframe")) tellTheme(frame.contentWindow);
}

function changeTheme() {
  const wanted = isDark() ? "light" : "dark";
  const kept = (wanted === "dark") === system.matches ? "" : wanted;
  if (kept) root.dataset.theme = kept;
  else delete root.dataset.theme;
  try {
    if (kept) localStorage.setItem("course-theme", kept);
    else localStorage.removeItem("course-theme");
  } catch { /* a browser that keeps nothing for files: the page is changed all the same */ }
  showTheme();
}

function tellTheme(view) {
  view?.postMessage({ courseTheme: isDark() ? "dark" : "light" }, "*");
}

document.querySelector(".theme").addEventListener("click", changeTheme);
system.addEventListener("change", showTheme);
showTheme();

// A widget in a frame says how high it is; what is in a frame from a file cannot be measured from outside.
addEventListener("message", ({ source, data }) => {
  if (!data?.courseHeight) return;
  const frame = [...document.querySelectorAll(".living iframe")].find((one) => one.contentWindow === source);
  if (!frame) return;
  const height = Math.ceil(data.courseHeight) + 4;
  if (Math.abs(height - frame.clientHeight) > 4) frame.style.height = `${height}px`;
  tellTheme(source);
});

// A button on each piece of code that copies it.
async function copy(code, button) {
  try {
    await navigator.clipboard.writeText(code.textContent);
    button.textContent = "Copied";
  } catch { // not allowed here: select it, for the reader's own keys
    getSelection().selectAllChildren(code);
    button.textContent = "Selected";
  }
  button.classList.add("done");
  setTimeout(() => {
    button.textContent = "Copy";
    button.classList.remove("done");
  }, 1500);
}

for (const pre of document.querySelectorAll("pre.code")) {
  const holder = document.createElement("div");
  holder.className = "holder";
  pre.replaceWith(holder);
  const button = document.createElement("button");
  Object.assign(button, { type: "button", className: "copy", textContent: "Copy" });
  button.addEventListener("click", () => copy(pre.firstElementChild, button));
  holder.append(pre, button);
}

// What is wider or higher than its place can be reached and scrolled with the keyboard.
function markScrolling() {
  for (const one of document.querySelectorAll("pre.code, .text.aligned, .scroll, .html > div, .math.block")) {
    const scrolls = /auto|scroll/.test(getComputedStyle(one).overflow)
      && (one.scrollWidth > one.clientWidth + 1 || one.scrollHeight > one.clientHeight + 1);
    if (scrolls) one.tabIndex = 0;
    else one.removeAttribute("tabindex");
  }
}
addEventListener("load", markScrolling);
addEventListener("resize", markScrolling);
document.addEventListener("toggle", markScrolling, true);

// The table of contents: folded where there is little room, and marked where one reads.
const contents = document.querySelector(".contents");
if (contents) {
  const narrow = matchMedia("(max-width: 1000px)");
  const fold = () => { contents.open = !narrow.matches; };
  narrow.addEventListener("change", fold);
  fold();
  contents.addEventListener("click", ({ target }) => { if (narrow.matches && target.closest("a")) contents.open = false; });

  const links = new Map([...contents.querySelectorAll("a")].map((link) => [link.getAttribute("href").slice(1), link]));
  const headings = [...links.keys()].map((id) => document.getElementById(id));
  let current = null;
  const follow = () => {
    const line = 0.3 * innerHeight;
    const read = headings.filter((one) => one.getBoundingClientRect().top < line).pop() ?? headings[0];
    const link = links.get(read.id);
    if (link === current) return;
    current?.removeAttribute("aria-current");
    link.setAttribute("aria-current", "true");
    current = link;
    const side = document.querySelector(".side");
    if (!narrow.matches) side.scrollTop += link.getBoundingClientRect().top - side.getBoundingClientRect().top - side.clientHeight / 2;
  };
  let waiting = false;
  addEventListener("scroll", () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; follow(); });
  }, { passive: true });
  follow();
}

// What is linked to inside a folded solution is opened.
function openTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  target?.closest("details")?.setAttribute("open", "");
}
addEventListener("hashchange", openTarget);
openTarget();

// Read from a disk, a page may not start a download: a click would show the notebook's text.
if (location.protocol === "file:") {
  for (const link of document.querySelectorAll('a[download][href$=".ipynb"]')) {
    link.textContent = "This notebook: right-click, then Save link as";
  }
}
