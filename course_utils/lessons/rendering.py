"""What slides and pages of a lesson share: Markdown as HTML, formulas as MathML, and code in colour."""

import html
from functools import cache
from typing import Any


def markdown_parser() -> Any:
    """A new parser of CommonMark with tables and formulas, to which whoever asks may add rules of their own.

    >>> markdown_parser().render("*Two* costs $5.").strip()
    '<p><em>Two</em> costs $5.</p>'
    """
    from markdown_it import MarkdownIt
    from mdit_py_plugins.dollarmath import dollarmath_plugin

    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    return parser.use(dollarmath_plugin, allow_digits=False, double_inline=True, renderer=_formula)


def highlighted(source: str, language: str = "python") -> str:
    """Code as HTML with Pygments' short class names, each line whole by itself; as it is in a language that is not known.

    >>> highlighted("x = 1")
    '<span class="n">x</span> <span class="o">=</span> <span class="mi">1</span>'
    """
    from pygments import highlight
    from pygments.formatters import HtmlFormatter

    lexer = _lexer(language)
    if lexer is None:
        return html.escape(source, quote=False)
    coloured = highlight(source, lexer, HtmlFormatter(nowrap=True))
    return str(coloured).rstrip("\n").replace(' class="err"', "")


def _formula(latex: str, options: dict[str, Any]) -> str:
    from latex2mathml.converter import convert

    return str(convert(latex, display="block" if options.get("display_mode") else "inline"))


@cache
def _lexer(language: str) -> Any:
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    try:
        return get_lexer_by_name(language or "text", stripnl=False)
    except ClassNotFound:
        return None
