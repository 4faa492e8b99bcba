"""What opens, and what is said of what does not."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

import embedviz as ev
from embedviz.checkpoints import Options
from embedviz.checkpoints.places import archive
from tests.conftest import Save


def test_the_bundled_model_is_checked(monkeypatch: pytest.MonkeyPatch, bundled_copy: Path) -> None:
    weights = bundled_copy / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    monkeypatch.setattr("embedviz.checkpoints.bundled_path", lambda: bundled_copy)
    with pytest.raises(ev.CheckpointError, match="not the published ones"):
        ev.bundled_checkpoint()


def test_what_it_is_in_one_line(bundled: ev.Checkpoint) -> None:
    assert bundled.text == "BERT · 22.7 M parameters · 6 blocks · float32 · 91 MB"
    assert bundled.recipe.text == "mean over tokens, then L2"
    assert bundled.max_tokens == 256


def zipped(folder: Path, target: Path, inside: str = "") -> Path:
    with zipfile.ZipFile(target, "w") as opened:
        for file in folder.rglob("*"):
            opened.write(file, Path(inside) / file.relative_to(folder))
    return target


@pytest.mark.parametrize("inside", ["", "my-model", "a/b"])
def test_a_zip_of_a_folder(inside: str, save: Save, tmp_path: Path) -> None:
    folder = save("Bert")
    with (
        ev.open_checkpoint(folder) as plain,
        ev.open_checkpoint(zipped(folder, tmp_path / "m.zip", inside)) as unpacked,
    ):
        assert unpacked.fingerprint == plain.fingerprint
        assert ev.capture(unpacked, ["a"])["encoder.layer.2"].vectors.shape == (1, 32)
        assert unpacked.unpacked is not None
        place = Path(unpacked.unpacked.name)
        assert any(place.iterdir())
    assert not place.exists()


def test_sharded_weights(save: Save, tmp_path: Path) -> None:
    import transformers

    folder = save("Bert")
    model = transformers.BertModel.from_pretrained(folder)
    sharded = Path(shutil.copytree(folder, tmp_path / "sharded"))
    (sharded / "model.safetensors").unlink()
    model.save_pretrained(sharded, max_shard_size="1MB")
    parts = sorted(sharded.glob("model-*.safetensors"))
    assert len(parts) > 1
    with ev.open_checkpoint(folder) as one, ev.open_checkpoint(sharded) as many:
        one_vector = ev.capture(one, ["a text"])["encoder.layer.2"].vectors
        assert (one_vector == ev.capture(many, ["a text"])["encoder.layer.2"].vectors).all()
    parts[0].unlink()
    with pytest.raises(ev.CheckpointError, match=parts[0].name):
        ev.open_checkpoint(sharded)


def test_an_index_may_not_point_elsewhere(save: Save) -> None:
    folder = save("Bert")
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": "../../secret.safetensors"}}))
    with pytest.raises(ev.CheckpointError, match="outside its folder"):
        ev.open_checkpoint(folder)


def test_modules_may_not_point_elsewhere(bundled_copy: Path) -> None:
    modules = json.loads((bundled_copy / "modules.json").read_text())
    modules[0]["path"] = "../../elsewhere"
    (bundled_copy / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(ev.CheckpointError, match="outside its folder"):
        ev.open_checkpoint(bundled_copy)


def truncate(folder: Path) -> None:
    weights = folder / "model.safetensors"
    os.truncate(weights, weights.stat().st_size // 2)


def change_config(folder: Path, **values: object) -> None:
    config = json.loads((folder / "config.json").read_text())
    config.update(values)
    (folder / "config.json").write_text(json.dumps(config))


BREAKS: dict[str, tuple[Callable[[Path], object], str]] = {
    "truncated": (truncate, "incomplete: .* bytes of"),
    "header cut off": (lambda f: os.truncate(f / "model.safetensors", 100), "cut off"),
    "empty weights": (lambda f: (f / "model.safetensors").write_bytes(b""), "empty"),
    "lfs pointer": (
        lambda f: (f / "model.safetensors").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\n"),
        "git lfs pull",
    ),
    "web page": (lambda f: (f / "model.safetensors").write_text("<!DOCTYPE html><html>"), "web page"),
    "no weights": (lambda f: (f / "model.safetensors").unlink(), "no weights"),
    "lfs config": (lambda f: (f / "config.json").write_text("version https://git-lfs.github.com/spec/v1"), "Git LFS"),
    "broken config": (lambda f: (f / "config.json").write_text('{"model_type": '), "not valid JSON"),
    "no model type": (
        lambda f: [(f / "config.json").write_text("{}"), rename(f, lambda name: name.replace("layer", "thing"))],
        "names no model_type",
    ),
    "unknown model type": (lambda f: change_config(f, model_type="bertt"), "newer transformers"),
    "own code": (
        lambda f: change_config(f, model_type="mine", auto_map={"AutoModel": "modeling.Mine"}),
        "program code of its own",
    ),
    "kernel code": (lambda f: change_config(f, _attn_implementation="someone/kernel"), "download program code"),
    "huge vocabulary": (lambda f: change_config(f, vocab_size=2_000_000_000), "larger than any model has"),
    "too many blocks": (lambda f: change_config(f, num_hidden_layers=3000), "more layers than the file has"),
    "odd heads": (lambda f: change_config(f, num_attention_heads=5), "not a multiple"),
    "negative width": (lambda f: change_config(f, hidden_size=-4), "not a size"),
    "other width": (lambda f: change_config(f, hidden_size=64), "do not fit the config.json: .* in the file"),
    "other prefix": (lambda f: rename(f, lambda name: f"net.{name}"), r"begin with net\."),
}


def rename(folder: Path, change: Callable[[str], str]) -> None:
    from safetensors.torch import load_file, save_file

    file = folder / "model.safetensors"
    save_file({change(name): tensor for name, tensor in load_file(file).items()}, file, metadata={"format": "pt"})


@pytest.mark.parametrize("broken", BREAKS)
def test_a_broken_folder_is_explained(broken: str, save: Save) -> None:
    folder = save("Bert")
    with ev.open_checkpoint(folder):
        pass
    change, message = BREAKS[broken]
    change(folder)
    with pytest.raises(ev.CheckpointError, match=message) as caught:
        ev.open_checkpoint(folder)
    assert caught.value.remedy


TOKENIZERS: dict[str, tuple[Callable[[Path], object], str]] = {
    "none": (lambda f: [(f / name).unlink() for name in ("tokenizer.json", "vocab.txt")], "tokenizer.missing"),
    "broken": (
        lambda f: [(f / "tokenizer.json").write_text("[1]"), (f / "vocab.txt").unlink()],
        "tokenizer.unreadable",
    ),
    "far too large": (
        lambda f: (f / "tokenizer.json").write_text(json.dumps({"added_tokens": [{"id": n} for n in range(30_000)]})),
        "tokenizer.too-large",
    ),
}


@pytest.mark.parametrize("broken", TOKENIZERS)
def test_without_a_tokenizer_the_tree_is_there_and_text_is_refused(broken: str, save: Save) -> None:
    folder = save("Bert")
    change, code = TOKENIZERS[broken]
    change(folder)
    with ev.open_checkpoint(folder) as checkpoint:
        (finding,) = [finding for finding in checkpoint.findings if finding.severity == "error"]
        assert finding.code == code
        assert checkpoint.recommended.path == "encoder.layer.2"
        with pytest.raises(ev.InstancesError, match="no tokenizer"):
            ev.capture(checkpoint, ["a"])


FILES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "empty"),
    "lfs": (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
    "html": (b"<html><body>Sign in</body></html>", "web page"),
    "picture": (b"\x89PNG\r\n\x1a\n" + bytes(100), "not a model folder"),
    "not a zip": (b"PK\x03\x04" + bytes(100), "damaged"),
    "damaged weights": ((50).to_bytes(8, "little") + b'{"a": 1}' + bytes(60), "header of this safetensors"),
}


@pytest.mark.parametrize("kind", FILES)
def test_a_file_that_is_no_model_is_named(kind: str, tmp_path: Path) -> None:
    data, message = FILES[kind]
    file = tmp_path / "upload.zip"
    file.write_bytes(data)
    with pytest.raises(ev.CheckpointError, match=message):
        ev.open_checkpoint(file)


def test_folders_that_are_no_model(tmp_path: Path, save: Save) -> None:
    with pytest.raises(ev.CheckpointError, match="nothing at this path"):
        ev.open_checkpoint(tmp_path / "missing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ev.CheckpointError, match="empty"):
        ev.open_checkpoint(tmp_path / "empty")
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "todo.txt").write_text("hello")
    with pytest.raises(ev.CheckpointError, match=r"todo\.txt"):
        ev.open_checkpoint(tmp_path / "notes")
    both = tmp_path / "both"
    for name in ("one", "two"):
        shutil.copytree(save("Bert", name=name), both / name)
    with pytest.raises(ev.CheckpointError, match="2 models in here"):
        ev.open_checkpoint(both)


def hostile_zip(path: Path, name: str, data: bytes = b"{}", mode: int = 0) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as opened:
        entry = zipfile.ZipInfo(name)
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.external_attr = mode << 16
        opened.writestr(entry, data)
    return path


@pytest.mark.parametrize("name", ["../escaped.json", "/escaped.json", "a/../../escaped.json", "..\\escaped.json"])
def test_a_zip_cannot_leave_its_folder(name: str, tmp_path: Path) -> None:
    with pytest.raises(ev.CheckpointError, match="outside its own folder"):
        ev.open_checkpoint(hostile_zip(tmp_path / "z.zip", name))
    assert not list(tmp_path.parent.rglob("escaped.json"))


def test_a_zip_may_hold_no_links_and_no_bombs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ev.CheckpointError, match="holds a link"):
        ev.open_checkpoint(hostile_zip(tmp_path / "l.zip", "config.json", b"/etc/passwd", stat.S_IFLNK | 0o777))
    monkeypatch.setattr(archive, "MAX_RATIO", 20)
    with pytest.raises(ev.CheckpointError, match="would unpack to"):
        ev.open_checkpoint(hostile_zip(tmp_path / "b.zip", "model.safetensors", bytes(64 * 2**20)))


def test_nothing_is_left_behind_after_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    with pytest.raises(ev.CheckpointError):
        ev.open_checkpoint(hostile_zip(tmp_path / "z.zip", "config.json"))
    assert not list((tmp_path / "temporary").iterdir())


def test_code_in_an_upload_never_runs(save: Save, tmp_path: Path) -> None:
    folder = save("Bert")
    marker = tmp_path / "ran"
    (folder / "modeling.py").write_text(f"open({str(marker)!r}, 'w')")
    change_config(folder, auto_map={"AutoModel": "modeling.BertModel", "AutoConfig": "modeling.BertConfig"})
    with ev.open_checkpoint(zipped(folder, tmp_path / "m.zip")) as checkpoint:
        ev.capture(checkpoint, ["a"])
        assert checkpoint.unpacked is not None
        assert not list(Path(checkpoint.unpacked.name).rglob("*.py"))
    assert not marker.exists()


def test_the_fingerprint_follows_the_content(save: Save, tmp_path: Path) -> None:
    folder = save("Bert")

    def fingerprint(folder: Path, **options: object) -> str:
        with ev.open_checkpoint(folder, options=Options(**options)) as checkpoint:  # type: ignore[arg-type]
            return checkpoint.fingerprint

    before = fingerprint(folder)
    moved = Path(shutil.copytree(folder, tmp_path / "moved"))
    (moved / "README.md").write_text("notes")
    assert fingerprint(moved) == before
    assert fingerprint(moved, assume=(("hidden_act", "relu"),)) != before
    change_config(moved, hidden_act="relu")
    assert fingerprint(moved) != before


def test_import_is_light() -> None:
    code = (
        "import sys, embedviz; heavy = {'torch', 'transformers', 'umap', 'sklearn', 'pandas', 'plotly', 'streamlit'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"
