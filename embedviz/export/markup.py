"""Other people's text as it may stand in a file of HTML."""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import Any


def safe(value: Any) -> str:
    """``value`` escaped; half a surrogate pair, which no file can hold, is a question mark."""
    return html.escape(str(value).encode("utf-8", "replace").decode())


def short(value: Any, width: int = 90) -> str:
    """One line of at most ``width`` characters."""
    text = " ".join(str(value).split())
    return text if len(text) <= width else f"{text[: width - 1]}…"


def table_row(kind: str, cells: Iterable[Any]) -> str:
    """A row of a table whose cells are of ``kind`` "th" or "td"."""
    return "<tr>" + "".join(f"<{kind}>{safe(cell)}</{kind}>" for cell in cells) + "</tr>"
