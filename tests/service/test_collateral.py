# SPDX-License-Identifier: Apache-2.0
"""What assets count for, from a rulebook's text and published prices to equity and margin."""

from __future__ import annotations

import math
from typing import Any

import pytest

from marginrules.codes import InstrumentKind, Reason
from marginrules.errors import InputError
from marginrules.rulebook import load
from marginrules.service import border
from marginrules.service.history import realized_volatility
from marginrules.service.shard import Shard
from marginrules.service.views import PriceMove, view_pool, what_if
from marginrules.units import DAY_NS, parse_timestamp_ns

START = parse_timestamp_ns("2026-03-02T10:00:00Z") or 0
PERSON = {"who": "desk", "why": "test"}
RULEBOOK = """\
rulebook: assets
currency: USD
effective: 2026-01-01T00:00:00Z
marks: {max_age: 7d, limits: {volatility: {rise: 10%, per: 1d}}}
collateral:
  USD: {haircut: 0%}
  COIN: TERMS
products:
  perpetual:
    match: {kind: perpetual}
    margin: {model: tiers, tiers: [{initial: 20%, maintenance: 10%}]}
  option:
    match: {kind: option}
    margin: {model: tiers, tiers: [{initial: 20%, maintenance: 10%}]}
ladders:
  main: {steps: [{step: liquidation, below: 100%, liquidate: all}]}
"""
OPTION = {"kind": InstrumentKind.OPTION, "settlement": "USD", "strike": 100.0, "expires_ns": START + 3_000 * DAY_NS}
INSTRUMENTS = [
    {"symbol": "XYZ-PERP", "kind": InstrumentKind.PERPETUAL, "underlying": "XYZ", "settlement": "USD"},
    {"symbol": "ABC-PERP", "kind": InstrumentKind.PERPETUAL, "underlying": "ABC", "settlement": "USD"},
    {"symbol": "XYZ-CALL", **OPTION, "underlying": "XYZ", "right": "call"},
    {"symbol": "XYZ-PUT", **OPTION, "underlying": "XYZ", "right": "put"},
]


class Scene:
    """An account that holds 100 COIN at 10, so that what counts is 1,000 less the haircut."""

    def __init__(self, terms: str, **fields: float) -> None:
        self.shard = Shard()
        self.sequence = 0
        self.now_ns = START
        self.do("activate", text=RULEBOOK.replace("TERMS", terms), file="r.yaml", **PERSON)
        self.do("instruments", instruments=INSTRUMENTS)
        self.price(10.0, **fields)
        self.hold()

    def do(self, kind: str, **data: Any) -> Any:
        """Carry out a command; return its reply."""
        return self.shard.apply(kind, data, self.now_ns).reply

    def price(self, coin: float, **fields: float) -> Any:
        """Publish the price of COIN, and the same marks as ever."""
        self.sequence += 1
        rows: list[dict[str, Any]] = [{"name": "COIN", "price": coin, "time_ns": self.now_ns, "fields": fields}]
        rows += [{"name": one["symbol"], "price": 10.0, "time_ns": self.now_ns} for one in INSTRUMENTS]
        return self.do("prices", sequence=self.sequence, prices=rows)

    def hold(self, amount: float = 100.0, **positions: float) -> None:
        """Replace the account."""
        self.sequence += 1
        held = [
            {"symbol": symbol.replace("_", "-"), "quantity": quantity, "entry_price": 10.0}
            for symbol, quantity in positions.items()
        ]
        balances = [{"asset": "COIN", "amount": amount}]
        pools = [{"balances": balances, "positions": held}]
        one = {"account_id": "a", "account_class": "default", "sequence": self.sequence, "pools": pools}
        self.do("accounts", accounts=[one])

    def counted(self) -> float:
        """Return what the balances count for."""
        view = view_pool(self.shard, 0, self.now_ns)
        assert view.valid, view.reasons
        return view.collateral_value

    def reasons(self) -> Reason:
        """Return why there are no figures."""
        return view_pool(self.shard, 0, self.now_ns).reasons


def test_volatility_scales_the_haircut() -> None:
    """At least multiple x volatility x square root of the horizon, between the floor and everything."""
    scene = Scene("{haircut: 10%, volatility: {multiple: 3, floor: 15%, horizon: 10d}}", volatility=0.8)
    assert scene.counted() == pytest.approx(1_000 * (1 - 3 * 0.8 * math.sqrt(10 / 365)))
    for volatility, kept in ((0.01, 850.0), (50.0, 0.0)):
        fresh = Scene("{haircut: 10%, volatility: {multiple: 3, floor: 15%, horizon: 10d}}", volatility=volatility)
        assert fresh.counted() == pytest.approx(kept)


