# SPDX-License-Identifier: Apache-2.0
"""
The sections that hold formulas: `portfolios`, `pool`, `figures`, and products with a formula of their own.

Formulas stay text here, with the place they stand at; `models.py` compiles them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from marginrules.limits import DEFINITIONS_MAX, FIGURE_INPUTS_MAX, FIGURES_MAX, PORTFOLIOS_MAX
from marginrules.machine import Key
from marginrules.rulebook import fields
from marginrules.rulebook.diagnostic import Place, Sink, suggest
from marginrules.rulebook.fields import Fields
from marginrules.rulebook.formula.environment import check_name
from marginrules.rulebook.formula.unit import GIVEN
from marginrules.rulebook.parse import Mapping, Node, Scalar
from marginrules.rulebook.vocabulary import models

KEYS = {(key.name or "").lower(): key for key in Key}
POSITION, POOL, PORTFOLIO = "position", "pool", "portfolio"
_NOWHERE = Place(1, 1)


@dataclass(frozen=True, slots=True)
class Formulas:
    """
    Carry the formulas of a portfolio, a product or the pool; one that is missing stands as `0`.

    Args:
        keys: where the name of each definition stands.
        is_known: the name of every definition could be read.
    """

    define: dict[str, Scalar]
    initial: Scalar
    maintenance: Scalar
    place: Place = field(default=_NOWHERE, compare=False)
    keys: dict[str, Place] = field(default_factory=dict, compare=False)
    is_known: bool = field(default=True, compare=False)


@dataclass(frozen=True, slots=True)
class PortfolioPart:
    """Carry positions that are margined together, and by what they fall into groups."""

    by: tuple[str, ...]
    formulas: Formulas
    place: Place = field(default=_NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class FigurePart:
    """
    Carry one number that the book defines.

    Args:
        of: "position", "pool" or "portfolio".
        portfolio: its name, or "".
        given: what the caller gives, by name.
    """

    of: str
    portfolio: str
    given: dict[str, str]
    define: dict[str, Scalar]
    value: Scalar
    place: Place = field(default=_NOWHERE, compare=False)
    of_place: Place = field(default=_NOWHERE, compare=False)
    keys: dict[str, Place] = field(default_factory=dict, compare=False)  # where the name of each definition stands
    given_keys: dict[str, Place] = field(default_factory=dict, compare=False)
    is_known: bool = field(default=True, compare=False)  # the name of every definition and input could be read


def read_formula(sink: Sink, node: Node) -> Scalar | None:
    """Return a formula as written."""
    return node if fields.read_text(sink, node) is not None and isinstance(node, Scalar) else None


def whole(sink: Sink, node: Node) -> Node:
    """
    Return a mapping without the formulas that a comma cut in pieces, each of which is reported.

    In braces a comma ends a value: `{initial: max(a, b)}` has the keys `initial` and `b)`.
    """
    if not isinstance(node, Mapping):
        return node
    entries, cut = dict(node.entries), ""
    for name, one in node.entries.items():
        if cut and isinstance(one, Scalar) and not one.text and not one.quoted:
            del entries[name]
            cut = "" if name.count(")") > name.count("(") else cut
            continue
        cut = ""
        if isinstance(one, Scalar) and not one.quoted and one.text.count("(") > one.text.count(")"):
            follows = _next_is_piece(node, name)
            if follows:
                cut = name
                message = f"a comma ended the formula behind '{fields.shorten(one.text)}'"
                sink.refuse("MR-R331", one.place, message, f'quote it: {name}: "{fields.shorten(one.text)}, ..."')
                entries[name] = Scalar("", one.place)
    return Mapping(entries, node.keys, node.place, node.partial)


def _next_is_piece(node: Mapping, name: str) -> bool:
    names = list(node.entries)
    at = names.index(name) + 1
    follower = node.entries[names[at]] if at < len(names) else None
    return isinstance(follower, Scalar) and not follower.text and not follower.quoted


def read_formulas(sink: Sink, part: Fields) -> Formulas:
    """Read define, initial and maintenance of a mapping that may have more keys."""
    define, keys, is_known = read_define(sink, part)
    nothing = Scalar("0", part.place)
    return Formulas(
        define=define,
        initial=part.read("initial", read_formula, nothing),
        maintenance=part.read("maintenance", read_formula, nothing),
        place=part.place,
        keys=keys,
        is_known=is_known,
    )


def read_define(sink: Sink, part: Fields) -> tuple[dict[str, Scalar], dict[str, Place], bool]:
    """Return the definitions as written, where their names stand, and whether all names could be read."""
    node = part.node("define")
    if node is None:
        return {}, {}, part.is_readable and "define" not in part
    node = whole(sink, node)
    if not isinstance(node, Mapping):
        sink.add("MR-R303", node.place, "define maps names to formulas", "write each as `<name>: <formula>`")
        return {}, {}, False
    if len(node.entries) > DEFINITIONS_MAX:
        message = f"define had {len(node.entries):,} names"
        sink.add("MR-R308", node.place, message, f"allowed: from 1 to {DEFINITIONS_MAX}")
        return {}, {}, False
    define = {}
    for name, one in node.entries.items():
        fields.read_variable(sink, Scalar(name, node.keys[name]))
        formula = read_formula(sink, one)
        # One that cannot be read still has its name, so that those who use it are not reported.
        define[name] = formula or Scalar("", one.place)
        if formula is None or not check_name(sink, node.keys[name], name, "a definition"):
            sink.unread.add(one.place)
    return define, {name: node.keys[name] for name in define}, part.is_readable and not node.partial


def read_portfolios(sink: Sink, top: Fields) -> dict[str, PortfolioPart]:
    """Read every portfolio."""
    named = fields.read_named(sink, top, "portfolios")
    if len(named) > PORTFOLIOS_MAX:
        sink.add(
            "MR-R107", top.key_place("portfolios"), f"{len(named):,} portfolios; at most {PORTFOLIOS_MAX} are read"
        )
        return {}
    return {name: _portfolio(sink, node, name, at) for name, node, at in named}


def _portfolio(sink: Sink, node: Node, name: str, at: Place) -> PortfolioPart:
    part = Fields(sink, whole(sink, node), f"portfolio '{name}'", models.PORTFOLIO, at=at)
    by = part.node("by")
    has_groups = not (by is not None and getattr(by, "items", None) == [])
    return PortfolioPart(part.words("by") if has_groups else (), read_formulas(sink, part), at)


def read_pool(sink: Sink, top: Fields) -> Formulas | None:
    """Read the formulas that have the last word over the sums; those that are missing let them stand."""
    node = top.node("pool")
    if node is None:
        return None
    at = top.key_place("pool")
    part = Fields(sink, whole(sink, node), "pool", models.POOL, at=at)
    if part.is_sound and "initial" not in part and "maintenance" not in part:
        sink.add("MR-R327", at, "pool changes nothing", "give initial or maintenance")
    formulas = read_formulas(sink, part)
    return Formulas(
        define=formulas.define,
        initial=formulas.initial if "initial" in part else Scalar("initial", at),
        maintenance=formulas.maintenance if "maintenance" in part else Scalar("maintenance", at),
        place=at,
        keys=formulas.keys,
        is_known=formulas.is_known,
    )


def read_figures(sink: Sink, top: Fields) -> dict[str, FigurePart]:
    """Read every figure."""
    named = fields.read_named(sink, top, "figures")
    if len(named) > FIGURES_MAX:
        sink.add("MR-R107", top.key_place("figures"), f"{len(named):,} figures; at most {FIGURES_MAX} are read")
        return {}
    return {name: _figure(sink, node, name, at) for name, node, at in named}


def _figure(sink: Sink, node: Node, name: str, at: Place) -> FigurePart:
    part = Fields(sink, whole(sink, node), f"figure '{name}'", models.FIGURE, at=at)
    of, portfolio = part.read("of", _of, ("", ""))
    given, given_keys = _given(sink, part.node("given"))
    define, keys, is_known = read_define(sink, part)
    is_known &= len(given) == len(getattr(part.node("given"), "entries", ())) and (bool(given) or "given" not in part)
    nothing = Scalar("0", at)
    for one in sorted(define.keys() & given.keys()):
        message = f"'{one}' is both given and defined"
        sink.add("MR-R204", keys[one], message, "give one of them another name")
        sink.unread.add(define[one].place)
    return FigurePart(
        of=of,
        portfolio=portfolio,
        given=given,
        define=define,
        value=part.read("value", read_formula, nothing),
        place=at,
        of_place=part.place_of("of"),
        keys=keys,
        given_keys=given_keys,
        is_known=is_known,
    )


def _of(sink: Sink, node: Node) -> tuple[str, str] | None:
    text = fields.read_text(sink, node)
    if text is None:
        return None
    words = text.split()
    if words in ([POSITION], [POOL]):
        return words[0], ""
    if len(words) == 2 and words[0] == PORTFOLIO:
        return PORTFOLIO, words[1]
    hint = "write `portfolio <name>`" if words == [PORTFOLIO] else suggest(words[0], (POSITION, POOL, PORTFOLIO))
    sink.add("MR-R310", node.place, f"'{fields.shorten(text)}' does not say what the figure is of", hint)
    return None


def _given(sink: Sink, node: Node | None) -> tuple[dict[str, str], dict[str, Place]]:
    """Return what the caller gives, name to kind, and where the names stand."""
    if node is None:
        return {}, {}
    if not isinstance(node, Mapping):
        sink.add("MR-R303", node.place, "given maps names to kinds", "write each as `<name>: number`")
        return {}, {}
    if len(node.entries) > FIGURE_INPUTS_MAX:
        message = f"given had {len(node.entries):,} names"
        sink.add("MR-R308", node.place, message, f"allowed: from 1 to {FIGURE_INPUTS_MAX}")
        return {}, {}
    given = {}
    for name, one in node.entries.items():
        fields.read_variable(sink, Scalar(name, node.keys[name]))
        check_name(sink, node.keys[name], name, "an input")
        given[name] = fields.read_word(sink, one, GIVEN) or next(iter(GIVEN))
    return given, {name: node.keys[name] for name in given}
