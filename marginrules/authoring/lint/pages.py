# SPDX-License-Identifier: Apache-2.0
"""
The page of each rule: what it finds, an example that has it, one that has not, and why it matters.

Pages are Markdown in `pages/`, several to a file:

    # MR-L101: title
    What.
    ```yaml bad
    ```
    ```yaml good
    ```
    Why.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from importlib.resources import files

from marginrules.authoring.lint.finding import level_of
from marginrules.errors import InputError
from marginrules.rulebook.diagnostic import PROBLEMS, suggest
from marginrules.rulebook.vocabulary.linting import LINT_RULES

_HEADING = re.compile(r"^# (MR-[LR]\d{3}): (.+)$", re.MULTILINE)
_EXAMPLE = re.compile(r"^```(\w+) (bad|good)\n(.*?)^```\n", re.MULTILINE | re.DOTALL)
_SPELLINGS = re.compile(r"(?:MR-?)?([LR])?(\d{3})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class RulePage:
    """
    Carry the page of one rule.

    Args:
        languages: of the bad and the good example: "yaml" for sections of a rulebook, "whole" for a whole one, "text"
            for what cannot be shown, only described.
    """

    rule: str
    title: str
    level: str
    what: str
    languages: tuple[str, str]
    bad: str
    good: str
    why: str

    @property
    def markdown(self) -> str:
        """Return the page as a document."""
        return (
            f"# {self.rule}: {self.title}\n\nLevel: {self.level}.\n\n{self.what}\n\n"
            f"Bad:\n\n```yaml\n{self.bad}```\n\nGood:\n\n```yaml\n{self.good}```\n\nWhy: {self.why}\n"
        )


@functools.cache
def pages() -> dict[str, RulePage]:
    """Return every page by its rule, rules of lint first."""
    found = {}
    folder = files("marginrules.authoring.lint") / "pages"
    for entry in sorted(folder.iterdir(), key=lambda one: one.name):
        if entry.name.endswith(".md"):
            found.update(_pages(entry.read_text(encoding="utf-8")))
    return dict(sorted(found.items()))


def _pages(text: str) -> dict[str, RulePage]:
    _, *parts = _HEADING.split(text)
    return {rule: _page(rule, title, body) for rule, title, body in zip(*[iter(parts)] * 3, strict=True)}


def _page(rule: str, title: str, body: str) -> RulePage:
    what, language, kind, bad, between, other, second, good, why = _EXAMPLE.split(body)
    if (kind, second) != ("bad", "good") or between.strip():
        raise AssertionError(f"the page of {rule} has no bad example followed by a good one")
    return RulePage(rule, title, level_of(rule).word, what.strip(), (language, other), bad, good, why.strip())


def find_page(name: str) -> RulePage:
    """
    Return the page of a rule, however its name is spelt: MR-L112, MR112, L112, l112 or 112.

    Raises:
        InputError: there is no such rule.
    """
    match = _SPELLINGS.fullmatch(name.strip())
    if match is not None:
        for letter in (match[1].upper(),) if match[1] else ("L", "R"):
            page = pages().get(f"MR-{letter}{match[2]}")
            if page is not None:
                return page
    hint = suggest(name.strip().upper(), (*LINT_RULES, *PROBLEMS)) or "`marginrules rule` lists them"
    raise InputError("MR-I165", f"no rule is named {name[:40]!r}", hint)
