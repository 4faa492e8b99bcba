"""Choice: which layers and poolings of this checkpoint give vectors that are not what they seem."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from embedviz.doctor.case import Case
from embedviz.doctor.unchecked import Unchecked
from embedviz.doctor.words import listed, plural, shown
from embedviz.records import Finding
from embedviz.similarity import mean_cosine

#: So much more crowded than the trained pooling, another one is a trap.
_MORE_CROWDED = 0.2
_MEAN = "the mean over the tokens of the last block"


def recipe(case: Case) -> Iterator[Finding]:
    told = case.checkpoint.recipe
    reads = case.checkpoint.inputs.modality
    if reads != "text":
        raise Unchecked(f"the model reads {reads}")
    if not told.untold:
        return
    usual = "the last token of the last block, or the mean over all" if _forward_only(case) else _MEAN
    yield Finding(
        code="choice.recipe",
        severity="info",
        title="Nothing says how this model's vectors were pooled",
        evidence=f"{told.untold}; embedviz starts with the mean over tokens, not scaled to length 1, "
        f"cut at {case.checkpoint.max_tokens:,} tokens",
        why="Pooling, length limit and scaling are part of how an embedding model was trained. Another choice gives "
        "other neighbours, and nothing fails.",
        remedy=f"If the model came from sentence-transformers, bring its whole folder (modules.json and 1_Pooling). "
        f"Otherwise {usual} is the convention for {shown(case.family, 30) or 'such'} models; compare a few.",
    )


def _forward_only(case: Case) -> bool:
    try:
        return case.causal
    except Unchecked:
        # What cannot be run is advised as most models are.
        return False


def pooling(case: Case) -> Iterator[Finding]:
    told = case.checkpoint.recipe
    if told.untold:
        raise Unchecked("the checkpoint does not say which pooling it was trained with")
    trained = mean_cosine(case.vectors)
    others: dict[str, float | None] = {}
    if told.modes != ("cls",):
        others["the first token (CLS)"] = mean_cosine(case.pooled(case.together, "first"))
    for vectors in case.together.poolers.values():
        others["the pooler"] = mean_cosine(vectors.numpy())
    worse = {name: value for name, value in others.items() if value and value > (trained or 0.0) + _MORE_CROWDED}
    if worse:
        yield Finding(
            code="choice.pooling",
            severity="info",
            title="Only the trained pooling gives vectors that can be compared",
            evidence=f"mean cosine of {len(case.vectors)} unrelated probes: {trained:.2f} by {told.text}; "
            + ", ".join(f"{value:.2f} by {name}" for name, value in worse.items()),
            why="This model was trained to be read by its own recipe; read otherwise, unrelated texts look alike.",
            remedy="Keep the pooling “as trained” at the recommended layer.",
        )


def head(case: Case) -> Iterator[Finding]:
    layers = [layer for layer in case.checkpoint.layers if layer.role == "head" and layer.capturable and not layer.part]
    if not layers:
        return
    scores = layers[-1]
    labels = (scores.shape or ("?",))[-1]
    yield Finding(
        code="choice.head",
        severity="info",
        title="The model ends in a head, whose output is scores and not embeddings",
        evidence=f"{type(case.model).__name__}: {listed(layer.path for layer in layers)} after the last hidden state, "
        f"ending in {labels} scores",
        why="Scores (logits) tell the classes or words of the training task apart, and little else.",
        remedy=f"Choose {case.layer.path} or a layer before it.",
    )


def first_token(case: Case) -> Iterator[Finding]:
    hidden = case.together.hidden
    if hidden.ndim != 3:
        raise Unchecked("the layer gives one vector a text, without tokens")
    first = case.pooled(case.together, "first")
    if not np.allclose(first, first[:1], rtol=1e-4, atol=1e-5):
        return
    used = "cls" in case.checkpoint.recipe.modes
    yield Finding(
        code="choice.first-token",
        severity="error" if used else "info",
        title="The first token's vector is the same for every text",
        evidence=f"equal for {plural(len(first), 'different input')} at {case.layer.path}",
        why="The first token does not see those after it, so its vector cannot say anything about the text.",
        remedy="Pool by the mean over tokens or by the last token.",
    )


def causal(case: Case) -> Iterator[Finding]:
    if not case.causal:
        return
    yield Finding(
        code="choice.causal",
        severity="info",
        title="The model reads from left to right",
        evidence="changing the last token of a probe changes no vector before it",
        why="The first tokens' vectors know nothing of the rest of the text. The mean mixes them in; the last token "
        "alone has seen everything, but was trained to foretell the next one.",
        remedy="Compare the poolings “last” and “mean”, and layers before the last one."
        if case.checkpoint.recipe.untold
        else f"Keep this checkpoint's own pooling ({case.checkpoint.recipe.text}).",
    )


def encoder_only(case: Case) -> Iterator[Finding]:
    if not getattr(case.config, "is_encoder_decoder", False) and "Encoder" not in type(case.model).__name__:
        return
    alone = not any("decoder" in name.split(".") for name, _ in case.model.named_modules())
    if not alone:
        yield Finding(
            code="choice.encoder-only",
            severity="info",
            title="The model has an encoder and a decoder",
            evidence=f"{type(case.model).__name__} runs both; the recommended layer is {case.layer.path}",
            why="The decoder's layers see the text shifted by one and made to be written on; the encoder's are those "
            "that embed a text.",
            remedy="Choose the last block of the encoder.",
        )
    elif case.family in ("t5", "mt5", "umt5"):
        yield Finding(
            code="choice.encoder-only",
            severity="info",
            title="Of this encoder and decoder, the encoder alone is used",
            evidence=f"{type(case.model).__name__}",
            why="The encoder's blocks are those that embed a text; the decoder's parameters are not needed.",
            remedy="Nothing to do.",
        )
