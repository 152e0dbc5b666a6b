from marginrules._pb import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class DefineInstrumentsRequest(_message.Message):
    __slots__ = ("request_id", "instruments")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    INSTRUMENTS_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    instruments: _containers.RepeatedCompositeFieldContainer[_types_pb2.Instrument]
    def __init__(self, request_id: _Optional[str] = ..., instruments: _Optional[_Iterable[_Union[_types_pb2.Instrument, _Mapping]]] = ...) -> None: ...

class DefineInstrumentsResponse(_message.Message):
    __slots__ = ("count",)
    COUNT_FIELD_NUMBER: _ClassVar[int]
    count: int
    def __init__(self, count: _Optional[int] = ...) -> None: ...

class UpdatePricesRequest(_message.Message):
    __slots__ = ("request_id", "sequence", "prices")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    PRICES_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    sequence: int
    prices: _containers.RepeatedCompositeFieldContainer[_types_pb2.Price]
    def __init__(self, request_id: _Optional[str] = ..., sequence: _Optional[int] = ..., prices: _Optional[_Iterable[_Union[_types_pb2.Price, _Mapping]]] = ...) -> None: ...

class UpdatePricesResponse(_message.Message):
    __slots__ = ("count", "sequence")
    COUNT_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    count: int
    sequence: int
    def __init__(self, count: _Optional[int] = ..., sequence: _Optional[int] = ...) -> None: ...

class StreamPricesRequest(_message.Message):
    __slots__ = ("update",)
    UPDATE_FIELD_NUMBER: _ClassVar[int]
    update: UpdatePricesRequest
    def __init__(self, update: _Optional[_Union[UpdatePricesRequest, _Mapping]] = ...) -> None: ...

class StreamPricesResponse(_message.Message):
    __slots__ = ("result",)
    RESULT_FIELD_NUMBER: _ClassVar[int]
    result: UpdatePricesResponse
    def __init__(self, result: _Optional[_Union[UpdatePricesResponse, _Mapping]] = ...) -> None: ...

class PublishClosesRequest(_message.Message):
    __slots__ = ("request_id", "series", "replace")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SERIES_FIELD_NUMBER: _ClassVar[int]
    REPLACE_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    series: _containers.RepeatedCompositeFieldContainer[CloseSeries]
    replace: bool
    def __init__(self, request_id: _Optional[str] = ..., series: _Optional[_Iterable[_Union[CloseSeries, _Mapping]]] = ..., replace: _Optional[bool] = ...) -> None: ...

class CloseSeries(_message.Message):
    __slots__ = ("name", "closes")
    NAME_FIELD_NUMBER: _ClassVar[int]
    CLOSES_FIELD_NUMBER: _ClassVar[int]
    name: str
    closes: _containers.RepeatedCompositeFieldContainer[Close]
    def __init__(self, name: _Optional[str] = ..., closes: _Optional[_Iterable[_Union[Close, _Mapping]]] = ...) -> None: ...

class Close(_message.Message):
    __slots__ = ("date", "time_ns", "close")
    DATE_FIELD_NUMBER: _ClassVar[int]
    TIME_NS_FIELD_NUMBER: _ClassVar[int]
    CLOSE_FIELD_NUMBER: _ClassVar[int]
    date: str
    time_ns: int
    close: float
    def __init__(self, date: _Optional[str] = ..., time_ns: _Optional[int] = ..., close: _Optional[float] = ...) -> None: ...

class PublishClosesResponse(_message.Message):
    __slots__ = ("count",)
    COUNT_FIELD_NUMBER: _ClassVar[int]
    count: int
    def __init__(self, count: _Optional[int] = ...) -> None: ...

class UpdateAccountsRequest(_message.Message):
    __slots__ = ("request_id", "accounts")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNTS_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    accounts: _containers.RepeatedCompositeFieldContainer[_types_pb2.Account]
    def __init__(self, request_id: _Optional[str] = ..., accounts: _Optional[_Iterable[_Union[_types_pb2.Account, _Mapping]]] = ...) -> None: ...

class UpdateAccountsResponse(_message.Message):
    __slots__ = ("count",)
    COUNT_FIELD_NUMBER: _ClassVar[int]
    count: int
    def __init__(self, count: _Optional[int] = ...) -> None: ...

