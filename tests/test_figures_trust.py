"""Trust in pictures and in words."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from embedviz.errors import ProjectionError
from embedviz.figures import Shares, describe, scatter
from embedviz.figures.points import FADED
from embedviz.figures.survival import baselines_sentence, one_in, stays_sentence, survive_sentence
from embedviz.records import OddPairs, Quality, Stability, Trust
from tests.test_figures import made, markers, shown_ids

SHARES = np.array([np.nan, 0, 0.1, 0.3, 0.5, 0.7, 1, *[0.2] * 13], dtype=np.float32)
NO_PAIRS = OddPairs(np.empty((0, 2), np.int64), np.empty(0, np.float32), np.empty(0, np.int64))


@pytest.mark.parametrize("dimensions", [2, 3])
@pytest.mark.parametrize("colour", [None, "label"])
def test_points_fade_with_their_share(dimensions, colour):
    projection, instances = made(20, dimensions)
    plain = scatter(projection, instances, colour=colour)
    figure = scatter(projection, instances, colour=colour, shares=Shares(SHARES))
    assert sorted(shown_ids(figure)) == sorted(instances.ids)
    strength = {data[0]: trace.marker.opacity for trace in markers(figure) for data in trace.customdata}
    ordered = [strength[f"id{number}"] for number in (1, 2, 3, 4)]
    assert ordered == sorted(ordered)
    assert strength["id0"] == strength["id1"] == FADED
    assert strength["id4"] == strength["id5"] == strength["id6"] == markers(plain)[0].marker.opacity
    named = [trace.name for trace in markers(figure) if trace.showlegend]
    assert named == [trace.name for trace in markers(plain) if trace.showlegend]


def test_a_search_fades_the_rest_whatever_their_share():
    projection, instances = made(20)
    figure = scatter(projection, instances, highlighted=["id6", "id1"], shares=Shares(SHARES))
    strength = {data[0]: trace.marker.opacity for trace in markers(figure) for data in trace.customdata}
    assert strength["id6"] > FADED
    assert {value for identity, value in strength.items() if identity != "id6"} == {FADED}


@pytest.mark.parametrize("dimensions", [2, 3])
def test_shares_as_colours_have_one_scale_on_every_map(dimensions):
    projection, instances = made(20, dimensions)
    figure = scatter(projection, instances, colour="label", shares=Shares(SHARES, "kept neighbours", "colour"))
    assert (figure.layout.coloraxis.cmin, figure.layout.coloraxis.cmax) == (0, 1)
    assert figure.layout.coloraxis.colorbar.title.text == "kept neighbours"
    unknown, known = markers(figure)
    assert unknown.name.startswith("no value")
    drawn = {data[0]: share for data, share in zip(known.customdata, known.marker.color, strict=True)}
    assert drawn == {f"id{number}": pytest.approx(SHARES[number]) for number in range(1, 20)}
    assert "kept neighbours 30%" in next(data[1] for data in known.customdata if data[0] == "id3")


def test_shares_are_said_in_the_sentence_in_place_of_the_picture():
    projection, instances = made(20)
    told = describe(projection, instances, colour="label", shares=Shares(SHARES))
    assert "faded by kept neighbours, half of them above 20%; coloured by label" in told
    assert "coloured by label" not in describe(
        projection, instances, colour="label", shares=Shares(SHARES, way="colour")
    )


def test_a_share_is_needed_of_each():
    projection, instances = made(20)
    with pytest.raises(ProjectionError, match="A share is needed of each"):
        scatter(projection, instances, shares=Shares(SHARES[:5]))


@pytest.mark.parametrize(
    ("share", "told"),
    [
        (0, "none"), (1 / 1333, "1 in 1,333"), (15 / 239, "1 in 16"), (0.1, "1 in 10"), (0.19, "1 in 5"),
        (0.35, "1 in 3"), (0.65, "2 in 3"), (0.94, "9 in 10"), (0.97, "nearly all"), (1, "all"),
    ],
)  # fmt: skip
def test_shares_in_words(share, told):
    assert one_in(share) == told


def test_what_survives_in_words():
    projection = replace(made(20)[0], trust=0.9, kept=0.21)
    assert survive_sentence(projection) == "About 1 in 5 nearest neighbours survive on this map"
    assert survive_sentence(replace(projection, kept=0)).startswith("None of the nearest neighbours survive")
    assert survive_sentence(replace(projection, kept=None)) == ""
    baselines = {"pca": Quality(0.7, 0.1, 15, 15 / 239), "random": Quality(0.5, 0.06, 15, 15 / 239)}
    trust = Trust(Quality(0.9, 0.21, 15, 15 / 239), baselines, SHARES, NO_PAIRS, NO_PAIRS)
    assert baselines_sentence(projection, trust) == "PCA keeps 1 in 10, a random picture 1 in 16 (chance)."
    assert baselines_sentence(replace(projection, method="pca"), trust) == "A random picture keeps 1 in 16 (chance)."
    assert baselines_sentence(projection, replace(trust, baselines={})) == ""


def test_what_stays_in_words():
    stability = Stability(0.66, SHARES, (1, 2, 3), 15, 15 / 239)
    told = "Under 3 other seeds, about 2 in 3 neighbours on this map stay neighbours (by chance 1 in 16)."
    assert stays_sentence(stability) == told
    assert stays_sentence(replace(stability, note="Taken of 5.")) == f"{told} Taken of 5."
    assert stays_sentence(replace(stability, seeds=(4,))).startswith("Under another seed, about 2 in 3")
    assert "whatever the seed" in stays_sentence(replace(stability, fixed=True))
    assert stays_sentence(replace(stability, stays=None, note="Too few.")) == "Too few."
