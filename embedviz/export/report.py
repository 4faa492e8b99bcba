"""A comparison of layers as one HTML file: no network, no weights, all that others wrote escaped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template

import numpy as np

from embedviz.comparison import CURVES, MEASURES
from embedviz.depth import spread
from embedviz.export.markup import safe, short, table_row
from embedviz.figures import THEMES
from embedviz.figures.colours import mixed, readable
from embedviz.figures.linked import pack_maps, standalone
from embedviz.projection.aligned import ALIGNMENTS
from embedviz.records import Agreement, AlignedMaps, Comparison, Curve, Instances, IntArray, Movers

_LOOK = THEMES["light"]
#: Rows of the table of movers.
_MOST = 50


@dataclass(frozen=True, eq=False)
class Report:
    """What a comparison of ``instances`` found. ``neighbours`` are by the maps' names, (instances, k).

    ``provenance`` says in a line what was compared and how. ``moved`` are two layers and who moves between them.
    """

    title: str
    provenance: str
    comparison: Comparison
    instances: Instances
    maps: AlignedMaps | None
    neighbours: Mapping[str, IntArray]
    moved: tuple[str, str, Movers] | None = None

    def html(self) -> str:
        """The whole file."""
        page = Template(Path(__file__).with_name("report.html").read_text("utf-8"))
        comparison = self.comparison
        return page.substitute(
            title=safe(self.title),
            provenance=safe(self.provenance),
            advice=_advice(comparison),
            maps=self._maps(),
            agreements="".join(_agreement(name, each, comparison) for name, each in comparison.agreements.items()),
            curves=_curves(comparison.rows, comparison.curves) + _curves(comparison.columns, comparison.other_curves),
            movers=self._movers(),
        )

    def _maps(self) -> str:
        if self.maps is None:
            return ""
        maps = self.maps
        packed = pack_maps(maps.maps, self.instances, colour=self.instances.label, neighbours=self.neighbours)
        alt = f"Maps of {len(self.instances)} instances at {', '.join(maps.maps)}"
        told = f"{ALIGNMENTS[maps.alignment].label}. {ALIGNMENTS[maps.alignment].why} {maps.note}"
        kept = [f"{name} {each.kept:.0%}" for name, each in maps.maps.items() if each.kept is not None]
        trust = f"Nearest neighbours that survive on these maps: {', '.join(kept)}." if kept else ""
        picture = standalone(packed, mode="maps", shown=spread(list(maps.maps)), alt=alt)
        return f"<h2>Maps</h2>{picture}<p class='small'>{safe(told)}</p><p class='small'>{safe(trust)}</p>"

    def _movers(self) -> str:
        if self.moved is None or not len(self.moved[2].order):
            return ""
        one, other, movers = self.moved
        items = self.instances.items

        def names(row: Iterable[int]) -> str:
            return "<br>".join(safe(short(items[near])) for near in row if near >= 0)

        rows = [
            f"<tr><td class='number'>{movers.kept[row]} of {movers.k}</td><td>{safe(short(items[row], 200))}</td>"
            f"<td>{names(movers.before[row][:5])}</td><td>{names(movers.after[row][:5])}</td></tr>"
            for row in movers.order[:_MOST].tolist()
        ]
        head = table_row("th", ["kept", self.instances.item_name, f"nearest at {one}", f"nearest at {other}"])
        told = f"Instances by how few of their true neighbours they keep from {one} to {other}."
        return (
            f"<h2>Biggest movers</h2><p class='small'>{safe(told)}</p><div class='wide'><table>"
            f"{head}{''.join(rows)}</table></div>"
        )


def _advice(comparison: Comparison) -> str:
    if not comparison.evidence:
        return ""
    best = f" <strong>{safe(comparison.best)}</strong>" if comparison.best else ""
    return f"<div class='advice'>Which layer should I use?{best}<p>{safe(' '.join(comparison.evidence))}</p></div>"


def _agreement(name: str, agreement: Agreement, comparison: Comparison) -> str:
    measure = MEASURES[name]
    head = f"<h3>{safe(measure.label)}</h3><p class='small'>{safe(measure.sentence)}</p>"
    if agreement.why_not:
        return f"{head}<p class='small'>{safe(agreement.why_not)}</p>"
    apart = np.array([[row != column for column in comparison.columns] for row in comparison.rows])
    finite = agreement.values[apart & np.isfinite(agreement.values)]
    top = float(finite.max()) if len(finite) else 1.0
    rows = [
        f"<tr><th>{safe(row)}</th>"
        + "".join(_cell(agreement, (place, column), top) for column in range(len(comparison.columns)))
        + "</tr>"
        for place, row in enumerate(comparison.rows)
    ]
    chance = "" if agreement.chance is None else f"Layers that have nothing in common would get {agreement.chance:.2f}."
    return (
        f"{head}<div class='wide'><table>{table_row('th', ['', *comparison.columns])}{''.join(rows)}</table></div>"
        f"<p class='small'>{safe(f'{chance} {agreement.note}'.strip())}</p>"
    )


def _cell(agreement: Agreement, cell: tuple[int, int], top: float) -> str:
    value, low, high = (float(array[cell]) for array in (agreement.values, agreement.low, agreement.high))
    if not np.isfinite(value):
        return "<td class='cell'>–</td>"
    share = min(1.0, max(0.0, value / top)) if top > 0 else 0.0
    colour, ink = mixed(_LOOK.sequential, share), readable(_LOOK.sequential, share)
    interval = f"{low:.2f} … {high:.2f}" if np.isfinite([low, high]).all() else ""
    style = f"background:{colour};color:{ink}"
    return f"<td class='cell' style='{style}' title='{interval}'>{round(value, 2) + 0.0:.2f}</td>"


def _curves(layers: Sequence[str], curves: Mapping[str, Curve]) -> str:
    if not curves:
        return ""
    rows = []
    for name, curve in curves.items():
        kind = CURVES[name]
        numbers = "".join(f"<td class='number'>{_number(float(value))}</td>" for value in curve.values)
        told = curve.why_not or f"{curve.reading} {kind.not_said}"
        rows.append(f"<tr><th>{safe(kind.label)}</th>{numbers}<td class='small'>{safe(told)}</td></tr>")
    return f"<div class='wide'><table>{table_row('th', ['', *layers, ''])}{''.join(rows)}</table></div>"


def _number(value: float) -> str:
    return f"{value:.3g}" if np.isfinite(value) else "–"
