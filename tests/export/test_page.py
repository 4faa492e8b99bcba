"""The Explore page as a file: its tables are those of scikit-learn, its texts inert, its size bounded."""

from __future__ import annotations

import base64
import json
import re
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

import embedviz as ev
from embedviz.errors import ExportError
from embedviz.export.page import MOST, NEIGHBOURS, Page, cosines_of
from embedviz.records import Instances

HOSTILE = "</script><!--<script><img src=x onerror=alert(1)> $x ${y} \u202eevil \ud800half\x00"


def made(n: int, text: str = "text {}", **more: Any) -> tuple[Page, ev.Embeddings]:
    rows = np.random.default_rng(n).normal(size=(n, 7)).astype(np.float32)
    ids = tuple(f"i{place}" for place in range(n))
    instances = Instances(
        tuple(text.replace("{}", str(place)) for place in range(n)), ids, {"kind": (text,) * n}, "kind"
    )
    embeddings = ev.Embeddings(rows, ids)
    cosines = {name: cosines_of(embeddings, name) for name in ("none", "centred")}
    return Page(text, f"from {text}", instances, cosines, colour="kind", **more), embeddings


def data(text: str) -> dict[str, Any]:
    [found] = re.findall(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    return dict(json.loads(found))


def test_the_neighbours_are_the_true_ones() -> None:
    page, embeddings = made(60)
    raw, centred = data(page.html())["kinds"]
    assert (raw["name"], centred["name"]) == ("raw", "centred")
    for kind, rows in ((raw, embeddings.vectors), (centred, embeddings.vectors - embeddings.vectors.mean(axis=0))):
        apart, near = NearestNeighbors(n_neighbors=NEIGHBOURS + 1, metric="cosine").fit(rows).kneighbors(rows)
        indices = np.frombuffer(base64.b64decode(kind["indices"]), "<i4").reshape(60, -1)
        cosines = np.frombuffer(base64.b64decode(kind["cosines"]), "<i2").reshape(60, -1) / 10_000
        np.testing.assert_array_equal(indices, near[:, 1:])
        np.testing.assert_allclose(cosines, 1 - apart[:, 1:], atol=6e-5)


def test_what_others_wrote_stays_text() -> None:
    page, embeddings = made(20, HOSTILE, projection=None, unmapped=HOSTILE)
    text = page.html()
    text.encode()  # half a surrogate pair cannot be written
    found: list[tuple[str, list[str]]] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
            found.append((tag, [name for name, _ in attributes]))

    Reader().feed(text)
    assert "img" not in [tag for tag, _ in found]
    assert not [name for _, names in found for name in names if name in ("src", "href") or name.startswith("on")]
    drawn = Page("t", "p", page.instances, page.cosines, ev.project(embeddings, "pca", dimensions=3)).html()
    assert "A map in 3-D, seen from one side" in drawn
    assert "default-src &#x27;none&#x27;" in drawn or "default-src 'none'" in drawn


@pytest.mark.parametrize("n", [1, 2])
def test_a_few_instances(n: int) -> None:
    page, _ = made(n)
    assert len(data(page.html())["texts"]) == n
    assert len(page.cosines["none"].most[0]) == n - 1


def test_a_thousand_instances_take_less_than_a_megabyte() -> None:
    page, embeddings = made(1_000, "a definition of some seventy characters, as a dictionary has them: {}")
    whole = Page("t", "p", page.instances, page.cosines, ev.project(embeddings, "pca"), colour="kind")
    assert len(whole.html()) < 1_000_000


def test_too_many_are_refused() -> None:
    page, _ = made(2)
    many = Instances(("x",) * (MOST + 1), tuple(map(str, range(MOST + 1))))
    with pytest.raises(ExportError, match="up to 20,000 instances"):
        Page("t", "p", many, page.cosines).html()