class StreamAccountsRequest(_message.Message):
    __slots__ = ("update",)
    UPDATE_FIELD_NUMBER: _ClassVar[int]
    update: UpdateAccountsRequest
    def __init__(self, update: _Optional[_Union[UpdateAccountsRequest, _Mapping]] = ...) -> None: ...

class StreamAccountsResponse(_message.Message):
    __slots__ = ("result",)
    RESULT_FIELD_NUMBER: _ClassVar[int]
    result: UpdateAccountsResponse
    def __init__(self, result: _Optional[_Union[UpdateAccountsResponse, _Mapping]] = ...) -> None: ...

class GetAccountRequest(_message.Message):
    __slots__ = ("account_id",)
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    def __init__(self, account_id: _Optional[str] = ...) -> None: ...

class GetAccountResponse(_message.Message):
    __slots__ = ("account",)
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    account: _types_pb2.Account
    def __init__(self, account: _Optional[_Union[_types_pb2.Account, _Mapping]] = ...) -> None: ...

class ListAccountsRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "only_escalated")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    ONLY_ESCALATED_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    only_escalated: bool
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., only_escalated: _Optional[bool] = ...) -> None: ...

class ListAccountsResponse(_message.Message):
    __slots__ = ("accounts", "next_page_token")
    ACCOUNTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    accounts: _containers.RepeatedCompositeFieldContainer[AccountSummary]
    next_page_token: str
    def __init__(self, accounts: _Optional[_Iterable[_Union[AccountSummary, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class AccountSummary(_message.Message):
    __slots__ = ("account_id", "account_class", "pool", "assessment")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_CLASS_FIELD_NUMBER: _ClassVar[int]
    POOL_FIELD_NUMBER: _ClassVar[int]
    ASSESSMENT_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    account_class: str
    pool: str
    assessment: _types_pb2.Assessment
    def __init__(self, account_id: _Optional[str] = ..., account_class: _Optional[str] = ..., pool: _Optional[str] = ..., assessment: _Optional[_Union[_types_pb2.Assessment, _Mapping]] = ...) -> None: ...

class TransferCollateralRequest(_message.Message):
    __slots__ = ("request_id", "account_id", "from_pool", "to_pool", "asset", "amount", "who", "why")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    FROM_POOL_FIELD_NUMBER: _ClassVar[int]
    TO_POOL_FIELD_NUMBER: _ClassVar[int]
    ASSET_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    WHO_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    account_id: str
    from_pool: str
    to_pool: str
    asset: str
    amount: float
    who: str
    why: str
    def __init__(self, request_id: _Optional[str] = ..., account_id: _Optional[str] = ..., from_pool: _Optional[str] = ..., to_pool: _Optional[str] = ..., asset: _Optional[str] = ..., amount: _Optional[float] = ..., who: _Optional[str] = ..., why: _Optional[str] = ...) -> None: ...

class TransferCollateralResponse(_message.Message):
    __slots__ = ("credited",)
    CREDITED_FIELD_NUMBER: _ClassVar[int]
    credited: str
    def __init__(self, credited: _Optional[str] = ...) -> None: ...

class ReleaseOrderRequest(_message.Message):
    __slots__ = ("request_id", "account_id", "client_order_id")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    account_id: str
    client_order_id: str
    def __init__(self, request_id: _Optional[str] = ..., account_id: _Optional[str] = ..., client_order_id: _Optional[str] = ...) -> None: ...

class ReleaseOrderResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class FillOrderRequest(_message.Message):
    __slots__ = ("request_id", "account_id", "client_order_id", "quantity", "price", "fee")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    FEE_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    account_id: str
    client_order_id: str
    quantity: float
    price: float
    fee: float
    def __init__(self, request_id: _Optional[str] = ..., account_id: _Optional[str] = ..., client_order_id: _Optional[str] = ..., quantity: _Optional[float] = ..., price: _Optional[float] = ..., fee: _Optional[float] = ...) -> None: ...

class FillOrderResponse(_message.Message):
    __slots__ = ("quantity_left",)
    QUANTITY_LEFT_FIELD_NUMBER: _ClassVar[int]
    quantity_left: float
    def __init__(self, quantity_left: _Optional[float] = ...) -> None: ...
