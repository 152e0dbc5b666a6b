# SPDX-License-Identifier: Apache-2.0
"""Calls: whether they end, lead to anything, can be paid, and clear their step once they are."""

from __future__ import annotations

from decimal import Decimal

from marginrules.authoring.lint.finding import Findings
from marginrules.authoring.lint.ladder_facts import LadderFacts, callers_of, target_of
from marginrules.authoring.lint.ladders import repeats_without_end
from marginrules.rulebook.fields import grouped, percent
from marginrules.rulebook.schema import CallPart, Margin, StepPart, Tier


def judge_calls(findings: Findings, facts: LadderFacts) -> None:
    """Judge every call of a ladder."""
    for step in facts.steps:
        if step.call is not None:
            names = (facts.variant.name, step.name)
            _judge_repetition(findings, facts, step, names)
            _judge_end(findings, facts, step, names)
            _judge_cure(findings, facts, step, names)
            _judge_amounts(findings, facts, step.call, step, names)
            if "client" not in step.notify:
                message = f"the client is not told of the call of '{step.name}', and its deadline runs"
                place = facts.place(step, "notify" if "notify" in step.places else "call")
                findings.add("MR-L124", place, message, "give `notify: [client, ...]`", names)


def _judge_repetition(findings: Findings, facts: LadderFacts, step: StepPart, names: tuple[str, str]) -> None:
    if step.below is None or not repeats_without_end(facts, step):
        return
    message = (
        f"'{step.name}' can call again at every tick: it clears where it begins, at {percent(step.below)}, "
        "and neither a least amount nor a time keeps its calls apart"
    )
    place = facts.place(step, "call", (step, "clear"), (step, "below"), (step, "for"))
    findings.add("MR-L121", place, message, f"give `clear` above {percent(step.below)}, or `minimum_transfer`", names)


def _judge_end(findings: Findings, facts: LadderFacts, step: StepPart, names: tuple[str, str]) -> None:
    """Report the last call of a road on which nothing is ever liquidated."""
    after = facts.followers(step)
    if facts.never_calls(step) or any(one.liquidate for one in after) or any(one.call for one in after):
        return
    last = after[-1].name if after else step.name
    message = f"when the call of '{step.name}' goes unmet, nothing is liquidated: it ends at '{last}'"
    place = facts.place(step, "call", *((one, "liquidate") for one in after))
    findings.add("MR-L122", place, message, f"give '{last}' `liquidate`, or let a later step follow that does", names)


def _judge_cure(findings: Findings, facts: LadderFacts, step: StepPart, names: tuple[str, str]) -> None:
    """Report a call that, paid in full, leaves its step in force."""
    if facts.never_calls(step):
        return
    target, why = target_of(step), ""
    if target is None:
        least = _least_initial(facts)
        if least is None:
            return
        target, why = least[0], f" for product '{least[1]}'"
    leaves = facts.exit_of(step)
    if target >= leaves:
        return
    message = f"the call of '{step.name}' restores {_shown(target)}{why}, and the step clears at {percent(leaves)}"
    callers = [(facts.step(name), "clear") for name in callers_of(step)]
    place = facts.place(step, "call", (step, "clear"), (step, "below"), *callers)
    hint = "who paid it in full stays where he was: restore at least where the step clears"
    findings.add("MR-L123", place, message, hint, names)


def _shown(ratio: Decimal) -> str:
    return percent(round(ratio, 4).normalize())


def _least_initial(facts: LadderFacts) -> tuple[Decimal, str] | None:
    """
    Return the least that initial margin is of maintenance margin, of products margined by tiers, and whose.

    Both are sums of lines, so their ratio is least at an edge of a tier, at nothing, or far out.
    """
    found: list[tuple[Decimal, str]] = []
    for chain in facts.analysis.chains:
        if chain.product and chain.ladder == facts.number and isinstance(chain.margin, Margin):
            ratios = _ratios(chain.margin.tiers)
            found += [(one, chain.product) for one in ratios]
    return min(found, default=None)


def _ratios(tiers: tuple[Tier, ...]) -> list[Decimal]:
    initial = maintenance = floor = Decimal(0)
    found = []
    for tier in tiers:
        if not floor and tier.maintenance:
            found.append(tier.initial / tier.maintenance)
        if tier.to is None:
            if tier.maintenance:
                found.append(tier.initial / tier.maintenance)
            break
        initial += (tier.to - floor) * tier.initial
        maintenance += (tier.to - floor) * tier.maintenance
        floor = tier.to
        if maintenance:
            found.append(initial / maintenance)
    return found


def _judge_amounts(
    findings: Findings, facts: LadderFacts, call: CallPart, step: StepPart, names: tuple[str, str]
) -> None:
    increment = facts.analysis.book.increment
    currency = facts.analysis.book.currency
    place = facts.place(step, "call")
    if call.round_to is not None and call.round_to % increment:
        message = (
            f"round_to was {grouped(call.round_to)}, no multiple of {grouped(increment)}, the increment of {currency}"
        )
        findings.add("MR-L126", place, message, f"write a multiple of {grouped(increment)}", names)
        return
    unit = call.round_to or increment
    if 0 < call.minimum_transfer <= unit:
        message = (
            f"minimum_transfer {grouped(call.minimum_transfer)} has no effect: amounts are multiples of {grouped(unit)}"
        )
        findings.add("MR-L125", place, message, f"raise it above {grouped(unit)}, or delete it", names)
