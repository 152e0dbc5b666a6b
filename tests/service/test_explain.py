# SPDX-License-Identifier: Apache-2.0
"""How a margin comes about: its parts add up to the assessment, whatever is held, and name the rules behind them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marginrules._core.core import searches_cut
from marginrules.codes import InstrumentKind, Reason
from marginrules.service.explain import Grouping, GroupMargin, MarginExplanation, PositionMargin, explain_margin
from marginrules.service.shard import Shard
from tests.service.answering import EXPIRY, NOW, RULES, SPOT, account, instruments, prices

# Strategies for options on ETH, a formula of its own for the inverse contract, a pool that adds a tenth.
STRATEGIES = """\
strategies:
  desk:
    - {strategy: long_call, legs: {long: {call: 1}}, initial: 0, maintenance: 0}
    - {strategy: long_put, legs: {long: {put: 1}}, initial: 0, maintenance: 0}
    - {strategy: short_call, legs: {short: {call: -1}}, initial: short.index * 0.2, maintenance: short.index * 0.1}
    - {strategy: short_put, legs: {short: {put: -1}}, initial: short.strike * 0.2, maintenance: short.strike * 0.1}
    - {strategy: long_stock, legs: {stock: {stock: 1}}, initial: stock.mark, maintenance: 0}
    - {strategy: short_stock, legs: {stock: {stock: -1}}, initial: stock.mark, maintenance: 0}
    - strategy: call_spread
      legs: {short: {call: -1}, long: {call: 1}}
      where: long.days >= short.days
      initial: max(long.strike - short.strike, 0)
      maintenance: max(long.strike - short.strike, 0) * 0.9
"""
POOL = """\
pool:
  define: {shortfall: "max(initial - maintenance, 0)"}
  initial: initial + 10% * shortfall
"""
TEXT = RULES.replace("portfolios:\n", STRATEGIES + POOL + "portfolios:\n", 1).replace(
    "products:\n",
    "  grouped: {by: [underlying], initial: 'strategy_margin(desk, initial)', "
    "maintenance: 'strategy_margin(desk, maintenance)'}\nproducts:\n"
    "  coin: {match: {kind: perpetual, underlying: BTC, inverse: yes}, "
    "margin: {model: formula, initial: 30% * notional, maintenance: 20% * notional}}\n"
    "  ether: {match: {kind: option, underlying: ETH}, value: excluded, "
    "margin: {model: portfolio, portfolio: grouped}}\n",
    1,
)
TRADED = [one["symbol"] for one in instruments()]


def line_of(start: str) -> int:
    """Return the line of the rulebook that starts like this."""
    return next(k for k, line in enumerate(TEXT.splitlines(), 1) if line.strip().startswith(start))


def fresh(text: str = TEXT) -> Shard:
    """Return a shard with prices and no accounts."""
    made = Shard()
    made.apply("activate", {"text": text, "file": "explain.yaml", "who": "desk", "why": "test"}, NOW)
    made.apply("instruments", {"instruments": instruments()}, NOW)
    made.apply("prices", {"sequence": 1, "prices": prices()}, NOW)
    return made


def explained(
    shard: Shard, positions: dict[str, float], orders: list[dict[str, Any]] | None = None, sequence: int = 1
) -> MarginExplanation:
    """Explain the margin of an account with these positions."""
    shard.apply("accounts", {"accounts": [account("a", {"USD": 1e6}, positions, orders, sequence)]}, NOW)
    return explain_margin(shard, shard.book.pool_id("a", ""), NOW)


def order(number: int, symbol: str, quantity: float) -> dict[str, Any]:
    """Return the data of an open order at about the spot price."""
    return {"client_order_id": f"o{number}", "symbol": symbol, "quantity": quantity, "price": SPOT[symbol[:3]]}


SHARD, PLAIN = fresh(), fresh("".join(TEXT.split(POOL)))
_QUANTITIES = st.integers(-5, 5).filter(bool).map(float)
_BOOKS = st.dictionaries(st.sampled_from(TRADED), _QUANTITIES, max_size=8)
_ORDERS = st.lists(st.tuples(st.sampled_from(TRADED), _QUANTITIES), max_size=4)


@settings(max_examples=150, deadline=None)
@given(_BOOKS, _ORDERS, st.sampled_from([SHARD, PLAIN]))
def test_the_parts_add_up(positions: dict[str, float], orders: list[tuple[str, float]], shard: Shard) -> None:
    """IM and MM are the sums over positions and groups, and the pool's formulas make the assessment of them."""
    sequence = shard.book.engine.account_state(0)[1] + 1 if shard.book.account_ids else 1
    made = [order(k, symbol, quantity) for k, (symbol, quantity) in enumerate(orders)]
    found = explained(shard, positions, made, sequence)
    assessment = shard.book.engine.assess(shard.book.pool_id("a", ""), NOW)
    assert found.view.valid
    parts: list[PositionMargin | GroupMargin] = [*found.positions, *found.groups]
    assert not any(one.reasons for one in parts)
    initial = sum((one.initial_margin or 0.0) for one in parts) + sum((one.orders or 0.0) for one in parts)
    maintenance = sum(one.maintenance_margin or 0.0 for one in parts)
    assert found.initial_margin == pytest.approx(initial, rel=1e-12)
    assert found.maintenance_margin == pytest.approx(maintenance, rel=1e-12)
    assert found.initial_margin is not None
    assert found.maintenance_margin is not None
    grown = 0.1 * max(found.initial_margin - found.maintenance_margin, 0.0) if shard is SHARD else 0.0
    assert assessment.initial_margin == pytest.approx(found.initial_margin + grown, rel=1e-12)
    assert (found.view.initial_margin, found.view.maintenance_margin) == (
        assessment.initial_margin,
        assessment.maintenance_margin,
    )
    members = [one.symbol for one in found.positions] + [symbol for one in found.groups for symbol in one.symbols]
    assert sorted(members) == sorted({*positions, *(symbol for symbol, _ in orders)})
    for group in found.groups:
        for grouping in group.groupings:
            check_grouping(grouping, {symbol: positions.get(symbol, 0.0) for symbol in group.symbols})


