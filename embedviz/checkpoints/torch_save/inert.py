"""What may become a plain value when a pickle is read, and which names betray a file that wants to do harm."""

from __future__ import annotations

from typing import Any

from embedviz.checkpoints.torch_save.pickles import Constructor, Spend
from embedviz.checkpoints.torch_save.stubs import Global, Stub
from embedviz.errors import CheckpointError

#: What no model needs and an attacker would, by what it is for: modules, or names in modules. It explains a refusal;
#: nothing depends on its being complete, since no name is ever looked up.
DANGEROUS: dict[str, tuple[str, ...]] = {
    "runs programs": (
        *("os", "posix", "nt", "subprocess", "_posixsubprocess", "pty", "runpy", "webbrowser", "pip", "ensurepip"),
        *("platform.popen", "asyncio.subprocess", "multiprocessing.util", "pexpect", "torch.utils.collect_env"),
        *("torch.utils.cpp_extension", "torch.utils.bottleneck", "torch._inductor", "numpy.f2py", "numpy.distutils"),
    ),
    "runs code": (
        *("builtins.eval", "builtins.exec", "builtins.execfile", "builtins.compile", "builtins.apply", "codeop"),
        *("builtins.__import__", "importlib", "imp", "_imp", "marshal", "sys", "ctypes", "_ctypes", "pdb", "bdb"),
        *("code.interact", "code.InteractiveInterpreter", "code.InteractiveConsole", "timeit.timeit", "timeit.main"),
        *("profile.run", "profile.runctx", "cProfile.run", "cProfile.runctx", "trace.Trace", "doctest.debug_script"),
        *("builtins.breakpoint", "builtins.globals", "builtins.setattr", "builtins.delattr", "builtins.input"),
        *("builtins.exit", "builtins.quit", "pandas.eval", "numpy.testing", "pydoc.pipepager"),
    ),
    "loads other files": (
        *("pickle", "_pickle", "shelve", "torch.load", "torch.serialization.load", "torch.jit.load", "torch.hub"),
        *("joblib.load", "numpy.load", "numpy.fromfile", "pandas.read_pickle"),
    ),
    "reads or writes the disk": ("builtins.open", "io.open", "codecs.open", "shutil", "tempfile"),
    "reaches the network": (
        *("socket", "_socket", "http", "urllib.request", "ftplib", "smtplib", "telnetlib", "poplib", "imaplib"),
        *("requests", "httpx", "aiohttp", "paramiko", "asyncssh"),
    ),
}


def danger(path: str) -> str:
    """What the name ("posix.system") is for where no model needs it ("runs programs"), else ""."""
    for what, names in DANGEROUS.items():
        if any(path == name or path.startswith(f"{name}.") for name in names):
            return what
    return "reads or writes the disk" if path.startswith("pathlib.") and path.count(".") > 1 else ""


def _dict(args: tuple[Any, ...], spend: Spend) -> Any:
    """dict(), OrderedDict() and Counter() of nothing, of a dict, or of a list of pairs, as Python 2 wrote them."""
    if not args:
        return {}
    if len(args) == 1 and type(args[0]) is dict:
        spend(len(args[0]))
        return dict(args[0])
    if len(args) != 1 or type(args[0]) is not list:
        return NotImplemented
    spend(len(args[0]))
    pairs = [tuple(pair) for pair in args[0] if type(pair) in (list, tuple) and len(pair) == 2]
    return dict(pairs) if all(type(key) is str for key, _ in pairs) else NotImplemented


def _default_dict(args: tuple[Any, ...], spend: Spend) -> Any:
    return {}


def _items(args: tuple[Any, ...], spend: Spend) -> list[Any] | None:
    """The argument's elements where they are plain, so that hashing them is no work; else None."""
    if not args:
        return []
    if len(args) != 1 or type(args[0]) not in (list, tuple):
        return None
    spend(len(args[0]))
    return list(args[0])


def _set(args: tuple[Any, ...], spend: Spend) -> Any:
    items = _items(args, spend)
    return set(items) if items is not None and all(map(_hashes_well, items)) else NotImplemented


def _hashes_well(item: Any) -> bool:
    """Whether nobody can choose many of its kind with the same hash."""
    return type(item) is str or (type(item) is int and -(2**60) < item < 2**60)


def _frozen_set(args: tuple[Any, ...], spend: Spend) -> Any:
    made = _set(args, spend)
    return frozenset(made) if made is not NotImplemented else made


def _list(args: tuple[Any, ...], spend: Spend) -> Any:
    items = _items(args, spend)
    return NotImplemented if items is None else items


def _tuple(args: tuple[Any, ...], spend: Spend) -> Any:
    items = _items(args, spend)
    return NotImplemented if items is None else tuple(items)


def _bytes(args: tuple[Any, ...], spend: Spend) -> Any:
    """bytes and bytearray of bytes; ``bytearray(1_600_000_000)`` is a request for memory and nothing else."""
    if args and isinstance(args[0], int):
        raise CheckpointError(
            f"This file asks for {abs(args[0]):,} bytes of memory that it does not fill, which only an attack does",
            remedy="Do not trust its sender.",
            code="files.hostile",
        )
    if not args or (len(args) == 1 and type(args[0]) is bytes):
        return args[0] if args else b""
    return _encode(args, spend) if len(args) == 2 and type(args[0]) is str else NotImplemented


def _encode(args: tuple[Any, ...], spend: Spend) -> Any:
    """``_codecs.encode(text, "latin1")``, how protocol 2 writes bytes."""
    if type(args[0]) is not str or args[1:] not in (("latin1",), ("latin-1",)):
        return NotImplemented
    spend(len(args[0]))
    return args[0].encode("latin-1", "replace")


def _complex(args: tuple[Any, ...], spend: Spend) -> Any:
    plain = len(args) == 2 and all(type(part) in (int, float) for part in args)
    return complex(float(args[0]), float(args[1])) if plain else NotImplemented


def _reconstructor(args: tuple[Any, ...], spend: Spend) -> Any:
    """``copyreg._reconstructor(class, base, state)``: an instance before its attributes come."""
    return Stub(args[0], args[2:]) if len(args) == 3 and isinstance(args[0], Global) else NotImplemented


def _new(args: tuple[Any, ...], spend: Spend) -> Any:
    return Stub(args[0], args[1:]) if args and isinstance(args[0], Global) else NotImplemented


#: Visible and complete: nothing else in a pickle becomes more than a Stub. A constructor gives NotImplemented where
#: its arguments are not what they always are. Dicts lose their kind, since their entries are what matters here.
CONSTRUCTORS: dict[str, Constructor] = {
    "builtins.dict": _dict,
    "collections.OrderedDict": _dict,
    "collections.Counter": _dict,
    "collections.defaultdict": _default_dict,
    "builtins.set": _set,
    "builtins.frozenset": _frozen_set,
    "builtins.list": _list,
    "builtins.tuple": _tuple,
    "torch.Size": _tuple,
    "builtins.bytes": _bytes,
    "builtins.bytearray": _bytes,
    "_codecs.encode": _encode,
    "builtins.complex": _complex,
    "copyreg._reconstructor": _reconstructor,
    "copyreg.__newobj__": _new,
}
