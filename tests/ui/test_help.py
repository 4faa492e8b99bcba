"""Every control that takes a choice says what it does."""

from __future__ import annotations

import ast
from pathlib import Path

import embedviz.ui

_INPUTS = {
    "selectbox",
    "multiselect",
    "slider",
    "select_slider",
    "text_input",
    "text_area",
    "number_input",
    "segmented_control",
    "toggle",
    "checkbox",
    "file_uploader",
    "radio",
    "pills",
    "popover",
}


def test_every_input_has_a_help_text() -> None:
    folder = Path(str(embedviz.ui.__file__)).parent
    without, found = [], 0
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _INPUTS):
                continue
            found += 1
            if not any(keyword.arg == "help" for keyword in node.keywords):
                without.append(f"{path.relative_to(folder)}:{node.lineno} {node.func.attr}")
    assert found > 60
    assert without == []
