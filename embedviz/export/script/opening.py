"""The lines that open a checkpoint, for each format that plain torch and transformers can open."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from embedviz.checkpoints import weights as weights_
from embedviz.checkpoints.places.search import HELPERS
from embedviz.checkpoints.tokenizer_limits import FILES
from embedviz.checkpoints.weights import NAMES, Weights
from embedviz.errors import ExportError
from embedviz.export.script.configuration import config_literal, same_config
from embedviz.export.script.draft import Part
from embedviz.export.script.source import Places
from embedviz.export.script.tensors_in_file import reading

if TYPE_CHECKING:
    from embedviz.checkpoints import Checkpoint

_COPY = "Save a copy (`embedviz doctor CHECKPOINT --save copy`, or from the doctor's page), and make its script."
_VECTORS = "Save the vectors themselves: `embedviz embed CHECKPOINT INSTANCES --out vectors.npy`."


def opening(checkpoint: Checkpoint, places: Places) -> Part:
    """The lines that make ``model``, in eval mode. ExportError for what needs more than torch and transformers."""
    if checkpoint.format not in FORMATS:
        raise _refused(checkpoint)
    if places.request.options.random_weights:
        raise ExportError(
            "These weights were drawn at random in place of the checkpoint's own",
            value=checkpoint.name,
            remedy="Make the script for the trained model.",
        )
    return FORMATS[checkpoint.format](checkpoint, places)


#: Why there is no script for a format; what can be opened as transformers' own class can be saved as such.
WHY_NOT = {
    "live module": "This model is in memory only, where no script can find it",
    "LoRA adapter": "This adapter was merged into its base, which takes more than transformers",
    "pickled module": "This module was rebuilt from its pickle, which torch opens only by running what is in it",
    "TorchScript archive": "Of this TorchScript archive the weights alone were opened, as a family that they tell",
    "Keras archive": "This model is opened by Keras",
}


def no_file(name: str) -> ExportError:
    """For a model that came from no file."""
    return ExportError(
        WHY_NOT["live module"], value=name, remedy="Save it (`model.save_pretrained(folder)`), and open that folder."
    )


def _refused(checkpoint: Checkpoint) -> ExportError:
    import transformers

    if checkpoint.format == "live module":
        return no_file(checkpoint.name)
    saveable = isinstance(checkpoint.model, transformers.PreTrainedModel)
    return ExportError(
        f"{WHY_NOT[checkpoint.format]}; there is no script of plain torch and transformers for it",
        value=checkpoint.name,
        remedy=_COPY if saveable else _VECTORS,
    )


def _class(model: Any) -> str:
    """How a script names a class of transformers."""
    import transformers

    name = type(model).__name__
    if getattr(transformers, name, None) is not type(model):
        raise ExportError("transformers does not offer this model's class by name", value=name, remedy=_VECTORS)
    return f"transformers.{name}"


def _folder(checkpoint: Checkpoint, places: Places) -> Part:
    """A folder that ``save_pretrained`` wrote: as transformers opens it, where that comes to the same."""
    folder = places.request.place.folder / checkpoint.inside
    found = weights_.of_folder(folder)
    standard = not checkpoint.prefix and _as_transformers(folder, found)
    if not (standard and same_config(checkpoint.model.config, folder)):
        return _by_config(checkpoint, places, found, "")
    if any(file.suffix == ".bin" for file in found.files):
        for file in found.files:
            reading(file, "", found)  # refuses what torch.load refuses
    told = f"{places.name(folder)}, dtype=torch.float32, local_files_only=True{_mismatched(checkpoint)}"
    lines = [f"model = {_class(checkpoint.model)}.from_pretrained({told})", "model.eval()"]
    names = ["config.json", *(f"{name}.index.json" for name in NAMES)]
    described = [folder / name for name in names if (folder / name).is_file()]
    return Part(body=("\n".join(lines),), files=(*found.files, *described))


def _as_transformers(folder: Path, found: Weights) -> bool:
    """Whether transformers would take the very same files."""
    single, sharded = ([folder / f"{name}{end}" for name in NAMES] for end in ("", ".index.json"))
    there = [path for pair in zip(single, sharded, strict=True) for path in pair if path.is_file()]
    return bool(there) and (found.files == (there[0],) or there[0] in sharded)


def _mismatched(checkpoint: Checkpoint) -> str:
    """A head of another size is left random, as it was."""
    return ", ignore_mismatched_sizes=True" if checkpoint.untrained else ""


def _lone_file(checkpoint: Checkpoint, places: Places) -> Part:
    file, part = places.request.place.file, places.request.options.part
    assert file is not None
    return _by_config(checkpoint, places, weights_.of_files([file], part), part)


def _by_config(checkpoint: Checkpoint, places: Places, found: Weights, part: str) -> Part:
    """Weights of whatever names, with the configuration written out."""
    kind = _class(checkpoint.model)
    config: Any = checkpoint.model.config
    told = f"config=config, state_dict=weights, dtype=torch.float32{_mismatched(checkpoint)}"
    lines = [
        *_tensors(found, places, part, checkpoint.prefix),
        f"config = transformers.{type(config).__name__}(**CONFIG)",
        f"model = {kind}.from_pretrained(None, {told})",
        "model.eval()",
    ]
    return Part((config_literal(config),), body=("\n".join(lines),), files=found.files)


def _tensors(found: Weights, places: Places, part: str, prefix: str) -> list[str]:
    """The lines that read ``weights``, by the names that the model has for them."""
    reads = [(places.name(file), reading(file, part, found)) for file in found.files]
    if len({how for _, how in reads}) > 1:
        raise ExportError("The shards of this model are not all of one kind", remedy=_COPY)
    how = reads[0][1]
    if len(reads) == 1:
        lines = [f"weights = {how.format(file=reads[0][0])}"]
    else:
        names = ", ".join(name for name, _ in reads)
        lines = ["weights = {}", f"for file in ({names}):", f"    weights.update({how.format(file='file')})"]
    if any("\\" in name for name in found.shapes):
        raise ExportError("The names of this file's tensors hold backslashes", remedy=_COPY)
    if prefix:
        lines.append(f"weights = {{name.removeprefix({prefix!r}): tensor for name, tensor in weights.items()}}")
    return lines


def _architecture(checkpoint: Checkpoint, places: Places) -> Part:
    """Weights for the module that an architecture file builds."""
    from embedviz.checkpoints.loading import find_prefix

    request = places.request
    assert request.place.file is not None
    assert request.architecture is not None
    found = weights_.of_files([request.place.file], request.options.part)
    wanted = set(checkpoint.model.state_dict())
    prefix = find_prefix(found.shapes, wanted) or ""
    exact = {name.removeprefix(prefix) for name in found.shapes} == wanted
    lines = [
        *_tensors(found, places, request.options.part, prefix),
        f"model = runpy.run_path(str({places.name(request.architecture)}))['build']()",
        f"model.load_state_dict(weights{'' if exact else ', strict=False'})",
        "model.eval()",
    ]
    return Part(body=("\n".join(lines),), files=(*found.files, request.architecture))


def _program(checkpoint: Checkpoint, places: Places) -> Part:
    file = places.request.place.file
    assert file is not None
    line = f"model = torch.export.unflatten(torch.export.load({places.name(file)})).eval()"
    return Part(body=(line,), files=(file,))


def _gguf(checkpoint: Checkpoint, places: Places) -> Part:
    file = places.request.place.file
    assert file is not None
    lines = [
        f"GGUF = {{'gguf_file': {places.name(file)}.name, 'local_files_only': True}}  # pip install gguf",
        f"model = {_class(checkpoint.model)}.from_pretrained({places.name(file)}.parent, dtype=torch.float32, **GGUF)",
        "model.eval()",
        f"tokenizer = transformers.AutoTokenizer.from_pretrained({places.name(file)}.parent, **GGUF)",
    ]
    return Part(body=("\n".join(lines),), files=(file,))


FORMATS: dict[str, Callable[[Checkpoint, Places], Part]] = {
    "Hugging Face folder": _folder,
    "sentence-transformers folder": _folder,
    "safetensors file": _lone_file,
    "state dict": _lone_file,
    "Lightning checkpoint": _lone_file,
    "weights with an architecture file": _architecture,
    "exported program": _program,
    "GGUF file": _gguf,
}


def tokenizer(checkpoint: Checkpoint, places: Places) -> Part:
    """The lines that make ``tokenizer``, as the checkpoint's was made; none where the model's lines do."""
    if checkpoint.format == "GGUF file":
        return Part(body=_padding(checkpoint))
    folder = Path(checkpoint.tokenizer.name_or_path)
    repair = places.request.options.repair
    told = ["local_files_only=True"]
    if hasattr(checkpoint.model, "config"):
        told.append("config=model.config")
    if "tokenizer-class" in repair:
        told.append(f"tokenizer_type={checkpoint.family!r}")
    if "casing" in repair:
        told.append(f"do_lower_case={bool(checkpoint.tokenizer.do_lower_case)}")
    lines = [f"tokenizer = transformers.AutoTokenizer.from_pretrained({places.name(folder)}, {', '.join(told)})"]
    normaliser: Any = getattr(getattr(checkpoint.tokenizer, "backend_tokenizer", None), "normalizer", None)
    if "casing" in repair and hasattr(normaliser, "lowercase"):
        lines += [
            "normalizer = tokenizer.backend_tokenizer.normalizer",
            f"normalizer.lowercase = {normaliser.lowercase}",
            "tokenizer.backend_tokenizer.normalizer = normalizer",
        ]
    names = dict.fromkeys((*FILES, *HELPERS))
    files = [folder / name for name in names if (folder / name).is_file() and name != "config.json"]
    return Part(body=("\n".join([*lines, *_padding(checkpoint)]),), files=tuple(files))


def _padding(checkpoint: Checkpoint) -> tuple[str, ...]:
    """On the right, so that the first place is a token's and positions count from it."""
    lines = []
    if checkpoint.tokenizer.padding_side != "right":
        lines.append("tokenizer.padding_side = 'right'")
    if checkpoint.tokenizer.pad_token is None:
        lines.append("tokenizer.pad_token = tokenizer.convert_ids_to_tokens(0)  # the mask leaves it out")
    return tuple(lines)