def test_a_missing_volatility_is_refused() -> None:
    """Without a volatility nothing is said of a pool with the asset; closes of the asset give one."""
    scene = Scene("{haircut: 10%, volatility: {multiple: 3, horizon: 1d}}")
    assert scene.reasons() == Reason.MISSING_DATA
    closes = [10.0 * (1.05 if k % 2 else 1.0) for k in range(30)]
    times = [START - (30 - k) * DAY_NS for k in range(30)]
    series = {"name": "COIN", "closes": [{"time_ns": t, "close": c} for t, c in zip(times, closes, strict=True)]}
    scene.do("closes", replace=False, series=[series])
    known = realized_volatility(times, closes)
    assert known is not None
    assert scene.counted() == pytest.approx(1_000 * (1 - min(3 * known * math.sqrt(1 / 365), 1)))
    scene.price(10.0, volatility=0.1)
    assert scene.counted() == pytest.approx(900.0)
    scene.price(10.0)
    assert scene.counted() == pytest.approx(1_000 * (1 - min(3 * known * math.sqrt(1 / 365), 1)))


def test_a_limit_holds_the_volatility_of_an_asset() -> None:
    """How fast the value in use may rise is the rulebook's to say, of assets as of instruments."""
    scene = Scene("{haircut: 0%, volatility: {multiple: 1, horizon: 365d}}", volatility=0.1)
    scene.now_ns += DAY_NS
    assert scene.price(10.0, volatility=0.5)["limited"] == {"COIN": {"volatility": pytest.approx(0.11)}}
    assert scene.counted() == pytest.approx(890.0)


BOND = "{haircut: 2%, matures: 2030-03-02, tenor: [{to: 365d, rate: 1%}, {to: 1095d, rate: 4%}, {rate: 8%}]}"


@pytest.mark.parametrize(
    ("moment", "kept"),
    [
        ("2026-03-02T10:00:00Z", 900.0),
        ("2027-03-02T23:59:59Z", 900.0),
        ("2027-03-03T00:00:00Z", 940.0),  # 1 095 days are left
        ("2029-03-01T23:59:59Z", 940.0),
        ("2029-03-02T00:00:00Z", 970.0),
        ("2030-03-01T23:59:59Z", 970.0),
    ],
)
def test_the_time_left_is_counted_from_the_price(moment: str, kept: float) -> None:
    """The haircut of the first tier that the time left does not exceed goes off on top of the others."""
    scene = Scene(BOND)
    scene.now_ns = parse_timestamp_ns(moment) or 0
    scene.price(10.0)
    assert scene.counted() == pytest.approx(kept)


def test_what_has_matured_is_refused() -> None:
    """From its maturity on an asset has no value that anyone could rely on, whatever price is published."""
    scene = Scene(BOND)
    scene.now_ns = (parse_timestamp_ns("2030-03-02T00:00:00Z") or 0) - 1
    scene.price(10.0)
    assert scene.reasons() == Reason(0)
    scene.now_ns += 1
    assert scene.reasons() == Reason.MATURED_COLLATERAL
    scene.price(10.0)
    assert scene.reasons() == Reason.MATURED_COLLATERAL
    scene.hold(0.0)
    assert scene.reasons() == Reason.MATURED_COLLATERAL, "a balance of nothing is still one: leave it out"


def test_a_call_price_caps_the_value_from_its_day_on() -> None:
    """Also under a price from before that day; what is owed is owed at the market's price."""
    scene = Scene("{haircut: 10%, callable: {price: 8, from: 2026-03-03}}")
    assert scene.counted() == pytest.approx(900.0)
    scene.now_ns = parse_timestamp_ns("2026-03-03T00:00:00Z") or 0
    assert scene.counted() == pytest.approx(720.0)
    scene.price(7.0)
    assert scene.counted() == pytest.approx(630.0)
    scene.price(10.0)
    scene.hold(-100.0)
    assert scene.counted() == pytest.approx(-1_000.0)


def test_utilisation_scales_holdings_and_debts() -> None:
    """Beyond the limits of all accounts holdings count less and debts more, in proportion; totals must be known."""
    terms = "{haircut: 20%, liability: 110%, utilisation: {deposits: 1_000_000, borrows: 500_000}}"
    scene = Scene(terms, deposits=1_000_000.0, borrows=500_000.0)
    assert scene.counted() == pytest.approx(800.0)
    scene.price(10.0, deposits=4_000_000.0, borrows=2_000_000.0)
    assert scene.counted() == pytest.approx(200.0)
    scene.hold(-100.0)
    assert scene.counted() == pytest.approx(-4_400.0)
    for known in ({"deposits": 1.0}, {"borrows": 1.0}, {}):
        scene.price(10.0, **known)
        assert scene.reasons() == Reason.MISSING_DATA


