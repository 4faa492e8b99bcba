"""Fields of a file that anybody may have written: each is what it should be, or the file is refused."""

from __future__ import annotations

import math
from typing import Any

from embedviz.errors import InstancesError


class Fields:
    """An object of the file; ``where`` is what a message calls it."""

    def __init__(self, content: Any, where: str) -> None:
        self.where = where
        if not isinstance(content, dict):
            raise self.damaged("it is no object")
        self.content: dict[str, Any] = content

    def damaged(self, why: str) -> InstancesError:
        """The one error there is, saying where and why."""
        return InstancesError(
            "This story's file is damaged", value=f"{self.where}: {why}", remedy="Ask for the file again."
        )

    def text(self, name: str, most: int) -> str:
        return self._text(self.content.get(name, ""), name, most)

    def texts(self, name: str, count: int, most: int) -> tuple[str, ...]:
        return tuple(self._text(each, name, most) for each in self._list(name, count))

    def labels(self, name: str, count: int, most: int) -> tuple[Any, ...]:
        """Texts, numbers, truth values and None."""
        found = self._list(name, count)
        for each in found:
            if isinstance(each, str):
                self._text(each, name, most)
            elif each is not None:
                self._number(each, name, -1e300, 1e300)
        return tuple(found)

    def whole(self, name: str, low: int, high: int) -> int:
        return self._whole(self.content.get(name), name, low, high)

    def wholes(self, name: str, count: int, low: int, high: int) -> tuple[int, ...]:
        return tuple(self._whole(each, name, low, high) for each in self._list(name, count))

    def number(self, name: str, low: float, high: float) -> float:
        return self._number(self.content.get(name), name, low, high)

    def numbers(self, name: str, count: int, low: float, high: float) -> tuple[float, ...]:
        return tuple(self._number(each, name, low, high) for each in self._list(name, count))

    def truth(self, name: str) -> bool:
        value = self.content.get(name, False)
        if not isinstance(value, bool):
            raise self.damaged(f"{name} is neither true nor false")
        return value

    def inner(self, name: str) -> Fields:
        return Fields(self.content.get(name), f"{self.where}, {name}")

    def each(self, name: str, count: int) -> list[Fields]:
        return [Fields(each, f"{name} {place}") for place, each in enumerate(self._list(name, count), 1)]

    def _list(self, name: str, count: int) -> list[Any]:
        found = self.content.get(name, [])
        if not isinstance(found, list) or len(found) > count:
            raise self.damaged(f"{name} is no list of {count:,} at most")
        return found

    def _text(self, value: Any, name: str, most: int) -> str:
        if not isinstance(value, str) or len(value) > most:
            raise self.damaged(f"{name} is no text of {most:,} characters at most")
        # JSON can spell half a surrogate pair, which no page and no file can hold.
        return value.encode("utf-8", "replace").decode("utf-8")

    def _whole(self, value: Any, name: str, low: int, high: int) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise self.damaged(f"{name} is no whole number from {low} to {high}")
        return value

    def _number(self, value: Any, name: str, low: float, high: float) -> float:
        if not isinstance(value, int | float) or not low <= value <= high or not math.isfinite(value):
            raise self.damaged(f"{name} is no number from {low:g} to {high:g}")
        return value
