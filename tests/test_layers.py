"""The module tree: shapes, roles, order, and the reasons where a module cannot be captured."""

from __future__ import annotations

import pytest

import embedviz as ev
from tests.conftest import Save


def by_path(checkpoint: ev.Checkpoint) -> dict[str, ev.Layer]:
    return {layer.path: layer for layer in checkpoint.layers}


def test_the_bundled_model(bundled: ev.Checkpoint) -> None:
    layers = by_path(bundled)
    modules = [path for path, _ in bundled.model.named_modules()]
    assert [layer.path for layer in bundled.layers if not layer.part] == modules
    block = layers["encoder.layer.5"]
    assert (block.role, block.kind, block.calls) == ("block", "BertLayer", 1)
    assert block.shape == ("instances", "tokens", 384)
    assert block.parameters == sum(p.numel() for p in bundled.model.get_submodule("encoder.layer.5").parameters())
    assert block.recommended
    assert bundled.recommended is block
    assert [layer.path for layer in bundled.layers if layer.recommended] == ["encoder.layer.5"]
    assert layers["pooler"].shape == ("instances", 384)
    assert "Not used when this model was trained" in layers["pooler"].warning
    assert layers["encoder.layer"].status == "container"
    assert layers["encoder.layer.0.attention.self.dropout"].status == "never called"
    assert layers["embeddings.position_embeddings"].status == "no batch axis"
    assert bundled.blocks == 6
    roles = {layer.role for layer in bundled.layers}
    assert {"model", "embedding", "block", "attention", "mlp", "norm", "pooler"} <= roles


def test_the_order_is_the_order_of_calls(bundled: ev.Checkpoint) -> None:
    orders = [by_path(bundled)[f"encoder.layer.{number}"].order for number in range(6)]
    assert orders == sorted(orders, key=lambda order: order or 0)
    assert None not in orders


def test_logits_are_marked(save: Save) -> None:
    with ev.open_checkpoint(save("Bert", "ForSequenceClassification", num_labels=5)) as checkpoint:
        head = by_path(checkpoint)["classifier"]
        assert head.role == "head"
        assert "logits" in head.warning
        assert head.shape == ("instances", 5)
        assert checkpoint.recommended.path == "bert.encoder.layer.2"


def test_an_untrained_pooler_is_marked(save: Save) -> None:
    from safetensors.torch import load_file, save_file

    folder = save("Bert")
    tensors = load_file(folder / "model.safetensors")
    kept = {name: tensor for name, tensor in tensors.items() if "pooler" not in name}
    assert len(kept) == len(tensors) - 2
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    with ev.open_checkpoint(folder) as checkpoint:
        layers = by_path(checkpoint)
        assert "random values" in layers["pooler"].warning
        assert "random values" in layers["pooler.dense"].warning
        assert not layers["encoder.layer.2"].warning
        (finding,) = checkpoint.findings
        assert finding.code == "weights.missing"
        assert "pooler.dense.weight" in finding.evidence


@pytest.mark.parametrize("family", ["Albert", "Roberta", "DistilBert", "GPT2", "Llama", "T5", "Bart", "Mixtral"])
def test_other_families_are_read(family: str, save: Save) -> None:
    with ev.open_checkpoint(save(family)) as checkpoint:
        recommended = checkpoint.recommended
        assert recommended.recommended
        assert recommended.shape == ("instances", "tokens", 32)
        assert all(layer.why for layer in checkpoint.layers if not layer.capturable)
        captured = ev.capture(checkpoint, ["one text", "another, longer text"])
        assert captured[recommended.path].vectors.shape == (2, 32)


def test_equal_sizes_are_told_apart(save: Save) -> None:
    # Width, heads and vocabulary chosen to coincide with the sizes a careless probe would use.
    with ev.open_checkpoint(save("Bert", hidden_size=12, num_attention_heads=2, intermediate_size=11)) as checkpoint:
        layers = by_path(checkpoint)
        assert layers["encoder.layer.0"].shape == ("instances", "tokens", 12)
        assert layers["encoder.layer.0.intermediate"].shape == ("instances", "tokens", 11)


def test_every_capturable_layer_can_be_captured(bundled: ev.Checkpoint) -> None:
    paths = [layer.path for layer in bundled.layers if layer.capturable]
    captured = ev.capture(bundled, ["a text", "another one of another length"], paths)
    for layer in bundled.layers:
        if layer.capturable:
            assert layer.shape is not None
            assert captured[layer.path].vectors.shape == (2, layer.width)
