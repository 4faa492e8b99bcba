"""Linked maps as the browser gets them: what is packed, and the page of HTML that needs nothing else."""

from __future__ import annotations

import base64
import json
import math
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from embedviz.errors import ProjectionError
from embedviz.figures import scatter
from embedviz.figures.linked import pack_maps, standalone
from embedviz.figures.linked.script import SOURCES, asset, script
from embedviz.records import Instances, Projection

HOSTILE = "</script><!--<script><img src=x onerror=alert(1)> $x$ \u202eevil \ud800half\x00"


def made(n: int, layers: int = 3, **columns: tuple[object, ...]) -> tuple[dict[str, Projection], Instances]:
    rng = np.random.default_rng(n)
    maps = {
        f"layer.{layer}": Projection(rng.normal(size=(n, 2)).astype(np.float32), "umap", {}, 0)
        for layer in range(layers)
    }
    return maps, Instances(
        tuple(f"text {place}" for place in range(n)), tuple(f"i{place}" for place in range(n)), columns
    )


def array(text: str, kind: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), dtype=kind)


def test_what_is_packed_comes_out_again():
    maps, instances = made(30)
    maps["layer.1"].coordinates[4] = (1, np.inf)
    near = {name: np.random.default_rng(1).integers(-1, 30, size=(30, 15)) for name in maps}
    kept = {"layer.0": np.linspace(0, 1, 30, dtype=np.float32)}
    kept["layer.0"][7] = np.nan
    packed = pack_maps(maps, instances, neighbours=near, kept=kept, titles={"layer.0": "First"}, captions={"x": "y"})
    content = json.loads(packed.text)
    assert packed.names == tuple(maps)
    assert content["texts"] == list(instances.items)
    assert [layer["title"] for layer in content["layers"]] == ["First", "layer.1", "layer.2"]
    for layer, (name, projection) in zip(content["layers"], maps.items(), strict=True):
        places = array(layer["places"], "<f4").reshape(-1, 2)
        drawn = np.isfinite(projection.coordinates).all(axis=1)
        np.testing.assert_array_equal(places[drawn], projection.coordinates[drawn])
        assert np.isnan(places[~drawn]).all()
        assert layer["neighbours"]["k"] == 10
        indices = array(layer["neighbours"]["indices"], "<i2").reshape(-1, 10)
        np.testing.assert_array_equal(indices, near[name][:, :10])
    shares = array(content["layers"][0]["kept"], "u1")
    assert shares[7] == 255
    np.testing.assert_allclose(np.delete(shares, 7), 100 * np.delete(kept["layer.0"], 7), atol=0.5)
    assert content["layers"][1]["kept"] is None


def test_a_digest_for_each_content():
    maps, instances = made(5, label=("a", "b", "a", None, "b"))
    same = [pack_maps(maps, instances, colour="label") for _ in range(2)]
    others = [
        pack_maps(maps, instances),
        pack_maps(maps, instances, colour="label", theme="dark"),
        pack_maps(maps, instances, colour="label", captions={"layer.0": "keeps 1 in 4 neighbours"}),
    ]
    assert same[0] == same[1]
    assert len({packed.digest for packed in (same[0], *others)}) == 4
    # What a person has selected outlives a change of colours.
    assert len({packed.about for packed in (same[0], *others)}) == 1


def test_places_and_layers_by_name():
    maps, instances = made(4, layers=8)
    packed = pack_maps(maps, instances)
    assert packed.places(["i3", "gone", "i0", "i3"]) == [3, 0]
    assert packed.layers(["layer.2", "gone", "layer.0", "layer.2"]) == [2, 0]
    assert packed.layers(list(maps)) == [0, 1, 2, 3, 4, 5]
    assert packed.layers([]) == [7]


# Looks


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("labels", [5, 30])
def test_every_point_looks_as_on_the_map_of_one_layer(labels, theme):
    n = 300
    values = tuple(None if place % 11 == 0 else f"kind {place % labels}" for place in range(n))
    maps, instances = made(n, label=values)
    content = json.loads(pack_maps(maps, instances, colour="label", theme=theme).text)
    figure = scatter(maps["layer.0"], instances, colour="label", theme=theme)
    of = array(content["look"], "u1")
    drawn = 0
    for trace in figure.data:
        for identity, *_ in trace.customdata:
            colour, shape, _ = content["looks"][of[instances.ids.index(identity)]]
            assert (colour, shape) == (trace.marker.color, trace.marker.symbol)
            drawn += 1
        assert content["opacity"] == trace.marker.opacity
    assert drawn == n
    entries = [f"{name}  {count:,}" for name, count, _ in content["legend"]["entries"]]
    assert entries == [trace.name for trace in figure.data]
    assert content["labels"]["texts"][content["labels"]["of"][1]] == "kind 1"
    assert content["labels"]["of"][0] == -1


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_numbers_are_coloured_along_the_scale(theme):
    numbers = (math.nan, None, *map(float, range(40)))
    maps, instances = made(42, length=numbers)
    content = json.loads(pack_maps(maps, instances, colour="length", theme=theme).text)
    figure = scatter(maps["layer.0"], instances, colour="length", theme=theme)
    ends = [figure.layout.coloraxis.colorscale[at][1] for at in (0, -1)]
    colours = [content["looks"][look][0] for look in array(content["look"], "u1")]
    assert [colours[2], colours[-1]] == ends
    assert colours[0] == colours[1] == figure.data[0].marker.color
    assert len(set(colours[2:])) == 40
    assert (content["legend"]["scale"]["low"], content["legend"]["scale"]["high"]) == ("0", "39")
    assert content["legend"]["entries"] == [["no value", 2, 64]]


