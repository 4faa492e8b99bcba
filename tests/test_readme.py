"""The README's Python runs as it stands and prints what it says it prints."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

README = (Path(__file__).resolve().parent.parent / "README.md").read_text()


def test_the_example_prints_what_it_says() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README, re.S)
    promised = [line[2:] for line in code.splitlines() if line.startswith("# ")]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "README.md", "exec"), {})
    lines = printed.getvalue().splitlines()
    assert len(lines) == len(promised) > 5
    for line, expected in zip(lines, promised, strict=True):
        assert re.fullmatch(re.escape(expected).replace("…", ".*"), line.rstrip()), (line, expected)


def test_what_it_names_is_there() -> None:
    root = Path(__file__).resolve().parent.parent
    for name in re.findall(r"`((?:embedviz|assets|tests)/[\w/.]*)`", README):
        assert (root / name).exists(), name
