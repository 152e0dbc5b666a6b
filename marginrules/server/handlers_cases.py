# SPDX-License-Identifier: Apache-2.0
"""Cases: run against a rulebook, and made of what the server decides now."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from marginrules._pb import cases_pb2, rulebook_pb2
from marginrules.authoring.cases import CaseResult, Failure, SuiteResult, run_suite
from marginrules.authoring.cases.boundaries import boundaries
from marginrules.authoring.cases.coverage import Coverage
from marginrules.authoring.cases.mutants import Mutant
from marginrules.authoring.cases.mutation import CaseText, MutationResult, run_mutants
from marginrules.authoring.cases.record import record_case
from marginrules.errors import CasesError, RulebookError
from marginrules.limits import RULEBOOK_BYTES_MAX
from marginrules.rulebook import load
from marginrules.server import codec
from marginrules.server.method import Method
from marginrules.server.telling import processes, told
from marginrules.service.service import Service

_TEXTS = 2 * RULEBOOK_BYTES_MAX + (64 << 10)


class CasesHandlers:
    """Serve `CasesService`."""

    _service: Service

    def run_cases(self, request: cases_pb2.RunCasesRequest) -> cases_pb2.RunCasesResponse:
        """Play cases against a rulebook that is given, or the active one."""
        file = request.rulebook_file or "rulebook.yaml"
        try:
            program = load(request.rulebook, file) if request.rulebook else self._service.shard.program
            found = run_suite(
                program,
                file,
                request.cases,
                request.cases_file or "cases.yaml",
                pattern=request.pattern,
                with_coverage=request.with_coverage,
                stop_at_first=request.stop_at_first,
            )
        except RulebookError as error:
            problems = [codec.diagnostic(one) for one in error.diagnostics]
            if isinstance(error, CasesError):
                return cases_pb2.RunCasesResponse(cases_diagnostics=problems)
            return cases_pb2.RunCasesResponse(rulebook_diagnostics=problems)
        return _response(found, program.digest)

    def record_case(self, request: cases_pb2.RecordCaseRequest) -> cases_pb2.RecordCaseResponse:
        """Make a case of how a pool stands, and of the answer to an order."""
        order = codec.asked_order(request.order) if request.HasField("order") else None
        found = self._service.record(request.account_id, request.pool, order)
        return cases_pb2.RecordCaseResponse(case_text=record_case(found, name=request.case_name))

    def run_mutants(
        self, request: cases_pb2.RunMutantsRequest, is_over: Callable[[], bool]
    ) -> Iterator[cases_pb2.RunMutantsResponse]:
        """Move each value of a rulebook a little, and say which moves no case notices."""

        def work(tell: Callable[[cases_pb2.RunMutantsResponse], None]) -> cases_pb2.RunMutantsResponse:
            def progress(done: int, total: int) -> None:
                tell(cases_pb2.RunMutantsResponse(progress=cases_pb2.MutantProgress(done=done, total=total)))

            text, file, cases = self._texts(request)
            try:
                with processes(request.processes) as executor:
                    found = run_mutants(text, file, cases, executor, at_most=request.at_most, progress=progress)
            except CasesError as error:
                return cases_pb2.RunMutantsResponse(cases_diagnostics=_problems(error))
            except RulebookError as error:
                return cases_pb2.RunMutantsResponse(rulebook_diagnostics=_problems(error))
            return cases_pb2.RunMutantsResponse(report=_report(found))

        return told(work, is_over)

    def make_boundary_cases(
        self, request: cases_pb2.MakeBoundaryCasesRequest, is_over: Callable[[], bool]
    ) -> Iterator[cases_pb2.MakeBoundaryCasesResponse]:
        """Make the cases at every threshold of a rulebook."""

        def work(tell: Callable[[cases_pb2.MakeBoundaryCasesResponse], None]) -> cases_pb2.MakeBoundaryCasesResponse:
            tell(cases_pb2.MakeBoundaryCasesResponse())
            text, file, cases = self._texts(request)
            try:
                with processes(request.processes) as executor:
                    made = boundaries(text, file, cases, executor)
            except CasesError as error:
                return cases_pb2.MakeBoundaryCasesResponse(cases_diagnostics=_problems(error))
            except RulebookError as error:
                return cases_pb2.MakeBoundaryCasesResponse(rulebook_diagnostics=_problems(error))
            return cases_pb2.MakeBoundaryCasesResponse(cases=made)

        return told(work, is_over)

    def _texts(
        self, request: cases_pb2.RunMutantsRequest | cases_pb2.MakeBoundaryCasesRequest
    ) -> tuple[bytes, str, list[CaseText]]:
        """Return the rulebook, its file and the files of cases that a request names."""
        text = request.rulebook or self._service.shard.program.text
        return text, request.rulebook_file or "rulebook.yaml", [(one.file, one.text) for one in request.cases]


def _problems(error: RulebookError) -> list[rulebook_pb2.Diagnostic]:
    return [codec.diagnostic(one) for one in error.diagnostics]


def _report(one: MutationResult) -> cases_pb2.MutantReport:
    return cases_pb2.MutantReport(
        file=one.file,
        tried=[_mutant(tried.mutant, tried.noticed_by) for tried in one.tried],
        left_out=[_mutant(mutant) for mutant in one.left_out],
    )


def _mutant(one: Mutant, noticed_by: str = "") -> cases_pb2.Mutant:
    return cases_pb2.Mutant(
        line=one.place.line,
        column=one.place.column,
        width=one.place.width,
        path=one.path,
        before=one.old,
        after=one.new,
        noticed_by=noticed_by,
        why=one.why,
    )


def _response(one: SuiteResult, digest: str) -> cases_pb2.RunCasesResponse:
    return cases_pb2.RunCasesResponse(
        digest=digest,
        rulebook_file=one.book_file,
        cases_file=one.file,
        cases=[_outcome(result) for result in one.results],
        coverage=None if one.coverage is None else _coverage(one.coverage),
    )


def _outcome(one: CaseResult) -> cases_pb2.CaseOutcome:
    failures = [_failure(failure) for failure in one.failures]
    return cases_pb2.CaseOutcome(case_name=one.case, file=one.file, line=one.line, failures=failures)


def _failure(one: Failure) -> cases_pb2.CaseFailure:
    return cases_pb2.CaseFailure(
        file=one.file,
        line=one.line,
        column=one.column,
        time_ns=one.time_ns,
        pool=one.pool,
        field=one.field,
        expected=one.expected,
        got=one.got,
        rule=one.rule,
        because=one.because,
        difference=one.difference,
    )


def _coverage(one: Coverage) -> cases_pb2.CaseCoverage:
    missed = [cases_pb2.MissedBranch(what=branch.what, line=branch.line) for branch in one.missed]
    return cases_pb2.CaseCoverage(rulebook_file=one.file, total=one.total, missed=missed)


METHODS: tuple[Method, ...] = (
    Method(
        "CasesService",
        "RunCases",
        cases_pb2.RunCasesRequest,
        "run_cases",
        "read",
        bytes_max=_TEXTS,
    ),
    Method("CasesService", "RecordCase", cases_pb2.RecordCaseRequest, "record_case", "read"),
    Method("CasesService", "RunMutants", cases_pb2.RunMutantsRequest, "run_mutants", "stream", "watch", _TEXTS),
    Method(
        "CasesService",
        "MakeBoundaryCases",
        cases_pb2.MakeBoundaryCasesRequest,
        "make_boundary_cases",
        "stream",
        "watch",
        _TEXTS,
    ),
)
