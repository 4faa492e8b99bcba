"""Which model do these tensors belong to? Names and shapes against everything that transformers knows."""

from embedviz.architecture.assumptions import Assumption
from embedviz.architecture.dry_run import DryRun, dry_run, memory
from embedviz.architecture.guess import guess
from embedviz.architecture.heads import Heads, estimate_heads
from embedviz.architecture.match import Match, match
from embedviz.architecture.sizes import Guess, config_for, configuration

__all__ = [
    "Assumption",
    "DryRun",
    "Guess",
    "Heads",
    "Match",
    "config_for",
    "configuration",
    "dry_run",
    "estimate_heads",
    "guess",
    "match",
    "memory",
]
