# SPDX-License-Identifier: Apache-2.0
"""
The shorthand of series: `50_000-500x12` is 50 000 and twelve more, each 500 less than the one before.

    100            one value
    100x5          100 and five more of it
    100+10x3       100 110 120 130
    100-10x3       100 90 80 70
    100*0.9x2      100 90 81
    160%-5%x3      160% 155% 150% 145%
    _              a gap: nothing is published
    _x3            a gap and three more

Values stand one after another, with spaces between or as a list. Arithmetic is exact.
"""

from __future__ import annotations

import re
from decimal import Context, Decimal
from functools import partial

from marginrules import units
from marginrules.limits import CASE_POINTS_MAX
from marginrules.rulebook import fields
from marginrules.rulebook.diagnostic import Place, Sink
from marginrules.rulebook.parse import Node, Scalar, Sequence

_NUMBER = r"[+-]?\d+(?:_\d{3})*(?:\.\d+)?%?"
_STEPPED = re.compile(
    rf"(?P<first>{_NUMBER})(?:(?P<sign>[-+*])(?P<change>{_NUMBER}))?(?:x(?P<more>\d{{1,5}}))?", re.ASCII
)
_GAP = re.compile(r"_(?:x(?P<more>\d{1,5}))?", re.ASCII)
_EXACT = Context(prec=40)

Values = tuple[float | None, ...]


def read_series(sink: Sink, node: Node) -> Values | None:
    """Read the values of a series; what is wrong with one is reported at it."""
    nodes = node.items if isinstance(node, Sequence) else [node]
    found: list[float | None] = []
    for one in nodes:
        text = fields.read_text(sink, one)
        for word in (text or "").split():
            values = _expand(word)
            if values is None:
                hint = "write 100, 100x5, 100+10x5, 100*0.9x5 or _ for a gap"
                sink.add("MR-R350", _place_of(one, word), f"'{fields.shorten(word)}' is no part of a series", hint)
                return None
            found += values
            if len(found) > CASE_POINTS_MAX:
                sink.add(
                    "MR-R308", one.place, f"series had more than {CASE_POINTS_MAX:,} points", "make `every` longer"
                )
                return None
    return tuple(found) or None


def _place_of(node: Node, word: str) -> Place:
    """Point at a word inside a plain scalar; at the whole of anything else."""
    at = node.text.find(word) if isinstance(node, Scalar) and not node.quoted else -1
    return Place(node.place.line, node.place.column + at, len(word)) if at >= 0 else node.place


def _expand(word: str) -> list[float | None] | None:
    gap = _GAP.fullmatch(word)
    if gap is not None:
        return [None] * (1 + int(gap["more"] or 0))
    match = _STEPPED.fullmatch(word)
    if match is None:
        return None
    first, change = _number(match["first"]), _number(match["change"] or "0")
    if first is None or change is None or (match["sign"] and match["more"] is None):
        return None
    more = int(match["more"] or 0)
    if more > CASE_POINTS_MAX:
        return [None] * (CASE_POINTS_MAX + 1)
    step = partial(_stepped, first, match["sign"], change)
    return [float(step(index)) for index in range(more + 1)]


def _stepped(first: Decimal, sign: str | None, change: Decimal, index: int) -> Decimal:
    if sign == "*":
        return _EXACT.multiply(first, _EXACT.power(change, index)) if index else first
    return first + index * (-change if sign == "-" else change)


def _number(text: str) -> Decimal | None:
    return units.parse_rate(text)
