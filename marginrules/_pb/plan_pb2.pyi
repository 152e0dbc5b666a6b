from marginrules._pb import rulebook_pb2 as _rulebook_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PlanRulebookRequest(_message.Message):
    __slots__ = ("file", "text", "with_impact")
    FILE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    WITH_IMPACT_FIELD_NUMBER: _ClassVar[int]
    file: str
    text: bytes
    with_impact: bool
    def __init__(self, file: _Optional[str] = ..., text: _Optional[bytes] = ..., with_impact: _Optional[bool] = ...) -> None: ...

class PlanRulebookResponse(_message.Message):
    __slots__ = ("progress", "problems", "plan")
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    PROBLEMS_FIELD_NUMBER: _ClassVar[int]
    PLAN_FIELD_NUMBER: _ClassVar[int]
    progress: PlanProgress
    problems: PlanProblems
    plan: RulebookPlan
    def __init__(self, progress: _Optional[_Union[PlanProgress, _Mapping]] = ..., problems: _Optional[_Union[PlanProblems, _Mapping]] = ..., plan: _Optional[_Union[RulebookPlan, _Mapping]] = ...) -> None: ...

class PlanProgress(_message.Message):
    __slots__ = ("what", "done", "total")
    WHAT_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    what: str
    done: int
    total: int
    def __init__(self, what: _Optional[str] = ..., done: _Optional[int] = ..., total: _Optional[int] = ...) -> None: ...

class PlanProblems(_message.Message):
    __slots__ = ("diagnostics",)
    DIAGNOSTICS_FIELD_NUMBER: _ClassVar[int]
    diagnostics: _containers.RepeatedCompositeFieldContainer[_rulebook_pb2.Diagnostic]
    def __init__(self, diagnostics: _Optional[_Iterable[_Union[_rulebook_pb2.Diagnostic, _Mapping]]] = ...) -> None: ...

class RulebookPlan(_message.Message):
    __slots__ = ("base", "name", "file", "text", "digest", "comparison", "difference", "impact", "made_ns", "content")
    BASE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    FILE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    COMPARISON_FIELD_NUMBER: _ClassVar[int]
    DIFFERENCE_FIELD_NUMBER: _ClassVar[int]
    IMPACT_FIELD_NUMBER: _ClassVar[int]
    MADE_NS_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    base: PlanBase
    name: str
    file: str
    text: bytes
    digest: str
    comparison: PlanComparison
    difference: _containers.RepeatedScalarFieldContainer[str]
    impact: PlanImpact
    made_ns: int
    content: bytes
    def __init__(self, base: _Optional[_Union[PlanBase, _Mapping]] = ..., name: _Optional[str] = ..., file: _Optional[str] = ..., text: _Optional[bytes] = ..., digest: _Optional[str] = ..., comparison: _Optional[_Union[PlanComparison, _Mapping]] = ..., difference: _Optional[_Iterable[str]] = ..., impact: _Optional[_Union[PlanImpact, _Mapping]] = ..., made_ns: _Optional[int] = ..., content: _Optional[bytes] = ...) -> None: ...

class PlanBase(_message.Message):
    __slots__ = ("name", "revision", "digest", "file", "text")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    FILE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    name: str
    revision: int
    digest: str
    file: str
    text: bytes
    def __init__(self, name: _Optional[str] = ..., revision: _Optional[int] = ..., digest: _Optional[str] = ..., file: _Optional[str] = ..., text: _Optional[bytes] = ...) -> None: ...

class PlanComparison(_message.Message):
    __slots__ = ("verdict", "changes", "text_only")
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    TEXT_ONLY_FIELD_NUMBER: _ClassVar[int]
    verdict: str
    changes: _containers.RepeatedCompositeFieldContainer[PlannedChange]
    text_only: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, verdict: _Optional[str] = ..., changes: _Optional[_Iterable[_Union[PlannedChange, _Mapping]]] = ..., text_only: _Optional[_Iterable[str]] = ...) -> None: ...

