# SPDX-License-Identifier: Apache-2.0
"""
When the ladder has to look at a pool again: until then `advance` provably changes nothing.

A replay of history measures pools by the hundred million, and nearly all of these measures decide nothing. `wake_of`
says of a state that has settled which ones may: all conditions are bounds on equity against margins, or on time, so
the core can test them. A wake may come for nothing, which costs a look; it never fails to come.
"""

from __future__ import annotations

import bisect
import math
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from marginrules.escalation.ladder import (
    NOISE,
    NOTHING,
    calls_due_later,
    due_times,
    exit_of,
    until_of,
    waived_of,
)
from marginrules.escalation.state import ActiveStep, Draft, LadderState, Measure
from marginrules.terms import LAST_NS, CallTerms, Deadline, Ladder
from marginrules.units import DAY_NS


@dataclass(frozen=True, slots=True)
class Lack:
    """Wake where a target less equity is above `most`; the target is IM, or else `ratio` x MM."""

    is_initial: bool
    ratio: float
    most: float


@dataclass(frozen=True, slots=True)
class Wake:
    """
    Say when a pool has to be looked at again, as long as what it holds stays as it is.

    Args:
        noise: a lack of equity below it is none, as in `Measure`.
        time_ns: from this moment on, whatever is measured.
        low: where equity / MM falls below it; None: no such bound.
        high: where equity / MM reaches it; infinite: where nothing is required and no equity is lacking.
        lacks: where more is missing than was demanded.
        owed: where less than this is owed; None: no such bound.
        at_any: at every measure.
        at_valid: at every measure that can be trusted.
    """

    noise: float
    time_ns: int
    low: float | None
    high: float | None
    lacks: tuple[Lack, ...]
    owed: float | None
    at_any: bool
    at_valid: bool

    def comes(self, measure: Measure, now_ns: int) -> bool:
        """Say whether the ladder has to look; the core decides in the same way."""
        if self.at_any or now_ns >= self.time_ns:
            return True
        figures = (measure.equity, measure.initial_margin, measure.maintenance_margin)
        if not (measure.is_valid and all(map(math.isfinite, figures))):
            return False
        return self.at_valid or measure.maintenance_margin < 0.0 or not self._is_within(measure)

    def _is_within(self, measure: Measure) -> bool:
        """Say whether equity lies between all bounds."""
        equity, margin = measure.equity, measure.maintenance_margin
        if self.low is not None and not self._reaches(self.low, equity, margin):
            return False
        if self.high is not None and self._reaches(self.high, equity, margin):
            return False
        if self.owed is not None and not -equity >= self.owed:
            return False
        targets = ((one, measure.initial_margin if one.is_initial else one.ratio * margin) for one in self.lacks)
        return all(target - equity <= one.most for one, target in targets)

    def _reaches(self, ratio: float, equity: float, margin: float) -> bool:
        if math.isinf(ratio):
            return margin == 0.0 and equity + self.noise >= 0.0
        return equity + self.noise >= ratio * margin


class _Bounds:
    """Collect what may wake a pool."""

    def __init__(self) -> None:
        self.times: list[int] = [LAST_NS]
        self.lows: list[float] = []
        self.highs: list[float] = []
        self.lacks: dict[tuple[bool, float], float] = {}
        self.owed: float | None = None
        self.at_any = False
        self.at_valid = False

    def lack(self, is_initial: bool, ratio: float, most: float) -> None:
        key = (is_initial, ratio)
        self.lacks[key] = min(most, self.lacks.get(key, most))


def wake_of(state: LadderState, ladder: Ladder, is_flat: bool, now_ns: int) -> Wake:
    """
    Return when a pool has to be looked at again.

    Args:
        state: settled: advancing it once more with what was measured last changes nothing.
        is_flat: nothing is left to liquidate. What is held must stay as it is.
        now_ns: the time of the last transition.
    """
    draft, bounds = Draft(state, ladder, now_ns), _Bounds()
    bounds.times += due_times(state, ladder)
    _entries(draft, bounds)
    _exits(draft, bounds, is_flat)
    _liquidations(draft, bounds, is_flat)
    _demands(draft, bounds, is_flat)
    _restriction(draft, bounds)
    _default(draft, bounds, is_flat)
    return Wake(
        noise=float(ladder.increment * NOISE),
        time_ns=min(bounds.times),
        low=max(bounds.lows, default=None),
        high=min(bounds.highs, default=None),
        lacks=tuple(Lack(*key, most) for key, most in sorted(bounds.lacks.items())),
        owed=bounds.owed,
        at_any=bounds.at_any,
        at_valid=bounds.at_valid,
    )


def _entries(draft: Draft, bounds: _Bounds) -> None:
    active = {one.step for one in draft.state.active}
    pending = {step for step, _ in draft.state.pending}
    for index, step in enumerate(draft.ladder.steps):
        if step.below is not None and index not in active:
            (bounds.highs if index in pending else bounds.lows).append(step.below)


def _exits(draft: Draft, bounds: _Bounds, is_flat: bool) -> None:
    under_way = draft.state.liquidation
    for one in draft.state.active:
        if under_way and under_way.awaiting and under_way.step == one.step:
            continue  # fills are yet to come
        clears_at = exit_of(draft.ladder.steps[one.step], one)
        if one.next_round_ns and not one.is_done and not is_flat and not math.isinf(until_of(draft, one)):
            clears_at = max(clears_at, until_of(draft, one))
        bounds.highs.append(clears_at)


