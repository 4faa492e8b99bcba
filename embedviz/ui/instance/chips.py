"""Tokens as a row of chips: what each is stands in its words, the colour only repeats it."""

from __future__ import annotations

from collections.abc import Sequence

from embedviz.errors import printable
from embedviz.records import Token
from embedviz.ui.words import escape_inline

#: More chips than this nobody reads; the table has them all.
MOST = 100


def chips(tokens: Sequence[Token], text: str) -> str:
    """Markdown of the first tokens of ``text``."""
    shown = " ".join(_chip(token, text) for token in tokens[:MOST])
    rest = tokens[MOST:]
    cut = sum(token.cut for token in rest)
    more = f"{len(rest):,} more" + (f", {cut:,} of them cut off" if cut else "")
    return f"{shown} and {more}" if rest else shown or "no token"


def _chip(token: Token, text: str) -> str:
    colour, said = look(token, text)
    words = " · ".join(escape_inline(each) for each in (visible(token.text), said) if each)
    return f":{colour}-badge[{words}]"


def look(token: Token, text: str = "") -> tuple[str, str]:
    """The colour of a token, and what is to be said of it; "" of an ordinary one."""
    letters = f" “{visible(text[slice(*token.span)])}”" if token.span and token.unknown and text else ""
    if token.cut:
        return "violet", "cut off"
    if token.out_of_range:
        return "red", f"{token.id:,} out of range"
    if token.unknown:
        return "orange", f"unknown{letters}"
    return ("gray", "special") if token.special else ("blue", "")


def visible(text: str) -> str:
    """``text`` with spaces that can be seen, and none of the letters that act on a page."""
    return printable(text.replace(" ", "␣"), 40) or "∅"
