# SPDX-License-Identifier: Apache-2.0
"""Options and what is published beside a mark, from plain data to records and into a shard."""

from __future__ import annotations

import math
from typing import Any

import pytest

from marginrules.codes import InstrumentKind, Reason
from marginrules.errors import InputError
from marginrules.limits import MAGNITUDE_MAX
from marginrules.machine import PUBLISHED, Field
from marginrules.model import PRICE_FIELDS, Instrument
from marginrules.service import border
from marginrules.service.fills import apply_fill
from marginrules.service.shard import Shard
from marginrules.service.views import PriceMove, view_pool, what_if

NOW = 1_800_000_000_000_000_000
CALL = {
    "symbol": "XYZ-C95",
    "kind": InstrumentKind.OPTION,
    "underlying": "XYZ",
    "settlement": "USD",
    "multiplier": 100.0,
    "expires_ns": NOW + 10**15,
    "strike": 95.0,
    "right": "call",
}
RULES = """\
rulebook: options
currency: USD
effective: 2026-01-01T00:00:00Z
collateral:
  USD: {haircut: 0%}
products:
  calls:
    match: {kind: option, right: call}
    margin: {model: tiers, tiers: [{initial: 20%, maintenance: 10%}]}
ladders:
  main:
    steps: [{step: liquidation, below: 100%, liquidate: all}]
"""
PERSON = {"who": "desk", "why": "test"}
# For each field a value that is allowed and one that is not, but for its sign and size.
GOOD = dict.fromkeys(PRICE_FIELDS, 0.5)


def option(**changes: Any) -> Instrument:
    """Read an option with some of its data changed."""
    return border.instrument(CALL | changes)


def price(**fields: float) -> dict[str, Any]:
    """Make the data of a price of the call."""
    return {"name": "XYZ-C95", "price": 5.0, "time_ns": NOW, "fields": fields}


def shard_with(quantity: float) -> Shard:
    """Return a shard in which account a has 1,000 dollars and calls at 5."""
    shard = Shard()
    shard.apply("activate", {"text": RULES, "file": "options.yaml", **PERSON}, NOW)
    shard.apply("instruments", {"instruments": [CALL]}, NOW)
    shard.apply("prices", {"sequence": 1, "prices": [price(index=98.0, volatility=0.25)]}, NOW)
    pool = {
        "name": "",
        "balances": [{"asset": "USD", "amount": 1_000.0}],
        "positions": [{"symbol": "XYZ-C95", "quantity": quantity, "entry_price": 4.0, "leverage": 0.0}],
    }
    account = {"account_id": "a", "account_class": "default", "sequence": 1, "pools": [pool]}
    shard.apply("accounts", {"accounts": [account]}, NOW)
    return shard


def test_an_option_has_strike_right_and_expiry() -> None:
    """An option is read with its terms; without one of them it is refused, naming it."""
    assert (option().strike, option().right, option().kind) == (95.0, "call", InstrumentKind.OPTION)
    for field, value, code in (
        ("strike", 0.0, "MR-I102"),
        ("strike", math.nan, "MR-I101"),
        ("strike", MAGNITUDE_MAX * 2, "MR-I102"),
        ("right", "", "MR-I103"),
        ("right", "Call", "MR-I103"),
        ("expires_ns", 0, "MR-I103"),
        ("inverse", True, "MR-I102"),
    ):
        with pytest.raises(InputError) as caught:
            option(**{field: value})
        assert caught.value.code == code
        assert field.removesuffix("_ns") in caught.value.message


@pytest.mark.parametrize("kind", [one for one in InstrumentKind if one is not InstrumentKind.OPTION])
@pytest.mark.parametrize("terms", [{"strike": 95.0, "right": ""}, {"strike": 0.0, "right": "put"}])
def test_nothing_else_has_them(kind: InstrumentKind, terms: dict[str, Any]) -> None:
    """A strike or a right of what is no option is refused: it could only be a mistake."""
    with pytest.raises(InputError, match=r"strike of|right of"):
        option(kind=kind, expires_ns=CALL["expires_ns"] if kind.expires else 0, **terms)


def test_every_published_field_can_be_given() -> None:
    """The fields of a price are those that the core's programs may read, but for what has another source."""
    assert set(PRICE_FIELDS.values()) | {Field.OPEN_INTEREST, Field.REALIZED_VOLATILITY} == set(PUBLISHED)
    read = border.price(price(**GOOD), {"XYZ-C95": option()})
    assert dict(read.fields) == GOOD


@pytest.mark.parametrize("field", PRICE_FIELDS)
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e300, -1e300, MAGNITUDE_MAX * 1.01, 1e-13])
def test_no_field_passes_unchecked(field: str, value: float) -> None:
    """What is not finite, too large, or so small that a quotient would overflow is refused, naming the field."""
    with pytest.raises(InputError) as caught:
        border.price(price(**{field: value}), {"XYZ-C95": option()})
    assert caught.value.code in {"MR-I101", "MR-I102"}
    assert caught.value.message.startswith(f"{field} of XYZ-C95")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("index", 0.0),
        ("forward", -1.0),
        ("volatility", 0.0),
        ("volatility", 10_000.1),
        ("rate", -1.1),
        ("rate", 10.1),
        ("dividend_yield", -1.1),
        ("confidence", 1.1),
        ("confidence", -0.1),
        ("forward_confidence", 1.1),
        ("volatility_confidence", -0.1),
        ("volume", -1.0),
        ("auction_price", -1.0),
        ("long_factor", -0.1),
        ("short_factor", 1_001.0),
        ("price_range", -1.0),
        ("delta", 10.1),
    ],
)
def test_fields_have_ranges(field: str, value: float) -> None:
    """A finite number that the field cannot have is refused with what is allowed."""
    with pytest.raises(InputError, match=f"{field} of XYZ-C95 was"):
        border.price(price(**{field: value}), {"XYZ-C95": option()})


