# SPDX-License-Identifier: Apache-2.0
"""Compare what is with what was expected, the named fields alone; where they differ, say which rule decided and why."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from marginrules._core.core import Assessment
from marginrules.authoring.cases.coverage import written
from marginrules.authoring.cases.model import Expected, Step
from marginrules.authoring.cases.result import Failure
from marginrules.authoring.cases.world import World
from marginrules.codes import Reason
from marginrules.escalation.state import ActiveStep, Event, LadderState, Measure
from marginrules.model import OrderDecision
from marginrules.rulebook.diagnostic import suggest
from marginrules.rulebook.schema import Margin
from marginrules.terms import Ladder
from marginrules.terms import Step as LadderStep
from marginrules.units import format_amount, format_duration, format_rate, format_time

_CLOSE = 1e-8  # amounts that differ by less, as part of the greater or at all, are equal
_RULES_SHOWN = 3
_OF_LADDER = ("active", "restriction", "liquidating", "shortfall")
_OF_MARGIN = ("initial_margin", "maintenance_margin", "margin_ratio")
_NOTHING = Decimal(0)


def in_words(event: Event) -> str:
    """Say an event in one line: `call_issued margin_call 304.00 due 2026-03-02T14:00:00Z`."""
    words = [event.kind.value, event.step]
    if event.amount is not None:
        words.append(str(event.amount))
    if event.due_ns and event.kind.startswith("call_"):
        words.append(f"due {format_time(event.due_ns)}")
    if event.kind == "liquidation_ordered":
        words += [f"{quantity:+.10g} {symbol}" for symbol, quantity in event.data["orders"]]
    if "restriction" in event.data:
        words.append(event.data["restriction"])
    return " ".join(word for word in words if word)


class Judge:
    """Look at a world as one step of its case says."""

    def __init__(self, world: World, step: Step) -> None:
        self._world = world
        self._step = step
        self._pool = world.pool_of(step)
        self._assessment = world.assess(self._pool)
        self._ladder, self._state = world.ladder_of(self._pool, self._assessment)

    def of_pool(self) -> list[Failure]:
        """Return what is not as expected of the pool."""
        found = _standing(self._assessment, self._ladder, self._state)
        return [self._failure(one, found[one.name], *self._why(one)) for one in self._differing(found)]

    def of_order(self, decision: OrderDecision) -> list[Failure]:
        """Return what is not as expected of an order's answer."""
        found = _answer(decision)
        because = (
            f"after its fill equity {_amount(decision.equity_after)}, IM {_amount(decision.initial_margin_after)}"
            if decision.digest
            else ""
        )
        rule = self._in_file(decision.rule)
        return [self._failure(one, found[one.name], rule, because) for one in self._differing(found)]

    def of_figure(self, values: tuple[float, ...]) -> list[Failure]:
        """Return what is not as expected of the values of a figure."""
        found: dict[str, Callable[[], Any]] = {"values": lambda: values}
        return [self._failure(one, found[one.name], "", "") for one in self._differing(found)]

    def of_events(self, events: list[Event]) -> list[Failure]:
        """Return the first difference of what happened and what was expected to."""
        wanted = self._step.events
        if wanted is None:
            return []
        lines, found = [one.text for one in wanted], [in_words(one) for one in events]
        if lines == found:
            return []
        at = next((index for index, pair in enumerate(zip(lines, found, strict=False)) if pair[0] != pair[1]), None)
        at = min(len(lines), len(found)) if at is None else at
        place = wanted[at].place if at < len(wanted) else self._step.events_place
        rule, because = self._why_event(lines[at] if at < len(lines) else "", events[at] if at < len(events) else None)
        # The lines that are equal around a difference say nothing about it.
        difference = tuple(line for line in difflib.ndiff(lines, found) if line[:1] in "-+")
        expected = lines[at] if at < len(lines) else "nothing more"
        got = found[at] if at < len(found) else "nothing more"
        return [self._made(place.line, place.column, "events", expected, got, rule, because, difference)]

    def _differing(self, found: dict[str, Callable[[], Any]]) -> list[Expected]:
        return [one for one in self._step.expected if not _is_as_expected(one, found[one.name]())]

    def _failure(self, one: Expected, found: Callable[[], Any], rule: str, because: str) -> Failure:
        got = _written(one, found())
        expected = one.text or "none"
        return self._made(one.place.line, one.place.column, one.name, expected, got, rule, because)

    def _made(
        self,
        line: int,
        column: int,
        name: str,
        expected: str,
        got: str,
        rule: str,
        because: str,
        difference: tuple[str, ...] = (),
    ) -> Failure:
        world = self._world
        label = world.shard.book.pool_label(self._pool)
        place = (world.case.name, world.case.file, line, column)
        return Failure(*place, world.now_ns, label, name, expected, got, rule, because, difference)

    # Why

    def _why(self, one: Expected) -> tuple[str, str]:
        """Return the rule that decided a field, and what was measured."""
        if not self._assessment.is_valid and one.name != "reasons":
            return "", f"the pool cannot be assessed: {_reasons(self._assessment)}"
        if one.name == "step":
            return self._why_step(one.text)
        reasons = {"call": self._why_call, "deadline": self._why_call, "equity": self._why_equity}
        if one.name in _OF_LADDER:
            return self._why_here()
        if one.name in reasons:
            return reasons[one.name]()
        return (self._margin_rules(), self._measured()) if one.name in _OF_MARGIN else ("", "")

    def _why_equity(self) -> tuple[str, str]:
        found = self._assessment
        return "", f"collateral {_amount(found.collateral_value)}, profit and loss {_amount(found.unrealized_pnl)}"

    def _why_step(self, expected: str) -> tuple[str, str]:
        wanted = self._ladder.index_of(expected) if expected else -1
        entered = self._state.severity if self._state else -1
        if expected and wanted < 0:
            names = [step.name for step in self._ladder.steps]
            hint = suggest(expected, names)
            return self._rule_of(None), f"ladder {self._ladder.name} has no step '{expected}'; {hint}".rstrip("; ")
        if wanted > entered:
            return self._rule_of(self._ladder.steps[wanted]), self._why_not_entered(wanted)
        return self._why_here()

    def _why_not_entered(self, index: int) -> str:
        step, parts = self._ladder.steps[index], []
        if step.below is not None:
            since = dict(self._state.pending).get(index) if self._state else None
            if since is not None:
                lasted = format_duration(self._world.now_ns - since)
                words = f"{self._ratio()} has been below {_rate(step.below)} for {lasted} of {_span(step.for_ns)}"
            else:
                words = f"{self._ratio()} is not below {_rate(step.below)}"
            parts.append(words)
        if step.after:
            names = " or ".join(self._ladder.steps[one].name for one in step.after)
            parts.append(f"no call of {names} has gone unmet")
        return ", and ".join(parts)

    def _why_here(self) -> tuple[str, str]:
        """Say why the most severe step that is active was entered, or has not cleared."""
        if self._state is None or not self._state.active:
            first = next((index for index, step in enumerate(self._ladder.steps) if step.below is not None), None)
            if first is None:
                return self._rule_of(None), self._measured()
            return self._rule_of(self._ladder.steps[first]), self._why_not_entered(first)
        one = self._state.active[-1]
        step = self._ladder.steps[one.step]
        return self._rule_of(step), self._why_still(one, step)

    def _why_still(self, one: ActiveStep, step: LadderStep) -> str:
        cleared = step.clear_after if one.by_unmet else step.clear
        if not one.by_unmet and step.below is not None and not self._is_at_least(step.below):
            return f"{self._ratio()} is below {_rate(step.below)}"
        if not self._is_at_least(cleared):
            entered = "was entered by an unmet call and " if one.by_unmet else ""
            return f"{entered}{self._ratio()} has not reached the exit at {_rate(cleared)}"
        return f"its liquidation goes on; {self._ratio()}"

    def _why_call(self) -> tuple[str, str]:
        if self._state is None or not self._state.calls:
            return self._why_no_call()
        call = self._state.calls[-1]
        step = self._ladder.steps[call.step]
        terms = step.call
        words = self._measured()
        if terms is not None:
            words += f"; restores {terms.restore.replace('_', ' ')}, rounded to {terms.round_to}"
            words += f", at least {terms.minimum_transfer}" if terms.minimum_transfer else ""
            words += f", within {terms.deadline.text} of {format_time(call.issued_ns)}"
        return self._rule_of(step), words

    def _why_no_call(self) -> tuple[str, str]:
        active = {one.step for one in self._state.active} if self._state else set()
        callers = [index for index, step in enumerate(self._ladder.steps) if step.call]
        entered = [index for index in callers if index in active]
        if not callers:
            return self._rule_of(None), "no step of this ladder calls"
        if not entered:
            return self._rule_of(self._ladder.steps[callers[0]]), self._why_not_entered(callers[0])
        step = self._ladder.steps[entered[-1]]
        least = step.call.minimum_transfer if step.call else _NOTHING
        return self._rule_of(step), self._measured() + (f"; it calls for no less than {least}" if least else "")

    def _why_event(self, wanted: str, event: Event | None) -> tuple[str, str]:
        words = wanted.split()
        index = self._ladder.index_of(words[1]) if len(words) > 1 else -1
        if event is None and index >= 0:
            step = self._ladder.steps[index]
            is_active = self._state is not None and any(one.step == index for one in self._state.active)
            return self._rule_of(step), self._measured() if is_active else self._why_not_entered(index)
        if event is not None and event.line:
            name = f"{event.ladder}/{event.step}" if event.step else event.ladder
            return f"{self._world.file}:{event.line} {name}", self._measured()
        return "", self._measured()

    def _rule_of(self, step: LadderStep | None) -> str:
        if step is None:
            return f"{self._world.file}:{self._ladder.line} {self._ladder.name}"
        return f"{self._world.file}:{step.line} {self._ladder.name}/{step.name}"

    def _margin_rules(self) -> str:
        """Name the rules of the pool's positions, those by tiers with the tier that the notional lies in."""
        book = self._world.shard.book
        profile = book.engine.pool_state(self._pool)[2]
        rules = []
        for one in book.holdings(self._pool):
            product = book.products[book.instrument_ids[one.symbol]]
            if product >= 0:
                rules.append(self._margin_rule(profile, product, abs(one.notional)))
        unique = list(dict.fromkeys(filter(None, rules)))
        more = f" and {len(unique) - _RULES_SHOWN} more" if len(unique) > _RULES_SHOWN else ""
        return ", ".join(unique[:_RULES_SHOWN]) + more

    def _margin_rule(self, profile: int, product: int, notional: float) -> str:
        program = self._world.program
        rule, name = self._in_file(program.margin_rules[profile][product]), program.products[product].name
        margin = written(program.text, self._world.file)[0].products[name].margin
        number = sum(one.floor <= notional for one in program.margin_tiers[profile][product])
        if isinstance(margin, Margin) and rule == f"{self._world.file}:{margin.place.line} {name}" and number:
            return f"{self._world.file}:{margin.tiers[number - 1].place.line} {name} tier {number}"
        return rule  # a formula, or an override whose line it has

    def _in_file(self, rule: str) -> str:
        name = self._world.program.name
        return self._world.file + rule[len(name) :] if rule.startswith(f"{name}:") else ""

    def _measured(self) -> str:
        found = self._assessment
        figures = f"equity {_amount(found.equity)}, IM {_amount(found.initial_margin)}"
        return f"{figures}, MM {_amount(found.maintenance_margin)}, {self._ratio()}"

    def _ratio(self) -> str:
        found = self._assessment
        if found.maintenance_margin == 0.0:
            return "nothing is required"
        return f"margin ratio {format_rate(found.equity / found.maintenance_margin)}"

    def _is_at_least(self, ratio: float) -> bool:
        found = self._assessment
        figures = (found.equity, found.initial_margin, found.maintenance_margin)
        noise = float(self._ladder.increment) * 1e-6
        return Measure(found.is_valid, *figures, noise=noise).is_at_least(ratio)


