"""The bench on which checkpoints are broken, and a trained model that reads no English."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import pytest

import embedviz as ev
from tests.conftest import Save
from tests.doctor.breaks import Bench


@pytest.fixture
def bench(bundled: ev.Checkpoint, save: Save, tmp_path: Path) -> Bench:
    return Bench(bundled, save, tmp_path)


@pytest.fixture(scope="session")
def reactions(tmp_path_factory: pytest.TempPathFactory) -> ev.Checkpoint:
    """The BERT of rxnfp, trained on chemical reactions, with the tokenizer that transformers makes of its files."""
    import transformers

    spec = importlib.util.find_spec("rxnfp")
    assert spec is not None
    assert spec.submodule_search_locations
    source = Path(spec.submodule_search_locations[0]) / "models" / "transformers" / "bert_ft_10k_25s"
    folder = tmp_path_factory.mktemp("reactions")
    transformers.BertForSequenceClassification.from_pretrained(source).save_pretrained(folder)
    for name in ("vocab.txt", "special_tokens_map.json", "tokenizer_config.json"):
        shutil.copy(source / name, folder)
    return ev.open_checkpoint(folder)
