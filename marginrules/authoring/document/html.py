# SPDX-License-Identifier: Apache-2.0
"""A page as HTML that stands alone: no script, nothing fetched; ladders and charts are drawings in the page."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Iterable, Iterator

from marginrules.authoring.document.parts import (
    Bullets,
    Chart,
    Formula,
    Heading,
    LadderDrawing,
    Paragraph,
    Part,
    Rung,
    Table,
)

_STYLE = """\
:root { color-scheme: light dark; --line: #8886;
  --ink: light-dark(#1b1f24, #e6e6e6); --quiet: light-dark(#59636e, #9aa4af);
  --first: light-dark(#0b5cad, #6cb2ff); --second: light-dark(#b34700, #ffa657); }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1, h2, h3 { line-height: 1.2; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--line); }
nav ul { columns: 2; }
table { border-collapse: collapse; margin: 1rem 0; }
th, td { padding: .3rem .8rem .3rem 0; text-align: left; vertical-align: top; overflow-wrap: anywhere;
  border-bottom: 1px solid var(--line); }
.number { text-align: right; }
pre { background: #8881; padding: .8rem; overflow-x: auto; }
svg { max-width: 100%; height: auto; }
svg text { fill: var(--ink); font: 14px system-ui, sans-serif; }
svg .quiet { fill: var(--quiet); font-size: 13px; }
svg .rail { stroke: var(--ink); stroke-width: 3; }
svg .axis { stroke: var(--line); fill: none; }
svg .arrow, svg .second { stroke: var(--second); fill: none; stroke-width: 2; }
svg .first { stroke: var(--first); fill: none; stroke-width: 2; }
"""
_RUNG, _LINE, _LEFT, _WIDTH = 34, 20, 190, 1_100
_CHART_WIDTH, _CHART_HEIGHT, _MARGIN = 760, 300, 60


def as_html(parts: Iterable[Part]) -> str:
    """Write a page; text of the rulebook is escaped and can make no markup of its own."""
    listed = list(parts)
    title = next((one.text for one in listed if isinstance(one, Heading)), "rulebook")
    names = _Anchors()
    anchors = {id(one): names.of(one.text) for one in listed if isinstance(one, Heading)}
    body: list[str] = []
    for one in listed:
        body += _part(one, anchors)
        if isinstance(one, Heading) and one.level == 1:
            body += _contents(listed, anchors)
    return (
        "<!doctype html>\n"
        f'<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style></head><body>\n" + "\n".join(body) + "\n</body></html>\n"
    )


class _Anchors:
    """Give each heading a name of its own."""

    def __init__(self) -> None:
        self._given: set[str] = set()

    def of(self, text: str) -> str:
        base = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "section"
        name, count = base, 1
        while name in self._given:
            count += 1
            name = f"{base}-{count}"
        self._given.add(name)
        return name


def _contents(parts: list[Part], anchors: dict[int, str]) -> Iterator[str]:
    chosen = [one for one in parts if isinstance(one, Heading) and one.level in (2, 3)]
    items = "".join(f'<li><a href="#{anchors[id(one)]}">{html.escape(one.text)}</a></li>' for one in chosen)
    yield f"<nav><ul>{items}</ul></nav>"


def _part(one: Part, anchors: dict[int, str]) -> Iterator[str]:
    match one:
        case Heading(level, text):
            yield f'<h{level} id="{anchors[id(one)]}">{html.escape(text)}</h{level}>'
        case Paragraph(text):
            yield f"<p>{html.escape(text)}</p>"
        case Bullets(items):
            yield f"<ul>{''.join(f'<li>{html.escape(item)}</li>' for item in items)}</ul>"
        case Table():
            yield from _table(one)
        case Formula(lines):
            yield f"<pre>{html.escape(chr(10).join(lines))}</pre>"
        case LadderDrawing():
            yield "".join(_ladder(one))
        case Chart():
            yield "".join(_chart(one))


def _table(one: Table) -> Iterator[str]:
    kinds = [' class="number"' if name.startswith(">") else "" for name in one.columns]
    names = zip(kinds, one.columns, strict=True)
    head = "".join(f"<th{kind}>{html.escape(name.removeprefix('>'))}</th>" for kind, name in names)
    yield f"<table><thead><tr>{head}</tr></thead><tbody>"
    for row in one.rows:
        cells = zip(kinds, row, strict=True)
        yield f"<tr>{''.join(f'<td{kind}>{html.escape(cell)}</td>' for kind, cell in cells)}</tr>"
    yield "</tbody></table>"


# Ladders


def _ladder(one: LadderDrawing) -> Iterator[str]:
    tops, height = [], 10
    for rung in one.rungs:
        tops.append(height)
        height += _RUNG + _LINE * max(len(rung.does), 1)
    yield f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="ladder {html.escape(one.name)}">'
    yield f'<line class="rail" x1="{_LEFT}" y1="0" x2="{_LEFT}" y2="{height}"/>'
    yield f'<line class="rail" x1="{_LEFT + 60}" y1="0" x2="{_LEFT + 60}" y2="{height}"/>'
    for number, (rung, top) in enumerate(zip(one.rungs, tops, strict=True)):
        yield from _rung(rung, top)
        for lane, (source, deadline) in enumerate(rung.follows):
            yield from _arrow(tops[source], top, deadline, lane + number % 2)
    yield "</svg>"


def _rung(rung: Rung, top: int) -> Iterator[str]:
    y, right = top + 14, _LEFT + 60
    yield f'<line class="rail" x1="{_LEFT}" y1="{y}" x2="{right}" y2="{y}"/>'
    yield f'<text x="{_LEFT - 12}" y="{y + 5}" text-anchor="end">{html.escape(rung.entry)}</text>'
    if rung.leave:
        yield f'<text class="quiet" x="{_LEFT - 12}" y="{y + 23}" text-anchor="end">{html.escape(rung.leave)}</text>'
    yield f'<text x="{right + 14}" y="{y + 5}" font-weight="bold">{html.escape(rung.name)}</text>'
    for line, text in enumerate(rung.does, start=1):
        yield f'<text class="quiet" x="{right + 14}" y="{y + 5 + _LINE * line}">{html.escape(text)}</text>'


def _arrow(start: int, end: int, deadline: str, lane: int) -> Iterator[str]:
    """Draw the way from a call that goes unmet to the step that follows it, outside on the right."""
    x, y_start, y_end = _WIDTH - 230 + 24 * lane, start + 14, end + 14
    yield f'<path class="arrow" d="M{x - 40},{y_start} H{x} V{y_end} H{x - 34} m8,-5 l-8,5 l8,5"/>'
    yield f'<text class="quiet" x="{x + 6}" y="{(y_start + y_end) // 2}">unmet: {html.escape(deadline)}</text>'


# Charts


def _chart(one: Chart) -> Iterator[str]:
    every = [point for _, points in one.lines for point in points]
    low, high = math.log(min(x for x, _ in every)), math.log(max(x for x, _ in every))
    top = max((y for _, y in every), default=0.0) * 1.1 or 1.0
    right, bottom = _CHART_WIDTH - 20, _CHART_HEIGHT - 40

    def at(x: float, y: float) -> tuple[float, float]:
        across = _MARGIN + (right - _MARGIN) * (math.log(x) - low) / (high - low or 1.0)
        return across, bottom - (bottom - 20) * y / top

    yield f'<svg viewBox="0 0 {_CHART_WIDTH} {_CHART_HEIGHT}" role="img" aria-label="{html.escape(one.title)}">'
    yield f'<text x="{_MARGIN}" y="14">{html.escape(one.title)}</text>'
    yield f'<path class="axis" d="M{_MARGIN},20 V{bottom} H{right}"/>'
    for share in (0.0, 0.5, 1.0):
        value = top / 1.1 * share
        y = at(math.exp(low), value)[1]
        yield f'<text class="quiet" x="{_MARGIN - 8}" y="{y + 4:.1f}" text-anchor="end">{value * 100:.3g}%</text>'
    for mark in one.marks:
        x = at(mark, 0.0)[0]
        yield f'<path class="axis" d="M{x:.1f},20 V{bottom + 5}"/>'
        yield f'<text class="quiet" x="{x:.1f}" y="{bottom + 20}" text-anchor="middle">{_short(mark)}</text>'
    for number, (name, points) in enumerate(one.lines):
        kind = ("first", "second")[number % 2]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (at(*point) for point in points))
        yield f'<polyline class="{kind}" points="{path}"/>'
        x, y = at(*points[-1])
        yield f'<text class="quiet" x="{x:.1f}" y="{y - 6:.1f}" text-anchor="end">{html.escape(name)}</text>'
    yield f'<text class="quiet" x="{right}" y="{_CHART_HEIGHT - 4}" text-anchor="end">{html.escape(one.across)}</text>'
    yield "</svg>"


def _short(value: float) -> str:
    for size, letter in ((1e9, "bn"), (1e6, "m"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"
