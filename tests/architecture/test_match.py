"""Recognition by names alone."""

from __future__ import annotations

import time

import pytest

from embedviz.architecture import match
from embedviz.architecture.catalogue import load
from tests.architecture.models import TINY, bundled_tensors, saved, shapes_of, tiny


@pytest.mark.parametrize("name", ["BertModel", "RobertaModel", "CamembertModel", "XLMRobertaModel"])
def test_sizes_tell_berts_kin_apart(name: str) -> None:
    model = tiny(name)
    best = match(shapes_of(model.state_dict()))[0]
    assert best.model_type == model.config.model_type
    assert len(best.ties) >= 3


@pytest.mark.parametrize("name", ["LlamaForCausalLM", "MistralModel", "GemmaModel"])
def test_sizes_tell_llamas_kin_apart(name: str) -> None:
    model = tiny(name)
    assert match(shapes_of(model.state_dict()))[0].model_type == model.config.model_type


@pytest.mark.parametrize("name", [name for name in TINY if "For" in name or "LMHead" in name])
def test_a_head_does_not_hide_the_body(name: str) -> None:
    model = tiny(name)
    best = match({f"module.{key}": shape for key, shape in shapes_of(saved(model)).items()})[0]
    assert best.model_type == model.config.model_type
    assert best.prefix == f"module.{model.base_model_prefix}."
    assert best.coverage == 1
    assert not best.unexpected


def test_a_missing_pooler_and_extra_buffers_are_no_matter() -> None:
    shapes, _ = bundled_tensors()
    bare = {name: shape for name, shape in shapes.items() if "pooler" not in name}
    bare["embeddings.position_ids"] = (1, 512)
    best = match(bare)[0]
    assert (best.model_type, best.coverage, best.missing, best.unexpected) == ("bert", 1.0, (), ())


def test_what_is_missing_and_unexpected_is_named_by_pattern() -> None:
    shapes, _ = bundled_tensors()
    changed = {name.replace("intermediate.dense", "up"): shape for name, shape in shapes.items()}
    best = next(item for item in match(changed) if item.model_type == "bert")
    assert best.missing == ("encoder.layer.*.intermediate.dense.bias", "encoder.layer.*.intermediate.dense.weight")
    assert best.unexpected == ("encoder.layer.*.up.bias", "encoder.layer.*.up.weight")
    assert best.coverage < 1


def test_nothing_like_a_model_matches_nothing() -> None:
    assert match({}) == []
    assert match({"weight": (3,), "bias": (3,)}) == []
    assert match({"x" * 10_000: (1,), ".".join("a" * 5000): (1,), "": (), "....": (1,)}) == []


def test_every_family_is_found_from_its_own_names() -> None:
    """Below a prefix, from one layer's worth of names; another family with the very same names counts as found."""
    for (model_type, kind), family in load().families.items():
        for form in family.forms:
            shapes = {f"module.{name.replace('*', '0')}": (1,) for name in form}
            best = match(shapes)[0]
            assert best.coverage == 1, (model_type, kind)
            assert model_type == best.model_type or model_type in match_names(shapes), (model_type, best.model_type)


def match_names(shapes: dict[str, tuple[int, ...]]) -> set[str]:
    return {item.model_type for item in match(shapes)}


def test_it_is_fast() -> None:
    shapes, _ = bundled_tensors()
    match(shapes)
    started = time.perf_counter()
    for _ in range(10):
        match(shapes)
    assert (time.perf_counter() - started) / 10 < 0.1


@pytest.mark.parametrize(
    "hostile",
    [
        {f"a.{n}.b.{n}.weight": (1,) for n in range(100_000)},
        {f"p{n}.encoder.layer.0.attention.self.query.weight": (1,) for n in range(100_000)},
        {f"{'layers.0.' * (n % 20)}x{n}.self_attn.q_proj.weight": (1,) for n in range(100_000)},
        {"norm." * n + "norm.weight": (1,) for n in range(2_000)},
    ],
    ids=["numbers", "prefixes", "nested", "repeated"],
)
def test_a_hundred_thousand_hostile_names_take_seconds_at_most(hostile: dict[str, tuple[int, ...]]) -> None:
    started = time.perf_counter()
    match(hostile)
    assert time.perf_counter() - started < 5
