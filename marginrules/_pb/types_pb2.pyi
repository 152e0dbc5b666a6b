from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class InstrumentKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    INSTRUMENT_KIND_UNSPECIFIED: _ClassVar[InstrumentKind]
    INSTRUMENT_KIND_SPOT: _ClassVar[InstrumentKind]
    INSTRUMENT_KIND_PERPETUAL: _ClassVar[InstrumentKind]
    INSTRUMENT_KIND_FUTURE: _ClassVar[InstrumentKind]
    INSTRUMENT_KIND_OPTION: _ClassVar[InstrumentKind]

class OptionRight(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OPTION_RIGHT_UNSPECIFIED: _ClassVar[OptionRight]
    OPTION_RIGHT_CALL: _ClassVar[OptionRight]
    OPTION_RIGHT_PUT: _ClassVar[OptionRight]

class Restriction(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RESTRICTION_UNSPECIFIED: _ClassVar[Restriction]
    RESTRICTION_REDUCE_ONLY: _ClassVar[Restriction]
    RESTRICTION_BLOCKED: _ClassVar[Restriction]

class Reason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REASON_UNSPECIFIED: _ClassVar[Reason]
    REASON_NO_RULEBOOK: _ClassVar[Reason]
    REASON_UNKNOWN_PRODUCT: _ClassVar[Reason]
    REASON_MISSING_PRICE: _ClassVar[Reason]
    REASON_STALE_PRICE: _ClassVar[Reason]
    REASON_EXPIRED_INSTRUMENT: _ClassVar[Reason]
    REASON_NOT_FINITE: _ClassVar[Reason]
    REASON_UNKNOWN_COLLATERAL: _ClassVar[Reason]
    REASON_MISSING_LEVERAGE: _ClassVar[Reason]
    REASON_INSUFFICIENT_MARGIN: _ClassVar[Reason]
    REASON_POOL_BLOCKED: _ClassVar[Reason]
    REASON_POOL_REDUCE_ONLY: _ClassVar[Reason]
    REASON_WOULD_NOT_REDUCE: _ClassVar[Reason]
    REASON_UNKNOWN_ACCOUNT: _ClassVar[Reason]
    REASON_UNKNOWN_POOL: _ClassVar[Reason]
    REASON_UNKNOWN_INSTRUMENT: _ClassVar[Reason]
    REASON_INVALID_ORDER: _ClassVar[Reason]
    REASON_RISK_NOT_RAISED: _ClassVar[Reason]
    REASON_CLIENT_ORDER_ID_REUSED: _ClassVar[Reason]
    REASON_MISSING_DATA: _ClassVar[Reason]
    REASON_MATURED_COLLATERAL: _ClassVar[Reason]
INSTRUMENT_KIND_UNSPECIFIED: InstrumentKind
INSTRUMENT_KIND_SPOT: InstrumentKind
INSTRUMENT_KIND_PERPETUAL: InstrumentKind
INSTRUMENT_KIND_FUTURE: InstrumentKind
INSTRUMENT_KIND_OPTION: InstrumentKind
OPTION_RIGHT_UNSPECIFIED: OptionRight
OPTION_RIGHT_CALL: OptionRight
OPTION_RIGHT_PUT: OptionRight
RESTRICTION_UNSPECIFIED: Restriction
RESTRICTION_REDUCE_ONLY: Restriction
RESTRICTION_BLOCKED: Restriction
REASON_UNSPECIFIED: Reason
REASON_NO_RULEBOOK: Reason
REASON_UNKNOWN_PRODUCT: Reason
REASON_MISSING_PRICE: Reason
REASON_STALE_PRICE: Reason
REASON_EXPIRED_INSTRUMENT: Reason
REASON_NOT_FINITE: Reason
REASON_UNKNOWN_COLLATERAL: Reason
REASON_MISSING_LEVERAGE: Reason
REASON_INSUFFICIENT_MARGIN: Reason
REASON_POOL_BLOCKED: Reason
REASON_POOL_REDUCE_ONLY: Reason
REASON_WOULD_NOT_REDUCE: Reason
REASON_UNKNOWN_ACCOUNT: Reason
REASON_UNKNOWN_POOL: Reason
REASON_UNKNOWN_INSTRUMENT: Reason
REASON_INVALID_ORDER: Reason
REASON_RISK_NOT_RAISED: Reason
REASON_CLIENT_ORDER_ID_REUSED: Reason
REASON_MISSING_DATA: Reason
REASON_MATURED_COLLATERAL: Reason

class Instrument(_message.Message):
    __slots__ = ("symbol", "kind", "underlying", "settlement", "multiplier", "inverse", "quantity_step", "expires_ns", "strike", "right")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    UNDERLYING_FIELD_NUMBER: _ClassVar[int]
    SETTLEMENT_FIELD_NUMBER: _ClassVar[int]
    MULTIPLIER_FIELD_NUMBER: _ClassVar[int]
    INVERSE_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_STEP_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_NS_FIELD_NUMBER: _ClassVar[int]
    STRIKE_FIELD_NUMBER: _ClassVar[int]
    RIGHT_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    kind: InstrumentKind
    underlying: str
    settlement: str
    multiplier: float
    inverse: bool
    quantity_step: float
    expires_ns: int
    strike: float
    right: OptionRight
    def __init__(self, symbol: _Optional[str] = ..., kind: _Optional[_Union[InstrumentKind, str]] = ..., underlying: _Optional[str] = ..., settlement: _Optional[str] = ..., multiplier: _Optional[float] = ..., inverse: _Optional[bool] = ..., quantity_step: _Optional[float] = ..., expires_ns: _Optional[int] = ..., strike: _Optional[float] = ..., right: _Optional[_Union[OptionRight, str]] = ...) -> None: ...

class Price(_message.Message):
    __slots__ = ("name", "price", "time_ns", "open_interest", "index", "forward", "volatility", "rate", "dividend_yield", "confidence", "volume", "funding", "auction_price", "long_factor", "short_factor", "price_range", "delta", "forward_confidence", "volatility_confidence", "index_confidence", "stable_price", "deposits", "borrows")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    TIME_NS_FIELD_NUMBER: _ClassVar[int]
    OPEN_INTEREST_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    FORWARD_FIELD_NUMBER: _ClassVar[int]
    VOLATILITY_FIELD_NUMBER: _ClassVar[int]
    RATE_FIELD_NUMBER: _ClassVar[int]
    DIVIDEND_YIELD_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    VOLUME_FIELD_NUMBER: _ClassVar[int]
    FUNDING_FIELD_NUMBER: _ClassVar[int]
    AUCTION_PRICE_FIELD_NUMBER: _ClassVar[int]
    LONG_FACTOR_FIELD_NUMBER: _ClassVar[int]
    SHORT_FACTOR_FIELD_NUMBER: _ClassVar[int]
    PRICE_RANGE_FIELD_NUMBER: _ClassVar[int]
    DELTA_FIELD_NUMBER: _ClassVar[int]
    FORWARD_CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    VOLATILITY_CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    INDEX_CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    STABLE_PRICE_FIELD_NUMBER: _ClassVar[int]
    DEPOSITS_FIELD_NUMBER: _ClassVar[int]
    BORROWS_FIELD_NUMBER: _ClassVar[int]
    name: str
    price: float
    time_ns: int
    open_interest: float
    index: float
    forward: float
    volatility: float
    rate: float
    dividend_yield: float
    confidence: float
    volume: float
    funding: float
    auction_price: float
    long_factor: float
    short_factor: float
    price_range: float
    delta: float
    forward_confidence: float
    volatility_confidence: float
    index_confidence: float
    stable_price: float
    deposits: float
    borrows: float
    def __init__(self, name: _Optional[str] = ..., price: _Optional[float] = ..., time_ns: _Optional[int] = ..., open_interest: _Optional[float] = ..., index: _Optional[float] = ..., forward: _Optional[float] = ..., volatility: _Optional[float] = ..., rate: _Optional[float] = ..., dividend_yield: _Optional[float] = ..., confidence: _Optional[float] = ..., volume: _Optional[float] = ..., funding: _Optional[float] = ..., auction_price: _Optional[float] = ..., long_factor: _Optional[float] = ..., short_factor: _Optional[float] = ..., price_range: _Optional[float] = ..., delta: _Optional[float] = ..., forward_confidence: _Optional[float] = ..., volatility_confidence: _Optional[float] = ..., index_confidence: _Optional[float] = ..., stable_price: _Optional[float] = ..., deposits: _Optional[float] = ..., borrows: _Optional[float] = ...) -> None: ...

class Balance(_message.Message):
    __slots__ = ("asset", "amount")
    ASSET_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    asset: str
    amount: float
    def __init__(self, asset: _Optional[str] = ..., amount: _Optional[float] = ...) -> None: ...

class Position(_message.Message):
    __slots__ = ("symbol", "quantity", "entry_price", "leverage")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    ENTRY_PRICE_FIELD_NUMBER: _ClassVar[int]
    LEVERAGE_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    quantity: float
    entry_price: float
    leverage: float
    def __init__(self, symbol: _Optional[str] = ..., quantity: _Optional[float] = ..., entry_price: _Optional[float] = ..., leverage: _Optional[float] = ...) -> None: ...

class Order(_message.Message):
    __slots__ = ("client_order_id", "symbol", "quantity", "price", "leverage", "reduce_only", "expires_ns")
    CLIENT_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    LEVERAGE_FIELD_NUMBER: _ClassVar[int]
    REDUCE_ONLY_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_NS_FIELD_NUMBER: _ClassVar[int]
    client_order_id: str
    symbol: str
    quantity: float
    price: float
    leverage: float
    reduce_only: bool
    expires_ns: int
    def __init__(self, client_order_id: _Optional[str] = ..., symbol: _Optional[str] = ..., quantity: _Optional[float] = ..., price: _Optional[float] = ..., leverage: _Optional[float] = ..., reduce_only: _Optional[bool] = ..., expires_ns: _Optional[int] = ...) -> None: ...

class Pool(_message.Message):
    __slots__ = ("name", "balances", "positions", "orders", "fees_due", "funding_due")
    NAME_FIELD_NUMBER: _ClassVar[int]
    BALANCES_FIELD_NUMBER: _ClassVar[int]
    POSITIONS_FIELD_NUMBER: _ClassVar[int]
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    FEES_DUE_FIELD_NUMBER: _ClassVar[int]
    FUNDING_DUE_FIELD_NUMBER: _ClassVar[int]
    name: str
    balances: _containers.RepeatedCompositeFieldContainer[Balance]
    positions: _containers.RepeatedCompositeFieldContainer[Position]
    orders: _containers.RepeatedCompositeFieldContainer[Order]
    fees_due: float
    funding_due: float
    def __init__(self, name: _Optional[str] = ..., balances: _Optional[_Iterable[_Union[Balance, _Mapping]]] = ..., positions: _Optional[_Iterable[_Union[Position, _Mapping]]] = ..., orders: _Optional[_Iterable[_Union[Order, _Mapping]]] = ..., fees_due: _Optional[float] = ..., funding_due: _Optional[float] = ...) -> None: ...

class Account(_message.Message):
    __slots__ = ("account_id", "account_class", "sequence", "pools")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_CLASS_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    POOLS_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    account_class: str
    sequence: int
    pools: _containers.RepeatedCompositeFieldContainer[Pool]
    def __init__(self, account_id: _Optional[str] = ..., account_class: _Optional[str] = ..., sequence: _Optional[int] = ..., pools: _Optional[_Iterable[_Union[Pool, _Mapping]]] = ...) -> None: ...

class Assessment(_message.Message):
    __slots__ = ("valid", "reasons", "equity", "initial_margin", "maintenance_margin", "margin_ratio", "collateral_value", "unrealized_pnl", "margin_excess", "margin_deficiency", "step", "rule", "rulebook_digest", "next_step", "next_step_distance", "ladder_step", "restriction", "liquidation_prices")
    VALID_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    EQUITY_FIELD_NUMBER: _ClassVar[int]
    INITIAL_MARGIN_FIELD_NUMBER: _ClassVar[int]
    MAINTENANCE_MARGIN_FIELD_NUMBER: _ClassVar[int]
    MARGIN_RATIO_FIELD_NUMBER: _ClassVar[int]
    COLLATERAL_VALUE_FIELD_NUMBER: _ClassVar[int]
    UNREALIZED_PNL_FIELD_NUMBER: _ClassVar[int]
    MARGIN_EXCESS_FIELD_NUMBER: _ClassVar[int]
    MARGIN_DEFICIENCY_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    RULEBOOK_DIGEST_FIELD_NUMBER: _ClassVar[int]
    NEXT_STEP_FIELD_NUMBER: _ClassVar[int]
    NEXT_STEP_DISTANCE_FIELD_NUMBER: _ClassVar[int]
    LADDER_STEP_FIELD_NUMBER: _ClassVar[int]
    RESTRICTION_FIELD_NUMBER: _ClassVar[int]
    LIQUIDATION_PRICES_FIELD_NUMBER: _ClassVar[int]
    valid: bool
    reasons: _containers.RepeatedScalarFieldContainer[Reason]
    equity: float
    initial_margin: float
    maintenance_margin: float
    margin_ratio: float
    collateral_value: float
    unrealized_pnl: float
    margin_excess: float
    margin_deficiency: float
    step: str
    rule: str
    rulebook_digest: str
    next_step: str
    next_step_distance: float
    ladder_step: str
    restriction: Restriction
    liquidation_prices: _containers.RepeatedCompositeFieldContainer[LiquidationPrice]
    def __init__(self, valid: _Optional[bool] = ..., reasons: _Optional[_Iterable[_Union[Reason, str]]] = ..., equity: _Optional[float] = ..., initial_margin: _Optional[float] = ..., maintenance_margin: _Optional[float] = ..., margin_ratio: _Optional[float] = ..., collateral_value: _Optional[float] = ..., unrealized_pnl: _Optional[float] = ..., margin_excess: _Optional[float] = ..., margin_deficiency: _Optional[float] = ..., step: _Optional[str] = ..., rule: _Optional[str] = ..., rulebook_digest: _Optional[str] = ..., next_step: _Optional[str] = ..., next_step_distance: _Optional[float] = ..., ladder_step: _Optional[str] = ..., restriction: _Optional[_Union[Restriction, str]] = ..., liquidation_prices: _Optional[_Iterable[_Union[LiquidationPrice, _Mapping]]] = ...) -> None: ...

class LiquidationPrice(_message.Message):
    __slots__ = ("symbol", "price")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    price: float
    def __init__(self, symbol: _Optional[str] = ..., price: _Optional[float] = ...) -> None: ...

class OrderDecision(_message.Message):
    __slots__ = ("accepted", "reasons", "equity_before", "initial_margin_before", "maintenance_margin_before", "equity_after", "initial_margin_after", "maintenance_margin_after", "quantity_max", "rule", "rulebook_digest", "held")
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    EQUITY_BEFORE_FIELD_NUMBER: _ClassVar[int]
    INITIAL_MARGIN_BEFORE_FIELD_NUMBER: _ClassVar[int]
    MAINTENANCE_MARGIN_BEFORE_FIELD_NUMBER: _ClassVar[int]
    EQUITY_AFTER_FIELD_NUMBER: _ClassVar[int]
    INITIAL_MARGIN_AFTER_FIELD_NUMBER: _ClassVar[int]
    MAINTENANCE_MARGIN_AFTER_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_MAX_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    RULEBOOK_DIGEST_FIELD_NUMBER: _ClassVar[int]
    HELD_FIELD_NUMBER: _ClassVar[int]
    accepted: bool
    reasons: _containers.RepeatedScalarFieldContainer[Reason]
    equity_before: float
    initial_margin_before: float
    maintenance_margin_before: float
    equity_after: float
    initial_margin_after: float
    maintenance_margin_after: float
    quantity_max: float
    rule: str
    rulebook_digest: str
    held: bool
    def __init__(self, accepted: _Optional[bool] = ..., reasons: _Optional[_Iterable[_Union[Reason, str]]] = ..., equity_before: _Optional[float] = ..., initial_margin_before: _Optional[float] = ..., maintenance_margin_before: _Optional[float] = ..., equity_after: _Optional[float] = ..., initial_margin_after: _Optional[float] = ..., maintenance_margin_after: _Optional[float] = ..., quantity_max: _Optional[float] = ..., rule: _Optional[str] = ..., rulebook_digest: _Optional[str] = ..., held: _Optional[bool] = ...) -> None: ...