def test_funding_and_rates_may_be_negative() -> None:
    """Funding is paid or received, and rates have been below zero."""
    read = border.price(price(funding=-0.25, rate=-0.005, dividend_yield=-0.01), {"XYZ-C95": option()})
    assert dict(read.fields) == {"funding": -0.25, "rate": -0.005, "dividend_yield": -0.01}


def test_an_unknown_field_is_refused_with_the_nearest() -> None:
    """A misspelt field is never dropped: it is refused with what was probably meant."""
    with pytest.raises(InputError, match="volatilty") as caught:
        border.price(price(volatilty=0.2), {"XYZ-C95": option()})
    assert (caught.value.code, caught.value.hint) == ("MR-I122", "did you mean 'volatility'?")
    with pytest.raises(InputError, match="price of USD had a field"):
        border.price({"name": "USD", "price": 1.0, "time_ns": NOW, "fields": {"index": 1.0}}, {})


def test_an_update_replaces_every_field() -> None:
    """A field that an update leaves out is not known any more; open interest that is not given is not 0."""
    shard = shard_with(1.0)
    assert shard.book.engine.quotes_of(0) == {Field.INDEX: 98.0, Field.VOLATILITY: 0.25}
    shard.apply("prices", {"sequence": 2, "prices": [price(rate=0.03) | {"open_interest": 0.0}]}, NOW)
    assert shard.book.engine.quotes_of(0) == {Field.RATE: 0.03, Field.OPEN_INTEREST: 0.0}


@pytest.mark.parametrize(("quantity", "equity"), [(1.0, 1_500.0), (-1.0, 500.0)])
def test_an_option_counts_at_its_market_value(quantity: float, equity: float) -> None:
    """Equity has the whole premium, whatever entry price the snapshot gave."""
    shard = shard_with(quantity)
    assert view_pool(shard, 0, NOW).equity == equity
    assert shard.book.account("a").pools[0].positions[0].entry_price == 0.0


def test_worthless_options_are_prices() -> None:
    """An option's mark may be 0, in an update and in a what-if; that of anything else may not."""
    shard = shard_with(1.0)
    _, after = what_if(shard, 0, NOW, [], [PriceMove("XYZ-C95", price=0.0)], [])
    assert after.equity == 1_000.0
    shard.apply("prices", {"sequence": 2, "prices": [price() | {"price": 0.0}]}, NOW)
    assert view_pool(shard, 0, NOW).equity == 1_000.0
    for bad in (1e-13, -1.0, math.nan):
        with pytest.raises(InputError):
            shard.apply("prices", {"sequence": 3, "prices": [price() | {"price": bad}]}, NOW)
    perpetual = {"P": option(symbol="P", kind=InstrumentKind.PERPETUAL, expires_ns=0, strike=0.0, right="")}
    with pytest.raises(InputError, match="price of P was 0"):
        border.price({"name": "P", "price": 0.0, "time_ns": NOW}, perpetual)


def test_a_fill_moves_the_premium() -> None:
    """A held order that fills pays quantity x multiplier x price from the balance, and realises nothing."""
    shard = shard_with(1.0)
    order = {"client_order_id": "o", "symbol": "XYZ-C95", "quantity": -1.0, "price": 5.0}
    assert shard.apply("hold", {"account": "a", "pool": "", "order": order}, NOW).reply["accepted"]
    fill = {"account": "a", "client_order_id": "o", "quantity": -1.0, "price": 5.5, "fee": 2.0}
    shard.apply("fill", fill, NOW)
    assert shard.book.account("a").pools[0].balances == (("USD", 1_548.0),)
    assert shard.book.account("a").pools[0].positions == ()
    assert apply_fill(option(), 1.0, 0.0, 2.0, 5.0) == (3.0, 0.0, -1_000.0)


def test_a_right_that_no_product_takes_is_refused() -> None:
    """The rulebook knows calls alone: a put is not defined, so nothing is ever margined by a guess."""
    put = CALL | {"symbol": "XYZ-P95", "right": "put"}
    with pytest.raises(InputError, match="matches no product"):
        shard_with(1.0).apply("instruments", {"instruments": [put]}, NOW)


def test_an_expired_option_is_not_healthy() -> None:
    """After expiry the pool cannot be assessed until a snapshot without the option comes."""
    view = view_pool(shard_with(1.0), 0, int(CALL["expires_ns"]))  # type: ignore[call-overload]
    assert not view.valid
    assert Reason.EXPIRED_INSTRUMENT in view.reasons
