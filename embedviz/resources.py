"""Where the files that come with embedviz are."""

from __future__ import annotations

from pathlib import Path

from embedviz.errors import EmbedvizError

_PACKAGE = Path(__file__).resolve().parent


def asset(name: str) -> Path:
    """The file ``assets/<name>``: inside the installed package, else at the top of the repository."""
    for folder in (_PACKAGE / "assets", _PACKAGE.parent / "assets"):
        path = folder / name
        if path.is_file():
            return path
    raise EmbedvizError("A file that comes with embedviz is missing", value=name, remedy="Install embedviz again.")
