"""A lesson as slides: one file that needs no network, in which the widgets live."""

from course_utils.lessons.slides.page import deck, handout
from course_utils.lessons.slides.printing import print_pdf
from course_utils.lessons.slides.writing import write_slides

__all__ = ["deck", "handout", "print_pdf", "write_slides"]
