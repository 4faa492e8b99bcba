"""Pictures for print, drawn by matplotlib through its object interface: PNG, SVG and PDF.

They have the colours and the marker shapes of the screen's light theme, and say below what they are.
"""

from __future__ import annotations

from embedviz.pictures.save import FORMATS, draw, save_picture

__all__ = ["FORMATS", "draw", "save_picture"]
