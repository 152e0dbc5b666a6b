# SPDX-License-Identifier: Apache-2.0
"""What a case may expect: the fields of a pool and of an order's answer, each with what its value may look like."""

from __future__ import annotations

from collections.abc import Callable

from marginrules.authoring.cases import vocabulary
from marginrules.authoring.cases.model import Expected
from marginrules.rulebook import fields
from marginrules.rulebook.diagnostic import Sink, suggest
from marginrules.rulebook.fields import Fields
from marginrules.rulebook.parse import Mapping, Node, Scalar, Sequence
from marginrules.rulebook.vocabulary.kinds import Key, Keys

NOTHING = ("", "none")  # how a case writes that there is no step, call, deadline or reason
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
    keys = vocabulary.MEASURED if is_figure else vocabulary.ANSWER if is_order else vocabulary.EXPECTED
    Fields(sink, node, keys.name, keys)  # reports what is no mapping, and what is no key
    return fields_of(sink, node, keys, moment)


def fields_of(sink: Sink, node: Node, keys: Keys, moment: Moment) -> tuple[Expected, ...]:
    """Read the fields that are compared from among the keys of a mapping; the others are somebody else's."""
    if not isinstance(node, Mapping):
        return ()
    found = [_read(sink, keys[name], one, moment) for name, one in node.entries.items() if name in keys]
    return tuple(one for one in found if one is not None)


def _read(sink: Sink, key: Key, node: Node, moment: Moment) -> Expected | None:
    name, takes = key.name, key.value.text
    if key.value.items is not None:
        is_numeric = takes is not None and takes.form == "amount"
        return _amounts(sink, name, node) if is_numeric else _list(sink, name, node)
    if not isinstance(node, Scalar) or takes is None:
        sink.add("MR-R303", node.place, f"{name} is one value")
        return None
    if node.text.strip() in NOTHING and name in ("call", "deadline"):
        return Expected(name, "time" if name == "deadline" else "amount", "none", place=node.place)
    if name == "deadline":
        return _time(name, node, moment)
    if takes.form in ("amount", "rate"):
        return _figure(sink, name, "ratio" if takes.form == "rate" else "amount", node)
    return _word(sink, name, takes.words, node)


def _amounts(sink: Sink, name: str, node: Node) -> Expected:
    nodes = node.items if isinstance(node, Sequence) else [node]
    numbers = [fields.read_number(sink, one) for one in nodes]
    text = ", ".join(one.text for one in nodes if isinstance(one, Scalar))
    values = tuple(float(one) for one in numbers if one is not None)
    return Expected(name, "amounts", text, numbers=values, place=node.place)


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


def _word(sink: Sink, name: str, words: tuple[str, ...], node: Scalar) -> Expected | None:
    text = node.text.strip()
    if words and text not in words:
        sink.add("MR-R310", node.place, f"'{fields.shorten(text)}' is no {name}", suggest(text, words))
        return None
    if name == "reasons" and text not in NOTHING:
        for one in (part.strip() for part in text.split(",")):
            if one not in vocabulary.REASONS:
                message, hint = f"'{fields.shorten(one)}' is no reason", suggest(one, vocabulary.REASONS)
                sink.add("MR-R310", node.place, message, hint)
    return Expected(name, "word", text if words or text not in NOTHING else "", place=node.place)


def _list(sink: Sink, name: str, node: Node) -> Expected | None:
    nodes = node.items if isinstance(node, Sequence) else [node]
    if len(nodes) == 1 and isinstance(nodes[0], Scalar) and nodes[0].text in NOTHING:
        nodes = []
    words = [fields.read_name(sink, one) for one in nodes]
    if None in words:
        return None
    known = tuple(one for one in words if one is not None)
    return Expected(name, "list", ", ".join(known), words=known, place=node.place)
