# SPDX-License-Identifier: Apache-2.0
"""
What formulas mean, evaluated on the typed tree: one position, one subgroup and one scenario at a time.

It shares nothing with the compiler but the tree: no macros, no stages, no registers.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import ClassVar

from marginrules.rulebook.formula.tree import Typed
from tests.rulebook.formula import world as rules
from tests.rulebook.formula.world import NAN, World

FUNCTIONS: dict[str, Callable[..., float]] = {
    "exp": rules.exponential,
    "log": rules.logarithm,
    "power": rules.raised,
    "normal": rules.normal,
    **dict.fromkeys(
        (
            "black_76",
            "black_scholes",
            "american",
            "implied_black_76",
            "implied_black_scholes",
            "implied_american",
        ),
        rules.stand_in,
    ),
}


@dataclass(frozen=True)
class Point:
    """Say for which position, subgroup (mask, number) and scenario something is evaluated; -1: for none."""

    position: int = -1
    mask: int = 0
    group: int = -1
    scenario: int = -1


@dataclass
class Interpreter:
    """
    Evaluate typed trees in a world.

    Args:
        functions: of numbers, and pricing formulas, which take right and strike as the machine does.
    """

    world: World
    pool_words: frozenset[str] = frozenset()
    functions: dict[str, Callable[..., float]] = field(default_factory=lambda: FUNCTIONS)
    _known: dict[tuple[int, Point], float] = field(default_factory=dict)
    _held: list[Typed] = field(default_factory=list)

    def whole(self, tree: Typed) -> float:
        """Return the value of a formula; of positions, their sum."""
        if tree.dims.is_of_positions:
            return self._summed([self.at(tree, Point(position=p)) for p in range(len(self.world.positions))])
        return self.at(tree, Point())

    def at(self, tree: Typed, point: Point) -> float:
        """Return the value of a tree at a point."""
        dims = tree.dims
        position = point.position if dims.is_of_positions or (dims.key and point.position >= 0) else -1
        mask, group = (point.mask, point.group) if dims.key and position < 0 else (0, -1)
        seen = Point(position, mask, group, point.scenario if dims.table >= 0 else -1)
        known = (id(tree), seen)
        if known not in self._known:
            self._known[known] = self._at(tree, seen)
            self._held.append(tree)
        return self._known[known]

    def _at(self, tree: Typed, point: Point) -> float:
        if tree.kind != "call":
            return self._leaf(tree, point)
        aggregation = self._aggregations.get(tree.name)
        if aggregation is not None:
            return aggregation(self, tree, point)
        return self._element(tree, [self.at(one, point) for one in tree.args], point)

    def _leaf(self, tree: Typed, point: Point) -> float:
        world = self.world
        read: dict[str, Callable[[], float]] = {
            "number": lambda: tree.value,
            "input": lambda: world.inputs[tree.name],
            "leg": lambda: self._leg(tree.name),
            "column": lambda: world.columns[tree.dims.table][tree.index][point.scenario],
            "move": lambda: world.moves[tree.dims.table][point.position][point.scenario],
            "field": lambda: self._field(tree.name, point),
            "parameter": lambda: self.world.positions[point.position][tree.name],
        }
        return read[tree.kind]()

    def _field(self, name: str, point: Point) -> float:
        if name in self.pool_words:
            return self.world.pool[name.upper()]
        return self._of_position(name, point.position)

    def _leg(self, name: str) -> float:
        base, _, word = name.partition(".")
        return self.world.inputs[f"{base}.days"] / 365 if word == "years" else self.world.inputs[name]

    # Fields

    def _of_position(self, word: str, position: int) -> float:
        read = self.world.positions[position]
        if word.upper() in read:
            return read[word.upper()]
        quantity, scale, is_option = read["QUANTITY"], read["MULTIPLIER"] * read["FX"], read["RIGHT"] != 0
        derived = {
            "years": lambda: read["DAYS"] / 365,
            "is_option": lambda: float(is_option),
            "is_spot": lambda: float(read["KIND"] == 1),
            "is_perpetual": lambda: float(read["KIND"] == 2),
            "is_future": lambda: float(read["KIND"] == 3),
            "otm": lambda: rules.greatest(-read["RIGHT"] * (read["INDEX"] - read["STRIKE"]), 0.0),
            "intrinsic": lambda: self._payoff(read, read["INDEX"]),
            "size": lambda: quantity * read["MULTIPLIER"],
            "value": lambda: quantity * read["UNIT_VALUE"],
            "unrealized_pnl": lambda: quantity * read["UNIT_VALUE"] - read["COST"],
            "notional": lambda: (
                abs(quantity) * scale * read["INDEX"] if is_option else abs(quantity * read["UNIT_VALUE"])
            ),
            "entry_price": lambda: (
                rules.divided(-(quantity * scale), read["COST"])
                if read["INVERSE"]
                else rules.divided(read["COST"], quantity * scale)
            ),
        }
        return derived[word]()

    @staticmethod
    def _payoff(read: dict[str, float], price: float) -> float:
        if read["RIGHT"] == 0:
            return price
        return rules.greatest(read["RIGHT"] * (price - read["STRIKE"]), 0.0)

    def _value_at(self, read: dict[str, float], price: float) -> float:
        scale = read["MULTIPLIER"] * read["FX"]
        if read["RIGHT"] != 0:
            return scale * self._payoff(read, price)
        return rules.divided(-scale, price) if read["INVERSE"] else scale * price

    # Element by element

    def _element(self, tree: Typed, args: list[float], point: Point) -> float:
        name = tree.name
        if name == "if":
            condition, a, b = args
            return NAN if math.isnan(condition) else a if condition else b
        if name == "and":
            return 0.0 if 0.0 in args else NAN if any(map(math.isnan, args)) else 1.0
        if name == "or":
            return 1.0 if any(one != 0 and not math.isnan(one) for one in args) else self._nan_or(args, 0.0)
        if any(map(math.isnan, args)):
            if name in ("payoff", "value_at"):
                return self._priced(name, args, point)
            return NAN
        plain = {
            "+": lambda: args[0] + args[1],
            "-": lambda: args[0] - args[1],
            "*": lambda: args[0] * args[1],
            "/": lambda: rules.divided(*args),
            "negate": lambda: -args[0],
            "<": lambda: float(args[0] < args[1]),
            "<=": lambda: float(args[0] <= args[1]),
            ">": lambda: float(args[0] > args[1]),
            ">=": lambda: float(args[0] >= args[1]),
            "==": lambda: float(args[0] == args[1]),
            "!=": lambda: float(args[0] != args[1]),
            "not": lambda: float(not args[0]),
            "min": lambda: min(args),
            "max": lambda: max(args),
            "abs": lambda: abs(args[0]),
            "clamp": lambda: min(max(args[0], args[1]), args[2]),
            "floor": lambda: rules.rounded(args[0], "floor"),
            "ceil": lambda: rules.rounded(args[0], "ceil"),
            "round": lambda: rules.rounded(args[0], "round"),
            "floor_share": lambda: rules.shared(*args, "floor"),
            "ceil_share": lambda: rules.shared(*args, "ceil"),
            "sqrt": lambda: rules.rooted(args[0]),
            "exp": lambda: self.functions["exp"](args[0]),
            "log": lambda: self.functions["log"](args[0]),
            "power": lambda: self.functions["power"](*args),
            "normal": lambda: self.functions["normal"](args[0]),
            "sign": lambda: float((args[0] > 0) - (args[0] < 0)),
            "tiered": lambda: rules.of_tiers(self.world.tiers[tree.index], args[0]),
        }
        return plain[name]() if name in plain else self._priced(name, args, point)

    @staticmethod
    def _nan_or(args: list[float], otherwise: float) -> float:
        return NAN if any(map(math.isnan, args)) else otherwise

    def _priced(self, name: str, args: list[float], point: Point) -> float:
        read = self.world.positions[point.position]
        right, strike = read["RIGHT"], read["STRIKE"]
        if name == "payoff":
            return self._payoff(read, args[0])
        if name == "value_at":
            return self._value_at(read, args[0])
        before = 2 if name.startswith("implied") else 1
        return self.functions[name](right, *args[:before], strike, *args[before:])

    # Over positions, subgroups and scenarios

    def _over(self, tree: Typed, point: Point) -> list[float]:
        """Return what an aggregation over positions or subgroups goes over."""
        x = tree.args[0]
        if not x.dims.is_of_positions:
            count = self.world.groups(int(x.dims.key))[1]
            mask = int(x.dims.key)
            return [self.at(x, Point(mask=mask, group=g, scenario=point.scenario)) for g in range(count)]
        members, _ = self.world.groups(int(tree.key))
        wanted = range(len(members))
        if tree.key:
            group = members[point.position] if point.position >= 0 else point.group
            wanted = [p for p in wanted if members[p] == group]
        return [self.at(x, Point(position=p, scenario=point.scenario)) for p in wanted]

    @staticmethod
    def _summed(parts: list[float]) -> float:
        result = 0.0
        for one in parts:
            result += one
        return result

    def _total(self, tree: Typed, point: Point) -> float:
        return self._summed(self._over(tree, point))

    def _count(self, tree: Typed, point: Point) -> float:
        return self._summed([one if math.isnan(one) else float(one != 0) for one in self._over(tree, point)])

    def _smallest(self, tree: Typed, point: Point) -> float:
        result = math.inf
        for one in self._over(tree, point):
            result = rules.least(result, one)
        return result

    def _largest(self, tree: Typed, point: Point) -> float:
        result = -math.inf
        for one in self._over(tree, point):
            result = rules.greatest(result, one)
        return result

    def _lowest_payoff(self, tree: Typed, point: Point) -> float:
        members, _ = self.world.groups(int(tree.key))
        group = members[point.position] if point.position >= 0 else point.group
        inside = [one for p, one in enumerate(self.world.positions) if not tree.key or members[p] == group]
        return rules.lowest_payoff(inside)

    def _strategy_margin(self, tree: Typed, _: Point) -> float:
        return self.world.strategies[tree.index]

    def _scenarios(self, tree: Typed, point: Point) -> list[tuple[float, float]]:
        """Return (value, weight) of each scenario, lowest first."""
        x = tree.args[0]
        weights = self.world.columns[x.dims.table][0]
        found = [(self.at(x, replace(point, scenario=s)), weight) for s, weight in enumerate(weights)]
        return [] if any(math.isnan(value) for value, _ in found) else sorted(found)

    def _reduced(self, tree: Typed, point: Point) -> float:
        ordered = self._scenarios(tree, point)
        if not ordered:
            return NAN
        total = sum(weight for _, weight in ordered)
        name = tree.name
        share = 0.0
        if len(tree.args) > 1:
            share = self.at(tree.args[1], point)
            if name in ("value_at_risk", "expected_shortfall"):
                share = round(1 - share, 12)
        if name in ("lowest", "worst_loss"):
            result = ordered[0][0]
        elif name == "highest":
            result = ordered[-1][0]
        elif name == "average":
            result = sum(value * weight for value, weight in ordered) / total
        elif name in ("quantile", "value_at_risk"):
            result = next(
                value for k, (value, _) in enumerate(ordered) if sum(w for _, w in ordered[: k + 1]) >= share * total
            )
        else:
            left, result = share * total, 0.0
            for value, weight in ordered:
                result += value * min(weight, left) if left > 0 else 0.0
                left -= min(weight, left)
            result /= share * total
        is_loss = name in ("worst_loss", "value_at_risk", "expected_shortfall")
        return rules.greatest(-result, 0.0) if is_loss else result

    _aggregations: ClassVar[dict[str, Callable[[Interpreter, Typed, Point], float]]] = {
        "total": _total,
        "count": _count,
        "smallest": _smallest,
        "largest": _largest,
        "lowest_payoff": _lowest_payoff,
        "strategy_margin": _strategy_margin,
        **dict.fromkeys(
            (
                "lowest",
                "highest",
                "average",
                "quantile",
                "tail_mean",
                "worst_loss",
                "value_at_risk",
                "expected_shortfall",
            ),
            _reduced,
        ),
    }
