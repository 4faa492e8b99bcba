"""Other people's text, made safe and short enough to stand in a picture."""

from __future__ import annotations

import html
import textwrap
import unicodedata
from functools import lru_cache
from typing import Any

#: Line breaks and marks that would turn the direction of what follows.
_TURNS = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def plain(value: Any) -> str:
    """One line of printable text: spaces in place of line ends and control characters, lone surrogates replaced."""
    text = "".join(
        "\ufffd" if unicodedata.category(mark) == "Cs" else " " if unicodedata.category(mark) == "Cc" else mark
        for mark in str(value)
        if mark not in _TURNS
    )
    return " ".join(text.split())


def shorten(value: Any, width: int) -> str:
    text = plain(value)
    return text if len(text) <= width else text[: width - 1].rstrip() + "…"


def escape(text: str) -> str:
    """Text that plotly draws as it is: no tags, no links, and no ``$…$`` that MathJax would take for a formula."""
    # Plotly knows the entities of < > & and of numbers, not that of the quotation mark, which is harmless here.
    return html.escape(text, quote=False).replace("$", "&#36;")


def wrap(value: Any, width: int = 60, lines: int = 6) -> str:
    """Escaped text of at most ``lines`` lines of ``width`` characters, joined with ``<br>``."""
    # A hover label never needs more than what fits; wrapping a whole book would only take time.
    return _wrapped(str(value)[: 4 * width * lines], width, lines)


@lru_cache(20_000)
def _wrapped(text: str, width: int, lines: int) -> str:
    # The same texts are drawn again with every change of layer or colour.
    rows = textwrap.wrap(plain(text), width, max_lines=lines, placeholder=" …", break_on_hyphens=False)
    return "<br>".join(escape(row) for row in rows)
