"""The one instance that the page is about: its vectors, asked of the model where they are not kept."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from embedviz.records import Embeddings, Instances
from embedviz.ui.captures import capture_items
from embedviz.ui.instance_choice import MINE
from embedviz.ui.jobs import Job
from embedviz.ui.picture import Picture
from embedviz.ui.settings import Settings
from embedviz.ui.state import State
from embedviz.ui.store import store

#: The id of what was typed here and is not in the set.
TYPED = "typed here"


@dataclass(frozen=True, eq=False)
class One:
    """``item`` is what the model is given, ``place`` where it stands in ``picture``'s set; None where it does not."""

    picture: Picture
    item: Any
    place: int | None

    @property
    def settings(self) -> Settings:
        return self.picture.settings

    @property
    def id(self) -> str:
        return TYPED if self.place is None else self.picture.instances.ids[self.place]

    @property
    def text(self) -> str:
        return str(self.item)

    @cached_property
    def instances(self) -> Instances:
        """The set with this one in it."""
        return self.with_it(self.picture.instances)

    def with_it(self, instances: Instances) -> Instances:
        """``instances``, and after them this one where it is not among them."""
        if self.id in instances.ids:
            return instances
        mine = {
            name: (*values, MINE if name == instances.label else None) for name, values in instances.columns.items()
        }
        return replace(instances, items=(*instances.items, self.item), ids=(*instances.ids, self.id), columns=mine)

    def embeddings(self, settings: Settings) -> Embeddings | None:
        """Its own vector, (1, width), under settings of a layer; None while it is not captured."""
        kept: Embeddings | None = store.get(settings.vectors_key)
        if self.id in settings.instances.ids and kept is not None:
            row = slice(place := settings.instances.ids.index(self.id), place + 1)
            tokens, cut = (None if counts is None else counts[row] for counts in (kept.tokens, kept.cut))
            return replace(kept, vectors=kept.vectors[row], ids=(self.id,), labels=None, tokens=tokens, cut=cut)
        found: Embeddings | None = store.get(self._key(settings))
        return found

    def _key(self, settings: Settings) -> Hashable:
        one = Instances((self.item,), (self.id,), modality=settings.instances.modality)
        return ("one", settings.opened.identity, one.fingerprint, settings.layer, settings.pooling, settings.prompt)

    def missing(self, wanted: Mapping[str, Settings]) -> list[Settings]:
        """Those of the layers at which it is not captured yet."""
        return [each for each in wanted.values() if self.embeddings(each) is None]

    def capture(self, wanted: Sequence[Settings], job: Job) -> None:
        """Capture it at these layers, a pass for each pooling."""
        for pooling in dict.fromkeys(each.pooling for each in wanted):
            some = [each for each in wanted if each.pooling == pooling]
            found = capture_items(some[0], (self.item,), [each.layer for each in some], [pooling], job)
            for each in some:
                own = replace(found[each.layer, pooling], ids=(self.id,))
                store.put(self._key(each), own, own.vectors.nbytes + 500)


def one_of(picture: Picture, session: State) -> One | None:
    """What was typed, else what the session is turned to, else the first of the set."""
    looked, instances = session.looked, picture.instances
    if looked.own is not None and instances.modality == "text":
        place = instances.items.index(looked.own) if looked.own in instances.items else None
        return One(picture, looked.own, place)
    if not len(instances):
        return None
    place = instances.ids.index(session.focus) if session.focus in instances.ids else 0
    return One(picture, instances.items[place], place)
