"""A page with nothing but linked maps, for their browser tests: `streamlit run tests/browser/linked_maps_app.py`.

The address chooses what it shows: ?case=glosses, hostile, empty or large; ?mode=maps, trails or flight; ?maps=6.
"""

from __future__ import annotations

import numpy as np
import streamlit as st

from embedviz.figures.linked import Packed, pack_maps
from embedviz.modalities.samples import load_sample
from embedviz.records import Instances, IntArray, Projection
from embedviz.ui.linked_maps import linked_maps

ATTACK = "</script><img src=x onerror=window.pwned=1> $x$ \u202eturned \ud800half"
ALT = "Maps of seven layers, the same colours in each."


def glosses() -> Instances:
    return load_sample("wordnet-glosses")


def hostile() -> Instances:
    """Texts that their author may have chosen with a browser in mind."""
    texts = (ATTACK, "<b>bold</b>", "{{x}} ${1}", "__proto__", "\u2028line\nend", "long " * 300, "</textarea>", "")
    labels = (ATTACK, "<i>i</i>", None, "constructor", ATTACK, "b" * 400, " ", "2")
    return Instances(texts, tuple(f"<u>{text[:20]}</u>{place}" for place, text in enumerate(texts)), {ATTACK: labels})


def large() -> Instances:
    n = 20_000
    labels = tuple(f"kind {place % 12}" for place in range(n))
    return Instances(tuple(f"text {place}" for place in range(n)), tuple(map(str, range(n))), {"label": labels})


def empty() -> Instances:
    return Instances((), (), {"label": ()})


CASES = {"glosses": glosses, "hostile": hostile, "large": large, "empty": empty}


def made_maps(instances: Instances, layers: int) -> dict[str, Projection]:
    """Maps on which the groups of the first column part from layer to layer."""
    rng = np.random.default_rng(7)
    column = next(iter(instances.columns.values()))
    names = sorted({str(value) for value in column})
    angles = np.array([2 * np.pi * names.index(str(value)) / max(len(names), 1) for value in column])
    centres = np.column_stack([np.cos(angles), np.sin(angles)]) if len(column) else np.empty((0, 2))
    cloud, maps = rng.normal(size=(len(column), 2)), {}
    for layer in range(layers):
        share = layer / max(layers - 1, 1)
        places = (1 - 0.7 * share) * cloud + 2.4 * share * centres + 0.08 * rng.normal(size=(len(column), 2))
        maps[f"encoder.layer.{layer}.output"] = Projection(places.astype(np.float32), "umap", {}, 0)
    if len(column) > 3:
        first = next(iter(maps.values()))
        first.coordinates[3] = np.nan
    return maps


def nearest(maps: dict[str, Projection], k: int = 10) -> dict[str, IntArray]:
    """Neighbours on the maps, in place of those in the layers."""
    found = {}
    for name, projection in maps.items():
        places = np.nan_to_num(projection.coordinates, nan=1e6)
        distances = ((places[:, None] - places[None]) ** 2).sum(axis=2)
        found[name] = np.argsort(distances, axis=1)[:, 1 : k + 1]
    return found


@st.cache_resource
def packed(case: str, layers: int, theme: str, colour: bool) -> Packed:
    instances = CASES[case]()
    maps = made_maps(instances, layers)
    column = next(iter(instances.columns)) if colour else None
    few = 0 < len(instances) <= 1000
    kept = {name: np.linspace(0, 1, len(instances), dtype=np.float32) for name in maps}
    titles = dict.fromkeys(maps, ATTACK) if case == "hostile" else None
    captions = {name: f"keeps 1 in {place + 2} neighbours" for place, name in enumerate(maps)}
    neighbours = nearest(maps) if few else None
    return pack_maps(
        maps, instances, colour=column, theme=theme, neighbours=neighbours, kept=kept, titles=titles, captions=captions
    )


def page() -> None:
    st.set_page_config(page_title="Linked maps", layout="wide")
    given, state = st.query_params, st.session_state
    state.setdefault("selected", ())
    state.runs = state.get("runs", 0) + 1
    layers = int(given.get("layers", 7))
    colour = not st.toggle("No colours")
    maps = packed(given.get("case", "glosses"), layers, st.context.theme.type or "light", colour)

    def follow(ids: tuple[str, ...]) -> None:
        state.selected = ids
        state.told = state.get("told", 0) + 1

    st.title("Linked maps")
    st.button("App selects the first two", on_click=lambda: state.update(selected=maps.ids[:2]))
    st.button("Run again")
    mode = st.segmented_control("Picture", ["maps", "trails", "flight"], default=given.get("mode", "maps"))
    if not st.toggle("Hide the maps"):
        linked_maps(
            maps,
            key="maps",
            mode=mode or "maps",
            shown=maps.names[: int(given.get("maps", 6))],
            selected=state.selected,
            focus=given.get("focus"),
            highlighted=maps.ids[:5] if "search" in given else (),
            height=int(given.get("height", 620)),
            on_select=follow,
            alt=ALT,
        )
    st.text(f"selected: {len(state.selected)}: {', '.join(state.selected[:3])!r}")
    st.text(f"told: {state.get('told', 0)}")
    st.text(f"runs: {state.runs}")


if __name__ == "__main__":
    page()
