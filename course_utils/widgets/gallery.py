"""All widgets that need no Python, in the order in which the lessons come to them, and as pages in one folder."""

import html
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from course_utils.files import as_path, replacing, writing
from course_utils.widgets.activation_functions.widget import ActivationFunctions
from course_utils.widgets.augmentations.widget import Augmentations
from course_utils.widgets.base.alone import in_base64
from course_utils.widgets.base.errors import WidgetError
from course_utils.widgets.base.widget import CourseWidget
from course_utils.widgets.convolution_explorer.widget import ConvolutionExplorer
from course_utils.widgets.cross_entropy.widget import CrossEntropy
from course_utils.widgets.embedding_map.widget import EmbeddingMap
from course_utils.widgets.layer_groups.widget import LayerGroups
from course_utils.widgets.layer_pipeline.widget import LayerPipeline
from course_utils.widgets.learning_rate_finder.widget import LearningRateFinder
from course_utils.widgets.learning_rate_schedule.widget import LearningRateSchedule
from course_utils.widgets.max_pooling.widget import MaxPooling
from course_utils.widgets.prediction_browser.widget import PredictionBrowser
from course_utils.widgets.softmax_sigmoid.widget import SoftmaxSigmoid
from course_utils.widgets.threshold_explorer.widget import ThresholdExplorer

WIDGETS: tuple[type[CourseWidget], ...] = (
    LearningRateFinder,
    LearningRateSchedule,
    LayerGroups,
    Augmentations,
    PredictionBrowser,
    ActivationFunctions,
    SoftmaxSigmoid,
    CrossEntropy,
    ThresholdExplorer,
    EmbeddingMap,
    ConvolutionExplorer,
    MaxPooling,
    LayerPipeline,
)

_INDEX = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Widgets of the course</title>
<meta name="color-scheme" content="light dark">
<style>
body {{ margin: 24px auto; max-width: 1400px; padding: 0 16px; font: 17px/1.45 system-ui, sans-serif; }}
ul {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 380px), 1fr)); gap: 24px; }}
ul {{ list-style: none; padding: 0; }}
a {{ display: block; padding: 12px; border: 1px solid #777; border-radius: 8px; height: 100%; box-sizing: border-box; }}
a {{ color: inherit; text-decoration: none; }}
a:hover {{ border-color: #1976d2; }}
a:focus-visible {{ outline: 3px solid #0050b5; outline-offset: 2px; box-shadow: 0 0 0 7px #fff; }}
h2 {{ font-size: 20px; margin: 0 0 6px; text-decoration: underline; }}
p {{ margin: 0 0 10px; }}
img {{ width: 100%; height: 240px; object-fit: contain; background: #fff; border-radius: 4px; }}
</style>
</head>
<body>
<main>
<h1>Widgets of the course</h1>
<p>Each page moves in any browser, without Python and without a network.</p>
<ul>
{entries}
</ul>
</main>
</body>
</html>
"""


def export_widgets(folder: str | os.PathLike[str]) -> Path:
    """Write every widget as a page of its own into a folder, with a page that leads to them; give the path of that, index.html.

    They show what the lessons show, and need no Python, server or network (see `save_html`). The folder is made where it is
    missing. Raises WidgetError where one of the pages is there already, and then nothing is written.
    """
    target = as_path("folder", folder)
    pages = [target / f"{file_name(widget)}.html" for widget in WIDGETS]
    index = target / "index.html"
    with writing(target):
        there = [path.name for path in (*pages, index) if os.path.lexists(path)]
        if there:
            raise WidgetError(f"{target} has {', '.join(there)} already; nothing was written. Name an empty or a new folder")
        target.mkdir(parents=True, exist_ok=True)
    entries = []
    for one in exhibits():
        with replacing(target / one.file) as beside:
            beside.write_text(one.page, encoding="utf-8")
        picture = f'<img src="data:image/webp;base64,{in_base64(one.still)}" alt="" loading="lazy">'
        entries.append(
            f'<li><a href="{one.file}"><h2>{html.escape(one.title)}</h2><p>{html.escape(one.says)}</p>{picture}</a></li>'
        )
    with replacing(index) as beside:
        beside.write_text(_INDEX.format(entries="\n".join(entries)), encoding="utf-8")
    return index


class Exhibit(NamedTuple):
    """A widget as `example` makes it: its file, its title, what it shows, its page, and a picture of it, 480 pixels wide."""

    file: str
    title: str
    says: str
    page: str
    still: bytes


def exhibits() -> Iterator[Exhibit]:
    """Give every widget as a page, in the order in which the lessons come to them, one at a time."""
    for kind in WIDGETS:
        widget = kind.example()
        says = (kind.__doc__ or "").splitlines()[0]
        yield Exhibit(f"{file_name(kind)}.html", kind._title, says, widget.html(), widget._draw().webp(480))


def file_name(widget: type[CourseWidget]) -> str:
    """What the page of a widget is called, without .html: the name of its folder here.

    >>> file_name(SoftmaxSigmoid)
    'softmax_sigmoid'
    """
    return widget._module.parent.name
