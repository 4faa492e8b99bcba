"""Evidence for stories, made in this process: captured, compared and drawn as the app's workers do it."""

from __future__ import annotations

from collections.abc import Sequence

import embedviz as ev
from embedviz.depth import through_depth
from embedviz.projection.quality import kept_shares
from embedviz.records import Instances
from embedviz.similarity import mean_cosine, neighbours
from embedviz.stories import Evidence, Other, Provenance, Seen, set_of


def seen(title: str, embeddings: ev.Embeddings) -> Seen:
    near = neighbours(embeddings, k=10)
    return Seen(embeddings.layer, title, embeddings.vectors, near, mean_cosine(embeddings), embeddings.pooling)


def evidence_of(
    checkpoint: ev.Checkpoint, instances: Instances, *, aligned: bool = False, others: Sequence[tuple[str, Instances]] = ()
) -> Evidence:
    """At the last block, with all blocks for the depth."""
    paths = [layer.path for layer in through_depth(checkpoint.layers)]
    captured = ev.capture(checkpoint, instances, layers=paths, pooling="mean")
    depth = tuple(seen(f"layer {number} of {len(paths)}", captured[path]) for number, path in enumerate(paths, 1))
    projection = ev.project(captured[paths[-1]], method="pca")
    maps = ev.aligned_maps({each.title: captured[each.path] for each in depth}) if aligned else None
    return Evidence(
        instances=instances,
        shown=set_of(instances),
        total=len(instances),
        layer=depth[-1],
        depth=depth,
        source=Provenance(checkpoint.name, checkpoint.fingerprint, paths[-1], "mean", "length 1", instances.name, len(instances)),
        projection=projection,
        shares=kept_shares(depth[-1].near.indices, projection.coordinates),
        maps=maps,
        map_shares={} if maps is None else {each.title: kept_shares(each.near.indices, maps.maps[each.title].coordinates) for each in depth},
        others={key: Other(some, ev.capture(checkpoint, some, layers=[paths[-1]], pooling="mean")[paths[-1]].vectors) for key, some in others},
    )
