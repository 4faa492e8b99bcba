"""A script of plain torch and transformers that makes the same vectors again, without embedviz."""

from embedviz.export.script.making import reproducing_script
from embedviz.export.script.source import Source

__all__ = ["Source", "reproducing_script"]
