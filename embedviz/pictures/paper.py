"""A sheet of paper that is filled from the top, block by block, in millimetres; and how it becomes a file."""

from __future__ import annotations

import io
import logging
import textwrap
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from embedviz.figures.colours import THEMES
from embedviz.figures.words import plain

#: The light theme: paper is white.
LOOK = THEMES["light"]
#: Millimetres: the width that journals give a wide figure, the margin, and an inch.
WIDTH, MARGIN, INCH = 160.0, 2.0, 25.4
#: Points of type, millimetres of a line of small type, and points that a screen's pixel becomes.
LARGE, NORMAL, SMALL, LINE, PIXEL = 9.0, 8.0, 7.0, 3.4, 0.65
#: Fonts for scripts that matplotlib's own font does not have, where one of them is installed.
_OTHERS = (
    "Noto Sans", "Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans Arabic", "Noto Sans Hebrew", "Noto Sans Devanagari",
    "Noto Sans Thai", "Noto Emoji", "WenQuanYi Zen Hei", "Droid Sans Fallback", "Arial Unicode MS", "PingFang SC",
    "Hiragino Sans", "Microsoft YaHei", "Yu Gothic", "Malgun Gothic", "Segoe UI", "FreeSans",
)  # fmt: skip


@dataclass
class Sheet:
    """What is on the paper so far. ``height`` is what of it is used, in millimetres."""

    width: float = WIDTH
    height: float = MARGIN
    _axes: list[tuple[tuple[float, float, float, float], Any]] = field(default_factory=list)
    _texts: list[tuple[float, float, str, dict[str, Any]]] = field(default_factory=list)

    def area(self, left: float, width: float, height: float, draw: Any, down: float = 0.0) -> None:
        """An area ``down`` below what is used, that ``draw(axes)`` fills; the use of it is counted by ``advance``."""
        self._axes.append(((left, self.height + down, width, height), draw))

    def text(self, text: str, *, left: float = MARGIN, down: float = 0.0, size: float = NORMAL, **more: Any) -> None:
        """A line whose middle is ``down`` below what is used."""
        self._texts.append((left, self.height + down, plain(text), {"size": size, "color": LOOK.ink, **more}))

    def advance(self, height: float) -> None:
        self.height += height

    def caption(self, text: str) -> None:
        """Small lines over the whole width."""
        # A letter of small type is a little wider than half as high.
        letters = int((self.width - 2 * MARGIN) / (0.56 * SMALL * INCH / 72))
        for line in textwrap.wrap(plain(text), letters):
            self.text(line, down=LINE / 2, size=SMALL, color=LOOK.muted)
            self.advance(LINE)

    def figure(self) -> Any:
        """The matplotlib Figure."""
        from matplotlib.figure import Figure

        height = self.height + MARGIN
        figure = Figure(figsize=(self.width / INCH, height / INCH), facecolor=LOOK.background)
        for (left, top, wide, high), draw in self._axes:
            draw(figure.add_axes((left / self.width, 1 - (top + high) / height, wide / self.width, high / height)))
        for left, top, text, style in self._texts:
            figure.text(left / self.width, 1 - top / height, text, va="center", **style)
        return figure


@contextmanager
def drawing() -> Iterator[None]:
    """matplotlib as it comes, whatever the person's own settings are; text stays text, and is never a formula."""
    import matplotlib
    from matplotlib import font_manager

    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
    installed = {font.name for font in font_manager.fontManager.ttflist}
    settings = {
        "font.family": ["DejaVu Sans", *(name for name in _OTHERS if name in installed)],
        "text.parse_math": False,
        "text.usetex": False,
        "svg.fonttype": "none",
        "svg.hashsalt": "embedviz",
        "pdf.fonttype": 42,
        "axes.unicode_minus": False,
    }
    with matplotlib.rc_context(), warnings.catch_warnings():
        # A letter that no font has is drawn as a box, which needs no line in a log.
        warnings.filterwarnings("ignore", message=r"(?s)Glyph .* missing from")
        warnings.filterwarnings("ignore", message=r"(?s)Matplotlib currently does not support .* natively")
        matplotlib.rcParams.update({**matplotlib.rcParamsDefault, **settings, "backend": "agg"})
        yield


def as_bytes(sheet: Sheet, kind: str, dpi: int) -> bytes:
    """The sheet as a file of ``kind`` "png", "svg" or "pdf"; the same sheet gives the same bytes."""
    dates: dict[str, dict[str, Any]] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {"Software": None}}
    written = io.BytesIO()
    sheet.figure().savefig(written, format=kind, dpi=dpi, metadata=dates[kind])
    return written.getvalue()
