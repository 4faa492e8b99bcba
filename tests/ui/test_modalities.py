"""Models that read tensors or pictures, in the app: what they read is found out, shown, and can be corrected."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import torch
import transformers
from PIL import Image
from torch import nn

from tests.conftest import Save
from tests.packing import saved, zipped
from tests.ui.conftest import App


def upload(app: App, model: nn.Module, name: str = "model.pt") -> App:
    torch.manual_seed(0)
    return app.upload((name, saved(model))).until(lambda app: "This model reads" in app.text)


def flowers() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 3))


def digits() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(128, 16), nn.ReLU(),
        nn.Linear(16, 10),
    )  # fmt: skip


def picture(value: int, kind: str = "PNG") -> bytes:
    written = io.BytesIO()
    Image.fromarray(np.full((8, 8), value, np.uint8)).save(written, kind)
    return written.getvalue()


def test_numbers_of_the_right_shape_are_the_first_sample(app: App) -> None:
    upload(app, flowers()).until_drawn()
    assert "This model reads a float tensor of 4" in app.text
    assert "Iris flowers" in app.text
    assert "one vector an instance" in app.text
    assert "150 instances" in app.text
    assert app.heading == "1", "The last linear layer gives scores; what it reads is recommended."
    assert not app.errors


def test_one_typed_tensor_is_an_instance(app: App) -> None:
    model = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 2))
    upload(app, model).until(lambda app: "Nothing to show yet" in app.text)
    assert "a float tensor of 5" in app.text
    for text in ("[[1, 2, 3, 4, 5]]", "5 4 3 2 1"):
        app.labelled("text_input", "Add an instance of your own").set_value(text)
        app.press("Add").until_drawn()
    assert "2 instances" in app.text
    assert "Nearest to: “5, 4, 3, 2, 1”" in app.text
    app.labelled("text_input", "Add an instance of your own").set_value("1 2 3")
    app.press("Add")
    assert "3 numbers, and this model reads 5 numbers" in app.errors


def test_a_table_of_numbers_is_brought_as_a_file(app: App) -> None:
    upload(app, flowers()).until_drawn()
    app.choose_way("Where the instances are from", "file")
    rows = "\n".join(f"{row},{row + 1},{row * 2},1.5,{'even' if row % 2 == 0 else 'odd'}" for row in range(20))
    data = f"a,b,c,d,label\n{rows}\n".encode()
    app.labelled("file_uploader", "NPY, NPZ, CSV, JSON or Parquet").set_value(("numbers.csv", data, "text/csv"))
    app.run().press("Use 20 instances").until_drawn()
    assert "20 instances" in app.text
    assert "2 labels" in app.text


def test_what_a_model_reads_can_be_corrected(app: App) -> None:
    upload(app, nn.Sequential(nn.Flatten(), nn.Linear(16, 8), nn.Tanh(), nn.Linear(8, 2)))
    assert "a float tensor of 16" in app.text
    app.labelled("text_input", "Shape of one instance").set_value("4 x 4")
    app.press("Open with this").until(lambda app: "a float tensor of 4 × 4" in app.text)
    assert "given by you" in app.text
    app.labelled("text_input", "Shape of one instance").set_value("0, 4")
    app.press("Open with this")
    assert "whole numbers from 1 on" in app.errors


def test_pictures_are_drawn_and_shown_small(app: App) -> None:
    upload(app, digits()).until_drawn()
    assert "This model reads pictures, brought to 1 × 8 × 8" in app.text
    assert "300 instances" in app.text
    app.labelled("selectbox", "Instance").set_value("7")
    app.run()
    [table] = [frame.value for frame in app.at.dataframe]
    assert table["picture"].str.startswith("data:image/png;base64,").all()
    assert not app.errors


def test_pictures_come_from_a_zip_whose_folders_are_labels(app: App) -> None:
    upload(app, digits()).until_drawn()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for number in range(8):
            archive.writestr(f"{'dark' if number < 4 else 'bright'}/{number}.png", picture(30 * number + 5))
        archive.writestr("bright/broken.png", picture(99)[:40])
    app.choose_way("Where the instances are from", "file")
    uploader = app.labelled("file_uploader", "PNG, JPEG or WebP, or a zip of them")
    uploader.set_value([("pictures.zip", packed.getvalue(), "application/zip")])
    app.run().press("Use 1 file").until_drawn()
    assert "8 instances" in app.text
    assert "2 labels" in app.text
    assert "broken.png" in app.text
    assert "1 left out" in app.text


def test_a_vision_transformer_is_pooled_over_its_patches(app: App, tmp_path: Path) -> None:
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 32}
    config = transformers.ViTConfig(image_size=32, patch_size=8, **sizes)
    transformers.ViTModel(config).save_pretrained(tmp_path)
    app.upload(("vit.zip", zipped(tmp_path))).until(lambda app: "This model reads" in app.text).until_drawn()
    assert "pooled mean over patches" in app.below_heading
    assert set(app.labelled("selectbox", "Pooling").options) == {
        "Mean over patches", "First position (CLS)", "Maximum", "All places, flattened",
    }  # fmt: skip
    app.labelled("selectbox", "Pooling").set_value("flatten")
    app.until_drawn()
    assert "all places, flattened" in app.below_heading


def test_the_input_and_the_heads_of_a_layer_can_be_taken(app: App) -> None:
    app.labelled("selectbox", "Layer").set_value("encoder.layer.3.attention.self.query")
    app.until_drawn()
    parts = app.labelled("selectbox", "Which vectors of it")
    assert parts.options[:2] == ["Its output", "What it is given"]
    assert len(parts.options) == 2 + 12
    parts.set_value("encoder.layer.3.attention.self.query:head3")
    app.until_drawn()
    assert app.heading == "encoder.layer.3.attention.self.query:head3"


def test_what_is_put_before_each_text_changes_the_picture(app: App) -> None:
    before = app.figure
    assert app.shows("expander", "Before each text: nothing")
    app.labelled("text_input", "Put before each text").set_value("query: ")
    app.press("Use this").until_drawn()
    assert app.shows("expander", "Before each text: “query\\:”")
    assert app.figure != before


def test_texts_are_there_again_when_a_model_of_texts_is(app: App, save: Save) -> None:
    app.type("kept for later")
    upload(app, flowers()).until_drawn()
    assert "kept for later" not in app.text
    app.choose_way("Where the checkpoint is from", "bundled").press("Open the bundled model").until_drawn()
    assert "241 instances" in app.below_heading
    assert "kept for later" in app.text


def test_a_model_whose_input_is_not_found_out_says_so(app: App) -> None:
    upload(app, nn.Sequential(nn.Bilinear(3, 3, 4), nn.Tanh()))
    assert "could not be found out" in app.text
    assert not app.errors
