# SPDX-License-Identifier: Apache-2.0
"""Readers of single values and of the keys of one mapping. Each reports what is wrong and goes on."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import partial
from typing import TypeVar

from marginrules import units
from marginrules.limits import TIERS_MAX
from marginrules.rulebook.diagnostic import Place, Sink, nearest, suggest
from marginrules.rulebook.parse import Mapping, Node, Scalar, Sequence
from marginrules.rulebook.vocabulary.kinds import Keys, Range, Text

T = TypeVar("T")
U = TypeVar("U")
V = TypeVar("V", Decimal, int)
_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/-]{0,63}")
_TIMESTAMP = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_VARIABLE = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
YES_NO = ("yes", "no")
_PATTERN = re.compile(r"[A-Za-z0-9_.:/*?-]{1,64}")


class Fields:
    """
    Give access to the keys of one mapping.

    Unknown keys are reported with a suggestion, missing ones too, except the one that a misspelt key stands for.

    Args:
        what: names the mapping in messages.
        keys: what the vocabulary says of it; readers take its ranges and words from there.
        at: where missing keys are reported; the start of the mapping unless given.

    Attributes:
        is_readable: the node is a mapping, and all its keys could be read.
        is_sound: nothing was wrong with a key or a value so far.
    """

    def __init__(
        self,
        sink: Sink,
        node: Node,
        what: str,
        keys: Keys,
        *,
        at: Place | None = None,
    ) -> None:
        self.sink = sink
        self.place = at or node.place
        self.vocabulary = keys
        self._meant: set[str] = set()
        self._entries: dict[str, Node] = {}
        self._keys: dict[str, Place] = {}
        required, known = keys.required, keys.required + keys.optional
        if not isinstance(node, Mapping):
            sink.add("MR-R303", node.place, f"{what} is a mapping of keys", f"keys: {', '.join(known)}")
            self.is_readable = self.is_sound = False
            return
        self.is_readable = not node.partial
        self._entries, self._keys = node.entries, node.keys
        unknown = [key for key in node.entries if key not in known]
        for key in unknown:
            left = [name for name in known if name not in node.entries] or known
            self._meant.add(nearest(key, left))
            choices = left if nearest(key, left) or not nearest(key, known) else known
            sink.add("MR-R301", node.keys[key], f"{what} has no key '{key}'", suggest(key, choices))
        missing = [key for key in required if self.is_readable and key not in self]
        for key in missing:
            sink.add("MR-R302", self.place, f"{what} lacks the key '{key}'", f"add `{key}: ...`")
        self.is_sound = self.is_readable and not unknown and not missing

    def __contains__(self, key: str) -> bool:
        """Say whether a key was given, or a misspelt key that stands for it."""
        return key in self._entries or key in self._meant

    def place_of(self, key: str) -> Place:
        """Return where a key's value stands, or the mapping where the key is missing."""
        return self._entries[key].place if key in self._entries else self.place

    def key_place(self, key: str) -> Place:
        """Return where a key itself stands."""
        return self._keys.get(key, self.place)

    def node(self, key: str) -> Node | None:
        """Return a value as it was parsed."""
        return self._entries.get(key)

    def read(self, key: str, reader: Callable[[Sink, Node], T | None], default: U) -> T | U:
        """Read a value; the default stands in where it is missing or was wrong."""
        node = self._entries.get(key)
        if node is None:
            return default
        value = reader(self.sink, node)
        if value is None:
            self.is_sound = False
            return default
        return value

    def rate(self, key: str, default: U, *, called: str = "") -> Decimal | U:
        """Read a rate and check its range; `called` is what a message calls it, where that is not its key."""
        return self.read(key, partial(read_rate_in, what=called or key, allowed=self._allowed(key)), default)

    def number(self, key: str, default: U) -> Decimal | U:
        """Read a number and check its range."""
        return self.read(key, partial(_read_number_in, what=key, allowed=self._allowed(key)), default)

    def whole(self, key: str, default: U) -> int | U:
        """Read a whole number and check its range."""
        return self.read(key, partial(read_whole_in, what=key, allowed=self._allowed(key)), default)

    def duration(self, key: str, default: U) -> int | U:
        """Read a duration in nanoseconds and check its range."""
        return self.read(key, partial(_read_duration_in, what=key, allowed=self._allowed(key)), default)

    def word(self, key: str, default: U) -> str | U:
        """Read one of the words that the vocabulary has for a key."""
        return self.read(key, partial(read_word, words=self.text(key).words), default)

    def words(self, key: str) -> tuple[str, ...]:
        """Read one of the words that the vocabulary has for a key, or a list of them."""
        one = partial(read_word, words=self.text(key).words)
        return self.read(key, partial(read_list, reader=one), ())

    def yes(self, key: str, default: U) -> bool | U:
        """Read yes or no."""
        return self.read(key, read_yes, default)

    def text(self, key: str) -> Text:
        """Return what the vocabulary says of the single value that a key takes."""
        text = self.vocabulary[key].value.text
        if text is None:
            raise AssertionError(f"the vocabulary has no single value for {key} of {self.vocabulary.name}")
        return text

    def _allowed(self, key: str) -> Range:
        allowed = self.text(key).allowed
        if allowed is None:
            raise AssertionError(f"the vocabulary has no range for {key} of {self.vocabulary.name}")
        return allowed


