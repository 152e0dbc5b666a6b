from marginrules._pb import rulebook_pb2 as _rulebook_pb2
from marginrules._pb import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ShadowDifferenceKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SHADOW_DIFFERENCE_KIND_UNSPECIFIED: _ClassVar[ShadowDifferenceKind]
    SHADOW_DIFFERENCE_KIND_WOULD_REFUSE: _ClassVar[ShadowDifferenceKind]
    SHADOW_DIFFERENCE_KIND_WOULD_ACCEPT: _ClassVar[ShadowDifferenceKind]
    SHADOW_DIFFERENCE_KIND_OTHER_REASONS: _ClassVar[ShadowDifferenceKind]
SHADOW_DIFFERENCE_KIND_UNSPECIFIED: ShadowDifferenceKind
SHADOW_DIFFERENCE_KIND_WOULD_REFUSE: ShadowDifferenceKind
SHADOW_DIFFERENCE_KIND_WOULD_ACCEPT: ShadowDifferenceKind
SHADOW_DIFFERENCE_KIND_OTHER_REASONS: ShadowDifferenceKind

class StartShadowRequest(_message.Message):
    __slots__ = ("request_id", "file", "text", "who", "why")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    FILE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    WHO_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    file: str
    text: bytes
    who: str
    why: str
    def __init__(self, request_id: _Optional[str] = ..., file: _Optional[str] = ..., text: _Optional[bytes] = ..., who: _Optional[str] = ..., why: _Optional[str] = ...) -> None: ...

class StartShadowResponse(_message.Message):
    __slots__ = ("diagnostics", "digest")
    DIAGNOSTICS_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    diagnostics: _containers.RepeatedCompositeFieldContainer[_rulebook_pb2.Diagnostic]
    digest: str
    def __init__(self, diagnostics: _Optional[_Iterable[_Union[_rulebook_pb2.Diagnostic, _Mapping]]] = ..., digest: _Optional[str] = ...) -> None: ...

class StopShadowRequest(_message.Message):
    __slots__ = ("request_id", "who", "why")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    WHO_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    who: str
    why: str
    def __init__(self, request_id: _Optional[str] = ..., who: _Optional[str] = ..., why: _Optional[str] = ...) -> None: ...

class StopShadowResponse(_message.Message):
    __slots__ = ("digest",)
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    digest: str
    def __init__(self, digest: _Optional[str] = ...) -> None: ...

class GetShadowReportRequest(_message.Message):
    __slots__ = ("differences_max",)
    DIFFERENCES_MAX_FIELD_NUMBER: _ClassVar[int]
    differences_max: int
    def __init__(self, differences_max: _Optional[int] = ...) -> None: ...

class ShadowVerdict(_message.Message):
    __slots__ = ("accepted", "reasons", "equity", "initial_margin", "rule")
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    EQUITY_FIELD_NUMBER: _ClassVar[int]
    INITIAL_MARGIN_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    accepted: bool
    reasons: _containers.RepeatedScalarFieldContainer[_types_pb2.Reason]
    equity: float
    initial_margin: float
    rule: str
    def __init__(self, accepted: _Optional[bool] = ..., reasons: _Optional[_Iterable[_Union[_types_pb2.Reason, str]]] = ..., equity: _Optional[float] = ..., initial_margin: _Optional[float] = ..., rule: _Optional[str] = ...) -> None: ...

class ShadowDifference(_message.Message):
    __slots__ = ("time_ns", "kind", "account_id", "pool", "product", "order", "active", "shadow")
    TIME_NS_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    POOL_FIELD_NUMBER: _ClassVar[int]
    PRODUCT_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_FIELD_NUMBER: _ClassVar[int]
    SHADOW_FIELD_NUMBER: _ClassVar[int]
    time_ns: int
    kind: ShadowDifferenceKind
    account_id: str
    pool: str
    product: str
    order: _types_pb2.Order
    active: ShadowVerdict
    shadow: ShadowVerdict
    def __init__(self, time_ns: _Optional[int] = ..., kind: _Optional[_Union[ShadowDifferenceKind, str]] = ..., account_id: _Optional[str] = ..., pool: _Optional[str] = ..., product: _Optional[str] = ..., order: _Optional[_Union[_types_pb2.Order, _Mapping]] = ..., active: _Optional[_Union[ShadowVerdict, _Mapping]] = ..., shadow: _Optional[_Union[ShadowVerdict, _Mapping]] = ...) -> None: ...

