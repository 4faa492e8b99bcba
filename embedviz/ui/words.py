"""Texts from checkpoints and data, made safe for Markdown."""

from __future__ import annotations

import re

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~$:])")


def escape(text: object) -> str:
    """``text`` so that Markdown shows it as it is: no links, pictures, colours or formulas out of somebody's file."""
    return escape_inline(" ".join(str(text).split()))


def prose(text: object) -> str:
    """As ``escape``, but what stands between backticks is shown as code."""
    parts = " ".join(str(text).split()).split("`")
    if len(parts) % 2 == 0:
        return escape(text)
    return "".join(f"`{part}`" if place % 2 and part else escape_inline(part) for place, part in enumerate(parts))


def escape_inline(text: str) -> str:
    """``text`` with a backslash before each of Markdown's marks, its spaces as they are."""
    return _SPECIAL.sub(r"\\\1", text)


def shorten(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1].rstrip() + "…"


def seconds(value: float) -> str:
    """About so long: "1 s", "2 min"."""
    return f"{max(1, round(value))} s" if value < 90 else f"{round(value / 60)} min"


def size(value: float) -> str:
    """So many bytes: "400 kB", "40 MB"."""
    return f"{max(1, round(value / 1e3))} kB" if value < 1e6 else f"{value / 1e6:,.0f} MB"


def count(number: int, noun: str) -> str:
    """ "1 instance", "240 instances"."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def part(path: str) -> str:
    """Which vectors of a module a layer's path means: "Its output", "What it is given", "Head 3"."""
    before, _, name = path.partition(":")
    call = before.partition("#")[2]
    told = "the mean of all calls" if call == "mean" else f"call {call}" if call else ""
    whole, _, head = name.rpartition("head") if name.rpartition(":")[2].startswith("head") else (name, "", "")
    whole = whole.rstrip(":")
    if not whole:
        said = "Its output"
    elif whole == "input":
        said = "What it is given"
    elif whole.startswith("input."):
        said = f"What it is given as {whole.removeprefix('input.')}"
    else:
        said = f"{whole} of its output"
    return ", ".join(each for each in (said, f"head {head}" if head else "", told) if each)


def file_name(title: str) -> str:
    """A name for a file, of letters, digits and hyphens."""
    return "-".join(re.findall(r"[^\W_]+", title.lower()))[:60] or "story"
