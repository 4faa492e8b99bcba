"""Archives: what the usual tools pack comes out as it was, and what a hostile one tries comes to nothing, quickly."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import random
import shutil
import stat
import struct
import subprocess
import sys
import tarfile
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from embedviz.checkpoints.places import archive, safe_folder, tar_stream
from embedviz.checkpoints.places.archive import extract
from embedviz.errors import CheckpointError
from tests.checkpoints.places.test_sniff import central_directory

FILES = {
    "config.json": b"{}",
    "model.safetensors": random.Random(0).randbytes(300_000),
    "1_Pooling/config.json": b'{"a": 1}',
    "a/b/c/empty.txt": b"",
    f"{'long' * 40}/{'name' * 30}.json": b"[1]",
    "Grüße/日本.txt": b"text",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, data in FILES.items():
        (tmp_path / "model" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "model" / name).write_bytes(data)
    return tmp_path / "model"


def contents(folder: Path) -> dict[str, bytes]:
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


FORMATS = {"tar": "", "tar.gz": "gz", "tar.bz2": "bz2", "tar.xz": "xz"}


@pytest.mark.parametrize("ending", FORMATS)
@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_tars_of_python(ending: str, form: int, folder: Path, tmp_path: Path) -> None:
    packed = tmp_path / f"m.{ending}"
    with tarfile.open(packed, f"w:{FORMATS[ending]}", format=form) as opened:
        opened.add(folder, "model")
    assert contents(extract(packed, tmp_path / "out") / "model") == FILES


@pytest.mark.parametrize("form", ["gnu", "pax", "v7", "ustar"])
def test_tars_of_gnu_tar(form: str, folder: Path, tmp_path: Path) -> None:
    if form in ("v7", "ustar"):
        shutil.rmtree(next(folder.glob("long*")))
    before = contents(folder)
    packed = tmp_path / "m.tgz"
    subprocess.run(["tar", f"--format={form}", "-czf", packed, "-C", folder, "."], check=True)
    assert contents(extract(packed, tmp_path / "out")) == before


def test_a_zip(folder: Path, tmp_path: Path) -> None:
    packed = shutil.make_archive(str(tmp_path / "m"), "zip", folder)
    assert contents(extract(Path(packed), tmp_path / "out")) == FILES


@pytest.mark.parametrize(("ending", "pack"), [("gz", gzip.compress), ("bz2", bz2.compress), ("xz", lzma.compress)])
def test_one_compressed_file(ending: str, pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    data = FILES["model.safetensors"]
    packed = tmp_path / f"model.pt.{ending}"
    packed.write_bytes(pack(data[:1000]) + pack(data[1000:]))  # two streams, as `cat a.gz b.gz` gives
    assert contents(extract(packed, tmp_path / "out")) == {"model.pt": data}
    os.truncate(packed, packed.stat().st_size - 100)
    with pytest.raises(CheckpointError, match="damaged or incomplete"):
        extract(packed, tmp_path / "again")


def test_code_is_kept_only_when_asked(tmp_path: Path) -> None:
    packed = tmp_path / "m.zip"
    with zipfile.ZipFile(packed, "w") as opened:
        for name in ("net.py", "sub/NET.PY", "config.json", "__MACOSX/._config.json", ".DS_Store"):
            opened.writestr(name, b"{}")
    assert set(contents(extract(packed, tmp_path / "out"))) == {"config.json"}
    kept = extract(packed, tmp_path / "code", keep_code=True)
    assert set(contents(kept)) == {"config.json", "net.py", "sub/NET.PY"}


def hub_cache(root: Path) -> Path:
    """huggingface_hub's cache: blobs by hash, and a snapshot of links to them."""
    cache = root / "models--org--name"
    (cache / "blobs").mkdir(parents=True)
    snapshot = cache / "snapshots" / ("a" * 40)
    (snapshot / "1_Pooling").mkdir(parents=True)
    (cache / "refs").mkdir()
    (cache / "refs" / "main").write_text("a" * 40)
    for name in ("config.json", "model.safetensors", "1_Pooling/config.json"):
        blob = cache / "blobs" / str(abs(hash(name)))
        blob.write_bytes(FILES[name])
        up = "../../.." if "/" in name else "../.."
        (snapshot / name).symlink_to(f"{up}/blobs/{blob.name}")
    return cache


