"""The end of a script: its vectors against those that embedviz showed, and two files."""

from __future__ import annotations

import numpy as np

from embedviz.errors import ExportError
from embedviz.export.script.draft import block, short
from embedviz.records import Embeddings

_ROWS, _COLUMNS = 5, 6
#: Other processors round otherwise, in about the sixth digit; other vectors differ in the first.
_SHARE, _LEAST = 1e-3, 1e-6


def expected(embeddings: Embeddings) -> tuple[str, ...]:
    """Constants with the first numbers of a few vectors, spread over all. ExportError where none is finite."""
    vectors = embeddings.vectors
    finite = np.flatnonzero(np.isfinite(vectors).all(axis=1))
    if not len(finite):
        raise ExportError(
            "All vectors hold NaN or infinity", value=embeddings.layer, remedy="Choose another layer: it overflowed."
        )
    rows = finite[np.unique(np.linspace(0, len(finite) - 1, _ROWS).round().astype(int))]
    some = vectors[rows, :_COLUMNS]
    tolerance = max(_LEAST, _SHARE * float(np.abs(some).max()))
    values = "".join(f"    {[short(value) for value in row]},\n" for row in some)
    return (
        "# The first numbers of a few vectors as embedviz showed them, and how far others may be from them.",
        f"ROWS_SHOWN, SHAPE, TOLERANCE = {rows.tolist()}, {vectors.shape}, {tolerance:.0e}",
        f"SHOWN = [\n{values}]",
    )


def check(ids: str) -> str:
    """The lines that compare and save ``vectors``."""
    return "\n".join(
        [
            block(
                "if vectors.shape != SHAPE:",
                ["sys.exit(f'the vectors are {vectors.shape}, and embedviz showed {SHAPE}')"],
            ),
            "difference = np.abs(vectors[ROWS_SHOWN, : len(SHOWN[0])] - SHOWN).max()",
            block(
                "if not difference <= TOLERANCE:",
                ["sys.exit(f'these are not the vectors that embedviz showed: they differ by up to {difference:.2g}')"],
            ),
            "saved = Path('vectors.npy')",
            "if saved.is_file():  # made before, here or by embedviz: all of it is compared",
            "    earlier = np.load(saved)",
            "    if earlier.shape != vectors.shape or not np.allclose(earlier, vectors, rtol=0, atol=TOLERANCE, "
            "equal_nan=True):",
            "        sys.exit('vectors.npy in this folder holds other vectors, and is left as it is')",
            "np.save(saved, vectors)",
            ids,
            "Path('ids.json').write_text(json.dumps(IDS), 'utf-8')",
            "print(f'vectors.npy: {vectors.shape[0]} × {vectors.shape[1]}, within {difference:.1g} of those shown')",
        ]
    )
