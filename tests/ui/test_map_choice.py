"""The controls of the map, by themselves: which methods are offered for how many instances."""

import pytest
from streamlit.testing.v1 import AppTest

from embedviz.projection import METHODS


def controls(count: int) -> AppTest:
    def page(count: int) -> None:
        from types import SimpleNamespace

        from embedviz.ui.map_choice import _settings
        from embedviz.ui.settings import MapSettings

        _settings(SimpleNamespace(map=MapSettings("mds", 2, 0, ()), key=str), count)  # type: ignore[arg-type]

    return AppTest.from_function(page, args=(count,)).run()


@pytest.mark.parametrize("count", [3, 2_000, 2_001])
def test_a_method_beyond_its_range_is_not_offered_and_says_why(count: int) -> None:
    shown = controls(count)
    assert not shown.exception
    offered = [name for name, method in METHODS.items() if method.fits(count)]
    assert shown.button_group[0].options == [METHODS[name].label for name in offered]
    assert shown.button_group[0].value == ("mds" if count <= 2_000 else "umap")
    why = "Classical MDS is for up to 2,000 instances."
    assert (why in [caption.value for caption in shown.caption]) == (count > 2_000)
