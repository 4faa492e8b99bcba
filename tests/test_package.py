"""The wheel: it carries the app, the samples and the settings, and its command works."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel's contents, as they stand in site-packages after ``pip install .``."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-q", "-w", str(folder), "."]
    subprocess.run(command, cwd=ROOT, check=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as opened:
        opened.extractall(folder / "site")
    return folder / "site"


def run(site: Path, code: str) -> str:
    command = [sys.executable, "-c", code]
    environment = {"PYTHONPATH": str(site), "PATH": "/usr/bin:/bin"}
    return subprocess.check_output(command, cwd=site, env=environment, text=True).strip()


def test_it_carries_what_it_needs(unpacked: Path) -> None:
    for name in (
        "py.typed",
        "app.py",
        ".streamlit/config.toml",
        "assets/samples/wordnet-glosses.csv",
        "assets/icon.svg",
        "figures/linked/browser/maps.js",
        "export/page.html",
        "export/page.js",
        "ui/address/bar.js",
    ):
        assert (unpacked / "embedviz" / name).is_file(), name
    assert "Apache-2.0" in next(unpacked.glob("*.dist-info/METADATA")).read_text()
    assert "embedviz = embedviz.cli:main" in next(unpacked.glob("*.dist-info/entry_points.txt")).read_text()
    top = {path.name for path in unpacked.iterdir()}
    assert top == {"embedviz", next(unpacked.glob("*.dist-info")).name}


def test_the_library_finds_its_samples(unpacked: Path) -> None:
    code = (
        "import embedviz; from embedviz.modalities.samples import load_sample; "
        "print(embedviz.__file__, len(load_sample('wordnet-glosses')))"
    )
    assert run(unpacked, code).split() == [str(unpacked / "embedviz" / "__init__.py"), "240"]


def test_the_command_finds_the_app(unpacked: Path) -> None:
    code = (
        "import os; os.execv = lambda _, words: print(words[4]); from embedviz.cli import main; main(['--port', '1'])"
    )
    assert run(unpacked, code) == str(unpacked / "embedviz" / "app.py")
