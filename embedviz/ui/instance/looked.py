"""What a person looks at on the Instance page; widgets keep copies, this is what counts."""

from __future__ import annotations

from dataclasses import dataclass, field

from embedviz.ui.jobs import Job

#: Sentences that were typed and can be gone back to.
_REMEMBERED = 8


@dataclass
class Looked:
    """``own`` is a text that was typed and is not in the set; without it the page is about the session's focus.

    ``typed`` are the last such texts, the newest first. ``partner`` is the id of the instance it is compared with,
    None for its nearest. ``tokens_of`` are the ids of the instances whose tokens are drawn, empty for a choice of the
    page's own, ``jobs`` what is being made, by what it is for.
    """

    own: str | None = None
    typed: tuple[str, ...] = ()
    partner: str | None = None
    tokens_of: tuple[str, ...] = ()
    jobs: dict[str, Job] = field(default_factory=dict)

    def look_at(self, text: str) -> None:
        self.own, self.partner = text, None
        self.typed = tuple(dict.fromkeys((text, *self.typed)))[:_REMEMBERED]
