"""What must hold of the whole, whatever its parts do: who may import what, what is public, what it runs on."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import types
from pathlib import Path

import pytest

import embedviz

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "embedviz"
HEAVY = {"torch", "transformers", "umap", "numba", "matplotlib", "sentence_transformers", "tokenizers"}
UI = sorted([ROOT / "app.py", *(PACKAGE / "ui").rglob("*.py")])
LIBRARY = sorted(path for path in PACKAGE.rglob("*.py") if "ui" not in path.relative_to(PACKAGE).parts)


def imports(path: Path) -> set[str]:
    """The packages that a file imports anywhere, functions included."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


def python(code: str) -> str:
    return subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True).strip()


@pytest.mark.parametrize("path", UI, ids=lambda path: str(path.relative_to(ROOT)))
def test_pages_import_nothing_heavy(path: Path) -> None:
    assert not {name for name in imports(path) if name.split(".")[0] in HEAVY}


@pytest.mark.parametrize("path", LIBRARY, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_library_knows_nothing_of_the_pages(path: Path) -> None:
    assert not {name for name in imports(path) if name.split(".")[0] == "streamlit" or name.startswith("embedviz.ui")}


def test_every_module_of_the_library_can_be_imported_without_streamlit() -> None:
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in LIBRARY]
    names = [name for name in names if not name.endswith("__main__")]
    assert len(names) > 30
    code = f"import importlib, sys; [importlib.import_module(name) for name in {names!r}]; print(*sys.modules)"
    assert "streamlit" not in python(code).split()


def test_importing_the_library_imports_nothing_heavy() -> None:
    assert python(f"import sys, embedviz; print(sorted({HEAVY!r} & set(sys.modules)))") == "[]"


def test_app_py_holds_no_logic() -> None:
    tree = ast.parse((ROOT / "app.py").read_text(encoding="utf-8"))
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.If | ast.For | ast.While)]


def test_what_is_exported_is_what_is_public() -> None:
    public = {
        name
        for name, value in vars(embedviz).items()
        if not name.startswith("_") and not isinstance(value, types.ModuleType)
    }
    modules = {"capture"}  # a function that took the place of the module of its name
    assert public - modules == set(embedviz.__all__) - modules
    assert list(embedviz.__all__) == sorted(embedviz.__all__)
    for name in embedviz.__all__:
        assert getattr(embedviz, name) is not None
        assert not isinstance(getattr(embedviz, name), types.ModuleType), name


@pytest.mark.parametrize("name", embedviz.__all__)
def test_every_public_name_says_what_it_is(name: str) -> None:
    assert getattr(embedviz, name).__doc__


def requirements(path: Path) -> dict[str, str]:
    """Package names, as the index spells them, and what follows."""
    lines = [line.split("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines()]
    pairs = [re.fullmatch(r"([\w.-]+)(.*)", line) for line in lines if line and not line.startswith("-")]
    return {re.sub(r"[-_.]+", "-", pair[1]).lower(): pair[2].strip() for pair in pairs if pair}


def test_what_the_app_runs_on_is_pinned() -> None:
    wanted = requirements(ROOT / "requirements.txt")
    assert wanted["torch"] == "==2.13.0"
    assert {"streamlit", "transformers", "umap-learn", "plotly", "scikit-learn"} <= set(wanted)
    assert all(version.startswith("==") for version in wanted.values())


def test_torchvision_is_never_asked_for() -> None:
    files = [*ROOT.glob("*requirements*.txt"), *ROOT.glob("tests/*requirements*.txt")]
    assert ROOT / "requirements.txt" in files
    for path in files:
        assert "torchvision" not in requirements(path)
    assert "torchvision" not in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