@pytest.mark.parametrize("packer", ["tar", "zip"])
def test_links_within_become_files(packer: str, tmp_path: Path) -> None:
    cache = hub_cache(tmp_path / "hub")
    packed = tmp_path / f"m.{packer}"
    if packer == "tar":
        subprocess.run(["tar", "-cf", packed, "-C", cache.parent, cache.name], check=True)
    else:
        with zipfile.ZipFile(packed, "w") as opened:
            for file in cache.rglob("*"):
                entry = zipfile.ZipInfo(file.relative_to(cache.parent).as_posix())
                if file.is_symlink():
                    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
                    opened.writestr(entry, os.readlink(file))
                elif file.is_file():
                    opened.writestr(entry, file.read_bytes())
    snapshot = extract(packed, tmp_path / "out") / "models--org--name" / "snapshots" / ("a" * 40)
    for name in ("config.json", "model.safetensors", "1_Pooling/config.json"):
        assert (snapshot / name).read_bytes() == FILES[name]
        assert not (snapshot / name).is_symlink()


def test_hard_links_become_files(folder: Path, tmp_path: Path) -> None:
    os.link(folder / "config.json", folder / "same.json")
    packed = tmp_path / "m.tar"
    subprocess.run(["tar", "-cf", packed, "-C", folder, "."], check=True)
    assert contents(extract(packed, tmp_path / "out"))["same.json"] == b"{}"


def member(
    name: str, kind: bytes = tarfile.REGTYPE, target: str = "", data: bytes = b""
) -> tuple[tarfile.TarInfo, bytes]:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname, entry.size = kind, target, len(data)
    return entry, data


def tar(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w") as opened:
        for entry, data in members:
            opened.addfile(entry, io.BytesIO(data))
    return path


def zipped(path: Path, *entries: tuple[str, bytes], mode: int = 0, method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as opened:
        for name, data in entries:
            entry = zipfile.ZipInfo(name)
            entry.compress_type, entry.external_attr = method, mode << 16
            opened.writestr(entry, data)
    return path


def patched(path: Path, old: bytes, new: bytes) -> Path:
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new))
    return path


def squeezed(path: Path) -> Path:
    path.write_bytes(gzip.compress(path.read_bytes(), 1))
    return path


def raw_member(name: bytes, size: int, kind: bytes) -> bytes:
    """A tar header as anyone can write it, with its sum right."""
    block = bytearray(512)
    block[: len(name)] = name
    block[124:136] = f"{size:011o}\0".encode()
    block[156:157] = kind
    block[257:263] = b"ustar\0"
    block[148:156] = b"        "
    block[148:156] = f"{sum(block):06o}\0 ".encode()
    return bytes(block)


def lying_zip(path: Path) -> Path:
    """A file of a megabyte that the directory and its own header call ten bytes long."""
    zipped(path, ("config.json", bytes(2**20)))
    return patched(path, struct.pack("<L", 2**20), struct.pack("<L", 10))


def encrypted(path: Path) -> Path:
    zipped(path, ("config.json", b"{}"))
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    return path


def gnu_long_name(path: Path) -> Path:
    """A name of 300 MB, which a reader that trusts the header would keep in memory."""
    with gzip.open(path, "wb", compresslevel=1) as out:
        out.write(raw_member(b"././@LongLink", 150 * 2**20, b"L"))
        for _ in range(150):
            out.write(b"a" * 2**20)
    return path


def digits_in_pax(path: Path) -> Path:
    """Headers on which Python's tarfile took quadratic time (CVE-2024-6232)."""
    header = raw_member(b"pax", 60_000, b"x") + (b"1" * 60_000).ljust(60_416, b"\0")
    path.write_bytes(header * 200)
    return path


def sparse_in_pax(path: Path) -> Path:
    entry, data = member("big", data=b"1\n0\n1\n".ljust(512, b"\0"))
    entry.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": str(2**50)}
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as opened:
        opened.addfile(entry, io.BytesIO(data))
    return path


def chained_extensions(path: Path) -> Path:
    path.write_bytes((raw_member(b"pax", 512, b"x") + b"20 path=config.json\n".ljust(512, b"\0")) * 5000)
    return path


