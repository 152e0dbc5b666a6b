from marginrules._pb import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Exposure(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EXPOSURE_UNSPECIFIED: _ClassVar[Exposure]
    EXPOSURE_MARGIN_RATIO: _ClassVar[Exposure]
    EXPOSURE_LOSS_ABSORBING: _ClassVar[Exposure]
    EXPOSURE_SHORTFALL: _ClassVar[Exposure]
EXPOSURE_UNSPECIFIED: Exposure
EXPOSURE_MARGIN_RATIO: Exposure
EXPOSURE_LOSS_ABSORBING: Exposure
EXPOSURE_SHORTFALL: Exposure

class MeasureDistanceRequest(_message.Message):
    __slots__ = ("account_id", "pool", "horizon_ns")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    POOL_FIELD_NUMBER: _ClassVar[int]
    HORIZON_NS_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    pool: str
    horizon_ns: int
    def __init__(self, account_id: _Optional[str] = ..., pool: _Optional[str] = ..., horizon_ns: _Optional[int] = ...) -> None: ...

class MeasureDistanceResponse(_message.Message):
    __slots__ = ("assessment", "horizon_ns", "underlyings")
    ASSESSMENT_FIELD_NUMBER: _ClassVar[int]
    HORIZON_NS_FIELD_NUMBER: _ClassVar[int]
    UNDERLYINGS_FIELD_NUMBER: _ClassVar[int]
    assessment: _types_pb2.Assessment
    horizon_ns: int
    underlyings: _containers.RepeatedCompositeFieldContainer[UnderlyingDistance]
    def __init__(self, assessment: _Optional[_Union[_types_pb2.Assessment, _Mapping]] = ..., horizon_ns: _Optional[int] = ..., underlyings: _Optional[_Iterable[_Union[UnderlyingDistance, _Mapping]]] = ...) -> None: ...

class Crossing(_message.Message):
    __slots__ = ("move", "price", "standard_deviations")
    MOVE_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    STANDARD_DEVIATIONS_FIELD_NUMBER: _ClassVar[int]
    move: float
    price: float
    standard_deviations: float
    def __init__(self, move: _Optional[float] = ..., price: _Optional[float] = ..., standard_deviations: _Optional[float] = ...) -> None: ...

class StepDistance(_message.Message):
    __slots__ = ("step", "rule", "below", "breached", "equity", "fall", "rise")
    STEP_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    BELOW_FIELD_NUMBER: _ClassVar[int]
    BREACHED_FIELD_NUMBER: _ClassVar[int]
    EQUITY_FIELD_NUMBER: _ClassVar[int]
    FALL_FIELD_NUMBER: _ClassVar[int]
    RISE_FIELD_NUMBER: _ClassVar[int]
    step: str
    rule: str
    below: float
    breached: bool
    equity: float
    fall: Crossing
    rise: Crossing
    def __init__(self, step: _Optional[str] = ..., rule: _Optional[str] = ..., below: _Optional[float] = ..., breached: _Optional[bool] = ..., equity: _Optional[float] = ..., fall: _Optional[_Union[Crossing, _Mapping]] = ..., rise: _Optional[_Union[Crossing, _Mapping]] = ...) -> None: ...

class UnderlyingDistance(_message.Message):
    __slots__ = ("underlying", "price", "price_from", "volatility", "volatility_from", "steps", "liquidation", "open_positions", "with_buy_orders", "with_sell_orders", "reasons", "unpriced")
    UNDERLYING_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    PRICE_FROM_FIELD_NUMBER: _ClassVar[int]
    VOLATILITY_FIELD_NUMBER: _ClassVar[int]
    VOLATILITY_FROM_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    LIQUIDATION_FIELD_NUMBER: _ClassVar[int]
    OPEN_POSITIONS_FIELD_NUMBER: _ClassVar[int]
    WITH_BUY_ORDERS_FIELD_NUMBER: _ClassVar[int]
    WITH_SELL_ORDERS_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    UNPRICED_FIELD_NUMBER: _ClassVar[int]
    underlying: str
    price: float
    price_from: str
    volatility: float
    volatility_from: str
    steps: _containers.RepeatedCompositeFieldContainer[StepDistance]
    liquidation: _containers.RepeatedCompositeFieldContainer[Crossing]
    open_positions: Crossing
    with_buy_orders: Crossing
    with_sell_orders: Crossing
    reasons: _containers.RepeatedScalarFieldContainer[_types_pb2.Reason]
    unpriced: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, underlying: _Optional[str] = ..., price: _Optional[float] = ..., price_from: _Optional[str] = ..., volatility: _Optional[float] = ..., volatility_from: _Optional[str] = ..., steps: _Optional[_Iterable[_Union[StepDistance, _Mapping]]] = ..., liquidation: _Optional[_Iterable[_Union[Crossing, _Mapping]]] = ..., open_positions: _Optional[_Union[Crossing, _Mapping]] = ..., with_buy_orders: _Optional[_Union[Crossing, _Mapping]] = ..., with_sell_orders: _Optional[_Union[Crossing, _Mapping]] = ..., reasons: _Optional[_Iterable[_Union[_types_pb2.Reason, str]]] = ..., unpriced: _Optional[_Iterable[str]] = ...) -> None: ...

