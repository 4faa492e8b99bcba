"""What a person chose in the tokenizer lab; widgets keep copies, this is what counts."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from embedviz.workers.model_worker import Source


@dataclass
class Lab:
    """``other`` names the tokenizer to compare with (see ``other_tokenizer.others``).

    ``upload`` is where a person's own lies, ``files`` which files they gave for it. ``text`` is the one whose tokens
    are listed. ``asked`` is the key of what the button was pressed for, ``shown`` that of what was last shown.
    """

    other: str = "minilm_cased"
    upload: Source | None = None
    files: tuple[str, ...] = ()
    text: str = ""
    asked: Hashable = None
    shown: tuple[Hashable, ...] | None = None
