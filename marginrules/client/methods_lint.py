# SPDX-License-Identifier: Apache-2.0
"""Calls about what rulebooks mean, and what they answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from marginrules._pb import lint_pb2
from marginrules.authoring.lint.finding import Finding, Level
from marginrules.client.rpc import Call, unary
from marginrules.rulebook.diagnostic import Place


@dataclass(frozen=True, slots=True)
class RuleText:
    """Carry the page of a rule; `markdown` is all of it as a document."""

    rule: str
    title: str
    level: str
    what: str
    bad: str
    good: str
    why: str
    markdown: str


class LintMethods:
    """List the methods of `LintService`."""

    @unary
    def lint_rulebook(
        self, text: bytes, file: str = "", *, against: bytes = b"", against_active: bool = False
    ) -> Call[list[Finding]]:
        """Return every finding in a rulebook; `against` is the former text, or it is the active one."""
        request = lint_pb2.LintRulebookRequest(file=file, text=text, against=against, against_active=against_active)
        return Call(request, lambda reply: [_finding(one) for one in reply.findings])

    @unary
    def rule(self, name: str) -> Call[RuleText]:
        """Return the page of a rule; InputError where there is none of that name."""
        return Call(lint_pb2.GetRuleRequest(rule=name), lambda reply: _page(reply.page))

    @unary
    def rules(self) -> Call[list[RuleText]]:
        """Return the page of every rule."""
        return Call(lint_pb2.ListRulesRequest(), lambda reply: [_page(one) for one in reply.pages])


def _level(number: Any) -> Level:
    return Level[lint_pb2.FindingLevel.Name(number).removeprefix("FINDING_LEVEL_")]


def _finding(one: lint_pb2.Finding) -> Finding:
    return Finding(
        one.file,
        Place(one.line, one.column, one.width),
        one.rule,
        _level(one.level),
        one.message,
        one.hint,
        one.source,
        tuple(one.names),
        one.because,
    )


def _page(one: lint_pb2.RulePage) -> RuleText:
    level = _level(one.level).word
    return RuleText(one.rule, one.title, level, one.what, one.bad, one.good, one.why, one.markdown)
