# SPDX-License-Identifier: Apache-2.0
"""Steps that never come, add nothing, clear where they begin, or grow weaker as things get worse."""

from __future__ import annotations

from marginrules.authoring.lint.finding import Findings
from marginrules.authoring.lint.ladder_facts import LadderFacts, callers_of, takes_all
from marginrules.codes import Restriction
from marginrules.rulebook.fields import percent, span
from marginrules.rulebook.schema import LiquidatePart, StepPart


def judge_steps(findings: Findings, facts: LadderFacts) -> None:
    """Judge every step of a ladder by itself and against the milder ones."""
    for step in facts.steps:
        _judge_entry(findings, facts, step)
        _judge_effect(findings, facts, step)
        _judge_exit(findings, facts, step)
        _judge_restriction(findings, facts, step)
        _judge_pace(findings, facts, step)


def _names(facts: LadderFacts, step: StepPart) -> tuple[str, str]:
    return facts.variant.name, step.name


def _judge_entry(findings: Findings, facts: LadderFacts, step: StepPart) -> None:
    """Report a call that is never made, and what only such a call would enter."""
    taker = facts.never_calls(step)
    if taker is not None:
        place = facts.place(step, "call", (taker, "liquidate"), (taker, "below"), (step, "below"))
        message = f"the call of '{step.name}' is never made: '{taker.name}' has everything liquidated by then"
        hint = f"let '{taker.name}' liquidate a part, or move its threshold further down"
        findings.add("MR-L101", place, message, hint, _names(facts, step))
    if step.below is None:
        callers = [facts.step(name) for name in callers_of(step)]
        if callers and all(facts.never_calls(one) for one in callers):
            message = f"step '{step.name}' is never entered: the call of '{callers[0].name}' is never made"
            hint = "give it `below`, or delete it"
            findings.add(
                "MR-L101", facts.place(step, "after", (callers[0], "call")), message, hint, _names(facts, step)
            )


def _does_nothing_else(step: StepPart) -> bool:
    return not (step.call or step.liquidate or step.waterfall or step.notify)


def _judge_effect(findings: Findings, facts: LadderFacts, step: StepPart) -> None:
    """Report a step without any effect, or without one beyond that of milder steps."""
    milder = [facts.step(name) for name in facts.together(step)]
    if _does_nothing_else(step) and step.restrict is Restriction.NONE:
        message = f"step '{step.name}' does nothing: it tells nobody, restricts, calls and liquidates nothing"
        findings.add(
            "MR-L107", facts.place(step, "step"), message, "give it `notify`, or delete it", _names(facts, step)
        )
    elif _does_nothing_else(step) and step.restrict == facts.restriction_with(step):
        by = next(one for one in milder if one.restrict == step.restrict)
        message = f"step '{step.name}' adds nothing: '{by.name}' is in force with it and restricts as much"
        place = facts.place(step, "restrict", (by, "restrict"), (by, "for"), (step, "for"))
        findings.add("MR-L102", place, message, "give it another effect, or delete it", _names(facts, step))
    by_all = next((one for one in milder if takes_all(one)), None)
    if by_all is not None and takes_all(step):
        message = f"step '{step.name}' liquidates nothing: '{by_all.name}' already has everything liquidated"
        place = facts.place(step, "liquidate", (by_all, "liquidate"), (by_all, "for"), (step, "for"))
        hint = f"delete it here, or let '{by_all.name}' liquidate a part"
        findings.add("MR-L102", place, message, hint, _names(facts, step))


