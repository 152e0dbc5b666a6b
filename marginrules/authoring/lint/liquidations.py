# SPDX-License-Identifier: Apache-2.0
"""Liquidations: what precedes them, where they end, what goes on meanwhile, and who bears what is left."""

from __future__ import annotations

from marginrules.authoring.lint.finding import Findings
from marginrules.authoring.lint.ladder_facts import LadderFacts
from marginrules.codes import Restriction
from marginrules.rulebook.fields import percent
from marginrules.rulebook.schema import StepPart


def judge_liquidations(findings: Findings, facts: LadderFacts) -> None:
    """Judge every liquidation and waterfall of a ladder."""
    _judge_warning(findings, facts)
    for step in facts.steps:
        _judge_end(findings, facts, step)
        _judge_orders(findings, facts, step)
    _judge_loss(findings, facts)


def _judge_warning(findings: Findings, facts: LadderFacts) -> None:
    """Report the mildest liquidation by a threshold, where no milder step makes a call."""
    for step in facts.steps:
        if step.below is None or step.liquidate is None:
            continue
        milder = facts.steps[: facts.steps.index(step)]
        if not any(one.call and not facts.never_calls(one) for one in milder):
            message = f"step '{step.name}' liquidates below {percent(step.below)}, and no milder step calls first"
            callers = [(one, "call") for one in milder]
            findings.add(
                "MR-L120",
                facts.place(step, "liquidate", *callers),
                message,
                "let a step with `call` stand before it, or say in `lint` why there is none",
                (facts.variant.name, step.name),
            )
        return


def _judge_end(findings: Findings, facts: LadderFacts, step: StepPart) -> None:
    """Report a liquidation that stops inside its step, so that it starts again without getting anywhere."""
    terms = step.liquidate
    if terms is None or step.below is None:
        return
    leaves, names = facts.exit_of(step), (facts.variant.name, step.name)
    if terms.until and terms.until < leaves:
        message = f"liquidation ends at {percent(terms.until)}, and the step stays in force up to {percent(leaves)}"
        place = terms.places["until"]
    elif terms.target and not terms.until and terms.target < leaves:
        message = (
            f"target {percent(terms.target)} has no effect: the step goes on to {percent(leaves)}, where it clears"
        )
        place = terms.places["target"]
    else:
        return
    part = facts.variant.part
    if not part.has_changed(step, "liquidate") and (part.has_changed(step, "clear") or part.has_changed(step, "below")):
        place = facts.place(step, "clear" if part.has_changed(step, "clear") else "below")
    findings.add("MR-L127", place, message, f"liquidate up to {percent(leaves)} at least", names)


def _judge_orders(findings: Findings, facts: LadderFacts, step: StepPart) -> None:
    """Report a liquidation during which the pool may open new positions."""
    if step.liquidate is None or max(step.restrict, facts.restriction_with(step)) is not Restriction.NONE:
        return
    message = f"while '{step.name}' liquidates, the pool may open new positions: no step in force restricts it"
    milder = [(facts.step(name), "restrict") for name in sorted(facts.together(step))]
    findings.add(
        "MR-L128",
        facts.place(step, "liquidate", (step, "restrict"), *milder),
        message,
        "give `restrict: reduce_only` or `blocked`",
        (facts.variant.name, step.name),
    )


def _judge_loss(findings: Findings, facts: LadderFacts) -> None:
    """Report a loss that nobody bears, and a waterfall that nothing leads to."""
    takes = any(one.liquidate for one in facts.steps)
    covered = any(one.waterfall for one in facts.steps)
    for step in facts.steps:
        names = (facts.variant.name, step.name)
        if step.waterfall and not takes:
            message = (
                f"the waterfall of '{step.name}' is never drawn: no step liquidates, and a loss is known only then"
            )
            findings.add("MR-L131", facts.place(step, "waterfall"), message, "give a step `liquidate`", names)
        if step.below is not None and step.below <= 0 and not covered and not step.liquidate:
            message = f"step '{step.name}' begins where equity is below zero, and no step says who bears the loss"
            hint = "give it `waterfall: [insurance_fund, ...]`"
            findings.add("MR-L129", facts.place(step, "below"), message, hint, names)