class Stress(_message.Message):
    __slots__ = ("name", "moves")
    NAME_FIELD_NUMBER: _ClassVar[int]
    MOVES_FIELD_NUMBER: _ClassVar[int]
    name: str
    moves: _containers.RepeatedCompositeFieldContainer[StressMove]
    def __init__(self, name: _Optional[str] = ..., moves: _Optional[_Iterable[_Union[StressMove, _Mapping]]] = ...) -> None: ...

class StressMove(_message.Message):
    __slots__ = ("underlying", "price", "volatility")
    UNDERLYING_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    VOLATILITY_FIELD_NUMBER: _ClassVar[int]
    underlying: str
    price: float
    volatility: float
    def __init__(self, underlying: _Optional[str] = ..., price: _Optional[float] = ..., volatility: _Optional[float] = ...) -> None: ...

class MeasureResilienceRequest(_message.Message):
    __slots__ = ("account_id", "pool", "stresses", "scenarios")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    POOL_FIELD_NUMBER: _ClassVar[int]
    STRESSES_FIELD_NUMBER: _ClassVar[int]
    SCENARIOS_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    pool: str
    stresses: _containers.RepeatedCompositeFieldContainer[Stress]
    scenarios: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, account_id: _Optional[str] = ..., pool: _Optional[str] = ..., stresses: _Optional[_Iterable[_Union[Stress, _Mapping]]] = ..., scenarios: _Optional[_Iterable[str]] = ...) -> None: ...

class MeasureResilienceResponse(_message.Message):
    __slots__ = ("assessment", "results", "worst")
    ASSESSMENT_FIELD_NUMBER: _ClassVar[int]
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    WORST_FIELD_NUMBER: _ClassVar[int]
    assessment: _types_pb2.Assessment
    results: _containers.RepeatedCompositeFieldContainer[StressResult]
    worst: str
    def __init__(self, assessment: _Optional[_Union[_types_pb2.Assessment, _Mapping]] = ..., results: _Optional[_Iterable[_Union[StressResult, _Mapping]]] = ..., worst: _Optional[str] = ...) -> None: ...

class StressResult(_message.Message):
    __slots__ = ("stress", "after", "survived", "multiple", "call", "call_step", "liquid_collateral", "unpriced")
    STRESS_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    SURVIVED_FIELD_NUMBER: _ClassVar[int]
    MULTIPLE_FIELD_NUMBER: _ClassVar[int]
    CALL_FIELD_NUMBER: _ClassVar[int]
    CALL_STEP_FIELD_NUMBER: _ClassVar[int]
    LIQUID_COLLATERAL_FIELD_NUMBER: _ClassVar[int]
    UNPRICED_FIELD_NUMBER: _ClassVar[int]
    stress: str
    after: _types_pb2.Assessment
    survived: bool
    multiple: float
    call: str
    call_step: str
    liquid_collateral: float
    unpriced: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, stress: _Optional[str] = ..., after: _Optional[_Union[_types_pb2.Assessment, _Mapping]] = ..., survived: _Optional[bool] = ..., multiple: _Optional[float] = ..., call: _Optional[str] = ..., call_step: _Optional[str] = ..., liquid_collateral: _Optional[float] = ..., unpriced: _Optional[_Iterable[str]] = ...) -> None: ...

