"""What a person has made on the Present page: a story of their own, and what was last tried."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from embedviz.errors import InstancesError
from embedviz.stories import Step, Story
from embedviz.stories.story import MOST_STEPS

T = TypeVar("T")
#: What a story of one's own is called until it has a title.
UNTITLED = "My story"


@dataclass
class Presenting:
    """``own`` is the person's story, and ``numbers`` tell its steps apart, whatever their order.

    ``use_own``: it is presented, and not the one made of the sidebar's settings. ``answer`` is what the model said to
    the sentence that was last tried. ``file`` is the upload that was last opened, so that it is opened once.
    """

    own: Story = field(default_factory=lambda: Story(UNTITLED))
    numbers: tuple[int, ...] = ()
    use_own: bool = False
    answer: dict[str, Any] | None = None
    file: str = ""
    #: What was made of the last story, by what it is for: see ``of_story``.
    prepared: dict[str, tuple[Story, Any]] = field(default_factory=dict)
    _last: int = 0

    def of_story(self, what: str, story: Story, make: Callable[[Story], T]) -> T:
        """What ``make`` makes of a story, kept until it is asked for another story."""
        found = self.prepared.get(what)
        if found is None or found[0] is not story:
            found = self.prepared[what] = (story, make(story))
        made: T = found[1]
        return made

    def open(self, story: Story) -> None:
        """Take over a whole story."""
        self.own, self.use_own = story, len(story) > 0
        self.numbers = tuple(self._number() for _ in story.steps)

    def add(self, step: Step) -> int:
        """Add a step at the end, and turn to one's own story; how many steps it has now."""
        if len(self.own) >= MOST_STEPS:
            raise InstancesError(
                "A story has so many steps at most", value=MOST_STEPS, remedy="Remove one on the Present page first."
            )
        self.own, self.use_own = replace(self.own, steps=(*self.own.steps, step)), True
        self.numbers = (*self.numbers, self._number())
        return len(self.own)

    def remove(self, number: int) -> None:
        place = self.numbers.index(number)
        self._keep([each for each in range(len(self.own)) if each != place])
        self.use_own = self.use_own and len(self.own) > 0

    def move(self, number: int, by: int) -> None:
        """Change places with the step before (-1) or after (1)."""
        order = list(range(len(self.own)))
        place = self.numbers.index(number)
        other = place + by
        if 0 <= other < len(order):
            order[place], order[other] = order[other], order[place]
        self._keep(order)

    def change(self, number: int, **words: Any) -> None:
        """Put other words into a step."""
        place = self.numbers.index(number)
        steps = list(self.own.steps)
        steps[place] = replace(steps[place], **words)
        self.own = replace(self.own, steps=tuple(steps))

    def _keep(self, order: list[int]) -> None:
        self.own = replace(self.own, steps=tuple(self.own.steps[place] for place in order))
        self.numbers = tuple(self.numbers[place] for place in order)

    def _number(self) -> int:
        self._last += 1
        return self._last
