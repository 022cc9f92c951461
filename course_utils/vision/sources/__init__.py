"""Where pictures and their labels come from: folders, tables, frames, lists of files, and arrays in memory."""

from course_utils.vision.sources.arrays import from_arrays
from course_utils.vision.sources.folders import from_folders
from course_utils.vision.sources.labelled import Labelled
from course_utils.vision.sources.tables import Missing, ValidIdx, common_folder, from_csv, from_files, from_frame

__all__ = [
    "Labelled",
    "Missing",
    "ValidIdx",
    "common_folder",
    "from_arrays",
    "from_csv",
    "from_files",
    "from_folders",
    "from_frame",
]
