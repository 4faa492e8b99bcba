"""Open any checkpoint, see what every layer knows."""

from embedviz.capture import capture
from embedviz.checkpoints import Checkpoint, bundled_checkpoint, open_checkpoint, open_module
from embedviz.comparison import compare, movers
from embedviz.cost import Cost, estimate_cost
from embedviz.errors import (
    CaptureError,
    CheckpointError,
    EmbedvizError,
    InstancesError,
    LayerError,
    ProjectionError,
)
from embedviz.export.script import reproducing_script
from embedviz.groups import Groups, find_groups, find_islands, name_groups
from embedviz.pictures import save_picture
from embedviz.projection import project
from embedviz.projection.aligned import aligned_maps
from embedviz.records import (
    Agreement,
    AlignedMaps,
    Comparison,
    Curve,
    Embeddings,
    Finding,
    Instances,
    Layer,
    Movers,
    Neighbours,
    Projection,
    Reads,
    Token,
    TokenizedText,
    TokenizerComparison,
    TokenizerTotals,
    TokenVectors,
)
from embedviz.similarity import cosine_similarity, neighbours
from embedviz.token_vectors import token_vectors
from embedviz.tokenizer_lab import compare_tokenizers
from embedviz.vectors import postprocess

__version__ = "0.1.0"

__all__ = [
    "Agreement",
    "AlignedMaps",
    "CaptureError",
    "Checkpoint",
    "CheckpointError",
    "Comparison",
    "Cost",
    "Curve",
    "Embeddings",
    "EmbedvizError",
    "Finding",
    "Groups",
    "Instances",
    "InstancesError",
    "Layer",
    "LayerError",
    "Movers",
    "Neighbours",
    "Projection",
    "ProjectionError",
    "Reads",
    "Token",
    "TokenVectors",
    "TokenizedText",
    "TokenizerComparison",
    "TokenizerTotals",
    "aligned_maps",
    "bundled_checkpoint",
    "capture",
    "compare",
    "compare_tokenizers",
    "cosine_similarity",
    "estimate_cost",
    "find_groups",
    "find_islands",
    "movers",
    "name_groups",
    "neighbours",
    "open_checkpoint",
    "open_module",
    "postprocess",
    "project",
    "reproducing_script",
    "save_picture",
    "token_vectors",
]
