"""Uploads of a hostile sender, all of them harmless: each tries something, and at worst touches a marker file.

``HOSTILE`` names them. ``make(folder, marker)`` writes one below ``folder`` and returns the path that is given to the
app; a program in it would create ``marker``. ``SECRET`` is text in a file outside of the upload, which nothing may
show.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.checkpoints import hostile_files as files
from tests.checkpoints import hostile_settings as settings
from tests.checkpoints import hostile_tokenizers as tokenizers
from tests.checkpoints.places.test_archive import HOSTILE as ARCHIVES
from tests.checkpoints.tiny import Maker
from tests.checkpoints.torch_save.test_pickles import HOSTILE as PICKLES


def _archive(make: Callable[[Path], Path]) -> Maker:
    def made(folder: Path, marker: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        return make(folder / "upload")

    return made


HOSTILE: dict[str, Maker] = {
    **settings.CONFIGURATIONS,
    **settings.FAMILIES,
    **settings.FOLDERS,
    **tokenizers.TOKENIZERS,
    **files.PICKLED,
    **{f"pickle in torch: {name}": files.in_torch(data, "zip") for name, (data, _) in PICKLES.items()},
    **{f"pickle in legacy torch: {name}": files.in_torch(data, "legacy") for name, (data, _) in PICKLES.items()},
    **files.SAFETENSORS,
    **files.PROGRAMS,
    **files.GGUF,
    **files.ARCHIVED,
    **{f"archive: {name}": _archive(make) for name, (make, _) in ARCHIVES.items()},
}
#: What opens all the same, its poison left aside (a tokenizer that is refused leaves a model without one); everything
#: else is refused.
_OPENED = {
    "config": "NaN|infinite|padding id of -7|chunks of 1|pruned heads|all outputs|a decoder with cross attention|"
    "torchscript|number types by module|kernel without a slash|flash attention|flex attention|attention unknown|"
    "use_kernels|model_type is a list|its name is a host path|architectures name a pipeline|"
    "architectures name AutoModel|architectures name the base class|architectures name a module|"
    "architectures name __class__|architectures are a text|architectures are numbers|architectures are a dict|"
    "architectures are true|weights elsewhere|weights above|gguf elsewhere|a commit that is a path|code|"
    "code elsewhere|attributes of Python|attribute_map|tensor parallel|twice the same key|49 MB of text",
    "family": "text_config in a BERT",
    "sentence": "class of its own|part of its own|dense of 1e9|longest of 1e18|longest of -1|prompts are a list|"
    "prompt's name is a dict|a prompt of 20 MB",
    "adapter": "base on the host|regex bomb|megatron|layers again and again|rank of 1e9|alpha NaN|"
    "initialised from elsewhere|code|half of it",
    "pickle": "beside the weights",
    "zip": "code beside a model|hostile names|nested twice",
    "name": "markup|formula|lines|from right to left|255 bytes",
}
#: The model opens, and its tokenizer then fails on texts.
FAILING = {
    *("tokenizer: regex bomb of letters", "tokenizer: a regex of 1 MB", "tokenizer: ids of 2**32 - 1"),
    *("tokenizer: no unknown", "settings: longest is a text", "settings: padding id of 2**31"),
}
#: Stopped by a limit of the worker only, and by which error that is told.
LIMITED = {
    "tokenizer: precompiled from nothing": "files.ends-its-worker",
    "keras: dense of 1e9": "WorkerError",
}
_TOKENIZERS = ("tokenizer:", "vocabulary:", "settings:")
OPENED = {f"{group}: {name}" for group, names in _OPENED.items() for name in names.split("|")}
OPENED |= {name for name in HOSTILE if name.startswith(_TOKENIZERS)} - FAILING - LIMITED.keys()