def check_grouping(grouping: Grouping, held: dict[str, float]) -> None:
    """Every contract is used exactly once, and the strategies cost what the grouping costs."""
    used = dict.fromkeys(held, 0.0)
    for use in grouping.uses:
        for symbol, quantity in use.legs:
            used[symbol] += quantity
    assert used == pytest.approx(held)
    assert grouping.cost == pytest.approx(sum(use.amount * use.cost for use in grouping.uses))
    assert grouping.is_proven


def test_rules_and_groupings_are_named() -> None:
    """Each part has its rule; the grouping has its strategies with legs, units and cost of one."""
    found = explained(
        fresh(), {"BTC-PERP": 2.0, "BTC-INVERSE": 1.0, "BTC-C110": -1.0, "ETH-C100": -3.0, "ETH-C110": 2.0}
    )
    (tiers,) = found.positions
    assert (tiers.symbol, tiers.quantity, tiers.value) == ("BTC-PERP", 2.0, 200.0)
    assert (tiers.initial_margin, tiers.maintenance_margin, tiers.orders) == (20.0, 10.0, 0.0)
    assert tiers.rule.startswith("answers:")
    assert tiers.rule.endswith(" perpetuals")
    by_symbols = {tuple(sorted(one.symbols)): one for one in found.groups}
    grouped = by_symbols["ETH-C100", "ETH-C110"]
    assert grouped.rule == f"answers:{line_of('grouped:')} portfolio grouped"
    assert by_symbols["BTC-C110",].rule == f"answers:{line_of('options:')} portfolio options"
    assert by_symbols["BTC-INVERSE",].rule == f"answers:{line_of('coin:')} coin"
    initial, maintenance = grouped.groupings
    assert (initial.book, initial.requirement, maintenance.requirement) == ("desk", "initial", "maintenance")
    uses = {use.strategy: use for use in initial.uses}
    assert uses["call_spread"].amount == 2.0
    assert uses["call_spread"].cost == pytest.approx(1.0)
    assert dict(uses["call_spread"].legs) == {"ETH-C100": -2.0, "ETH-C110": 2.0}
    assert uses["call_spread"].rule == f"answers:{line_of('- strategy: call_spread')} strategies desk/call_spread"
    assert (uses["short_call"].amount, uses["short_call"].cost) == (1.0, 2.0)
    assert initial.cost == grouped.initial_margin == pytest.approx(4.0)
    assert found.pool_rule == f"answers:{line_of('pool:')} pool"
    assert sorted(symbol for symbol, _ in found.excluded) == ["ETH-C100", "ETH-C110"]
    assert found.view.initial_margin > (found.initial_margin or 0.0)