def test_the_legend_counts_only_what_has_a_place():
    maps, instances = made(4, layers=2, label=("a", "a", "b", "b"))
    for projection in maps.values():
        projection.coordinates[:2] = np.nan
    maps["layer.1"].coordinates[1] = 0
    content = json.loads(pack_maps(maps, instances, colour="label").text)
    assert [entry[:2] for entry in content["legend"]["entries"]] == [["a", 1], ["b", 2]]


# Many, few and none


@pytest.mark.parametrize("n", [0, 1, 2])
def test_few_instances(n):
    maps, instances = made(n, label=("a",) * n)
    none = {name: np.full((n, 0), -1) for name in maps}
    content = json.loads(pack_maps(maps, instances, colour="label", neighbours=none).text)
    assert content["n"] == n == len(content["texts"])
    assert content["layers"][0]["neighbours"] == {"k": 0, "indices": ""}
    assert "<div" in standalone(pack_maps(maps, instances), shown=["layer.0"], alt="Few.")


def test_a_column_without_any_number_or_place():
    maps, instances = made(20, number=tuple(map(float, range(20))))
    for projection in maps.values():
        projection.coordinates[:] = np.nan
    content = json.loads(pack_maps(maps, instances, colour="number").text)
    assert content["legend"]["scale"] is None


def test_a_thousand_instances_in_seven_layers_are_small():
    maps, instances = made(1000, layers=7, label=tuple(f"kind {place % 8}" for place in range(1000)))
    near = {name: np.zeros((1000, 30), dtype=np.int64) for name in maps}
    kept = {name: np.zeros(1000, dtype=np.float32) for name in maps}
    texts = tuple(
        f"{place} a gloss as long as most glosses of a dictionary are, and so {place}" for place in range(1000)
    )
    instances = Instances(texts, instances.ids, instances.columns)
    assert len(pack_maps(maps, instances, colour="label", neighbours=near, kept=kept).text) < 600_000


def test_lines_and_texts_end_where_there_are_too_many():
    maps, instances = made(5_001, layers=1)
    near = {"layer.0": np.zeros((5_001, 3), dtype=np.int64)}
    content = json.loads(pack_maps(maps, instances, neighbours=near).text)
    assert content["layers"][0]["neighbours"] is None
    assert len(content["texts"]) == 5_001
    maps, instances = made(20_001, layers=1, label=("a",) * 20_001)
    content = json.loads(pack_maps(maps, instances, colour="label").text)
    assert content["texts"] is None
    assert content["labels"] is None


# What does not fit


def test_what_does_not_fit_is_refused():
    maps, instances = made(4, label=("a",) * 4)
    three = Projection(np.zeros((4, 3), dtype=np.float32), "umap", {}, 0)
    with pytest.raises(ProjectionError, match="no map"):
        pack_maps({}, instances)
    with pytest.raises(ProjectionError, match=r"layer\.x: coordinates \(4, 3\)"):
        pack_maps({"layer.x": three}, instances)
    with pytest.raises(ProjectionError, match="Choose one of: label"):
        pack_maps(maps, instances, colour="colour")
    with pytest.raises(ProjectionError, match=r"\(3, 2\) for 4"):
        pack_maps(maps, instances, neighbours={"layer.0": np.zeros((3, 2), dtype=np.int64)})
    with pytest.raises(ProjectionError, match="row for each"):
        pack_maps(maps, instances, neighbours={"layer.0": np.full((4, 2), 4)})
    with pytest.raises(ProjectionError, match=r"\(5,\) for 4"):
        pack_maps(maps, instances, kept={"layer.0": np.zeros(5, dtype=np.float32)})


# The page that needs nothing else


class Elements(HTMLParser):
    """The elements of a page, and the text inside its scripts, as a browser's parser takes them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.scripts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data):
        if self.tags and self.lasttag == "script" and self.cdata_elem == "script":
            self.scripts[-1] += data


def hostile() -> str:
    maps = {HOSTILE: Projection(np.eye(2, dtype=np.float32), "umap", {}, 0)}
    instances = Instances((HOSTILE, HOSTILE), (HOSTILE, "<b>2</b>"), {HOSTILE: (HOSTILE, "a")})
    packed = pack_maps(maps, instances, colour=HOSTILE, titles={HOSTILE: HOSTILE}, captions={HOSTILE: HOSTILE})
    return standalone(packed, shown=[HOSTILE], alt=HOSTILE)


def test_hostile_text_stays_inside_its_element():
    page = hostile()
    page.encode("utf-8")
    elements = Elements(page)
    assert "img" not in elements.tags
    assert elements.tags.count("script") == 2
    data = elements.scripts[0]
    assert "<" not in data
    settings = json.loads(data)
    content = json.loads(settings["maps"])
    assert content["layers"][0]["title"].startswith("</script><!--<script><img")
    for text in (settings["alt"], content["texts"][0], content["ids"][0], content["legend"]["entries"][-1][0]):
        assert not set(text) & set("\u202e\ud800\x00")


def test_a_page_asks_for_nothing_from_elsewhere():
    code = re.sub(r"^\s*//.*$", "", hostile().split('<script type="module">')[1], flags=re.MULTILINE)
    for word in ("http", "import ", "import(", "fetch", "innerHTML", "eval(", "XMLHttpRequest", "document.write"):
        assert word not in code
    assert "url(" not in asset("maps.css")


def test_the_script_is_one_with_each_source_once():
    whole = script("component.js")
    assert all(whole.count(asset(name)) == 1 for name in SOURCES)
    assert whole.count("export default function") == 1
    assert "export" not in script("offline.js")
    assert "</script" not in script("offline.js").lower()
