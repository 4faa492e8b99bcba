"""Pickled modules made again: the same numbers out, and a plain reason where that cannot be."""

from __future__ import annotations

import site
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
import torch
import transformers
from torch import nn

from embedviz.checkpoints.torch_save.rebuild import is_module, module_tree, rebuild, state_dict_of
from embedviz.checkpoints.torch_save.stubs import Stub
from embedviz.checkpoints.torch_save.torch_file import read_torch_file
from embedviz.errors import CheckpointError

PACKAGES = Path(site.getsitepackages()[0])


def stub_of(model: nn.Module, tmp_path: Path, **options: Any) -> Stub:
    torch.save(model, tmp_path / "m.pt", **options)
    root = read_torch_file(tmp_path / "m.pt").root
    assert is_module(root)
    assert isinstance(root, Stub)
    return root


def exercised(model: nn.Module) -> nn.Module:
    """With running statistics and biases that differ from a new one's."""
    torch.manual_seed(1)
    with torch.no_grad():
        for tensor in [*model.parameters(), *model.buffers()]:
            if tensor.is_floating_point():
                tensor.copy_(torch.rand_like(tensor) + 0.1)
    return model.eval().requires_grad_(False)


SEQUENTIAL: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "linear": (lambda: nn.Sequential(nn.Linear(4, 3, bias=False), nn.GELU("tanh"), nn.Linear(3, 2)), (2, 4)),
    "cnn": (
        lambda: nn.Sequential(
            nn.Conv2d(1, 4, 3, stride=2, padding="valid", dilation=2, padding_mode="zeros"),
            nn.BatchNorm2d(4, eps=1e-3, momentum=None),
            nn.ReLU(inplace=True),
            nn.Conv2d(4, 4, (3, 1), padding=(1, 0), groups=2, bias=False, padding_mode="reflect"),
            nn.MaxPool2d(2, ceil_mode=True),
            nn.Sequential(nn.ConvTranspose2d(4, 2, 3, stride=2, output_padding=1), nn.LeakyReLU(0.3)),
            nn.GroupNorm(2, 2, affine=False),
            nn.AdaptiveAvgPool2d((2, None)),
            nn.Dropout2d(0.7),
            nn.Flatten(1, 2),
            nn.Upsample(scale_factor=2, mode="linear", align_corners=True),
            nn.Softmax(dim=-1),
        ),
        (2, 1, 20, 20),
    ),
    "norms": (
        lambda: nn.Sequential(
            nn.LayerNorm(6, eps=0.1, bias=False),
            nn.RMSNorm(6),
            nn.PReLU(),
            nn.Hardtanh(-2, 3),
            nn.Softplus(2, 5),
            nn.ELU(0.5),
        ),
        (2, 6),
    ),
    "one layer": (lambda: nn.Conv1d(3, 4, 2, bias=True), (1, 3, 9)),
    "padded": (
        lambda: nn.Sequential(nn.ZeroPad2d((1, 2, 3, 4)), nn.AvgPool2d(2, count_include_pad=False)),
        (1, 2, 4, 4),
    ),
    "instance": (lambda: nn.Sequential(nn.InstanceNorm1d(3, track_running_stats=True), nn.Identity()), (1, 3, 5)),
    "encoder layer": (
        lambda: nn.TransformerEncoderLayer(
            8, 2, 16, activation="gelu", norm_first=True, batch_first=True, layer_norm_eps=0.01
        ),
        (2, 5, 8),
    ),
    "encoder": (
        lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 4, 12, bias=False), 3, nn.LayerNorm(8)),
        (2, 5, 8),
    ),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", SEQUENTIAL)
