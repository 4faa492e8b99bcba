"""A script from its parts: what it says, what it reads, and the lines in their order."""

from __future__ import annotations

import platform
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from embedviz.checkpoints.fingerprint import sha256
from embedviz.export.script.arrays import arrays
from embedviz.export.script.caught import arranged, caught, hook
from embedviz.export.script.checking import check, expected
from embedviz.export.script.draft import Part, comment, imports, names
from embedviz.export.script.given import Asked, Given
from embedviz.export.script.images import images
from embedviz.export.script.pooling import pooling as pooling_part
from embedviz.export.script.postprocessing import postprocessing_lines
from embedviz.export.script.source import Places
from embedviz.export.script.texts import texts
from embedviz.records import Embeddings, Instances, Layer

if TYPE_CHECKING:
    from embedviz.checkpoints import Checkpoint

#: How a script is given its instances, by their modality.
GIVEN: dict[str, Callable[[Asked], Given]] = {"text": texts, "tensors": arrays, "images": images}

_CHECK = """\
for file, sha256 in FILES.items():
    if not file.is_file():
        sys.exit(f'{file} is not there: write at the top of this script where it is')
    with file.open('rb') as opened:
        if hashlib.file_digest(opened, 'sha256').hexdigest() != sha256:
            sys.exit(f'{file} is not the file that this script was made for: its sha256 is another')"""


@dataclass(frozen=True)
class Script:
    """One script; ``embeddings`` are what it has to come to."""

    checkpoint: Checkpoint
    instances: Instances
    layer: Layer
    pooling: str
    postprocessing: list[str]
    places: Places
    prompt: str | None
    embeddings: Embeddings

    def text(self, opened: Part, seed: int) -> str:
        tokens = self.embeddings.tokens
        longest = 0 if tokens is None else int(tokens.max())
        given = GIVEN[self.instances.modality](
            Asked(self.checkpoint, self.instances, self.places, self.prompt, longest)
        )
        found = caught(self.checkpoint, self.layer)
        pooled = pooling_part(self.pooling, self.checkpoint, self.layer, arranged(self.layer, found), self.places)
        parts = [opened, given.part, pooled]
        constants = [
            *self.places.constants(),
            *(line for part in parts for line in part.constants),
            self._files([file for part in parts for file in part.files]),
            *expected(self.embeddings),
        ]
        body = [
            _CHECK,
            "\n".join(self.places.unpacking()),
            *(line for part in parts for line in part.body),
            self._mha(),
            hook(self.layer, found),
            self._loop(given, pooled),
            postprocessing_lines(self.postprocessing),
            check(given.ids),
        ]
        functions = [function.strip() for part in parts for function in part.functions]
        code = "\n\n\n".join(["\n".join(constants), *functions, "\n\n".join(line for line in body if line)])
        if "HERE" in names(code):
            code = f"HERE = Path(__file__).resolve().parent\n{code}"
        return f"{self._head(seed)}\n{imports(code)}\n\n{code}\n"

    def _files(self, files: list[Path]) -> str:
        lines = "".join(f'    {self._named(file)}: "{sha256(file)}",\n' for file in self.places.checked(files))
        return f"FILES = {{\n{lines}}}"

    def _named(self, file: Path) -> str:
        source = self.places.source
        if self.places.archive and file == source.checkpoint:
            return "ARCHIVE"
        return "INSTANCES" if file == source.instances else self.places.name(file)

    def _mha(self) -> str:
        """The fused path of torch's own transformer layers calls no module inside them, so no hook either."""
        import torch

        fused = (torch.nn.TransformerEncoder, torch.nn.TransformerEncoderLayer, torch.nn.MultiheadAttention)
        if not any(isinstance(module, fused) for module in self.checkpoint.model.modules()):
            return ""
        return "torch.backends.mha.set_fastpath_enabled(False)  # it would pass the hook by"

    def _loop(self, given: Given, pooled: Part) -> str:
        """The lines that run the model over all instances, equal ones once."""
        repeated = any(self.instances.duplicates)
        name = "unique" if repeated else given.name
        before, after = [], []
        if repeated:
            before = [f"unique = list({{{given.key}: item for item in {given.name}}}.values())"]
            after = [
                f"place = {{{given.key}: number for number, item in enumerate(unique)}}",
                f"vectors = vectors[[place[{given.key}] for item in {given.name}]]",
            ]
        pool = self._pool(given, pooled)
        rows = f"{name}[start : start + {given.size}]"
        lines = [
            *before,
            "vectors = []",
            "try:",
            "    with torch.inference_mode():",
            f"        for start in range(0, len({name}), {given.size}):",
            "            caught.clear()",
            *(f"            {line}" for line in [*given.batch(rows), *pool]),
            "finally:",
            "    handle.remove()",
            "vectors = torch.cat(vectors).numpy()",
            *after,
        ]
        return "\n".join(lines)

    def _pool(self, given: Given, pooled: Part) -> list[str]:
        """The lines that make a batch's vectors of what was caught."""
        function = next(iter(pooled.functions), "")
        masked = function.startswith("def pool(hidden, mask)")
        mask = [f"mask = {given.mask}"] if masked and given.mask != "mask" else []
        pool = "pool({}, mask)" if masked else "pool({})" if function else "{}"
        if self.layer.call:
            return [*mask, f"vectors.append({pool.format(f'caught[{self.layer.call - 1}]')})"]
        return [
            *mask,
            f"calls = [{pool.format('hidden')} for hidden in caught]  # the mean of all calls",
            "vectors.append(torch.stack(calls).mean(0))",
        ]

    def _head(self, seed: int) -> str:
        """What it is and what it was made with. Nothing of others' words stands in the first two lines, of which
        Python may take one for the file's encoding."""
        import torch
        import transformers

        from embedviz import __version__

        checkpoint, layer = self.checkpoint, self.layer
        told = {
            "checkpoint": f"{checkpoint.name} ({checkpoint.format}, {checkpoint.text})",
            "fingerprint": checkpoint.fingerprint,
            "layer": f"{layer.path or 'the whole model'} ({layer.kind}, {layer.shape_text})",
            "pooling": self.embeddings.pooling,
            "post-processing": " + ".join(self.postprocessing),
            "instances": f"{len(self.instances):,}" + (f" of {self.instances.name}" if self.instances.name else ""),
            "seed": f"{seed} (of the map; no random number goes into the vectors)",
            "made with": f"Python {platform.python_version()}, torch {torch.__version__}, transformers "
            f"{transformers.__version__}, embedviz {__version__}",
        }
        notes = [f"# {comment(note)}" for note in self.embeddings.notes]
        lines = [
            "# Made by embedviz, which is not needed to run it: plain torch and transformers.",
            "# It makes the vectors below anew, checks them, and saves vectors.npy and ids.json where it is run.",
            "#",
            *(f"# {name:16}{comment(value)}" for name, value in told.items()),
            *notes,
        ]
        return "\n".join(lines)
