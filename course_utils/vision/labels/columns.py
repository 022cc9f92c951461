"""Which columns of a table hold the names of pictures and which the labels: as asked for, or by headings and cells."""

from collections.abc import Iterable, Sequence

from course_utils.errors import CourseError
from course_utils.names import named, some_of
from course_utils.vision.decoding.formats import has_picture_suffix
from course_utils.vision.disk import composed
from course_utils.vision.labels.cells import Cell, lowest, truth_of

LabelColumn = str | Sequence[str]

LABEL_HEADINGS = frozenset(  # by the last word of which one of several columns is known to hold the labels
    {
        *("label", "labels", "class", "classes", "category", "categories", "tag", "tags", "target", "targets"),
        *("breed", "species", "diagnosis"),
    }
)
OTHER_HEADINGS = frozenset({"split", "fold", "set", "subset", "valid", "train", "test"})  # no class, though zeros and ones


def find_name_column(file: str, header: Sequence[str], file_column: str | None) -> int:
    """Where the names are."""
    if file_column is not None:
        return _column(file, header, "file_column", file_column)
    if _is_index(header[0]):
        raise CourseError(
            f"the first column of {file} has no heading, so it looks like row numbers, where the names of the pictures are "
            f"expected. Name their column, as file_column={header[1]!r}, or write the table without row numbers."
        )
    return 0


def _is_index(heading: str) -> bool:
    """Whether a heading is what pandas makes of a column of row numbers."""
    return not heading or heading.startswith("Unnamed:")


def _column(file: str, header: Sequence[str], argument: str, heading: str) -> int:
    """Where the column of that heading is."""
    if not isinstance(heading, str):
        raise CourseError(f"{argument} is {heading!r}; give the heading of a column, one of {some_of(header, 10)}")
    places = [column for column, name in enumerate(header) if name == composed(heading).strip()]
    if not places:
        raise CourseError(f"{argument} is {heading!r}; {file} has the columns {', '.join(header[:30])}")
    if len(places) > 1:
        raise CourseError(f"{argument} is {heading!r}; {file} has {len(places)} columns of that name. Rename all but one.")
    return places[0]


def find_column_of_files(header: Sequence[str], rows: Sequence[Sequence[Cell]], name_column: int) -> str | None:
    """The heading of the only other column whose cells end as names of pictures do."""
    found = [
        heading
        for column, heading in enumerate(header)
        if column != name_column and all(isinstance(cell := row[column], str) and has_picture_suffix(cell) for row in rows)
    ]
    return found[0] if len(found) == 1 else None


def said_of_files(heading: str | None) -> str:
    """What to do where the names of the pictures are in another column."""
    return "" if heading is None else f"The column {heading!r} holds names of pictures: say file_column={heading!r}."


def find_label_columns(
    file: str,
    header: Sequence[str],
    rows: Sequence[Sequence[Cell]],
    name_column: int,
    file_column: str | None,
    label_column: LabelColumn | None,
    notices: list[str],
) -> tuple[list[int], bool]:
    """Where the labels are, and whether these are columns of one class each."""
    if isinstance(label_column, str):
        columns, one_each = [_column(file, header, "label_column", label_column)], False
    elif label_column is not None:
        if not isinstance(label_column, Iterable):
            raise CourseError(f"label_column is {label_column!r}; give a heading, or a list of one for each class")
        columns, one_each = [_column(file, header, "label_column", heading) for heading in label_column], True
        if not columns:
            raise CourseError("label_column is an empty list; give one heading, or a list of one for each class")
    else:
        return _guessed_label_columns(file, header, rows, name_column, file_column, notices)
    if name_column in columns:
        raise CourseError(f"the column {header[name_column]!r} of {file} holds the names; it cannot hold the labels too")
    if len(set(columns)) < len(columns):
        raise CourseError(f"label_column names a column twice: {some_of(list(label_column))}")
    return columns, one_each


def _guessed_label_columns(
    file: str,
    header: Sequence[str],
    rows: Sequence[Sequence[Cell]],
    name_column: int,
    file_column: str | None,
    notices: list[str],
) -> tuple[list[int], bool]:
    rest = [column for column, heading in enumerate(header) if column != name_column and not _is_index(heading)]
    if file_column is not None and len(rest) > 1:
        rest = [column for column in rest if column != 0]  # where names usually are
    if not rest:
        index = ". frame.reset_index() makes a column of names that are its index" if file == "the frame" else ""
        raise CourseError(
            f"{file} has the {named('column', header)}; expected one of names and one of labels, and none is left for the "
            f"labels{index}"
        )
    if len(rest) == 1:
        return rest, False
    words = {column: header[column].lower().replace("_", " ").replace("-", " ").split() for column in rest}
    known = [column for column in rest if words[column] and words[column][-1] in LABEL_HEADINGS]
    known += [column for column in rest if words[column] in (["class", "name"], ["label", "name"])]
    if len(known) == 1:
        left = [header[column] for column in rest if column != known[0]]
        notices.append(
            f"labels are those in the column {header[known[0]]!r}; not used: {some_of(left)} (label_column= names another)."
        )
        return known, False
    low = lowest(rows, rest)
    headings = [header[column] for column in rest]
    if (
        not any(word in OTHER_HEADINGS for column in rest for word in words[column])
        and len(set(headings)) == len(headings)
        and all(truth_of(row[column], low) is not None for row in rows for column in rest)
    ):
        return rest, True
    raise CourseError(
        f"{file} has {len(rest)} columns that could hold the labels: {some_of(headings, 30)}. Say which: "
        f"label_column={headings[0]!r}, or a list of headings where each class has a column of zeros and ones."
    )
