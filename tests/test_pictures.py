"""Pictures for print: real files of the right size, their text text, the same each time, whatever the labels are."""

from __future__ import annotations

import io
import subprocess
import sys
import warnings
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import embedviz as ev
from embedviz.errors import EmbedvizError, ExportError, ProjectionError
from embedviz.figures.colours import SHAPES_2D, SHAPES_3D, palette
from embedviz.pictures import FORMATS, draw
from embedviz.pictures.markers import marker
from embedviz.records import Instances, Projection
from embedviz.workers import picture_operations
from embedviz.workers.operation import Context

HOSTILE = "$x^2 \\frac <b>&amp;</b> 名前 مرحبا 😀 \ud800 \x00 \u202e %s {0}"


def made(n: int = 60, dimensions: int = 2, names: int = 5) -> tuple[Projection, Instances]:
    rng = np.random.default_rng(n)
    projection = Projection(
        rng.normal(size=(n, dimensions)).astype(np.float32), "umap", {"n_neighbors": 15}, 7, trust=0.9, kept=0.25
    )
    ids = tuple(map(str, range(n)))
    columns = {"kind": tuple(f"kind {place % names}" for place in range(n)), "size": tuple(map(float, range(n)))}
    return projection, Instances(ids, ids, columns, "kind")


def texts(svg: bytes) -> str:
    return "\n".join(element.text or "" for element in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text"))


@pytest.mark.parametrize("dimensions", [2, 3])
def test_a_map_in_every_kind(dimensions: int, tmp_path: Path) -> None:
    projection, instances = made(dimensions=dimensions)
    files = {kind: ev.save_picture(projection, tmp_path / f"map.{kind}", instances).read_bytes() for kind in FORMATS}
    with Image.open(io.BytesIO(files["png"])) as picture:
        assert picture.width == int(160 / 25.4 * 300)
        assert round(float(picture.info["dpi"][0])) == 300
        colours = {f"#{r:02X}{g:02X}{b:02X}" for _, (r, g, b) in picture.convert("RGB").getcolors(10**7)}
    # In 3-D and in 2-D alike the legend's keys are in full colour.
    assert set(palette(5)) <= colours
    said = texts(files["svg"])
    for words in ("kind 4 12", "neighbours 15", "seed 7", "60 instances", "About 1 in 4 nearest neighbours survive"):
        assert words in said.replace("\n", " ")
    assert files["pdf"].startswith(b"%PDF")
    assert b"/FontFile2" in files["pdf"], "Letters are letters of a font."
    again = draw(projection, "svg", instances)
    assert again == files["svg"], "The same map is the same file."


def test_every_shape_of_the_screen_can_be_drawn() -> None:
    assert all(marker(shape) is not None for shape in (*SHAPES_2D, *SHAPES_3D))
    projection, instances = made(60, names=24)
    assert "kind 23" in texts(draw(projection, "svg", instances))


@pytest.mark.parametrize("kind", list(FORMATS))
def test_labels_in_any_script_neither_crash_nor_warn(kind: str) -> None:
    projection, _ = made(6)
    ids = tuple(map(str, range(6)))
    instances = Instances(ids, ids, {HOSTILE: (HOSTILE, HOSTILE * 9, None, "a", "", "字" * 40)}, HOSTILE)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        file = draw(projection, kind, instances, title=HOSTILE, caption=HOSTILE)
    if kind == "svg":
        assert "$x^2" in texts(file)


@pytest.mark.parametrize("n", [0, 1, 2])
def test_few_points_and_points_without_a_place(n: int) -> None:
    projection, instances = made(n)
    for colour in ("kind", "size"):
        assert draw(projection, "pdf", instances, colour=colour).startswith(b"%PDF")
    nowhere = Projection(np.full((n, 3), np.nan, np.float32), "umap", {}, 0)
    assert draw(nowhere, "pdf", instances).startswith(b"%PDF")


def test_very_many_points_do_not_make_a_vector_file_large() -> None:
    projection, instances = made(20_000)
    assert len(draw(projection, "pdf", instances)) < 3_000_000


def compared() -> tuple[ev.AlignedMaps, ev.Comparison, Instances]:
    rng = np.random.default_rng(0)
    _, instances = made(60)
    base = rng.normal(size=(60, 8)).astype(np.float32)
    layers = {
        f"layer.{place}": ev.Embeddings(
            base + place * rng.normal(size=base.shape).astype(np.float32), instances.ids, instances.labels
        )
        for place in range(4)
    }
    maps = {name: ev.project(each, "pca") for name, each in layers.items()}
    return ev.AlignedMaps(maps, "independent"), ev.compare(layers), instances


def through_worker(told: dict[str, Any], arrays: dict[str, np.ndarray], **style: Any) -> bytes:
    """What the numbers worker makes of it."""
    context = Context(lambda *_: None, lambda: False)
    _, made = picture_operations.picture({"kind": "svg", "style": style, **told}, arrays, context)
    return bytes(made["file"].tobytes())


def test_layers_side_by_side_and_compared_are_drawn_alike_by_the_worker() -> None:
    maps, comparison, instances = compared()
    file = draw(maps, "svg", instances, colour="size")
    assert all(name in texts(file) for name in maps.maps)
    told, arrays = picture_operations.pack_maps(maps.maps, instances, "size")
    aligned = {"alignment": maps.alignment, "note": maps.note}
    assert through_worker({"maps": told, "aligned": aligned}, arrays, colour="size") == file
    packed = {"comparison": picture_operations.pack_comparison(comparison)}
    for part, words in (("mutual_neighbours", "1.00"), ("curves", "Crowding")):
        file = draw(comparison, "svg", part=part)
        assert words in texts(file)
        assert through_worker(packed, {}, part=part) == file


def test_what_does_not_fit_is_said() -> None:
    projection, instances = made(5)
    _, comparison, _ = compared()
    bad: list[tuple[type[EmbedvizError], str, Any]] = [
        (ExportError, "PNG, SVG or PDF", lambda: draw(projection, "bmp", instances)),
        (ExportError, "drawn of instances", lambda: draw(projection, "svg")),
        (ExportError, "dots an inch", lambda: draw(projection, "png", instances, dpi=10**6)),
        (ProjectionError, "no such column", lambda: draw(projection, "svg", instances, colour="nothing")),
        (ProjectionError, "a place in 2-D or 3-D", lambda: draw(projection, "svg", made(6)[1])),
        (ProjectionError, "no such measure", lambda: draw(comparison, "svg", part="nothing")),
    ]
    for kind, told, work in bad:
        with pytest.raises(kind, match=told):
            work()


def test_a_person_s_own_settings_change_nothing(tmp_path: Path) -> None:
    (tmp_path / "matplotlibrc").write_text("font.size: 30\nsvg.fonttype: path\ntext.usetex: True\naxes.grid: True\n")
    code = (
        "import sys, numpy as np; from embedviz.pictures import draw; from embedviz.records import *;"
        "p = Projection(np.eye(3, 2, dtype=np.float32), 'pca', {}, 0); i = Instances(('a',) * 3, ('1', '2', '3'));"
        "sys.stdout.buffer.write(draw(p, 'svg', i)); assert 'matplotlib.pyplot' not in sys.modules"
    )
    made = subprocess.check_output([sys.executable, "-c", code], env={"MATPLOTLIBRC": str(tmp_path), "PYTHONPATH": "."})
    drawn = Projection(np.eye(3, 2, dtype=np.float32), "pca", {}, 0)
    assert made == draw(drawn, "svg", Instances(("a",) * 3, ("1", "2", "3")))
