# SPDX-License-Identifier: Apache-2.0
"""What lint found: a rule, a level, a place, and the fix; and the collection that the rules write to."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass, field

from marginrules.rulebook.compile import Analysis
from marginrules.rulebook.diagnostic import Diagnostic, Place, printable
from marginrules.rulebook.vocabulary.linting import LINT_LIMITS, LINT_RULES


class Level(enum.IntEnum):
    """Say how much a finding weighs; the greater weighs more."""

    OFF = 0
    NOTE = 1
    WARNING = 2
    ERROR = 3

    @property
    def word(self) -> str:
        """Return the word a rulebook uses."""
        return self.name.lower()


# What is an error would surprise everyone the day it happens: a call nobody can pay, an instrument nobody can trade.
ERRORS = frozenset({"MR-L101", "MR-L105", "MR-L114", "MR-L126"})


def level_of(rule: str) -> Level:
    """Return the level of a rule where the book sets none; what the checker refuses is an error."""
    return Level.ERROR if rule in ERRORS or rule not in LINT_RULES else Level.WARNING


@dataclass(frozen=True, slots=True)
class Finding:
    """
    Carry one finding.

    Args:
        rule: of lint, or the code of the checker's problem.
        names: what it is about: a ladder, its step, a product; a book may set the level for one of them.
        because: why the book set the level, where it did.
    """

    file: str
    place: Place
    rule: str
    level: Level
    message: str
    hint: str = ""
    source: str = ""  # the line it stands on
    names: tuple[str, ...] = ()
    because: str = ""


def refused(one: Diagnostic) -> Finding:
    """Return a problem that the checker found."""
    return Finding(one.file, one.place, one.code, Level.ERROR, one.message, one.hint, one.source)


@dataclass(slots=True)
class Findings:
    """Collect what the rules find in one book; each rule is said once at each place."""

    analysis: Analysis
    found: dict[tuple[str, Place], Finding] = field(default_factory=dict)

    def add(self, rule: str, place: Place, message: str, hint: str, names: Iterable[str] = ()) -> None:
        """Record a finding; `rule` is one of `LINT_RULES`."""
        if rule not in LINT_RULES:
            raise AssertionError(f"{rule} is no rule of lint")
        lines = self.analysis.lines
        source = lines[place.line - 1] if 0 < place.line <= len(lines) else ""
        about = tuple(dict.fromkeys(name for name in names if name))
        finding = Finding(
            self.analysis.file, place, rule, level_of(rule), printable(message), printable(hint), source, about
        )
        self.found.setdefault((rule, place), finding)

    def limit(self, rule: str) -> float:
        """Return the amount that a rule of `LINT_LIMITS` compares with."""
        setting = self.analysis.book.lint.get(rule)
        own = setting.limit if setting else None
        return float(LINT_LIMITS[rule][0] if own is None else own)
