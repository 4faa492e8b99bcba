"""Small versions of pictures to show in tables and beside the map, made in a worker: the files are anybody's."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from embedviz.records import Instances
from embedviz.ui.store import store
from embedviz.workers.items import pack
from embedviz.workers.pool import pool


def thumbnails(instances: Instances | None) -> Mapping[str, str]:
    """Each picture's data URI by its id; nothing where the instances are no pictures."""
    if instances is None or instances.modality != "images":
        return {}
    return dict(zip(instances.ids, _made(instances)[0], strict=True))


def reasons(instances: Instances) -> list[str]:
    """Why each picture cannot be shown or used, "" where it can."""
    return list(_made(instances)[1])


def _made(instances: Instances) -> tuple[list[str], list[str]]:
    key = ("thumbnails", instances.fingerprint)
    found: tuple[list[str], list[str]] | None = store.get(key)
    if found is None:
        told, arrays = pack(instances.items, "images")
        value, made = pool().numbers("thumbnails", {"items": told}, arrays)
        data, place, uris = made["items"].tobytes(), 0, []
        for size in value["sizes"]:
            uris.append(f"data:image/png;base64,{base64.b64encode(data[place : place + size]).decode('ascii')}")
            place += size
        found = (uris, [str(reason) for reason in value["reasons"]])
        store.put(key, found, sum(map(len, uris)))
    return found
