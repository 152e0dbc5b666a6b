from marginrules._pb import rulebook_pb2 as _rulebook_pb2
from marginrules._pb import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RunCasesRequest(_message.Message):
    __slots__ = ("rulebook", "rulebook_file", "cases", "cases_file", "pattern", "with_coverage", "stop_at_first")
    RULEBOOK_FIELD_NUMBER: _ClassVar[int]
    RULEBOOK_FILE_FIELD_NUMBER: _ClassVar[int]
    CASES_FIELD_NUMBER: _ClassVar[int]
    CASES_FILE_FIELD_NUMBER: _ClassVar[int]
    PATTERN_FIELD_NUMBER: _ClassVar[int]
    WITH_COVERAGE_FIELD_NUMBER: _ClassVar[int]
    STOP_AT_FIRST_FIELD_NUMBER: _ClassVar[int]
    rulebook: bytes
    rulebook_file: str
    cases: bytes
    cases_file: str
    pattern: str
    with_coverage: bool
    stop_at_first: bool
    def __init__(self, rulebook: _Optional[bytes] = ..., rulebook_file: _Optional[str] = ..., cases: _Optional[bytes] = ..., cases_file: _Optional[str] = ..., pattern: _Optional[str] = ..., with_coverage: _Optional[bool] = ..., stop_at_first: _Optional[bool] = ...) -> None: ...

class CaseFailure(_message.Message):
    __slots__ = ("file", "line", "column", "time_ns", "pool", "field", "expected", "got", "rule", "because", "difference")
    FILE_FIELD_NUMBER: _ClassVar[int]
    LINE_FIELD_NUMBER: _ClassVar[int]
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    TIME_NS_FIELD_NUMBER: _ClassVar[int]
    POOL_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_FIELD_NUMBER: _ClassVar[int]
    GOT_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    BECAUSE_FIELD_NUMBER: _ClassVar[int]
    DIFFERENCE_FIELD_NUMBER: _ClassVar[int]
    file: str
    line: int
    column: int
    time_ns: int
    pool: str
    field: str
    expected: str
    got: str
    rule: str
    because: str
    difference: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, file: _Optional[str] = ..., line: _Optional[int] = ..., column: _Optional[int] = ..., time_ns: _Optional[int] = ..., pool: _Optional[str] = ..., field: _Optional[str] = ..., expected: _Optional[str] = ..., got: _Optional[str] = ..., rule: _Optional[str] = ..., because: _Optional[str] = ..., difference: _Optional[_Iterable[str]] = ...) -> None: ...

class CaseOutcome(_message.Message):
    __slots__ = ("case_name", "file", "line", "failures")
    CASE_NAME_FIELD_NUMBER: _ClassVar[int]
    FILE_FIELD_NUMBER: _ClassVar[int]
    LINE_FIELD_NUMBER: _ClassVar[int]
    FAILURES_FIELD_NUMBER: _ClassVar[int]
    case_name: str
    file: str
    line: int
    failures: _containers.RepeatedCompositeFieldContainer[CaseFailure]
    def __init__(self, case_name: _Optional[str] = ..., file: _Optional[str] = ..., line: _Optional[int] = ..., failures: _Optional[_Iterable[_Union[CaseFailure, _Mapping]]] = ...) -> None: ...

class MissedBranch(_message.Message):
    __slots__ = ("what", "line")
    WHAT_FIELD_NUMBER: _ClassVar[int]
    LINE_FIELD_NUMBER: _ClassVar[int]
    what: str
    line: int
    def __init__(self, what: _Optional[str] = ..., line: _Optional[int] = ...) -> None: ...

class CaseCoverage(_message.Message):
    __slots__ = ("rulebook_file", "total", "missed")
    RULEBOOK_FILE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    MISSED_FIELD_NUMBER: _ClassVar[int]
    rulebook_file: str
    total: int
    missed: _containers.RepeatedCompositeFieldContainer[MissedBranch]
    def __init__(self, rulebook_file: _Optional[str] = ..., total: _Optional[int] = ..., missed: _Optional[_Iterable[_Union[MissedBranch, _Mapping]]] = ...) -> None: ...

