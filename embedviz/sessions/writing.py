"""From a session to the bytes of its file."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import asdict
from typing import Any

import numpy as np

from embedviz import __version__
from embedviz.records import Embeddings, Instances, Likeness, OddPairs, Projection, Trust
from embedviz.sessions.session import FORMAT, INDEX, Session
from embedviz.workers.items import pack

_Arrays = dict[str, np.ndarray]


def write_session(session: Session) -> bytes:
    """The file."""
    arrays: _Arrays = {}
    told = {
        "embedviz": {"format": FORMAT, "version": __version__},
        "provenance": session.provenance,
        "versions": dict(session.versions),
        "choices": asdict(session.choices),
        "checkpoint": asdict(session.summary),
        "base": _instances(session.base, arrays) if session.base is not None else None,
        "own": _items("own", session.own, session.summary.reads.modality, arrays),
        "embeddings": _embeddings(session.embeddings, arrays),
        "likeness": {name: _likeness(name, each, arrays) for name, each in session.likeness.items()},
        "projection": _projection(session.projection, arrays) if session.projection is not None else None,
        "unmapped": session.unmapped,
        "trust": _trust(session.trust, arrays) if session.trust is not None else None,
    }
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr(INDEX, json.dumps(told, separators=(",", ":")))
        for name, array in arrays.items():
            piece = io.BytesIO()
            np.lib.format.write_array(piece, np.ascontiguousarray(array), allow_pickle=False)
            archive.writestr(f"{name}.npy", piece.getvalue())
    return written.getvalue()


def _instances(instances: Instances, arrays: _Arrays) -> dict[str, Any]:
    return {
        "items": _items("base", instances.items, instances.modality, arrays),
        "ids": instances.ids,
        "columns": {name: [_cell(value) for value in values] for name, values in instances.columns.items()},
        "label": instances.label,
        "name": instances.name,
        "dropped": instances.dropped,
    }


def _items(name: str, items: tuple[Any, ...], modality: str, arrays: _Arrays) -> dict[str, Any]:
    told, packed = pack(items, modality)
    if "items" in packed:
        arrays[f"{name}.items"] = packed["items"]
    return told


def _cell(value: Any) -> Any:
    """A cell as a JSON value: what is neither number nor truth value nor nothing is a text."""
    value = value.item() if isinstance(value, np.generic) else value
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def _embeddings(embeddings: Embeddings, arrays: _Arrays) -> dict[str, Any]:
    arrays["vectors"] = embeddings.vectors
    if embeddings.tokens is not None and embeddings.cut is not None:
        arrays |= {"tokens": embeddings.tokens, "cut": embeddings.cut}
    return {"layer": embeddings.layer, "pooling": embeddings.pooling, "notes": embeddings.notes}


def _likeness(name: str, each: Likeness, arrays: _Arrays) -> dict[str, Any]:
    arrays |= {
        f"{name}.indices": each.indices,
        f"{name}.cosines": each.cosines,
        f"{name}.most": each.most[0],
        f"{name}.most_cosines": each.most[1],
        f"{name}.least": each.least[0],
        f"{name}.least_cosines": each.least[1],
    }
    return {"crowding": each.crowding, "undefined": each.undefined, "compared": each.compared}


def _projection(projection: Projection, arrays: _Arrays) -> dict[str, Any]:
    arrays["coordinates"] = projection.coordinates
    told = {name: value for name, value in vars(projection).items() if name not in ("coordinates", "parameters")}
    return {**told, "parameters": {name: _cell(value) for name, value in projection.parameters.items()}}


def _trust(trust: Trust, arrays: _Arrays) -> dict[str, Any]:
    arrays["shares"] = trust.shares
    for name, odd in (("near", trust.near), ("far", trust.far)):
        _odd(name, odd, arrays)
    baselines = {name: asdict(each) for name, each in trust.baselines.items()}
    return {"quality": asdict(trust.quality), "baselines": baselines, "note": trust.note}


def _odd(name: str, odd: OddPairs, arrays: _Arrays) -> None:
    arrays |= {f"{name}.places": odd.places, f"{name}.cosines": odd.cosines, f"{name}.ranks": odd.ranks}
