# SPDX-License-Identifier: Apache-2.0
"""Steps that overtake each other in time, deadlines that grow with severity, and waits that one price outlasts."""

from __future__ import annotations

from collections.abc import Iterator

from marginrules.authoring.lint.finding import Findings
from marginrules.authoring.lint.ladder_facts import LadderFacts, callers_of, is_longer
from marginrules.rulebook.fields import percent, span
from marginrules.rulebook.schema import StepPart


def judge_times(findings: Findings, facts: LadderFacts) -> None:
    """Judge what the times of a ladder mean together."""
    for step in facts.steps:
        _judge_wait(findings, facts, step)
        _judge_road(findings, facts, step)
        _judge_deadline(findings, facts, step)
        _judge_single_price(findings, facts, step)


def _judge_wait(findings: Findings, facts: LadderFacts, step: StepPart) -> None:
    """Report a threshold that waits longer than the call beside it takes to go unmet."""
    if step.below is None or not step.for_ns or not step.or_after:
        return
    caller = facts.step(step.or_after)
    unmet_ns = facts.unmet_after_ns(caller)
    if unmet_ns is None or step.for_ns < unmet_ns:
        return
    message = (
        f"`for` was {span(step.for_ns)}: the call of '{caller.name}' goes unmet after {span(unmet_ns)} and "
        f"enters '{step.name}' before its threshold can"
    )
    place = facts.place(step, "for", (caller, "deadline"), (caller, "for"))
    hint = f"wait less than {span(unmet_ns)}, or delete `below` and `for` and write `after`"
    findings.add("MR-L104", place, message, hint, (facts.variant.name, step.name))


def _judge_road(findings: Findings, facts: LadderFacts, step: StepPart) -> None:
    """Report a step that waits so long that a more severe one has ended in liquidation before it is entered."""
    if step.below is None or not step.for_ns:
        return
    for caller in facts.steps[facts.steps.index(step) + 1 :]:
        if caller.below is None or caller.call is None or callers_of(caller):
            continue
        for end, after_ns in _ends(facts, caller):
            if step.for_ns >= after_ns:
                message = (
                    f"`for` was {span(step.for_ns)}: a pool that falls below {percent(caller.below)} at once is "
                    f"liquidated by '{end.name}' after {span(after_ns)}, before '{step.name}' begins"
                )
                place = facts.place(step, "for", (caller, "deadline"), (caller, "for"))
                findings.add(
                    "MR-L104", place, message, f"wait less than {span(after_ns)}", (facts.variant.name, step.name)
                )
                return


def _ends(facts: LadderFacts, caller: StepPart) -> Iterator[tuple[StepPart, int]]:
    """Yield each liquidation that unmet calls lead to, with the time from the fall of the ratio."""
    for step in facts.followers(caller):
        if step.liquidate is None:
            continue
        for name in callers_of(step):
            unmet_ns = facts.unmet_after_ns(facts.step(name))
            if unmet_ns is not None and caller.name in {name, *facts.together(facts.step(name))}:
                yield step, unmet_ns


def _judge_deadline(findings: Findings, facts: LadderFacts, step: StepPart) -> None:
    """Report a deadline longer than that of the call before it."""
    if step.call is None:
        return
    for milder in facts.steps[: facts.steps.index(step)]:
        if milder.call is None or not is_longer(step.deadline, milder.deadline):
            continue
        is_next = milder.name in callers_of(step)
        if not is_next and (milder.below is None or step.below is None):
            continue
        reason = "which went unmet before it" if is_next else "which is milder"
        message = f"deadline was {step.deadline}, longer than {milder.deadline} of '{milder.name}', {reason}"
        place = facts.place(step, "deadline", (milder, "deadline"))
        hint = "things got worse: leave no more time than before"
        findings.add("MR-L104", place, message, hint, (facts.variant.name, step.name))
        return


def _judge_single_price(findings: Findings, facts: LadderFacts, step: StepPart) -> None:
    """Report a wait that one price outlasts: `for` is to make sure that more than one print says the same."""
    if not step.for_ns:
        return
    book = facts.analysis.book
    ages = {name: book.products[name].max_age_ns or book.max_age_ns for name in facts.products}
    name = max(sorted(ages), key=lambda one: ages[one], default="")
    if not name or ages[name] < step.for_ns:
        return
    message = (
        f"`for` was {span(step.for_ns)}, and a price of product '{name}' counts for {span(ages[name])}: "
        "a single bad one enters the step"
    )
    hint = f"wait longer than {span(ages[name])}, or let prices age sooner"
    findings.add("MR-L133", facts.place(step, "for"), message, hint, (facts.variant.name, step.name, name))