class ShadowCount(_message.Message):
    __slots__ = ("kind", "product", "count")
    KIND_FIELD_NUMBER: _ClassVar[int]
    PRODUCT_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    kind: ShadowDifferenceKind
    product: str
    count: int
    def __init__(self, kind: _Optional[_Union[ShadowDifferenceKind, str]] = ..., product: _Optional[str] = ..., count: _Optional[int] = ...) -> None: ...

class ShadowLevels(_message.Message):
    __slots__ = ("step", "shadow_step", "now", "total")
    STEP_FIELD_NUMBER: _ClassVar[int]
    SHADOW_STEP_FIELD_NUMBER: _ClassVar[int]
    NOW_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    step: str
    shadow_step: str
    now: int
    total: int
    def __init__(self, step: _Optional[str] = ..., shadow_step: _Optional[str] = ..., now: _Optional[int] = ..., total: _Optional[int] = ...) -> None: ...

class GetShadowReportResponse(_message.Message):
    __slots__ = ("file", "rulebook", "rulebook_digest", "started_ns", "who", "why", "active_revision", "active_digest", "since_ns", "compared", "kinds", "products", "first_ns", "last_ns", "differences", "pools", "levels", "misfits")
    FILE_FIELD_NUMBER: _ClassVar[int]
    RULEBOOK_FIELD_NUMBER: _ClassVar[int]
    RULEBOOK_DIGEST_FIELD_NUMBER: _ClassVar[int]
    STARTED_NS_FIELD_NUMBER: _ClassVar[int]
    WHO_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_REVISION_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_DIGEST_FIELD_NUMBER: _ClassVar[int]
    SINCE_NS_FIELD_NUMBER: _ClassVar[int]
    COMPARED_FIELD_NUMBER: _ClassVar[int]
    KINDS_FIELD_NUMBER: _ClassVar[int]
    PRODUCTS_FIELD_NUMBER: _ClassVar[int]
    FIRST_NS_FIELD_NUMBER: _ClassVar[int]
    LAST_NS_FIELD_NUMBER: _ClassVar[int]
    DIFFERENCES_FIELD_NUMBER: _ClassVar[int]
    POOLS_FIELD_NUMBER: _ClassVar[int]
    LEVELS_FIELD_NUMBER: _ClassVar[int]
    MISFITS_FIELD_NUMBER: _ClassVar[int]
    file: str
    rulebook: str
    rulebook_digest: str
    started_ns: int
    who: str
    why: str
    active_revision: int
    active_digest: str
    since_ns: int
    compared: int
    kinds: _containers.RepeatedCompositeFieldContainer[ShadowCount]
    products: _containers.RepeatedCompositeFieldContainer[ShadowCount]
    first_ns: int
    last_ns: int
    differences: _containers.RepeatedCompositeFieldContainer[ShadowDifference]
    pools: int
    levels: _containers.RepeatedCompositeFieldContainer[ShadowLevels]
    misfits: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, file: _Optional[str] = ..., rulebook: _Optional[str] = ..., rulebook_digest: _Optional[str] = ..., started_ns: _Optional[int] = ..., who: _Optional[str] = ..., why: _Optional[str] = ..., active_revision: _Optional[int] = ..., active_digest: _Optional[str] = ..., since_ns: _Optional[int] = ..., compared: _Optional[int] = ..., kinds: _Optional[_Iterable[_Union[ShadowCount, _Mapping]]] = ..., products: _Optional[_Iterable[_Union[ShadowCount, _Mapping]]] = ..., first_ns: _Optional[int] = ..., last_ns: _Optional[int] = ..., differences: _Optional[_Iterable[_Union[ShadowDifference, _Mapping]]] = ..., pools: _Optional[int] = ..., levels: _Optional[_Iterable[_Union[ShadowLevels, _Mapping]]] = ..., misfits: _Optional[_Iterable[str]] = ...) -> None: ...