def _liquidations(draft: Draft, bounds: _Bounds, is_flat: bool) -> None:
    under_way = draft.state.liquidation
    liquidating = [one for one in draft.state.active if draft.ladder.steps[one.step].liquidate]
    if under_way and under_way.awaiting:
        if not under_way.is_recalled and not is_flat:
            _recalls(draft, bounds, [one for one in liquidating if one.step > under_way.step])
        return
    bounds.highs += [until_of(draft, one) for one in liquidating if not one.is_done]
    chosen = _chosen(draft)
    if under_way and (is_flat or chosen is None):
        bounds.at_valid = True  # it ends, or another step goes on
    if is_flat:
        return
    for one in liquidating:
        if chosen is not None and one.step <= chosen.step:
            continue
        if not one.is_done:
            bounds.at_valid = True  # it begins, or is done
        else:
            _begins_again(draft, bounds, one)


def _recalls(draft: Draft, bounds: _Bounds, severer: list[ActiveStep]) -> None:
    for one in severer:
        if one.is_done:
            _begins_again(draft, bounds, one)
        else:
            bounds.lows.append(until_of(draft, one))


def _begins_again(draft: Draft, bounds: _Bounds, one: ActiveStep) -> None:
    """A liquidation that was done begins again below its entry, and short of its end."""
    below = draft.ladder.steps[one.step].below
    if below is not None:
        bounds.lows.append(min(until_of(draft, one), below))


def _chosen(draft: Draft) -> ActiveStep | None:
    """Return the step whose liquidation goes on; None where none is under way."""
    under_way = draft.state.liquidation
    if not under_way:
        return None
    return next((one for one in draft.state.active if one.step == under_way.step and not one.is_done), None)


def _demands(draft: Draft, bounds: _Bounds, is_flat: bool) -> None:
    steps = draft.ladder.steps
    if is_flat:
        if any(steps[one.step].waterfall for one in draft.state.active):
            return
    elif draft.state.liquidation and not draft.state.liquidation.awaiting:
        # Where it is not the one that goes on, the pool wakes for that.
        chosen = _chosen(draft)
        liquidate = steps[chosen.step].liquidate if chosen else None
        if chosen and (chosen.by_unmet or (liquidate and liquidate.fraction == 1)):
            return
    for caller in reversed(draft.state.active):
        terms = steps[caller.step].call
        if terms is None:
            continue
        if caller.is_exhausted:
            return
        _demand(draft, bounds, caller, terms)


def _demand(draft: Draft, bounds: _Bounds, caller: ActiveStep, terms: CallTerms) -> None:
    """
    Bound what may be missing before more of it is demanded.

    What is missing is the deficiency, rounded up, less what was waived and what open calls demand. With the calls that
    a new one replaces it must come to a whole multiple that is no less than those, nor than the minimum transfer.
    """
    increment = max(terms.round_to, draft.ladder.increment)
    replaced_calls = calls_due_later(draft, caller, terms.deadline.due_ns(draft.now_ns))
    replaced = sum((call.outstanding for call in replaced_calls), NOTHING)
    demanded = sum((call.outstanding for call in draft.state.calls), NOTHING) + waived_of(draft, caller)
    least = max(_multiples(max(replaced, terms.minimum_transfer), increment), increment)
    # The least deficiency, rounded, at which a call is made; deficiencies up to one multiple less make none.
    quiet = _multiples(least - replaced + demanded, increment) - increment
    if quiet < 0:
        bounds.at_valid = True
        return
    is_initial = terms.restore == "initial_margin"
    ratio = {"initial_margin": 0.0, "maintenance_margin": 1.0, "ratio": terms.ratio}[terms.restore]
    bounds.lack(is_initial, ratio, _below(quiet))
    for call in replaced_calls:
        bounds.times.append(_reaches_ns(terms.deadline, call.due_ns, draft.now_ns))


def _multiples(amount: Decimal, increment: Decimal) -> Decimal:
    """Return the least multiple of an increment that is no less than an amount."""
    return (amount / increment).to_integral_value(ROUND_CEILING) * increment


def _below(amount: Decimal) -> float:
    """Return an amount as a double that is not above it."""
    near = float(amount)
    return near if Decimal(near) <= amount else math.nextafter(near, -math.inf)


def _reaches_ns(deadline: Deadline, due_ns: int, now_ns: int) -> int:
    """Return a moment before which a call made would fall due earlier than `due_ns`, as one made now does."""
    if not deadline.business_days:
        return due_ns - deadline.duration_ns
    # Between two openings of the calendar the deadline stands still; past its end it moves with time.
    following = bisect.bisect_right(deadline.sessions, (now_ns, 1 << 62))
    if following + deadline.business_days - 1 < len(deadline.sessions):
        return deadline.sessions[following][0]
    return due_ns - deadline.business_days * DAY_NS


def _restriction(draft: Draft, bounds: _Bounds) -> None:
    asked = [draft.ladder.steps[one.step].restrict for one in draft.state.active]
    wanted = max(asked, default=0)
    if wanted > draft.state.restriction:
        bounds.at_any = True
    elif wanted < draft.state.restriction:
        bounds.at_valid = True


def _default(draft: Draft, bounds: _Bounds, is_flat: bool) -> None:
    if not is_flat or not any(draft.ladder.steps[one.step].waterfall for one in draft.state.active):
        return
    if draft.state.shortfall:
        bounds.owed = _rounded_up_to(draft.state.shortfall, draft.ladder.increment)
    else:
        bounds.lack(False, 0.0, 0.0)


def _rounded_up_to(shortfall: Decimal, increment: Decimal) -> float:
    """Return the least that `round_requirement_up` surely rounds up to a shortfall: a little more than one less."""
    units = _multiples(shortfall, increment) / increment
    noise = min(max(Decimal("2e-6"), units * Decimal("2e-15")), Decimal("0.2"))  # twice what counts as noise there
    return -_below((1 - units - noise) * increment)
