# SPDX-License-Identifier: Apache-2.0
"""Readers of single values and of the keys of one mapping. Each reports what is wrong and goes on."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import TypeVar

from marginrules import units
from marginrules.rulebook.diagnostic import Place, Sink, suggest
from marginrules.rulebook.parse import Mapping, Node, Scalar, Sequence

T = TypeVar("T")
_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/-]{0,63}")
_PATTERN = re.compile(r"[A-Za-z0-9_.:/*?-]{1,64}")


class Fields:
    """
    Give access to the keys of one mapping.

    Unknown keys are reported with a suggestion, missing ones too, except the one that a misspelt key stands for.
    """

    def __init__(
        self, sink: Sink, node: Node, what: str, required: tuple[str, ...] = (), optional: tuple[str, ...] = ()
    ) -> None:
        self.sink = sink
        self.what = what
        self.place = node.place
        self._entries: dict[str, Node] = {}
        self._keys: dict[str, Place] = {}
        if not isinstance(node, Mapping):
            sink.add("MR-R303", node.place, f"{what} is a mapping of keys", f"keys: {', '.join(required + optional)}")
            self.is_readable = False
            return
        self.is_readable = True
        self._entries, self._keys = node.entries, node.keys
        known = required + optional
        meant = set()
        for key, place in node.keys.items():
            if key not in known:
                hint = suggest(key, [name for name in known if name not in node.entries] or known)
                meant.update(re.findall(r"did you mean '(.+)'", hint))
                sink.add("MR-R301", place, f"{what} has no key '{key}'", hint)
        for key in required:
            if key not in node.entries and key not in meant:
                sink.add("MR-R302", node.place, f"{what} lacks the key '{key}'")

    def __contains__(self, key: str) -> bool:
        return key in self._entries

    def place_of(self, key: str) -> Place:
        """Return where a key's value stands, or the mapping where the key is missing."""
        return self._entries[key].place if key in self._entries else self.place

    def key_place(self, key: str) -> Place:
        """Return where a key itself stands."""
        return self._keys.get(key, self.place)

    def node(self, key: str) -> Node | None:
        """Return a value as it was parsed."""
        return self._entries.get(key)

    def read(self, key: str, reader: Callable[[Sink, Node], T | None], default: T) -> T:
        """Read a value; the default stands in where it is missing or was wrong."""
        node = self._entries.get(key)
        value = None if node is None else reader(self.sink, node)
        return default if value is None else value


def read_text(sink: Sink, node: Node) -> str | None:
    """Read any text that is not empty."""
    if not isinstance(node, Scalar):
        sink.add("MR-R303", node.place, "one value was expected here")
        return None
    if not node.text.strip():
        sink.add("MR-R327", node.place, "nothing was given here")
        return None
    return node.text


def read_name(sink: Sink, node: Node) -> str | None:
    """Read an identifier of letters, digits and `_ . : / -`."""
    text = read_text(sink, node)
    if text is not None and not _IDENTIFIER.fullmatch(text):
        sink.add(
            "MR-R323",
            node.place,
            f"'{_shorten(text)}' is not an identifier",
            "letters, digits and _ . : / -, at most 64",
        )
        return None
    return text


def read_pattern(sink: Sink, node: Node) -> str | None:
    """Read a symbol or a pattern with `*` and `?`."""
    text = read_text(sink, node)
    if text is not None and not _PATTERN.fullmatch(text):
        sink.add(
            "MR-R323",
            node.place,
            f"'{_shorten(text)}' is not a symbol pattern",
            "letters, digits and _ . : / -, with * and ?",
        )
        return None
    return text


def read_rate(sink: Sink, node: Node) -> Decimal | None:
    """Read a fraction written `5%`, `250 bps` or `0.05`."""
    text = read_text(sink, node)
    if text is None:
        return None
    value = units.parse_rate(text)
    if value is None:
        sink.add("MR-R304", node.place, f"'{_shorten(text)}' is not a rate", "write 5%, 250 bps or 0.05")
    return value


def read_number(sink: Sink, node: Node) -> Decimal | None:
    """Read a number such as `1_000_000` or `0.25`."""
    text = read_text(sink, node)
    if text is None:
        return None
    value = units.parse_number(text)
    if value is None:
        sink.add("MR-R305", node.place, f"'{_shorten(text)}' is not a number", "write 1_000_000 or 0.25")
    return value


def read_duration(sink: Sink, node: Node) -> int | None:
    """Read a duration such as `30s`, `4h` or `1d12h`, in nanoseconds."""
    text = read_text(sink, node)
    if text is None:
        return None
    value = units.parse_duration_ns(text)
    if value is None:
        sink.add("MR-R306", node.place, f"'{_shorten(text)}' is not a duration", "write 30s, 15m, 4h or 2d")
    return value


def read_timestamp(sink: Sink, node: Node) -> int | None:
    """Read a moment such as `2026-12-01T00:00:00Z`, in nanoseconds since 1970."""
    text = read_text(sink, node)
    if text is None:
        return None
    value = units.parse_timestamp_ns(text)
    if value is None:
        sink.add("MR-R307", node.place, f"'{_shorten(text)}' is not a timestamp", "write 2026-12-01T00:00:00Z, in UTC")
    return value


def read_yes(sink: Sink, node: Node) -> bool | None:
    """Read `yes` or `no`; no other spelling means either."""
    word = read_word(sink, node, ("yes", "no"))
    return None if word is None else word == "yes"


def read_word(sink: Sink, node: Node, words: Iterable[str]) -> str | None:
    """Read one of a closed list of words."""
    text = read_text(sink, node)
    choices = tuple(words)
    if text is not None and text not in choices:
        sink.add("MR-R310", node.place, f"'{_shorten(text)}' is none of the words for this", suggest(text, choices))
        return None
    return text


def read_list(sink: Sink, node: Node, reader: Callable[[Sink, Node], T | None]) -> tuple[T, ...] | None:
    """Read one value or a list of them, none twice."""
    nodes = node.items if isinstance(node, Sequence) else [node]
    if not nodes:
        sink.add("MR-R327", node.place, "nothing was given here")
        return None
    values: list[T] = []
    for item in nodes:
        value = reader(sink, item)
        if value is None:
            continue
        if value in values:
            sink.add("MR-R204", item.place, f"'{value}' was given twice", "delete one of them")
        values.append(value)
    return tuple(values)


def in_range(
    sink: Sink, place: Place, what: str, value: Decimal, low: Decimal | int, high: Decimal | int, low_open: bool = False
) -> bool:
    """Report a value outside its range; the bounds are allowed values unless `low_open`."""
    if low <= value <= high and not (low_open and value == low):
        return True
    above = "above" if low_open else "from"
    sink.add("MR-R308", place, f"{what} was {units.format_number(value)}", f"allowed: {above} {low:,} to {high:,}")
    return False


def _shorten(text: str) -> str:
    return text if len(text) <= 40 else text[:37] + "..."
