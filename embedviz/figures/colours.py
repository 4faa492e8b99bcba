"""Colours and marker shapes that can be told apart, with and without full colour vision, on light and on dark.

The first eight follow Okabe and Ito's set, in an order that keeps the first few far apart. Its light colours vanish
on white and its black on black, so each theme has its own variant: every colour has a contrast of at least 3 : 1 to its
background. Shapes go with the colours, so that no category depends on colour alone.
"""

from __future__ import annotations

from dataclasses import dataclass

OKABE_ITO = {
    "light": ("#0072B2", "#C24A00", "#009E73", "#9C3F78", "#C68900", "#2B9BE6", "#4A4200", "#222222"),
    "dark": ("#1F83D6", "#DC5F10", "#2FBF96", "#CE62AC", "#EBA51E", "#6CBDF5", "#F5EC50", "#FFFFFF"),
}
FURTHER = {
    "light": ("#332288", "#117733", "#B8505F", "#7A7A1F", "#AA4499", "#2A8577", "#8C564B", "#5C6B7A"),
    "dark": ("#9A8CFF", "#7FD08F", "#F2A0AC", "#CCCC66", "#E6A1DC", "#5FC7B8", "#D2A899", "#A9B8C6"),
}
#: Plotly's flat maps know many shapes, its 3-D scenes these few ("x" is a letter there, which some fonts lack).
SHAPES_2D = (
    "circle", "square", "diamond", "triangle-up", "cross", "star", "triangle-down", "x",
    "hexagon", "pentagon", "star-diamond", "triangle-left", "hourglass", "triangle-right", "bowtie", "star-square",
)  # fmt: skip
SHAPES_3D = ("circle", "square", "diamond", "cross", "circle-open", "square-open", "diamond-open")
#: At one and the same size a star looks small and a square large; this evens them out.
WEIGHTS = {
    "square": 0.92, "triangle-up": 1.15, "cross": 1.1, "star": 1.4, "triangle-down": 1.15, "hexagon": 1.1,
    "pentagon": 1.1, "star-diamond": 1.25, "triangle-left": 1.15, "triangle-right": 1.15, "hourglass": 1.05,
    "bowtie": 1.05, "star-square": 1.25, "circle-open": 0.85, "square-open": 0.85, "diamond-open": 0.85,
}  # fmt: skip


@dataclass(frozen=True)
class Theme:
    """The colours of everything that is not a category.

    ``continuous`` is the part of viridis that can be seen on the background.
    """

    background: str
    ink: str
    muted: str
    line: str
    missing: str
    label_background: str
    sequential: tuple[str, ...]
    diverging: tuple[str, ...]
    continuous: tuple[str, ...]


THEMES = {
    "light": Theme(
        background="#FFFFFF",
        ink="#1F2430",
        muted="#5B6472",
        line="#8A93A0",
        missing="#868C95",
        label_background="#FFFFFF",
        sequential=("#F5F8FB", "#C9DCEC", "#8DB6D8", "#4A88BC", "#1B5C93", "#0B3460"),
        diverging=("#A34700", "#D98A4B", "#F3CDAE", "#F7F7F7", "#B7D3E8", "#5A9BCB", "#0B5A94"),
        continuous=("#440154", "#482475", "#414487", "#355F8D", "#2A788E", "#21918C", "#20A386"),
    ),
    "dark": Theme(
        background="#0E1117",
        ink="#F2F4F8",
        muted="#A9B1BD",
        line="#6E7886",
        missing="#8D95A1",
        label_background="#1C212B",
        sequential=("#141A24", "#173250", "#1D5383", "#3580BB", "#73B4E2", "#D3EAFA"),
        diverging=("#F39A4D", "#B9611B", "#5F3417", "#1B2029", "#173F60", "#2B7FB8", "#7CC3F2"),
        continuous=("#2F6B8E", "#21918C", "#22A884", "#44BF70", "#7AD151", "#BDDF26", "#FDE725"),
    ),
}
#: As many categories as a legend can carry and an eye can tell apart; the rest are drawn together.
MOST_CATEGORIES = 24


def palette(n: int, theme: str = "light") -> tuple[str, ...]:
    """The colours of ``n`` categories; beyond sixteen they come again, each time with other shapes."""
    colours = OKABE_ITO[theme] + FURTHER[theme]
    return tuple(colours[position % len(colours)] for position in range(n))


def shapes(n: int, dimensions: int = 2) -> tuple[str, ...]:
    """The marker shapes of ``n`` categories: no two of the first 24 share both shape and colour."""
    known = SHAPES_2D if dimensions == 2 else SHAPES_3D
    # Colours repeat after sixteen; a step of three moves their second round to other shapes, in 2-D and in 3-D.
    return tuple(known[(position + 3 * (position // 16)) % len(known)] for position in range(n))


def scale(colours: tuple[str, ...]) -> list[tuple[float, str]]:
    """Evenly spaced colours as plotly takes a colour scale."""
    return [(step / (len(colours) - 1), colour) for step, colour in enumerate(colours)]


def _parts(colours: tuple[str, ...], share: float) -> list[float]:
    """Red, green and blue in 0..1 of a scale's colour at ``share`` (0 … 1) of its length."""
    place = min(max(share, 0.0), 1.0) * (len(colours) - 1)
    low = min(int(place), len(colours) - 2)
    ends = [[int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)] for colour in colours[low : low + 2]]
    return [start + (place - low) * (end - start) for start, end in zip(*ends, strict=True)]


def mixed(colours: tuple[str, ...], share: float) -> str:
    """A scale's colour at ``share`` (0 … 1) of its length: "#8DB6D8"."""
    return "#" + "".join(f"{round(255 * part):02X}" for part in _parts(colours, share))


def readable(colours: tuple[str, ...], share: float) -> str:
    """Black or white, whichever is easier to read on a scale's colour at ``share`` (0 … 1) of its length."""
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in _parts(colours, share)]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    # At this luminance black and white have the same contrast, 4.6 : 1.
    return "#000000" if luminance > 0.179 else "#FFFFFF"
