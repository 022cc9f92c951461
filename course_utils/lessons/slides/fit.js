// Makes each slide fit: its letters as large as there is room for, down to a size that can be read; below that, what does not fit
// goes to a slide of its own, and what is one piece is cut with a word.

const Fit = (() => {
  const SIZES = [1.18, 1.1, 1, 0.94, 0.88, 0.82, 0.77, 0.72, 0.67, 0.62]; // of 28 pixels
  const NARROW = 0.8; // the size down to which a wide table is kept whole
  const SHORT = 22; // letters
  const content = (section) => section.querySelector(".content");

  function overflows(section) {
    const box = content(section);
    return box.scrollHeight > box.clientHeight + 1 || box.scrollWidth > box.clientWidth + 1;
  }

  // The largest size at which each slide fits; those that fit at none are given back. All are measured at a time, which costs
  // one layout for each size.
  function scale(sections) {
    let left = sections;
    for (const size of SIZES) {
      const tried = left.filter((section) => size <= 1 || !section.querySelector("figure, .widget"));
      for (const section of tried) content(section).style.setProperty("--fit", size);
      const fit = new Set(tried.filter((section) => !overflows(section)));
      left = left.filter((section) => !fit.has(section));
      if (!left.length) break;
    }
    return left;
  }

  // A slide after this one, with the same head and nothing on it yet.
  function another(section) {
    const next = section.cloneNode(true);
    let number = 2;
    while (document.getElementById(`${section.id}-more-${number}`)) number += 1;
    next.id = `${section.id}-more-${number}`;
    content(next).replaceChildren();
    const heading = next.querySelector("h1, h2");
    if (heading) {
      const running = document.createElement("p");
      running.className = "running";
      running.textContent = heading.textContent;
      next.querySelector(".running")?.remove();
      heading.replaceWith(running);
    }
    section.after(next);
    return next;
  }

  // Moves what does not fit to new slides: the last pieces, or the last items of a list.
  function split(section) {
    const made = [];
    const box = content(section);
    if (box.children.length > 1) {
      const next = another(section);
      do content(next).prepend(box.lastElementChild); while (box.children.length > 1 && overflows(section));
      made.push(next);
    } else {
      const list = box.querySelector(":scope > .prose > :is(ul, ol)");
      if (list && list.children.length > 1) {
        const next = another(section);
        const holder = box.firstElementChild.cloneNode(false);
        const rest = list.cloneNode(false);
        holder.append(rest);
        content(next).append(holder);
        do rest.prepend(list.lastElementChild); while (list.children.length > 1 && overflows(section));
        made.push(next);
      }
    }
    return made;
  }

  const said = (box, words) => {
    let more = box.querySelector(":scope > .more.cut");
    if (!more) {
      more = document.createElement("p");
      more.className = "more cut";
      box.append(more);
    }
    more.textContent = words;
  };
  const counted = (number, what) => `… ${number} more ${what}${number === 1 ? "" : "s"}`;

  // Cuts columns from the right of tables that are too wide in letters that can be read, and says how many; short words and dates
  // stay in one line.
  function narrow(sections) {
    const tables = sections.flatMap((section) => [...section.querySelectorAll(".content table")]);
    for (const table of tables) {
      for (const cell of table.querySelectorAll("td")) if (cell.textContent.length <= SHORT) cell.style.whiteSpace = "nowrap";
    }
    for (const section of sections) content(section).style.setProperty("--fit", NARROW);
    const wide = tables.filter((table) => table.offsetWidth > table.closest(".content").clientWidth + 1);
    for (const table of wide) {
      const room = table.closest(".content").clientWidth;
      const most = () => Math.max(...[...table.rows].map((row) => row.cells.length));
      let columns = 0;
      while (table.offsetWidth > room + 1 && most() > 2) {
        for (const row of table.rows) row.lastElementChild?.remove();
        said(table.parentElement, counted(columns += 1, "column"));
      }
    }
  }

  // Cuts rows from below.
  function cutRows(section, table) {
    const before = content(section).querySelector("[data-rows]");
    const already = Number(before?.dataset.rows ?? 0);
    const columns = table.parentElement.querySelector(":scope > .more.cut")?.textContent;
    let rows = 0;
    while (overflows(section) && table.rows.length > 2) {
      table.rows[table.rows.length - 1].remove();
      rows += 1;
      before?.remove();
      said(table.parentElement, columns ? `${columns}, ${counted(already + rows, "row").slice(2)}` : counted(already + rows, "row"));
    }
  }

  // Cuts lines of code or of printed text.
  function cutLines(section, pre) {
    const code = pre.querySelector("code") ?? pre;
    let lines = code.innerHTML.split("\n");
    const all = lines.length;
    while (overflows(section) && lines.length > 3) {
      lines = lines.slice(0, -1);
      code.innerHTML = lines.join("\n");
      said(pre.parentElement, `${counted(all - lines.length, "line")}${pre.matches(".code") ? ": press C" : ""}`);
    }
  }

  function shorten(section) {
    for (const table of section.querySelectorAll(".content table")) if (overflows(section)) cutRows(section, table);
    for (const pre of section.querySelectorAll(".content pre")) if (overflows(section)) cutLines(section, pre);
    for (let size = 0.58; overflows(section) && size > 0.3; size -= 0.04) content(section).style.setProperty("--fit", size);
  }

  function all() {
    document.documentElement.classList.add("measured");
    let sections = [...document.querySelectorAll(".slides > section > section")];
    narrow(sections);
    for (let round = 0; round < 12 && sections.length; round += 1) {
      const left = scale(sections);
      const parts = left.flatMap((section) => {
        const made = split(section);
        return made.length ? [section, ...made] : (shorten(section), []);
      });
      sections = parts;
    }
    document.documentElement.classList.remove("measured");
  }

  return { all, content, overflows };
})();