def read_rate_in(
    sink: Sink, node: Node, what: str, allowed: Range, *, write: Callable[[Decimal | int], str] | None = None
) -> Decimal | None:
    """Read a rate and check its range; what is out of range is written as a percentage unless told otherwise."""
    return _within(sink, node, what, read_rate(sink, node), allowed, write=write or percent)


def read_whole_in(sink: Sink, node: Node, what: str, allowed: Range) -> int | None:
    """Read a whole number and check its range."""
    value = _within(sink, node, what, read_number(sink, node), allowed, write=grouped)
    if value is None:
        return None
    if value != int(value):
        sink.add("MR-R305", node.place, f"{what} was {grouped(value)}", "give a whole number")
        return None
    return int(value)


def _read_number_in(sink: Sink, node: Node, what: str, allowed: Range) -> Decimal | None:
    return _within(sink, node, what, read_number(sink, node), allowed, write=grouped)


def _read_duration_in(sink: Sink, node: Node, what: str, allowed: Range) -> int | None:
    return _within(sink, node, what, read_duration(sink, node), allowed, write=span)


def span(value: Decimal | int) -> str:
    """Write a duration."""
    return units.format_duration(int(value))


def _within(
    sink: Sink, node: Node, what: str, value: V | None, allowed: Range, *, write: Callable[[Decimal | int], str]
) -> V | None:
    if value is None or value in allowed:
        return value
    sink.add("MR-R308", node.place, f"{what} was {write(value)}", allowed.words(write))
    return None


def percent(value: Decimal | int) -> str:
    """Write a fraction as a percentage."""
    return f"{grouped(Decimal(value) * 100)}%"


def grouped(value: Decimal | int) -> str:
    """Write a number as a rulebook has it, with underscores between groups of three digits."""
    return format(Decimal(units.format_number(Decimal(value))), ",f").replace(",", "_")


def read_text(sink: Sink, node: Node) -> str | None:
    """Read any text that is not empty."""
    if not isinstance(node, Scalar):
        kind = "list" if isinstance(node, Sequence) else "mapping"
        sink.add("MR-R303", node.place, f"one value was expected here, not a {kind}")
        return None
    if not node.text.strip():
        sink.add("MR-R327", node.place, "nothing was given here", "write a value, or delete the key")
        return None
    return node.text


def read_name(sink: Sink, node: Node) -> str | None:
    """Read an identifier of letters, digits and `_ . : / -`."""
    text = read_text(sink, node)
    if text is not None and not _IDENTIFIER.fullmatch(text):
        sink.add(
            "MR-R323",
            node.place,
            f"'{shorten(text)}' is not an identifier",
            "letters, digits and _ . : / -, at most 64",
        )
        return None
    return text


def read_variable(sink: Sink, node: Node) -> str | None:
    """Read a name as formulas use it: letters, digits and `_`, a letter first."""
    text = read_text(sink, node)
    if text is not None and not _VARIABLE.fullmatch(text):
        message = f"'{shorten(text)}' is not a name that a formula can use"
        sink.add("MR-R323", node.place, message, "letters, digits and _, a letter first, at most 64")
        return None
    return text


