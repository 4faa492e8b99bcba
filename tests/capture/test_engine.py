"""Captured vectors against sentence-transformers' encode and transformers' own hidden states."""

from __future__ import annotations

import inspect
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer import modules as st_models

import embedviz as ev
from embedviz.capture import capture_all
from embedviz.checkpoints import bundled_path
from embedviz.modalities import text
from tests.conftest import Save, hook_count

LONG = "the quick brown fox " * 400


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def encode(checkpoint: ev.Checkpoint, one: str) -> dict[str, torch.Tensor]:
    """What transformers itself is given for one text."""
    accepted = inspect.signature(checkpoint.model.forward).parameters
    return {name: value for name, value in checkpoint.tokenizer([one], return_tensors="pt").items() if name in accepted}


def test_as_trained_is_what_sentence_transformers_encodes(bundled: ev.Checkpoint, texts: list[str]) -> None:
    oracle = SentenceTransformer(str(bundled_path()), device="cpu").encode([*texts, LONG])
    captured = ev.capture(bundled, [*texts, LONG], ["encoder.layer.5"], "as trained")["encoder.layer.5"]
    assert captured.vectors.dtype == np.float32
    assert np.abs(captured.vectors - oracle).max() <= 1e-6


@pytest.mark.parametrize("mode", ["cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken"])
@pytest.mark.parametrize("normalise", [True, False])
def test_every_trained_pooling(mode: str, normalise: bool, tmp_path: Path, texts: list[str]) -> None:
    transformer = st_models.Transformer(str(bundled_path()))
    parts = [transformer, st_models.Pooling(384, pooling_mode=mode)]
    oracle = SentenceTransformer(modules=[*parts, *([st_models.Normalize()] if normalise else [])], device="cpu")
    oracle.save(str(tmp_path / "saved"))
    with ev.open_checkpoint(tmp_path / "saved") as checkpoint:
        captured = ev.capture(checkpoint, texts, pooling="as trained")[checkpoint.recommended.path]
    assert np.abs(unit(captured.vectors) - unit(oracle.encode(texts))).max() <= 1e-6


def test_dense_parts_and_prompts_are_part_of_the_recipe(tmp_path: Path, texts: list[str]) -> None:
    torch.manual_seed(0)
    parts = [
        st_models.Transformer(str(bundled_path()), max_seq_length=12),
        st_models.Pooling(384, pooling_mode=("cls", "mean")),
        st_models.Dense(768, 64),
        st_models.Normalize(),
    ]
    oracle = SentenceTransformer(
        modules=parts, device="cpu", prompts={"query": "search: "}, default_prompt_name="query"
    )
    oracle.save(str(tmp_path / "saved"))
    with ev.open_checkpoint(tmp_path / "saved") as checkpoint:
        captured = ev.capture(checkpoint, [*texts, LONG], pooling="as trained")["encoder.layer.5"]
    assert captured.width == 64
    assert np.abs(captured.vectors - oracle.encode([*texts, LONG])).max() <= 1e-6


@pytest.mark.parametrize(
    ("family", "blocks", "kind"),
    [
        ("Bert", "encoder.layer.{}", "Model"),
        ("Bert", "bert.encoder.layer.{}", "ForSequenceClassification"),
        ("Roberta", "encoder.layer.{}", "Model"),
        ("DistilBert", "transformer.layer.{}", "Model"),
        ("GPT2", "h.{}", "Model"),
        ("Llama", "layers.{}", "Model"),
        ("Mixtral", "layers.{}", "Model"),
    ],
)
def test_every_block_is_a_hidden_state(family: str, blocks: str, kind: str, save: Save, texts: list[str]) -> None:
    with ev.open_checkpoint(save(family, kind)) as checkpoint:
        count = checkpoint.blocks
        assert count == 3
        captured = ev.capture(checkpoint, texts, [blocks.format(number) for number in range(count)], "mean")
        for row, one in enumerate(texts):
            kept = encode(checkpoint, one)
            with torch.inference_mode():
                states = checkpoint.model(**kept, output_hidden_states=True).hidden_states
            # The last hidden state of decoders is after a final norm, which is a layer of its own.
            last = count if family not in ("GPT2", "Llama", "Mixtral") else count - 1
            for number in range(last):
                expected = states[number + 1][0].mean(0).numpy()
                assert np.allclose(captured[blocks.format(number)].vectors[row], expected, atol=2e-6)


def test_the_final_norm_is_the_last_hidden_state(save: Save, texts: list[str]) -> None:
    with ev.open_checkpoint(save("GPT2", "LMHeadModel")) as checkpoint:
        assert checkpoint.recommended.path == "transformer.ln_f"
        captured = ev.capture(checkpoint, texts[:1], pooling="last")["transformer.ln_f"]
        with torch.inference_mode():
            expected = checkpoint.model(**encode(checkpoint, texts[0]), output_hidden_states=True).hidden_states[-1][
                0, -1
            ]
        assert np.allclose(captured.vectors[0], expected.numpy(), atol=1e-6)


