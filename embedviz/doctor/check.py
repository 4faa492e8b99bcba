"""A check of the doctor: what is true when it passes, and the function that looks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from embedviz.doctor.case import Case
from embedviz.records import Finding


@dataclass(frozen=True)
class Check:
    """``title`` says what is true when the check passes; ``run`` gives a finding for each thing that is not.

    ``run`` raises Unchecked where it cannot tell.
    """

    title: str
    run: Callable[[Case], Iterable[Finding]]
