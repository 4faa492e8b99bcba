"""Pictures as uploaded files, zips and folders: what is taken, what is left out, and which labels they get."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import tracemalloc
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedviz.errors import InstancesError
from embedviz.modalities import images
from embedviz.modalities.images import images_from_files, images_from_folder, without
from embedviz.modalities.picture_kinds import KINDS, other_kind, picture_kind
from tests.modalities.pictures import noise, packed, saved

PNG = saved(noise(4, 4))
OTHER = saved(noise(4, 4, seed=1))


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_are_told_by_their_bytes(kind):
    data = saved(noise(5, 4), kind)
    assert picture_kind(data) == kind
    made = images_from_files([("anything.txt", data)]).instances
    assert made.items[0].data == data
    assert made.modality == "images"
    assert made.ids == ("anything.txt",)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "empty"),
        (b"BM is how this text begins, and it goes on for a while", "no picture"),
        (b"%PDF-1.7", "a PDF document"),
        (b"II*\x00" + bytes(20), "TIFF"),
        (b"MM\x00*" + bytes(20), "TIFF"),
        (b"\x00\x00\x00\x18ftypheic" + bytes(20), "HEIC"),
        (b'\n<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", "a sound"),
    ],
)
def test_other_files_are_left_out_by_name(data, what):
    assert picture_kind(data) == ""
    assert what in other_kind(data)
    made = images_from_files([("a.png", PNG), ("other.png", data)])
    assert len(made.instances) == 1
    assert made.instances.dropped == 1
    assert made.notes[0].startswith("1 file was left out: other.png (")
    assert what in made.notes[0]
    with pytest.raises(InstancesError, match=r"other\.png"):
        images_from_files([("other.png", data)])


def test_many_left_out_are_counted_by_reason():
    files = [("a.png", PNG), *((f"{number}.txt", b"text") for number in range(5)), ("b.pdf", b"%PDF-1")]
    (note,) = images_from_files(files).notes
    assert note == ("6 files were left out: 0.txt, 1.txt, 2.txt and 2 more (no picture); b.pdf (a PDF document).")


@pytest.mark.parametrize(
    ("paths", "labels", "ids"),
    [
        (("cats/1.png", "dogs/1.png"), ("cats", "dogs"), ("cats/1.png", "dogs/1.png")),
        (("data/cats/1.png", "data/dogs/1.png"), ("cats", "dogs"), ("cats/1.png", "dogs/1.png")),
        (("data/1.png", "data/2.png"), None, ("1.png", "2.png")),
        (("1.png", "2.png"), None, ("1.png", "2.png")),
        (("1.png", "dogs/2.png"), (None, "dogs"), ("1.png", "dogs/2.png")),
        (("cats/a/1.png", "dogs/a/1.png"), ("cats", "dogs"), ("cats/a/1.png", "dogs/a/1.png")),
        (("test/cats/1.png", "train/dogs/1.png"), ("cats", "dogs"), ("test/cats/1.png", "train/dogs/1.png")),
    ],
)
def test_folders_become_labels_alike_in_a_zip_and_on_a_disk(tmp_path, paths, labels, ids):
    for path in paths:
        file = tmp_path / "top" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(PNG)
    zipped = images_from_files([("pets.zip", packed(dict.fromkeys(paths, PNG)))]).instances
    folder = images_from_folder(tmp_path / "top").instances
    loose = images_from_files([(path, PNG) for path in paths]).instances
    for made in (zipped, folder, loose):
        assert made.labels == labels
        assert sorted(made.ids) == sorted(ids)
        assert ("split" in made.columns) is ("train/dogs/1.png" in paths)
    assert (zipped.name, folder.name) == ("pets.zip", "top")


def test_files_come_in_the_order_that_people_count():
    names = [f"{number}.png" for number in (10, 2, 1)]
    assert images_from_files([("a.zip", packed(dict.fromkeys(names, PNG)))]).instances.ids == (
        "1.png",
        "2.png",
        "10.png",
    )


def test_several_zips_are_a_group_each():
    made = images_from_files([("cats.zip", packed({"1.png": PNG})), ("dogs.zip", packed({"1.png": OTHER}))]).instances
    assert made.labels == ("cats", "dogs")
    assert made.ids == ("cats/1.png", "dogs/1.png")


def test_the_same_name_twice_gives_two_ids():
    assert images_from_files([("a.png", PNG), ("a.png", OTHER)]).instances.ids == ("a.png", "a.png (2)")


def test_what_programs_put_beside_pictures_is_not_mentioned():
    made = images_from_files(
        [("a.zip", packed({"1.png": PNG, "__MACOSX/._1.png": b"x", ".DS_Store": b"x", "Thumbs.db": b"x"}))]
    )
    assert (made.instances.dropped, made.notes) == (0, ())


@pytest.mark.parametrize(
    "path", ["../../evil.png", "/etc/evil.png", "a/../../evil.png", "C:\\evil.png", "..\\evil.png"]
)
def test_names_that_lead_out_of_a_zip(path):
    made = images_from_files([("a.zip", packed({"1.png": PNG, path: OTHER}))])
    assert made.instances.ids == ("1.png",)
    assert "outside of the zip" in made.notes[0]


def test_a_zip_within_a_zip_is_left_out():
    inner = packed({"1.png": PNG})
    made = images_from_files([("a.zip", packed({"1.png": PNG, "inner.zip": inner}))])
    assert made.instances.ids == ("1.png",)
    assert "inner.zip (a zip within a zip)" in made.notes[0]


def test_names_cannot_turn_the_line_around_or_be_endless():
    made = images_from_files([("a\u202egnp.exe\n.png", PNG), ("b" * 5_000 + ".png", OTHER)]).instances
    assert "\u202e" not in made.ids[0]
    assert "\n" not in made.ids[0]
    assert len(made.ids[1]) <= 300


def million_entries():
    """A zip of one million empty files, 46 bytes and a name each in its directory."""
    entry = b"PK\x01\x02" + bytes(24) + struct.pack("<3H", 5, 0, 0) + bytes(12) + b"a.png"
    directory = entry * 1_000_000
    end = b"PK\x05\x06" + struct.pack("<4H2LH", 0, 0, 65_535, 65_535, len(directory), 4, 0)
    return b"PK\x03\x04" + directory + end


def lying():
    data = bytearray(packed({"1.png": PNG, "2.png": OTHER * 50}))
    at = data.rfind(b"PK\x01\x02")
    struct.pack_into("<I", data, at + 24, 100)
    return bytes(data)


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (million_entries, "more than 50,000 files"),
        (lambda: packed({"bomb.png": PNG + bytes(300 * 2**20)}), "Too much would come out"),
        (lambda: packed({f"{number}.png": PNG + bytes(20 * 2**20) for number in range(6)}), "Too much would come out"),
        (lambda: packed({"1.png": PNG})[:-40], "damaged"),
        (lambda: packed({}), "no picture"),
        (lambda: b"PK\x03\x04" + bytes(100), "damaged"),
        (lambda: packed({"1.png": PNG}, zipfile.ZIP_LZMA), "compressed in a way"),
    ],
)
def test_hostile_zips(make, what):
    data = make()
    tracemalloc.start()
    try:
        with pytest.raises(InstancesError, match=what) as caught:
            images_from_files([("a.zip", data)])
        assert tracemalloc.get_traced_memory()[1] < 64 * 2**20
    finally:
        tracemalloc.stop()
    assert caught.value.remedy


def test_a_size_that_lies_costs_one_picture():
    made = images_from_files([("a.zip", lying())])
    assert made.instances.ids == ("1.png",)
    assert "2.png (damaged within the zip)" in made.notes[0]


def test_bounds_on_number_and_size(monkeypatch):
    monkeypatch.setattr(images, "MOST_PICTURES", 2)
    made = images_from_files([(f"{number}.png", PNG) for number in range(5)])
    assert (len(made.instances), made.instances.dropped) == (2, 3)
    assert "beyond the first 2 pictures" in made.notes[0]
    monkeypatch.setattr(images, "MOST_PICTURES", 100)
    monkeypatch.setattr(images, "MOST_BYTES", 3 * len(PNG))
    made = images_from_files([(f"{number}.png", PNG) for number in range(5)])
    assert (len(made.instances), made.instances.dropped) == (3, 2)
    monkeypatch.setattr(images, "MOST_EACH", len(PNG) - 1)
    with pytest.raises(InstancesError, match="larger than"):
        images_from_files([("a.png", PNG)])


def test_a_folder_is_read_without_links_and_pipes(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.png").write_bytes(OTHER)
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "1.png").write_bytes(PNG)
    (folder / "notes.txt").write_text("hello")
    (folder / "link").symlink_to(outside)
    os.mkfifo(folder / "pipe.png")
    made = images_from_folder(folder)
    assert made.instances.ids == ("1.png",)
    assert "notes.txt (no picture)" in made.notes[0]
    with pytest.raises(InstancesError, match="no such folder"):
        images_from_folder(tmp_path / "nowhere")
    (folder / "1.png").unlink()
    with pytest.raises(InstancesError, match="no picture"):
        images_from_folder(folder)


def test_pictures_found_wanting_later_are_left_out():
    made = images_from_files([("cats/1.png", PNG), ("dogs/1.png", OTHER), ("dogs/2.png", PNG), ("x.txt", b"text")])
    smaller = without(made, ["", "damaged or cut short", ""])
    assert smaller.instances.ids == ("cats/1.png", "dogs/2.png")
    assert smaller.instances.labels == ("cats", "dogs")
    assert smaller.instances.dropped == 2
    assert smaller.notes[1] == "1 file was left out: dogs/1.png (damaged or cut short)."
    with pytest.raises(InstancesError, match="no picture that can be used"):
        without(made, ["damaged or cut short"] * 3)


def test_listing_decodes_nothing():
    """A process that only lists pictures never loads a decoder."""
    code = (
        "import sys\nfrom pathlib import Path\nimport embedviz.modalities.images as images\n"
        "import embedviz.modalities.tensors, embedviz.modalities.samples, embedviz.modalities.image_processor\n"
        f"images.images_from_files([('a.png', {PNG!r})])\n"
        "print(sorted(set(sys.modules) & {'PIL', 'streamlit', 'torch', 'transformers', 'sklearn', 'umap', 'pandas'}))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def outcome(files):
    try:
        return images_from_files(files).instances
    except InstancesError as error:
        return error


@settings(max_examples=150, deadline=None)
@given(
    st.binary(max_size=300), st.sampled_from([b"", b"PK\x03\x04", PNG, packed({"a/1.png": PNG})]), st.text(max_size=20)
)
def test_any_bytes_are_taken_or_refused_in_words(data, start, name):
    made = outcome([(name, start + data)])
    assert (made.what and made.remedy) if isinstance(made, InstancesError) else made.items
