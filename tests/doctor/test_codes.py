"""Every code that a program may meet has its words, and no words are kept for a code that nothing gives."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import embedviz
from embedviz.doctor import CHECKS, OPENING, SECTIONS

PACKAGE = Path(embedviz.__file__).parent
OPENERS = ("checkpoints", "architecture")
CODE = re.compile(rf"({'|'.join(SECTIONS)})\.[a-z]+(-[a-z]+)*")
#: Saving a copy has refusals of its own, which say nothing of the checkpoint.
SAVING = PACKAGE / "checkpoints" / "saving.py"
#: File names that look like codes.
FILES = {"tokenizer.json", "tokenizer.model"}


def strings(*folders: str) -> Iterator[str]:
    for folder in folders:
        for path in set((PACKAGE / folder).rglob("*.py")) - {SAVING}:
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield node.value


def keywords(*folders: str) -> Iterator[tuple[str, int, str]]:
    """(file, line, value) of every ``code="…"``."""
    for folder in folders:
        for path in (PACKAGE / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.keyword) and node.arg == "code" and isinstance(node.value, ast.Constant):
                    yield path.name, node.value.lineno, str(node.value.value)


def test_every_code_has_the_form_of_one() -> None:
    given = list(keywords(*OPENERS, "doctor"))
    assert len(given) > 50
    assert [place for place in given if not CODE.fullmatch(place[2])] == []


def test_every_code_that_opening_gives_has_a_title() -> None:
    codes = {text for text in strings(*OPENERS) if CODE.fullmatch(text)} - FILES
    assert sorted(codes - OPENING.keys() - CHECKS.keys()) == []


def test_every_code_of_a_check_is_that_of_its_check() -> None:
    assert {code for _, _, code in keywords("doctor")} - {"files.refused"} <= CHECKS.keys()


def test_no_title_is_kept_for_what_nothing_gives() -> None:
    codes = set(strings(*OPENERS)) | {"files.refused"}
    assert sorted(OPENING.keys() - codes) == []


def test_a_code_is_either_a_check_or_opening() -> None:
    assert not OPENING.keys() & CHECKS.keys()
    titles = [*OPENING.values(), *(check.title for check in CHECKS.values())]
    assert len(set(titles)) == len(titles)
    assert not [title for title in titles if title.endswith(".") or (not title[0].isupper() and title[:6] != "transf")]
