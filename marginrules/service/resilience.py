# SPDX-License-Identifier: Apache-2.0
"""What a pool survives: how it stands after each of some stresses, and how much of the worst one it can take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from marginrules._core.core import Assessment, Scratch
from marginrules.limits import STRESS_MULTIPLE_MAX
from marginrules.rulebook import Program
from marginrules.service.shard import Shard
from marginrules.service.stress import Reach, Stress, apply_stress, check_stresses, reaches_of
from marginrules.service.views import PoolView, view_of
from marginrules.terms import CallTerms
from marginrules.units import round_requirement_up

_STEPS = 200  # between nothing and the greatest multiple: a breach that is narrower may be missed
_NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class StressResult:
    """
    Carry how a pool stands after one stress.

    Args:
        survived: equity covers maintenance margin; never where the pool cannot be assessed.
        multiple: of the stress that the pool just survives; 0 where it is below now, None where it survives ten times
            the stress or cannot be assessed on the way.
        call: what it would be asked for, by the most severe step with a call whose threshold is breached; before open
            calls and what has been waived.
        liquid_collateral: value of the balances after haircuts, to meet that with.
        unpriced: instruments that could not be marked anew.
    """

    stress: str
    after: PoolView
    survived: bool
    multiple: float | None
    call: Decimal
    call_step: str
    liquid_collateral: float
    unpriced: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Resilience:
    """Carry a pool before and after stresses; `worst` names the one that leaves the lowest margin ratio."""

    before: PoolView
    results: tuple[StressResult, ...]
    worst: str

    @property
    def survived_count(self) -> int:
        """Return how many stresses the pool survives."""
        return sum(one.survived for one in self.results)


def measure_resilience(shard: Shard, pool: int, now_ns: int, stresses: Sequence[Stress]) -> Resilience:
    """
    Assess a pool after each of some stresses.

    Raises:
        InputError: a stress names what is not known, or a move is out of range.
    """
    given = check_stresses(shard.book, stresses)
    scratch = Scratch(shard.book.engine, pool)
    reaches = reaches_of(shard.book, scratch)
    before = view_of(shard, pool, scratch.assess(now_ns))
    ranked: list[tuple[float, float, int]] = []
    results = []
    for number, stress in enumerate(given):
        result, assessment = _after(shard, pool, now_ns, stress, reaches)
        results.append(result)
        if assessment.is_valid:
            spare = assessment.equity - assessment.maintenance_margin
            ranked.append((assessment.margin_ratio, spare, number))
        else:
            ranked.append((float("-inf"), float("-inf"), number))
    worst = given[min(ranked)[2]].name if ranked else ""
    return Resilience(before, tuple(results), worst)


def _after(
    shard: Shard, pool: int, now_ns: int, stress: Stress, reaches: Mapping[str, Reach]
) -> tuple[StressResult, Assessment]:
    book = shard.book
    scratch = Scratch(book.engine, pool)
    apply_stress(scratch, book, stress, 1.0, reaches)
    assessment = scratch.assess(now_ns)
    unpriced = tuple(book.instrument_names[one] for one in scratch.unpriced())
    after = view_of(shard, pool, assessment)
    call, step = _NOTHING, ""
    if after.valid:
        call, step = call_after(shard.revisions[assessment.revision - 1].program, assessment)
    result = StressResult(
        stress=stress.name,
        after=after,
        survived=_is_covered(assessment),
        multiple=_survived_multiple(shard, scratch, now_ns, stress, reaches),
        call=call,
        call_step=step,
        liquid_collateral=assessment.collateral_value if after.valid else 0.0,
        unpriced=unpriced,
    )
    return result, assessment


def _is_covered(assessment: Assessment) -> bool:
    return assessment.is_valid and assessment.equity >= assessment.maintenance_margin


def _survived_multiple(
    shard: Shard, scratch: Scratch, now_ns: int, stress: Stress, reaches: Mapping[str, Reach]
) -> float | None:
    """Return the smallest multiple at which the pool breaks, from below; what breaks first need not stay broken."""

    def survives(multiple: float) -> bool | None:
        apply_stress(scratch, shard.book, stress, multiple, reaches)
        assessment = scratch.assess(now_ns)
        return _is_covered(assessment) if assessment.is_valid else None

    low = 0.0
    if survives(low) is not True:
        return 0.0 if survives(low) is False else None
    for k in range(1, _STEPS + 1):
        high = STRESS_MULTIPLE_MAX * k / _STEPS
        verdict = survives(high)
        if verdict is None:
            return None
        if not verdict:
            break
        low = high
    else:
        return None
    while high - low > 1e-12 * high:
        middle = low + (high - low) * 0.5
        if not low < middle < high:
            break
        if survives(middle):
            low = middle
        else:
            high = middle
    return low


def call_after(program: Program, assessment: Assessment) -> tuple[Decimal, str]:
    """Return what a pool would be asked for, and by which step; 0 and "" where nothing is demanded."""
    steps = program.ladders[assessment.ladder].steps
    for index in reversed(program.entered[assessment.ladder][: assessment.level]):
        step = steps[index]
        if step.call is None:
            continue
        missing = target_of(step.call, assessment) - assessment.equity
        increment = max(step.call.round_to, program.increment)
        amount = round_requirement_up(max(missing, 0.0), increment)
        return (amount, step.name) if amount and amount >= step.call.minimum_transfer else (_NOTHING, "")
    return _NOTHING, ""


def target_of(terms: CallTerms, assessment: Assessment) -> float:
    """Return the equity that a call is to restore."""
    return {
        "initial_margin": assessment.initial_margin,
        "maintenance_margin": assessment.maintenance_margin,
        "ratio": terms.ratio * assessment.maintenance_margin,
    }[terms.restore]