def quoted_zip(path: Path) -> Path:
    """Many names for the same deflated megabytes, which zipfile of Python 3.11 unpacks again for each."""
    zipped(path, ("a", bytes(8 * 2**20)))
    data = path.read_bytes()
    at = data.index(b"PK\x01\x02")
    end = data.index(b"PK\x05\x06")
    entry = data[at:end]
    directory = b"".join(entry[:46] + bytes([97 + number % 26]) + entry[47:] for number in range(200))
    path.write_bytes(
        data[:at] + directory + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 200, 200, len(directory), at, 0)
    )
    return path


def gzip_name(path: Path) -> Path:
    """The optional file name in gzip's header, thirty megabytes long."""
    path.write_bytes(b"\x1f\x8b\x08\x08" + bytes(6) + b"n" * (30 * 2**20))
    return path


def hungry_xz(path: Path) -> Path:
    """Asks its reader for a dictionary of 1.5 GiB."""
    small = [{"id": lzma.FILTER_LZMA2, "dict_size": 2**16}]
    packed = bytearray(lzma.compress(b"hello" * 100, filters=small))
    # The dictionary's size stands in the block's header, which ends in its own sum.
    length = (packed[12] + 1) * 4
    packed[16] = 37
    packed[12 + length - 4 : 12 + length] = struct.pack("<L", zlib.crc32(packed[12 : 12 + length - 4]))
    path.write_bytes(packed)
    return path


