# SPDX-License-Identifier: Apache-2.0
"""Calls that play cases against a rulebook, and make cases of what a server decides."""

from __future__ import annotations

from marginrules._pb import cases_pb2
from marginrules.authoring.cases.coverage import Branch, Coverage
from marginrules.authoring.cases.result import CaseResult, Failure
from marginrules.authoring.cases.suite import SuiteResult
from marginrules.client import codec
from marginrules.client.rpc import Call, unary
from marginrules.errors import CasesError, RulebookError
from marginrules.model import CROSS, Order


class CasesMethods:
    """List the methods for cases."""

    @unary
    def run_cases(
        self,
        cases: bytes,
        rulebook: bytes = b"",
        *,
        cases_file: str = "cases.yaml",
        rulebook_file: str = "rulebook.yaml",
        pattern: str = "",
        with_coverage: bool = False,
        stop_at_first: bool = False,
    ) -> Call[SuiteResult]:
        """
        Play the cases of a text against a rulebook, or against the active one where none is given.

        Raises:
            RulebookError, CasesError: one of the texts was refused.
        """
        request = cases_pb2.RunCasesRequest(
            rulebook=rulebook,
            rulebook_file=rulebook_file,
            cases=cases,
            cases_file=cases_file,
            pattern=pattern,
            with_coverage=with_coverage,
            stop_at_first=stop_at_first,
        )
        return Call(request, _suite)

    @unary
    def record_case(self, account: str, pool: str = CROSS, order: Order | None = None, *, name: str = "") -> Call[str]:
        """Return a case of how a pool stands, and of the answer to an order, as an item of `cases`."""
        request = cases_pb2.RecordCaseRequest(
            account_id=account, pool=pool, order=codec.encode_order(order) if order else None, case_name=name
        )
        return Call(request, lambda reply: str(reply.case_text))


def _suite(one: cases_pb2.RunCasesResponse) -> SuiteResult:
    if one.rulebook_diagnostics:
        raise RulebookError(tuple(codec.decode_diagnostic(problem) for problem in one.rulebook_diagnostics))
    if one.cases_diagnostics:
        raise CasesError(tuple(codec.decode_diagnostic(problem) for problem in one.cases_diagnostics))
    found = _coverage(one.coverage) if one.HasField("coverage") else None
    return SuiteResult(one.cases_file, one.rulebook_file, tuple(_result(case) for case in one.cases), found)


def _result(one: cases_pb2.CaseOutcome) -> CaseResult:
    failures = tuple(_failure(one.case_name, failure) for failure in one.failures)
    return CaseResult(one.case_name, one.file, one.line, failures)


def _failure(case: str, one: cases_pb2.CaseFailure) -> Failure:
    place = (case, one.file, one.line, one.column)
    found = (one.pool, one.field, one.expected, one.got, one.rule, one.because)
    return Failure(*place, one.time_ns, *found, tuple(one.difference))


def _coverage(one: cases_pb2.CaseCoverage) -> Coverage:
    missed = tuple(Branch((), branch.what, branch.line) for branch in one.missed)
    return Coverage(one.rulebook_file, one.total, missed)
