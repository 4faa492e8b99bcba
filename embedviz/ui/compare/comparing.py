"""What is compared: layers under names, each with the settings its vectors are captured under."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from embedviz.records import Instances
from embedviz.ui.settings import Settings


@dataclass(frozen=True, eq=False)
class Comparing:
    """``rows`` are compared with ``columns``, or with themselves where there are none; names are unique over both.

    ``postprocessing`` is done to all vectors before they are compared and drawn; "" where each has its own.
    """

    rows: Mapping[str, Settings]
    columns: Mapping[str, Settings] = field(default_factory=dict)
    postprocessing: str = "centred"
    alignment: str = "linked"
    #: The two models' names, which stand before those of their layers.
    models: tuple[str, str] | None = None

    @property
    def layers(self) -> dict[str, Settings]:
        """All that is drawn, in the order of its maps: the second model's from its last layer up.

        So the last layers of both stand side by side, and each beside those before it.
        """
        return {**self.rows, **{name: self.columns[name] for name in reversed(list(self.columns))}}

    @property
    def instances(self) -> Instances:
        return next(iter(self.rows.values())).instances

    @cached_property
    def key(self) -> Hashable:
        """What the measures depend on."""
        sides = tuple(
            tuple((name, each.vectors_key, "" if self.postprocessing else each.postprocessing) for name, each in side)
            for side in (self.rows.items(), self.columns.items())
        )
        return ("comparison", sides, self.postprocessing, self.instances.labels)

    @property
    def maps_key(self) -> Hashable:
        return ("aligned", self.key, self.alignment)
