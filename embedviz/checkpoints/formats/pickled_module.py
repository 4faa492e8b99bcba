"""A whole module, as ``torch.save(model)`` writes it: rebuilt without running any of its code."""

from __future__ import annotations

from embedviz.checkpoints.checkpoint import Checkpoint
from embedviz.checkpoints.configuration import reads
from embedviz.checkpoints.fingerprint import fingerprint
from embedviz.checkpoints.formats.bare_weights import open_weights
from embedviz.checkpoints.request import MODULE, Request
from embedviz.checkpoints.tokenizer import find_tokenizer, max_tokens
from embedviz.checkpoints.torch_save.pickles import Stub
from embedviz.checkpoints.torch_save.rebuild import rebuild
from embedviz.checkpoints.torch_weights import of_state_dicts
from embedviz.errors import CheckpointError
from embedviz.records import Finding


def recognises(request: Request) -> bool:
    return request.state_dict is not None and request.state_dict.of is not None


def open_place(request: Request) -> Checkpoint:
    """Rebuild the module where it is a transformers class or made of torch.nn; else go by its weights alone."""
    assert request.place.file is not None
    assert request.state_dict is not None
    stub = request.state_dict.of
    assert stub is not None
    request.say("rebuilding the module")
    weights = of_state_dicts([request.place.file], [request.state_dict])
    try:
        model = rebuild(stub, request.module)
    except CheckpointError as unbuildable:
        if unbuildable.code != "configuration.class-missing":
            raise
        try:
            return open_weights(weights, request, format="pickled module", findings=[_class_left_out(stub)])
        except CheckpointError as unknown:
            unbuildable.choices = tuple(f"{MODULE}{part}" for part in unbuildable.choices)
            raise unbuildable from unknown
    config = getattr(model, "config", None)
    read = reads(model) if config is not None else "unknown inputs"
    tokenizer, told = find_tokenizer(request.folders, config, request.options) if read == "text" else (None, [])
    return Checkpoint(
        name=request.name,
        format="pickled module",
        model=model,
        tokenizer=tokenizer,
        max_tokens=max_tokens(tokenizer, config),
        fingerprint=fingerprint(request),
        size=weights.size,
        dtype=weights.dtype,
        reads=read,
        findings=(*weights.findings, _rebuilt(stub), *told),
    )


def _rebuilt(stub: Stub) -> Finding:
    return Finding(
        code="files.rebuilt",
        severity="info",
        title="The module was rebuilt without running the code in its file",
        evidence=f"{stub.module}.{stub.name}",
        why="Loading such a file the usual way runs whatever its sender put into it.",
        remedy="Nothing to do. A repaired copy is safetensors, which holds no code.",
    )


def _class_left_out(stub: Stub) -> Finding:
    return Finding(
        code="configuration.class-left-out",
        severity="warning",
        title="The module's own class was left out; its weights were opened as the family that they tell",
        evidence=f"{stub.module}.{stub.name}",
        why="What that class did around the known layers (pooling, a head) is not in the file, only its name is.",
        remedy="For the whole model, give its class as an architecture file.",
    )