@pytest.mark.parametrize("options", [{}, {"_use_new_zipfile_serialization": False}])
def test_made_of_torch_parts(name: str, options: dict[str, Any], tmp_path: Path) -> None:
    make, shape = SEQUENTIAL[name]
    model = exercised(make())
    stub = stub_of(model.train(), tmp_path, **options)
    made = rebuild(stub)
    assert not any(module.training for module in made.modules())
    assert {path: type(module) for path, module in made.named_modules()} == {
        path: type(module) for path, module in model.named_modules()
    }
    inputs = torch.randn(shape)
    with torch.no_grad():
        assert torch.equal(made(inputs), model.eval()(inputs))


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
def test_recurrent(kind: Any, tmp_path: Path) -> None:
    model = exercised(
        kind(4, 5, num_layers=2, bidirectional=True, batch_first=True, dropout=0.5, bias=kind is not nn.RNN)
    )
    inputs = torch.randn(2, 3, 4)
    made = rebuild(stub_of(model, tmp_path))
    assert torch.equal(made(inputs)[0], model(inputs)[0])


def test_embedding_and_attention(tmp_path: Path) -> None:
    embedding = nn.Embedding(10, 4, padding_idx=3, max_norm=1.0)
    made: Any = rebuild(stub_of(embedding, tmp_path))
    assert (made.padding_idx, made.max_norm) == (3, 1.0)
    model = exercised(nn.MultiheadAttention(8, 2, bias=False, add_bias_kv=True, kdim=4, vdim=6, batch_first=True))
    inputs = torch.randn(2, 3, 8), torch.randn(2, 5, 4), torch.randn(2, 5, 6)
    with torch.no_grad():
        assert torch.equal(rebuild(stub_of(model, tmp_path))(*inputs)[0], model(*inputs)[0])


def test_tied_weights_stay_tied(tmp_path: Path) -> None:
    layer = nn.Linear(3, 3)
    made: Any = rebuild(stub_of(nn.Sequential(layer, nn.ReLU(), layer), tmp_path))
    assert made[0].weight.data_ptr() == made[2].weight.data_ptr()


def bert() -> transformers.BertModel:
    torch.manual_seed(0)
    config = transformers.BertConfig(
        **{
            "vocab_size": 50,
            "hidden_size": 16,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "intermediate_size": 24,
        },
        hidden_act="relu",
        layer_norm_eps=1e-3,
    )
    return transformers.BertModel(config).eval()


@pytest.mark.parametrize("options", [{}, {"_use_new_zipfile_serialization": False}])
def test_a_transformers_model(options: dict[str, Any], tmp_path: Path) -> None:
    model = bert()
    stub = stub_of(nn.DataParallel(model) if options else model, tmp_path, **options)
    made = rebuild(stub)
    assert type(made) is transformers.BertModel
    ids = torch.arange(6)[None]
    with torch.no_grad():
        assert torch.equal(made(ids).last_hidden_state, model(ids).last_hidden_state)


def test_a_vision_model_with_a_head(tmp_path: Path) -> None:
    config = transformers.ViTConfig(
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=24,
        image_size=8,
        patch_size=4,
        num_labels=3,
    )
    torch.manual_seed(0)
    model = transformers.ViTForImageClassification(config).eval()
    pixels = torch.randn(1, 3, 8, 8)
    with torch.no_grad():
        assert torch.equal(rebuild(stub_of(model, tmp_path))(pixels).logits, model(pixels).logits)


def test_sixteen_bits_stay(tmp_path: Path) -> None:
    assert rebuild(stub_of(bert().bfloat16(), tmp_path)).dtype == torch.bfloat16
    assert next(rebuild(stub_of(nn.Sequential(nn.Linear(2, 2)).half(), tmp_path)).parameters()).dtype == torch.float16


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = bert()
        self.head = nn.Linear(16, 2)


class Hooked(nn.Sequential):
    pass


def hook(*_: Any) -> None:
    return None


