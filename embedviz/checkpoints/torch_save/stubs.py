"""What stands in a pickle's values for the classes, functions and objects that are never made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Global:
    """The name of a class or function. It is never looked up."""

    __slots__ = ("module", "name")

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name

    @property
    def path(self) -> str:
        return f"{self.module}.{self.name}"

    def __repr__(self) -> str:
        return f"<Global {self.path}>"


class Stub:
    """An object that was not made: the class or function, what it was called with, and what was put into it."""

    __slots__ = ("args", "elements", "function", "kwargs", "pairs", "state")

    def __init__(self, function: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None) -> None:
        self.function, self.args, self.kwargs = function, args, kwargs or {}
        self.state: Any = None
        self.pairs: dict[Any, Any] | None = None
        self.elements: list[Any] | None = None

    @property
    def module(self) -> str:
        return self.function.module if isinstance(self.function, Global) else ""

    @property
    def name(self) -> str:
        return self.function.name if isinstance(self.function, Global) else ""

    @property
    def path(self) -> str:
        return self.function.path if isinstance(self.function, Global) else ""

    @property
    def attributes(self) -> dict[str, Any]:
        """The instance's attributes: its ``__dict__`` and its slots."""
        states = self.state if isinstance(self.state, tuple) and len(self.state) == 2 else (self.state,)
        return {
            name: value
            for state in states
            if isinstance(state, dict)
            for name, value in state.items()
            if isinstance(name, str)
        }

    def __repr__(self) -> str:
        return f"<Stub {self.path or 'of a call'}>"
