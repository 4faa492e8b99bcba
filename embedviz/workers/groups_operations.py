"""What a numbers worker finds out about groups: of the vectors, or of the islands on a map."""

from __future__ import annotations

from typing import Any

from embedviz.records import Projection
from embedviz.workers.items import unpack
from embedviz.workers.numbers_operations import _processed
from embedviz.workers.operation import Context, Operations
from embedviz.workers.wire import Arrays


def operations() -> Operations:
    """The operations that put instances into groups."""
    return {"groups": groups, "islands": islands}


def groups(arguments: dict[str, Any], arrays: Arrays, context: Context) -> tuple[Any, Arrays]:
    """Groups of the vectors, named."""
    from embedviz.groups import find_groups

    context.progress("looking for groups")(0, 1)
    return _named(find_groups(_processed(arguments, arrays)), arguments, arrays)


def islands(arguments: dict[str, Any], arrays: Arrays, context: Context) -> tuple[Any, Arrays]:
    """The islands of a map, named."""
    from embedviz.groups import find_islands

    context.progress("looking for islands")(0, 1)
    return _named(find_islands(Projection(arrays["coordinates"], "", {}, 0)), arguments, arrays)


def _named(found: Any, arguments: dict[str, Any], arrays: Arrays) -> tuple[Any, Arrays]:
    from embedviz.groups import name_groups

    named = name_groups(found, unpack(arguments["items"], arrays))
    return {"names": named.names, "medoids": named.medoids, "source": named.source}, {"of": named.of}
