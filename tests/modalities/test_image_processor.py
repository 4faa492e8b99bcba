"""A checkpoint's own image processor: found, guarded, and used without torchvision."""

from __future__ import annotations

import json

import numpy as np
import pytest
from transformers import CLIPConfig, ResNetConfig, ViTConfig
from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

from embedviz.errors import CheckpointError, InstancesError
from embedviz.modalities.image_processor import find_processor, process
from embedviz.modalities.image_reads import FILE, reads_from_config, reads_of
from embedviz.modalities.pixels import decode
from embedviz.modalities.prepared import prepare
from tests.modalities.pictures import item, noise

VIT = {"image_processor_type": "ViTImageProcessor", "size": {"height": 32, "width": 32}}
PICTURES = [item(noise(50, 40)), item(noise(20, 30).convert("L"))]


def folder(path, settings, name=FILE):
    path.mkdir(exist_ok=True)
    (path / name).write_text(settings if isinstance(settings, str) else json.dumps(settings))
    return path


def test_it_is_found_beside_or_above_the_weights(tmp_path):
    inner = tmp_path / "model"
    inner.mkdir()
    assert find_processor([inner, tmp_path], ViTConfig()) is None
    folder(tmp_path, VIT)
    processor = find_processor([inner, tmp_path], ViTConfig())
    made = process(processor, PICTURES)
    expected = processor(images=[decode(each).convert("RGB") for each in PICTURES], return_tensors="np")
    np.testing.assert_array_equal(made, expected["pixel_values"])
    assert (made.shape, made.dtype) == ((2, 3, 32, 32), np.float32)
    assert reads_of(processor).shape == (3, 32, 32)
    assert "ViTImageProcessor" in reads_of(processor).why


@pytest.mark.parametrize(
    "settings",
    [
        {"image_processor_type": "ViTImageProcessorFast", "size": 24},
        {"feature_extractor_type": "ViTFeatureExtractor", "size": 24},
        {"size": 24},
    ],
)
def test_older_spellings(tmp_path, settings):
    processor = find_processor([folder(tmp_path, settings)], ViTConfig())
    assert isinstance(processor, ViTImageProcessorPil)
    assert reads_of(processor).shape == (3, 24, 24)


def test_settings_within_the_file_of_a_model_of_pictures_and_texts(tmp_path):
    nested = {"processor_class": "CLIPProcessor", "image_processor": {"image_processor_type": "CLIPImageProcessor"}}
    processor = find_processor([folder(tmp_path, nested, "processor_config.json")], None)
    assert reads_of(processor).shape == (3, 224, 224)
    other = folder(tmp_path / "other", {"processor_class": "X"}, "processor_config.json")
    assert find_processor([other], ViTConfig()) is None


def test_grey_pictures_for_a_processor_of_one_channel(tmp_path):
    processor = find_processor([folder(tmp_path, {**VIT, "image_mean": [0.5], "image_std": [0.5]})], ViTConfig())
    made = process(processor, PICTURES)
    assert made.shape == (2, 1, 32, 32)
    np.testing.assert_allclose(made, prepare(PICTURES, reads_of(processor)), atol=1e-5)


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ({**VIT, "auto_map": {"AutoImageProcessor": "evil.Processor"}}, "program code"),
        ({**VIT, "size": {"height": 10**9, "width": 32}}, "makes no sense"),
        ({**VIT, "size": 4_097}, "makes no sense"),
        ({**VIT, "size": {"shortest_edge": -1}}, "makes no sense"),
        ({**VIT, "crop_size": [10**6, 10**6]}, "makes no sense"),
        ({**VIT, "pad_size": {"height": 0, "width": 8}}, "makes no sense"),
        ({**VIT, "rescale_factor": float("inf")}, "makes no sense"),
        ({**VIT, "image_mean": [float("nan")] * 3}, "makes no sense"),
        ({**VIT, "image_std": [0.5, 0, 0.5]}, "make no sense"),
        ({**VIT, "image_mean": [0.5] * 100}, "make no sense"),
        ({**VIT, "extra": [[[[[[1]]]]]]}, "more values"),
        ({**VIT, "size": "large"}, "cannot prepare"),
        ({"image_processor_type": "OfTomorrowImageProcessor"}, "does not have the image processor"),
        ({"image_processor_type": 3}, "cannot prepare"),
        ({"image_processor_type": "Sam3ImageProcessor"}, "not without torchvision"),
        ([1, 2], "no settings"),
        ("{", "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ('{"a": "' + "x" * 2**20 + '"}', "far too large"),
    ],
)
def test_hostile_and_damaged_settings(tmp_path, settings, what):
    path = folder(tmp_path, settings)
    (path / "evil.py").write_text("raise SystemExit('run')")
    with pytest.raises(CheckpointError, match=what) as caught:
        find_processor([path], ViTConfig())
    assert caught.value.remedy


def test_no_text_is_looked_for_on_pictures(tmp_path):
    settings = {"image_processor_type": "LayoutLMv2ImageProcessor", "apply_ocr": True, "tesseract_config": "--evil"}
    processor = find_processor([folder(tmp_path, settings)], None)
    assert processor.apply_ocr is False
    assert processor.tesseract_config != "--evil"


def test_settings_that_fail_only_with_a_picture(tmp_path):
    processor = find_processor(
        [folder(tmp_path, {**VIT, "image_mean": [0.5] * 2, "image_std": [0.5] * 2})], ViTConfig()
    )
    with pytest.raises(InstancesError, match=r"picture\.png"):
        process(processor, PICTURES)
    own_sizes = find_processor([folder(tmp_path, {**VIT, "do_resize": False})], ViTConfig())
    assert reads_of(own_sizes).shape == (3, None, None)
    with pytest.raises(InstancesError, match="which differ"):
        process(own_sizes, PICTURES)
    with pytest.raises(InstancesError, match="no pictures"):
        process(own_sizes, [])


def test_a_model_without_a_processor_tells_by_its_configuration():
    assert reads_from_config(ViTConfig()).shape == (3, 224, 224)
    assert reads_from_config(ViTConfig()).mean == (0.5, 0.5, 0.5)
    small = reads_from_config(ViTConfig(image_size=28, num_channels=1))
    assert (small.shape, small.mean, small.std) == ((1, 28, 28), (0.5,), (0.5,))
    assert reads_from_config(ResNetConfig()).shape == (3, None, None)
    clip = reads_from_config(CLIPConfig())
    assert clip.shape == (3, 224, 224)
    assert clip.mean[0] == pytest.approx(0.4815, abs=1e-4)
    assert reads_from_config(ViTConfig(image_size=(32, 48))).shape == (3, 32, 48)
