"""Archives of a model folder, unpacked so that a hostile one can neither leave its folder nor fill disk or memory."""

from __future__ import annotations

import errno
import posixpath
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

from embedviz.checkpoints.places import tar_stream
from embedviz.checkpoints.places.decompress import Decompressed, DecompressError, TooMuch
from embedviz.checkpoints.places.safe_folder import MAX_ENTRIES, MAX_PATH, SafeFolder, refused
from embedviz.checkpoints.places.sniff import KINDS, kind_of
from embedviz.checkpoints.places.zip_directory import read_directory
from embedviz.errors import CheckpointError

MAX_BYTES = 40 * 2**30
#: Weights hardly compress, so a file that grows this much is a bomb and not a model.
MAX_RATIO = 200

#: What zipfile raises for bytes that make no sense.
_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    ValueError,
    IndexError,
    OverflowError,
    NotImplementedError,
    RuntimeError,
)


def extract(archive: Path, into: Path, *, keep_code: bool = False, most: int | None = None) -> Path:
    """Unpack ``archive`` (zip, tar, or either or one file compressed by gzip, bzip2 or xz) into ``into``; returns it.

    Python files are left out unless ``keep_code``. ``most`` bytes may come out (None: what its own size allows), so
    that an archive within an archive cannot multiply the two. Raises CheckpointError for a damaged, encrypted,
    oversized or escaping archive; ``into`` may then be half filled.
    """
    kind = kind_of(archive).name
    unpack = _UNPACK.get(kind)
    if unpack is None:
        raise CheckpointError(
            f"This is not an archive that embedviz opens but {KINDS[kind].title}",
            value=archive.name,
            remedy="Give a zip or a tar of the model's folder.",
            code="files.not-an-archive",
        )
    into.mkdir(parents=True, exist_ok=True)
    output = SafeFolder(archive, into, allowance(archive) if most is None else most, keep_code)
    try:
        unpack(archive, output)
        output.link_up()
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise damaged(archive, output.word) from error
        raise CheckpointError(
            "There is no room left to unpack this archive",
            value=archive.name,
            remedy=f"Free some space under {into.anchor or into}, or give the unpacked folder.",
            code="files.no-room",
        ) from error
    return into


def allowance(archive: Path) -> int:
    """How many bytes may come out of an archive of this size."""
    return min(MAX_BYTES, MAX_RATIO * max(archive.stat().st_size, 2**20))


def damaged(archive: Path, word: str) -> CheckpointError:
    return CheckpointError(
        f"This {word} is damaged or incomplete",
        value=archive.name,
        remedy="Pack the model's folder again.",
        code="files.damaged-archive",
    )


def _unpack_zip(archive: Path, output: SafeFolder) -> None:
    output.word = "zip"
    with archive.open("rb") as opened:
        directory = read_directory(opened, MAX_ENTRIES + 1)
    if directory is None:
        raise damaged(archive, "zip")
    if directory.more:
        raise output.too_many(f"more than {MAX_ENTRIES:,} files")
    try:
        with zipfile.ZipFile(archive) as zipped:
            entries = [entry for entry in zipped.infolist() if not entry.is_dir()]
            _check_size(archive, entries, output)
            for entry in entries:
                _unpack_entry(zipped, entry, output)
    except _UNREADABLE as error:
        raise damaged(archive, "zip") from error


def _check_size(archive: Path, entries: list[zipfile.ZipInfo], output: SafeFolder) -> None:
    if not entries:
        raise refused("This zip is empty", archive.name, "Pack the model's folder again.", "files.empty")
    if len(entries) > MAX_ENTRIES:
        raise output.too_many(f"{len(entries):,} files, more than {MAX_ENTRIES:,}")
    total = sum(entry.file_size for entry in entries)
    if total > output.most:
        raise output.too_large(total)


def _unpack_entry(zipped: zipfile.ZipFile, entry: zipfile.ZipInfo, output: SafeFolder) -> None:
    path = output.path(entry.filename)
    if entry.flag_bits & 0x1:
        raise refused(
            "This zip is protected by a password", entry.filename, "Pack it without a password.", "files.password"
        )
    if path is None:
        return
    # The other methods are rare, and zipfile lets them fill the memory.
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise refused(
            "This zip is compressed by a method that embedviz does not read",
            entry.filename,
            "Pack it again with the usual one: `python -m zipfile -c model.zip FOLDER`.",
            "files.compression",
        )
    mode = entry.external_attr >> 16
    if stat.S_ISLNK(mode):
        if entry.file_size > MAX_PATH:
            raise refused("This zip holds a link that leads out of it", entry.filename, "Do not trust its sender.")
        target = zipped.read(entry).decode("utf-8", "replace")
        if target.startswith("/"):
            raise refused("This zip holds a link", entry.filename, "Pack the files themselves (zip without -y).")
        output.link(path, posixpath.join(posixpath.dirname(path), target))
        return
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        raise refused("This zip holds a device or pipe", entry.filename, "Do not trust its sender.")
    # The size in the directory may lie, so the bytes are counted as they come.
    with zipped.open(entry) as source:
        output.write(path, source, entry.file_size)


def _unpack_tar(archive: Path, output: SafeFolder) -> None:
    with archive.open("rb") as opened:
        _read_tar(opened, archive, output)


def _read_tar(stream: tar_stream.Stream, archive: Path, output: SafeFolder) -> None:
    output.word = "tar archive"
    try:
        for member, content in tar_stream.members(stream):
            output.count_entry()
            if member.size > output.most - output.bytes:
                raise output.too_large(output.bytes + member.size)
            if member.kind != tar_stream.FOLDER:
                _unpack_member(member, content, output)
    except tar_stream.TarError as error:
        raise damaged(archive, output.word) from error
    if not output.entries:
        raise refused("This tar archive is empty", archive.name, "Pack the model's folder again.", "files.empty")


def _unpack_member(member: tar_stream.Member, content: tar_stream.Content, output: SafeFolder) -> None:
    path = output.path(member.name)
    if member.kind not in (tar_stream.FILE, tar_stream.LINK, tar_stream.HARD_LINK):
        raise refused(f"This tar archive holds a {member.kind}", member.name[:200], "Do not trust its sender.")
    if path is None:
        return
    if member.kind == tar_stream.FILE:
        output.write(path, content, member.size)
    else:
        # A link counts from its own folder, a hard link from the archive's.
        from_here = "" if member.kind == tar_stream.HARD_LINK else posixpath.dirname(path)
        output.link(path, posixpath.join(from_here, member.target))


def _unpack_compressed(archive: Path, output: SafeFolder) -> None:
    """A tar within, or else the one file, which is named after the archive."""
    try:
        with archive.open("rb") as opened, Decompressed(opened, kind_of(archive).name, output.most) as stream:
            if tar_stream.is_header(stream.peek(tar_stream.BLOCK)):
                _read_tar(stream, archive, output)
            else:
                output.word = "compressed file"
                output.write(output.path(inner_name(archive)) or "content", stream)
    except TooMuch as error:
        raise output.too_large(output.most, more=True) from error
    except DecompressError as error:
        raise damaged(archive, output.word) from error


def inner_name(archive: Path) -> str:
    """ "model.pt" for model.pt.gz."""
    return archive.stem if archive.suffix.lower() in (".gz", ".bz2", ".xz", ".lzma") else f"{archive.name}.content"


_UNPACK: dict[str, Callable[[Path, SafeFolder], None]] = {
    "zip": _unpack_zip,
    "tar": _unpack_tar,
    "gzip": _unpack_compressed,
    "bzip2": _unpack_compressed,
    "xz": _unpack_compressed,
}