def test_repeated_calls_are_layers_of_their_own(save: Save, texts: list[str]) -> None:
    with ev.open_checkpoint(save("Albert")) as checkpoint:
        path = "encoder.albert_layer_groups.0.albert_layers.0"
        calls = [layer.path for layer in checkpoint.layers if layer.module == path and not layer.part]
        assert calls == [path, f"{path}#2", f"{path}#3", f"{path}#mean"]
        mean = calls.pop()
        captured = ev.capture(checkpoint, texts, [*calls, mean], "mean")
        average = np.mean([captured[call].vectors for call in calls], axis=0)
        assert np.allclose(captured[mean].vectors, average, atol=1e-6)
        captured = ev.capture(checkpoint, texts[:1], calls, "first")
        with torch.inference_mode():
            states = checkpoint.model(**encode(checkpoint, texts[0]), output_hidden_states=True).hidden_states
        for call, state in zip(calls, states[1:], strict=True):
            assert np.allclose(captured[call].vectors[0], state[0, 0].numpy(), atol=1e-6)


def test_an_encoder_decoder_is_read_by_its_encoder(save: Save, texts: list[str]) -> None:
    with ev.open_checkpoint(save("T5", "ForConditionalGeneration")) as checkpoint:
        captured = ev.capture(checkpoint, texts)[checkpoint.recommended.path]
        encoded = checkpoint.tokenizer(texts[1:2], return_tensors="pt")
        with torch.inference_mode():
            state = checkpoint.model(encoded["input_ids"]).last_hidden_state
        assert np.allclose(captured.vectors[1], state[0].mean(0).numpy(), atol=1e-6)


