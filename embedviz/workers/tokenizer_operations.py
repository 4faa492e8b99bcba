"""The checkpoint's texts through another tokenizer, as a worker does it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from embedviz.workers.operation import Context
from embedviz.workers.wire import Arrays

if TYPE_CHECKING:
    from embedviz.checkpoints import Checkpoint


def compare_tokenizers(
    checkpoint: Checkpoint, arguments: dict[str, Any], context: Context, scratch: Path
) -> tuple[Any, Arrays]:
    """``ev.compare_tokenizers`` of ``texts`` with the tokenizer that is "ready" by a name, or lies at a "path"."""
    from embedviz.tokenizer_lab import compare_tokenizers

    path = arguments.get("path")
    compared = compare_tokenizers(
        checkpoint,
        arguments["texts"],
        Path(path) if path else arguments["ready"],
        arguments["layer"],
        arguments["pooling"],
        name=arguments.get("name", ""),
        prompt=arguments.get("prompt"),
        insist=bool(arguments.get("insist")),
        device="cpu",
        progress=context.progress("comparing tokenizers"),
        scratch=scratch,
    )
    return compared.as_json(), {"own": compared.own_vectors, "other": compared.other_vectors}
