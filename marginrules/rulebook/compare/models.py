# SPDX-License-Identifier: Apache-2.0
"""
What the formulas of a rulebook mean, each for itself: two that mean the same have the same digest.

Nobody can say in general which of two formulas asks for more, so a difference is "changed". Numbers of tables,
strategies and parameters are replaced by what they stand for: what one formula does not read changes nothing about it.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

from marginrules.machine import PARAMETER_FIRST, Code, Field, Op, Place
from marginrules.rulebook.compare.records import Change, change_of
from marginrules.rulebook.compile import Program
from marginrules.rulebook.digest import canonical, code_meaning, hashed

_PLACE_BITS, _TABLE_BITS = 20, 12
_OF_POOL = frozenset(int(one) for one in Field if Field.COLLATERAL <= one < PARAMETER_FIRST)


class Meanings:
    """Digest the formulas of one rulebook, each on first use."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._models = program.models
        self._codes: dict[int, str] = {}

    def portfolio(self, number: int) -> str:
        """Return the digest of how one portfolio, or one product with a formula of its own, is margined."""
        one = self._models.portfolios[number]
        return hashed([one.name, int(one.by), self.code(one.code)])

    @cached_property
    def pool(self) -> str:
        """Return the digest of the pool's own formulas; "" where there are none."""
        return "" if self._models.pool < 0 else self.code(self._models.pool)

    @cached_property
    def reads_pools(self) -> bool:
        """Say whether a formula reads equity or requirements, so that more of one may mean less of the other."""
        used = [one.code for one in self._models.portfolios]
        used += [] if self._models.pool < 0 else [self._models.pool]
        return self._models.pool >= 0 or any(not _OF_POOL.isdisjoint(self._models.codes[one].fields) for one in used)

    def code(self, number: int) -> str:
        """Return the digest of one compiled formula with everything that it reads."""
        if number not in self._codes:
            self._codes[number] = "" if number < 0 else hashed(self._resolved(self._models.codes[number]))
        return self._codes[number]

    def _resolved(self, code: Code) -> Any:
        stages = [
            [
                int(stage.kind),
                stage.key,
                self._table(stage.table),
                [
                    [op, self._operand(to), [self._operand(one) for one in args], self._extra(op, extra)]
                    for op, to, args, extra in stage.instructions
                ],
            ]
            for stage in code.stages
        ]
        plain = list(code_meaning(code))
        arrays = [self._table(one) for one in code.arrays]
        outputs = [self._operand(one) for one in code.outputs]
        # In the order of `code_meaning`: arrays, stages, fields and outputs name numbers of this rulebook.
        fields = sorted(int(one) for one in code.fields if one < PARAMETER_FIRST)
        return [plain[0], plain[1], plain[2], arrays, stages, fields, outputs, *plain[7:]]

    def _operand(self, operand: int) -> Any:
        place, index = operand >> _PLACE_BITS, operand & ((1 << _PLACE_BITS) - 1)
        if place == Place.SCENARIO:
            return [place, self._table(index >> _TABLE_BITS), index & ((1 << _TABLE_BITS) - 1)]
        return [place, self._table(index)] if place == Place.SERIES else operand

    def _extra(self, op: int, extra: int) -> Any:
        if op == Op.TIERED:
            return canonical(self._models.tiers[extra])
        if op == Op.STRATEGY:
            return [self._strategies(extra // 2), extra % 2]
        if op == Op.LOAD and extra >= PARAMETER_FIRST:
            one = self._models.parameters[extra - PARAMETER_FIRST]
            return [repr(one.default), canonical(one.values)]
        return extra

    def _table(self, number: int) -> Any:
        if number < 0:
            return number
        one = self._models.scenarios[number]
        histories = [
            [made.window, made.horizon_days, repr(made.scaled_half_life)]
            for made in self._program.histories
            if made.table == number
        ]
        return [canonical(one.columns), one.is_historical, histories]

    def _strategies(self, number: int) -> str:
        return hashed(
            [
                [
                    canonical(one.legs),
                    self.code(one.condition),
                    self.code(one.initial),
                    self.code(one.maintenance),
                    canonical(one.joins),
                ]
                for one in self._models.strategies[number].strategies
            ]
        )


def compare_models(before: Program, after: Program, old: Meanings, new: Meanings) -> Iterator[Change]:
    """Yield how the pool's own formulas and the figures differ; portfolios are told of product by product."""
    if old.pool != new.pool:
        words = ["a formula" if one.pool else "" for one in (old, new)]
        lines = before.pool_line, after.pool_line
        yield change_of("changed", "requirement of a pool", words, lines=lines)
    for name in sorted(before.figures.keys() | after.figures.keys()):
        was, now = before.figures.get(name), after.figures.get(name)
        meanings = []
        for one, meaning in ((was, old), (now, new)):
            owner = "" if one is None or one.portfolio < 0 else meaning.portfolio(one.portfolio)
            meanings.append(None if one is None else (meaning.code(one.code), one.of, owner, one.given))
        if meanings[0] != meanings[1]:
            words = ["" if one is None else f"figure {name}" for one in (was, now)]
            lines = was.line if was else 0, now.line if now else 0
            yield change_of("changed", "figure", words, lines=lines)
