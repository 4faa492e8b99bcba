"""The instructions of pickles, protocols 0 to 5, each as a function of the reader that it works on.

After https://docs.python.org/3.11/library/pickletools.html. None of them imports or calls anything.
"""

from __future__ import annotations

import codecs
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from embedviz.checkpoints.torch_save.stubs import Stub

if TYPE_CHECKING:
    from embedviz.checkpoints.torch_save.pickles import Reader

_MAX_INTEGER = 1_024


def _push(value: Any) -> Callable[[Reader], None]:
    return lambda reader: reader.stack.append(value)


def _number(count: int) -> Callable[[Reader], None]:
    return lambda reader: reader.stack.append(reader.number(count))


def _text(count: int) -> Callable[[Reader], None]:
    return lambda reader: reader.stack.append(str(reader.take(reader.number(count)), "utf-8", "surrogatepass"))


def _bytes(count: int) -> Callable[[Reader], None]:
    return lambda reader: reader.stack.append(reader.take(reader.number(count)))


def _string(count: int) -> Callable[[Reader], None]:
    """A Python 2 string: text where it is text, else bytes."""
    return lambda reader: reader.stack.append(_text_or_bytes(reader.take(reader.number(count))))


def _text_or_bytes(raw: bytes) -> str | bytes:
    return raw.decode("ascii") if raw.isascii() else raw


def _integer(count: int) -> Callable[[Reader], None]:
    def read(reader: Reader) -> None:
        length = reader.number(count)
        if length > _MAX_INTEGER:
            raise reader.too_large(f"a number of {length:,} bytes")
        reader.stack.append(int.from_bytes(reader.take(length), "little", signed=True))

    return read


def _signed(reader: Reader) -> None:
    reader.stack.append(int.from_bytes(reader.take(4), "little", signed=True))


def _float(reader: Reader) -> None:
    reader.stack.append(struct.unpack(">d", reader.take(8))[0])


def _float_line(reader: Reader) -> None:
    reader.stack.append(float(reader.line()))


def _integer_line(reader: Reader) -> None:
    line = reader.line()
    reader.stack.append({b"00": False, b"01": True}[line] if line in (b"00", b"01") else int(line.rstrip(b"L")))


def _string_line(reader: Reader) -> None:
    quoted = reader.line().strip()
    if len(quoted) < 2 or quoted[:1] != quoted[-1:]:
        raise reader.corrupt("a string without its quotes")
    reader.stack.append(_text_or_bytes(codecs.escape_decode(quoted[1:-1])[0]))


def _text_line(reader: Reader) -> None:
    reader.stack.append(str(reader.line(), "raw-unicode-escape"))


def _put(count: int) -> Callable[[Reader], None]:
    def read(reader: Reader) -> None:
        reader.memo[reader.number(count)] = reader.stack[-1]

    return read


def _get(count: int) -> Callable[[Reader], None]:
    return lambda reader: reader.stack.append(reader.memo[reader.number(count)])


def _put_line(reader: Reader) -> None:
    reader.memo[int(reader.line())] = reader.stack[-1]


def _get_line(reader: Reader) -> None:
    reader.stack.append(reader.memo[int(reader.line())])


def _memoize(reader: Reader) -> None:
    reader.memo[len(reader.memo)] = reader.stack[-1]


def _mark(reader: Reader) -> None:
    reader.marks.append(len(reader.stack))


def _pop(reader: Reader) -> None:
    if reader.marks and reader.marks[-1] == len(reader.stack):
        reader.marks.pop()
    else:
        reader.stack.pop()


def _pop_mark(reader: Reader) -> None:
    reader.pop_mark()


def _duplicate(reader: Reader) -> None:
    reader.stack.append(reader.stack[-1])


def _tuple(reader: Reader) -> None:
    reader.stack.append(tuple(reader.pop_mark()))


def _tuple_of(count: int) -> Callable[[Reader], None]:
    def read(reader: Reader) -> None:
        stack = reader.stack
        if len(stack) < count:
            raise reader.corrupt("too few values for a tuple")
        stack[-count:] = [tuple(stack[-count:])]

    return read


def _list(reader: Reader) -> None:
    reader.stack.append(reader.pop_mark())


def _dict(reader: Reader) -> None:
    made: dict[Any, Any] = {}
    reader.update(made, reader.pop_mark())
    reader.stack.append(made)


def _frozen_set(reader: Reader) -> None:
    reader.stack.append(frozenset(reader.key(item) for item in reader.pop_mark()))


def _append(reader: Reader) -> None:
    item = reader.stack.pop()
    reader.extend(reader.stack[-1], [item])


def _extend(reader: Reader) -> None:
    items = reader.pop_mark()
    reader.extend(reader.stack[-1], items)


