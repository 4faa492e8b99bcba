"""Numbers and texts as a story's sentences say them."""

from __future__ import annotations

from collections.abc import Sequence

from embedviz.figures.words import shorten


def cosine(value: float) -> str:
    """ "0.71"; adding zero turns "-0.00" into "0.00"."""
    return f"{round(float(value), 2) + 0.0:.2f}"


def share(value: float) -> str:
    return f"{value:.0%}"


def quote(text: str) -> str:
    return f"“{shorten(text, 70)}”"


def count(number: int, noun: str) -> str:
    """ "1 instance", "240 instances"."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def each_of(sizes: Sequence[int], kinds: str) -> str:
    """ "8 kinds, 30 of each", "3 kinds, from 12 to 40 of each"."""
    many = f"{min(sizes):,}" if min(sizes) == max(sizes) else f"from {min(sizes):,} to {max(sizes):,}"
    return f"{len(sizes):,} {kinds}, {many} of each"


def about(number: float) -> str:
    """A count that need not be a whole one: "29", "fewer than 1"."""
    return "fewer than 1" if number < 0.5 else f"{number:,.0f}"
