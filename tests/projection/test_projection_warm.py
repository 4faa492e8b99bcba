"""Compiled functions kept on disk, and forking after warming up, each in processes of their own."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

DRAW = """
import hashlib, json, sys, time
import numpy as np
from embedviz.projection import project, warm
if "plain" in sys.argv:
    warm.keep_compiled = lambda package: 0
umap, numba = warm.import_umap()
began = time.perf_counter()
made = project(np.random.default_rng(0).normal(size=(60, 8)).astype(np.float32), seed=1)
seconds = time.perf_counter() - began
from umap import layouts, umap_
print(json.dumps({
    "hash": hashlib.sha256(made.coordinates.tobytes()).hexdigest(),
    "seconds": seconds,
    "loaded": sum(umap_.smooth_knn_dist.stats.cache_hits.values()),
    "folder": umap_.smooth_knn_dist.stats.cache_path,
    "threaded": layouts._nb_optimize_layout_euclidean_single_epoch_parallel.stats.cache_path,
    "njit": numba.njit.__module__,
}))
"""


def draw(*arguments: str, **variables: str) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-c", DRAW, *arguments], env=os.environ | variables, capture_output=True, text=True, check=True
    )
    return dict(json.loads(done.stdout))


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, object]]:
    """A folder of compiled functions, and the drawing that filled it."""
    folder = tmp_path_factory.mktemp("numba")
    return folder, draw(NUMBA_CACHE_DIR=str(folder))


@pytest.mark.long
@pytest.mark.slow
def test_kept_functions_draw_the_same_map_sooner(filled: tuple[Path, dict[str, object]]) -> None:
    folder, first = filled
    second = draw(NUMBA_CACHE_DIR=str(folder))
    plain = draw("plain", NUMBA_CACHE_DIR=str(folder))
    assert first["hash"] == second["hash"] == plain["hash"]
    assert (first["loaded"], second["loaded"], plain["loaded"]) == (0, 1, 0)
    assert second["seconds"] < plain["seconds"] / 2  # type: ignore[operator]
    assert str(second["folder"]).startswith(str(folder))
    # numba would take the loop with threads for the one without: only one of the two may be kept.
    assert second["threaded"] is None
    assert second["njit"] == "numba.core.decorators"


@pytest.mark.long
@pytest.mark.slow
def test_spoilt_files_are_done_without(filled: tuple[Path, dict[str, object]], tmp_path: Path) -> None:
    folder, first = filled
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    spoilt = [file for file in tmp_path.glob("umap_*/*.nbc") if "smooth_knn_dist" in file.name]
    assert spoilt
    for file in spoilt:
        file.write_bytes(b"")
    made = draw(NUMBA_CACHE_DIR=str(tmp_path))
    assert (made["hash"], made["loaded"]) == (first["hash"], 0)


@pytest.mark.long
@pytest.mark.slow
def test_no_folder_to_write_to(filled: tuple[Path, dict[str, object]]) -> None:
    """umap alone cannot be imported then; its functions go to a folder that lives as long as the process."""
    made = draw(NUMBA_CACHE_LOCATOR_CLASSES="UserProvidedCacheLocator")
    assert made["hash"] == filled[1]["hash"]
    assert "embedviz-numba-" in str(made["folder"])
    assert not Path(str(made["folder"])).exists()


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_forked_children_draw_what_the_parent_draws() -> None:
    """Three children at once, after warming up: none hangs, none is killed, and all draw the very same maps."""
    script = Path(__file__).with_name("forked.py")
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, str(script), "3"], env=environment, capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["codes"] == [0, 0, 0]
    assert result["threads"] == ["MainThread"]
    assert result["children"] == [result["here"]] * 3
    assert "fork() called" not in done.stderr
