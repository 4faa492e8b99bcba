"""The post-processings as lines of a script: float64 in between, float32 after each."""

from __future__ import annotations

from embedviz.vectors import find_postprocessing

_LINES: dict[str, tuple[str, ...]] = {
    "none": (),
    "l2": (
        "lengths = np.linalg.norm(vectors, axis=1, keepdims=True)",
        "vectors = vectors / np.where(lengths > 0, lengths, 1)",
    ),
    "centred": ("vectors = vectors - vectors.mean(0)",),
    "standardised": (
        "varies = vectors.max(0) > vectors.min(0)",
        "vectors = np.where(varies, vectors - vectors.mean(0), 0)",
        "vectors = vectors / np.where(varies, vectors.std(0), 1)",
    ),
}


def steps(postprocessing: str) -> list[str]:
    """The names in "centred + l2". EmbedvizError for one that there is not."""
    return [find_postprocessing(name.strip()).name for name in postprocessing.split("+")]


def postprocessing_lines(names: list[str]) -> str:
    """The lines that change ``vectors``, a numpy array."""
    lines: list[str] = []
    for name in names:
        if _LINES[name]:
            said = f"vectors = vectors.astype(np.float64)  # {name}"
            lines += [said, *_LINES[name], "vectors = vectors.astype(np.float32)"]
    return "\n".join(lines)