@pytest.mark.parametrize(
    ("positions", "is_wrong_way"),
    [
        ({}, False),
        ({"XYZ_PERP": 1.0}, True),
        ({"XYZ_PERP": -1.0}, False),
        ({"ABC_PERP": 1.0}, False),
        ({"XYZ_CALL": 1.0}, True),
        ({"XYZ_CALL": -1.0}, False),
        ({"XYZ_PUT": 1.0}, False),
        ({"XYZ_PUT": -1.0}, True),
        ({"XYZ_PERP": -5.0, "XYZ_CALL": 1.0}, True),  # nothing is netted
    ],
)
def test_wrong_way_exposure(positions: dict[str, float], is_wrong_way: bool) -> None:
    """What loses when the underlying falls makes the asset count for less; what gains does not."""
    scene = Scene("{haircut: 10%, wrong_way: {underlying: [XYZ, COIN], haircut: 60%}}")
    scene.hold(100.0, **positions)
    assert scene.counted() == pytest.approx(400.0 if is_wrong_way else 900.0)


def test_wrong_way_follows_the_rulebook() -> None:
    """Another rulebook names other underlyings, for instruments that are there and for those to come."""
    scene = Scene("{haircut: 10%, wrong_way: {underlying: ABC, haircut: 60%}}")
    scene.hold(100.0, XYZ_PERP=1.0)
    assert scene.counted() == pytest.approx(900.0)
    text = RULEBOOK.replace("TERMS", "{haircut: 10%, wrong_way: {underlying: XYZ, haircut: 60%}}")
    scene.do("activate", text=text, file="r.yaml", **PERSON)
    assert scene.counted() == pytest.approx(400.0)


def test_initial_margin_has_a_haircut_of_its_own() -> None:
    """Equity counts with the lower haircut; by how much less counts to open is part of IM."""
    scene = Scene("{haircut: {initial: 30%, maintenance: 10%}}")
    scene.hold(100.0, XYZ_PERP=10.0)
    view = view_pool(scene.shard, 0, scene.now_ns)
    assert (view.equity, view.initial_margin, view.maintenance_margin) == pytest.approx((900.0, 220.0, 10.0))


def test_what_if_moves_the_price_and_keeps_the_rest() -> None:
    """In a copy with another price, volatility, totals and dates stay as they were published."""
    terms = "{haircut: 0%, volatility: {multiple: 1, horizon: 365d}, utilisation: {deposits: 100}}"
    scene = Scene(terms, volatility=0.2, deposits=200.0)
    assert scene.counted() == pytest.approx(400.0)
    before, after = what_if(scene.shard, 0, scene.now_ns, [], [PriceMove("COIN", 20.0)], [("COIN", 100.0)])
    assert (before.equity, after.equity) == pytest.approx((400.0, 1_600.0))


@pytest.mark.parametrize(("name", "value"), [("deposits", -1.0), ("volatility", 0.0), ("borrows", math.inf)])
def test_what_stands_beside_an_asset_is_checked(name: str, value: float) -> None:
    """A total or a volatility out of range is refused like any other number."""
    with pytest.raises(InputError, match=f"{name} of COIN was"):
        border.price({"name": "COIN", "price": 1.0, "time_ns": START, "fields": {name: value}}, {})


def test_books_without_terms_keep_their_digest() -> None:
    """The digest of a book as it could be written before is what it was before."""
    plain = RULEBOOK.replace("TERMS", "{haircut: 10%, cap: 5, concentration: 50%}")
    plain = plain.replace(", limits: {volatility: {rise: 10%, per: 1d}}", "")
    assert load(plain.encode(), "r.yaml").digest == DIGEST_BEFORE
    changed = {
        load(plain.replace("haircut: 10%,", f"haircut: 10%, {more},").encode(), "r.yaml").digest
        for more in (
            "liability: 120%",
            "liability: 130%",
            "matures: 2030-01-01",
            "callable: {price: 5, from: 2030-01-01}",
            "callable: {price: 5, from: 2030-01-02}",
            "wrong_way: {underlying: [A, B], haircut: 1%}",
            "wrong_way: {underlying: [A], haircut: 1%}",
            "utilisation: {deposits: 5}",
            "utilisation: {borrows: 5}",
            "volatility: {multiple: 1, horizon: 1d}",
            "volatility: {multiple: 1, horizon: 2d}",
        )
    }
    assert len(changed | {DIGEST_BEFORE}) == 12


DIGEST_BEFORE = "eebc935f4bc43bac561696a0d5cbd93ddb7eb33d6e5c5f22113554b15b8f97f3"
