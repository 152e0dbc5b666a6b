# SPDX-License-Identifier: Apache-2.0
"""What a case may expect: the fields of a pool and of an order's answer, each with what its value may look like."""

from __future__ import annotations

from collections.abc import Callable

from marginrules.authoring.cases.model import Expected
from marginrules.codes import Reason, Restriction
from marginrules.rulebook import fields
from marginrules.rulebook.diagnostic import Sink, suggest
from marginrules.rulebook.fields import Fields
from marginrules.rulebook.parse import Mapping, Node, Scalar, Sequence

NOTHING = ("", "none")  # how a case writes that there is no step, call, deadline or reason
OF_POOL = {
    "equity": "amount",
    "initial_margin": "amount",
    "maintenance_margin": "amount",
    "collateral_value": "amount",
    "unrealized_pnl": "amount",
    "margin_ratio": "ratio",
    "step": "word",
    "active": "list",
    "restriction": "word",
    "call": "amount",
    "deadline": "time",
    "liquidating": "word",
    "shortfall": "amount",
    "reasons": "word",
}
OF_ORDER = {
    "accepted": "word",
    "reasons": "word",
    "quantity_max": "amount",
    "equity_after": "amount",
    "initial_margin_after": "amount",
    "maintenance_margin_after": "amount",
}
OF_FIGURE = {"values": "amounts"}
_CHOICES = {
    "restriction": tuple(one.word for one in Restriction),
    "accepted": ("yes", "no"),
    "liquidating": ("yes", "no"),
}
_REASONS = tuple(str(one.name).lower() for one in Reason)
Moment = Callable[[Node], int | None]


def read_expected(
    sink: Sink, node: Node, is_order: bool, moment: Moment, is_figure: bool = False
) -> tuple[Expected, ...]:
    """
    Read the fields that are compared.

    Args:
        is_order: they are those of an order's answer.
        is_figure: they are those of a figure.
        moment: reads a moment, which may be relative.
    """
    known = OF_FIGURE if is_figure else OF_ORDER if is_order else OF_POOL
    what = "what an order is answered" if is_order else "what is expected"
    part = Fields(sink, node, what, optional=tuple(known))
    if not isinstance(node, Mapping):
        return ()
    found = [_read(sink, name, known[name], one, moment) for name, one in node.entries.items() if name in known]
    del part
    return tuple(one for one in found if one is not None)


def _read(sink: Sink, name: str, kind: str, node: Node, moment: Moment) -> Expected | None:
    if kind == "list":
        return _list(sink, name, node)
    if kind == "amounts":
        nodes = node.items if isinstance(node, Sequence) else [node]
        numbers = [fields.read_number(sink, one) for one in nodes]
        values = tuple(float(one) for one in numbers if one is not None)
        text = ", ".join(one.text for one in nodes if isinstance(one, Scalar))
        return Expected(name, kind, text, numbers=values, place=node.place)
    if not isinstance(node, Scalar):
        sink.add("MR-R303", node.place, f"{name} is one value")
        return None
    text = node.text.strip()
    if kind == "word":
        return _word(sink, name, node, text)
    if text in NOTHING and name in ("call", "deadline"):
        return Expected(name, kind, "none", place=node.place)
    return _time(name, node, moment) if kind == "time" else _figure(sink, name, kind, node)


def _time(name: str, node: Scalar, moment: Moment) -> Expected | None:
    time_ns = moment(node)
    return None if time_ns is None else Expected(name, "time", node.text, time_ns=time_ns, place=node.place)


def _figure(sink: Sink, name: str, kind: str, node: Scalar) -> Expected | None:
    value = fields.read_rate(sink, node) if kind == "ratio" else fields.read_number(sink, node)
    if value is None:
        return None
    slack = _slack(node.text) if kind == "ratio" else 0.0
    return Expected(name, kind, node.text, number=float(value), slack=slack, place=node.place)


def _slack(text: str) -> float:
    """Return half a unit of the last digit of a percentage: `118%` is any ratio that is printed so."""
    if not text.endswith("%"):
        return 0.0
    digits = len(text[:-1].strip().partition(".")[2])
    return 0.5 * 10.0 ** -(digits + 2) * (1 + 1e-9)


def _word(sink: Sink, name: str, node: Scalar, text: str) -> Expected | None:
    if name in _CHOICES and text not in _CHOICES[name]:
        sink.add("MR-R310", node.place, f"'{fields.shorten(text)}' is no {name}", suggest(text, _CHOICES[name]))
        return None
    if name == "reasons":
        text = "" if text in NOTHING else text
        for one in filter(None, (part.strip() for part in text.split(","))):
            if one not in _REASONS:
                sink.add("MR-R310", node.place, f"'{fields.shorten(one)}' is no reason", suggest(one, _REASONS))
    return Expected(name, "word", "" if text in NOTHING and name != "restriction" else text, place=node.place)


def _list(sink: Sink, name: str, node: Node) -> Expected | None:
    nodes = node.items if isinstance(node, Sequence) else [node]
    if len(nodes) == 1 and isinstance(nodes[0], Scalar) and nodes[0].text in NOTHING:
        nodes = []
    words = [fields.read_name(sink, one) for one in nodes]
    if None in words:
        return None
    known = tuple(one for one in words if one is not None)
    return Expected(name, "list", ", ".join(known), words=known, place=node.place)
