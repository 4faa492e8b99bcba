"""A tokenizer from elsewhere: a folder, an archive of one, or a lone file of a vocabulary."""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path
from typing import Any

from embedviz.checkpoints.json_file import read_json
from embedviz.checkpoints.places import archive
from embedviz.checkpoints.places.listing import listing
from embedviz.checkpoints.places.place import reach
from embedviz.checkpoints.places.sniff import ARCHIVE, KINDS
from embedviz.checkpoints.tokenizer import read, read_at_its_word
from embedviz.checkpoints.tokenizer_limits import FILES, MAX_BYTES, check
from embedviz.errors import CheckpointError

log = logging.getLogger(__name__)

#: A whole model's archive holds its weights too.
_MAX_UNPACKED = 4 * 2**30
#: How deep below a folder a tokenizer is looked for, and in how many folders.
_DEEP, _MANY = 4, 500


def open_tokenizer(path: Path, config: Any, scratch: Path) -> Any:
    """The tokenizer at ``path``: what transformers makes of it, without running any code of it.

    ``path`` is a folder, a zip or tar of one, or a file (tokenizer.json, vocab.txt, a SentencePiece model). A lone
    tokenizer.json is taken at its word; a lone vocabulary is read as models of ``config``'s family read theirs. What
    has to be unpacked or copied goes to ``scratch``. Raises CheckpointError for what is none, or what is too large.
    """
    folder = _folder(path.expanduser(), scratch)
    check(folder, config)
    told = read_json(folder / "tokenizer_config.json") if (folder / "tokenizer_config.json").is_file() else {}
    named = isinstance(told, dict) and told.get("tokenizer_class")
    family = _family(folder)
    if (folder / "tokenizer.json").is_file() and not named and not family:
        return _with_unknown(read_at_its_word(folder))
    return read(folder, _config_of(family) or config)


def _folder(path: Path, scratch: Path) -> Path:
    """The folder of the tokenizer that ``path`` means."""
    kind = reach(path)
    if kind == "folder":
        return _within(path)
    if KINDS[kind].role == ARCHIVE:
        most = min(_MAX_UNPACKED, archive.allowance(path))
        return _within(archive.extract(path, scratch / "unpacked", most=most))
    if path.name in FILES and (path.parent / "tokenizer_config.json").is_file():
        return path.absolute().parent
    return _alone(path, scratch / "alone")


def _within(root: Path) -> Path:
    """``root``, or the only folder nearest below it, that holds a vocabulary."""
    level, seen = [root], 0
    for _ in range(_DEEP):
        listed = [(folder, listing(folder, _MANY)) for folder in level[: _MANY - seen]]
        seen += len(listed)
        found = [folder for folder, names in listed if not set(FILES).isdisjoint(names.files)]
        if len(found) == 1:
            return found[0]
        if found:
            names = ", ".join(folder.relative_to(root).as_posix() for folder in found[:6])
            raise CheckpointError(
                f"There are {len(found)} tokenizers in here", value=names, remedy="Give one of these folders."
            )
        level = [folder / name for folder, names in listed for name in names.folders]
    raise CheckpointError(
        "There is no tokenizer in here",
        value=root.name,
        remedy=f"Give the folder that `tokenizer.save_pretrained` wrote; it holds {', '.join(FILES[:4])} or the like.",
    )


def _alone(file: Path, into: Path) -> Path:
    """A folder with ``file`` alone, under the name by which tokenizers look for it."""
    size = file.stat().st_size
    if not size or size > MAX_BYTES:
        raise CheckpointError(
            "This file is empty" if not size else "This file is far larger than any tokenizer's",
            value=f"{file.name}, {size / 2**20:,.0f} MiB",
            remedy="Give a tokenizer.json, a vocab.txt, or a zip of a tokenizer's folder.",
            code="tokenizer.too-large" if size else "tokenizer.unreadable",
        )
    shutil.rmtree(into, ignore_errors=True)
    into.mkdir(parents=True)
    shutil.copyfile(file, into / _usual_name(file))
    return into


def _usual_name(file: Path) -> str:
    if file.name in FILES:
        return file.name
    if file.suffix == ".json":
        parsed = read_json(file)
        if isinstance(parsed, dict) and isinstance(parsed.get("model"), dict):
            return "tokenizer.json"
    name = {".txt": "vocab.txt", ".model": "tokenizer.model"}.get(file.suffix)
    if name is None:
        raise CheckpointError(
            "This is no file of a tokenizer",
            value=file.name,
            remedy="Give a tokenizer.json, a vocab.txt, or a zip of a tokenizer's folder.",
            code="tokenizer.unreadable",
        )
    return name


def _family(folder: Path) -> str:
    """The family that a configuration beside the tokenizer names, where transformers knows it; "" otherwise."""
    import transformers

    file = folder / "config.json"
    parsed = read_json(file) if file.is_file() else None
    family = str(parsed.get("model_type") or "") if isinstance(parsed, dict) else ""
    return family if family in transformers.CONFIG_MAPPING else ""


def _config_of(family: str) -> Any:
    """The family's configuration with nothing of the file in it: only which family it is counts for a tokenizer."""
    import transformers

    try:
        return transformers.CONFIG_MAPPING[family]() if family else None
    except (TypeError, ValueError, AssertionError):
        log.info("%s has no configuration of its own", family, exc_info=True)
        return None


def _with_unknown(tokenizer: Any) -> Any:
    """The tokenizer, told which of its tokens is the unknown one where only its tokenizer.json says that."""
    if tokenizer.unk_token is None:
        model = json.loads(tokenizer.backend_tokenizer.to_str())["model"]
        unknown = model.get("unk_token")
        if unknown is None and isinstance(model.get("unk_id"), int):
            unknown = tokenizer.convert_ids_to_tokens(model["unk_id"])
        if isinstance(unknown, str) and unknown in tokenizer.get_vocab():
            tokenizer.unk_token = unknown
    return tokenizer