def _standing(found: Assessment, ladder: Ladder, state: LadderState | None) -> dict[str, Callable[[], Any]]:
    """Return how each field of a pool is found; only what is compared is looked for."""
    calls = state.calls if state else ()
    figure = (lambda value: value) if found.is_valid else (lambda _value: None)
    requires = found.is_valid and found.maintenance_margin > 0.0
    return {
        "equity": lambda: figure(found.equity),
        "initial_margin": lambda: figure(found.initial_margin),
        "maintenance_margin": lambda: figure(found.maintenance_margin),
        "collateral_value": lambda: figure(found.collateral_value),
        "unrealized_pnl": lambda: figure(found.unrealized_pnl),
        "margin_ratio": lambda: found.margin_ratio if requires else None,
        "step": lambda: ladder.steps[state.severity].name if state and state.active else "",
        "active": lambda: tuple(ladder.steps[one.step].name for one in state.active) if state else (),
        "restriction": lambda: state.restriction.word if state else "none",
        "call": lambda: float(sum((one.outstanding for one in calls), _NOTHING)),
        "deadline": lambda: min((one.falls_due_ns for one in calls), default=0),
        "liquidating": lambda: "yes" if state and state.liquidation else "no",
        "shortfall": lambda: float(state.shortfall) if state else 0.0,
        "reasons": lambda: _reasons(found),
    }