class RunCasesResponse(_message.Message):
    __slots__ = ("digest", "rulebook_file", "cases_file", "cases", "coverage", "rulebook_diagnostics", "cases_diagnostics")
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    RULEBOOK_FILE_FIELD_NUMBER: _ClassVar[int]
    CASES_FILE_FIELD_NUMBER: _ClassVar[int]
    CASES_FIELD_NUMBER: _ClassVar[int]
    COVERAGE_FIELD_NUMBER: _ClassVar[int]
    RULEBOOK_DIAGNOSTICS_FIELD_NUMBER: _ClassVar[int]
    CASES_DIAGNOSTICS_FIELD_NUMBER: _ClassVar[int]
    digest: str
    rulebook_file: str
    cases_file: str
    cases: _containers.RepeatedCompositeFieldContainer[CaseOutcome]
    coverage: CaseCoverage
    rulebook_diagnostics: _containers.RepeatedCompositeFieldContainer[_rulebook_pb2.Diagnostic]
    cases_diagnostics: _containers.RepeatedCompositeFieldContainer[_rulebook_pb2.Diagnostic]
    def __init__(self, digest: _Optional[str] = ..., rulebook_file: _Optional[str] = ..., cases_file: _Optional[str] = ..., cases: _Optional[_Iterable[_Union[CaseOutcome, _Mapping]]] = ..., coverage: _Optional[_Union[CaseCoverage, _Mapping]] = ..., rulebook_diagnostics: _Optional[_Iterable[_Union[_rulebook_pb2.Diagnostic, _Mapping]]] = ..., cases_diagnostics: _Optional[_Iterable[_Union[_rulebook_pb2.Diagnostic, _Mapping]]] = ...) -> None: ...

class RecordCaseRequest(_message.Message):
    __slots__ = ("account_id", "pool", "order", "case_name")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    POOL_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    CASE_NAME_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    pool: str
    order: _types_pb2.Order
    case_name: str
    def __init__(self, account_id: _Optional[str] = ..., pool: _Optional[str] = ..., order: _Optional[_Union[_types_pb2.Order, _Mapping]] = ..., case_name: _Optional[str] = ...) -> None: ...

class RecordCaseResponse(_message.Message):
    __slots__ = ("case_text",)
    CASE_TEXT_FIELD_NUMBER: _ClassVar[int]
    case_text: str
    def __init__(self, case_text: _Optional[str] = ...) -> None: ...

class CasesText(_message.Message):
    __slots__ = ("file", "text")
    FILE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    file: str
    text: bytes
    def __init__(self, file: _Optional[str] = ..., text: _Optional[bytes] = ...) -> None: ...

class RunMutantsRequest(_message.Message):
    __slots__ = ("rulebook", "rulebook_file", "cases", "at_most", "processes")
    RULEBOOK_FIELD_NUMBER: _ClassVar[int]
    RULEBOOK_FILE_FIELD_NUMBER: _ClassVar[int]
    CASES_FIELD_NUMBER: _ClassVar[int]
    AT_MOST_FIELD_NUMBER: _ClassVar[int]
    PROCESSES_FIELD_NUMBER: _ClassVar[int]
    rulebook: bytes
    rulebook_file: str
    cases: _containers.RepeatedCompositeFieldContainer[CasesText]
    at_most: int
    processes: int
    def __init__(self, rulebook: _Optional[bytes] = ..., rulebook_file: _Optional[str] = ..., cases: _Optional[_Iterable[_Union[CasesText, _Mapping]]] = ..., at_most: _Optional[int] = ..., processes: _Optional[int] = ...) -> None: ...

class MutantProgress(_message.Message):
    __slots__ = ("done", "total")
    DONE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    done: int
    total: int
    def __init__(self, done: _Optional[int] = ..., total: _Optional[int] = ...) -> None: ...

