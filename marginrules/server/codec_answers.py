# SPDX-License-Identifier: Apache-2.0
"""Answers for people: requests to plain records, records to messages. No rule lives here."""

from __future__ import annotations

from marginrules._pb import answer_pb2
from marginrules.errors import InputError
from marginrules.server.codec import assessment, reasons
from marginrules.service.distance import Crossing, PoolDistance, StepDistance, UnderlyingDistance
from marginrules.service.explain import Grouping, GroupMargin, MarginExplanation, PositionMargin, StrategyUse
from marginrules.service.figures import FigureRow, FigureValues, PoolFigures
from marginrules.service.resilience import Resilience, StressResult
from marginrules.service.stress import Move, Stress
from marginrules.service.vulnerable import Exposure, VulnerablePage, VulnerablePool
from marginrules.service.ways_out import DepositWay, HedgeWay, ReductionWay, Trade, WaysOut

_EXPOSURES = {
    answer_pb2.EXPOSURE_UNSPECIFIED: Exposure.MARGIN_RATIO,
    answer_pb2.EXPOSURE_MARGIN_RATIO: Exposure.MARGIN_RATIO,
    answer_pb2.EXPOSURE_LOSS_ABSORBING: Exposure.LOSS_ABSORBING,
    answer_pb2.EXPOSURE_SHORTFALL: Exposure.SHORTFALL,
}

# Requests


def stress(one: answer_pb2.Stress) -> Stress:
    """Read a stress."""
    return Stress(one.name, tuple(Move(move.underlying, move.price, move.volatility) for move in one.moves))


def exposure(number: int) -> Exposure:
    """Read by what pools are put in order."""
    found = _EXPOSURES.get(number)  # type: ignore[call-overload]
    if found is None:
        raise InputError("MR-I102", f"exposure was {number}", "margin ratio, loss absorbing or shortfall")
    return Exposure(found)


# Responses


def distance(one: PoolDistance) -> answer_pb2.MeasureDistanceResponse:
    """Write how far a pool is from each step."""
    return answer_pb2.MeasureDistanceResponse(
        assessment=assessment(one.view),
        horizon_ns=one.horizon_ns,
        underlyings=[_underlying(item) for item in one.underlyings],
    )


def _underlying(one: UnderlyingDistance) -> answer_pb2.UnderlyingDistance:
    return answer_pb2.UnderlyingDistance(
        underlying=one.underlying,
        price=one.price,
        price_from=one.price_from,
        volatility=one.volatility,
        volatility_from=one.volatility_from,
        steps=[_step(step) for step in one.steps],
        liquidation=[found for root in one.liquidation if (found := _crossing(root))],
        open_positions=_crossing(one.open_positions),
        with_buy_orders=_crossing(one.with_buy_orders),
        with_sell_orders=_crossing(one.with_sell_orders),
        reasons=reasons(one.reasons),
        unpriced=one.unpriced,
    )


def _step(one: StepDistance) -> answer_pb2.StepDistance:
    return answer_pb2.StepDistance(
        step=one.step,
        rule=one.rule,
        below=one.below,
        breached=one.is_breached,
        equity=one.equity,
        fall=_crossing(one.fall),
        rise=_crossing(one.rise),
    )


def _crossing(one: Crossing | None) -> answer_pb2.Crossing | None:
    if one is None:
        return None
    return answer_pb2.Crossing(move=one.move, price=one.price, standard_deviations=one.standard_deviations)


def resilience(one: Resilience) -> answer_pb2.MeasureResilienceResponse:
    """Write what a pool survives."""
    return answer_pb2.MeasureResilienceResponse(
        assessment=assessment(one.before), results=[_result(item) for item in one.results], worst=one.worst
    )


def _result(one: StressResult) -> answer_pb2.StressResult:
    return answer_pb2.StressResult(
        stress=one.stress,
        after=assessment(one.after),
        survived=one.survived,
        multiple=one.multiple,
        call=str(one.call),
        call_step=one.call_step,
        liquid_collateral=one.liquid_collateral,
        unpriced=one.unpriced,
    )


def vulnerable(one: VulnerablePage) -> answer_pb2.ListVulnerableResponse:
    """Write one page of the most exposed."""
    return answer_pb2.ListVulnerableResponse(
        pools=[_pool(item) for item in one.pools],
        count=one.count,
        unassessed=one.unassessed,
        breached=one.breached,
        next_page_token=one.next_token,
    )


def _pool(one: VulnerablePool) -> answer_pb2.VulnerablePool:
    return answer_pb2.VulnerablePool(
        account_id=one.account_id,
        account_class=one.account_class,
        pool=one.pool,
        before=assessment(one.before),
        after=assessment(one.after),
        gross_notional=one.gross_notional,
        loss_absorbing=one.loss_absorbing,
    )


