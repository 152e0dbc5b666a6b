from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CallStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CALL_STATUS_UNSPECIFIED: _ClassVar[CallStatus]
    CALL_STATUS_OPEN: _ClassVar[CallStatus]
    CALL_STATUS_MET: _ClassVar[CallStatus]
    CALL_STATUS_CURED: _ClassVar[CallStatus]
    CALL_STATUS_UNMET: _ClassVar[CallStatus]
    CALL_STATUS_WAIVED: _ClassVar[CallStatus]
    CALL_STATUS_SUPERSEDED: _ClassVar[CallStatus]
CALL_STATUS_UNSPECIFIED: CallStatus
CALL_STATUS_OPEN: CallStatus
CALL_STATUS_MET: CallStatus
CALL_STATUS_CURED: CallStatus
CALL_STATUS_UNMET: CallStatus
CALL_STATUS_WAIVED: CallStatus
CALL_STATUS_SUPERSEDED: CallStatus

class MarginCall(_message.Message):
    __slots__ = ("call_id", "account_id", "pool", "step", "kind", "status", "amount", "deposited", "issued_ns", "due_ns", "disputed_until_ns", "closed_ns", "acknowledged_by", "extensions", "rulebook_digest", "rule")
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    POOL_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    DEPOSITED_FIELD_NUMBER: _ClassVar[int]
    ISSUED_NS_FIELD_NUMBER: _ClassVar[int]
    DUE_NS_FIELD_NUMBER: _ClassVar[int]
    DISPUTED_UNTIL_NS_FIELD_NUMBER: _ClassVar[int]
    CLOSED_NS_FIELD_NUMBER: _ClassVar[int]
    ACKNOWLEDGED_BY_FIELD_NUMBER: _ClassVar[int]
    EXTENSIONS_FIELD_NUMBER: _ClassVar[int]
    RULEBOOK_DIGEST_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    call_id: str
    account_id: str
    pool: str
    step: str
    kind: str
    status: CallStatus
    amount: str
    deposited: str
    issued_ns: int
    due_ns: int
    disputed_until_ns: int
    closed_ns: int
    acknowledged_by: str
    extensions: int
    rulebook_digest: str
    rule: str
    def __init__(self, call_id: _Optional[str] = ..., account_id: _Optional[str] = ..., pool: _Optional[str] = ..., step: _Optional[str] = ..., kind: _Optional[str] = ..., status: _Optional[_Union[CallStatus, str]] = ..., amount: _Optional[str] = ..., deposited: _Optional[str] = ..., issued_ns: _Optional[int] = ..., due_ns: _Optional[int] = ..., disputed_until_ns: _Optional[int] = ..., closed_ns: _Optional[int] = ..., acknowledged_by: _Optional[str] = ..., extensions: _Optional[int] = ..., rulebook_digest: _Optional[str] = ..., rule: _Optional[str] = ...) -> None: ...

class ListCallsRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "only_open", "account_id")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    ONLY_OPEN_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    only_open: bool
    account_id: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., only_open: _Optional[bool] = ..., account_id: _Optional[str] = ...) -> None: ...

