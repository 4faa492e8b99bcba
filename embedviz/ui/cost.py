"""What a picture will cost, said before it is made."""

from __future__ import annotations

from embedviz.ui.captures import ahead, unseen
from embedviz.ui.pace import PACE, paces
from embedviz.ui.settings import Settings
from embedviz.ui.store import store

#: Up to so many seconds, a change is drawn at once instead of on a press of a button. It can be cancelled, and the next
#: change replaces it; a machine that takes longer than this for a hundred short texts is rare.
_QUICK = 8.0


def cost(settings: Settings) -> tuple[float, int]:
    """Seconds and bytes the picture will take: from the pace of earlier ones, zero for what is kept."""
    count = len(settings.instances)
    seconds = 0.0
    if store.get(settings.vectors_key) is None:
        seconds += unseen(settings) * paces.get(settings.opened.fingerprint, PACE)
    if store.get(settings.map_key) is None:
        seconds += 0.3 + count * paces[settings.map.method]
    layers, poolings = ahead(settings)
    layer = settings.opened.layer(settings.layer)
    width = layer.width if layer is not None else 0
    return seconds, 4 * count * width * len(layers) * len(poolings)


def quick(settings: Settings) -> bool:
    """Whether the picture is cheap enough to be drawn without being asked for."""
    return cost(settings)[0] <= _QUICK
