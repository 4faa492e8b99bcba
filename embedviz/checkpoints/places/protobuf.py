"""The model formats that are one protocol-buffer message without a mark of their own, told apart by their first fields.

Wire format: https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

import re
from dataclasses import dataclass


def kind(head: bytes, size: int) -> str:
    """The formats that are one protocol-buffer message, told apart by its first fields.

    onnx.proto: 1 version, 2 producer, 7 graph · saved_model.proto: 1 version, 2 graphs to the end of the file ·
    Core ML's Model.proto: 1 version, 2 description of the inputs · graph.proto and sentencepiece_model.proto: 1 parts.
    """
    first, second = _field(head, 0), None
    if first is None or first.number != 1:
        return ""
    if first.is_bytes:
        return _parts(head, first)
    second = _field(head, first.end)
    if not 1 <= first.value <= 64 or second is None or not second.is_bytes or second.end > size:
        return ""
    content = head[second.value : second.end]
    if second.number in (7, 8) or (second.number == 2 and re.fullmatch(rb"[ -~]{0,100}", content)):
        return "onnx"
    if second.number != 2:
        return ""
    part = _field(head, second.value)
    name = _field(head, part.value) if part and part.is_bytes else None
    named = name is not None and name.number == 1 and re.match(rb"[ -~]", head[name.value : name.end])
    return "coreml" if named and second.end != size else "tensorflow"


def _parts(head: bytes, part: _Field) -> str:
    name = _field(head, part.value)
    if name is None or name.number != 1 or not name.is_bytes or name.end > part.end:
        return ""
    if head[name.end : name.end + 1] == b"\x15":
        return "sentencepiece"
    operation = _field(head, name.end)
    known = operation is not None and operation.number == 2 and operation.is_bytes
    return "tensorflow" if known and re.match(rb"[\w./-]+\x12.\w{2,}", head[name.value :], re.DOTALL) else ""


@dataclass(frozen=True)
class _Field:
    """``value`` is a number, or where the bytes begin that go on to ``end``."""

    number: int
    is_bytes: bool
    value: int
    end: int


def _field(head: bytes, at: int) -> _Field | None:
    tag, at = _varint(head, at)
    value, at = _varint(head, at)
    if at < 0 or tag & 7 not in (0, 2):
        return None
    return _Field(tag >> 3, tag & 7 == 2, at if tag & 7 == 2 else value, at + value if tag & 7 == 2 else at)


def _varint(head: bytes, at: int) -> tuple[int, int]:
    """(the number at ``at``, where the next thing begins), -1 for the latter where there is no number."""
    value = 0
    for shift in range(0, 70, 7):
        if not 0 <= at < len(head):
            break
        byte, at = head[at], at + 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    return 0, -1