def _reasons(found: Assessment) -> str:
    return ", ".join(Reason(found.flags).names).lower() if not found.is_valid else ""


def _answer(decision: OrderDecision) -> dict[str, Callable[[], Any]]:
    return {
        "accepted": lambda: "yes" if decision.accepted else "no",
        "reasons": lambda: ", ".join(Reason(decision.reasons).names).lower(),
        "quantity_max": lambda: decision.quantity_max,
        "equity_after": lambda: decision.equity_after,
        "initial_margin_after": lambda: decision.initial_margin_after,
        "maintenance_margin_after": lambda: decision.maintenance_margin_after,
    }


def _is_as_expected(one: Expected, value: Any) -> bool:
    if one.kind == "list":
        return tuple(value) == one.words
    if one.kind == "amounts":
        pairs = zip(value, one.numbers, strict=False)
        return len(value) == len(one.numbers) and all(
            math.isclose(*pair, rel_tol=_CLOSE, abs_tol=_CLOSE) for pair in pairs
        )
    if one.kind in ("time", "word"):
        return bool(value == (one.time_ns if one.kind == "time" else one.text))
    if value is None:
        return False
    if one.slack:
        return abs(float(value) - one.number) <= one.slack
    return math.isclose(float(value), one.number, rel_tol=_CLOSE, abs_tol=_CLOSE)


def _written(one: Expected, value: Any) -> str:
    """Write what was found in the spelling of a case."""
    if one.kind in ("list", "amounts"):
        return ", ".join(value if one.kind == "list" else map(_exact, value)) or "none"
    if one.kind == "time":
        return format_time(value) if value else "none"
    if one.kind == "word":
        return str(value) or "none"
    if value is None:
        return "nothing"
    if one.kind == "ratio" and one.slack:
        return f"{value * 100:.{max(2, len(one.text[:-1].partition('.')[2]) + 1)}f}%"
    return _exact(value)


def _exact(value: float) -> str:
    """Write a number so that a case can name it: underscores, and as many digits as are compared."""
    if not math.isfinite(value):
        return str(value)
    text = format(Decimal(f"{value:.12g}"), "f")
    return format(Decimal(text), ",f").replace(",", "_")


def _amount(value: float) -> str:
    return format_amount(Decimal(f"{value:.2f}")) if math.isfinite(value) else str(value)


def _rate(value: float) -> str:
    return f"{value * 100:.10g}%"


def _span(value_ns: int) -> str:
    return format_duration(value_ns)
