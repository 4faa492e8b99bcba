"""What many tests stand on: the real bundled model, and tiny models made on the spot from their configurations."""

from __future__ import annotations

import os

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
# The parallel code of umap aborts processes that use it from several threads; no test should depend on its absence.
os.environ.setdefault("NUMBA_THREADING_LAYER", "workqueue")

import importlib.util
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import embedviz as ev
from embedviz.checkpoints import bundled_path

TEXTS = (
    "A river bank covered with reeds.",
    "The bank raised its interest rates again.",
    "Cats sleep most of the day.",
    "A short one.",
    "In the evening the whole village walked down to the harbour to see the boats come in, one after another.",
    "Zebra",
    "How do I get the embedding of one test instance out of my trained model?",
)


@pytest.fixture(scope="session")
def bundled() -> Iterator[ev.Checkpoint]:
    with ev.bundled_checkpoint() as checkpoint:
        yield checkpoint


@pytest.fixture
def texts() -> list[str]:
    return list(TEXTS)


@pytest.fixture
def bundled_copy(tmp_path: Path) -> Path:
    """A folder with the bundled model's files, to be broken."""
    return Path(shutil.copytree(bundled_path(), tmp_path / "model"))


def package_file(package: str, path: str) -> Path:
    """A file of an installed package, found without importing it."""
    spec = importlib.util.find_spec(package)
    assert spec is not None, f"{package} is not installed: see tests/models.txt"
    assert spec.submodule_search_locations
    file = Path(spec.submodule_search_locations[0]) / path
    assert file.exists(), file
    return file


Save = Callable[..., Path]


@pytest.fixture
def save(tmp_path: Path) -> Save:
    """Save a tiny random model of a transformers class, with the bundled tokenizer: ``save("Bert", layers=2)``."""
    import torch
    import transformers

    def make(family: str, kind: str = "Model", name: str = "", **settings: Any) -> Path:
        torch.manual_seed(0)
        config_class = getattr(transformers, f"{family}Config")
        config = config_class(**{**_TINY.get(family, {}), **settings})
        model = getattr(transformers, f"{family}{kind}")(config).eval()
        folder = tmp_path / (name or f"{family}{kind}")
        model.save_pretrained(folder)
        for file in ("tokenizer.json", "tokenizer_config.json", "vocab.txt", "special_tokens_map.json"):
            shutil.copy(bundled_path() / file, folder)
        return folder

    return make


_SIZES = {"vocab_size": 30522, "hidden_size": 32, "num_attention_heads": 4, "num_hidden_layers": 3}
_TINY: dict[str, dict[str, Any]] = {
    "Bert": {**_SIZES, "intermediate_size": 64},
    "Albert": {**_SIZES, "intermediate_size": 64, "embedding_size": 16},
    "Roberta": {**_SIZES, "intermediate_size": 64, "max_position_embeddings": 514},
    "DistilBert": {"vocab_size": 30522, "dim": 32, "n_heads": 4, "n_layers": 3, "hidden_dim": 64},
    "GPT2": {"vocab_size": 30522, "n_embd": 32, "n_head": 4, "n_layer": 3},
    "Llama": {**_SIZES, "intermediate_size": 64, "num_key_value_heads": 2, "pad_token_id": 0},
    "T5": {"vocab_size": 30522, "d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 2, "num_heads": 4},
    "Bart": {
        "vocab_size": 30522,
        "d_model": 32,
        "encoder_layers": 2,
        "decoder_layers": 2,
        "encoder_attention_heads": 4,
        "decoder_attention_heads": 4,
        "encoder_ffn_dim": 64,
        "decoder_ffn_dim": 64,
    },
    "Mixtral": {
        **_SIZES,
        "intermediate_size": 64,
        "num_key_value_heads": 2,
        "num_local_experts": 4,
        "pad_token_id": 0,
    },
}


def hook_count(model: Any) -> int:
    """Forward hooks and pre-hooks on all modules of a model."""
    return sum(len(module._forward_hooks) + len(module._forward_pre_hooks) for module in model.modules())