@pytest.mark.parametrize("pooling", ["mean", "first", "last", "max"])
def test_batch_size_and_order_do_not_matter(
    pooling: str, bundled: ev.Checkpoint, texts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    layers = ["encoder.layer.1", "pooler", "encoder.layer.0.attention.self"]
    together = ev.capture(bundled, texts, layers, pooling)
    shuffled = ev.capture(bundled, texts[::-1], layers, pooling)
    monkeypatch.setattr(text, "TOKEN_BUDGET", 1)
    alone = ev.capture(bundled, texts, layers, pooling)
    for path in layers:
        assert np.allclose(together[path].vectors, shuffled[path].vectors[::-1], atol=2e-6)
        assert np.allclose(together[path].vectors, alone[path].vectors, atol=2e-6)


def test_repeated_instances_are_computed_once(bundled: ev.Checkpoint) -> None:
    rows = 0

    def count(_module: object, inputs: tuple[torch.Tensor], _output: object) -> None:
        nonlocal rows
        rows += len(inputs[0])

    handle = bundled.model.get_submodule("embeddings.word_embeddings").register_forward_hook(count)
    try:
        captured = ev.capture(bundled, ["same", "other", "same", "same"], ["encoder.layer.0"])["encoder.layer.0"]
    finally:
        handle.remove()
    # Once each, and again in other company to see whether that makes a difference: one alone, both the other way round.
    assert rows == 2 + 1 + 2
    assert np.array_equal(captured.vectors[0], captured.vectors[3])


def test_the_pass_ends_after_the_last_wanted_layer(bundled: ev.Checkpoint, texts: list[str]) -> None:
    ran = []
    handle = bundled.model.get_submodule("encoder.layer.2").register_forward_hook(lambda *_: ran.append(1))
    try:
        ev.capture(bundled, texts, ["encoder.layer.1"])
        assert not ran
        ev.capture(bundled, texts, ["encoder.layer.2"])
        assert ran
    finally:
        handle.remove()


def test_the_model_is_left_as_it_was(bundled: ev.Checkpoint, texts: list[str]) -> None:
    class Broken(Exception):
        pass

    def fail(done: int, _total: int) -> None:
        if done:
            raise Broken

    module = bundled.model.get_submodule("encoder.layer.3")
    module.train()
    own = module.register_forward_hook(lambda *_: None)
    try:
        before = hook_count(bundled.model)
        random = torch.get_rng_state()
        ev.capture(bundled, texts, ["encoder.layer.5", "encoder.layer.2"])
        with pytest.raises(Broken):
            ev.capture(bundled, texts, ["encoder.layer.5"], progress=fail)
        assert hook_count(bundled.model) == before == 1
        assert module.training
        assert not bundled.model.get_submodule("encoder.layer.2").training
        assert torch.equal(random, torch.get_rng_state())
    finally:
        own.remove()
        module.eval()


def test_a_failing_model_is_explained_and_unhooked(bundled: ev.Checkpoint, texts: list[str]) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("the size of tensor a must match")

    handle = bundled.model.get_submodule("encoder.layer.1").register_forward_hook(fail)
    try:
        with pytest.raises(ev.CaptureError, match="the size of tensor a must match"):
            ev.capture(bundled, texts, ["encoder.layer.5"])
    finally:
        handle.remove()
    assert hook_count(bundled.model) == 0


def test_train_mode_changes_nothing(bundled: ev.Checkpoint, texts: list[str]) -> None:
    expected = ev.capture(bundled, texts)["encoder.layer.5"].vectors
    bundled.model.train()
    try:
        again = ev.capture(bundled, texts)["encoder.layer.5"].vectors
        assert bundled.model.training
    finally:
        bundled.model.eval()
    assert np.array_equal(expected, again)


def test_concurrent_captures_give_what_serial_ones_give(bundled: ev.Checkpoint, texts: list[str]) -> None:
    layers = [f"encoder.layer.{number}" for number in range(4)]
    serial = {path: ev.capture(bundled, texts, [path])[path].vectors for path in layers}
    found: dict[str, np.ndarray] = {}

    def one(path: str) -> None:
        found[path] = ev.capture(bundled, texts, [path])[path].vectors

    threads = [threading.Thread(target=one, args=(path,)) for path in layers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for path in layers:
        assert np.allclose(serial[path], found[path], atol=1e-6)


def test_several_poolings_in_one_pass(bundled: ev.Checkpoint, texts: list[str]) -> None:
    caught = capture_all(bundled, texts, ["encoder.layer.5"], ["mean", "max"])
    for pooling in ("mean", "max"):
        alone = ev.capture(bundled, texts, ["encoder.layer.5"], pooling)["encoder.layer.5"]
        assert np.array_equal(caught["encoder.layer.5", pooling].vectors, alone.vectors)


def test_what_stands_in_the_padding_is_never_read() -> None:
    from embedviz.pooling import first, last, maximum, mean

    hidden = torch.randn(2, 5, 3)
    mask = torch.tensor([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]]).bool()
    hidden[0, 3:] = float("nan")
    assert torch.allclose(mean(hidden, mask)[0], hidden[0, :3].mean(0))
    assert torch.equal(maximum(hidden, mask)[0], hidden[0, :3].amax(0))
    assert torch.equal(last(hidden, mask)[0], hidden[0, 2])
    assert torch.equal(first(hidden, mask)[1], hidden[1, 0])


def test_tokens_are_counted_and_cut_ones_too(bundled: ev.Checkpoint) -> None:
    many = "word " * 100_000
    captured = ev.capture(bundled, ["one two", many], ["embeddings"])["embeddings"]
    assert captured.tokens is not None
    assert captured.cut is not None
    assert captured.tokens.tolist() == [4, 256]
    assert captured.cut.tolist() == [0, 100_000 + 2 - 256]


def test_bad_requests_say_what_to_do(bundled: ev.Checkpoint) -> None:
    with pytest.raises(ev.LayerError, match=r"encoder\.layer\.5"):
        ev.capture(bundled, ["a"], ["encoder.layers.5"])
    with pytest.raises(ev.LayerError, match="only groups the modules"):
        ev.capture(bundled, ["a"], ["encoder.layer"])
    with pytest.raises(ev.LayerError, match="same for all instances"):
        ev.capture(bundled, ["a"], ["embeddings.position_embeddings"])
    with pytest.raises(ev.InstancesError, match="no instances"):
        ev.capture(bundled, [])
    with pytest.raises(ev.InstancesError, match="not a text"):
        ev.capture(bundled, ["a", 3])  # type: ignore[list-item]
    with pytest.raises(ev.EmbedvizError, match="no such pooling"):
        ev.capture(bundled, ["a"], pooling="meen")


def test_a_checkpoint_without_a_recipe_says_so(save: Save) -> None:
    with (
        ev.open_checkpoint(save("Bert")) as checkpoint,
        pytest.raises(ev.EmbedvizError, match="does not say how its vectors were pooled"),
    ):
        ev.capture(checkpoint, ["a"], pooling="as trained")


def test_overflowed_vectors_are_noted(bundled: ev.Checkpoint) -> None:
    weight = bundled.model.get_submodule("encoder.layer.5.output.LayerNorm").weight
    before = weight.data.clone()
    weight.data.fill_(float("nan"))
    try:
        captured = ev.capture(bundled, ["a", "b"], ["encoder.layer.5"])["encoder.layer.5"]
    finally:
        weight.data.copy_(before)
    assert captured.notes
    assert "not finite" in captured.notes[0]


def test_a_tokenizer_of_another_model_is_found_out(save: Save) -> None:
    with (
        ev.open_checkpoint(save("Bert", vocab_size=2000)) as checkpoint,
        pytest.raises(ev.CaptureError, match="knows only 2,000"),
    ):
        ev.capture(checkpoint, ["zebra crossing"])