class Mutant(_message.Message):
    __slots__ = ("line", "column", "width", "path", "before", "after", "noticed_by", "why")
    LINE_FIELD_NUMBER: _ClassVar[int]
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    NOTICED_BY_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    line: int
    column: int
    width: int
    path: _containers.RepeatedScalarFieldContainer[str]
    before: str
    after: str
    noticed_by: str
    why: str
    def __init__(self, line: _Optional[int] = ..., column: _Optional[int] = ..., width: _Optional[int] = ..., path: _Optional[_Iterable[str]] = ..., before: _Optional[str] = ..., after: _Optional[str] = ..., noticed_by: _Optional[str] = ..., why: _Optional[str] = ...) -> None: ...

class MutantReport(_message.Message):
    __slots__ = ("file", "tried", "left_out")
    FILE_FIELD_NUMBER: _ClassVar[int]
    TRIED_FIELD_NUMBER: _ClassVar[int]
    LEFT_OUT_FIELD_NUMBER: _ClassVar[int]
    file: str
    tried: _containers.RepeatedCompositeFieldContainer[Mutant]
    left_out: _containers.RepeatedCompositeFieldContainer[Mutant]
    def __init__(self, file: _Optional[str] = ..., tried: _Optional[_Iterable[_Union[Mutant, _Mapping]]] = ..., left_out: _Optional[_Iterable[_Union[Mutant, _Mapping]]] = ...) -> None: ...

class RunMutantsResponse(_message.Message):
    __slots__ = ("progress", "report", "rulebook_diagnostics", "cases_diagnostics")
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    REPORT_FIELD_NUMBER: _ClassVar[int]
    RULEBOOK_DIAGNOSTICS_FIELD_NUMBER: _ClassVar[int]
    CASES_DIAGNOSTICS_FIELD_NUMBER: _ClassVar[int]
    progress: MutantProgress
    report: MutantReport
    rulebook_diagnostics: _containers.RepeatedCompositeFieldContainer[_rulebook_pb2.Diagnostic]
    cases_diagnostics: _containers.RepeatedCompositeFieldContainer[_rulebook_pb2.Diagnostic]
    def __init__(self, progress: _Optional[_Union[MutantProgress, _Mapping]] = ..., report: _Optional[_Union[MutantReport, _Mapping]] = ..., rulebook_diagnostics: _Optional[_Iterable[_Union[_rulebook_pb2.Diagnostic, _Mapping]]] = ..., cases_diagnostics: _Optional[_Iterable[_Union[_rulebook_pb2.Diagnostic, _Mapping]]] = ...) -> None: ...

class MakeBoundaryCasesRequest(_message.Message):
    __slots__ = ("rulebook", "rulebook_file", "cases", "processes")
    RULEBOOK_FIELD_NUMBER: _ClassVar[int]
    RULEBOOK_FILE_FIELD_NUMBER: _ClassVar[int]
    CASES_FIELD_NUMBER: _ClassVar[int]
    PROCESSES_FIELD_NUMBER: _ClassVar[int]
    rulebook: bytes
    rulebook_file: str
    cases: _containers.RepeatedCompositeFieldContainer[CasesText]
    processes: int
    def __init__(self, rulebook: _Optional[bytes] = ..., rulebook_file: _Optional[str] = ..., cases: _Optional[_Iterable[_Union[CasesText, _Mapping]]] = ..., processes: _Optional[int] = ...) -> None: ...

class MakeBoundaryCasesResponse(_message.Message):
    __slots__ = ("cases", "rulebook_diagnostics", "cases_diagnostics")
    CASES_FIELD_NUMBER: _ClassVar[int]
    RULEBOOK_DIAGNOSTICS_FIELD_NUMBER: _ClassVar[int]
    CASES_DIAGNOSTICS_FIELD_NUMBER: _ClassVar[int]
    cases: str
    rulebook_diagnostics: _containers.RepeatedCompositeFieldContainer[_rulebook_pb2.Diagnostic]
    cases_diagnostics: _containers.RepeatedCompositeFieldContainer[_rulebook_pb2.Diagnostic]
    def __init__(self, cases: _Optional[str] = ..., rulebook_diagnostics: _Optional[_Iterable[_Union[_rulebook_pb2.Diagnostic, _Mapping]]] = ..., cases_diagnostics: _Optional[_Iterable[_Union[_rulebook_pb2.Diagnostic, _Mapping]]] = ...) -> None: ...
