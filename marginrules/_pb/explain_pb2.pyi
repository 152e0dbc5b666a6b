from marginrules._pb import answer_pb2 as _answer_pb2
from marginrules._pb import escalation_pb2 as _escalation_pb2
from marginrules._pb import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class StepStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STEP_STATUS_UNSPECIFIED: _ClassVar[StepStatus]
    STEP_STATUS_ENTERED: _ClassVar[StepStatus]
    STEP_STATUS_WAITING: _ClassVar[StepStatus]
    STEP_STATUS_NOT_ENTERED: _ClassVar[StepStatus]
STEP_STATUS_UNSPECIFIED: StepStatus
STEP_STATUS_ENTERED: StepStatus
STEP_STATUS_WAITING: StepStatus
STEP_STATUS_NOT_ENTERED: StepStatus

class ExplainDecisionRequest(_message.Message):
    __slots__ = ("account_id", "pool", "order", "time_ns")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    POOL_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    TIME_NS_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    pool: str
    order: _types_pb2.Order
    time_ns: int
    def __init__(self, account_id: _Optional[str] = ..., pool: _Optional[str] = ..., order: _Optional[_Union[_types_pb2.Order, _Mapping]] = ..., time_ns: _Optional[int] = ...) -> None: ...

class Rule(_message.Message):
    __slots__ = ("rule", "file", "line", "because")
    RULE_FIELD_NUMBER: _ClassVar[int]
    FILE_FIELD_NUMBER: _ClassVar[int]
    LINE_FIELD_NUMBER: _ClassVar[int]
    BECAUSE_FIELD_NUMBER: _ClassVar[int]
    rule: str
    file: str
    line: int
    because: str
    def __init__(self, rule: _Optional[str] = ..., file: _Optional[str] = ..., line: _Optional[int] = ..., because: _Optional[str] = ...) -> None: ...

class StepReason(_message.Message):
    __slots__ = ("step", "rule", "status", "entered_by", "since_ns", "below", "clear", "for_ns", "to_entry", "to_exit", "enters_ns", "waits_for")
    STEP_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    ENTERED_BY_FIELD_NUMBER: _ClassVar[int]
    SINCE_NS_FIELD_NUMBER: _ClassVar[int]
    BELOW_FIELD_NUMBER: _ClassVar[int]
    CLEAR_FIELD_NUMBER: _ClassVar[int]
    FOR_NS_FIELD_NUMBER: _ClassVar[int]
    TO_ENTRY_FIELD_NUMBER: _ClassVar[int]
    TO_EXIT_FIELD_NUMBER: _ClassVar[int]
    ENTERS_NS_FIELD_NUMBER: _ClassVar[int]
    WAITS_FOR_FIELD_NUMBER: _ClassVar[int]
    step: str
    rule: Rule
    status: StepStatus
    entered_by: str
    since_ns: int
    below: float
    clear: float
    for_ns: int
    to_entry: float
    to_exit: float
    enters_ns: int
    waits_for: str
    def __init__(self, step: _Optional[str] = ..., rule: _Optional[_Union[Rule, _Mapping]] = ..., status: _Optional[_Union[StepStatus, str]] = ..., entered_by: _Optional[str] = ..., since_ns: _Optional[int] = ..., below: _Optional[float] = ..., clear: _Optional[float] = ..., for_ns: _Optional[int] = ..., to_entry: _Optional[float] = ..., to_exit: _Optional[float] = ..., enters_ns: _Optional[int] = ..., waits_for: _Optional[str] = ...) -> None: ...

class OrderReason(_message.Message):
    __slots__ = ("order", "decision", "rule", "missing")
    ORDER_FIELD_NUMBER: _ClassVar[int]
    DECISION_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    MISSING_FIELD_NUMBER: _ClassVar[int]
    order: _types_pb2.Order
    decision: _types_pb2.OrderDecision
    rule: Rule
    missing: float
    def __init__(self, order: _Optional[_Union[_types_pb2.Order, _Mapping]] = ..., decision: _Optional[_Union[_types_pb2.OrderDecision, _Mapping]] = ..., rule: _Optional[_Union[Rule, _Mapping]] = ..., missing: _Optional[float] = ...) -> None: ...

class ExplainDecisionResponse(_message.Message):
    __slots__ = ("account_id", "pool", "time_ns", "rulebook", "rulebook_digest", "revision", "file", "margin", "pinned", "ladder", "ladder_digest", "steps", "calls", "decided_by", "next_by_ratio", "next_by_time", "ways_out", "order", "words")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    POOL_FIELD_NUMBER: _ClassVar[int]
    TIME_NS_FIELD_NUMBER: _ClassVar[int]
    RULEBOOK_FIELD_NUMBER: _ClassVar[int]
    RULEBOOK_DIGEST_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    FILE_FIELD_NUMBER: _ClassVar[int]
    MARGIN_FIELD_NUMBER: _ClassVar[int]
    PINNED_FIELD_NUMBER: _ClassVar[int]
    LADDER_FIELD_NUMBER: _ClassVar[int]
    LADDER_DIGEST_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    CALLS_FIELD_NUMBER: _ClassVar[int]
    DECIDED_BY_FIELD_NUMBER: _ClassVar[int]
    NEXT_BY_RATIO_FIELD_NUMBER: _ClassVar[int]
    NEXT_BY_TIME_FIELD_NUMBER: _ClassVar[int]
    WAYS_OUT_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    WORDS_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    pool: str
    time_ns: int
    rulebook: str
    rulebook_digest: str
    revision: int
    file: str
    margin: _answer_pb2.ExplainMarginResponse
    pinned: bool
    ladder: str
    ladder_digest: str
    steps: _containers.RepeatedCompositeFieldContainer[StepReason]
    calls: _containers.RepeatedCompositeFieldContainer[_escalation_pb2.MarginCall]
    decided_by: str
    next_by_ratio: str
    next_by_time: str
    ways_out: _answer_pb2.FindWaysOutResponse
    order: OrderReason
    words: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, account_id: _Optional[str] = ..., pool: _Optional[str] = ..., time_ns: _Optional[int] = ..., rulebook: _Optional[str] = ..., rulebook_digest: _Optional[str] = ..., revision: _Optional[int] = ..., file: _Optional[str] = ..., margin: _Optional[_Union[_answer_pb2.ExplainMarginResponse, _Mapping]] = ..., pinned: _Optional[bool] = ..., ladder: _Optional[str] = ..., ladder_digest: _Optional[str] = ..., steps: _Optional[_Iterable[_Union[StepReason, _Mapping]]] = ..., calls: _Optional[_Iterable[_Union[_escalation_pb2.MarginCall, _Mapping]]] = ..., decided_by: _Optional[str] = ..., next_by_ratio: _Optional[str] = ..., next_by_time: _Optional[str] = ..., ways_out: _Optional[_Union[_answer_pb2.FindWaysOutResponse, _Mapping]] = ..., order: _Optional[_Union[OrderReason, _Mapping]] = ..., words: _Optional[_Iterable[str]] = ...) -> None: ...

class RecordDecisionRequest(_message.Message):
    __slots__ = ("account_id", "pool", "order")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    POOL_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    pool: str
    order: _types_pb2.Order
    def __init__(self, account_id: _Optional[str] = ..., pool: _Optional[str] = ..., order: _Optional[_Union[_types_pb2.Order, _Mapping]] = ...) -> None: ...

class RecordDecisionResponse(_message.Message):
    __slots__ = ("record",)
    RECORD_FIELD_NUMBER: _ClassVar[int]
    record: str
    def __init__(self, record: _Optional[str] = ...) -> None: ...
