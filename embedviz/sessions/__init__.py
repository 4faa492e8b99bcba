"""A session as a file: what was chosen, the instances and what was found, so that it can be gone on with. No weights.

A zip of one JSON and arrays as .npy. Nothing of it is unpickled, and all of it is checked before it is used.
"""

from __future__ import annotations

from embedviz.sessions.reading import is_session, read_session
from embedviz.sessions.session import Choices, Session
from embedviz.sessions.writing import write_session

__all__ = ["Choices", "Session", "is_session", "read_session", "write_session"]
