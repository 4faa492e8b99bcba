"""Figures: nothing lost, nothing run, everything told apart."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from embedviz.errors import ProjectionError
from embedviz.figures import THEMES, describe, describe_matrix, heatmap, palette, scatter
from embedviz.figures.categories import categories, is_continuous
from embedviz.figures.colours import MOST_CATEGORIES, OKABE_ITO, readable, shapes
from embedviz.figures.points import FADED
from embedviz.figures.words import plain, wrap
from embedviz.records import Instances, Projection


def made(count=20, dimensions=2, **columns):
    rng = np.random.default_rng(0)
    instances = Instances(
        items=tuple(f"text {number}" for number in range(count)),
        ids=tuple(f"id{number}" for number in range(count)),
        columns=columns or {"label": tuple("ab"[number % 2] for number in range(count))},
        label=None,
    )
    coordinates = rng.normal(size=(count, dimensions)).astype(np.float32)
    return Projection(coordinates, "umap", {"neighbours": 15}, 42), instances


def markers(figure):
    return [trace for trace in figure.data if trace.mode == "markers" and "open" not in str(trace.marker.symbol)]


def shown_ids(figure):
    return [data[0] for trace in markers(figure) for data in trace.customdata]


# Colours


def linear(colour):
    channels = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def contrast(one, other):
    light = [float(linear(colour) @ (0.2126, 0.7152, 0.0722)) + 0.05 for colour in (one, other)]
    return max(light) / min(light)


#: Machado, Oliveira and Fernandes 2009, severity 1, on linear RGB.
SIGHT = {
    "full": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
}


def oklab(rgb):
    cones = np.array(
        [
            [0.4122214708, 0.5363325363, 0.0514459929],
            [0.2119034982, 0.6806995451, 0.1073969566],
            [0.0883024619, 0.2817188376, 0.6299787005],
        ]
    )
    axes = np.array(
        [
            [0.2104542553, 0.7936177850, -0.0040720468],
            [1.9779984951, -2.4285922050, 0.4505937099],
            [0.0259040371, 0.7827717662, -0.8086757660],
        ]
    )
    return axes @ np.cbrt(cones @ np.clip(rgb, 0, 1))


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize("theme", THEMES)
def test_the_first_eight_colours_are_told_apart(theme, sight):
    # 0.02 is about the least difference that is seen at all in OKLab; Okabe and Ito's own set keeps 0.076.
    for one, other in combinations(OKABE_ITO[theme], 2):
        apart = np.linalg.norm(oklab(SIGHT[sight] @ linear(one)) - oklab(SIGHT[sight] @ linear(other)))
        assert apart > 0.06, (one, other)


@pytest.mark.parametrize("theme", THEMES)
def test_every_colour_is_seen_on_its_background(theme):
    look = THEMES[theme]
    for colour in (*palette(MOST_CATEGORIES, theme), *look.continuous, look.missing, look.line):
        assert contrast(colour, look.background) >= 3, colour
    for colour in (look.ink, look.muted):
        assert contrast(colour, look.background) >= 4.5
        assert contrast(colour, look.label_background) >= 4.5


@pytest.mark.parametrize("dimensions", [2, 3])
def test_no_two_categories_look_the_same(dimensions):
    looks = list(zip(palette(MOST_CATEGORIES), shapes(MOST_CATEGORIES, dimensions), strict=True))
    assert len(set(looks)) == MOST_CATEGORIES
    assert len(set(shapes(7, dimensions))) == 7


@pytest.mark.parametrize("theme", THEMES)
def test_numbers_are_read_on_every_cell(theme):
    for colours in (THEMES[theme].sequential, THEMES[theme].diverging):
        for step, colour in enumerate(colours):
            assert contrast(readable(colours, step / (len(colours) - 1)), colour) >= 4.5
    assert readable(("#000000", "#FFFFFF"), 0.3) == "#FFFFFF"
    assert readable(("#000000", "#FFFFFF"), 0.6) == "#000000"


# Words


HOSTILE = "<img src=x onerror=alert(1)> $\\href{javascript:alert(1)}{x}$ <a href='http://x'>k</a> \u202eevil\x00"


@pytest.mark.parametrize("dimensions", [2, 3])
def test_hostile_text_is_drawn_as_text(dimensions):
    projection, _ = made(3, dimensions)
    instances = Instances((HOSTILE,) * 3, ("<b>1</b>", "$2$", "3"), {HOSTILE: (HOSTILE, "=cmd|x", "<br>")})
    figure = scatter(projection, instances, colour=HOSTILE)
    words = [note.text for note in figure.layout.annotations]
    assert len(words) == (3 if dimensions == 2 else 0)
    shown = [figure.layout.legend.title.text, *words]
    for trace in markers(figure):
        shown += [trace.name, *(data[1] for data in trace.customdata)]
    for text in shown:
        for tag in ("<br>", "<b>", "</b>", "</span>", f'<span style="color:{THEMES["light"].muted}">'):
            text = text.replace(tag, "")
        assert not set(text) & set("<>$\u202e\x00")
    # The page is told the id itself, which is never drawn.
    assert set(shown_ids(figure)) == {"<b>1</b>", "$2$", "3"}


def test_hostile_text_in_a_table():
    figure = heatmap(np.eye(2), [HOSTILE, HOSTILE], groups=[HOSTILE, "b"])
    for text in (*figure.data[0].x, *figure.layout.xaxis.ticktext, *figure.layout.yaxis.ticktext):
        assert not set(text.replace("<br>", "")) & set("<>$\u202e\x00")


def test_wrap():
    lines = wrap("word " * 500, 60, 6).split("<br>")
    assert len(lines) == 6
    assert all(len(line) <= 60 for line in lines)
    assert lines[-1].endswith("…")
    assert wrap("x" * 130, 60, 6).count("<br>") == 2
    assert wrap("a\nb\tc") == "a b c"
    assert plain("\ud800x") == "\ufffdx"


# Which points share a colour


def test_categories_beyond_the_most_are_drawn_together():
    values = [f"k{kind:02}" for kind in range(40) for _ in range(40 - kind)] + [None, float("nan"), " "]
    groups = categories(values)
    assert len(groups) == MOST_CATEGORIES + 1
    assert [group.name for group in groups[-2:]] == [f"other ({40 - MOST_CATEGORIES + 1} labels)", "no label"]
    assert groups[0].name == "k00"
    assert len(groups[-1].positions) == 3
    assert sum(len(group.positions) for group in groups) == len(values)
    assert sorted(np.concatenate([group.positions for group in groups])) == list(range(len(values)))


def test_names_that_all_differ_get_no_colours():
    groups = categories([f"name {number}" for number in range(100)])
    assert [(group.name, group.rank) for group in groups] == [("other (100 labels)", None)]
    assert len(categories([f"name {number}" for number in range(MOST_CATEGORIES)])) == MOST_CATEGORIES


def test_numbers_are_sorted_as_numbers_and_become_a_scale_when_many():
    assert [group.name for group in categories([10, 2, 1])] == ["1", "2", "10"]
    assert is_continuous(range(13))
    assert not is_continuous(list(range(12)) * 5)
    assert not is_continuous([True, False] * 10)
    assert not is_continuous([None] * 20)
    assert not is_continuous([str(number) for number in range(20)])


# The map


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("dimensions", [2, 3])
@pytest.mark.parametrize("colour", [None, "label", "length"])
def test_every_point_is_drawn_once_at_its_place(dimensions, colour, theme):
    projection, instances = made(
        50, dimensions, label=tuple([*"abc", None, "d"] * 10), length=(None, *map(float, range(49)))
    )
    for highlighted in ((), instances.ids[:5]):
        figure = scatter(projection, instances, colour=colour, highlighted=highlighted, theme=theme)
        assert sorted(shown_ids(figure)) == sorted(instances.ids)
        place = {identity: tuple(row) for identity, row in zip(instances.ids, projection.coordinates, strict=True)}
        for trace in markers(figure):
            axes = [trace.x, trace.y, *([trace.z] if dimensions == 3 else [])]
            for data, *coordinates in zip(trace.customdata, *axes, strict=True):
                assert tuple(coordinates) == place[data[0]]
        json.loads(figure.to_json())


def test_points_without_a_place_are_left_out():
    projection, instances = made(10)
    projection.coordinates[3] = np.nan
    projection.coordinates[4, 0] = np.inf
    figure = scatter(
        projection, instances, colour="label", selected=["id3", "id5"], lines=[("id5", "id3"), ("id5", "id6")]
    )
    assert sorted(shown_ids(figure)) == sorted(set(instances.ids) - {"id3", "id4"})
    assert len(figure.data[0].x) == 3
    assert describe(projection, instances).startswith("UMAP map in 2-D of 8 instances; 2 more have no place")


def test_few_points_of_a_flat_map_carry_words():
    projection, instances = made(15)
    projection.coordinates[3] = np.nan
    projection.coordinates[:3] = ((-9, 3), (9, 0), (0, 9))
    projection.coordinates[4:] = 0
    instances = replace(instances, items=("a long text that nobody reads on a map", "", *instances.items[2:]))
    notes = {note.text: note for note in scatter(projection, instances).layout.annotations}
    assert list(notes)[:3] == ["a long text that nobody rea…", "id1", "text 2"]
    assert notes["a long text that nobody rea…"].xanchor == "left"
    assert notes["id1"].xanchor == "right", "there is no room at the right"
    assert (notes["id1"].x, notes["id1"].y) == (9, 0)
    assert "text 3" not in notes, "it has no place"
    assert len(notes) == 3 + 4, "a word on each side of the points that lie over one another"
    assert scatter(*made(16)).layout.annotations == scatter(*made(5, 3)).layout.annotations == ()
    (alone,) = scatter(*made(1)).layout.annotations
    assert THEMES["light"].background in alone.font.shadow


def test_everything_without_a_place():
    for dimensions in (2, 3):
        projection, instances = made(4, dimensions)
        projection.coordinates[:] = np.nan
        for colour in (None, "label"):
            assert shown_ids(scatter(projection, instances, colour=colour)) == []
        numbers = Instances(instances.items * 5, tuple(map(str, range(20))), {"n": tuple(range(20))})
        nowhere = Projection(np.full((20, dimensions), np.nan, dtype=np.float32), "pca", {}, 0)
        assert shown_ids(scatter(nowhere, numbers, colour="n")) == []


def test_legend_counts_and_order_survive_a_search():
    projection, instances = made(20)
    plain_figure = scatter(projection, instances, colour="label")
    assert [trace.name for trace in markers(plain_figure)] == ["a  10", "b  10"]
    searched = scatter(projection, instances, colour="label", highlighted=["id0", "id1", "id2"])
    in_legend = [trace for trace in searched.data if trace.showlegend]
    assert sorted(trace.name for trace in in_legend) == ["a  10", "b  10"]
    assert {trace.name: trace.legendrank for trace in in_legend} == {"a  10": 1, "b  10": 2}
    clear = [data[0] for trace in markers(searched) if trace.marker.opacity > FADED for data in trace.customdata]
    assert sorted(clear) == ["id0", "id1", "id2"]
    opacities = [trace.marker.opacity for trace in markers(searched)]
    assert opacities == sorted(opacities), "those found are drawn last, above the others"


def test_selection_is_plotlys_own_and_ringed():
    projection, instances = made(20)
    figure = scatter(projection, instances, colour="label", selected=["id3", "id4", "gone"])
    chosen = {trace.customdata[index][0] for trace in markers(figure) for index in trace.selectedpoints}
    assert chosen == {"id3", "id4"}
    ring = figure.data[-1]
    assert [data[0] for data in ring.customdata] == ["id3", "id4"]
    assert ring.marker.symbol == "circle-open"
    assert all(trace.unselected.marker.opacity == FADED for trace in markers(figure))
    single = scatter(projection, instances, selected=["id3"])
    assert markers(single)[0].unselected.marker.opacity > 0.5, "one selected point does not hide the map"
    assert all(trace.selectedpoints is None for trace in scatter(projection, instances).data)
    many = scatter(*made(300), selected=[f"id{number}" for number in range(250)])
    assert len(many.data) == 1, "so many rings would hide what they ring"


@pytest.mark.parametrize("dimensions", [2, 3])
def test_lines_lie_beneath_and_end_where_they_should(dimensions):
    projection, instances = made(6, dimensions)
    figure = scatter(projection, instances, lines=[("id0", "id1"), ("id0", "id5"), ("id0", "gone")])
    lines = figure.data[0]
    assert lines.mode == "lines"
    place = projection.coordinates
    assert np.allclose(lines.x, [place[0, 0], place[1, 0], np.nan, place[0, 0], place[5, 0], np.nan], equal_nan=True)
    assert np.allclose(lines.y, [place[0, 1], place[1, 1], np.nan, place[0, 1], place[5, 1], np.nan], equal_nan=True)


def test_the_view_is_equal_bare_and_kept():
    projection, instances = made()
    layout = scatter(projection, instances).layout
    assert layout.yaxis.scaleanchor == "x"
    assert not layout.xaxis.visible
    assert not layout.yaxis.visible
    assert layout.paper_bgcolor == layout.plot_bgcolor == "rgba(0,0,0,0)"
    assert layout.uirevision == scatter(*made(30)).layout.uirevision is not None
    scene = scatter(*made(20, 3)).layout.scene
    assert scene.aspectmode == "data"
    flat, instances = made(20, 3)
    flat.coordinates[:, 2] = 0
    assert scatter(flat, instances).layout.scene.aspectmode == "cube"


def test_many_points_use_webgl_and_very_many_carry_no_text():
    assert scatter(*made(2_000)).data[0].type == "scatter"
    dense = scatter(*made(2_001)).data[0]
    assert dense.type == "scattergl"
    assert len(dense.customdata[0]) == 2
    full = scatter(*made(20_001)).data[0]
    assert len(full.customdata[0]) == 1
    assert full.hovertemplate is None
    assert full.hoverinfo == "none"


def test_a_scale_is_shared_by_found_and_faded_points_and_missing_ones_are_grey():
    projection, instances = made(20, n=(None, float("inf"), *map(float, range(18))))
    figure = scatter(projection, instances, colour="n", highlighted=["id5", "id6"])
    axis = figure.layout.coloraxis
    assert (axis.cmin, axis.cmax) == (0, 17)
    scaled = [trace for trace in markers(figure) if trace.marker.coloraxis]
    assert sum(len(trace.x) for trace in scaled) == 18
    assert len(scaled) == 2
    (grey,) = (trace for trace in markers(figure) if not trace.marker.coloraxis)
    assert grey.name == "no value  2"
    assert grey.marker.color == THEMES["light"].missing


def test_wrong_requests_say_why():
    projection, instances = made(5)
    with pytest.raises(ProjectionError, match="label"):
        scatter(projection, instances, colour="lable")
    with pytest.raises(ProjectionError, match="5 instances"):
        scatter(Projection(np.zeros((4, 2), np.float32), "pca", {}, 0), instances)
    with pytest.raises(ProjectionError, match="5 instances"):
        scatter(Projection(np.zeros((5, 4), np.float32), "pca", {}, 0), instances)


# The table of cosines


@pytest.mark.parametrize("theme", THEMES)
def test_raw_cosines_have_one_hue_from_zero(theme):
    values = np.array([[1, -0.001, np.nan], [-0.2, 1, 0.4], [np.nan, 0.4, 1]])
    grey, cells, numbers = heatmap(values, ["a", "a", "c"], theme=theme).data
    assert list(numbers.text) == ["1.00", "0.00", "-0.20", "1.00", "0.40", "0.40", "1.00"]
    assert (cells.zmin, cells.zmax) == (0, 1)
    assert np.allclose(cells.z, values, equal_nan=True)
    assert np.array_equal(np.isfinite(grey.z), np.isnan(values))
    assert {colour for _, colour in grey.colorscale} == {THEMES[theme].missing}
    assert len(set(cells.x)) == 3, "instances with the same text keep a row each"
    assert ".2f" in cells.hovertemplate


def test_centred_cosines_meet_at_zero():
    values = np.array([[1, -0.43, 0.1], [-0.43, 1, 0.2], [0.1, 0.2, 1]])
    cells = heatmap(values, ["a", "b", "c"], diverging=True).data[0]
    assert (cells.zmin, cells.zmax) == (-0.5, 0.5)
    middle = THEMES["light"].diverging[3]
    assert (0.5, middle) in [tuple(step) for step in cells.colorscale]
    assert heatmap([[1]], ["a"], diverging=True).data[0].zmax == 1


def test_cells_are_square_and_the_first_row_is_at_the_top():
    layout = heatmap(np.eye(3), ["a", "b", "c"]).layout
    assert layout.yaxis.scaleanchor == "x"
    assert layout.yaxis.autorange == "reversed"
    assert list(layout.yaxis.ticktext) == ["a", "b", "c"]


def test_groups_are_framed_and_named():
    figure = heatmap(np.eye(5), list("vwxyz"), groups=["a", "a", "b", "b", "b"])
    assert [(shape.x0, shape.x1) for shape in figure.layout.shapes] == [(-0.5, 1.5), (1.5, 4.5)]
    assert list(figure.layout.yaxis.ticktext) == ["a", "b"]
    assert list(figure.layout.yaxis.tickvals) == [0.5, 3.0]


def test_a_table_that_does_not_fit_its_texts_is_refused():
    with pytest.raises(ProjectionError, match="2 texts"):
        heatmap(np.eye(3), ["a", "b"])


# In words


def test_describe():
    projection, instances = made(20)
    assert describe(projection, instances, colour="label", selected=["id1", "gone"], highlighted=["id2"]) == (
        "UMAP map in 2-D of 20 instances; coloured by label: a 10, b 10; 1 selected; 1 found by the search."
    )
    projection, instances = made(20, n=tuple(map(float, range(20))))
    assert "coloured by n, from 0 to 19" in describe(projection, instances, colour="n")
    projection, instances = made(20, n=tuple(f"k{number % 10}" for number in range(20)))
    assert describe(projection, instances, colour="n").endswith("k7 2 and 2 more.")


def test_describe_matrix():
    values = np.array([[1, 0.2, 0.4], [0.2, 1, 0.6], [0.4, 0.6, 1]])
    assert describe_matrix(values) == (
        "Table of cosines between 3 instances: between different instances from 0.20 to 0.60, half of them above 0.40."
    )
    assert describe_matrix([[1]], diverging=True) == "Table of centred cosines between 1 instances."
