# SPDX-License-Identifier: Apache-2.0
"""
What is certain about the steps of one ladder: which are in force together, what ends a call, and when.

All of it follows from how the ladder runs (`escalation/ladder.py`): every threshold that is breached enters its step,
mildest first; a step clears no sooner than the more severe ones; what an unmet call enters clears no sooner than the
call's own step.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from marginrules import units
from marginrules.authoring.lint.finding import Findings
from marginrules.codes import Restriction
from marginrules.rulebook import calendar
from marginrules.rulebook.compile import Analysis, Variant
from marginrules.rulebook.diagnostic import Place
from marginrules.rulebook.schema import StepPart
from marginrules.terms import Step


@dataclass(slots=True)
class LadderFacts:
    """
    Answer questions about one ladder, overrides merged in.

    Args:
        products: names of those whose pools follow it.
    """

    analysis: Analysis
    variant: Variant
    number: int
    products: tuple[str, ...]
    _together: dict[str, frozenset[str]] = field(default_factory=dict)

    @property
    def steps(self) -> tuple[StepPart, ...]:
        """Return the steps as written, mildest first."""
        return self.variant.part.steps

    def step(self, name: str) -> StepPart:
        """Return a step by its name."""
        return next(one for one in self.steps if one.name == name)

    def compiled(self, step: StepPart) -> Step:
        """Return what the engine runs of a step."""
        return self.analysis.program.ladders[self.number].steps[self.steps.index(step)]

    def exit_of(self, step: StepPart) -> Decimal:
        """Return the ratio at which a step clears: its own, or where only an unmet call enters it, that call's."""
        own = step.clear if step.clear is not None else step.below
        if own is not None and step.below is not None:
            return own
        waited = [self.exit_of(self.step(name)) for name in callers_of(step)]
        return max([*waited, *([] if own is None else [own])])

    def place(self, step: StepPart, key: str, *others: tuple[StepPart, str]) -> Place:
        """Return where a key stands, or where an override gave one of the others that matter with it."""
        part = self.variant.part
        if not part.has_changed(step, key):
            for other, other_key in others:
                if part.has_changed(other, other_key):
                    return other.places.get(other_key, other.place)
        return step.places.get(key, step.places.get("step", step.place))

    def together(self, step: StepPart) -> frozenset[str]:
        """Return the names of the milder steps that are in force whenever this one is, whichever way it was entered."""
        if step.name not in self._together:
            ways = []
            if step.below is not None:
                milder = self.steps[: self.steps.index(step)]
                ways.append({one.name for one in milder if one.below is not None and one.for_ns <= step.for_ns})
            ways += [{name} | self.together(self.step(name)) for name in callers_of(step)]
            self._together[step.name] = frozenset(set.intersection(*(set(one) for one in ways)))
        return self._together[step.name]

    def restriction_with(self, step: StepPart) -> Restriction:
        """Return the restriction that milder steps already ask for whenever a step is in force."""
        return max((self.step(name).restrict for name in self.together(step)), default=Restriction.NONE)

    def never_calls(self, step: StepPart) -> StepPart | None:
        """
        Return the step because of which the call of another is never made; None where it can be made.

        Nobody is asked for what is being taken from him already: while everything is liquidated no call is made, and
        above that nothing may be missing.
        """
        if step.call is None:
            return None
        takers = [one for one in self.steps if takes_all(one) and one.below is not None]
        for taker in takers:
            severer = self.steps[self.steps.index(taker) + 1 :]
            if any(one.liquidate and not takes_all(one) for one in severer):
                continue  # that one would be in charge further down, and calls are made beside it
            if taker.name in self.together(step):
                return taker
            target = target_of(step)
            if taker.below is not None and not taker.for_ns and target is not None and target <= taker.below:
                return taker
        return None

    def followers(self, step: StepPart) -> list[StepPart]:
        """Return every step that unmet calls lead to from here, one after the other."""
        found: list[StepPart] = []
        for one in self.steps:
            if any(name == step.name or name in {other.name for other in found} for name in callers_of(one)):
                found.append(one)
        return found

    def unmet_after_ns(self, step: StepPart) -> int | None:
        """Return how long after the ratio fell the call of a step goes unmet; None where days count, or other ways."""
        deadline = deadline_ns(step)
        if deadline is None:
            return None
        if step.below is not None and not callers_of(step):
            return step.for_ns + deadline
        callers = callers_of(step)
        if step.below is None and len(callers) == 1:
            before = self.unmet_after_ns(self.step(callers[0]))
            return None if before is None else before + deadline
        return None


def callers_of(step: StepPart) -> tuple[str, ...]:
    """Return the steps whose unmet call enters a step."""
    return tuple(name for name in (step.after, step.or_after) if name)


def takes_all(step: StepPart) -> bool:
    """Say whether a step has everything liquidated at once."""
    return step.liquidate is not None and step.liquidate.fraction == 1


def target_of(step: StepPart) -> Decimal | None:
    """Return the ratio up to which a call asks for collateral; None where it depends on the positions."""
    if step.call is None or step.call.restore == "initial_margin":
        return None
    return step.call.ratio if step.call.restore == "ratio" else Decimal(1)


def deadline_ns(step: StepPart) -> int | None:
    """Return the deadline of a call; None where it counts business days."""
    return units.parse_duration_ns(step.deadline) if step.deadline else None


def is_longer(deadline: str, than: str) -> bool | None:
    """Say whether one deadline is longer than another; None where the calendar decides."""
    first, second = units.parse_duration_ns(deadline), units.parse_duration_ns(than)
    if first is not None and second is not None:
        return first > second
    mine, other = calendar.parse_business_deadline(deadline), calendar.parse_business_deadline(than)
    if mine is None or other is None:
        return None
    return (mine[1], mine[0]) > (other[1], other[0])


def facts_of(findings: Findings) -> list[LadderFacts]:
    """Return the facts of every ladder, as written first and then as overrides change it."""
    analysis = findings.analysis
    products: dict[int, list[str]] = {}
    for chain in analysis.chains:
        if chain.product:
            products.setdefault(chain.ladder, []).append(chain.product)
    made = [
        LadderFacts(analysis, variant, number, tuple(dict.fromkeys(products.get(number, ()))))
        for number, variant in enumerate(analysis.variants)
    ]
    return sorted(made, key=lambda one: bool(one.variant.overrides))
