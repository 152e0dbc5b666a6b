# SPDX-License-Identifier: Apache-2.0
"""How a pool's margin comes about: position by position, group by group, each with the rule that says so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from marginrules._core.core import Scratch, explain
from marginrules.codes import Reason
from marginrules.rulebook import Program
from marginrules.service.book import Book
from marginrules.service.shard import Shard
from marginrules.service.views import PoolView, view_of

_POOL = -1  # stands for a portfolio where the pool's own formulas are meant
# As the core has them, see `marginrules._core.core.explain`.
_UseRow: TypeAlias = tuple[int, float, float, tuple[tuple[int, float], ...]]
_GroupingRow: TypeAlias = tuple[int, int, int, bool, float, list[_UseRow]]
_GroupRow: TypeAlias = tuple[int, tuple[int, ...], float, float, float, int, list[_GroupingRow]]


@dataclass(frozen=True, slots=True)
class PositionMargin:
    """
    Carry what one position must hold where tiers margin it; no figures where there are reasons.

    Args:
        rule: `rulebook:line product`.
        value: signed, in the rulebook's currency, as are the next three.
        orders: what the instrument's open orders add to IM.
    """

    symbol: str
    rule: str
    quantity: float
    value: float | None
    initial_margin: float | None
    maintenance_margin: float | None
    orders: float | None
    reasons: Reason


@dataclass(frozen=True, slots=True)
class StrategyUse:
    """
    Carry one strategy of a grouping.

    Args:
        rule: `rulebook:line strategies book/strategy`.
        amount: units of it.
        cost: of one unit, in the rulebook's currency.
        legs: (symbol, quantity that all units take), signed.
    """

    strategy: str
    rule: str
    amount: float
    cost: float
    legs: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Grouping:
    """
    Carry the grouping into strategies that a requirement comes from.

    Args:
        book: name of the strategies among which it was sought.
        requirement: "initial" or "maintenance".
        cost: None where no grouping was found.
        is_proven: nothing costs less; else the search was cut, and the grouping is a valid one that may cost more.
    """

    book: str
    requirement: str
    cost: float | None
    is_proven: bool
    uses: tuple[StrategyUse, ...]


@dataclass(frozen=True, slots=True)
class GroupMargin:
    """Carry what one group of positions must hold together; no figures where there are reasons."""

    rule: str  # `rulebook:line portfolio name`, or `rulebook:line product` where a product has a formula of its own
    symbols: tuple[str, ...]
    initial_margin: float | None
    maintenance_margin: float | None
    orders: float | None  # what open orders add to IM
    reasons: Reason
    groupings: tuple[Grouping, ...]


@dataclass(frozen=True, slots=True)
class MarginExplanation:
    """
    Carry where a pool's margin comes from.

    IM is the sum of IM and of what open orders add over positions and groups, MM that of MM; the pool's own formulas
    make of it what the assessment says.

    Args:
        initial_margin, maintenance_margin: before the pool's own formulas; None where the pool cannot be assessed.
        pool_rule: `rulebook:line pool`; "" where the pool has no formulas of its own.
        pool_groupings: that the pool's own formulas ask for.
        excluded: (symbol, profit and loss that the rulebook leaves out of equity).
    """

    view: PoolView
    positions: tuple[PositionMargin, ...]
    groups: tuple[GroupMargin, ...]
    initial_margin: float | None
    maintenance_margin: float | None
    pool_rule: str
    pool_groupings: tuple[Grouping, ...]
    excluded: tuple[tuple[str, float], ...]


def explain_margin(shard: Shard, pool: int, now_ns: int) -> MarginExplanation:
    """Say how the margin of a pool comes about; without parts where no rulebook is active."""
    assessment, profile, positions, groups, excluded = explain(Scratch(shard.book.engine, pool), now_ns)
    view = view_of(shard, pool, assessment)
    if not assessment.revision:
        return MarginExplanation(view, (), (), None, None, "", (), ())
    program, names = shard.revisions[assessment.revision - 1].program, shard.book.instrument_names
    rule_of = _rule_reader(program, shard.book, profile)
    before = (assessment.initial_margin, assessment.maintenance_margin)
    before = next((row[2:4] for row in groups if row[0] == _POOL), before)
    initial, maintenance = before if view.valid else (None, None)
    return MarginExplanation(
        view=view,
        positions=tuple(_position(names, rule_of, row) for row in positions),
        groups=tuple(_group(program, names, rule_of, row) for row in groups if row[0] != _POOL),
        initial_margin=initial,
        maintenance_margin=maintenance,
        pool_rule=f"{program.name}:{program.pool_line} pool" if program.pool_line else "",
        pool_groupings=tuple(one for row in groups if row[0] == _POOL for one in _groupings(program, names, row[-1])),
        excluded=tuple((names[one], value) for one, value in excluded) if view.valid else (),
    )


def _position(
    names: Sequence[str], rule_of: Callable[[int], str], row: tuple[int, float, float, float, float, float, int]
) -> PositionMargin:
    instrument, quantity, value, initial, maintenance, ordered, flags = row
    symbol, rule = names[instrument], rule_of(instrument)
    if flags:
        return PositionMargin(symbol, rule, quantity, None, None, None, None, Reason(flags))
    return PositionMargin(symbol, rule, quantity, value, initial, maintenance, ordered, Reason(0))


def _group(program: Program, names: Sequence[str], rule_of: Callable[[int], str], row: _GroupRow) -> GroupMargin:
    _, members, initial, maintenance, ordered, flags, found = row
    symbols, rule = tuple(names[one] for one in members), rule_of(members[0])
    groupings = _groupings(program, names, found)
    if flags:
        return GroupMargin(rule, symbols, None, None, None, Reason(flags), groupings)
    return GroupMargin(rule, symbols, initial, maintenance, ordered, Reason(0), groupings)


def _rule_reader(program: Program, book: Book, profile: int) -> Callable[[int], str]:
    """Return what tells by which rule an instrument is margined; "" where it is no product or its class is unknown."""

    def rule_of(instrument: int) -> str:
        product = program.product_of(book.instruments[book.instrument_names[instrument]])
        return program.margin_rules[profile][product] if product >= 0 and profile >= 0 else ""

    return rule_of


def _groupings(program: Program, names: Sequence[str], rows: Sequence[_GroupingRow]) -> tuple[Grouping, ...]:
    found = []
    for number, requirement, status, is_proven, cost, uses in rows:
        book = program.models.strategies[number]
        made = []
        for index, units, unit_cost, legs in uses:
            strategy = book.strategies[index]
            rule = f"{program.name}:{strategy.line} strategies {book.name}/{strategy.name}"
            taken = tuple((names[one], quantity) for one, quantity in legs)
            made.append(StrategyUse(strategy.name, rule, units, unit_cost, taken))
        word = "maintenance" if requirement else "initial"
        found.append(Grouping(book.name, word, None if status else cost, is_proven, tuple(made)))
    return tuple(found)
