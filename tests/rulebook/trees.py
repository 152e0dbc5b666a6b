# SPDX-License-Identifier: Apache-2.0
"""Rulebooks as plain trees that tests change and write out again; scalars stay text."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import yaml

from marginrules import units

Tree = dict[str, Any] | list[Any] | str
Path = tuple[str | int, ...]

RATES = frozenset(
    [
        "rate",
        "rise",
        "fall",
        "initial",
        "maintenance",
        "below",
        "clear",
        "haircut",
        "liability",
        "floor",
        "concentration",
        "fraction",
        "target",
        "until",
        "scale",
        "restore",
    ]
)
NUMBERS = frozenset(
    [
        "to",
        "cap",
        "lower",
        "upper",
        "minimum_transfer",
        "round_to",
        "increment",
        "multiple",
        "price",
        "deposits",
        "borrows",
    ]
)
DURATIONS = frozenset(("max_age", "for", "every", "deadline", "per"))
_PLAIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.%;/+-]|:(?=[0-9])| (?=[A-Za-z0-9]))*")


def read_tree(text: str) -> Tree:
    """Read a rulebook without giving any scalar a type."""
    node = yaml.compose(text, yaml.SafeLoader)
    assert node is not None
    return _tree(node)


def _tree(node: yaml.Node) -> Tree:
    if isinstance(node, yaml.MappingNode):
        return {key.value: _tree(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [_tree(item) for item in node.value]
    return str(node.value)


def scalars(tree: Tree, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Yield each scalar with its path."""
    if isinstance(tree, str):
        yield path, tree
        return
    for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
        yield from scalars(value, (*path, key))


def key_of(path: Path) -> str:
    """Return the key that gives a scalar its type."""
    return next(part for part in reversed(path) if isinstance(part, str))


def is_formula(path: Path) -> bool:
    """Say whether a scalar is a formula."""
    if "tiers" in path or path[0] not in ("pool", "figures", "portfolios", "strategies", "products"):
        return False
    is_value = path[0] == "figures" and path[-1] == "value"
    return is_value or path[-1] in ("initial", "maintenance", "where") or "define" in path


def replaced(tree: Tree, path: Path, value: Tree) -> Tree:
    """Return a tree with another value at a path."""
    if not path:
        return value
    if isinstance(tree, dict):
        return {key: replaced(one, path[1:], value) if key == path[0] else one for key, one in tree.items()}
    return [replaced(one, path[1:], value) if index == path[0] else one for index, one in enumerate(tree)]


def renamed(tree: Tree, old: str, new: str) -> Tree:
    """Return a tree in which a name is another one wherever it stands, as a key too."""
    if isinstance(tree, dict):
        return {new if key == old else key: renamed(value, old, new) for key, value in tree.items()}
    if isinstance(tree, list):
        return [renamed(item, old, new) for item in tree]
    return " ".join(new if word == old else word for word in tree.split(" "))


def write_tree(tree: Tree) -> bytes:
    """Write a rulebook in one plain way."""
    return _write(tree, None).encode()


def rewrite_tree(tree: Tree, chance: random.Random) -> bytes:
    """Write a rulebook that means the same: keys in any order, any quotes, comments, any spelling of numbers."""
    return _write(tree, chance).encode()


def _write(tree: Tree, chance: random.Random | None, key: str = "") -> str:
    if isinstance(tree, dict):
        pairs = list(tree.items())
        if chance:
            chance.shuffle(pairs)
        items = [f"{_quote(name, chance)}: {_write(value, chance, name)}" for name, value in pairs]
        return "{" + _gap(chance) + ("," + _gap(chance)).join(items) + _gap(chance) + "}"
    if isinstance(tree, list):
        return "[" + ("," + _gap(chance)).join(_write(item, chance, key) for item in tree) + "]"
    return _quote(respelt(key, tree, chance) if chance else tree, chance)


def _gap(chance: random.Random | None) -> str:
    return chance.choice([" ", "\n ", " # a remark\n ", "\n\n   "]) if chance else " "


def _quote(text: str, chance: random.Random | None) -> str:
    forms = [f'"{text}"', f"'{text}'"]
    if _PLAIN.fullmatch(text):
        forms.append(text)
    return chance.choice(forms) if chance else forms[0]


def respelt(key: str, text: str, chance: random.Random) -> str:
    """Return another spelling of the same value."""
    if key in RATES and units.parse_rate(text) is not None:
        return _respelt_rate(units.parse_rate(text) or Decimal(0), chance)
    if key in NUMBERS and units.parse_number(text) is not None:
        return _respelt_number(units.parse_number(text) or Decimal(0), chance)
    if key in DURATIONS and units.parse_duration_ns(text) is not None:
        return _respelt_duration((units.parse_duration_ns(text) or 0) // units.SECOND_NS, chance)
    return text


def _respelt_rate(value: Decimal, chance: random.Random) -> str:
    unit, factor = chance.choice([("%", 100), (" %", 100), ("bps", 10_000), (" bps", 10_000), ("", 1)])
    return _respelt_number(value * factor, chance) + unit


def _respelt_number(value: Decimal, chance: random.Random) -> str:
    text = units.format_number(value)
    if chance.random() < 0.3:
        whole, _, rest = text.partition(".")
        text = f"{int(whole):_}" + (f".{rest}" if rest else "") if not whole.startswith("-0") else text
    if chance.random() < 0.3:
        text += "0" if "." in text else chance.choice([".0", ".00"])
    if chance.random() < 0.2 and not text.startswith("-"):
        text = "+" + text
    return text


def _respelt_duration(seconds: int, chance: random.Random) -> str:
    forms = [units.format_duration(seconds * units.SECOND_NS), f"{seconds}s", f"0h{seconds}s"]
    forms += [
        f"{seconds // size}{unit}" for unit, size in (("m", 60), ("h", 3_600), ("d", 86_400)) if not seconds % size
    ]
    return chance.choice(forms)
