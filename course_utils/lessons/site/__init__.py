"""The lessons as pages that one browses with no server, no network and no Python, or puts on any web space."""

from course_utils.lessons.site.write import write_site

__all__ = ["write_site"]
