# SPDX-License-Identifier: Apache-2.0
"""Calls that play cases against a rulebook, and make cases of what a server decides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from marginrules._pb import cases_pb2, rulebook_pb2
from marginrules.authoring.cases.coverage import Branch, Coverage
from marginrules.authoring.cases.mutants import Mutant
from marginrules.authoring.cases.mutation import MutationResult, Tried
from marginrules.authoring.cases.result import CaseResult, Failure
from marginrules.authoring.cases.suite import SuiteResult
from marginrules.client import codec
from marginrules.client.rpc import Call, stream, unary
from marginrules.errors import CasesError, RulebookError
from marginrules.model import CROSS, Order
from marginrules.rulebook.diagnostic import Place


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

    @stream
    def run_mutants(
        self,
        cases: Mapping[str, bytes],
        rulebook: bytes = b"",
        *,
        rulebook_file: str = "rulebook.yaml",
        at_most: int = 0,
        processes: int = 0,
    ) -> Call[tuple[int, int] | MutationResult]:
        """
        Move each value of a rulebook a little and see which moves no case notices; what comes last is the result.

        Args:
            cases: files of cases by name; all must hold for the rulebook as it is.
            rulebook: the active one where it is empty.
            at_most: tries only so many, taken evenly from all; 0: all.

        Yields:
            How many were tried, of how many; then the result.

        Raises:
            RulebookError, CasesError: one of the texts was refused.
        """
        request = cases_pb2.RunMutantsRequest(
            rulebook=rulebook,
            rulebook_file=rulebook_file,
            cases=_texts(cases),
            at_most=at_most,
            processes=processes,
        )
        return Call(request, _mutation)

    @stream
    def make_boundary_cases(
        self,
        cases: Mapping[str, bytes],
        rulebook: bytes = b"",
        *,
        rulebook_file: str = "rulebook.yaml",
        processes: int = 0,
    ) -> Call[str]:
        """Make the cases at every threshold of a rulebook; what comes last is their file, "" before."""
        request = cases_pb2.MakeBoundaryCasesRequest(
            rulebook=rulebook, rulebook_file=rulebook_file, cases=_texts(cases), processes=processes
        )
        return Call(request, _boundaries)


def _texts(cases: Mapping[str, bytes]) -> list[cases_pb2.CasesText]:
    return [cases_pb2.CasesText(file=file, text=text) for file, text in cases.items()]


def _refuse(rulebook: Iterable[rulebook_pb2.Diagnostic], cases: Iterable[rulebook_pb2.Diagnostic]) -> None:
    """Raise what one of the texts was refused for."""
    problems = tuple(codec.decode_diagnostic(one) for one in rulebook)
    if problems:
        raise RulebookError(problems)
    problems = tuple(codec.decode_diagnostic(one) for one in cases)
    if problems:
        raise CasesError(problems)


def _mutation(one: cases_pb2.RunMutantsResponse) -> tuple[int, int] | MutationResult:
    _refuse(one.rulebook_diagnostics, one.cases_diagnostics)
    if one.HasField("progress"):
        return one.progress.done, one.progress.total
    report = one.report
    tried = tuple(Tried(_mutant(report.file, mutant), mutant.noticed_by) for mutant in report.tried)
    return MutationResult(report.file, tried, tuple(_mutant(report.file, mutant) for mutant in report.left_out))


def _mutant(file: str, one: cases_pb2.Mutant) -> Mutant:
    place = Place(one.line, one.column, one.width)
    return Mutant(file, place, tuple(one.path), one.before, one.after, why=one.why)


def _boundaries(one: cases_pb2.MakeBoundaryCasesResponse) -> str:
    _refuse(one.rulebook_diagnostics, one.cases_diagnostics)
    return one.cases


def _suite(one: cases_pb2.RunCasesResponse) -> SuiteResult:
    _refuse(one.rulebook_diagnostics, one.cases_diagnostics)
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
