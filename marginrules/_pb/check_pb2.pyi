from marginrules._pb import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CheckOrderRequest(_message.Message):
    __slots__ = ("account_id", "pool", "order", "hold", "request_id")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    POOL_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    HOLD_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    pool: str
    order: _types_pb2.Order
    hold: bool
    request_id: str
    def __init__(self, account_id: _Optional[str] = ..., pool: _Optional[str] = ..., order: _Optional[_Union[_types_pb2.Order, _Mapping]] = ..., hold: _Optional[bool] = ..., request_id: _Optional[str] = ...) -> None: ...

class CheckOrderResponse(_message.Message):
    __slots__ = ("decision",)
    DECISION_FIELD_NUMBER: _ClassVar[int]
    decision: _types_pb2.OrderDecision
    def __init__(self, decision: _Optional[_Union[_types_pb2.OrderDecision, _Mapping]] = ...) -> None: ...

class CheckOrdersRequest(_message.Message):
    __slots__ = ("correlation_id", "check")
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    CHECK_FIELD_NUMBER: _ClassVar[int]
    correlation_id: int
    check: CheckOrderRequest
    def __init__(self, correlation_id: _Optional[int] = ..., check: _Optional[_Union[CheckOrderRequest, _Mapping]] = ...) -> None: ...

class CheckOrdersResponse(_message.Message):
    __slots__ = ("correlation_id", "decision", "error_code", "error_message", "error_hint")
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    DECISION_FIELD_NUMBER: _ClassVar[int]
    ERROR_CODE_FIELD_NUMBER: _ClassVar[int]
    ERROR_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    ERROR_HINT_FIELD_NUMBER: _ClassVar[int]
    correlation_id: int
    decision: _types_pb2.OrderDecision
    error_code: str
    error_message: str
    error_hint: str
    def __init__(self, correlation_id: _Optional[int] = ..., decision: _Optional[_Union[_types_pb2.OrderDecision, _Mapping]] = ..., error_code: _Optional[str] = ..., error_message: _Optional[str] = ..., error_hint: _Optional[str] = ...) -> None: ...

class AssessRequest(_message.Message):
    __slots__ = ("account_id", "pool", "with_liquidation_prices")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    POOL_FIELD_NUMBER: _ClassVar[int]
    WITH_LIQUIDATION_PRICES_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    pool: str
    with_liquidation_prices: bool
    def __init__(self, account_id: _Optional[str] = ..., pool: _Optional[str] = ..., with_liquidation_prices: _Optional[bool] = ...) -> None: ...

class AssessResponse(_message.Message):
    __slots__ = ("assessment",)
    ASSESSMENT_FIELD_NUMBER: _ClassVar[int]
    assessment: _types_pb2.Assessment
    def __init__(self, assessment: _Optional[_Union[_types_pb2.Assessment, _Mapping]] = ...) -> None: ...

class WhatIfRequest(_message.Message):
    __slots__ = ("account_id", "pool", "orders", "moves", "deposits")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    POOL_FIELD_NUMBER: _ClassVar[int]
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    MOVES_FIELD_NUMBER: _ClassVar[int]
    DEPOSITS_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    pool: str
    orders: _containers.RepeatedCompositeFieldContainer[_types_pb2.Order]
    moves: _containers.RepeatedCompositeFieldContainer[PriceMove]
    deposits: _containers.RepeatedCompositeFieldContainer[_types_pb2.Balance]
    def __init__(self, account_id: _Optional[str] = ..., pool: _Optional[str] = ..., orders: _Optional[_Iterable[_Union[_types_pb2.Order, _Mapping]]] = ..., moves: _Optional[_Iterable[_Union[PriceMove, _Mapping]]] = ..., deposits: _Optional[_Iterable[_Union[_types_pb2.Balance, _Mapping]]] = ...) -> None: ...

class PriceMove(_message.Message):
    __slots__ = ("name", "price", "change")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    CHANGE_FIELD_NUMBER: _ClassVar[int]
    name: str
    price: float
    change: float
    def __init__(self, name: _Optional[str] = ..., price: _Optional[float] = ..., change: _Optional[float] = ...) -> None: ...

class WhatIfResponse(_message.Message):
    __slots__ = ("before", "after")
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    before: _types_pb2.Assessment
    after: _types_pb2.Assessment
    def __init__(self, before: _Optional[_Union[_types_pb2.Assessment, _Mapping]] = ..., after: _Optional[_Union[_types_pb2.Assessment, _Mapping]] = ...) -> None: ...
