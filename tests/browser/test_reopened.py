"""A notebook opened again with no cell run, one whose pictures are kept as VS Code keeps them, and one to which slides lead."""

import json

import nbformat
import numpy as np
import pytest

from course_utils.lessons.slides import deck
from course_utils.widgets import ConvolutionExplorer
from course_utils.widgets.base.numbers import plain_number
from tests.browser.conftest import ROOT
from tests.browser.waiting import PATIENCE

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CELL = (
    "import numpy as np\nfrom course_utils.widgets import ConvolutionExplorer\n\nConvolutionExplorer(np.eye(7), ['top edge'])"
)


def test_its_widgets_are_alive(jupyterlab):
    page = jupyterlab.page
    path = jupyterlab.write_notebook("again.ipynb", CELL)
    jupyterlab.open_notebook("again.ipynb")
    page.locator(".course-explorer").wait_for()
    page.get_by_role("button", name="step on").click()
    jupyterlab.command("docmanager:save")
    assert "widgets" in json.loads(path.read_text())["metadata"]
    page.evaluate("window.jupyterapp.serviceManager.sessions.shutdownAll()")
    jupyterlab.complaints.clear()
    jupyterlab.open_notebook("again.ipynb", run=False)
    words = page.locator(".course-explorer .course-words")
    words.filter(has_text="Row 1, column 2:").wait_for()
    page.get_by_role("group", name="Stride").get_by_role("button", name="2").click()
    page.get_by_role("button", name="step on").click()
    page.get_by_role("button", name="step on").click()
    explorer = ConvolutionExplorer(np.eye(7), ["top edge"], stride=2)
    words.filter(has_text=f"the output is {plain_number(explorer.output[0, 1, 0])}.").wait_for()
    page.get_by_role("button", name="Export to Excel").click()
    page.wait_for_function("/^\\s*(Writing…|Python has stopped)/.test(document.querySelector('.course-exported').innerText)")
    assert jupyterlab.outside == []
    assert jupyterlab.complaints == []


def test_speaker_notes_stay_folded_when_a_lesson_is_run_and_saved(jupyterlab):
    path = jupyterlab.write_notebook("notes.ipynb", "1 + 1")
    lesson = nbformat.read(ROOT / "notebooks" / "00_start_here.ipynb", as_version=4)
    noted = [cell for cell in lesson.cells if "notes" in cell.metadata.get("tags", [])]
    notebook = nbformat.read(path, as_version=4)
    notebook.cells = [notebook.cells[0], *noted, nbformat.v4.new_code_cell("2 + 2")]
    nbformat.write(notebook, path)
    jupyterlab.open_notebook("notes.ipynb")
    jupyterlab.page.get_by_text("4", exact=True).wait_for()
    jupyterlab.command("docmanager:save")
    saved = nbformat.read(path, as_version=4)
    assert saved.cells[-1].outputs
    assert [cell.metadata for cell in saved.cells[1:-1]] == [cell.metadata for cell in noted]


AS_IN_VS_CODE = """() => new MutationObserver(() => {
  for (const image of document.querySelectorAll('img[src^="data:image/png"]')) {
    const bytes = Uint8Array.from(atob(image.src.split(",")[1]), (one) => one.charCodeAt(0));
    image.src = URL.createObjectURL(new Blob([bytes], { type: "image/png" }));
  }
}).observe(document.body, { childList: true, subtree: true })"""

TWO_PICTURES = (
    "import numpy as np\nfrom IPython.display import Image, display\nfrom course_utils.widgets import ConvolutionExplorer\n\n"
    "display(Image(ConvolutionExplorer(np.eye(6)).picture()))\nConvolutionExplorer(np.eye(7), ['top edge'])"
)
IN_SIGHT = (
    "() => [...document.querySelectorAll('.jp-OutputArea img')].map((one) => [one.src.slice(0, 5), one.checkVisibility()])"
)


@pytest.mark.thorough
def test_a_picture_behind_an_address_is_hidden_where_its_widget_lives_and_no_other_is(jupyterlab):
    page = jupyterlab.page
    jupyterlab.write_notebook("addresses.ipynb", TWO_PICTURES)
    jupyterlab.open_notebook("addresses.ipynb", run=False)
    page.evaluate(AS_IN_VS_CODE)
    jupyterlab.command("notebook:run-all-cells")
    page.locator(".course-explorer").wait_for()
    page.wait_for_function(f"({IN_SIGHT})().flat().includes(false)")
    assert page.evaluate(IN_SIGHT) == [["blob:", True], ["blob:", False]]
    assert jupyterlab.complaints == []


STARTED = "window.jupyterapp?.shell.currentWidget?.context?.sessionContext?.isReady"
IN_VIEW = """source => {
  const cells = window.jupyterapp?.shell.currentWidget?.content?.widgets ?? [];
  const box = cells.find((one) => one.model.sharedModel.source === source)?.node.getBoundingClientRect();
  return box?.height > 0 && box.top < innerHeight && box.bottom > 0;
}"""


def test_a_slide_leads_to_its_cell_in_a_tab_that_stays(jupyterlab, tmp_path):
    path = jupyterlab.write_notebook("slides.ipynb", *(f"{number}\n" * 12 + f"print({number})" for number in range(40)))
    first, second = f"{10}\n" * 12 + "print(10)", f"{30}\n" * 12 + "print(30)"
    port = int(jupyterlab.url.rpartition(":")[2])
    (tmp_path / "deck.html").write_text(deck(path, lab=path.name, port=port), encoding="utf-8")
    context = jupyterlab.page.context
    context.request.get(f"http://localhost:{port}/lab?token={jupyterlab.token}")  # the deck's name for this machine
    show = context.new_page()
    show.goto((tmp_path / "deck.html").as_uri())
    show.wait_for_function("document.documentElement.dataset.ready === 'true'")
    go = "text => Reveal.slide(0, Reveal.getSlides().findIndex((one) => one.textContent.includes(text)))"
    show.evaluate(go, "print(10)")
    with context.expect_page() as opening:
        show.keyboard.press("j")
    tab = opening.value
    tab.wait_for_function(STARTED, timeout=PATIENCE * 3000)
    show.keyboard.press("j")  # where it started slowly the deck asks no more: one presses again
    tab.wait_for_function(IN_VIEW, arg=first)
    tab.evaluate("window.unsaved = true")
    show.evaluate(go, "print(30)")
    pages = len(context.pages)
    show.locator("section.present > section.present footer a").click()
    tab.wait_for_function(IN_VIEW, arg=second)
    assert tab.evaluate("window.unsaved")
    assert len(context.pages) == pages
    show.close()
    tab.close()
