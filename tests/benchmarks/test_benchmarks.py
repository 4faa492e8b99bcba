"""Each benchmark runs, at its smallest, and reports what it measured; how fast that was is not a test's business."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.benchmarks import app, capture, compare_page, served, stream

pytestmark = pytest.mark.slow


def run(name: str, *arguments: str) -> str:
    command = [sys.executable, "-m", f"tests.benchmarks.{name}", *arguments]
    done = subprocess.run(command, cwd=served.ROOT, capture_output=True, text=True, timeout=290)
    assert done.returncode == 0, done.stderr[-4_000:]
    return done.stdout


def numbers(table: str, row: str) -> list[float]:
    """The numbers of the line that begins with ``row``."""
    [line] = [line for line in table.splitlines() if line.startswith(f"{row} ")]
    found = []
    for word in line.removeprefix(row).split():
        try:
            found.append(float(word))
        except ValueError:
            if word != "–":
                break
    return found


def test_capture_compares_every_way() -> None:
    table = run("capture", "--size", "12", "--repeat", "1", "--no-peaks")
    stops = ["stopped after embeddings", *(f"stopped after encoder.layer.{number}" for number in range(5))]
    measured = set(capture.MEASURED) if capture.has_peer() else set(capture.MEASURED) - {capture.PEER}
    for row in (*measured, capture.WHOLE, *stops):
        assert min(numbers(table, row)[:4]) > 0
    assert numbers(table, capture.FORWARD)[2:4] == [1, 1]
    if capture.has_peer():
        assert float(table.split()[-1]) < 1e-5  # the largest difference to sentence-transformers' vectors


def test_capture_measures_memory() -> None:
    assert int(run("capture", "--size", "4", "--peak", capture.LAST)) > 0


def test_its_texts_are_many_mixed_and_always_the_same() -> None:
    texts = capture.texts(300)
    assert texts == capture.texts(300)
    assert len(set(texts)) == 300
    assert max(map(len, texts)) > 8 * min(map(len, texts))


@pytest.mark.long
def test_projection_measures_maps_and_neighbours() -> None:
    table = run("projection", "umap", "maps", "neighbours", "--sizes", "20")
    for row in ("pca", "tsne", "umap", "umap by itself", "15 neighbours", "trust and kept neighbours"):
        assert any(line.split(maxsplit=1)[-1].startswith(row) for line in table.splitlines() if line)


def test_comparison_measures_each_step_and_neighbours() -> None:
    table = run("comparison", "--size", "60", "--neighbours", "200")
    for row in ("mutual_neighbours", "cka", "rsa", "probe", "all of it", "movers"):
        assert table.count(f"\n{row} ") == 2
    for row in ("embedviz", "bare product, float64", "bare product, float32", "scikit-learn, brute"):
        assert len(numbers(table, row)) == 1


@pytest.mark.long
def test_checkpoints_tries_some_of_everything() -> None:
    table = run("checkpoints", "--size", "tiny")
    for row in ("kind of model.safetensors", "locate the folder", "dry run of MiniLM"):
        assert numbers(table, row)[0] > 0
    tried, opened, refused, failed, slowest = numbers(table, "all of them")
    assert (tried, failed) == (32, 0)
    assert opened + refused == tried
    assert slowest > 0
    assert numbers(table, "ran") == [0]
    assert numbers(table, "tried")[0] > 5


@pytest.mark.long
@pytest.mark.browser
def test_app_measures_starts_changes_and_memory() -> None:
    table = run("app", "--size", "small")
    for row in (*app.BESIDE, *app.BESIDE.values()):
        if not row.endswith(app.COLD):
            assert min(numbers(table, row)) > 0
    for row in ("streamlit hello", "server", "zygote of model workers", "zygote of numbers workers", "model worker"):
        assert min(numbers(table, row)) > 0


@pytest.mark.long
@pytest.mark.browser
def test_compare_page_measures_pictures_and_choices() -> None:
    table = run("compare_page", "--size", "20")
    for row in compare_page.ROWS:
        assert min(numbers(table, row)) > 0


def test_stream_measures_a_run_and_going_on_with_it() -> None:
    table = run("stream", "--size", "16", "--chunk", "4")
    for row, texts, computed in ((stream.QUARTER, 4, 4), (stream.WHOLE, 16, 16), (stream.RESUMED, 16, 4)):
        assert numbers(table, f"{row:33}")[:2] == [texts, computed]
    for kind in stream.KINDS[1:]:
        assert numbers(table, f"all parts there, {kind}")[:2] == [16, 0]
    assert "to the same bytes: True" in table
