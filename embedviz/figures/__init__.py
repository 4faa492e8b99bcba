"""Plotly figures from records: the map, the cosine table as a picture, and a sentence in place of each."""

from __future__ import annotations

from embedviz.figures.alternative import describe, describe_matrix
from embedviz.figures.colours import THEMES, Theme, palette
from embedviz.figures.frame import CONFIG
from embedviz.figures.heatmap import heatmap
from embedviz.figures.points import Shares
from embedviz.figures.scatter import scatter

__all__ = ["CONFIG", "THEMES", "Shares", "Theme", "describe", "describe_matrix", "heatmap", "palette", "scatter"]
