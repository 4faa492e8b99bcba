"""Pictures: patches without the positions that are none, places of feature maps, attention weights refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import embedviz as ev
from embedviz.pooling import suited
from tests.capture.conftest import Open
from tests.capture.tiny import close, layer, pictures, seen, tiny, told, vectors, why_not

GIVEN = torch.from_numpy(pictures(4, 3, 32, 32))
READS = ev.Reads("tensors", (3, 32, 32))


def test_patches_of_vit(opened: Open) -> None:
    model = tiny("ViT")
    checkpoint = opened(model, reads=READS)
    states = told(model, GIVEN, output_hidden_states=True)
    last = states.last_hidden_state
    path = checkpoint.recommended.path
    found = layer(checkpoint, path)
    assert (path, found.over, found.prefix, found.shape) == ("layernorm", "patches", 1, ("instances", 17, 32))
    assert suited(found, recipe=False) == ["mean", "first", "max", "flatten"]
    assert close(vectors(checkpoint, GIVEN, path, "mean"), last[:, 1:].mean(1))
    assert close(vectors(checkpoint, GIVEN, path, "first"), last[:, 0])
    assert close(vectors(checkpoint, GIVEN, path, "max"), last[:, 1:].amax(1))
    assert close(vectors(checkpoint, GIVEN, path, "flatten"), last.flatten(1))
    blocks = [each.path for each in checkpoint.layers if each.role == "block" and not each.part]
    for block, state in zip(blocks, states.hidden_states[1:], strict=True):
        assert close(vectors(checkpoint, GIVEN, block), state[:, 1:].mean(1))
    with pytest.raises(ev.EmbedvizError, match="does not suit a layer of patches"):
        ev.capture(checkpoint, GIVEN, [path], "last")


def test_heads_of_vit(opened: Open) -> None:
    checkpoint = opened(tiny("ViT"), reads=READS)
    path = next(each.path for each in checkpoint.layers if each.heads and not each.part)
    whole = vectors(checkpoint, GIVEN, path)
    split = [vectors(checkpoint, GIVEN, f"{path}:head{number}") for number in range(1, 5)]
    assert close(np.concatenate(split, axis=1), whole)


def test_attention_weights_of_vit_are_refused(opened: Open) -> None:
    model = tiny("ViT", attn_implementation="eager")
    checkpoint = opened(model, reads=READS)
    attention = next(each.path for each in checkpoint.layers if each.path.endswith("attention") and not each.part)
    (output,) = seen(model, model.get_submodule(attention), GIVEN)
    # The weights come back as the second part; no layer is made of them.
    assert isinstance(output, tuple)
    assert output[1].shape == (4, 4, 17, 17)
    with pytest.raises(ev.LayerError, match="no such layer"):
        ev.capture(checkpoint, GIVEN, [f"{attention}:1"])
    paths = {each.path for each in checkpoint.layers if each.capturable}
    assert not any(path.startswith(f"{attention}:1") for path in paths)
    assert close(vectors(checkpoint, GIVEN, attention), output[0][:, 1:].mean(1))


def test_places_are_averaged_as_the_network_itself_would(opened: Open) -> None:
    model = tiny("ConvNext")
    checkpoint = opened(model, reads=READS)
    path = "encoder.stages.1"
    assert layer(checkpoint, path).positions == (2, 3)
    (stage,) = seen(model, model.encoder.stages[1], GIVEN)
    pool = nn.AdaptiveAvgPool2d(1)
    assert close(vectors(checkpoint, GIVEN, path), pool(stage).flatten(1))
    assert close(vectors(checkpoint, GIVEN, path, "max"), stage.amax((2, 3)))
    assert close(vectors(checkpoint, GIVEN, path, "flatten"), stage.flatten(1))


def test_convnext_turns_its_channels_round_inside(opened: Open) -> None:
    model = tiny("ConvNext", hidden_sizes=[6, 12])
    checkpoint = opened(model, reads=READS)
    inside = {each.path: each for each in checkpoint.layers if each.module.startswith("encoder.stages.0.layers.0")}
    for path, each in inside.items():
        if each.part or not each.capturable:
            continue
        (output,) = seen(model, model.get_submodule(path), GIVEN)
        width = 3 if output.shape[3] in (6, 24) else 1
        places = tuple(place for place in (1, 2, 3) if place != width)
        assert close(vectors(checkpoint, GIVEN, path), output.mean(places)), path
    assert len(inside) > 6


def test_a_network_of_convolutions_and_a_head(opened: Open) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 6, 3, stride=2), nn.BatchNorm2d(6), nn.ReLU(inplace=True), nn.Conv2d(6, 4, 3),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 10),
    ).eval()  # fmt: skip
    checkpoint = opened(model, reads=READS)
    with torch.no_grad():
        for number in range(7):
            expected = model[: number + 1](GIVEN)
            pooled = expected.mean((2, 3)) if expected.ndim == 4 else expected
            assert close(vectors(checkpoint, GIVEN, str(number)), pooled), number


def test_what_is_all_positions_has_no_layer(opened: Open) -> None:
    checkpoint = opened(tiny("ViT"), reads=READS)
    assert why_not(checkpoint, "layers") == "container"
