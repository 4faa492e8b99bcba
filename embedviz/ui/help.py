"""What the words of the app mean, and where to begin."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from embedviz.stories.glossary import GLOSSARY
from embedviz.ui import words

#: Words that only those meet who open models; the others stand in stories too.
TERMS = {
    "checkpoint": "A trained model as it was saved: its weights, its configuration, and its tokenizer where it reads "
    "text.",
    "instance": "One test input: a text, a picture, or an array of numbers.",
    "hook": "A listener on one module of the model. It hands out what the module makes, and changes nothing.",
    "pooling": "How the vectors of all tokens of an instance become one vector: their mean, the first token's, the "
    "largest value of each dimension.",
    "length 1 (L2 norm)": "Each vector scaled to length 1, so that only its direction counts. Cosines stay the same.",
    "centred": "With the average of all instances taken away. Shows differences where all vectors point the same way.",
    "crowding": "The mean cosine of all pairs. Near 1, all vectors point the same way, and raw cosines say little.",
    "projection": "How vectors of hundreds of numbers are drawn on a flat map: UMAP, t-SNE, PCA, MDS. All of them lose "
    "most of it; below each map stands how much it keeps.",
    "kept neighbours": "How many of an instance's true neighbours are its neighbours on the map too.",
    "trustworthiness": "Near 1 where the neighbours on a map are neighbours in truth; near 0.5 by chance.",
    "CKA, RSA": "Two measures of how alike two layers arrange the same instances, whatever their widths.",
    "finding": "One line of the Doctor: what was seen, why it matters, what to do.",
}


def help_(start: Callable[[], None]) -> None:
    """The glossary and the tour, which ``start`` begins, behind a button."""
    with st.popover("Help", icon=":material/help:", width="stretch", help="What the words mean, and a short tour."):
        if st.button("Take the tour", key="help_tour", icon=":material/signpost:", width="stretch"):
            start()
        every = {**GLOSSARY, **TERMS}
        lines = [f"**{words.escape(term)}**: {words.escape(every[term])}" for term in sorted(every, key=str.casefold)]
        st.markdown("\n\n".join(lines))
