"""The instance's own vector: its numbers, what is unusual about them, and how to get it without the app."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from embedviz import __version__
from embedviz.export.lines import few_lines
from embedviz.figures.frame import CONFIG
from embedviz.figures.strip import MOST_VALUES, strip
from embedviz.moments import Moments, postprocess_part
from embedviz.records import FloatArray
from embedviz.standing_out import StandingOut, standing_out
from embedviz.ui import words
from embedviz.ui.instance.one import One
from embedviz.ui.store import store
from embedviz.vectors import POSTPROCESSING


def section(one: One) -> None:
    """Numbers, strip, the dimensions that stand out, files, and lines of Python."""
    settings, picture = one.settings, one.picture
    own = one.embeddings(settings)
    assert own is not None
    usual: tuple[Moments, FloatArray] = _usual(one)
    moments, band = usual
    vector = postprocess_part(own.vectors, settings.postprocessing, moments)[0]
    odd = standing_out(own.vectors[0], picture.embeddings)
    _numbers(one, own.vectors[0], odd, None if own.tokens is None else int(own.tokens[0]))
    left, right = st.columns([3, 2], gap="medium")
    with left:
        theme = "dark" if st.context.theme.type == "dark" else "light"
        st.plotly_chart(
            strip(vector, band, odd.dimensions.tolist(), theme=theme),
            key="look_strip",
            config={**CONFIG, "displayModeBar": False},
            theme=None,
            alt=f"The {len(vector):,} values of the vector as bars, over the range that is usual in the set.",
        )
        more = f" The first {MOST_VALUES:,} of {len(vector):,} are drawn." if len(vector) > MOST_VALUES else ""
        then = POSTPROCESSING[settings.postprocessing].label.lower()
        st.caption(
            f"Every dimension's value ({then}). The grey band is where the middle 90% of the set lies; dark bars are "
            f"the dimensions that stand out.{more}"
        )
        _files(one, vector)
    with right:
        _table(odd)
    _python(one)


def _usual(one: One) -> tuple[Moments, FloatArray]:
    """What the set has in common, and the (2, width) percentiles of its values as they are drawn; kept."""
    settings = one.settings
    key = ("usual", settings.vectors_key, settings.postprocessing)
    found: tuple[Moments, FloatArray] | None = store.get(key)
    if found is None:
        vectors, moments = one.picture.embeddings.vectors, Moments()
        moments.add(vectors)
        band = np.percentile(postprocess_part(vectors, settings.postprocessing, moments), [5, 95], axis=0)
        found = (moments, band.astype(np.float32))
        store.put(key, found, 8 * band.size)
    return found


def _numbers(one: One, vector: FloatArray, odd: StandingOut, tokens: int | None) -> None:
    norm = float(np.linalg.norm(vector.astype(np.float64)))
    low, high = odd.lengths
    first, second, third = st.columns(3)
    first.metric("Dimensions", f"{len(vector):,}", help="How many numbers the vector has: the width of the layer.")
    second.metric(
        "Length (norm)",
        f"{norm:.3g}",
        help=f"As captured, before “{POSTPROCESSING[one.settings.postprocessing].label}”. Cosines do not depend on it. "
        f"The middle 90% of the set: {low:.3g} to {high:.3g}.",
    )
    if tokens is not None:
        third.metric("Tokens", f"{tokens:,}", help="Real tokens, with the special ones; padding is never pooled.")


def _table(odd: StandingOut) -> None:
    st.markdown("**Dimensions that stand out**")
    if not len(odd.dimensions):
        st.caption("All of the set has the same values: nothing can stand out.")
        return
    frame = pd.DataFrame(
        {"dimension": odd.dimensions, "value": odd.values, "mean of the set": odd.means, "deviations": odd.deviations}
    )
    number = st.column_config.NumberColumn
    st.dataframe(
        frame,
        hide_index=True,
        height=247,
        column_config={
            "value": number(format="%.4f"),
            "mean of the set": number(format="%.4f"),
            "deviations": number(format="%+.1f", help="How many standard deviations of the set it is from the mean."),
        },
        alt="The dimensions in which the vector is farthest from the mean of the set",
    )


def _files(one: One, vector: FloatArray) -> None:
    with st.container(horizontal=True):
        for name, made, help_ in (
            ("vector.npy", lambda: _npy(vector), "For numpy.load: (width,) float32, after the post-processing."),
            ("vector.json", lambda: _json(one, vector), "The numbers, and where they come from."),
        ):
            st.download_button(
                name, made, name, key=f"look_{name}", icon=":material/download:", on_click="ignore", help=help_
            )


def _npy(vector: FloatArray) -> bytes:
    written = io.BytesIO()
    np.save(written, vector, allow_pickle=False)
    return written.getvalue()


def _json(one: One, vector: FloatArray) -> str:
    settings = one.settings
    told: dict[str, Any] = {
        "instance": one.text,
        "checkpoint": settings.opened.name,
        "fingerprint": settings.opened.fingerprint,
        "layer": settings.layer,
        "pooling": settings.pooling,
        "postprocessing": settings.postprocessing,
        "prompt": settings.prompt,
        "embedviz": __version__,
        "vector": [float(value) if np.isfinite(value) else None for value in vector],
    }
    return json.dumps(told, ensure_ascii=False)


def _python(one: One) -> None:
    settings = one.settings
    layer = settings.opened.layer(settings.layer)
    source = settings.opened.source
    st.markdown("**The same in Python**")
    st.code(
        few_lines(
            one.item,
            settings.layer,
            settings.pooling if layer is None or layer.over else "",
            checkpoint=None if source.path is None else source.name,
            postprocessing=settings.postprocessing,
            prompt=settings.prompt,
            insist=bool(layer is not None and layer.untrained),
        ),
        language="python",
        # Lines that scroll cannot be reached by keyboard.
        wrap_lines=True,
    )
    if settings.postprocessing in ("centred", "standardised"):
        label = POSTPROCESSING[settings.postprocessing].label.lower()
        st.caption(f"As captured: {words.escape(label)} vectors depend on the whole set (`ev.postprocess`).")
