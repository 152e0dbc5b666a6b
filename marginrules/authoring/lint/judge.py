# SPDX-License-Identifier: Apache-2.0
"""
Lint: what a rulebook means, judged exactly.

Ladders and tiers are a closed vocabulary, so a rule says what it proves and guesses nothing. Overrides are merged in as
the compiler does it; what goes wrong only with one is reported where the override stands.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from marginrules.authoring.lint.assets import judge_assets
from marginrules.authoring.lint.calls import judge_calls
from marginrules.authoring.lint.finding import Finding, Findings, Level, refused
from marginrules.authoring.lint.former import judge_former
from marginrules.authoring.lint.ladder_facts import LadderFacts, facts_of
from marginrules.authoring.lint.ladders import judge_steps
from marginrules.authoring.lint.liquidations import judge_liquidations
from marginrules.authoring.lint.overrides import judge_overrides
from marginrules.authoring.lint.products import judge_products
from marginrules.authoring.lint.tiers import judge_tiers
from marginrules.authoring.lint.timing import judge_times
from marginrules.authoring.lint.unused import judge_names
from marginrules.errors import RulebookError
from marginrules.rulebook.compile import Analysis, analyse
from marginrules.rulebook.linting import LintSetting

_OF_LADDERS: tuple[Callable[[Findings, LadderFacts], None], ...] = (
    judge_steps,
    judge_times,
    judge_calls,
    judge_liquidations,
)
_OF_BOOKS: tuple[Callable[[Findings], None], ...] = (
    judge_products,
    judge_tiers,
    judge_assets,
    judge_overrides,
    judge_names,
)
_NEEDS_FORMER = ("MR-L130", "MR-L134")


def lint(content: bytes, file: str, against: bytes | None = None) -> tuple[Finding, ...]:
    """
    Return what is wrong with a rulebook, in the order of the text; of one that is refused, why.

    Args:
        against: the text of the former book; one that does not compile any more is not compared with.
    """
    try:
        analysis = analyse(content, file)
    except RulebookError as error:
        return tuple(refused(one) for one in error.diagnostics)
    return lint_analysis(analysis, _former(against))


def _former(text: bytes | None) -> Analysis | None:
    try:
        return None if text is None else analyse(text, "former")
    except RulebookError:
        return None


def lint_analysis(analysis: Analysis, former: Analysis | None = None) -> tuple[Finding, ...]:
    """Return what is wrong with a rulebook that compiles."""
    findings = Findings(analysis)
    for facts in facts_of(findings):
        for judge_ladder in _OF_LADDERS:
            judge_ladder(findings, facts)
    for judge in _OF_BOOKS:
        judge(findings)
    if former is not None:
        judge_former(findings, former)
    kept = _weighed(findings, has_former=former is not None)
    return tuple(sorted(kept, key=lambda one: (one.place, one.rule)))


def _weighed(findings: Findings, *, has_former: bool) -> list[Finding]:
    """Give each finding the level that the book sets, and report settings that are for nothing."""
    settings = findings.analysis.book.lint
    used: set[str] = set()
    kept = []
    for one in findings.found.values():
        setting = settings.get(one.rule)
        if setting is not None and _is_meant(setting, one):
            used.add(one.rule)
            level = Level[setting.level.upper()] if setting.level else one.level
            kept.append(replace(one, level=level, because=setting.because))
        else:
            kept.append(one)
    unused = Findings(findings.analysis)
    for rule, setting in settings.items():
        is_open = rule in _NEEDS_FORMER and not has_former
        if rule not in used and not is_open and setting.limit is None:
            message = f"the setting of {rule} is for nothing: the rule finds nothing" + (
                f" about {', '.join(setting.only)}" if setting.only else " in this book"
            )
            unused.add("MR-L190", setting.place, message, "delete it", ())
    return [one for one in (*kept, *unused.found.values()) if one.level is not Level.OFF]


def _is_meant(setting: LintSetting, one: Finding) -> bool:
    return not setting.only or not set(setting.only).isdisjoint(one.names)
