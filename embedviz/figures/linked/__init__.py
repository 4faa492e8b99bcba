"""Linked maps: the same instances under several layers, drawn by one script in the app and in offline HTML."""

from __future__ import annotations

from embedviz.figures.linked.packing import MODES, MOST_LINKED, MOST_SHOWN, MOST_TRAILS, Packed, pack_maps
from embedviz.figures.linked.standalone import standalone

__all__ = ["MODES", "MOST_LINKED", "MOST_SHOWN", "MOST_TRAILS", "Packed", "pack_maps", "standalone"]
