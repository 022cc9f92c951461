// The search: over words that a script brings when they are first asked for, since a page from a file may fetch nothing.

const MOST = 30; // results that are shown
const box = document.getElementById("search");
const field = box.querySelector("input");
const status = box.querySelector("[role=status]");
const list = box.querySelector("ol");
const start = status.textContent;

// Letters without case and accents; as many as before, so that places in the text stay right.
const plain = (text) => [...text].map((letter) => letter.normalize("NFD")[0].toLowerCase()[0] ?? letter).join("");

// Sections in which every word of `query` begins a word, the best first: the whole phrase counts most, then the title.
function search(query, sections) {
  const phrase = plain(query.trim()).replace(/\s+/g, " ");
  const words = phrase.split(" ").filter(Boolean);
  if (!words.length) return [];
  const found = [];
  for (const section of sections) {
    section.plainTitle ??= plain(section[2]);
    section.plainText ??= plain(section[3]);
    let score = 0;
    const hits = words.map((word) => {
      const inTitle = beginning(section.plainTitle, word);
      const inText = beginning(section.plainText, word);
      if (inTitle < 0 && inText < 0) return null;
      score += (inTitle >= 0 ? 6 : 0) + Math.min(5, count(section.plainText, word));
      return inText;
    });
    if (hits.includes(null)) continue;
    if (section.plainTitle.includes(phrase)) score += 40;
    const whole = section.plainText.indexOf(phrase);
    if (whole >= 0) score += 20;
    found.push({ section, score, phrase: whole >= 0 ? section[3].slice(whole, whole + phrase.length) : "", at: whole >= 0 ? whole : Math.max(0, hits.find((hit) => hit >= 0) ?? 0), words });
  }
  return found.sort((a, b) => b.score - a.score);
}

// Where `word` stands in `text` at the beginning of a word, else anywhere, else -1.
function beginning(text, word) {
  const spaced = text.startsWith(word) ? 0 : text.indexOf(` ${word}`) + 1;
  return spaced > 0 || text.startsWith(word) ? spaced : text.indexOf(word);
}

function count(text, word) {
  return text.split(word).length - 1;
}

// A stretch of the text around what was found, with the words marked.
function around({ section, at, words }) {
  const text = section[3];
  const from = Math.max(0, text.lastIndexOf(" ", Math.max(0, at - 50)) + 1);
  const part = text.slice(from, from + 190);
  const seen = section.plainText.slice(from, from + 190);
  const marked = new Array(part.length).fill(false);
  for (const word of words) {
    for (let here = seen.indexOf(word); here >= 0; here = seen.indexOf(word, here + word.length)) marked.fill(true, here, here + word.length);
  }
  const line = document.createElement("span");
  line.className = "around";
  if (from) line.append("… ");
  for (let here = 0; here < part.length;) {
    let end = here;
    while (end < part.length && marked[end] === marked[here]) end += 1;
    const piece = part.slice(here, end);
    if (marked[here]) line.append(Object.assign(document.createElement("mark"), { textContent: piece }));
    else line.append(piece);
    here = end;
  }
  if (from + part.length < text.length) line.append(" …");
  return line;
}

function result(found) {
  const [address, lesson, title] = found.section;
  // A browser that can goes to the phrase itself, and marks it.
  const there = found.phrase && document.fragmentDirective ? `:~:text=${encodeURIComponent(found.phrase).replaceAll("-", "%2D")}` : "";
  const link = Object.assign(document.createElement("a"), { href: address + there });
  link.append(
    Object.assign(document.createElement("span"), { className: "where", textContent: lesson }),
    Object.assign(document.createElement("span"), { className: "title", textContent: title }),
    around(found),
  );
  link.addEventListener("click", () => box.close());
  const item = document.createElement("li");
  item.append(link);
  return item;
}

function show() {
  const found = window.courseSections ? search(field.value, window.courseSections) : [];
  list.replaceChildren(...found.slice(0, MOST).map(result));
  if (!field.value.trim()) status.textContent = start;
  else if (!found.length) status.textContent = "Nothing found: try fewer or shorter words.";
  else status.textContent = `${found.length} section${found.length === 1 ? "" : "s"}${found.length > MOST ? `, the best ${MOST} shown` : ""}. Enter opens the first, arrows go through them.`;
}

let asked = false;
function open() {
  if (!asked) {
    asked = true;
    const script = document.createElement("script");
    script.src = "assets/search-index.js";
    script.addEventListener("load", show);
    document.head.append(script);
  }
  if (!box.open) box.showModal();
  field.select();
}

for (const button of document.querySelectorAll(".search-open")) button.addEventListener("click", open);
field.addEventListener("input", show);
box.addEventListener("click", ({ target }) => { if (target === box) box.close(); });
// A page that has just been opened at a heading scrolls there late, and then takes the focus away from what one types into.
box.addEventListener("focusout", () => setTimeout(() => {
  if (box.open && document.hasFocus() && document.activeElement === document.body) field.focus();
}));
box.addEventListener("keydown", (event) => {
  const links = [...list.querySelectorAll("a")];
  const at = links.indexOf(document.activeElement);
  if (event.key === "ArrowDown" && links.length) links[Math.min(at + 1, links.length - 1)].focus();
  else if (event.key === "ArrowUp" && at >= 0) (links[at - 1] ?? field).focus();
  else if (event.key === "Escape") box.close(); // a browser would first empty the field
  else if (event.key === "Enter" && document.activeElement === field) links[0]?.click();
  else return;
  event.preventDefault();
});
addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input, textarea, select, [contenteditable]");
  const slash = event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey;
  const k = event.key === "k" && (event.ctrlKey || event.metaKey);
  if (!slash && !k) return;
  event.preventDefault();
  open();
});
