# SPDX-License-Identifier: Apache-2.0
"""Answers for people: records to messages and messages to records."""

from __future__ import annotations

from decimal import Decimal

from marginrules._pb import answer_pb2
from marginrules.client.answers import (
    Crossing,
    DepositWay,
    FigureRow,
    FigureValues,
    Grouping,
    GroupMargin,
    HedgeWay,
    LargestOrder,
    MarginExplanation,
    PoolDistance,
    PoolFigures,
    PositionMargin,
    ReductionWay,
    Resilience,
    StepDistance,
    StrategyUse,
    Stress,
    StressResult,
    Trade,
    UnderlyingDistance,
    VulnerablePage,
    VulnerablePool,
    WaysOut,
)
from marginrules.client.codec import decode_assessment, decode_reasons


def encode_stress(one: Stress) -> answer_pb2.Stress:
    """Write a stress."""
    moves = [answer_pb2.StressMove(underlying=m.underlying, price=m.price, volatility=m.volatility) for m in one.moves]
    return answer_pb2.Stress(name=one.name, moves=moves)


def decode_distance(one: answer_pb2.MeasureDistanceResponse) -> PoolDistance:
    """Read how far a pool is from each step."""
    underlyings = tuple(_underlying(item) for item in one.underlyings)
    return PoolDistance(decode_assessment(one.assessment), one.horizon_ns, underlyings)


def _underlying(one: answer_pb2.UnderlyingDistance) -> UnderlyingDistance:
    return UnderlyingDistance(
        underlying=one.underlying,
        price=one.price if one.HasField("price") else None,
        price_from=one.price_from,
        volatility=one.volatility if one.HasField("volatility") else None,
        volatility_from=one.volatility_from,
        steps=tuple(_step(step) for step in one.steps),
        liquidation=tuple(_crossing(root) for root in one.liquidation),
        open_positions=_crossing(one.open_positions) if one.HasField("open_positions") else None,
        with_buy_orders=_crossing(one.with_buy_orders) if one.HasField("with_buy_orders") else None,
        with_sell_orders=_crossing(one.with_sell_orders) if one.HasField("with_sell_orders") else None,
        reasons=decode_reasons(one.reasons),
        unpriced=tuple(one.unpriced),
    )


def _step(one: answer_pb2.StepDistance) -> StepDistance:
    return StepDistance(
        step=one.step,
        rule=one.rule,
        below=one.below,
        is_breached=one.breached,
        equity=one.equity,
        fall=_crossing(one.fall) if one.HasField("fall") else None,
        rise=_crossing(one.rise) if one.HasField("rise") else None,
    )


def _crossing(one: answer_pb2.Crossing) -> Crossing:
    return Crossing(
        move=one.move,
        price=one.price if one.HasField("price") else None,
        standard_deviations=one.standard_deviations if one.HasField("standard_deviations") else None,
    )


def decode_resilience(one: answer_pb2.MeasureResilienceResponse) -> Resilience:
    """Read what a pool survives."""
    results = tuple(_result(item) for item in one.results)
    return Resilience(decode_assessment(one.assessment), results, one.worst)


def _result(one: answer_pb2.StressResult) -> StressResult:
    return StressResult(
        stress=one.stress,
        after=decode_assessment(one.after),
        survived=one.survived,
        multiple=one.multiple if one.HasField("multiple") else None,
        call=Decimal(one.call),
        call_step=one.call_step,
        liquid_collateral=one.liquid_collateral,
        unpriced=tuple(one.unpriced),
    )


def decode_vulnerable(one: answer_pb2.ListVulnerableResponse) -> VulnerablePage:
    """Read one page of the most exposed."""
    pools = tuple(_pool(item) for item in one.pools)
    return VulnerablePage(pools, one.count, one.unassessed, one.breached, one.next_page_token)


def _pool(one: answer_pb2.VulnerablePool) -> VulnerablePool:
    return VulnerablePool(
        account_id=one.account_id,
        account_class=one.account_class,
        pool=one.pool,
        before=decode_assessment(one.before),
        after=decode_assessment(one.after),
        gross_notional=one.gross_notional,
        loss_absorbing=one.loss_absorbing if one.HasField("loss_absorbing") else None,
    )


