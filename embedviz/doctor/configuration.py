"""Configuration: where it loads without a word and is still not the weights' own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from embedviz.doctor.case import Case
from embedviz.doctor.unchecked import Unchecked
from embedviz.doctor.words import shown
from embedviz.records import Finding

#: Families that count positions from the padding id on (their tables have two more rows), and those that do not.
_OFFSET = {"camembert", "data2vec-text", "longformer", "roberta", "xlm-roberta", "xlm-roberta-xl", "xmod"}
_PLAIN = {"bert", "distilbert", "electra", "ernie", "mobilebert", "squeezebert", "convbert"}

#: The heads are judged where the weights show them so clearly, and doubted below this share of the best score.
_SURE, _UNLIKE = 0.5, 0.6

#: Activations that hardly differ from each other.
_ALIKE = {
    "gelu": {"gelu", "gelu_new", "gelu_fast", "gelu_python", "gelu_pytorch_tanh", "gelu_accurate", "quick_gelu"},
    "silu": {"silu", "swish"},
}


def family(case: Case) -> Iterator[Finding]:
    if case.family not in _OFFSET | _PLAIN:
        raise Unchecked("this family is not one of those that are mistaken for each other")
    rows = next(
        (
            int(module.num_embeddings)  # type: ignore[arg-type]
            for name, module in case.model.named_modules()
            if name.endswith("position_embeddings") and hasattr(module, "num_embeddings")
        ),
        None,
    )
    if rows is None:
        raise Unchecked("the model has no table of positions")
    offset = case.family in _OFFSET
    pads = (getattr(case.config, "pad_token_id", None), getattr(case.checkpoint.tokenizer, "pad_token_id", None))
    told = []
    if rows % 64 == (0 if offset else 2):
        told.append(
            f"{rows} positions, as {'BERT' if offset else 'RoBERTa'} has them ({rows + (2 if offset else -2)} here)"
        )
    if offset and None not in pads and pads[0] != pads[1]:
        told.append(f"pad_token_id is {pads[0]} in config.json and {pads[1]} in the tokenizer")
    if told:
        yield Finding(
            code="configuration.family",
            severity="warning",
            title="The weights look like those of another family",
            evidence=f"model_type = {case.family}, but " + ", and ".join(told),
            why="BERT and RoBERTa have tensors of the same names and shapes, so either opens as the other without a "
            "word; but they count positions differently, and every vector comes out wrong.",
            remedy=f'Find out what was trained, and write "model_type": "{"bert" if offset else "roberta"}" in '
            "config.json if it was the other family; else bring its own tokenizer.",
        )


def activation(case: Case) -> Iterator[Finding]:
    name = next(
        (name for name in ("hidden_act", "activation_function", "activation") if hasattr(case.config, name)), ""
    )
    if not name:
        raise Unchecked("the configuration names no activation")
    used, usual = getattr(case.config, name), getattr(type(case.config)(), name, None)
    if usual is None or _kind(used) == _kind(usual):
        return
    yield Finding(
        code="configuration.other-activation",
        severity="info",
        title="The activation is not the one that this family usually has",
        evidence=f"{name} = {shown(used, 30)}; {case.family} models usually have {usual}",
        why="The weights do not tell which activation they were trained with. With a wrong one everything loads and "
        "every vector is wrong.",
        remedy="Compare with the config.json or the code of the training; if both agree, there is nothing to do.",
    )


def heads(case: Case) -> Iterator[Finding]:
    from embedviz.architecture.heads import estimate_heads

    claimed = getattr(case.config, "num_attention_heads", None)
    if not isinstance(claimed, int) or case.randomness:
        raise Unchecked("untrained weights do not show it" if case.randomness else "the configuration names no heads")
    shapes = {name: tuple(parameter.shape) for name, parameter in case.parameters.items()}
    found = estimate_heads(shapes, lambda name: case.parameters[name].detach())
    if found is None or found.confidence < _SURE:
        raise Unchecked("the weights do not show clearly how many heads they have")
    scores = dict(found.candidates)
    best, own = scores[found.count], scores.get(claimed, 0.0)
    if own < _UNLIKE * best:
        yield Finding(
            code="configuration.heads",
            severity="warning",
            title="The weights look like those of another number of attention heads",
            evidence=f"num_attention_heads = {claimed} in config.json; {found.why} (by how the norms of their rows go "
            f"in groups: {best:.0f} against {own:.0f} for {claimed})",
            why="No shape tells the number of heads. With a wrong one everything loads, and every vector is wrong.",
            remedy=f'Look it up where the model was trained; if it is {found.count}, write "num_attention_heads": '
            f"{found.count} in config.json.",
        )


def _kind(name: Any) -> str:
    return next((kind for kind, names in _ALIKE.items() if name in names), str(name))
