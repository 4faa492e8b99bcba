"""The nouns of embedviz as frozen records; they carry data and no behaviour that needs a model."""

from __future__ import annotations

from embedviz.records.arrays import DoubleArray, FloatArray, IntArray
from embedviz.records.comparison import Agreement, Comparison, Curve, Movers
from embedviz.records.embeddings import Embeddings, Neighbours, as_vectors
from embedviz.records.finding import Finding
from embedviz.records.instances import ImageItem, Instances, Reads, TensorItem
from embedviz.records.landing import Landing
from embedviz.records.layer import INSTANCES, TOKENS, Layer
from embedviz.records.likeness import Likeness
from embedviz.records.maps import (
    AlignedMaps,
    DrawnNeighbours,
    OddPairs,
    PointTrust,
    Projection,
    Quality,
    Stability,
    Trust,
)
from embedviz.records.token_vectors import TokenVectors
from embedviz.records.tokenizers import Token, TokenizedText, TokenizerComparison, TokenizerTotals

__all__ = [
    "INSTANCES",
    "TOKENS",
    "Agreement",
    "AlignedMaps",
    "Comparison",
    "Curve",
    "DoubleArray",
    "DrawnNeighbours",
    "Embeddings",
    "Finding",
    "FloatArray",
    "ImageItem",
    "Instances",
    "IntArray",
    "Landing",
    "Layer",
    "Likeness",
    "Movers",
    "Neighbours",
    "OddPairs",
    "PointTrust",
    "Projection",
    "Quality",
    "Reads",
    "Stability",
    "TensorItem",
    "Token",
    "TokenVectors",
    "TokenizedText",
    "TokenizerComparison",
    "TokenizerTotals",
    "Trust",
    "as_vectors",
]
