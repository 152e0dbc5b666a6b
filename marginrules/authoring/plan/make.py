# SPDX-License-Identifier: Apache-2.0
"""Make a plan, and see whether it still holds."""

from __future__ import annotations

import difflib

from marginrules.authoring.plan.model import Base, Plan, PlannedImpact, StalePlanError
from marginrules.authoring.plan.words import comparison_words
from marginrules.errors import InputError
from marginrules.rulebook import Program, load
from marginrules.rulebook.compare import Change, Comparison, compare

_CONTEXT_LINES = 2
_DIGITS = 8  # of a digest, as people are shown it


def make_plan(
    before: Program | None,
    text: bytes,
    file: str,
    *,
    revision: int = 0,
    base_file: str = "",
    made_ns: int = 0,
    impact: PlannedImpact | None = None,
) -> Plan:
    """
    Return what would change if a text became the active rulebook.

    Args:
        before: the active rulebook, or any other to compare with; None where there is none.
        file: name of the text, for messages.
        revision, base_file: of `before`.
        impact: whom it hits, where somebody has looked.

    Raises:
        RulebookError: the text is no sound rulebook.
    """
    after = load(text, file)
    base = Base()
    if before is not None:
        base = Base(before.name, revision, before.digest, base_file or file, before.text)
    return Plan(
        base=base,
        name=after.name,
        file=file,
        text=text,
        digest=after.digest,
        comparison=compare_from(before, after),
        difference=_difference(base, text, file),
        impact=impact,
        made_ns=made_ns,
    )


def compare_from(before: Program | None, after: Program) -> Comparison:
    """Compare two rulebooks; the first one ever is a change that is neither stricter nor looser."""
    if before is not None:
        return compare(before, after)
    return Comparison("mixed", (Change("changed", "rulebook", "", after.name, after_line=1),), (), "", after.digest)


def _difference(base: Base, text: bytes, file: str) -> tuple[str, ...]:
    """Return the difference of two texts as `diff -u` writes it."""
    before, after = (one.decode().splitlines() for one in (base.text, text))
    names = base.file or "nothing", file
    return tuple(difflib.unified_diff(before, after, *names, n=_CONTEXT_LINES, lineterm=""))


def check_plan(plan: Plan) -> Program:
    """
    Return the rulebook of a plan, once it is sure that switching to it from its base does what the plan says.

    Raises:
        InputError: the plan says something else than its texts do.
        RulebookError: one of them is no sound rulebook.
    """
    after, base = load(plan.text, plan.file), _base_of(plan)
    is_base = (base.digest if base else "") == plan.base.digest
    if not is_base or after.digest != plan.digest or compare_from(base, after) != plan.comparison:
        raise InputError("MR-I141", "the plan says something else than its rulebook does", "make the plan again")
    return after


def stale(plan: Plan, active: Program | None, active_revision: int = 0) -> StalePlanError:
    """Return the refusal of a plan that was made against another rulebook than the active one, with the difference."""
    made = f"revision {plan.base.revision}, " if plan.base.revision else ""
    was = f"{made}digest {plan.base.digest[:_DIGITS]}" if plan.base.digest else "no rulebook"
    if active is None:
        return StalePlanError(f"the plan was made against {was}; none is active", "plan it again")
    now = f"revision {active_revision}, " if active_revision else ""
    message = f"the plan was made against {was}; active is {now}digest {active.digest[:_DIGITS]}"
    hint = "plan it again; since then the active rulebook changed as follows"
    return StalePlanError(message, hint, comparison_words(compare_from(_base_of(plan), active)))


def _base_of(plan: Plan) -> Program | None:
    """Return the rulebook that a plan was made against, from the text that it carries."""
    return load(plan.base.text, plan.base.file) if plan.base.digest else None
