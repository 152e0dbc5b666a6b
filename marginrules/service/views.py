# SPDX-License-Identifier: Apache-2.0
"""What people and gateways are shown: an assessment with the rule behind it, and what would be if."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from marginrules._core.core import Assessment
from marginrules.codes import InstrumentKind, Reason, Restriction
from marginrules.errors import InputError
from marginrules.model import Order
from marginrules.service import border
from marginrules.service.shard import Shard


@dataclass(frozen=True, slots=True)
class PoolView:
    """Carry an assessment and its explanation; figures are nothing where it is not valid."""

    valid: bool
    reasons: Reason
    equity: float = 0.0
    initial_margin: float = 0.0
    maintenance_margin: float = 0.0
    margin_ratio: float | None = None
    collateral_value: float = 0.0
    unrealized_pnl: float = 0.0
    step: str = ""
    rule: str = ""
    digest: str = ""
    next_step: str = ""
    next_step_distance: float = 0.0  # how far equity may fall before the next step's threshold is breached
    ladder_step: str = ""
    restriction: Restriction = Restriction.NONE
    liquidation_prices: tuple[tuple[str, float | None], ...] = ()

    @property
    def margin_excess(self) -> float:
        """Return equity above initial margin."""
        return max(self.equity - self.initial_margin, 0.0)

    @property
    def margin_deficiency(self) -> float:
        """Return equity missing to initial margin."""
        return max(self.initial_margin - self.equity, 0.0)


@dataclass(frozen=True, slots=True)
class PriceMove:
    """Assume a price, or a relative change of it, for an instrument or an asset."""

    name: str
    price: float = 0.0
    change: float | None = None


def view_pool(shard: Shard, pool: int, now_ns: int, with_liquidation_prices: bool = False) -> PoolView:
    """Assess one pool and say which rule decided."""
    assessment = shard.book.engine.assess(pool, now_ns)
    prices: tuple[tuple[str, float | None], ...] = ()
    if with_liquidation_prices and assessment.is_valid:
        engine, names = shard.book.engine, shard.book.instrument_names
        held = [row[0] for row in engine.holdings(pool)]
        prices = tuple((names[one], engine.liquidation_price(pool, one, now_ns, 1.0)) for one in held)
    return view_of(shard, pool, assessment, prices)


def view_of(
    shard: Shard, pool: int, assessment: Assessment, prices: tuple[tuple[str, float | None], ...] = ()
) -> PoolView:
    """Explain an assessment of a pool, as it is or as it would be."""
    if not assessment.revision:
        return PoolView(False, Reason.NO_RULEBOOK)
    program = shard.revisions[assessment.revision - 1].program
    ladder = program.ladders[assessment.ladder]
    entered = [ladder.steps[index] for index in program.entered[assessment.ladder]]
    state = shard.states.get(pool)
    followed = shard.programs[state.digest].ladders[state.ladder] if state and state.digest else ladder
    ladder_step = followed.steps[state.severity].name if state and state.active else ""
    restriction = state.restriction if state else Restriction.NONE
    if not assessment.is_valid:
        return PoolView(
            False, Reason(assessment.flags), digest=program.digest, ladder_step=ladder_step, restriction=restriction
        )
    breached = entered[assessment.level - 1] if assessment.level else None
    following = entered[assessment.level] if assessment.level < len(entered) else None
    distance = 0.0
    if following is not None and following.below is not None:
        distance = assessment.equity - following.below * assessment.maintenance_margin
    return PoolView(
        valid=True,
        reasons=Reason(0),
        equity=assessment.equity,
        initial_margin=assessment.initial_margin,
        maintenance_margin=assessment.maintenance_margin,
        margin_ratio=assessment.margin_ratio if assessment.maintenance_margin > 0.0 else None,
        collateral_value=assessment.collateral_value,
        unrealized_pnl=assessment.unrealized_pnl,
        step=breached.name if breached else "",
        rule=f"{program.name}:{breached.line} {ladder.name}/{breached.name}" if breached else "",
        digest=program.digest,
        next_step=following.name if following else "",
        next_step_distance=distance,
        ladder_step=ladder_step,
        restriction=restriction,
        liquidation_prices=prices,
    )


def what_if(
    shard: Shard,
    pool: int,
    now_ns: int,
    orders: Sequence[Order],
    moves: Sequence[PriceMove],
    deposits: Sequence[tuple[str, float]],
) -> tuple[PoolView, PoolView]:
    """
    Assess a pool as it is, and a copy after price moves, deposits and fills, in that order; nothing is changed.

    Raises:
        InputError: an instrument or asset is unknown, or a number is not finite or in range.
    """
    book = shard.book
    before = book.engine.assess(pool, now_ns)
    marks, assets = [], []
    for move in moves:
        if move.name in book.instrument_ids:
            now = book.engine.price_of(book.instrument_ids[move.name])[0]
            is_option = book.instruments[move.name].kind is InstrumentKind.OPTION
            marks.append((book.instrument_ids[move.name], _moved(move, now, is_option)))
        else:
            asset = book.asset_id(move.name)
            if move.change is not None:
                raise InputError("MR-I102", f"change of asset {move.name} was given", "give the price of an asset")
            assets.append((asset, _moved(move, 0.0)))
    after = book.engine.what_if(
        pool,
        now_ns,
        [(book.asset_id(asset), border.number(f"amount of {asset}", amount, -1e15)) for asset, amount in deposits],
        [(book.instrument_id(one.symbol), one.quantity, one.price, one.leverage) for one in orders],
        marks,
        assets,
    )
    return view_of(shard, pool, before), view_of(shard, pool, after)


def _moved(move: PriceMove, now: float, may_be_worthless: bool = False) -> float:
    if move.change is None:
        return border.number(f"price of {move.name}", move.price, 0.0, low_open=not may_be_worthless)
    return now * (1.0 + border.number(f"change of {move.name}", move.change, -1.0, 100.0, low_open=True))
