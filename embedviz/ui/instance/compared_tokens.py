"""What a comparison of tokenizers shows: a sentence, the totals, each text's cosine, and the tokens side by side."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

import pandas as pd
import streamlit as st

from embedviz.records import Token, TokenizedText, TokenizerComparison, TokenizerTotals
from embedviz.ui import health, words
from embedviz.ui.instance.chips import chips, look, visible
from embedviz.ui.instance.lab import Lab

_COSINE = "The cosine of the two vectors of a text: 1 where the tokenizer makes no difference."


def show(compared: TokenizerComparison, lab: Lab) -> None:
    """Draw all of it."""
    st.markdown(f"**{words.escape(compared.reading)}**")
    for note in compared.notes:
        st.warning(words.escape(note), icon=":material/warning:")
    _totals(compared)
    text = _text_choice(compared, lab)
    _side_by_side(compared, text)
    _doctor(compared)


def _totals(compared: TokenizerComparison) -> None:
    sides = (compared.own, compared.other)
    known = compared.rows
    frame = pd.DataFrame(
        {
            "Tokenizer": ["This checkpoint's own", visible_name(compared.other)],
            "Tokens": [side.tokens for side in sides],
            "Unknown": [f"{side.unknown:,} of {side.ordinary:,}" for side in sides],
            "Out of range": [side.out_of_range if known is not None else None for side in sides],
            "Highest id": [side.highest_id for side in sides],
            "Tokens a word": [side.tokens_per_word for side in sides],
            "Vocabulary": [side.vocabulary for side in sides],
            "Done to the text first": [", ".join(side.normalisation) or "nothing" for side in sides],
            "Cut off": [side.cut for side in sides],
            "Class": [side.kind for side in sides],
        }
    )
    st.dataframe(
        frame,
        hide_index=True,
        key="lab_totals",
        alt="The two tokenizers: tokens, unknown ones, ids out of range",
        column_config={
            "Unknown": st.column_config.Column(help="Of the tokens that stand for text; special ones left out."),
            "Out of range": st.column_config.Column(help="Tokens whose id the model has no vector for."),
            "Tokens a word": st.column_config.NumberColumn(format="%.2f", help="About 1.3 is usual for a language."),
        },
    )
    if known is not None:
        st.caption(f"The model has vectors for {known:,} ids, 0 to {known - 1:,}.")


def visible_name(side: TokenizerTotals) -> str:
    return words.shorten(visible(side.name).replace("␣", " "), 60)


def _text_choice(compared: TokenizerComparison, lab: Lab) -> TokenizedText:
    """The texts with their cosines, and which of them is looked at."""
    listed = compared.texts
    frame = pd.DataFrame(
        {
            "Text": [text.text for text in listed],
            "Cosine": [text.cosine for text in listed],
            "Same ids": [round(text.same_ids, 2) for text in listed],
            "Tokens": [f"{_given(text.own)} → {_given(text.other)}" for text in listed],
            "Unknown": [f"{_unknown(text.own)} → {_unknown(text.other)}" for text in listed],
            "Why there is no cosine": [text.why_not for text in listed],
        }
    )
    if not any(text.why_not for text in listed):
        del frame["Why there is no cosine"]
    st.dataframe(
        frame,
        hide_index=True,
        key="lab_texts",
        height=min(320, 38 + 35 * len(listed)),
        alt="Each text with the cosine of its two vectors",
        column_config={
            "Cosine": st.column_config.ProgressColumn(format="%.3f", min_value=0, max_value=1, help=_COSINE),
            "Same ids": st.column_config.NumberColumn(
                format="percent", help="Of all positions, at which both give one id."
            ),
            "Tokens": st.column_config.Column(help="By the checkpoint's own tokenizer → by the other."),
            "Unknown": st.column_config.Column(help="By the checkpoint's own tokenizer → by the other."),
        },
    )
    if len(listed) == 1:
        return listed[0]
    by_text = {text.text: text for text in listed}
    if lab.text not in by_text:
        lab.text = listed[0].text

    chosen = st.selectbox(
        "Tokens of",
        list(by_text),
        index=list(by_text).index(lab.text),
        key="lab_text",
        format_func=lambda text: words.shorten(text, 100),
        persist_state="session",
        help="The text whose tokens are shown below.",
    )
    lab.text = chosen if chosen in by_text else lab.text
    return by_text[lab.text]


def _given(tokens: tuple[Token, ...]) -> int:
    return sum(not token.cut for token in tokens)


def _unknown(tokens: tuple[Token, ...]) -> int:
    return sum(token.unknown and not token.cut for token in tokens)


def _side_by_side(compared: TokenizerComparison, text: TokenizedText) -> None:
    left, right = st.columns(2)
    for column, name, tokens in (
        (left, "This checkpoint's own", text.own),
        (right, visible_name(compared.other), text.other),
    ):
        with column, st.container(border=True):
            st.markdown(f"**{words.escape(name)}** · {words.count(_given(tokens), 'token')}")
            st.markdown(chips(tokens, text.text))
    told = words.escape(text.why_not) if text.cosine is None else f"Cosine of the two vectors: {text.cosine:.3f}"
    st.caption(told)
    with st.expander("Every token with its id"):
        st.dataframe(_table(text), key="lab_tokens", height=300, alt="Every token of both tokenizers with its id")


def _table(text: TokenizedText) -> pd.DataFrame:
    rows = []
    for one, other in zip_longest(text.own, text.other):
        row: dict[str, Any] = {}
        for side, token in (("own", one), ("other", other)):
            row[f"Token ({side})"] = visible(token.text) if token else ""
            row[f"Id ({side})"] = token.id if token else None
            row[f"What it is ({side})"] = look(token, text.text)[1] if token else ""
        row["Same id"] = "same" if one and other and one.id == other.id else ""
        rows.append(row)
    return pd.DataFrame(rows, index=pd.RangeIndex(1, len(rows) + 1, name="Position")).astype(
        {"Id (own)": "Int64", "Id (other)": "Int64"}
    )


def _doctor(compared: TokenizerComparison) -> None:
    """What the doctor says of the checkpoint's own tokenizer."""
    told = [finding for finding in compared.findings if finding.severity != "info"]
    if not told:
        st.caption(":material/check_circle: The doctor finds nothing wrong with this checkpoint's own tokenizer.")
        return
    st.markdown("The doctor says of this checkpoint's own tokenizer:")
    lines = [
        f"- {health.ICONS[each.severity]} **{words.escape(each.title)}**: {words.prose(each.evidence)}" for each in told
    ]
    st.markdown("\n".join(lines))
    if any(finding.repair for finding in told):
        st.caption("The Doctor page repairs it at a press.")
