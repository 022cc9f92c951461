"""What is asked of a table, a frame or a list of labels."""

from dataclasses import dataclass
from typing import Literal

from course_utils.errors import CourseError
from course_utils.files import as_path
from course_utils.training.arguments import shown
from course_utils.training.tasks import LabelTask
from course_utils.vision.labels import LabelColumn, check_task
from course_utils.vision.sources.valid_rows import ValidIdx

Missing = Literal["raise", "skip"]


@dataclass(frozen=True)
class Options:
    """How a table is read, whichever kind it is; see `ImageData.from_csv`. Raises CourseError for any other value."""

    folder: str = ""
    suffix: str = ""
    file_column: str | None = None
    label_column: LabelColumn | None = None
    task: LabelTask | None = None
    valid_idx: ValidIdx = None
    test: str | None = None
    missing: Missing = "raise"

    def __post_init__(self) -> None:
        check_task(self.task)
        as_path("folder", "." if self.folder == "" else self.folder, "a folder")
        if not isinstance(self.suffix, str):
            raise CourseError(f"suffix is {shown(self.suffix)}; give what file names end in, such as '.jpg', or '' for nothing")
        if self.test is not None:
            as_path("test", self.test, "a folder")
        if self.missing not in ("raise", "skip"):
            raise CourseError(
                f"missing is {self.missing!r}; it is 'raise' (stop where a picture is not there) or 'skip' (leave it out)"
            )

    @property
    def ending(self) -> str:
        """What is added to each name: nothing to those of a column of files."""
        return "" if self.file_column else self.suffix
