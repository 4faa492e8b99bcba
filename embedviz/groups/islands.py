"""Islands: what an eye would take for groups on a map, by HDBSCAN.

Campello, Moulavi & Sander, Density-based clustering based on hierarchical density estimates, 2013.
"""

from __future__ import annotations

import numpy as np

from embedviz.groups.groups import Groups, by_size, check_enough, medoids
from embedviz.records import Projection


def find_islands(projection: Projection) -> Groups:
    """The islands of a map, none at all where it is one cloud; instances between them are in none.

    An island has five instances at least, and one in 200 of large maps. Raises ProjectionError for fewer than 10
    instances on the map.
    """
    from sklearn.cluster import HDBSCAN

    places = projection.coordinates.astype(np.float64)
    drawn = np.isfinite(places).all(axis=1)
    count = int(drawn.sum())
    check_enough(count)
    of = np.full(len(places), -1, dtype=np.int64)
    of[drawn] = by_size(HDBSCAN(min_cluster_size=max(5, count // 200), copy=True).fit_predict(places[drawn]))
    found = int(of.max()) + 1
    return Groups(
        of,
        tuple(f"Island {number}" for number in range(1, found + 1)),
        medoids(places, of),
        f"{found} islands by HDBSCAN of the map: only what this picture shows, and another may show others.",
    )
