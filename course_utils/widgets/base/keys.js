// One tab stop for many: arrows move among fields or buttons that stand in rows, and Tab leaves all of them.

// `rows` are lists of elements; what had the focus last has it when one comes back. An arrow inside of a text moves its cursor,
// unless all of the text is chosen, as it is when one comes into a field, or the cursor is at that end.
export function oneStop(node, rows) {
  const all = rows.flat();
  const stop = (chosen) => all.forEach((one) => { one.tabIndex = one === chosen ? 0 : -1; });
  const usable = (one) => one && !one.disabled && !one.hidden;

  node.addEventListener("focusin", (event) => { if (all.includes(event.target)) stop(event.target); });
  node.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (!step || (step[0] && rows.length === 1)) return;
    let row = rows.findIndex((line) => line.includes(event.target));
    if (row < 0 || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || inText(event.target, step[1])) return;
    let column = rows[row].indexOf(event.target);
    do [row, column] = [row + step[0], column + step[1]];
    while (rows[row]?.[column] && !usable(rows[row][column]));
    event.preventDefault();
    event.stopPropagation();
    rows[row]?.[column]?.focus();
  });
  stop(all.find((one) => usable(one) && one.getAttribute("aria-pressed") === "true") ?? all.find(usable) ?? all[0]);
}

function inText(field, sideways) {
  if (!sideways || field.selectionStart == null) return false;
  const { selectionStart: from, selectionEnd: to, value } = field;
  const whole = from === 0 && to === value.length;
  return !whole && (sideways < 0 ? to > 0 : from < value.length);
}