class ListCallsResponse(_message.Message):
    __slots__ = ("calls", "next_page_token")
    CALLS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    calls: _containers.RepeatedCompositeFieldContainer[MarginCall]
    next_page_token: str
    def __init__(self, calls: _Optional[_Iterable[_Union[MarginCall, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetCallRequest(_message.Message):
    __slots__ = ("call_id",)
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    call_id: str
    def __init__(self, call_id: _Optional[str] = ...) -> None: ...

class GetCallResponse(_message.Message):
    __slots__ = ("call",)
    CALL_FIELD_NUMBER: _ClassVar[int]
    call: MarginCall
    def __init__(self, call: _Optional[_Union[MarginCall, _Mapping]] = ...) -> None: ...

class AcknowledgeCallRequest(_message.Message):
    __slots__ = ("request_id", "call_id", "who", "why")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    WHO_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    call_id: str
    who: str
    why: str
    def __init__(self, request_id: _Optional[str] = ..., call_id: _Optional[str] = ..., who: _Optional[str] = ..., why: _Optional[str] = ...) -> None: ...

class AcknowledgeCallResponse(_message.Message):
    __slots__ = ("call",)
    CALL_FIELD_NUMBER: _ClassVar[int]
    call: MarginCall
    def __init__(self, call: _Optional[_Union[MarginCall, _Mapping]] = ...) -> None: ...

class ExtendCallRequest(_message.Message):
    __slots__ = ("request_id", "call_id", "who", "why", "due_ns")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    WHO_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    DUE_NS_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    call_id: str
    who: str
    why: str
    due_ns: int
    def __init__(self, request_id: _Optional[str] = ..., call_id: _Optional[str] = ..., who: _Optional[str] = ..., why: _Optional[str] = ..., due_ns: _Optional[int] = ...) -> None: ...

class ExtendCallResponse(_message.Message):
    __slots__ = ("call",)
    CALL_FIELD_NUMBER: _ClassVar[int]
    call: MarginCall
    def __init__(self, call: _Optional[_Union[MarginCall, _Mapping]] = ...) -> None: ...

class DisputeCallRequest(_message.Message):
    __slots__ = ("request_id", "call_id", "who", "why", "until_ns")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    WHO_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    UNTIL_NS_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    call_id: str
    who: str
    why: str
    until_ns: int
    def __init__(self, request_id: _Optional[str] = ..., call_id: _Optional[str] = ..., who: _Optional[str] = ..., why: _Optional[str] = ..., until_ns: _Optional[int] = ...) -> None: ...

class DisputeCallResponse(_message.Message):
    __slots__ = ("call",)
    CALL_FIELD_NUMBER: _ClassVar[int]
    call: MarginCall
    def __init__(self, call: _Optional[_Union[MarginCall, _Mapping]] = ...) -> None: ...

class WaiveCallRequest(_message.Message):
    __slots__ = ("request_id", "call_id", "who", "why")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    WHO_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    call_id: str
    who: str
    why: str
    def __init__(self, request_id: _Optional[str] = ..., call_id: _Optional[str] = ..., who: _Optional[str] = ..., why: _Optional[str] = ...) -> None: ...

class WaiveCallResponse(_message.Message):
    __slots__ = ("call",)
    CALL_FIELD_NUMBER: _ClassVar[int]
    call: MarginCall
    def __init__(self, call: _Optional[_Union[MarginCall, _Mapping]] = ...) -> None: ...

class RecordDepositRequest(_message.Message):
    __slots__ = ("request_id", "account_id", "pool", "asset", "amount", "who", "why")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    POOL_FIELD_NUMBER: _ClassVar[int]
    ASSET_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    WHO_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    account_id: str
    pool: str
    asset: str
    amount: float
    who: str
    why: str
    def __init__(self, request_id: _Optional[str] = ..., account_id: _Optional[str] = ..., pool: _Optional[str] = ..., asset: _Optional[str] = ..., amount: _Optional[float] = ..., who: _Optional[str] = ..., why: _Optional[str] = ...) -> None: ...

class RecordDepositResponse(_message.Message):
    __slots__ = ("credited",)
    CREDITED_FIELD_NUMBER: _ClassVar[int]
    credited: str
    def __init__(self, credited: _Optional[str] = ...) -> None: ...

class Fill(_message.Message):
    __slots__ = ("symbol", "quantity", "price", "fee")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    FEE_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    quantity: float
    price: float
    fee: float
    def __init__(self, symbol: _Optional[str] = ..., quantity: _Optional[float] = ..., price: _Optional[float] = ..., fee: _Optional[float] = ...) -> None: ...

class RecordLiquidationRequest(_message.Message):
    __slots__ = ("request_id", "liquidation_id", "fills")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    LIQUIDATION_ID_FIELD_NUMBER: _ClassVar[int]
    FILLS_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    liquidation_id: str
    fills: _containers.RepeatedCompositeFieldContainer[Fill]
    def __init__(self, request_id: _Optional[str] = ..., liquidation_id: _Optional[str] = ..., fills: _Optional[_Iterable[_Union[Fill, _Mapping]]] = ...) -> None: ...

class RecordLiquidationResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class RecordCoverRequest(_message.Message):
    __slots__ = ("request_id", "account_id", "pool", "layer", "amount", "who", "why")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    POOL_FIELD_NUMBER: _ClassVar[int]
    LAYER_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    WHO_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    account_id: str
    pool: str
    layer: str
    amount: float
    who: str
    why: str
    def __init__(self, request_id: _Optional[str] = ..., account_id: _Optional[str] = ..., pool: _Optional[str] = ..., layer: _Optional[str] = ..., amount: _Optional[float] = ..., who: _Optional[str] = ..., why: _Optional[str] = ...) -> None: ...

class RecordCoverResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class WatchEventsRequest(_message.Message):
    __slots__ = ("after_position", "until_now")
    AFTER_POSITION_FIELD_NUMBER: _ClassVar[int]
    UNTIL_NOW_FIELD_NUMBER: _ClassVar[int]
    after_position: int
    until_now: bool
    def __init__(self, after_position: _Optional[int] = ..., until_now: _Optional[bool] = ...) -> None: ...

class WatchEventsResponse(_message.Message):
    __slots__ = ("position", "event")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    position: int
    event: LadderEvent
    def __init__(self, position: _Optional[int] = ..., event: _Optional[_Union[LadderEvent, _Mapping]] = ...) -> None: ...

class LadderEvent(_message.Message):
    __slots__ = ("kind", "time_ns", "account_id", "pool", "step", "rulebook_digest", "ladder", "line", "because", "call_id", "amount", "due_ns", "notify", "orders", "details", "change_id")
    KIND_FIELD_NUMBER: _ClassVar[int]
    TIME_NS_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    POOL_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    RULEBOOK_DIGEST_FIELD_NUMBER: _ClassVar[int]
    LADDER_FIELD_NUMBER: _ClassVar[int]
    LINE_FIELD_NUMBER: _ClassVar[int]
    BECAUSE_FIELD_NUMBER: _ClassVar[int]
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    DUE_NS_FIELD_NUMBER: _ClassVar[int]
    NOTIFY_FIELD_NUMBER: _ClassVar[int]
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    DETAILS_FIELD_NUMBER: _ClassVar[int]
    CHANGE_ID_FIELD_NUMBER: _ClassVar[int]
    kind: str
    time_ns: int
    account_id: str
    pool: str
    step: str
    rulebook_digest: str
    ladder: str
    line: int
    because: str
    call_id: str
    amount: str
    due_ns: int
    notify: _containers.RepeatedScalarFieldContainer[str]
    orders: _containers.RepeatedCompositeFieldContainer[Fill]
    details: str
    change_id: str
    def __init__(self, kind: _Optional[str] = ..., time_ns: _Optional[int] = ..., account_id: _Optional[str] = ..., pool: _Optional[str] = ..., step: _Optional[str] = ..., rulebook_digest: _Optional[str] = ..., ladder: _Optional[str] = ..., line: _Optional[int] = ..., because: _Optional[str] = ..., call_id: _Optional[str] = ..., amount: _Optional[str] = ..., due_ns: _Optional[int] = ..., notify: _Optional[_Iterable[str]] = ..., orders: _Optional[_Iterable[_Union[Fill, _Mapping]]] = ..., details: _Optional[str] = ..., change_id: _Optional[str] = ...) -> None: ...
