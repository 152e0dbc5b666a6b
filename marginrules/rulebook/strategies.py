# SPDX-License-Identifier: Apache-2.0
"""The section `strategies`: books of recognised strategies, each a few legs and its margin per unit."""

from __future__ import annotations

from dataclasses import dataclass, field

from marginrules.limits import LEGS_MAX, STRATEGIES_MAX, STRATEGY_BOOKS_MAX
from marginrules.machine import Leg
from marginrules.rulebook import fields
from marginrules.rulebook.diagnostic import Place, Sink
from marginrules.rulebook.fields import Fields
from marginrules.rulebook.parse import Mapping, Node, Scalar, Sequence
from marginrules.rulebook.portfolios import read_formula, whole
from marginrules.rulebook.vocabulary.models import LEG, STRATEGY

RIGHTS = {"call": 1, "put": -1, "stock": 0}
_SIDES = {1: "long", -1: "short"}
_NOWHERE = Place(1, 1)
_LEGS_HINT = "write `legs: {short: {call: -1}, long: {call: 1}}`"


@dataclass(frozen=True, slots=True)
class StrategyPart:
    """Carry one strategy as written; a formula that is missing stands as `0`."""

    name: str
    legs: tuple[Leg, ...]
    where: Scalar | None
    initial: Scalar
    maintenance: Scalar
    place: Place = field(default=_NOWHERE, compare=False)
    is_sound: bool = field(default=True, compare=False)  # its legs could be read
    is_always: bool = field(default=True, compare=False)  # `where` is not given

    @property
    def covers(self) -> tuple[int, int] | None:
        """Return (right, side) of the lone leg that this strategy always takes, one by one."""
        if len(self.legs) != 1 or not self.is_always or self.legs[0].ratio != 1:
            return None
        return self.legs[0].right, self.legs[0].side


@dataclass(frozen=True, slots=True)
class StrategyBookPart:
    """Carry the strategies among which the cheapest grouping is sought."""

    strategies: tuple[StrategyPart, ...]
    place: Place = field(default=_NOWHERE, compare=False)


def read_strategies(sink: Sink, top: Fields) -> dict[str, StrategyBookPart]:
    """Read every strategy book."""
    named = fields.read_named(sink, top, "strategies", reader=fields.read_variable)
    if len(named) > STRATEGY_BOOKS_MAX:
        message = f"{len(named):,} strategy books; at most {STRATEGY_BOOKS_MAX} are read"
        sink.add("MR-R107", top.key_place("strategies"), message)
        return {}
    return {name: StrategyBookPart(_book(sink, node, name), at) for name, node, at in named}


def _book(sink: Sink, node: Node, name: str) -> tuple[StrategyPart, ...]:
    what = f"strategies '{name}'"
    if not isinstance(node, Sequence):
        sink.add("MR-R303", node.place, f"{what} is a list of strategies", "write each as `- strategy: <name>`")
        return ()
    if not node.items:
        sink.add("MR-R327", node.place, f"{what} is an empty list", "write each as `- strategy: <name>`")
    if len(node.items) > STRATEGIES_MAX:
        message = f"{what} had {len(node.items)} strategies"
        sink.add("MR-R308", node.place, message, f"allowed: from 1 to {STRATEGIES_MAX}")
        return ()
    read: list[StrategyPart] = []
    seen: dict[str, StrategyPart] = {}
    for item in node.items:
        part = _strategy(sink, item)
        if part.name and part.name in seen:
            message = f"strategy '{part.name}' was given twice; the first is on line {seen[part.name].place.line}"
            sink.add("MR-R204", part.place, message, "give one of them another name")
        seen.setdefault(part.name, part)
        read.append(part)
    return tuple(read)


def _strategy(sink: Sink, node: Node) -> StrategyPart:
    name = node.entries.get("strategy") if isinstance(node, Mapping) else None
    what = f"strategy '{fields.shorten(name.text)}'" if isinstance(name, Scalar) else "a strategy"
    part = Fields(sink, whole(sink, node), what, STRATEGY)
    node_of_legs, before = part.node("legs"), len(sink.found)
    legs = _legs(sink, node_of_legs, what) if node_of_legs is not None else ()
    nothing = Scalar("0", part.place)
    is_sound = part.is_readable and node_of_legs is not None and len(sink.found) == before
    return StrategyPart(
        name=part.read("strategy", fields.read_name, ""),
        legs=legs,
        where=part.read("where", read_formula, None),
        initial=part.read("initial", read_formula, nothing),
        maintenance=part.read("maintenance", read_formula, nothing),
        place=part.place_of("strategy"),
        is_sound=is_sound,
        is_always="where" not in part,
    )


def _legs(sink: Sink, node: Node, what: str) -> tuple[Leg, ...]:
    if not isinstance(node, Mapping):
        sink.add("MR-R303", node.place, "legs maps names to what is held", _LEGS_HINT)
        return ()
    if not node.entries and not node.partial:
        sink.add("MR-R327", node.place, f"{what} has no leg", _LEGS_HINT)
    if len(node.entries) > LEGS_MAX:
        sink.add("MR-R308", node.place, f"{what} had {len(node.entries)} legs", f"allowed: from 1 to {LEGS_MAX}")
        return ()
    made = []
    for name, one in sorted(node.entries.items()):  # the order of keys has no meaning
        fields.read_variable(sink, Scalar(name, node.keys[name]))
        leg = _leg(sink, one, name, node.keys[name])
        if leg is not None:
            made.append(leg)
    return tuple(made)


def _leg(sink: Sink, node: Node, name: str, at: Place) -> Leg | None:
    part = Fields(sink, node, f"leg '{name}'", LEG, at=at)
    given = [word for word in RIGHTS if part.node(word) is not None]
    if part.is_sound and len(given) != 1:
        place = part.key_place(given[1]) if given else at
        sink.add(
            "MR-R326", place, f"leg '{name}' is a call, a put or stock", "give one of the three, such as `call: -1`"
        )
        return None
    if len(given) != 1:
        return None
    ratio = part.whole(given[0], None)
    if ratio is None:
        return None
    if ratio == 0:
        message = f"the ratio of leg '{name}' was 0"
        sink.add("MR-R308", part.place_of(given[0]), message, "give how many contracts; a negative number is short")
        return None
    return Leg(name, RIGHTS[given[0]], 1 if ratio > 0 else -1, abs(ratio))


def check_covered(sink: Sink, name: str, book: StrategyBookPart) -> None:
    """Check that whatever is held alone is a strategy, so that every position can be grouped."""
    if not book.strategies or not all(one.is_sound for one in book.strategies):
        return
    covered = {one.covers for one in book.strategies}
    bare = [(word, right, side) for word, right in RIGHTS.items() for side in _SIDES if (right, side) not in covered]
    if not bare:
        return
    what = " or ".join(f"{_SIDES[side]} {word}" for word, _, side in bare)
    word, _, side = bare[0]
    hint = f"add a strategy with the one leg {{{word}: {side}}}, without `where`"
    sink.add("MR-R329", book.place, f"nothing covers a lone {what} in strategies '{name}'", hint)