def _judge_exit(findings: Findings, facts: LadderFacts, step: StepPart) -> None:
    """Report an exit without effect, and one equal to the entry."""
    if step.below is None:
        reached = max((facts.exit_of(facts.step(name)) for name in callers_of(step)), default=None)
        if step.clear is not None and reached is not None and step.clear < reached:
            caller = max((facts.step(name) for name in callers_of(step)), key=facts.exit_of)
            message = f"clear {percent(step.clear)} has no effect: '{caller.name}', whose call went unmet, clears at "
            place = facts.place(step, "clear", (caller, "clear"), (caller, "below"))
            message += percent(reached)
            findings.add("MR-L132", place, message, "delete it, or raise it", _names(facts, step))
        return
    if facts.exit_of(step) > step.below or _closes(step) or repeats_without_end(facts, step):
        return
    if step.restrict is Restriction.NONE and not step.call and not step.notify:
        return
    message = f"step '{step.name}' clears where it begins, at {percent(step.below)}: each tick across enters it again"
    place = facts.place(step, "clear" if "clear" in step.places else "below", (step, "below"))
    findings.add("MR-L103", place, message, f"give `clear` above {percent(step.below)}", _names(facts, step))


def _closes(step: StepPart) -> bool:
    """Say whether a step ends otherwise: by closing everything, by a liquidation that goes on, or as a default."""
    terms = step.liquidate
    if terms is None:
        return bool(step.waterfall)
    return terms.fraction == 1 or (step.below is not None and max(terms.until, terms.target) > step.below)


def repeats_without_end(facts: LadderFacts, step: StepPart) -> bool:
    """Say whether nothing keeps the calls of a step apart: no band, no least amount, no time."""
    if step.call is None or step.below is None or step.for_ns or facts.exit_of(step) > step.below:
        return False
    increment = facts.analysis.book.increment
    return max(step.call.minimum_transfer, step.call.round_to or increment) <= increment or (
        step.call.minimum_transfer == 0
    )


def _judge_restriction(findings: Findings, facts: LadderFacts, step: StepPart) -> None:
    """Report a restriction weaker than what a milder step asks for already: it never applies."""
    if "restrict" not in step.places or step.restrict >= facts.restriction_with(step):
        return
    by = max((facts.step(name) for name in facts.together(step)), key=lambda one: one.restrict)
    message = f"restrict was {step.restrict.word}, weaker than {by.restrict.word} of '{by.name}', which is in force too"
    place = facts.place(step, "restrict", (by, "restrict"), (by, "for"), (step, "for"))
    hint = f"write {by.restrict.word}, or delete it: the strictest applies"
    findings.add("MR-L108", place, message, hint, _names(facts, step))


def _judge_pace(findings: Findings, facts: LadderFacts, step: StepPart) -> None:
    """Report a liquidation that takes less, or less often, than that of a milder step in force with it."""
    terms = step.liquidate
    if terms is None:
        return
    for name in sorted(facts.together(step), key=lambda one: -facts.steps.index(facts.step(one))):
        milder = facts.step(name)
        other = milder.liquidate
        if other is None:
            continue
        what = _weaker(terms, other)
        if what:
            place = facts.place(step, "liquidate", (milder, "liquidate"), (milder, "for"), (step, "for"))
            hint = "a step further down takes over from the milder one: let it liquidate at least as much"
            message = f"step '{step.name}' liquidates {what} by '{milder.name}'"
            findings.add("MR-L109", place, message, hint, _names(facts, step))
        return


def _weaker(terms: LiquidatePart, other: LiquidatePart) -> str:
    """Say in what a liquidation takes less than another; nothing where that is not certain."""
    if terms.fraction and terms.fraction < other.fraction:
        return f"{percent(terms.fraction)} at a time, less than {percent(other.fraction)}"
    if other.fraction == 1 and not terms.fraction:
        return f"down to a target of {percent(terms.target)}, less than everything"
    if terms.target and other.target and terms.target < other.target:
        return f"down to a target of {percent(terms.target)}, less than {percent(other.target)}"
    if terms.fraction and terms.fraction == other.fraction != 1 and terms.every_ns > other.every_ns:
        return f"every {span(terms.every_ns)}, less often than every {span(other.every_ns)}"
    return ""
