"""What a person brought, read."""

from __future__ import annotations

from dataclasses import dataclass

from embedviz.records import Instances


@dataclass(frozen=True)
class Brought:
    """Instances, and what had to be assumed or left out to read them, a sentence each."""

    instances: Instances
    notes: tuple[str, ...] = ()
