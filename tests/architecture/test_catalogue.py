"""The catalogue's file says what transformers builds today."""

from __future__ import annotations

import pytest
import transformers

from embedviz.architecture.catalogue import FILE, describe, load, pattern, write

SAMPLE = (
    *(("albert", "AlbertModel"), ("bart", "BartModel"), ("bert", "BertModel"), ("bloom", "BloomModel")),
    *(("clip_text_model", "CLIPTextModel"), ("clip_vision_model", "CLIPVisionModel"), ("convnext", "ConvNextModel")),
    *(("deberta-v2", "DebertaV2Model"), ("deit", "DeiTModel"), ("dinov2", "Dinov2Model")),
    *(("distilbert", "DistilBertModel"), ("electra", "ElectraModel"), ("gpt2", "GPT2Model")),
    *(("gpt_neox", "GPTNeoXModel"), ("llama", "LlamaModel"), ("mobilenet_v2", "MobileNetV2Model")),
    *(("modernbert", "ModernBertModel"), ("mpnet", "MPNetModel"), ("opt", "OPTModel"), ("qwen3", "Qwen3Model")),
    *(("resnet", "ResNetModel"), ("roberta", "RobertaModel"), ("swin", "SwinModel"), ("t5", "T5EncoderModel")),
    *(("vit", "ViTModel"), ("wav2vec2", "Wav2Vec2Model"), ("whisper", "WhisperModel")),
)
REMEDY = "run `python -m embedviz.architecture.catalogue`"


def test_it_was_made_with_the_installed_transformers() -> None:
    assert load().transformers == transformers.__version__, REMEDY


@pytest.mark.parametrize(("model_type", "kind"), SAMPLE)
def test_a_family_built_now_is_as_recorded(model_type: str, kind: str) -> None:
    assert describe(model_type, kind) == load().families[model_type, kind], REMEDY


def test_it_is_small_and_nearly_complete() -> None:
    catalogue = load()
    assert len(catalogue.families) > 550
    assert FILE.stat().st_size < 150_000
    assert len(catalogue.failed) < 50
    assert all(": " in reason and "/site-packages" not in reason for reason in catalogue.failed.values())


def test_writing_it_again_gives_the_same_bytes(tmp_path) -> None:  # type: ignore[no-untyped-def]
    write(load(), tmp_path / "again.gz")
    assert (tmp_path / "again.gz").read_bytes() == FILE.read_bytes()


def test_numbers_of_layers_are_left_out_and_digits_in_words_stay() -> None:
    assert pattern("encoder.layer.11.output.dense.weight") == "encoder.layer.*.output.dense.weight"
    assert pattern("0.layers.2.norm1.lambda_1") == "*.layers.*.norm1.lambda_1"


def test_optional_tensors_are_poolers_ties_and_buffers() -> None:
    families = load().families
    assert families["bert", "BertModel"].optional == {"pooler.dense.weight", "pooler.dense.bias"}
    assert families["t5", "T5EncoderModel"].optional == {"encoder.embed_tokens.weight"}


def test_older_names_on_disk_are_kept_beside_those_in_memory() -> None:
    vit = load().families["vit", "ViTModel"]
    assert "encoder.layer.*.attention.attention.query.weight" in vit.saved
    assert "layers.*.attention.q_proj.weight" in vit.names