def test_a_part_that_cannot_be_used_says_why() -> None:
    """Only what lacks a price has a reason; nothing that cannot be used has figures, and there is no sum."""
    shard = fresh()
    shard.apply("accounts", {"accounts": [account("a", {"USD": 1e6}, {"BTC-PERP": 2.0, "ETH-C100": 1.0})]}, NOW)
    instrument = shard.book.instrument_ids["ETH-C100"]
    shard.book.engine.set_prices([], [(instrument, 0.4, 0, 0.0)])
    found = explain_margin(shard, shard.book.pool_id("a", ""), NOW)
    assert (found.view.valid, found.initial_margin, found.excluded) == (False, None, ())
    (group,) = found.groups
    assert (group.reasons & Reason.STALE_PRICE, group.initial_margin) == (Reason.STALE_PRICE, None)
    assert found.positions[0].initial_margin == 20.0


def test_a_leg_that_lacks_data_is_no_grouping() -> None:
    """Where a strategy cannot be priced there is no cost, and the group says why it has no figure."""
    text = TEXT.replace("{long: {put: 1}}, initial: 0,", "{long: {put: 1}}, initial: long.volatility * long.mark,")
    shard = fresh(text)
    shard.apply("prices", {"sequence": 2, "prices": prices(volatility=None)}, NOW)
    (group,) = explained(shard, {"ETH-P90": 1.0}).groups
    assert group.reasons == Reason.MISSING_DATA
    assert [(one.cost, one.is_proven) for one in group.groupings] == [(None, False), (0.0, True)]


def test_no_rulebook_no_parts() -> None:
    """Where nothing is active the assessment says so."""
    shard = Shard()
    shard.book.engine.add_account(0)
    found = explain_margin(shard, shard.book.engine.add_pool(0, -1), NOW)
    assert (found.view.reasons, found.positions, found.groups) == (Reason.NO_RULEBOOK, (), ())


def test_a_cut_search_is_told() -> None:
    """More candidates than are kept leave a valid grouping of which nobody knows whether it is the cheapest."""
    shard, sides = fresh(), 130
    common = {"kind": InstrumentKind.OPTION, "underlying": "ETH", "settlement": "USD", "right": "call"}
    listed = [
        {"symbol": f"ETH-X{k}", "strike": 10.0 + k / 100.0, "expires_ns": EXPIRY, **common} for k in range(2 * sides)
    ]
    fields = {"index": 10.0, "forward": 10.0, "volatility": 0.7}
    marks = [{"name": one["symbol"], "price": 0.5, "time_ns": NOW, "fields": fields} for one in listed]
    shard.apply("instruments", {"instruments": listed}, NOW)
    shard.apply("prices", {"sequence": 2, "prices": marks}, NOW)
    held = [{"symbol": one["symbol"], "quantity": 1.0 - 2.0 * (k % 2)} for k, one in enumerate(listed)]
    pool = {"name": "", "balances": [{"asset": "USD", "amount": 1e6}], "positions": held, "orders": []}
    data = {"account_id": "a", "account_class": "default", "sequence": 1, "pools": [pool]}
    shard.apply("accounts", {"accounts": [data]}, NOW)
    before = searches_cut()
    (group,) = explain_margin(shard, 0, NOW).groups
    assert [one.is_proven for one in group.groupings] == [False, False]
    assert group.groupings[0].cost == group.initial_margin
    assert searches_cut() == before + 2
