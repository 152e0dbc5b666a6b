# SPDX-License-Identifier: Apache-2.0
"""What a description of the language is made of: keys, the values they take, and the ranges of those."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

# How a single value is written. `fields.py` and its neighbours have one reader for each.
Form = Literal[
    "text",  # anything that is not empty
    "name",  # letters, digits and _ . : / -
    "variable",  # a name that formulas can use
    "pattern",  # a symbol, with * and ?
    "formula",
    "constant",  # a number, a rate, a duration or an amount with its unit
    "rate",  # 5%, 250 bps or 0.05
    "amount",  # 1_000_000 or 0.25
    "whole",
    "duration",  # 30s, 4h or 1d12h
    "moment",  # 2026-12-01T00:00:00Z
    "date",  # 2026-12-01
    "deadline",  # a duration, or `17:00 in 3 business days`
    "unmet",  # `<step> unmet`
    "holder",  # position, pool or `portfolio <name>`
    "word",  # one of a closed list
]


@dataclass(frozen=True, slots=True)
class Range:
    """Say which values are allowed; the bounds are, unless `low_open`."""

    low: Decimal | int
    high: Decimal | int
    low_open: bool = False

    def __contains__(self, value: Decimal | int) -> bool:
        return self.low <= value <= self.high and not (self.low_open and value == self.low)

    def words(self, write: Callable[[Decimal | int], str]) -> str:
        """Say the range in the spelling of its values."""
        low, high = write(self.low), write(self.high)
        return f"allowed: above {low}, up to {high}" if self.low_open else f"allowed: from {low} to {high}"


@dataclass(frozen=True, slots=True)
class Text:
    """
    Describe a single value.

    Args:
        words: every word that is allowed; of another form than "word", those that may stand in its place.
        refers: the kind of name that must be defined elsewhere in the book, such as "product"; empty: none.
    """

    form: Form
    allowed: Range | None = None
    words: tuple[str, ...] = ()
    refers: str = ""


@dataclass(frozen=True, slots=True)
class Key:
    """Describe one key of a mapping; `about` is one sentence for who meets it in an editor."""

    name: str
    value: Value
    about: str
    is_required: bool = False


@dataclass(frozen=True, slots=True)
class Names:
    """
    Describe a mapping from names that the officer chooses.

    Args:
        form: how a name is written.
        value: what each stands for.
        named: what such a name is of, such as "product"; empty: what nothing refers to.
    """

    form: Literal["name", "variable"]
    value: Value
    named: str = ""


@dataclass(frozen=True, slots=True)
class Keys:
    """
    Describe a mapping with known keys, in the order in which they are written.

    Args:
        name: what the mapping is, unique.
        others: what further names may stand beside the keys; None: none.
        others_first: they are written before the keys.
    """

    name: str
    keys: tuple[Key, ...]
    others: Names | None = None
    others_first: bool = False
    _index: dict[str, Key] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._index.update((key.name, key) for key in self.keys)

    def __getitem__(self, name: str) -> Key:
        return self._index[name]

    def __contains__(self, name: str) -> bool:
        return name in self._index

    @property
    def required(self) -> tuple[str, ...]:
        """Return the keys that must be given."""
        return tuple(key.name for key in self.keys if key.is_required)

    @property
    def optional(self) -> tuple[str, ...]:
        """Return the keys that may be given."""
        return tuple(key.name for key in self.keys if not key.is_required)

    @property
    def names(self) -> tuple[str, ...]:
        """Return every key, in the order in which they are written."""
        return tuple(key.name for key in self.keys)


@dataclass(frozen=True, slots=True)
class Variants:
    """Describe a mapping whose keys depend on the word that one of them has."""

    by: str
    of: Mapping[str, Keys]


Shape = Keys | Names | Variants


@dataclass(frozen=True, slots=True)
class Value:
    """Describe what may stand behind a key: a single value, a mapping, a list, or any of those that are not None."""

    text: Text | None = None
    mapping: Shape | None = None
    items: Value | None = None


def single(form: Form, allowed: Range | None = None, *, words: tuple[str, ...] = (), refers: str = "") -> Value:
    """Return a single value."""
    return Value(Text(form, allowed, tuple(words), refers))


def word(*words: str) -> Value:
    """Return one of a closed list of words."""
    return single("word", words=words)


def some(value: Value) -> Value:
    """Return one value, or a list of them."""
    return Value(value.text, None, value)


def many(shape: Shape) -> Value:
    """Return a list of mappings."""
    return Value(items=Value(mapping=shape))


def named(value: Value, what: str = "", *, form: Literal["name", "variable"] = "name") -> Value:
    """Return a mapping from names to values."""
    return Value(mapping=Names(form, value, what))


def needs(name: str, value: Value, about: str) -> Key:
    """Return a key that must be given."""
    return Key(name, value, about, is_required=True)


def may(name: str, value: Value, about: str) -> Key:
    """Return a key that may be given."""
    return Key(name, value, about)


YES_NO = word("yes", "no")
FORMULA = single("formula")