def ways_out(one: WaysOut) -> answer_pb2.FindWaysOutResponse:
    """Write what restores a pool."""
    return answer_pb2.FindWaysOutResponse(
        assessment=assessment(one.before),
        restore=one.restore,
        required=one.required,
        missing=one.missing,
        deposits=[_deposit(item) for item in one.deposits],
        cancel_orders=assessment(one.cancel_orders) if one.cancel_orders else None,
        reductions=[_reduction(item) for item in one.reductions],
        hedges=[_hedge(item) for item in one.hedges],
        largest_orders=[
            answer_pb2.LargestOrder(symbol=item.symbol, buy=item.buy, sell=item.sell) for item in one.largest_orders
        ],
    )


def _deposit(one: DepositWay) -> answer_pb2.DepositWay:
    return answer_pb2.DepositWay(
        asset=one.asset,
        amount=format(one.amount, "f") if one.amount is not None else "",
        after=assessment(one.after) if one.after else None,
    )


def _trade(one: Trade) -> answer_pb2.Trade:
    return answer_pb2.Trade(symbol=one.symbol, quantity=one.quantity, price=one.price, cost=one.cost)


def _reduction(one: ReductionWay) -> answer_pb2.ReductionWay:
    trades = [_trade(item) for item in one.trades]
    return answer_pb2.ReductionWay(kind=one.kind, trades=trades, notional=one.notional, after=assessment(one.after))


def _hedge(one: HedgeWay) -> answer_pb2.HedgeWay:
    return answer_pb2.HedgeWay(trade=_trade(one.trade), premium=one.premium, after=assessment(one.after))


def figures(one: PoolFigures) -> answer_pb2.MeasureFiguresResponse:
    """Write figures of a pool."""
    return answer_pb2.MeasureFiguresResponse(
        assessment=assessment(one.view), figures=[_figure(item) for item in one.figures]
    )


def _figure(one: FigureValues) -> answer_pb2.FigureValues:
    return answer_pb2.FigureValues(
        name=one.name,
        rule=one.rule,
        of=one.of,
        portfolio=one.portfolio,
        scenarios=one.scenarios,
        rows=[_row(item) for item in one.rows],
    )


def _row(one: FigureRow) -> answer_pb2.FigureRow:
    return answer_pb2.FigureRow(symbols=one.symbols, values=one.values, reasons=reasons(one.reasons))


def explanation(one: MarginExplanation) -> answer_pb2.ExplainMarginResponse:
    """Write how a margin comes about."""
    return answer_pb2.ExplainMarginResponse(
        assessment=assessment(one.view),
        positions=[_position_margin(item) for item in one.positions],
        groups=[_group_margin(item) for item in one.groups],
        initial_margin=one.initial_margin,
        maintenance_margin=one.maintenance_margin,
        pool_rule=one.pool_rule,
        pool_groupings=[_grouping(item) for item in one.pool_groupings],
        excluded=[answer_pb2.ExcludedValue(symbol=symbol, value=value) for symbol, value in one.excluded],
    )


def _position_margin(one: PositionMargin) -> answer_pb2.PositionMargin:
    return answer_pb2.PositionMargin(
        symbol=one.symbol,
        rule=one.rule,
        quantity=one.quantity,
        value=one.value,
        initial_margin=one.initial_margin,
        maintenance_margin=one.maintenance_margin,
        orders=one.orders,
        reasons=reasons(one.reasons),
    )


def _group_margin(one: GroupMargin) -> answer_pb2.GroupMargin:
    return answer_pb2.GroupMargin(
        rule=one.rule,
        symbols=one.symbols,
        initial_margin=one.initial_margin,
        maintenance_margin=one.maintenance_margin,
        orders=one.orders,
        reasons=reasons(one.reasons),
        groupings=[_grouping(item) for item in one.groupings],
    )


def _grouping(one: Grouping) -> answer_pb2.Grouping:
    return answer_pb2.Grouping(
        book=one.book,
        requirement=one.requirement,
        cost=one.cost,
        proven=one.is_proven,
        uses=[_use(item) for item in one.uses],
    )


def _use(one: StrategyUse) -> answer_pb2.StrategyUse:
    return answer_pb2.StrategyUse(
        strategy=one.strategy,
        rule=one.rule,
        amount=one.amount,
        cost=one.cost,
        legs=[answer_pb2.StrategyLeg(symbol=symbol, quantity=quantity) for symbol, quantity in one.legs],
    )
