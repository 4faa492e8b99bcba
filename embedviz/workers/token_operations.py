"""What a model worker does with single tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from embedviz.records import Instances
from embedviz.workers.items import unpack
from embedviz.workers.wire import Arrays

if TYPE_CHECKING:
    from embedviz.checkpoints import Checkpoint


def tokens(checkpoint: Checkpoint, arguments: dict[str, Any], given: Arrays) -> tuple[Any, Arrays]:
    """The tokens of each text as the model sees them, and with ``layers`` the vectors of each that it is given."""
    from embedviz.modalities.text import as_given
    from embedviz.token_vectors import token_vectors
    from embedviz.tokenizer_lab.tokens import list_tokens

    told = arguments["items"]
    items = unpack(told, given)
    texts = [str(text) for text in as_given(checkpoint, items, arguments["prompt"])]
    listed = list_tokens(checkpoint, texts)
    value = {"texts": texts, "tokens": [[token.as_json() for token in tokens] for tokens in listed.tokens]}
    layers = arguments["layers"]
    if not layers:
        return value, {}
    ids = tuple(map(str, range(len(items))))
    found = token_vectors(
        checkpoint,
        Instances(items, ids, modality="text"),
        layers,
        insist=bool(arguments.get("insist")),
        prompt=arguments["prompt"],
        device="cpu",
    )
    arrays: Arrays = {f"vectors.{number}": found.vectors[path] for number, path in enumerate(layers)}
    return value, arrays | {"instance": found.instance, "position": found.position}