class PlannedChange(_message.Message):
    __slots__ = ("direction", "term", "before", "after", "products", "profiles", "ladder", "step", "asset", "spans", "before_value", "after_value", "before_line", "after_line")
    DIRECTION_FIELD_NUMBER: _ClassVar[int]
    TERM_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    PRODUCTS_FIELD_NUMBER: _ClassVar[int]
    PROFILES_FIELD_NUMBER: _ClassVar[int]
    LADDER_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    ASSET_FIELD_NUMBER: _ClassVar[int]
    SPANS_FIELD_NUMBER: _ClassVar[int]
    BEFORE_VALUE_FIELD_NUMBER: _ClassVar[int]
    AFTER_VALUE_FIELD_NUMBER: _ClassVar[int]
    BEFORE_LINE_FIELD_NUMBER: _ClassVar[int]
    AFTER_LINE_FIELD_NUMBER: _ClassVar[int]
    direction: str
    term: str
    before: str
    after: str
    products: _containers.RepeatedScalarFieldContainer[str]
    profiles: _containers.RepeatedScalarFieldContainer[str]
    ladder: str
    step: str
    asset: str
    spans: _containers.RepeatedCompositeFieldContainer[PlannedSpan]
    before_value: str
    after_value: str
    before_line: int
    after_line: int
    def __init__(self, direction: _Optional[str] = ..., term: _Optional[str] = ..., before: _Optional[str] = ..., after: _Optional[str] = ..., products: _Optional[_Iterable[str]] = ..., profiles: _Optional[_Iterable[str]] = ..., ladder: _Optional[str] = ..., step: _Optional[str] = ..., asset: _Optional[str] = ..., spans: _Optional[_Iterable[_Union[PlannedSpan, _Mapping]]] = ..., before_value: _Optional[str] = ..., after_value: _Optional[str] = ..., before_line: _Optional[int] = ..., after_line: _Optional[int] = ...) -> None: ...

class PlannedSpan(_message.Message):
    __slots__ = ("of", "low", "high")
    OF_FIELD_NUMBER: _ClassVar[int]
    LOW_FIELD_NUMBER: _ClassVar[int]
    HIGH_FIELD_NUMBER: _ClassVar[int]
    of: str
    low: str
    high: str
    def __init__(self, of: _Optional[str] = ..., low: _Optional[str] = ..., high: _Optional[str] = ...) -> None: ...

class PlanImpact(_message.Message):
    __slots__ = ("now", "past", "largest", "since_ns", "until_ns", "digest")
    NOW_FIELD_NUMBER: _ClassVar[int]
    PAST_FIELD_NUMBER: _ClassVar[int]
    LARGEST_FIELD_NUMBER: _ClassVar[int]
    SINCE_NS_FIELD_NUMBER: _ClassVar[int]
    UNTIL_NS_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    now: _containers.RepeatedCompositeFieldContainer[PlannedCount]
    past: _containers.RepeatedCompositeFieldContainer[PlannedCount]
    largest: _containers.RepeatedScalarFieldContainer[str]
    since_ns: int
    until_ns: int
    digest: str
    def __init__(self, now: _Optional[_Iterable[_Union[PlannedCount, _Mapping]]] = ..., past: _Optional[_Iterable[_Union[PlannedCount, _Mapping]]] = ..., largest: _Optional[_Iterable[str]] = ..., since_ns: _Optional[int] = ..., until_ns: _Optional[int] = ..., digest: _Optional[str] = ...) -> None: ...

class PlannedCount(_message.Message):
    __slots__ = ("what", "before", "after")
    WHAT_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    what: str
    before: int
    after: int
    def __init__(self, what: _Optional[str] = ..., before: _Optional[int] = ..., after: _Optional[int] = ...) -> None: ...

class ApplyPlanRequest(_message.Message):
    __slots__ = ("request_id", "content", "who", "why")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    WHO_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    content: bytes
    who: str
    why: str
    def __init__(self, request_id: _Optional[str] = ..., content: _Optional[bytes] = ..., who: _Optional[str] = ..., why: _Optional[str] = ...) -> None: ...

class ApplyPlanResponse(_message.Message):
    __slots__ = ("revision", "digest", "stale")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    STALE_FIELD_NUMBER: _ClassVar[int]
    revision: int
    digest: str
    stale: StalePlan
    def __init__(self, revision: _Optional[int] = ..., digest: _Optional[str] = ..., stale: _Optional[_Union[StalePlan, _Mapping]] = ...) -> None: ...

class StalePlan(_message.Message):
    __slots__ = ("message", "hint", "changes")
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    HINT_FIELD_NUMBER: _ClassVar[int]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    message: str
    hint: str
    changes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, message: _Optional[str] = ..., hint: _Optional[str] = ..., changes: _Optional[_Iterable[str]] = ...) -> None: ...