class ListVulnerableRequest(_message.Message):
    __slots__ = ("stress", "exposure", "page_size", "page_token")
    STRESS_FIELD_NUMBER: _ClassVar[int]
    EXPOSURE_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    stress: Stress
    exposure: Exposure
    page_size: int
    page_token: str
    def __init__(self, stress: _Optional[_Union[Stress, _Mapping]] = ..., exposure: _Optional[_Union[Exposure, str]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListVulnerableResponse(_message.Message):
    __slots__ = ("pools", "count", "unassessed", "breached", "next_page_token")
    POOLS_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    UNASSESSED_FIELD_NUMBER: _ClassVar[int]
    BREACHED_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    pools: _containers.RepeatedCompositeFieldContainer[VulnerablePool]
    count: int
    unassessed: int
    breached: int
    next_page_token: str
    def __init__(self, pools: _Optional[_Iterable[_Union[VulnerablePool, _Mapping]]] = ..., count: _Optional[int] = ..., unassessed: _Optional[int] = ..., breached: _Optional[int] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class VulnerablePool(_message.Message):
    __slots__ = ("account_id", "account_class", "pool", "before", "after", "gross_notional", "loss_absorbing")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_CLASS_FIELD_NUMBER: _ClassVar[int]
    POOL_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    GROSS_NOTIONAL_FIELD_NUMBER: _ClassVar[int]
    LOSS_ABSORBING_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    account_class: str
    pool: str
    before: _types_pb2.Assessment
    after: _types_pb2.Assessment
    gross_notional: float
    loss_absorbing: float
    def __init__(self, account_id: _Optional[str] = ..., account_class: _Optional[str] = ..., pool: _Optional[str] = ..., before: _Optional[_Union[_types_pb2.Assessment, _Mapping]] = ..., after: _Optional[_Union[_types_pb2.Assessment, _Mapping]] = ..., gross_notional: _Optional[float] = ..., loss_absorbing: _Optional[float] = ...) -> None: ...

class FindWaysOutRequest(_message.Message):
    __slots__ = ("account_id", "pool", "restore", "ratio")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    POOL_FIELD_NUMBER: _ClassVar[int]
    RESTORE_FIELD_NUMBER: _ClassVar[int]
    RATIO_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    pool: str
    restore: str
    ratio: float
    def __init__(self, account_id: _Optional[str] = ..., pool: _Optional[str] = ..., restore: _Optional[str] = ..., ratio: _Optional[float] = ...) -> None: ...

class FindWaysOutResponse(_message.Message):
    __slots__ = ("assessment", "restore", "required", "missing", "deposits", "cancel_orders", "reductions", "hedges", "largest_orders")
    ASSESSMENT_FIELD_NUMBER: _ClassVar[int]
    RESTORE_FIELD_NUMBER: _ClassVar[int]
    REQUIRED_FIELD_NUMBER: _ClassVar[int]
    MISSING_FIELD_NUMBER: _ClassVar[int]
    DEPOSITS_FIELD_NUMBER: _ClassVar[int]
    CANCEL_ORDERS_FIELD_NUMBER: _ClassVar[int]
    REDUCTIONS_FIELD_NUMBER: _ClassVar[int]
    HEDGES_FIELD_NUMBER: _ClassVar[int]
    LARGEST_ORDERS_FIELD_NUMBER: _ClassVar[int]
    assessment: _types_pb2.Assessment
    restore: str
    required: float
    missing: float
    deposits: _containers.RepeatedCompositeFieldContainer[DepositWay]
    cancel_orders: _types_pb2.Assessment
    reductions: _containers.RepeatedCompositeFieldContainer[ReductionWay]
    hedges: _containers.RepeatedCompositeFieldContainer[HedgeWay]
    largest_orders: _containers.RepeatedCompositeFieldContainer[LargestOrder]
    def __init__(self, assessment: _Optional[_Union[_types_pb2.Assessment, _Mapping]] = ..., restore: _Optional[str] = ..., required: _Optional[float] = ..., missing: _Optional[float] = ..., deposits: _Optional[_Iterable[_Union[DepositWay, _Mapping]]] = ..., cancel_orders: _Optional[_Union[_types_pb2.Assessment, _Mapping]] = ..., reductions: _Optional[_Iterable[_Union[ReductionWay, _Mapping]]] = ..., hedges: _Optional[_Iterable[_Union[HedgeWay, _Mapping]]] = ..., largest_orders: _Optional[_Iterable[_Union[LargestOrder, _Mapping]]] = ...) -> None: ...

class DepositWay(_message.Message):
    __slots__ = ("asset", "amount", "after")
    ASSET_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    asset: str
    amount: str
    after: _types_pb2.Assessment
    def __init__(self, asset: _Optional[str] = ..., amount: _Optional[str] = ..., after: _Optional[_Union[_types_pb2.Assessment, _Mapping]] = ...) -> None: ...

class Trade(_message.Message):
    __slots__ = ("symbol", "quantity", "price", "cost")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    COST_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    quantity: float
    price: float
    cost: float
    def __init__(self, symbol: _Optional[str] = ..., quantity: _Optional[float] = ..., price: _Optional[float] = ..., cost: _Optional[float] = ...) -> None: ...

class ReductionWay(_message.Message):
    __slots__ = ("kind", "trades", "notional", "after")
    KIND_FIELD_NUMBER: _ClassVar[int]
    TRADES_FIELD_NUMBER: _ClassVar[int]
    NOTIONAL_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    kind: str
    trades: _containers.RepeatedCompositeFieldContainer[Trade]
    notional: float
    after: _types_pb2.Assessment
    def __init__(self, kind: _Optional[str] = ..., trades: _Optional[_Iterable[_Union[Trade, _Mapping]]] = ..., notional: _Optional[float] = ..., after: _Optional[_Union[_types_pb2.Assessment, _Mapping]] = ...) -> None: ...

class HedgeWay(_message.Message):
    __slots__ = ("trade", "premium", "after")
    TRADE_FIELD_NUMBER: _ClassVar[int]
    PREMIUM_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    trade: Trade
    premium: float
    after: _types_pb2.Assessment
    def __init__(self, trade: _Optional[_Union[Trade, _Mapping]] = ..., premium: _Optional[float] = ..., after: _Optional[_Union[_types_pb2.Assessment, _Mapping]] = ...) -> None: ...

class LargestOrder(_message.Message):
    __slots__ = ("symbol", "buy", "sell")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    BUY_FIELD_NUMBER: _ClassVar[int]
    SELL_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    buy: float
    sell: float
    def __init__(self, symbol: _Optional[str] = ..., buy: _Optional[float] = ..., sell: _Optional[float] = ...) -> None: ...

class MeasureFiguresRequest(_message.Message):
    __slots__ = ("account_id", "pool", "names", "symbol", "given")
    class GivenEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    POOL_FIELD_NUMBER: _ClassVar[int]
    NAMES_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    GIVEN_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    pool: str
    names: _containers.RepeatedScalarFieldContainer[str]
    symbol: str
    given: _containers.ScalarMap[str, float]
    def __init__(self, account_id: _Optional[str] = ..., pool: _Optional[str] = ..., names: _Optional[_Iterable[str]] = ..., symbol: _Optional[str] = ..., given: _Optional[_Mapping[str, float]] = ...) -> None: ...

class MeasureFiguresResponse(_message.Message):
    __slots__ = ("assessment", "figures")
    ASSESSMENT_FIELD_NUMBER: _ClassVar[int]
    FIGURES_FIELD_NUMBER: _ClassVar[int]
    assessment: _types_pb2.Assessment
    figures: _containers.RepeatedCompositeFieldContainer[FigureValues]
    def __init__(self, assessment: _Optional[_Union[_types_pb2.Assessment, _Mapping]] = ..., figures: _Optional[_Iterable[_Union[FigureValues, _Mapping]]] = ...) -> None: ...

class FigureValues(_message.Message):
    __slots__ = ("name", "rule", "of", "portfolio", "scenarios", "rows")
    NAME_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    OF_FIELD_NUMBER: _ClassVar[int]
    PORTFOLIO_FIELD_NUMBER: _ClassVar[int]
    SCENARIOS_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    name: str
    rule: str
    of: str
    portfolio: str
    scenarios: _containers.RepeatedScalarFieldContainer[str]
    rows: _containers.RepeatedCompositeFieldContainer[FigureRow]
    def __init__(self, name: _Optional[str] = ..., rule: _Optional[str] = ..., of: _Optional[str] = ..., portfolio: _Optional[str] = ..., scenarios: _Optional[_Iterable[str]] = ..., rows: _Optional[_Iterable[_Union[FigureRow, _Mapping]]] = ...) -> None: ...

class FigureRow(_message.Message):
    __slots__ = ("symbols", "values", "reasons")
    SYMBOLS_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    symbols: _containers.RepeatedScalarFieldContainer[str]
    values: _containers.RepeatedScalarFieldContainer[float]
    reasons: _containers.RepeatedScalarFieldContainer[_types_pb2.Reason]
    def __init__(self, symbols: _Optional[_Iterable[str]] = ..., values: _Optional[_Iterable[float]] = ..., reasons: _Optional[_Iterable[_Union[_types_pb2.Reason, str]]] = ...) -> None: ...

class ExplainMarginRequest(_message.Message):
    __slots__ = ("account_id", "pool")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    POOL_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    pool: str
    def __init__(self, account_id: _Optional[str] = ..., pool: _Optional[str] = ...) -> None: ...

class ExplainMarginResponse(_message.Message):
    __slots__ = ("assessment", "positions", "groups", "initial_margin", "maintenance_margin", "pool_rule", "pool_groupings", "excluded")
    ASSESSMENT_FIELD_NUMBER: _ClassVar[int]
    POSITIONS_FIELD_NUMBER: _ClassVar[int]
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    INITIAL_MARGIN_FIELD_NUMBER: _ClassVar[int]
    MAINTENANCE_MARGIN_FIELD_NUMBER: _ClassVar[int]
    POOL_RULE_FIELD_NUMBER: _ClassVar[int]
    POOL_GROUPINGS_FIELD_NUMBER: _ClassVar[int]
    EXCLUDED_FIELD_NUMBER: _ClassVar[int]
    assessment: _types_pb2.Assessment
    positions: _containers.RepeatedCompositeFieldContainer[PositionMargin]
    groups: _containers.RepeatedCompositeFieldContainer[GroupMargin]
    initial_margin: float
    maintenance_margin: float
    pool_rule: str
    pool_groupings: _containers.RepeatedCompositeFieldContainer[Grouping]
    excluded: _containers.RepeatedCompositeFieldContainer[ExcludedValue]
    def __init__(self, assessment: _Optional[_Union[_types_pb2.Assessment, _Mapping]] = ..., positions: _Optional[_Iterable[_Union[PositionMargin, _Mapping]]] = ..., groups: _Optional[_Iterable[_Union[GroupMargin, _Mapping]]] = ..., initial_margin: _Optional[float] = ..., maintenance_margin: _Optional[float] = ..., pool_rule: _Optional[str] = ..., pool_groupings: _Optional[_Iterable[_Union[Grouping, _Mapping]]] = ..., excluded: _Optional[_Iterable[_Union[ExcludedValue, _Mapping]]] = ...) -> None: ...

class PositionMargin(_message.Message):
    __slots__ = ("symbol", "rule", "quantity", "value", "initial_margin", "maintenance_margin", "orders", "reasons")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    INITIAL_MARGIN_FIELD_NUMBER: _ClassVar[int]
    MAINTENANCE_MARGIN_FIELD_NUMBER: _ClassVar[int]
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    rule: str
    quantity: float
    value: float
    initial_margin: float
    maintenance_margin: float
    orders: float
    reasons: _containers.RepeatedScalarFieldContainer[_types_pb2.Reason]
    def __init__(self, symbol: _Optional[str] = ..., rule: _Optional[str] = ..., quantity: _Optional[float] = ..., value: _Optional[float] = ..., initial_margin: _Optional[float] = ..., maintenance_margin: _Optional[float] = ..., orders: _Optional[float] = ..., reasons: _Optional[_Iterable[_Union[_types_pb2.Reason, str]]] = ...) -> None: ...

class GroupMargin(_message.Message):
    __slots__ = ("rule", "symbols", "initial_margin", "maintenance_margin", "orders", "reasons", "groupings")
    RULE_FIELD_NUMBER: _ClassVar[int]
    SYMBOLS_FIELD_NUMBER: _ClassVar[int]
    INITIAL_MARGIN_FIELD_NUMBER: _ClassVar[int]
    MAINTENANCE_MARGIN_FIELD_NUMBER: _ClassVar[int]
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    GROUPINGS_FIELD_NUMBER: _ClassVar[int]
    rule: str
    symbols: _containers.RepeatedScalarFieldContainer[str]
    initial_margin: float
    maintenance_margin: float
    orders: float
    reasons: _containers.RepeatedScalarFieldContainer[_types_pb2.Reason]
    groupings: _containers.RepeatedCompositeFieldContainer[Grouping]
    def __init__(self, rule: _Optional[str] = ..., symbols: _Optional[_Iterable[str]] = ..., initial_margin: _Optional[float] = ..., maintenance_margin: _Optional[float] = ..., orders: _Optional[float] = ..., reasons: _Optional[_Iterable[_Union[_types_pb2.Reason, str]]] = ..., groupings: _Optional[_Iterable[_Union[Grouping, _Mapping]]] = ...) -> None: ...

class Grouping(_message.Message):
    __slots__ = ("book", "requirement", "cost", "proven", "uses")
    BOOK_FIELD_NUMBER: _ClassVar[int]
    REQUIREMENT_FIELD_NUMBER: _ClassVar[int]
    COST_FIELD_NUMBER: _ClassVar[int]
    PROVEN_FIELD_NUMBER: _ClassVar[int]
    USES_FIELD_NUMBER: _ClassVar[int]
    book: str
    requirement: str
    cost: float
    proven: bool
    uses: _containers.RepeatedCompositeFieldContainer[StrategyUse]
    def __init__(self, book: _Optional[str] = ..., requirement: _Optional[str] = ..., cost: _Optional[float] = ..., proven: _Optional[bool] = ..., uses: _Optional[_Iterable[_Union[StrategyUse, _Mapping]]] = ...) -> None: ...

class StrategyUse(_message.Message):
    __slots__ = ("strategy", "rule", "amount", "cost", "legs")
    STRATEGY_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    COST_FIELD_NUMBER: _ClassVar[int]
    LEGS_FIELD_NUMBER: _ClassVar[int]
    strategy: str
    rule: str
    amount: float
    cost: float
    legs: _containers.RepeatedCompositeFieldContainer[StrategyLeg]
    def __init__(self, strategy: _Optional[str] = ..., rule: _Optional[str] = ..., amount: _Optional[float] = ..., cost: _Optional[float] = ..., legs: _Optional[_Iterable[_Union[StrategyLeg, _Mapping]]] = ...) -> None: ...

class StrategyLeg(_message.Message):
    __slots__ = ("symbol", "quantity")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    quantity: float
    def __init__(self, symbol: _Optional[str] = ..., quantity: _Optional[float] = ...) -> None: ...

class ExcludedValue(_message.Message):
    __slots__ = ("symbol", "value")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    value: float
    def __init__(self, symbol: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