def decode_ways_out(one: answer_pb2.FindWaysOutResponse) -> WaysOut:
    """Read what restores a pool."""
    return WaysOut(
        assessment=decode_assessment(one.assessment),
        restore=one.restore,
        required=one.required,
        missing=one.missing,
        deposits=tuple(_deposit(item) for item in one.deposits),
        cancel_orders=decode_assessment(one.cancel_orders) if one.HasField("cancel_orders") else None,
        reductions=tuple(_reduction(item) for item in one.reductions),
        hedges=tuple(HedgeWay(_trade(item.trade), item.premium, decode_assessment(item.after)) for item in one.hedges),
        largest_orders=tuple(LargestOrder(item.symbol, item.buy, item.sell) for item in one.largest_orders),
    )


def _deposit(one: answer_pb2.DepositWay) -> DepositWay:
    after = decode_assessment(one.after) if one.HasField("after") else None
    return DepositWay(one.asset, Decimal(one.amount) if one.amount else None, after)


def _trade(one: answer_pb2.Trade) -> Trade:
    return Trade(one.symbol, one.quantity, one.price, one.cost)


def _reduction(one: answer_pb2.ReductionWay) -> ReductionWay:
    return ReductionWay(
        one.kind, tuple(_trade(item) for item in one.trades), one.notional, decode_assessment(one.after)
    )


def decode_figures(one: answer_pb2.MeasureFiguresResponse) -> PoolFigures:
    """Read figures of a pool."""
    return PoolFigures(decode_assessment(one.assessment), tuple(_figure(item) for item in one.figures))


def _figure(one: answer_pb2.FigureValues) -> FigureValues:
    rows = tuple(FigureRow(tuple(row.symbols), tuple(row.values), decode_reasons(row.reasons)) for row in one.rows)
    return FigureValues(one.name, one.rule, one.of, one.portfolio, tuple(one.scenarios), rows)


def decode_explanation(one: answer_pb2.ExplainMarginResponse) -> MarginExplanation:
    """Read how a margin comes about."""
    return MarginExplanation(
        assessment=decode_assessment(one.assessment),
        positions=tuple(_position_margin(item) for item in one.positions),
        groups=tuple(_group_margin(item) for item in one.groups),
        initial_margin=one.initial_margin if one.HasField("initial_margin") else None,
        maintenance_margin=one.maintenance_margin if one.HasField("maintenance_margin") else None,
        pool_rule=one.pool_rule,
        pool_groupings=tuple(_grouping(item) for item in one.pool_groupings),
        excluded=tuple((item.symbol, item.value) for item in one.excluded),
    )


def _position_margin(one: answer_pb2.PositionMargin) -> PositionMargin:
    return PositionMargin(
        symbol=one.symbol,
        rule=one.rule,
        quantity=one.quantity,
        value=one.value if one.HasField("value") else None,
        initial_margin=one.initial_margin if one.HasField("initial_margin") else None,
        maintenance_margin=one.maintenance_margin if one.HasField("maintenance_margin") else None,
        orders=one.orders if one.HasField("orders") else None,
        reasons=decode_reasons(one.reasons),
    )


def _group_margin(one: answer_pb2.GroupMargin) -> GroupMargin:
    return GroupMargin(
        rule=one.rule,
        symbols=tuple(one.symbols),
        initial_margin=one.initial_margin if one.HasField("initial_margin") else None,
        maintenance_margin=one.maintenance_margin if one.HasField("maintenance_margin") else None,
        orders=one.orders if one.HasField("orders") else None,
        reasons=decode_reasons(one.reasons),
        groupings=tuple(_grouping(item) for item in one.groupings),
    )


def _grouping(one: answer_pb2.Grouping) -> Grouping:
    cost = one.cost if one.HasField("cost") else None
    return Grouping(one.book, one.requirement, cost, one.proven, tuple(_use(item) for item in one.uses))


def _use(one: answer_pb2.StrategyUse) -> StrategyUse:
    legs = tuple((leg.symbol, leg.quantity) for leg in one.legs)
    return StrategyUse(one.strategy, one.rule, one.amount, one.cost, legs)
