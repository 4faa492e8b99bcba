"""The Doctor page: what it says of healthy, of sick and of unreadable checkpoints, and that its buttons help."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from embedviz.checkpoints import bundled_path
from embedviz.ui.remedies import REPAIRS
from tests.conftest import Save
from tests.packing import saved, zipped
from tests.ui.conftest import App


def files(folder: Path, *names: str) -> list[tuple[str, bytes]]:
    return [(name, (folder / name).read_bytes()) for name in names]


TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "vocab.txt")


@pytest.fixture
def doctor(app: App) -> App:
    return app.page("Doctor")


def examined(app: App) -> bool:
    return app.settled and "checks passed" in app.text


def refused(app: App) -> bool:
    return app.settled and "could not be opened" in app.text


def test_a_healthy_checkpoint_gets_a_short_answer(doctor: App) -> None:
    doctor.until(examined)
    assert ":material/error: 0 problems" in doctor.text
    assert ":material/warning: 0 warnings" in doctor.text
    assert "What was checked" in doctor.text
    assert doctor.page("Explore").until_drawn().heading == "encoder.layer.5"


def test_the_sidebar_says_in_a_line_what_the_doctor_found(app: App) -> None:
    app.until(lambda app: "checks passed" in app.text)


def test_a_prefix_is_taken_off_at_a_press(doctor: App, bundled_copy: Path) -> None:
    tensors = {f"module.{name}": tensor for name, tensor in load_file(bundled_copy / "model.safetensors").items()}
    save_file(tensors, bundled_copy / "model.safetensors", metadata={"format": "pt"})
    doctor.upload(("prefixed.zip", zipped(bundled_copy))).until(refused)
    assert "begin with module." in doctor.text
    doctor.press(REPAIRS["prefix"]).until(examined)
    assert "A prefix was taken off the names of the tensors" in doctor.text
    assert doctor.page("Explore").until_drawn().heading == "encoder.layer.5"


def test_of_several_models_the_person_chooses(doctor: App, save: Save) -> None:
    folder = save("Bert").parent
    shutil.copytree(folder / "BertModel", folder / "pair" / "first")
    shutil.copytree(save("Bert", name="small", layers=1), folder / "pair" / "second")
    doctor.upload(("pair.zip", zipped(folder / "pair"))).until(refused)
    assert "There are 2 models in here" in doctor.text
    doctor.labelled("selectbox", "Which of them?").set_value("second")
    doctor.run().press("Open this one").until(examined)
    assert "BERT" in doctor.text


def test_what_is_assumed_is_shown_and_corrected(doctor: App, save: Save) -> None:
    tensors = load_file(save("Bert") / "model.safetensors")
    doctor.upload(("weights.pt", saved({"state_dict": tensors, "epoch": 3})), *files(bundled_path(), *TOKENIZER))
    doctor.until(examined)
    assert "family and sizes were told from the weights" in doctor.text
    assert "The weights were taken out of a training checkpoint" in doctor.text
    heads = doctor.labelled("selectbox", "num\\_attention\\_heads")
    before = heads.value
    other = next(choice for choice in heads.options if choice != str(before))
    heads.select(int(other) if other.isdigit() else other)
    doctor.press("Open with these").until(examined)
    assert str(doctor.labelled("selectbox", "num\\_attention\\_heads").value) == other


def test_an_adapter_asks_for_its_base(doctor: App, tmp_path: Path) -> None:
    import peft

    base = transformers.BertModel.from_pretrained(bundled_path())
    adapted = peft.get_peft_model(base, peft.LoraConfig(r=2, target_modules=["query"]))
    adapted.save_pretrained(tmp_path / "adapter")
    doctor.upload(("adapter.zip", zipped(tmp_path / "adapter"))).until(refused)
    assert "This is an adapter" in doctor.text
    doctor.labelled("selectbox", "The base it was trained on").set_value("bundled")
    doctor.run().press("Open with this base").until(examined)
    assert "The adapter was added to its base" in doctor.text


def test_code_is_not_offered_where_it_is_not_allowed(doctor: App) -> None:
    doctor.upload(("net.pt", saved({"conv.weight": torch.zeros(2, 1, 3, 3)}))).until(refused)
    assert "--allow-code" in doctor.text
    assert not doctor.shows("file_uploader", "Architecture file: Python that defines build()")


def test_a_model_of_videos_shows_its_tree_and_no_map(app: App, tmp_path: Path) -> None:
    sizes = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 4}
    predictor = {"pred_hidden_size": 32, "pred_num_hidden_layers": 1, "pred_num_attention_heads": 4}
    config = transformers.VJEPA2Config(crop_size=32, frames_per_clip=2, **sizes, **predictor)
    transformers.VJEPA2Model(config).save_pretrained(tmp_path)
    app.upload(("videos.zip", zipped(tmp_path))).until(lambda app: "there is no map" in app.text)
    assert "which embedviz cannot give to a model" in app.text
    assert not app.errors
    app.page("Doctor").until(examined)


def test_a_layer_that_was_never_trained_is_shown_on_purpose_only(app: App, save: Save) -> None:
    folder = save("Bert")
    tensors = load_file(folder / "model.safetensors")
    kept = {name: tensor for name, tensor in tensors.items() if not name.startswith("pooler")}
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    app.upload(("tiny.zip", zipped(folder))).until_drawn()
    app.labelled("selectbox", "Layer").set_value("pooler")
    app.run().until(lambda app: "This layer would say nothing" in app.text)
    app.labelled("toggle", "Show it all the same").set_value(True)
    assert app.until_drawn().heading == "pooler"
    app.page("Doctor").until(examined)
    assert "pooler" in app.text


def test_names_from_a_file_stay_text(doctor: App) -> None:
    name = "<img src=x onerror=alert(1)> [link](javascript:1) :red[x] $x^2$"
    doctor.upload(("net.pt", saved({f"{name}.weight": torch.zeros(2, 3)}))).until(refused)
    told = "\n".join(str(each.value) for each in doctor.at.markdown if "img" in str(each.value))
    assert told
    assert "\\<img" in told
    assert "\\[link\\]\\(" in told
    assert "\\$x" in told


def test_the_report_is_json(doctor: App) -> None:
    from embedviz.doctor import examine
    from embedviz.doctor.report import Report
    from embedviz.errors import CheckpointError

    report = examine(CheckpointError("x", value="y", remedy="z", code="files.empty", repair="prefix"))
    assert Report.from_json(json.loads(json.dumps(report.as_json()))).findings == report.findings
    assert report.exit_code == 2
