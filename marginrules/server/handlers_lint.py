# SPDX-License-Identifier: Apache-2.0
"""Lint: what a rulebook means, and the pages of the rules."""

from __future__ import annotations

from marginrules._pb import lint_pb2
from marginrules.authoring.lint import Finding, Level, lint
from marginrules.authoring.lint.pages import RulePage, find_page, pages
from marginrules.limits import RULEBOOK_BYTES_MAX
from marginrules.server.method import Method
from marginrules.service.service import Service

_BOOKS = 2 * RULEBOOK_BYTES_MAX + 4_096


class LintHandlers:
    """Serve `LintService`."""

    _service: Service

    def lint_rulebook(self, request: lint_pb2.LintRulebookRequest) -> lint_pb2.LintRulebookResponse:
        """Judge a text, beside the active one where that is asked for."""
        against = self._service.shard.program.text if request.against_active else request.against or None
        found = lint(request.text, request.file or "rulebook.yaml", against)
        return lint_pb2.LintRulebookResponse(findings=[_finding(one) for one in found])

    def get_rule(self, request: lint_pb2.GetRuleRequest) -> lint_pb2.GetRuleResponse:
        """Return the page of a rule."""
        return lint_pb2.GetRuleResponse(page=_page(find_page(request.rule)))

    def list_rules(self, _: lint_pb2.ListRulesRequest) -> lint_pb2.ListRulesResponse:
        """Return every page."""
        return lint_pb2.ListRulesResponse(pages=[_page(one) for one in pages().values()])


def _finding(one: Finding) -> lint_pb2.Finding:
    return lint_pb2.Finding(
        file=one.file,
        line=one.place.line,
        column=one.place.column,
        width=one.place.width,
        rule=one.rule,
        level=f"FINDING_LEVEL_{one.level.name}",
        message=one.message,
        hint=one.hint,
        source=one.source,
        names=one.names,
        because=one.because,
    )


def _page(one: RulePage) -> lint_pb2.RulePage:
    return lint_pb2.RulePage(
        rule=one.rule,
        title=one.title,
        level=f"FINDING_LEVEL_{Level[one.level.upper()].name}",
        what=one.what,
        bad=one.bad,
        good=one.good,
        why=one.why,
        markdown=one.markdown,
    )


METHODS: tuple[Method, ...] = (
    Method("LintService", "LintRulebook", lint_pb2.LintRulebookRequest, "lint_rulebook", "read", bytes_max=_BOOKS),
    Method("LintService", "GetRule", lint_pb2.GetRuleRequest, "get_rule", "read"),
    Method("LintService", "ListRules", lint_pb2.ListRulesRequest, "list_rules", "read"),
)