def with_hook() -> nn.Module:
    model = nn.Sequential(nn.Linear(2, 2))
    model[0].register_forward_hook(hook)
    return model


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("make", "named"),
    [
        (Net, "Net"),
        (lambda: nn.Sequential(nn.Linear(2, 2), Hooked()), "Hooked"),
        (with_hook, "Linear"),
        (lambda: nn.Sequential(torch.nn.utils.weight_norm(nn.Linear(2, 2))), "Linear"),
        (lambda: nn.ModuleList([nn.Linear(2, 2)]), "ModuleList"),
        (lambda: bert().encoder, "BertEncoder"),
    ],
)
def test_what_needs_its_code_is_named(make: Any, named: str, tmp_path: Path) -> None:
    model = make()
    stub = stub_of(model, tmp_path)
    with pytest.raises(CheckpointError) as caught:
        rebuild(stub)
    assert caught.value.code == "configuration.class-missing"
    assert repr(named) in caught.value.what
    assert "state_dict()" in caught.value.remedy
    tensors = state_dict_of(stub)
    assert list(tensors) == list(model.state_dict())
    assert all(torch.equal(tensors[name].read(), tensor) for name, tensor in model.state_dict().items())
    assert list(module_tree(stub)) == [path for path, _ in model.named_modules()]


def test_a_part_can_be_rebuilt_by_itself(tmp_path: Path) -> None:
    model = Net().eval()
    stub = stub_of(model, tmp_path)
    with pytest.raises(CheckpointError) as caught:
        rebuild(stub)
    assert caught.value.choices == ("encoder",)
    ids = torch.arange(6)[None]
    with torch.no_grad():
        made = rebuild(stub, "encoder")
        assert torch.equal(made(ids).last_hidden_state, model.encoder(ids).last_hidden_state)
    with pytest.raises(CheckpointError, match="no module of that name"):
        rebuild(stub, "decoder")


def broken(change: Callable[[nn.Module], object]) -> nn.Module:
    model = nn.Sequential(nn.Linear(3, 2), nn.ReLU())
    change(model)
    return model


def changed(model: Any, name: str, value: object) -> nn.Module:
    vars(model.config)[name] = value
    return cast(nn.Module, model)


@pytest.mark.parametrize(
    "make",
    [
        lambda: broken(lambda model: setattr(model[0], "in_features", 10**12)),
        lambda: broken(lambda model: setattr(model[0], "in_features", "3")),
        lambda: broken(lambda model: model[0].__delattr__("in_features")),
        lambda: broken(lambda model: setattr(model[0], "weight", nn.Parameter(torch.ones(5)))),
        lambda: broken(lambda model: model[0].register_buffer("extra", torch.ones(1))),
        lambda: changed(bert(), "num_hidden_layers", 10**9),
        lambda: broken(lambda model: model[0].__dict__.update(_parameters="x")),
        lambda: changed(bert(), "hidden_size", "x"),
        lambda: changed(bert(), "num_attention_heads", 0),
    ],
)
def test_numbers_that_do_not_fit(make: Any, tmp_path: Path) -> None:
    start = time.process_time()
    with pytest.raises(CheckpointError) as caught:
        rebuild(stub_of(make(), tmp_path))
    assert caught.value.code == "configuration.damaged"
    assert time.process_time() - start < 5


def test_a_module_that_holds_itself(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(1, 1))
    stub = stub_of(model, tmp_path)
    stub.state["_modules"]["again"] = stub
    with pytest.raises(CheckpointError, match="without end"):
        state_dict_of(stub)
    with pytest.raises(CheckpointError, match="without end"):
        rebuild(stub)


def test_real_weights_in_a_pickled_module(tmp_path: Path) -> None:
    folder = PACKAGES / "rxnfp/models/transformers/bert_ft_10k_25s"
    model = transformers.AutoModel.from_pretrained(folder, weights_only=True).eval()
    made = rebuild(stub_of(model, tmp_path))
    ids = torch.arange(20)[None]
    with torch.no_grad():
        assert torch.equal(made(ids).last_hidden_state, model(ids).last_hidden_state)
