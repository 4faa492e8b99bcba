"""Which of several architectures with the very same tensor names it is: by its sizes, then by how common it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping

Shapes = Mapping[str, tuple[int, ...]]

#: Commonest first. Those not named come after all of these, by name.
COMMON = (
    *("bert", "roberta", "xlm-roberta", "distilbert", "mpnet", "albert", "electra", "camembert", "deberta-v2"),
    *("deberta", "t5", "mt5", "bart", "mbart", "gpt2", "llama", "mistral", "qwen2", "qwen3", "gemma", "gemma2"),
    *("gemma3_text", "phi", "phi3", "gpt_neox", "opt", "bloom", "falcon", "mixtral", "qwen2_moe", "qwen3_moe"),
    *("modernbert", "nomic_bert", "vit", "deit", "dinov2", "clip", "clip_text_model", "clip_vision_model", "siglip"),
    *("siglip_text_model", "siglip_vision_model", "swin", "beit", "convnext", "resnet", "mobilenet_v2", "wav2vec2"),
    *("hubert", "whisper", "esm", "longformer", "big_bird", "xlnet", "marian", "pegasus", "blip", "detr"),
)
_RANK = {name: rank for rank, name in enumerate(COMMON)}

#: Vocabularies that belong to one published family.
_VOCABULARIES = {
    30522: ("bert",),
    28996: ("bert",),
    119547: ("bert",),
    50265: ("roberta", "bart"),
    250002: ("xlm-roberta",),
    32005: ("camembert",),
    256000: ("gemma", "gemma2"),
    262144: ("gemma3_text",),
    262208: ("gemma3_text",),
    128256: ("llama",),
    32768: ("mistral",),
    250112: ("mt5", "umt5"),
    256384: ("umt5",),
    250054: ("mbart",),
    250027: ("mbart",),
}


def preference(model_type: str, shapes: Shapes) -> tuple[int, int, str]:
    """A sorting key: the likelier, the smaller. ``shapes`` are the embeddings' and the gates', without prefix."""
    evidence = sum(model_type in fact(shapes) for fact in FACTS)
    return -evidence, _RANK.get(model_type, len(_RANK)), model_type


def _size(shapes: Shapes, ending: str, axis: int = 0) -> int:
    return next((shape[axis] for key, shape in shapes.items() if key.endswith(ending) and len(shape) > axis), 0)


def by_vocabulary(shapes: Shapes) -> tuple[str, ...]:
    endings = ("word_embeddings.weight", "embed_tokens.weight", "shared.weight")
    return next((_VOCABULARIES[size] for end in endings if (size := _size(shapes, end)) in _VOCABULARIES), ())


def by_positions(shapes: Shapes) -> tuple[str, ...]:
    """RoBERTa and its kin use one token type, and two positions more than a round number."""
    positions = _size(shapes, "position_embeddings.weight")
    types = _size(shapes, "token_type_embeddings.weight")
    if types == 1 and positions % 64 == 2:
        return ("roberta", "xlm-roberta", "camembert", "data2vec-text")
    return ("bert",) if types > 1 and positions % 64 == 0 else ()


def by_width(shapes: Shapes) -> tuple[str, ...]:
    """Mistral's 7B has gates of 14336 on 4096 and a vocabulary of 32000; Llama's of that width has 128256."""
    gate = _size(shapes, "gate_proj.weight")
    return ("mistral",) if gate == 14336 and _size(shapes, "embed_tokens.weight") in (32000, 32768) else ()


FACTS: tuple[Callable[[Shapes], tuple[str, ...]], ...] = (by_vocabulary, by_positions, by_width)
