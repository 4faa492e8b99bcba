"""``embedviz``: the app, and the same work without a screen."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from embedviz.errors import CheckpointError, EmbedvizError, InstancesError

if TYPE_CHECKING:
    from embedviz.checkpoints import Checkpoint
    from embedviz.records import Instances

_BUNDLED = "bundled"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns 0, or 2 after one clear line about bad input."""
    parser = _parser()
    given = parser.parse_args(arguments)
    _quiet()
    try:
        command: Callable[[argparse.Namespace], int] = given.command
        return command(given)
    except EmbedvizError as error:
        print(f"embedviz: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # The reader (head, less) has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("embedviz: stopped", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("embedviz", description="Open any checkpoint, see what every layer knows.")
    parser.set_defaults(command=_serve)
    _serving(parser)
    commands = parser.add_subparsers(title="commands", metavar="")
    layers = commands.add_parser("layers", help="list the layers of a checkpoint")
    _opening(layers)
    layers.add_argument("--all", action="store_true", help="those that cannot be captured too, with the reason")
    layers.add_argument("--parts", action="store_true", help="what each is given and its further outputs too")
    layers.set_defaults(command=_layers)
    embed = commands.add_parser("embed", help="write the embeddings of instances at a layer")
    _opening(embed)
    embed.add_argument(
        "instances",
        metavar="INSTANCES",
        type=Path,
        help="CSV, TSV, JSONL, Parquet or TXT; NPY or NPZ of tensors; a picture, a zip or a folder of pictures",
    )
    embed.add_argument(
        "--layer",
        metavar="PATH",
        action="append",
        help="dotted path, may be given more than once; else the recommended",
    )
    embed.add_argument("--pooling", default=None, help="mean, first, last, max, flatten or “as trained”")
    embed.add_argument("--postprocessing", default="none", help="none, l2, centred or standardised")
    embed.add_argument("--prompt", metavar="TEXT", help="put before each text, in place of what the checkpoint says")
    embed.add_argument("--text", metavar="COLUMN", help="the column with the texts")
    embed.add_argument("--insist", action="store_true", help="take a layer even where its parameters are random")
    embed.add_argument(
        "--out",
        metavar="FILE",
        required=True,
        help="FILE.parquet, .npy, .npz, .csv, .tsv (for TensorBoard) or .safetensors; FOLDER/ for shards in it",
    )
    embed.add_argument("--chunk", metavar="N", type=int, help="rows that are read, computed and kept at a time (4096)")
    embed.add_argument("--estimate", action="store_true", help="say what it would take, and do nothing")
    embed.add_argument("--restart", action="store_true", help="throw away what an unfinished run has kept")
    embed.set_defaults(command=_embed)
    compare = commands.add_parser("compare", help="compare the layers of a model, or of two, over the same instances")
    compare.add_argument(
        "places",
        metavar="CHECKPOINT [CHECKPOINT] INSTANCES",
        nargs="+",
        help=f"one or two of: a folder, a file, an archive, or “{_BUNDLED}”; then a file of instances",
    )
    _opening_options(compare)
    compare.add_argument(
        "--layers", metavar="PATH,…", action="append", help="dotted paths, of both models the same; else all blocks"
    )
    compare.add_argument("--null", action="store_true", help="compare with the same architecture's random weights")
    compare.add_argument("--pooling", default=None, help="mean, first, last, max or “as trained”")
    compare.add_argument("--postprocessing", default="centred", help="centred (the default), none or standardised")
    compare.add_argument("--alignment", default="linked", help="linked (the default) or independent")
    compare.add_argument("--prompt", metavar="TEXT", help="put before each text, in place of what the checkpoint says")
    compare.add_argument("--text", metavar="COLUMN", help="the column with the texts")
    compare.add_argument("--seed", metavar="N", type=int, default=0, help="of the maps (0)")
    compare.add_argument("--out", metavar="FILE", type=Path, required=True, help="FILE.html or FILE.json")
    compare.set_defaults(command=_compare)
    _scripting(commands.add_parser("script", help="write Python that makes the same vectors without embedviz"))
    doctor = commands.add_parser("doctor", help="say what a checkpoint is, and what of it not to trust")
    _opening(doctor)
    doctor.add_argument("instances", metavar="INSTANCES", type=Path, nargs="?", help="your own texts")
    doctor.add_argument("--text", metavar="COLUMN", help="the column with the texts")
    doctor.add_argument("--json", action="store_true", help="the report as JSON")
    doctor.add_argument("--save", metavar="DIR", type=Path, help="write a repaired copy as safetensors")
    doctor.set_defaults(command=_doctor)
    return parser


def _scripting(parser: argparse.ArgumentParser) -> None:
    _opening(parser)
    parser.add_argument("instances", metavar="INSTANCES", type=Path, help="a file or folder, as for embed")
    parser.add_argument("--layer", metavar="PATH", help="dotted path; else the recommended")
    parser.add_argument("--pooling", default=None, help="mean, first, last, max, flatten or “as trained”")
    parser.add_argument("--postprocessing", default="none", help="none, l2, centred, standardised, “centred + l2”, …")
    parser.add_argument("--prompt", metavar="TEXT", help="put before each text, in place of what the checkpoint says")
    parser.add_argument("--text", metavar="COLUMN", help="the column with the texts")
    parser.add_argument("--seed", metavar="N", type=int, default=0, help="of the map, to be noted (0)")
    parser.add_argument("--out", metavar="FILE.py", type=Path, required=True, help="the script")
    parser.set_defaults(command=_script)


def _opening(parser: argparse.ArgumentParser) -> None:
    """What every command that opens a checkpoint takes."""
    parser.add_argument("checkpoint", metavar="CHECKPOINT", help=f"a folder, a file, an archive, or “{_BUNDLED}”")
    _opening_options(parser)


def _opening_options(parser: argparse.ArgumentParser) -> None:
    opening = parser.add_argument_group("how it is opened")
    opening.add_argument("--part", default="", metavar="NAME", help="which of several models in it")
    opening.add_argument(
        "--assume", action="append", default=[], metavar="NAME=VALUE", help="what the weights do not tell"
    )
    opening.add_argument("--repair", action="append", default=[], metavar="NAME", help="a repair that the doctor named")
    opening.add_argument("--base", default="", metavar="CHECKPOINT", help="the model under an adapter")
    opening.add_argument("--tokenizer", default="", metavar="DIR", help="a folder to take the tokenizer from")
    opening.add_argument("--architecture", default="", metavar="FILE.py", help="Python that defines build()")
    opening.add_argument("--allow-code", action="store_true", help="let the checkpoint's own code run")


def _serving(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--models", metavar="DIR", action="append", default=[], help="a folder of models to offer")
    parser.add_argument(
        "--allow-code",
        action="store_true",
        help="let everybody run code: architecture files and exported programs (.pt2)",
    )
    parser.add_argument("--max-upload", metavar="MB", type=int, default=4096, help="largest upload (4096)")
    parser.add_argument("--memory", metavar="GB", type=float, help="memory of one opened checkpoint")
    parser.add_argument("--port", metavar="N", type=int, default=8501, help="port of the app (8501)")
    parser.add_argument("--address", metavar="HOST", default="127.0.0.1", help="address to serve on (127.0.0.1)")


def _quiet() -> None:
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")


def _serve(given: argparse.Namespace) -> int:
    """Become the app: the same as ``streamlit run app.py``."""
    for folder in given.models:
        if not Path(folder).is_dir():
            raise EmbedvizError("This is not a folder", value=folder, remedy="Give a folder that holds models.")
    here = Path(__file__).resolve().parent
    script = next(path for path in (here / "app.py", here.parent / "app.py") if path.is_file())
    options = ["--server.port", str(given.port), "--server.address", given.address]
    options += ["--server.maxUploadSize", str(given.max_upload)]
    own = [word for folder in given.models for word in ("--models", str(Path(folder).resolve()))]
    own += ["--allow-code"] if given.allow_code else []
    if given.memory:
        os.environ["EMBEDVIZ_WORKER_MEMORY_GB"] = str(given.memory)
    command = [sys.executable, "-m", "streamlit", "run", str(script), *options, "--", *own]
    sys.stdout.flush()
    os.execv(sys.executable, command)


def _open(given: argparse.Namespace) -> Checkpoint:
    from transformers.utils import logging

    from embedviz.checkpoints import Options, bundled_checkpoint, open_checkpoint

    logging.disable_progress_bar()
    random_weights = getattr(given, "random_weights", 0)
    if given.checkpoint == _BUNDLED:
        return bundled_checkpoint(options=Options(random_weights=random_weights))
    options = Options(
        part=given.part,
        assume=tuple(_assumed(pair) for pair in given.assume),
        repair=frozenset(given.repair),
        base=given.base,
        architecture=given.architecture,
        tokenizer=given.tokenizer,
        allow_code=given.allow_code,
        random_weights=random_weights,
    )
    return open_checkpoint(given.checkpoint, options=options)


def _assumed(pair: str) -> tuple[str, object]:
    """NAME=VALUE, the value as JSON where it is JSON ("12"), else as a word ("gelu")."""
    name, equals, value = pair.partition("=")
    if not (name and equals):
        raise EmbedvizError("This is not NAME=VALUE", value=pair, remedy="As in --assume num_attention_heads=12.")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _doctor(given: argparse.Namespace) -> int:
    """Print the report. Returns 0 where all is well, 1 with warnings, 2 where it cannot be used as it is."""
    from embedviz.checkpoints.saving import save
    from embedviz.doctor import examine
    from embedviz.doctor.text import as_text

    instances = _instances(given.instances, given.text) if given.instances else None
    try:
        with _open(given) as checkpoint:
            report = examine(checkpoint, instances)
            if given.save is not None:
                save(checkpoint, given.save)
                print(f"{given.save} holds a copy as safetensors", file=sys.stderr)
    except CheckpointError as error:
        if given.save is not None and error.code == "files.not-empty":
            raise
        report = examine(error)
    width = min(120, shutil.get_terminal_size().columns)
    print(json.dumps(report.as_json(), indent=2) if given.json else as_text(report, width=width))
    return report.exit_code


def _layers(given: argparse.Namespace) -> int:
    with _open(given) as checkpoint:
        print(f"# {checkpoint.name}: {checkpoint.text}")
        print(f"# reads {checkpoint.inputs.text} ({checkpoint.inputs.why})")
        shown = [
            layer for layer in checkpoint.layers if (layer.capturable or given.all) and (given.parts or not layer.part)
        ]
        width = max((len(layer.path) for layer in shown), default=1)
        for layer in shown:
            remark = layer.why or layer.warning or ("recommended" if layer.recommended else "")
            line = f"{layer.path or '.':{width}}  {layer.role:10} {layer.kind:24} {layer.shape_text}  {remark}"
            print(line.rstrip())
    return 0


def _embed(given: argparse.Namespace) -> int:
    from embedviz.embed_command import embed

    return embed(given, _open)


def _script(given: argparse.Namespace) -> int:
    from embedviz.script_command import script

    return script(given, _open)


def _compare(given: argparse.Namespace) -> int:
    from embedviz.compare_command import BLOCKS, compare

    given.layers = given.layers or [BLOCKS]

    def read(file: Path, checkpoint: Checkpoint) -> Instances:
        from embedviz.modalities.held import hold

        if checkpoint.inputs.modality in ("tensors", "images"):
            return hold(file, checkpoint.inputs, 1).instances
        return _instances(file, given.text)

    return compare(given, _open, read)


def _instances(file: Path, text: str | None) -> Instances:
    from embedviz.modalities.instances import guess_columns, instances_from_table
    from embedviz.modalities.table import read_table

    try:
        data = file.read_bytes()
    except OSError as error:
        raise InstancesError(
            f"The instances cannot be read ({error.strerror})", value=file, remedy="Check the path."
        ) from error
    table = read_table(data, file.name)
    for note in table.notes:
        print(f"{file.name}: {note}", file=sys.stderr)
    guessed, label = guess_columns(table.frame) if text is None else (text, None)
    instances = instances_from_table(table.frame, text=guessed, label=label, name=file.name)
    if instances.dropped:
        print(f"{file.name}: {instances.dropped} empty rows left out", file=sys.stderr)
    return instances
