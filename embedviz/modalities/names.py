"""What people call their columns."""

from __future__ import annotations

from collections.abc import Iterable

#: Names of a column of texts, the most telling first.
TEXT_NAMES = (
    "text", "texts", "sentence", "sentences", "instance", "instances", "input", "document", "content", "body",
    "question", "query", "prompt", "utterance", "message", "tweet", "review", "comment", "abstract", "gloss",
    "definition", "passage", "paragraph", "description", "sentence1",
)  # fmt: skip
#: Names of a column of labels, the most telling first.
LABEL_NAMES = (
    "label", "labels", "class", "category", "target", "topic", "intent", "group", "cluster", "genre", "sentiment",
    "emotion", "tag", "type", "kind", "subject", "section", "department", "language", "lang", "split",
)  # fmt: skip
#: Whatever else is hardly ever an instance, and so tells a row of column names.
OTHER_NAMES = ("id", "name", "title", "word", "score", "value", "date", "url", "source", "author", "meaning")
ALL_NAMES = frozenset((*TEXT_NAMES, *LABEL_NAMES, *OTHER_NAMES))


def distinct(names: Iterable[str]) -> list[str]:
    """The names with blanks filled and repetitions numbered: "text", "text (2)", "column 3"."""
    given = [name.strip() or f"column {place}" for place, name in enumerate(names, start=1)]
    taken: set[str] = set()
    result = []
    for name in given:
        unique, copy = name, 2
        while unique in taken:
            unique, copy = f"{name} ({copy})", copy + 1
        taken.add(unique)
        result.append(unique)
    return result
