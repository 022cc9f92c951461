"""What all widgets share, in Python and on the screen; and how to write one.

A widget is a folder beside this one. `widget.py` has a `CourseWidget` with

- `_title`, `_module` (its widget.js) and `_settings` (the traits that may be given by name on creation);
- traits for its inputs only. What follows from them is a property, which NumPy or PyTorch computes in float64, and is also in
  `_numbers()`: these travel with a saved page, which compares its own with them;
- `describe()`, what is on the screen in true sentences; `_draw()`, the still picture, made of the panels of still.py;
- `example()`, the widget as a lesson shows it. A line in `WIDGETS` in gallery.py makes `course export-widgets` write its page;
- `_exported()`, a model and its input for the workbook of "Export to Excel", or `_exporter()`, what writes it where it is not
  that of a model; or a WidgetError that says why there is none.

Numbers that a person gives go through `Numbers`, `as_image` and `as_names` (arrays.py); what cannot be shown is a WidgetError.

`widget.js` ends with `export default { render, computed };` (and `initialize`, where a clock or another thing belongs to the
model and not to a view). `render({ model, el })` begins with `const { root, heard, words } = page({ model, el }, "name");`,
appends its elements to `root`, draws, listens by `heard.once("trait another", redraw)`, and gives back `heard.stop`. It sets
traits by `set(model, { ... })`, which goes on where Python has stopped. `computed(model)` gives the numbers of `_numbers()` by
the same names, which come from the pure functions of `numbers.js`.

Everything has its size in em, which grows with the width of the widget and with the button "Large", which `page` adds:
`em(root)` says how many pixels one is, for what is drawn on a canvas or a figure (`plot` takes it last), and
`onWidth(heard, el, redraw)` calls when either changes. Text is at least 1em. Rules for narrow and wide widgets are
`@container (max-width: 50em)`.

A row of choices is `choice` (elements.js); a grid of fields or of buttons goes through `oneStop` (keys.js), so that Tab enters
it once and arrows move inside; a number is typed into a `numberField` (field.js); numbers become text by `plain` and `fixed`
(numbers.js, and `plain_number` and `fixed` in numbers.py); colours come from grid.js and the variables of base.css, among which
a test looks after the contrast.
"""