def _set_item(reader: Reader) -> None:
    value, key = reader.stack.pop(), reader.stack.pop()
    reader.update(reader.stack[-1], [key, value])


def _set_items(reader: Reader) -> None:
    items = reader.pop_mark()
    reader.update(reader.stack[-1], items)


def _global(reader: Reader) -> None:
    reader.look_up(reader.line().decode("utf-8"), reader.line().decode("utf-8"))


def _stack_global(reader: Reader) -> None:
    name, module = reader.stack.pop(), reader.stack.pop()
    if type(name) is not str or type(module) is not str:
        raise reader.corrupt("the name of a class is not text")
    reader.look_up(module, name)


def _reduce(reader: Reader) -> None:
    args = reader.stack.pop()
    reader.stack[-1] = reader.call(reader.stack[-1], args)


def _new_with_keywords(reader: Reader) -> None:
    keywords, args = reader.stack.pop(), reader.stack.pop()
    reader.stack[-1] = reader.call(reader.stack[-1], args, keywords)


def _instance(reader: Reader) -> None:
    _global(reader)
    function = reader.stack.pop()
    reader.stack.append(reader.call(function, tuple(reader.pop_mark())))


def _object(reader: Reader) -> None:
    items = reader.pop_mark()
    reader.stack.append(reader.call(items[0], tuple(items[1:])))


def _build(reader: Reader) -> None:
    """State for an object; for plain values (an OrderedDict's ``_metadata``) it is left out."""
    state = reader.stack.pop()
    if type(reader.stack[-1]) is Stub:
        reader.stack[-1].state = state


def _persistent(reader: Reader) -> None:
    if reader.persistent is None:
        raise reader.corrupt("it points at data outside itself")
    reader.stack[-1] = reader.persistent(reader.stack[-1])


def _skip(count: int) -> Callable[[Reader], None]:
    def read(reader: Reader) -> None:
        reader.take(count)

    return read


#: The names of https://github.com/python/cpython/blob/3.11/Lib/pickle.py in comments; EXT1/2/4, PERSID and the buffers
#: of protocol 5 are left out: torch.save writes none, and what they stand for is not in the file.
INSTRUCTIONS: dict[int, Callable[[Reader], None]] = {
    ord("("): _mark,
    ord("0"): _pop,
    ord("1"): _pop_mark,
    ord("2"): _duplicate,
    ord("F"): _float_line,
    ord("G"): _float,
    ord("I"): _integer_line,
    ord("L"): _integer_line,
    ord("J"): _signed,
    ord("K"): _number(1),  # BININT1
    ord("M"): _number(2),  # BININT2
    0x8A: _integer(1),  # LONG1
    0x8B: _integer(4),  # LONG4
    ord("N"): _push(None),
    0x88: _push(True),
    0x89: _push(False),
    ord("S"): _string_line,
    ord("T"): _string(4),  # BINSTRING
    ord("U"): _string(1),  # SHORT_BINSTRING
    ord("B"): _bytes(4),  # BINBYTES
    ord("C"): _bytes(1),  # SHORT_BINBYTES
    0x8E: _bytes(8),  # BINBYTES8
    0x96: _bytes(8),  # BYTEARRAY8
    ord("V"): _text_line,
    ord("X"): _text(4),  # BINUNICODE
    0x8C: _text(1),  # SHORT_BINUNICODE
    0x8D: _text(8),  # BINUNICODE8
    ord("]"): lambda reader: reader.stack.append([]),
    ord("}"): lambda reader: reader.stack.append({}),
    0x8F: lambda reader: reader.stack.append(set()),
    ord(")"): _push(()),
    ord("a"): _append,
    ord("e"): _extend,
    ord("l"): _list,
    ord("d"): _dict,
    ord("s"): _set_item,
    ord("u"): _set_items,
    0x90: _extend,  # ADDITEMS
    0x91: _frozen_set,
    ord("t"): _tuple,
    0x85: _tuple_of(1),
    0x86: _tuple_of(2),
    0x87: _tuple_of(3),
    ord("p"): _put_line,
    ord("q"): _put(1),  # BINPUT
    ord("r"): _put(4),  # LONG_BINPUT
    0x94: _memoize,
    ord("g"): _get_line,
    ord("h"): _get(1),  # BINGET
    ord("j"): _get(4),  # LONG_BINGET
    ord("c"): _global,
    0x93: _stack_global,
    ord("R"): _reduce,
    0x81: _reduce,  # NEWOBJ: a class instead of a function, the same to us
    0x92: _new_with_keywords,  # NEWOBJ_EX
    ord("i"): _instance,
    ord("o"): _object,
    ord("b"): _build,
    ord("Q"): _persistent,
    0x80: _skip(1),  # PROTO
    0x95: _skip(8),  # FRAME
}
