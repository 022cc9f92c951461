"""Code in colour."""

from html import escape


def code_block(source: str, language: str = "python") -> str:
    """Give code as HTML whose kinds of words are marked by Pygments' short class names; as plain text in no language known.

    >>> code_block("x = 1  # one")
    '<pre class="code"><code><span class="n">x</span> <span class="o">=</span> ...<span class="c1"># one</span></code></pre>\\n'
    """
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    source = source.strip("\n")
    try:
        lexer = get_lexer_by_name(language, stripnl=False)
    except ClassNotFound:
        return f'<pre class="code"><code>{escape(source, quote=False)}</code></pre>\n'
    coloured = highlight(source, lexer, HtmlFormatter(nowrap=True)).rstrip("\n")
    return f'<pre class="code"><code>{coloured}</code></pre>\n'
