"""The Doctor page in a real Chromium: a sick model is explained, repaired and taken home healthy."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect
from safetensors.torch import load_file, save_file

from embedviz.checkpoints import bundled_path
from tests.browser.conftest import Enter
from tests.browser.visit import LATE, SOON
from tests.conftest import TEXTS, package_file
from tests.packing import saved, zipped

pytestmark = [pytest.mark.browser, pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc")]


def test_a_sick_model_goes_home_healthy(enter: Enter, bundled_copy: Path, tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer

    tensors = {f"module.{name}": tensor for name, tensor in load_file(bundled_copy / "model.safetensors").items()}
    save_file(tensors, bundled_copy / "model.safetensors", metadata={"format": "pt"})
    visit = enter().turn_to("Doctor").says("checks passed", LATE)
    visit.upload_model(("prefixed.zip", zipped(bundled_copy))).says("The names of the tensors in the file begin", LATE)
    visit.photograph("doctor-refused")
    visit.page.locator("[data-testid=stMain]").get_by_role("button", name="Take the prefix off").first.click()
    visit.says("A prefix was taken off", LATE).says("checks passed", LATE)
    with visit.page.expect_download(timeout=LATE) as downloading:
        visit.press("Save a repaired copy")
    downloading.value.save_as(tmp_path / "copy.zip")
    with zipfile.ZipFile(tmp_path / "copy.zip") as packed:
        packed.extractall(tmp_path / "copy")
    wanted = SentenceTransformer(str(bundled_path()), device="cpu").encode(list(TEXTS))
    found = SentenceTransformer(str(tmp_path / "copy"), device="cpu").encode(list(TEXTS))
    assert np.abs(found - wanted).max() < 1e-6


class Marker:
    """Unpickled the usual way, it would leave a file behind."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        import os

        return os.system, (f"touch {self.path}",)


def test_a_hostile_file_is_refused_and_runs_nothing(enter: Enter, tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    visit = enter().turn_to("Doctor").says("checks passed", LATE)
    visit.upload_model(("model.pt", saved({"weights": Marker(marker)}))).says("could not be opened", LATE)
    expect(visit.page.locator("[data-testid=stMain]").get_by_text("system").first).to_be_visible(timeout=SOON)
    assert not marker.exists()
    visit.press("Back to all-MiniLM-L6-v2").says("checks passed", LATE)


def test_a_network_of_ones_own_opens_with_its_code(enter: Enter, tmp_path: Path) -> None:
    code = package_file("digit_recognizer", "model.py").read_text()
    name = next(line.split("(")[0].split()[1] for line in code.splitlines() if line.startswith("class "))
    code = f"{code}\n\ndef build():\n    return {name}()\n"
    weights = package_file("digit_recognizer", "models/handwriting_model.pth").read_bytes()
    visit = enter().turn_to("Doctor").says("checks passed", LATE)
    visit.upload_model(("digits.pth", weights)).says("No known architecture", LATE)
    chooser = visit.page.locator("[data-testid=stMain] input[type=file]").first
    chooser.set_input_files({"name": "digits.py", "mimeType": "text/x-python", "buffer": code.encode()})
    visit.page.get_by_role("button", name="Open with this architecture").click(timeout=SOON)
    visit.says("checks passed", LATE)
    expect(visit.layer("conv_layers")).to_be_visible(timeout=SOON)
    visit.turn_to("Explore").says("This model reads pictures, brought to 1 × 28 × 28", LATE).settle()
    expect(visit.map).to_be_visible(timeout=LATE)