SLIP = "outside its own folder"
LINK = (tarfile.SYMTYPE, tarfile.LNKTYPE)
HOSTILE: dict[str, tuple[Callable[[Path], Path], str]] = {
    "tar slip": (lambda p: tar(p, member("../escaped", data=b"x")), SLIP),
    "tar slip, deep": (lambda p: tar(p, member("a/b/../../../escaped", data=b"x")), SLIP),
    "tar slip, absolute": (lambda p: tar(p, member("/tmp/escaped", data=b"x")), SLIP),
    "tar slip, drive": (lambda p: tar(p, member("C:/escaped", data=b"x")), SLIP),
    "tar slip, backslash": (lambda p: tar(p, member("..\\escaped", data=b"x")), SLIP),
    "tar link out": (lambda p: tar(p, member("config.json", LINK[0], "/etc/passwd")), "leads out of it"),
    "tar link up": (lambda p: tar(p, member("a/config.json", LINK[0], "../../x")), "leads out of it"),
    "tar hard link out": (lambda p: tar(p, member("config.json", LINK[1], "../../etc/passwd")), "leads out of it"),
    "tar link, then through it": (
        lambda p: tar(p, member("d", LINK[0], "e"), member("d/escaped", data=b"x")),
        "two files of the same name",
    ),
    "tar file, then a link over it": (
        lambda p: tar(p, member("a", data=b"x"), member("a", LINK[0], "b")),
        "two files of the same name",
    ),
    "tar links in a circle": (lambda p: tar(p, member("a", LINK[0], "b"), member("b", LINK[0], "a")), "not in it"),
    "tar dangling link": (lambda p: tar(p, member("a", LINK[0], "blobs/x")), "not in it"),
    "tar device": (lambda p: tar(p, member("null", tarfile.CHRTYPE)), "holds a device"),
    "tar disk": (lambda p: tar(p, member("sda", tarfile.BLKTYPE)), "holds a device"),
    "tar pipe": (lambda p: tar(p, member("pipe", tarfile.FIFOTYPE)), "holds a pipe"),
    "tar with holes": (sparse_in_pax, "file with holes"),
    "tar duplicate": (lambda p: tar(p, member("a", data=b"1"), member("a", data=b"2")), "same name"),
    "tar duplicate by case": (lambda p: tar(p, member("a/B", data=b"1"), member("A/b", data=b"2")), "same name"),
    "tar duplicate by spelling": (lambda p: tar(p, member("é", data=b"1"), member("e\u0301", data=b"2")), "same name"),
    "tar file as folder": (lambda p: tar(p, member("a", data=b"1"), member("a/b", data=b"2")), "same name"),
    "tar folder as file": (lambda p: tar(p, member("a/b", data=b"1"), member("a", data=b"2")), "same name"),
    "tar too deep": (lambda p: tar(p, member("a/" * 40 + "b", data=b"1")), "too deep"),
    "tar long name": (lambda p: tar(p, member("a" * 400, data=b"1")), "too long"),
    "tar odd name": (lambda p: tar(p, member("a\nb\x1b[2J", data=b"1")), "control characters"),
    "tar cut off": (lambda p: (tar(p, member("a", data=b"1" * 5000)), os.truncate(p, 3000), p)[2], "damaged"),
    "tar of lies": (lambda p: (p.write_bytes(raw_member(b"a", 8**10, b"0") + bytes(1024)), p)[1], "would unpack to"),
    "tar of nothing": (lambda p: (p.write_bytes(raw_member(b"a/", 0, b"9")), p)[1], "member of type"),
    "tar of many": (lambda p: tar(p, *(member(f"{number}") for number in range(6000))), "more than 5,000 files"),
    "tar bomb": (
        lambda p: squeezed(tar(p, *(member(f"{number}", data=bytes(60 * 2**20)) for number in range(4)))),
        "would unpack to",
    ),
    "gzip bomb": (lambda p: (p.write_bytes(gzip.compress(bytes(220 * 2**20), 1)), p)[1], "would unpack to"),
    "bzip2 bomb": (lambda p: (p.write_bytes(bz2.compress(bytes(10 * 2**20)) * 25), p)[1], "would unpack to"),
    "xz bomb": (lambda p: (p.write_bytes(lzma.compress(bytes(20 * 2**20), preset=0) * 12), p)[1], "would unpack to"),
    "gzip with an endless name": (gzip_name, "damaged"),
    "xz that asks for memory": (hungry_xz, "damaged"),
    "tar with an endless name": (gnu_long_name, "damaged"),
    "tar with endless digits": (digits_in_pax, "damaged"),
    "tar with endless headers": (chained_extensions, "damaged"),
    "zip slip": (lambda p: zipped(p, ("../escaped", b"x")), SLIP),
    "zip slip, drive": (lambda p: zipped(p, ("C:\\escaped", b"x")), SLIP),
    "zip link out": (lambda p: zipped(p, ("a", b"../../etc/passwd"), mode=stat.S_IFLNK | 0o777), "leads out of it"),
    "zip link of nonsense": (lambda p: zipped(p, ("a", b"x" * 5000), mode=stat.S_IFLNK | 0o777), "leads out of it"),
    "zip pipe": (lambda p: zipped(p, ("a", b""), mode=stat.S_IFIFO | 0o777), "device or pipe"),
    "zip duplicate": (lambda p: zipped(p, ("a", b"1"), ("A", b"2")), "same name"),
    "zip of lies": (lying_zip, "damaged|larger than the zip says"),
    "zip, encrypted": (encrypted, "password"),
    "zip of zeros": (lambda p: zipped(p, ("model.safetensors", bytes(256 * 2**20))), "would unpack to"),
    "zip of one in many": (quoted_zip, "would unpack to"),
    "zip of many": (lambda p: zipped(p, *((f"{number}", b"") for number in range(6000))), "files"),
    "zip of a million": (lambda p: (p.write_bytes(central_directory(10**6)), p)[1], "more than 5,000 files"),
    "zip by bzip2": (lambda p: zipped(p, ("a", bytes(2**20)), method=zipfile.ZIP_BZIP2), "method"),
    "zip by lzma": (lambda p: zipped(p, ("a", bytes(2**20)), method=zipfile.ZIP_LZMA), "method"),
    "zip of a folder": (lambda p: zipped(p, ("a/", b"")), "empty"),
    "not an archive": (lambda p: (p.write_bytes(b"%PDF-1.7"), p)[1], "not an archive"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_archives_are_refused(what: str, tmp_path: Path) -> None:
    make, message = HOSTILE[what]
    packed = make(tmp_path / "upload")
    start = time.perf_counter()
    with pytest.raises(CheckpointError, match=message) as caught:
        extract(packed, tmp_path / "out" / "in")
    assert time.perf_counter() - start < 5
    assert caught.value.remedy
    assert caught.value.code.startswith("files.")
    assert not list(tmp_path.rglob("*escaped*"))
    assert not any(path.is_symlink() for path in tmp_path.rglob("*"))


@pytest.mark.parametrize(
    "what", ["xz that asks for memory", "tar with an endless name", "zip of a million", "zip of zeros"]
)
def test_refusing_takes_little_memory(what: str, tmp_path: Path) -> None:
    packed = HOSTILE[what][0](tmp_path / "upload")
    # VmHWM counts from the start of the program; getrusage's figure starts from its parent's.
    code = (
        "import re, sys; from pathlib import Path\n"
        "from embedviz.checkpoints.places.archive import extract\n"
        "def peak(): return int(re.search(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text())[1])\n"
        "before = peak()\n"
        "try: extract(Path(sys.argv[1]), Path(sys.argv[2]), most=int(sys.argv[3]))\n"
        "except Exception: pass\n"
        "print((peak() - before) // 1024)"
    )
    command = [sys.executable, "-c", code, packed, tmp_path / "out", str(2**30)]
    grown = int(subprocess.check_output(command, text=True))
    assert grown < 64


def test_an_archive_in_an_archive_has_the_outer_ones_allowance(tmp_path: Path) -> None:
    packed = tmp_path / "inner.gz"
    packed.write_bytes(gzip.compress(bytes(50 * 2**20)))
    extract(packed, tmp_path / "alone")
    with pytest.raises(CheckpointError, match="would unpack to"):
        extract(packed, tmp_path / "inside", most=40 * 2**20)


def test_a_full_disk_is_said_to_be_full(tmp_path: Path) -> None:
    packed = tar(tmp_path / "m.tar", member("model.bin", data=bytes(3 * 2**20)))
    code = (
        "import resource, signal, sys; from pathlib import Path\n"
        "import embedviz; from embedviz.checkpoints.places.archive import extract\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, 2**20))\n"
        "try: extract(Path(sys.argv[1]), Path(sys.argv[2]))\n"
        "except embedviz.CheckpointError as error: print(error.code)"
    )
    told = subprocess.check_output([sys.executable, "-c", code, packed, tmp_path / "out"], text=True)
    assert told.strip() == "files.no-room"


def broken(data: bytes, chance: random.Random) -> Iterator[bytes]:
    for _ in range(120):
        changed = bytearray(data)
        for _ in range(chance.randrange(1, 6)):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        yield bytes(changed[: chance.randrange(1, len(changed))] if chance.random() < 0.3 else changed)


@pytest.mark.parametrize("ending", ["zip", *FORMATS])
def test_damage_is_refused_or_does_no_harm(ending: str, tmp_path: Path) -> None:
    source = tmp_path / "model"
    (source / "sub").mkdir(parents=True)
    (source / "config.json").write_text('{"model_type": "bert"}' * 20)
    (source / "sub" / "weights.bin").write_bytes(random.Random(1).randbytes(2000))
    (source / "sub" / "link").symlink_to("weights.bin")
    packed = tmp_path / f"m.{ending}"
    if ending == "zip":
        shutil.make_archive(str(tmp_path / "m"), "zip", source)
    else:
        with tarfile.open(packed, f"w:{FORMATS[ending]}") as opened:
            opened.add(source, "model")
    refused = 0
    for number, data in enumerate(broken(packed.read_bytes(), random.Random(2))):
        packed.write_bytes(data)
        try:
            extract(packed, tmp_path / "out" / str(number))
        except CheckpointError:
            refused += 1
    assert refused > 20
    assert {path.name for path in tmp_path.iterdir()} == {"model", "out", packed.name}


def test_our_reading_of_a_tar_agrees_with_tarfile(tmp_path: Path) -> None:
    for form in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        packed = tmp_path / "m.tar"
        names = ["a", "b/" * 40 + "c" * 80, "d" * 99, "e" * 100, "Grüße"]
        names += [] if form == tarfile.USTAR_FORMAT else ["f" * 101, "g/" * 200 + "日本"]
        with tarfile.open(packed, "w", format=form) as opened:
            for entry, data in (member(name, data=name.encode() * 9) for name in names):
                opened.addfile(entry, io.BytesIO(data))
        with packed.open("rb") as stream:
            read = {entry.name: content.read(entry.size) for entry, content in tar_stream.members(stream)}
        assert read == {name: name.encode() * 9 for name in names}


def test_the_limits_are_those_that_the_errors_name() -> None:
    assert archive.MAX_ENTRIES == safe_folder.MAX_ENTRIES == 5_000
