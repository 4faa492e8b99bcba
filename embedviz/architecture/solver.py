"""Sizes from shapes, for any architecture: change one field at a time and see which shapes follow."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from embedviz.architecture.blueprint import Blueprint, Path, Shapes
from embedviz.architecture.catalogue import pattern
from embedviz.architecture.changes import Place, candidates, changed, differ, group_of, indices

Settings = dict[Path, Any]

_HEADS = re.compile(r"(^|_)(n_?heads?|heads|num_head|nhead)(_|$)|attention_heads|num_heads")
_MANY = re.compile(r"layers?$|n_layer|depth|blocks$|experts$")
_MAX_LAYERS = 2_000
_POLISHED, _STEPS = 4, 5
_MOST_SHIFTED = 9


@dataclass
class Solution:
    """Settings by path.

    ``free`` are the fields that no shape depends on, ``unknown`` the numbers of heads that no shape tells. ``wrong``
    counts the tensors of the model that the file lacks or has in another shape.
    """

    settings: Settings
    free: list[Path] = field(default_factory=list)
    unknown: list[Path] = field(default_factory=list)
    wrong: int = 0


def solve(blueprint: Blueprint, body: Shapes, fixed: Settings, heads: Callable[[Path], int]) -> Solution:
    """Settings under which the model has the shapes of ``body`` (names without prefix), ``fixed`` ones kept.

    ``heads(path)`` proposes a number of heads where shapes leave it open (0: no idea). Options that change shapes
    and not names ("basic" and "bottleneck" layers) are tried where the first solution is not exact.
    """
    best = _Solver(blueprint, body, fixed, heads).run()
    for path, value in blueprint.choices():
        if not best.wrong:
            break
        if path not in fixed:
            best = min(
                best, _Solver(blueprint, body, {**fixed, path: value}, heads).run(), key=lambda found: found.wrong
            )
    return best


def is_heads(path: Path) -> bool:
    """Whether a field counts the query heads of an attention."""
    name = next(str(part) for part in reversed(path) if isinstance(part, str))
    return bool(_HEADS.search(name)) and not re.search(r"key_value|kv|dim|size|head_type|index|linear|latent", name)


class _Solver:
    def __init__(self, blueprint: Blueprint, body: Shapes, fixed: Settings, heads: Callable[[Path], int]) -> None:
        self.blueprint, self.body, self.fixed, self.heads = blueprint, body, fixed, heads
        self.settings: Settings = {}
        self.fields = [path for path in blueprint.fields() if path not in fixed]
        self.counts: dict[Path, str] = {}
        self.small: list[Path] = []
        self.shifting: list[Path] = []
        self.unknown: list[Path] = [path for path in fixed if is_heads(path)]

    def run(self) -> Solution:
        self.settings.update({path: value for path, value in self.fixed.items() if not is_heads(path)})
        if self.blueprint.shapes(self.settings) is None:
            self.settings = {}
        self._start_small()
        self._switch()
        counted = self._count()
        shifted = self._shift(counted)
        self._settle(counted)
        free = self._dimension()
        self.settings = {**self.settings, **counted, **shifted, **self.fixed}
        self._divide()
        self._polish()
        return Solution(dict(self.settings), free, self.unknown, self._wrong(self.settings))

    def _divide(self) -> None:
        """Where shapes are still wrong, a number of heads that does not divide the width may be why."""
        for path in self.unknown:
            if path not in self.fixed and self._wrong(self.settings):
                trials = [self.settings, *({**self.settings, path: count} for count in (12, 8, 6, 4, 3, 2, 1))]
                self.settings = min(trials, key=self._wrong)

    def _polish(self) -> None:
        """Fit what is still wrong once more, now that every layer is there."""
        for _ in range(_POLISHED):
            wrong, shapes = self._wrong(self.settings), self.blueprint.shapes(self.settings)
            if not wrong or shapes is None:
                return
            off = ((name, axis) for name, shape in shapes.items() for axis in differ(shape, self.body.get(name, shape)))
            place = next(off, None)
            if place is None:
                return
            path = min(self.fields, key=lambda path: self._gain(path, place), default=None)
            if path is None or self._gain(path, place) >= wrong:
                return
            self._fit(path, place)

    # -- which tensors there are

    def _switch(self) -> None:
        """Turn each option that makes the names fit better."""
        best = self._misfit(self.settings)
        if not best:
            return
        for path, value in self.blueprint.switches():
            if path in self.fixed:
                continue
            trial = {**self.settings, path: value}
            misfit = self._misfit(trial)
            if misfit < best:
                self.settings, best = trial, misfit
            if not best:
                return

    def _misfit(self, settings: Settings) -> float:
        """How many name patterns are in one of model and file only."""
        shapes = self.blueprint.shapes(settings)
        if shapes is None:
            return math.inf
        present = {pattern(key) for key in self.body}
        wanted = {pattern(key) for key in shapes}
        return len((present ^ wanted) - self.blueprint.family.optional)

    # -- how many layers

    def _count(self) -> Settings:
        """The fields that count layers, stages or experts, with the file's numbers."""
        base = self.blueprint.shapes(self.settings)
        found: Settings = {}
        if base is None:
            return found
        for path in self.fields:
            old = self.blueprint.value(path, self.settings)
            if not isinstance(old, int) or old > _MAX_LAYERS or is_heads(path):
                continue
            for new in (old + 1, old + 2, old * 2, old - 1):
                more = self.blueprint.shapes({**self.settings, path: new}) if new > 0 else None
                if more is None:
                    continue
                group = group_of(base, more) if new > old else group_of(more, base)
                if not group and more.keys() != base.keys():
                    self.shifting.append(path)
                if group:
                    slope = (indices(more, group) - indices(base, group)) / (new - old)
                    wanted = old + (indices(self.body, group) - indices(base, group)) / (slope or 1)
                    if wanted == int(wanted) and wanted >= 0 and indices(self.body, group):
                        found[path] = int(wanted)
                        self.counts[path] = group
                break
        return self._together(found)

    def _shift(self, counted: Settings) -> Settings:
        """The fields that say which layers are of which kind ("the first two are dense"), by trying a few values."""
        full = {path: value for path, value in self.settings.items() if path not in self.small}
        full.update(counted)
        kept: Settings = {}
        for path in self.shifting if self._strangers(full) else ():
            now = self.blueprint.value(path, full)
            best = min((now, *range(_MOST_SHIFTED)), key=lambda value: self._strangers({**full, **kept, path: value}))
            if best != now:
                kept[path] = best
        return kept

    def _strangers(self, settings: Settings) -> float:
        """How many names are in one of model and file only."""
        shapes = self.blueprint.shapes(settings)
        return math.inf if shapes is None else len(shapes.keys() ^ self.body.keys())

    def _together(self, found: Settings) -> Settings:
        """Counts are checked in one build; where two fields move one group, only the first is kept."""
        kept: Settings = {}
        groups: set[str] = set()
        for path, value in found.items():
            if self.counts[path] not in groups:
                kept[path] = value
                groups.add(self.counts[path])
        return kept

    def _start_small(self) -> None:
        """Begin with few layers and experts where that still shows every kind of tensor; it builds faster."""
        every = self._patterns(self.settings)
        for path in self.fields:
            name = next(str(part) for part in reversed(path) if isinstance(part, str))
            value = self.blueprint.value(path, self.settings)
            if not _MANY.search(name) or not isinstance(value, int) or is_heads(path):
                continue
            for few in (2, 4, 6):
                trial = {**self.settings, path: few}
                if value > few and self._patterns(trial) == every:
                    self.settings = trial
                    self.small.append(path)
                    break

    def _patterns(self, settings: Settings) -> frozenset[str]:
        return frozenset(map(pattern, self.blueprint.shapes(settings) or ()))

    def _settle(self, counted: Settings) -> None:
        """Stay small while sizes are solved, if that is possible; else take the counts that were found."""
        for path in self.small:
            if path not in counted:
                del self.settings[path]
        small = {**self.settings, **{path: min(2, value) for path, value in counted.items() if path not in self.small}}
        if self._patterns(small) == self._patterns({**self.settings, **counted}):
            self.settings = small
        elif self.blueprint.shapes({**self.settings, **counted}) is not None:
            self.settings.update(counted)
        self.fields = [path for path in self.fields if path not in counted]

    # -- how large

    def _dimension(self) -> list[Path]:
        """Solve the sizes one after another; returns the fields that nothing in the file depends on."""
        moved = {path: self._moves(path) for path in self.fields}
        free = [path for path, places in moved.items() if not places]
        open_fields = [path for path in self.fields if moved[path]]
        self.unknown += [path for path in free if is_heads(path)]
        self._propose()
        while open_fields:
            path, place = self._next(open_fields, moved)
            open_fields.remove(path)
            if place is not None:
                self._fit(path, place)
            elif is_heads(path):
                free.append(path)
                self.unknown.append(path)
            self._propose()
        return free

    def _next(self, open_fields: list[Path], moved: Mapping[Path, set[Place]]) -> tuple[Path, Place | None]:
        """A field that alone moves some number of the file; else the heads (they are proposed); else the best."""
        for path in open_fields:
            others = set().union(*(moved[other] for other in open_fields if other != path))
            place = self._telling(moved[path] - others)
            if place:
                return path, place
        for path in open_fields:
            if is_heads(path):
                return path, None
        places = {path: self._telling(moved[path]) for path in open_fields}
        return min(places.items(), key=lambda item: self._gain(*item))

    def _telling(self, places: set[Place]) -> Place | None:
        """Of these the first number that the file has, rather one that is still wrong."""
        now = self.blueprint.shapes(self.settings) or {}
        held = [place for place in places if len(self.body.get(place[0], ())) > place[1] and place[0] in now]
        return min(
            held, key=lambda place: (now[place[0]][place[1]] == self.body[place[0]][place[1]], place), default=None
        )

    def _gain(self, path: Path, place: Place | None) -> int:
        """How many shapes would be wrong after fitting this field; the settings stay as they are."""
        if place is None:
            return len(self.body) + 1
        kept = self.settings
        try:
            self._fit(path, place)
            return self._wrong(self.settings)
        finally:
            self.settings = kept

    def _moves(self, path: Path) -> set[Place]:
        """The numbers of the shapes that change with a field."""
        base = self.blueprint.shapes(self.settings)
        probe = self._probe(path)
        return set(changed(base, probe[1])) if base is not None and probe else set()

    def _probe(self, path: Path) -> tuple[Any, Shapes] | None:
        """Another value of a field that transformers accepts, with the shapes under it."""
        old = self.blueprint.value(path, self.settings)
        tries: Iterable[Any] = (old * 2, old + 1, old + 2, old * 3, old // 2) if old else (1, 2, 8)
        for new in tries:
            shapes = self.blueprint.shapes({**self.settings, path: new}) if new > 0 and new != old else None
            if shapes is not None:
                return new, shapes
        return None

    def _fit(self, path: Path, place: Place) -> None:
        """Set a field so that one number of the model's shapes is the file's."""
        name, axis = place
        target = self.body[name]
        for _ in range(_STEPS):
            base, probe = self.blueprint.shapes(self.settings), self._probe(path)
            if base is None or probe is None or len(target) <= axis or name not in base or name not in probe[1]:
                return
            old, now = self.blueprint.value(path, self.settings), base[name][axis]
            if now == target[axis]:
                self.settings = {**self.settings, path: old}
                return
            values = candidates(old, now, probe[0], probe[1][name][axis], target[axis])
            trials = [trial for value in values if (trial := self._possible(path, value)) is not None]
            if not trials:
                return
            self.settings = min(
                trials, key=lambda trial: abs((self.blueprint.shapes(trial) or base)[name][axis] - target[axis])
            )

    def _possible(self, path: Path, value: Any) -> Settings | None:
        """Settings with this value that can be built: numbers of heads in its way, if unknown, are changed."""
        trial = {**self.settings, path: value}
        others = [other for other in self.fields if is_heads(other) and other not in self.fixed and other != path]
        proposed = {other: count for other in self.unknown if other != path and (count := self._heads(other))}
        for bend in (proposed, {}, *(dict.fromkeys(others, count) for count in (12, 8, 6, 4, 3, 2, 1))):
            if self.blueprint.shapes({**trial, **bend}) is not None:
                return {**trial, **bend}
        return None

    def _heads(self, path: Path) -> int:
        return int(self.fixed.get(path) or self.heads(path))

    def _propose(self) -> None:
        """Give the fields that count heads, and that no shape tells, the number that the weights suggest."""
        for path in self.unknown:
            value = self._heads(path)
            trial = {**self.settings, path: value}
            if value and self.settings.get(path) != value and self.blueprint.shapes(trial) is not None:
                self.settings = trial

    def _wrong(self, settings: Settings) -> int:
        """How many tensors of the model are not in the file or have another shape there."""
        shapes = self.blueprint.shapes(settings)
        if shapes is None:
            return len(self.body) + 1
        optional = self.blueprint.family.optional
        return sum(
            self.body[name] != shape if name in self.body else pattern(name) not in optional
            for name, shape in shapes.items()
        )