def read_pattern(sink: Sink, node: Node) -> str | None:
    """Read a symbol or a pattern with `*` and `?`."""
    text = read_text(sink, node)
    if text is not None and not _PATTERN.fullmatch(text):
        sink.add(
            "MR-R323",
            node.place,
            f"'{shorten(text)}' is not a symbol pattern",
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
        sink.add("MR-R304", node.place, f"'{shorten(text)}' is not a rate", "write 5%, 250 bps or 0.05")
    return value


def read_number(sink: Sink, node: Node) -> Decimal | None:
    """Read a number such as `1_000_000` or `0.25`."""
    text = read_text(sink, node)
    if text is None:
        return None
    value = units.parse_number(text)
    if value is None:
        sink.add("MR-R305", node.place, f"'{shorten(text)}' is not a number", "write 1_000_000 or 0.25")
    return value


def read_duration(sink: Sink, node: Node) -> int | None:
    """Read a duration such as `30s`, `4h` or `1d12h`, in nanoseconds."""
    text = read_text(sink, node)
    if text is None:
        return None
    value = units.parse_duration_ns(text)
    if value is None:
        sink.add("MR-R306", node.place, f"'{shorten(text)}' is not a duration", "write 30s, 15m, 4h or 2d")
    return value


def read_timestamp(sink: Sink, node: Node) -> int | None:
    """Read a moment such as `2026-12-01T00:00:00Z`, in nanoseconds since 1970."""
    text = read_text(sink, node)
    if text is None:
        return None
    value = units.parse_timestamp_ns(text)
    if value is None:
        is_shaped = _TIMESTAMP.fullmatch(text)
        hint = "the calendar has no such moment" if is_shaped else "write 2026-12-01T00:00:00Z, in UTC"
        sink.add("MR-R307", node.place, f"'{shorten(text)}' is not a timestamp", hint)
    return value


def read_date(sink: Sink, node: Node) -> dt.date | None:
    """Read a day such as `2026-11-26`."""
    text = read_text(sink, node)
    if text is None:
        return None
    try:
        return dt.date.fromisoformat(text if _DATE.fullmatch(text) else "")
    except ValueError:
        hint = "the calendar has no such day" if _DATE.fullmatch(text) else "write 2026-11-26"
        sink.add("MR-R307", node.place, f"'{shorten(text)}' is not a day", hint)
        return None


def read_yes(sink: Sink, node: Node) -> bool | None:
    """Read `yes` or `no`; no other spelling means either."""
    word = read_word(sink, node, YES_NO)
    return None if word is None else word == "yes"


def read_word(sink: Sink, node: Node, words: Iterable[str]) -> str | None:
    """Read one of a closed list of words."""
    text = read_text(sink, node)
    choices = tuple(words)
    if text is not None and text not in choices:
        sink.add("MR-R310", node.place, f"'{shorten(text)}' is none of the words for this", suggest(text, choices))
        return None
    return text


def read_list(sink: Sink, node: Node, reader: Callable[[Sink, Node], T | None]) -> tuple[T, ...] | None:
    """Read one value or a list of them, none twice."""
    nodes = node.items if isinstance(node, Sequence) else [node]
    if not nodes:
        sink.add("MR-R327", node.place, "nothing was given here", "write a value, or delete the key")
        return None
    values: dict[T, Place] = {}
    for item in nodes:
        value = reader(sink, item)
        if value is None:
            continue
        if value in values:
            message = f"'{value}' was given twice; the first is on line {values[value].line}"
            sink.add("MR-R204", item.place, message, "delete one of them")
        values.setdefault(value, item.place)
    return tuple(values)


def shorten(text: str) -> str:
    """Return text short enough for a message."""
    return text if len(text) <= 40 else text[:37] + "..."


def read_named(
    sink: Sink,
    top: Fields,
    key: str,
    *,
    some: bool = False,
    reader: Callable[[Sink, Node], str | None] = read_name,
) -> list[tuple[str, Node, Place]]:
    """Return (name, node, where the name stands) of a section that maps names to their rules."""
    node = top.node(key)
    if node is None:
        return []
    if not isinstance(node, Mapping):
        hint = f"write each as `<name>:` below `{key}:`"
        sink.add("MR-R303", node.place, f"{key} maps names to their rules", hint)
        return []
    if some and not node.entries and not node.partial:
        sink.add("MR-R327", node.place, f"{key} names nothing", f"give at least one `<name>:` below `{key}:`")
    for name, at in node.keys.items():
        reader(sink, Scalar(name, at))
    return [(name, one, node.keys[name]) for name, one in node.entries.items()]


def is_table(sink: Sink, node: Sequence, what: str) -> bool:
    """Say whether a list has as many tiers as are allowed; report it where not."""
    if not node.items:
        sink.add("MR-R327", node.place, f"{what} is an empty list", "give at least one tier")
    elif len(node.items) > TIERS_MAX:
        sink.add("MR-R308", node.place, f"{what} had {len(node.items)} tiers", f"allowed: from 1 to {TIERS_MAX}")
    else:
        return True
    return False
