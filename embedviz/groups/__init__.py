"""Groups of instances, each saying where it comes from: from the vectors, or from what a map shows."""

from embedviz.groups.groups import Groups
from embedviz.groups.islands import find_islands
from embedviz.groups.kmeans import find_groups
from embedviz.groups.names import name_groups

__all__ = ["Groups", "find_groups", "find_islands", "name_groups"]
