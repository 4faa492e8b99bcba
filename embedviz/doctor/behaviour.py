"""Behaviour: what a few forward passes say of the vectors, whatever the files say."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from embedviz.doctor import probes
from embedviz.doctor.case import Case
from embedviz.doctor.passes import cosines
from embedviz.doctor.unchecked import ModelFails, Unchecked
from embedviz.doctor.words import listed, plural, quoted
from embedviz.records import Finding
from embedviz.similarity import cosine_similarity, mean_cosine
from embedviz.vectors import unit_vectors

#: The least cosine between two vectors that should be one.
_SAME = 0.999
_CROWDED = 0.95
_LARGEST_HALF = 65_504.0


def fails(case: Case) -> Iterator[Finding]:
    try:
        _ = case.together
    except ModelFails as failure:
        yield Finding(
            code="behaviour.fails",
            severity="error",
            title="The model fails on ordinary input",
            evidence=f"eight short inputs in one batch: {failure}",
            why="No layer can be captured from a model that does not run.",
            remedy="The configuration, the weights and the tokenizer are not all of one model, or the configuration "
            "was edited: restore them from where the model was saved.",
        )


def train_mode(case: Case) -> Iterator[Finding]:
    training = [name or "the model" for name, module in case.model.named_modules() if module.training]
    if training:
        yield Finding(
            code="behaviour.train-mode",
            severity="info",
            title="The model was in train mode",
            evidence=f"{plural(len(training), 'module')}: {listed(training)}",
            why="In train mode dropout changes every vector at each call, and batch norms learn from your instances. "
            "embedviz switches to eval mode for every pass.",
            remedy="In your own code: `model.eval()` before the first pass.",
        )


def repeat(case: Case) -> Iterator[Finding]:
    one, two = case.together.hidden, case.again.hidden
    difference = float((one - two).abs().nan_to_num(0.0, 0.0).max())
    if difference > 1e-5 * max(1.0, float(one.abs().nan_to_num(0.0, 0.0, 0.0).max())):
        lowest = float(cosines(case.pooled(case.together), case.pooled(case.again)).min())
        yield Finding(
            code="behaviour.repeat",
            severity="error" if lowest < _SAME else "warning",
            title="The same text gives another vector each time",
            evidence=f"the same batch twice, in eval mode: values differ by up to {difference:.3g}, and a vector has a "
            f"cosine of only {lowest:.3f} to itself",
            why="Something in the model draws random numbers even in eval mode (dropout written as a function). "
            "Neighbours and maps are different at each run.",
            remedy="In the model's code, pass `training=self.training` to `torch.nn.functional.dropout`; or set the "
            "dropout rates in config.json to 0.",
        )


def _require_repeatable(case: Case) -> None:
    if any(repeat(case)):
        raise Unchecked("the same batch twice already differs")


def batch(case: Case) -> Iterator[Finding]:
    _require_repeatable(case)
    _ = case.vectors
    same = cosines(case.alone, case.vectors[list(case.apart)])
    worst = int(np.argmin(same))
    if same[worst] < _SAME:
        lengths = case.tokenised.lengths
        yield Finding(
            code="behaviour.batch",
            severity="warning",
            title="A text's vector depends on what is in the batch with it",
            evidence=f"the {_ordinal(case, worst)} of {lengths[case.apart[worst]]} tokens, alone and padded to "
            f"{lengths.max()} in a batch: cosine {same[worst]:.3f} where 1.000 is right",
            why="The model looks at the padding although the mask forbids it, so the same text has other neighbours in "
            "other company.",
            remedy="Check that the model's code passes on `attention_mask`. Until then give instances of equal length, "
            "or one at a time.",
        )


def _ordinal(case: Case, place: int) -> str:
    words = {0: "shortest probe", len(case.apart) - 1: "longest probe"}
    return words.get(place, "probe")


def order(case: Case) -> Iterator[Finding]:
    _require_repeatable(case)
    _ = case.vectors
    turned = case.pooled(case.reversed)[::-1]
    same = cosines(case.vectors, turned)
    if same.min() < _SAME:
        yield Finding(
            code="behaviour.order",
            severity="warning",
            title="A text's vector depends on its place in the batch",
            evidence=f"the same batch with its rows in the other order: a vector has a cosine of only {same.min():.3f} "
            "to itself",
            why="The model mixes the rows of a batch, so a text's vector is partly that of its neighbours in the file.",
            remedy="Check the model's code for operations over the batch axis (norms over the batch, a transposed "
            "batch and token axis).",
        )


def padding(case: Case) -> Iterator[Finding]:
    hidden = case.together.hidden
    if hidden.ndim != 3:
        raise Unchecked("the layer gives one vector a text, without tokens")
    if not case.checkpoint.recipe.untold:
        return
    mean = cosines(hidden.mean(1).numpy(), case.pooled(case.together, "mean"))
    last = cosines(hidden[:, -1].numpy(), case.pooled(case.together, "last"))
    worst = int(mean.argmin())
    if min(mean[worst], last.min()) < 0.95:
        yield Finding(
            code="behaviour.padding",
            severity="info",
            title="Pooling that forgets the mask gives other vectors",
            evidence=f"the mean over all positions, padding included, has a cosine of {mean[worst]:.2f} to the mean "
            f"over the real tokens ({int(case.together.mask[worst].sum())} of {hidden.shape[1]} positions); the vector "
            f"at the last position one of {last.min():.2f} to that of the last real token",
            why="`last_hidden_state.mean(1)` averages over padding too and `[:, -1]` takes padding for the text, so "
            "that short texts look alike. embedviz leaves padding out.",
            remedy="In your own code: `(hidden * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)`, and "
            "`hidden[range(len(mask)), mask.sum(1) - 1]`.",
        )


def not_finite(case: Case) -> Iterator[Finding]:
    import torch

    seen = case.together
    real = seen.hidden[seen.mask] if seen.hidden.ndim == 3 else seen.hidden
    bad = int((~torch.isfinite(real)).sum())
    if bad:
        first = next((path for path, largest in seen.largest.items() if not np.isfinite(largest)), "")
        yield Finding(
            code="behaviour.not-finite",
            severity="error",
            title="The vectors hold NaN or infinity",
            evidence=f"{bad / real.numel():.0%} of the values for eight short inputs; they first appear in "
            f"{listed([first])} (weights stored as {case.checkpoint.dtype})",
            why="NaN has no direction: no cosine, no neighbour and no map.",
            remedy="Choose a layer before that one, or open a checkpoint from before the training diverged.",
        )


def half_overflow(case: Case) -> Iterator[Finding]:
    if case.checkpoint.dtype != "float16":
        return
    beyond = [path for path, largest in case.together.largest.items() if largest > _LARGEST_HALF]
    if beyond:
        largest = max(case.together.largest[path] for path in beyond)
        yield Finding(
            code="behaviour.half-overflow",
            severity="warning",
            title="Values are too large for the number type of the file",
            evidence=f"up to {largest:.3g} in {listed(beyond)}; float16 ends at 65,504",
            why="embedviz computes in float32, where this is no harm. A program that runs the model in float16 gets "
            "infinity there and NaN behind it.",
            remedy="In your own code, load it with `dtype=torch.float32` (or bfloat16).",
        )


def dead(case: Case) -> Iterator[Finding]:
    _ = case.vectors
    # Before any scaling to length 1, which makes a constant vary; a mean of equal values may miss them by a rounding.
    vectors = case.pooled(case.together, "mean")
    still = np.flatnonzero(np.ptp(vectors, axis=0) <= 1e-6 * np.abs(vectors).max(axis=0))
    share = len(still) / vectors.shape[1]
    if len(still):
        yield Finding(
            code="behaviour.dead",
            severity="warning" if share >= 0.1 else "info",
            title="Some dimensions never change",
            evidence=f"{len(still)} of {vectors.shape[1]} dimensions ({share:.0%}) have one value for {len(vectors)} "
            f"different inputs: {listed(still.tolist(), 8)}",
            why="They say nothing about a text. Where their value is large they make all cosines alike.",
            remedy="Centre the vectors (post-processing “centred”), which sets such dimensions to zero.",
        )


def dominant(case: Case) -> Iterator[Finding]:
    units = unit_vectors(case.vectors)[0]
    share = (units**2).mean(axis=0)
    largest = int(share.argmax())
    if share[largest] > 0.5:
        yield Finding(
            code="behaviour.dominant",
            severity="warning",
            title="A single dimension rules the cosine",
            evidence=f"dimension {largest} of {len(share)} makes up {share[largest]:.0%} of the vectors' squared "
            f"length (an equal share is {1 / len(share):.1%})",
            why="The cosine of two texts is then nearly the agreement in that one dimension, which many trained "
            "transformers blow up in their middle layers and which tells meanings apart no better than others.",
            remedy="Standardise the vectors (post-processing “standardised”) before comparing them.",
        )


def same_vector(case: Case) -> Iterator[Finding]:
    _require_repeatable(case)
    whole, ids = case.tokenised.features["input_ids"], case.level.features["input_ids"]
    pairs = [(i, j) for i in range(len(ids)) for j in range(i)]
    alike = sum(whole[i] == whole[j] for i, j in pairs)
    if alike >= len(pairs) / 2:
        yield _same_vector(f"the tokenizer gives {alike} of {len(pairs)} pairs of probes the same ids", _TOKENIZER)
        return
    pairs = [(i, j) for i, j in pairs if ids[i] != ids[j]]
    vectors = case.pooled(case.levelled)
    if not pairs or not np.isfinite(vectors).all():
        raise Unchecked("the vectors hold NaN or infinity" if pairs else "the probes all end in the same tokens")
    equal = sum(np.allclose(vectors[i], vectors[j], rtol=1e-5, atol=1e-7) for i, j in pairs)
    if equal >= len(pairs) / 2:
        seen = (
            f"{equal} of {len(pairs)} pairs of probes, cut to {plural(len(ids[0]), 'token')} each, have equal vectors"
        )
        yield _same_vector(f"{seen}, although the tokenizer gives them other ids", _WEIGHTS)


_TOKENIZER = "Restore the tokenizer's files."
_WEIGHTS = "Restore the weights: the table of token vectors, or a layer after it, passes nothing on."


def _same_vector(evidence: str, remedy: str) -> Finding:
    return Finding(
        code="behaviour.same-vector",
        severity="error",
        title="Different texts get the same vector",
        evidence=evidence,
        why="What the texts say does not reach this layer; neighbours and maps show only their lengths.",
        remedy=remedy,
    )


def crowded(case: Case) -> Iterator[Finding]:
    crowding = mean_cosine(case.vectors)
    if crowding is None or crowding <= _CROWDED:
        return
    centred = cosine_similarity(case.vectors - case.vectors.mean(axis=0))
    between = centred[np.triu_indices(len(centred), 1)]
    random = case.randomness
    inputs = "eight unrelated sentences" if case.english else "eight different inputs"
    yield Finding(
        code="behaviour.crowded",
        severity="warning",
        title="All texts look alike",
        evidence=f"{inputs} have a mean cosine of {crowding:.3f}; after centring, cosines go from "
        f"{np.nanmin(between):.2f} to {np.nanmax(between):.2f}",
        why=f"Loading explains it: {random}. Vectors of random layers all point the same way."
        if random
        else "Loading does not explain it: the weights were in the file and show the traces of training. Many trained "
        "models' vectors share one large common part, and differ in what is left.",
        remedy="Restore the weights: with random ones no layer says anything."
        if random
        else "Centre the vectors (post-processing “centred”) before you read cosines; ranks within one text's "
        "neighbours can be read as they are.",
    )


def word_order(case: Case) -> Iterator[Finding]:
    _require_repeatable(case)
    one, two, _ = case.pooled(case.variants)
    same = float(cosines(one[None], two[None])[0])
    if same > 1 - 1e-6:
        text = quoted(probes.SENTENCES[case.apart[-1]], 30) if case.english else "the longest probe"
        yield Finding(
            code="behaviour.word-order",
            severity="info",
            title="The order of words makes no difference",
            evidence=f"{text} with its words in another order: cosine {same:.6f}",
            why="The vector is that of a bag of words: “dog bites man” and “man bites dog” are the same to it. "
            "Static embeddings are made so; a transformer that behaves so has lost its positions.",
            remedy="Nothing to do where the model is one of static embeddings.",
        )
