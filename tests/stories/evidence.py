"""Evidence for stories, made in this process: captured, compared and drawn as the app's workers do it."""

from __future__ import annotations

import embedviz as ev
from embedviz.depth import through_depth
from embedviz.modalities.samples import SAMPLES, load_sample
from embedviz.projection.quality import kept_shares
from embedviz.records import FloatArray, Instances
from embedviz.stories import Evidence, Other, Provenance, Seen, set_of


def evidence_of(checkpoint: ev.Checkpoint, instances: Instances, *, aligned: bool = False) -> Evidence:
    """At the last block, with all blocks for the depth, and the paraphrases for what is compared with them."""
    paths = [layer.path for layer in through_depth(checkpoint.layers)]
    captured = ev.capture(checkpoint, instances, layers=paths, pooling="mean")
    depth = tuple(
        Seen.of(path, f"layer {number} of {len(paths)}", captured[path].vectors, "mean")
        for number, path in enumerate(paths, 1)
    )
    projection = ev.project(captured[paths[-1]], method="pca")
    maps = ev.aligned_maps({each.title: captured[each.path] for each in depth}) if aligned else None
    drawn = maps.maps if maps is not None else {}
    near = {each.title: each.near.indices for each in depth}
    paraphrases = load_sample("paraphrases")
    others = ["paraphrases"] if instances.name == SAMPLES["negation-and-ambiguity"].title else []
    return Evidence(
        instances=instances,
        shown=set_of(instances),
        total=len(instances),
        layer=depth[-1],
        depth=depth,
        source=Provenance(
            checkpoint.name, checkpoint.fingerprint, paths[-1], "mean", "none", instances.name, len(instances)
        ),
        projection=projection,
        shares=kept_shares(depth[-1].near.indices, projection.coordinates),
        maps=maps,
        map_shares={name: kept_shares(near[name], each.coordinates) for name, each in drawn.items()},
        others={key: Other(paraphrases, vectors_of(checkpoint, paraphrases, paths[-1])) for key in others},
    )


def vectors_of(checkpoint: ev.Checkpoint, instances: Instances, path: str) -> FloatArray:
    return ev.capture(checkpoint, instances, layers=[path], pooling="mean")[path].vectors
