"""Names, tokens and texts of other people, made short and printable for a finding."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


#: What to do about a tokenizer that is not the model's.
RIGHT_TOKENIZER = (
    "Copy the tokenizer files from the model that these weights were trained from: `tokenizer.save_pretrained(folder)`."
)


def shown(text: object, width: int = 60) -> str:
    """At most ``width`` characters on one line, with a dot in place of each that a terminal might obey."""
    # What is beyond the width is never looked at: a name may be as long as its sender likes.
    start = str(text)[: width + 1]
    safe = "".join("·" if unicodedata.category(mark) in _HIDDEN else mark for mark in start)
    return safe if len(safe) <= width else safe[: width - 1].rstrip() + "…"


def quoted(text: object, width: int = 60) -> str:
    return f"“{shown(text, width)}”"


def listed(names: Iterable[object], count: int = 4) -> str:
    """The first few names: "a, b, c, d and 7 more"."""
    given = list(names)
    more = f" and {len(given) - count:,} more" if len(given) > count else ""
    return ", ".join(shown(name, 80) for name in given[:count]) + more


def plural(number: int, noun: str) -> str:
    """ "1 text", "1,204 texts"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
