# SPDX-License-Identifier: Apache-2.0
"""A checked rulebook means what it says: overrides, matches, deadlines, tier and haircut lines, places."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import exchange_calendars
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from marginrules.codes import InstrumentKind, Restriction
from marginrules.errors import RulebookError
from marginrules.model import Instrument
from marginrules.rulebook import Diagnostic, Program, load, validate
from marginrules.rulebook import compile as compiling
from marginrules.rulebook.collateral import Collateral, Haircut, credits_of
from marginrules.rulebook.schema import Tier
from marginrules.terms import Ladder, MoveLimit, Step
from marginrules.units import DAY_NS, SECOND_NS
from tests.rulebook.checker import ROOT
from tests.rulebook.large import large_rulebook

SHIPPED = sorted((ROOT / "rules").glob("*/rulebook.yaml"))
PLACES_OF_A_KEY = 6
GOOD = ROOT / "tests/rulebooks/good/every-section.yaml"
HOUR_NS = 3_600 * SECOND_NS

BOOK = """\
rulebook: desk
currency: USD
effective: 2020-01-01T00:00:00Z
classes: [retail, professional]
calendars: {new_york: XNYS}
collateral:
  USD: {haircut: 0%}
products:
  perpetual:
    match: {kind: perpetual}
    margin:
      model: tiers
      tiers:
        - {to: 1_000_000, initial: 10%, maintenance: 5%}
        - {initial: 20%, maintenance: 10%}
  future:
    match: {kind: future}
    margin: {model: tiers, tiers: [{initial: 12%, maintenance: 6%}]}
ladders:
  main:
    calendar: new_york
    steps:
      - {step: warning, below: 150%, notify: [client]}
      - step: call
        below: 120%
        clear: 130%
        for: 30s
        call: {restore: initial_margin, minimum_transfer: 500}
        deadline: 4h
        restrict: reduce_only
        notify: [client, desk]
      - step: liquidation
        below: 100%
        or_after: call unmet
        liquidate: all
"""


def compiled(overrides: str = "", book: str = BOOK) -> Program:
    """Return a program of the book above with some overrides."""
    return load((book + ("overrides:\n" + overrides if overrides else "")).encode(), "desk.yaml")


class RecordedTables:
    """Keep what the compiler hands to the core."""

    def __init__(self, *rows: Any) -> None:
        self.lines, self.rules, self.credits, self.collateral, self.thresholds, self.defaults, self.models = rows


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let programs carry their tables as plain rows."""
    monkeypatch.setattr(compiling, "Tables", RecordedTables)


def _rows(program: Program) -> RecordedTables:
    tables: Any = program.tables
    assert isinstance(tables, RecordedTables)
    return tables


def ladder_of(program: Program, account_class: str, account: str, product: str) -> Ladder:
    """Return the ladder of one product for one account."""
    rule = _rows(program).rules[program.profile_of(account_class, account)][_product(program, product)]
    ladder: Ladder = program.ladders[rule[2]]
    return ladder


def rates_of(program: Program, account_class: str, account: str, product: str) -> list[tuple[float, float]]:
    """Return (initial, maintenance) of each tier of one product for one account."""
    first, count, *_ = _rows(program).rules[program.profile_of(account_class, account)][_product(program, product)]
    return [(row[0], row[2]) for row in _rows(program).lines[first : first + count]]


def _product(program: Program, name: str) -> int:
    return [one.name for one in program.products].index(name)


def _step(ladder: Ladder, name: str) -> Step:
    return ladder.steps[ladder.index_of(name)]


# Overrides


@pytest.mark.usefixtures("recorded")
def test_override_merges_by_the_name_of_a_step() -> None:
    """An override changes the keys it gives in the step it names: other keys, other steps and their order stay."""
    program = compiled("  - class: retail\n    because: RISK-7\n    ladder: {call: {deadline: 2h, notify: [client]}}\n")
    plain, changed = (ladder_of(program, name, "A1", "perpetual") for name in ("professional", "retail"))
    assert [step.name for step in changed.steps] == [step.name for step in plain.steps]
    before, after = _step(plain, "call"), _step(changed, "call")
    assert before.call is not None
    assert after.call is not None
    assert (before.call.deadline.duration_ns, after.call.deadline.duration_ns) == (4 * HOUR_NS, 2 * HOUR_NS)
    assert (before.notify, after.notify) == (("client", "desk"), ("client",))
    assert (before.because, after.because) == ("", "RISK-7")
    assert after.call.minimum_transfer == before.call.minimum_transfer == 500
    assert (after.below, after.clear, after.for_ns, after.restrict) == (
        1.2,
        1.3,
        30 * SECOND_NS,
        Restriction.REDUCE_ONLY,
    )
    for name in ("warning", "liquidation"):
        assert _step(plain, name) == _step(changed, name)


@pytest.mark.usefixtures("recorded")
def test_step_of_an_override_is_explained_by_its_line() -> None:
    """A step that an override changed cites the override, any other the ladder."""
    program = compiled("  - class: retail\n    because: RISK-7\n    ladder:\n      call: {deadline: 2h}\n")
    lines = BOOK.count("\n")
    changed = ladder_of(program, "retail", "", "perpetual")
    assert _step(changed, "call").line == lines + 5
    assert _step(changed, "warning").line == BOOK[: BOOK.index("- {step: warning")].count("\n") + 1


_PRECEDENCE = """\
  - account: A1
    because: the account
    ladder: {call: {deadline: 1h}}
  - class: retail
    because: the class
    ladder: {call: {deadline: 2h, for: 20s}}
  - product: perpetual
    because: the product
    ladder: {call: {deadline: 3h, for: 10s, clear: 125%}}
"""


@pytest.mark.usefixtures("recorded")
def test_account_goes_before_class_and_class_before_product() -> None:
    """The narrower override wins key by key, wherever it stands in the text: account over class over product."""
    blocks = re.findall(r"  - .*\n(?:    .*\n)+", _PRECEDENCE)
    for order in (blocks, blocks[::-1]):
        program = compiled("".join(order))
        found = {}
        for who in (("retail", "A1"), ("professional", "A1"), ("retail", "A2"), ("professional", "A2")):
            for product in ("perpetual", "future"):
                step = _step(ladder_of(program, *who, product), "call")
                assert step.call is not None
                hours = step.call.deadline.duration_ns // HOUR_NS
                found[(*who, product)] = (hours, step.for_ns // SECOND_NS, step.clear)
        assert found == {
            ("retail", "A1", "perpetual"): (1, 20, 1.25),
            ("retail", "A1", "future"): (1, 20, 1.3),
            ("professional", "A1", "perpetual"): (1, 10, 1.25),
            ("professional", "A1", "future"): (1, 30, 1.3),
            ("retail", "A2", "perpetual"): (2, 20, 1.25),
            ("retail", "A2", "future"): (2, 20, 1.3),
            ("professional", "A2", "perpetual"): (3, 10, 1.25),
            ("professional", "A2", "future"): (4, 30, 1.3),
        }


@pytest.mark.usefixtures("recorded")
def test_scale_multiplies_every_rate_exactly() -> None:
    """`scale` multiplies initial and maintenance of every tier, in decimals, for those selected and nobody else."""
    program = compiled("  - class: retail\n    product: perpetual\n    because: RISK-7\n    margin: {scale: 115%}\n")
    assert rates_of(program, "retail", "", "perpetual") == [(0.115, 0.0575), (0.23, 0.115)]
    assert rates_of(program, "professional", "", "perpetual") == [(0.1, 0.05), (0.2, 0.1)]
    assert rates_of(program, "retail", "", "future") == [(0.12, 0.06)]


@pytest.mark.usefixtures("recorded")
def test_scales_multiply_and_tiers_replace() -> None:
    """Scales of different width multiply; tiers replace what wider overrides made; narrower scales apply to those."""
    product = "  - product: future\n    because: p\n    margin: {MARGIN}\n"
    account = "  - account: A1\n    because: a\n    margin: {MARGIN}\n"
    twice = compiled(product.replace("MARGIN", "scale: 110%") + account.replace("MARGIN", "scale: 150%"))
    assert rates_of(twice, "retail", "A1", "future") == [(0.198, 0.099)]
    tiers = "tiers: [{initial: 30%, maintenance: 20%}]"
    replaced = compiled(product.replace("MARGIN", "scale: 110%") + account.replace("MARGIN", tiers))
    assert rates_of(replaced, "retail", "A1", "future") == [(0.3, 0.2)]
    scaled = compiled(product.replace("MARGIN", tiers) + account.replace("MARGIN", "scale: 150%"))
    assert rates_of(scaled, "retail", "A1", "future") == [(0.45, 0.3)]
    assert rates_of(scaled, "retail", "A2", "future") == [(0.3, 0.2)]


@pytest.mark.usefixtures("recorded")
def test_override_of_a_product_leaves_mixed_pools_alone() -> None:
    """A pool as a whole follows the default ladder with the overrides of no product in particular."""
    of_product = compiled("  - product: perpetual\n    because: p\n    ladder: {call: {deadline: 2h}}\n")
    whole = of_product.ladders[_rows(of_product).defaults[of_product.profile_of("retail", "")]]
    assert _step(whole, "call").because == ""
    of_class = compiled("  - class: retail\n    because: c\n    ladder: {call: {deadline: 2h}}\n")
    whole = of_class.ladders[_rows(of_class).defaults[of_class.profile_of("retail", "")]]
    assert _step(whole, "call").because == "c"


def test_account_has_a_profile_only_where_it_differs() -> None:
    """An override of an account in one class makes one profile more; unknown classes have none."""
    program = compiled("  - class: retail\n    account: A1\n    because: RISK-7\n    margin: {scale: 110%}\n")
    assert set(program.profiles) == {("professional", ""), ("retail", ""), ("retail", "A1")}
    assert program.special_accounts == {"A1"}
    assert program.profile_of("professional", "A1") == program.profile_of("professional", "")
    assert program.profile_of("retail", "A1") != program.profile_of("retail", "")
    assert program.profile_of("institutional", "A1") == -1


# Matches

_MATCHES = """\
  wide: {match: {kind: perpetual}, margin: MARGIN}
  narrow: {match: {kind: perpetual, underlying: [BTC, ETH]}, margin: MARGIN}
  narrowest: {match: {kind: perpetual, underlying: BTC, inverse: yes}, margin: MARGIN}
  by_symbol: {match: {kind: perpetual, symbol: "*-PERP"}, margin: MARGIN}
  spot: {match: {settlement: [USD, USDC], symbol: [SPY, "X?Y"]}, margin: MARGIN}
  options: {match: {kind: option}, margin: MARGIN}
  puts: {match: {kind: option, right: put}, margin: MARGIN}
  index_options: {match: {kind: option, right: [put, call], underlying: SPX}, margin: MARGIN}
""".replace("MARGIN", "{model: tiers, tiers: [{initial: 10%, maintenance: 5%}]}")
_MATCH_BOOK = re.sub(r"(?s)products:\n.*?ladders:", f"products:\n{_MATCHES}ladders:", BOOK)


@pytest.mark.parametrize(
    ("kind", "symbol", "underlying", "settlement", "inverse", "product"),
    [
        ("PERPETUAL", "SOL", "SOL", "USD", False, "wide"),
        ("PERPETUAL", "BTC", "BTC", "USD", False, "narrow"),
        ("PERPETUAL", "BTC", "BTC", "BTC", True, "narrowest"),
        ("PERPETUAL", "ETH", "ETH", "ETH", True, "narrow"),
        ("PERPETUAL", "SOL-PERP", "SOL", "USD", False, "by_symbol"),
        ("PERPETUAL", "BTC-PERP", "BTC", "USD", False, None),  # two with two conditions each
        ("PERPETUAL", "BTC-PERP", "BTC", "BTC", True, "narrowest"),
        ("SPOT", "SPY", "SPY", "USD", False, "spot"),
        ("SPOT", "XAY", "XAY", "USDC", False, "spot"),
        ("SPOT", "XAAY", "XAAY", "USD", False, None),
        ("SPOT", "spy", "SPY", "USD", False, None),
        ("SPOT", "SPY", "SPY", "EUR", False, None),
        ("FUTURE", "BTC-PERP", "BTC", "USD", False, None),
    ],
)
def test_narrowest_match_wins_and_a_tie_is_refused(
    kind: str, symbol: str, underlying: str, settlement: str, inverse: bool, product: str | None
) -> None:
    """The product with the most conditions that all hold is the one; none, or two alike, is -1 and never a guess."""
    program = compiled(book=_MATCH_BOOK)
    instrument = Instrument(symbol, InstrumentKind[kind], underlying, settlement, inverse=inverse)
    index = program.product_of(instrument)
    assert (None if index < 0 else program.products[index].name) == product


@pytest.mark.parametrize(
    ("right", "underlying", "product"),
    [
        ("call", "SPY", "options"),
        ("put", "SPY", "puts"),
        ("put", "SPX", "index_options"),
        ("call", "SPX", "index_options"),
    ],
)
def test_options_match_by_right(right: str, underlying: str, product: str) -> None:
    """`right` is a condition like every other: what it names must be the option's, and it makes a match narrower."""
    program = compiled(book=_MATCH_BOOK)
    option = Instrument("O", InstrumentKind.OPTION, underlying, "USD", expires_ns=1, strike=5.0, right=right)
    assert program.products[program.product_of(option)].name == product


def test_right_is_part_of_the_digest() -> None:
    """Two books that tell options apart differently are different books; the order of the rights has no meaning."""
    digests = [
        compiled(book=_MATCH_BOOK.replace("right: put", f"right: {right}")).digest
        for right in ("put", "call", "[call, put]", "[put, call]")
    ]
    assert len(set(digests)) == 3
    assert digests[2] == digests[3]


# Limits of moves


def test_limits_of_moves() -> None:
    """The greatest relative changes stand in the program by field; a way that is not limited is None."""
    marks = (
        "marks: {max_age: 60s, limits: {volatility: {rise: 20%, fall: 500 bps, per: 1d}, index: {fall: 10%, per: 4h}}}"
    )
    program = compiled(book=BOOK.replace("collateral:", f"{marks}\ncollateral:", 1))
    assert program.limits == {
        "volatility": MoveLimit(0.2, 0.05, DAY_NS),
        "index": MoveLimit(None, 0.1, 4 * 3_600 * SECOND_NS),
    }
    assert compiled().limits == {}
    digests = {
        compiled(book=BOOK.replace("collateral:", f"{text}\ncollateral:", 1)).digest
        for text in (
            marks,
            marks.replace("20%", "21%"),
            marks.replace("4h", "5h"),
            marks.replace("fall: 10%", "rise: 10%"),
        )
    }
    assert len(digests) == 4


# Deadlines

_NEW_YORK = ZoneInfo("America/New_York")


def _ns(moment: dt.datetime) -> int:
    return int(moment.timestamp()) * SECOND_NS


def _due(text: str, at: str) -> str:
    """Return when a call made at a New York time falls due, in New York."""
    step = _step(compiled(book=BOOK.replace("deadline: 4h", f"deadline: {text}")).ladders[0], "call")
    assert step.call is not None
    made = dt.datetime.fromisoformat(at).replace(tzinfo=_NEW_YORK)
    due = dt.datetime.fromtimestamp(step.call.deadline.due_ns(_ns(made)) / SECOND_NS, _NEW_YORK)
    return due.strftime("%Y-%m-%d %H:%M %Z")


@pytest.mark.parametrize(
    ("text", "made", "due"),
    [
        ("17:00 in 3 business days", "2020-02-28 10:00", "2020-03-04 17:00 EST"),
        ("17:00 in 3 business days", "2020-02-28 23:59", "2020-03-04 17:00 EST"),
        ("17:00 in 3 business days", "2020-02-29 12:00", "2020-03-04 17:00 EST"),  # Saturday, and a leap day
        ("17:00 next business day", "2020-03-01 23:59", "2020-03-02 17:00 EST"),  # Sunday
        ("17:00 next business day", "2020-03-02 00:00", "2020-03-03 17:00 EST"),  # a Monday from its first moment
        ("17:00 next business day", "2020-03-06 18:00", "2020-03-09 17:00 EDT"),  # over the change to summer time
        ("17:00 in 5 business days", "2020-03-05 09:00", "2020-03-12 17:00 EDT"),
        ("17:00 next business day", "2020-10-30 16:00", "2020-11-02 17:00 EST"),  # and back
        ("17:00 next business day", "2020-04-09 15:00", "2020-04-13 17:00 EDT"),  # over Good Friday
        ("17:00 in 2 business days", "2020-04-08 15:00", "2020-04-13 17:00 EDT"),
        ("17:00 next business day", "2020-04-10 12:00", "2020-04-13 17:00 EDT"),  # on Good Friday
        ("09:30 next business day", "2020-07-02 15:00", "2020-07-06 09:30 EDT"),  # over Independence Day, observed
        ("17:00 next business day", "2020-11-26 12:00", "2020-11-27 17:00 EST"),  # a half day is a business day
        ("17:00 in 15 business days", "2020-12-11 12:00", "2021-01-05 17:00 EST"),
        ("00:00 next business day", "2020-03-06 12:00", "2020-03-09 00:00 EDT"),
    ],
)
def test_business_days_are_counted_in_the_exchanges_own_days(text: str, made: str, due: str) -> None:
    """A deadline counts whole business days after the local day of the call: weekends, holidays, summer time."""
    assert _due(text, made) == due


@settings(max_examples=100, deadline=None)
@given(
    seconds=st.integers(0, 8 * 365 * 86_400),
    days=st.integers(1, 20),
)
def test_business_days_agree_with_the_exchange_calendar(seconds: int, days: int) -> None:
    """At any moment the deadline is 17:00 in New York on the n-th session after the local date of the call."""
    text = f"17:00 in {days} business days"
    step = _step(compiled(book=BOOK.replace("deadline: 4h", f"deadline: {text}")).ladders[0], "call")
    assert step.call is not None
    moment = dt.datetime(2020, 1, 2, tzinfo=dt.UTC) + dt.timedelta(seconds=seconds)
    today = moment.astimezone(_NEW_YORK).date()
    sessions = exchange_calendars.get_calendar("XNYS", start="2019-12-01", end="2029-12-31").sessions
    following = [stamp.date() for stamp in sessions if stamp.date() > today]
    expected = dt.datetime.combine(following[days - 1], dt.time(17), _NEW_YORK)
    assert step.call.deadline.due_ns(_ns(moment)) == _ns(expected)


@settings(max_examples=50, deadline=None)
@given(
    seconds=st.integers(0, 60 * 86_400),
    days=st.integers(1, 10),
    closed=st.sets(st.dates(dt.date(2020, 1, 1), dt.date(2020, 4, 30)), max_size=10),
)
def test_further_closed_days_are_no_business_days(seconds: int, days: int, closed: set[dt.date]) -> None:
    """The deadline is on the n-th session that the rulebook does not close; the order of its days has no meaning."""
    listed = ", ".join(map(str, sorted(closed, reverse=True)))
    calendar = f"{{exchange: XNYS, closed: [{listed}]}}" if closed else "{exchange: XNYS}"
    book = BOOK.replace("deadline: 4h", f"deadline: 17:00 in {days} business days").replace("XNYS", calendar)
    step = _step(compiled(book=book).ladders[0], "call")
    assert step.call is not None
    moment = dt.datetime(2020, 1, 2, tzinfo=dt.UTC) + dt.timedelta(seconds=seconds)
    today = moment.astimezone(_NEW_YORK).date()
    sessions = exchange_calendars.get_calendar("XNYS", start="2019-12-01", end="2029-12-31").sessions
    following = [day for stamp in sessions if (day := stamp.date()) > today and day not in closed]
    expected = dt.datetime.combine(following[days - 1], dt.time(17), _NEW_YORK)
    assert step.call.deadline.due_ns(_ns(moment)) == _ns(expected)


def test_deadline_past_the_calendar_is_early_and_not_open() -> None:
    """Past the last known business day a business day is a day: the call still ends."""
    step = _step(compiled(book=BOOK.replace("deadline: 4h", "deadline: 17:00 in 3 business days")).ladders[0], "call")
    assert step.call is not None
    far = _ns(dt.datetime(2090, 1, 1, tzinfo=dt.UTC))
    assert step.call.deadline.due_ns(far) == far + 3 * DAY_NS


# Lines

_rate = st.decimals(0, 1, places=6)
_edge = st.decimals("0.01", 10**12, places=2)


@st.composite
def _tiers(draw: st.DrawFn) -> tuple[Tier, ...]:
    count = draw(st.integers(1, 8))
    edges: list[Decimal | None] = [*sorted(draw(st.sets(_edge, min_size=count - 1, max_size=count - 1))), None]
    initial, maintenance = (sorted(draw(st.lists(_rate, min_size=count, max_size=count))) for _ in range(2))
    return tuple(Tier(*row) for row in zip(edges, initial, maintenance, strict=True))


def _marginal(value: Fraction, edges: list[Decimal | None], rates: list[Decimal]) -> Fraction:
    """Return the sum over tiers of each tier's rate on the part of the value inside it."""
    total, floor = Fraction(0), Fraction(0)
    for edge, rate in zip(edges, rates, strict=True):
        ceiling = value if edge is None else min(value, Fraction(edge))
        total += max(ceiling - floor, Fraction(0)) * Fraction(rate)
        floor = value if edge is None else Fraction(edge)
    return total


def _exact_deductions(edges: list[Decimal | None], rates: list[Decimal]) -> list[Fraction]:
    deductions = [Fraction(0)]
    for edge, rate, following in zip(edges, rates, rates[1:], strict=False):
        assert edge is not None
        deductions.append(deductions[-1] + Fraction(edge) * (Fraction(following) - Fraction(rate)))
    return deductions


@pytest.mark.promise("MR-P07")
@settings(max_examples=300, deadline=None)
@given(tiers=_tiers(), notional=_edge)
def test_tier_lines_are_the_marginal_schedule(tiers: tuple[Tier, ...], notional: Decimal) -> None:
    """
    The greatest of the tier lines is the sum over tiers, exactly, and two lines meet at each edge.

    What the core gets is each exact line rounded once to a double.
    """
    rows = list(compiling._lines(tiers))
    edges = [tier.to for tier in tiers]
    for column, rates in enumerate(([tier.initial for tier in tiers], [tier.maintenance for tier in tiers])):
        deductions = _exact_deductions(edges, rates)
        lines = [(Fraction(rate), deduction) for rate, deduction in zip(rates, deductions, strict=True)]
        for edge, (rate, deduction), (rate_2, deduction_2) in zip(edges, lines, lines[1:], strict=False):
            assert edge is not None
            assert Fraction(edge) * rate - deduction == Fraction(edge) * rate_2 - deduction_2
        for value in (Fraction(notional), *(Fraction(edge) for edge in edges if edge is not None)):
            greatest = max(value * rate - deduction for rate, deduction in lines)
            assert greatest == _marginal(value, edges, rates)
        assert [row[2 * column : 2 * column + 2] for row in rows] == [(float(a), float(b)) for a, b in lines]


@pytest.mark.promise("MR-P07")
@settings(max_examples=300, deadline=None)
@given(tiers=_tiers(), value=_edge)
def test_haircut_lines_are_the_marginal_schedule(tiers: tuple[Tier, ...], value: Decimal) -> None:
    """The least of the haircut lines is the value less each tier's rate on its part; two lines meet at each edge."""
    edges, rates = [tier.to for tier in tiers], [tier.initial for tier in tiers]
    rows = credits_of(Collateral(tuple(Haircut(*row) for row in zip(edges, rates, strict=True)), None, Decimal(1)))
    lines = list(zip([1 - Fraction(rate) for rate in rates], _exact_deductions(edges, rates), strict=True))
    for edge, (rate, constant), (rate_2, constant_2) in zip(edges, lines, lines[1:], strict=False):
        assert edge is not None
        assert Fraction(edge) * rate + constant == Fraction(edge) * rate_2 + constant_2
    for one in (Fraction(value), *(Fraction(edge) for edge in edges if edge is not None)):
        counted = min(one * rate + constant for rate, constant in lines)
        assert counted == one - _marginal(one, edges, rates)
    assert rows == [(float(rate), float(constant)) for rate, constant in lines]


@pytest.mark.usefixtures("recorded")
@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.parent.name)
def test_shipped_lines_meet_at_every_edge(path: Path) -> None:
    """In the doubles that the core gets, two lines of a shipped rulebook differ at their edge by rounding alone."""
    program = load(path.read_bytes(), path.name)
    tables = _rows(program)
    for row in {row for profile in tables.rules for row in profile}:
        lines = tables.lines[row[0] : row[0] + row[1]]
        for (rate, less, _, _), (rate_2, less_2, _, _) in pairwise(lines):
            edge = (less_2 - less) / (rate_2 - rate) if rate_2 > rate else 0.0
            assert edge * rate - less == pytest.approx(edge * rate_2 - less_2, rel=1e-14, abs=1e-9)
            assert edge == pytest.approx(round(edge), rel=1e-12)


# Places


def _vocabulary(path: Path) -> Iterator[tuple[int, int, int, str]]:
    """Yield (index, line, column, key) of each key of a rulebook that is a word of the vocabulary, not a name."""
    root = yaml.compose(path.read_text(), yaml.SafeLoader)
    assert root is not None
    stack: list[tuple[tuple[str, ...], yaml.Node]] = [((), root)]
    while stack:
        at, node = stack.pop()
        if isinstance(node, yaml.SequenceNode):
            stack += [(at, item) for item in node.value]
        elif isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                mark = key.start_mark
                if not _holds_names(at):
                    yield mark.index, mark.line + 1, mark.column + 1, key.value
                stack.append(((*at, key.value), value))


def _holds_names(at: tuple[str, ...]) -> bool:
    """Say whether the keys of a mapping are names that a rulebook gives."""
    sections = ("collateral", "products", "ladders", "calendars", "constants", "tables", "scenarios", "portfolios")
    if at in {(name,) for name in (*sections, "strategies", "figures", "pools", "lint")} or at == (
        "overrides",
        "ladder",
    ):
        return True
    is_of_scenarios = at[:1] == ("scenarios",) and at[-1] in ("combine", "rows")
    return is_of_scenarios or at[:1] == ("parameters",) or at[-1:] in (("define",), ("given",), ("legs",))


def _misspelt() -> Iterator[Any]:
    """Yield every key of the vocabulary at some places: rulebooks of venues repeat the same ones by the thousand."""
    seen: Counter[str] = Counter()
    for path in (GOOD, *SHIPPED):
        for row in sorted(_vocabulary(path)):
            seen[row[3]] += 1
            if seen[row[3]] <= PLACES_OF_A_KEY:
                yield pytest.param(path, *row, id=f"{path.parent.name}:{row[1]}:{row[2]}:{row[3]}")


MISSPELT = list(_misspelt())


@pytest.mark.parametrize(("path", "index", "line", "column", "key"), MISSPELT)
def test_misspelt_key_is_found_at_its_place(path: Path, index: int, line: int, column: int, key: str) -> None:
    """Each key of a shipped rulebook and of every section, misspelt: one problem, at its place, suggested, no echo."""
    text = path.read_text()
    for wrong in (key + key[-1], "x" + key):
        found = validate((text[:index] + wrong + text[index + len(key) :]).encode(), "book.yaml")
        assert [_summary(one) for one in found] == [(line, column, len(wrong), "MR-R301", f"did you mean '{key}'?")]
        assert f"'{wrong}'" in found[0].message


def _summary(one: Diagnostic) -> tuple[int, int, int, str, str]:
    return one.place.line, one.place.column, one.place.width, one.code, one.hint


def test_problem_in_windows_line_ends_has_the_same_place() -> None:
    """A file saved with carriage returns has the same places and the same digest."""
    wrong = BOOK.replace("below: 100%", "bellow: 100%")
    assert validate(wrong.replace("\n", "\r\n").encode(), "a.yaml") == validate(wrong.encode(), "a.yaml")
    assert load(BOOK.replace("\n", "\r\n").encode(), "a.yaml").digest == compiled().digest


# Size


@pytest.mark.parametrize("lines", [300, 1_000, 2_700])
def test_large_rulebook_compiles(lines: int) -> None:
    """A rulebook as large as an exchange's compiles whole; `bench/` measures how fast."""
    content = large_rulebook(lines)
    assert abs(content.count(b"\n") - lines) < 0.05 * lines + 20
    program = load(content, "large.yaml")
    assert len(program.products) >= lines // 25
    assert content == large_rulebook(lines)


@pytest.mark.parametrize("which", ["steps", "tiers"])
def test_limit_is_the_last_size_that_is_read(which: str) -> None:
    """A table at its limit compiles; one line more is refused."""
    count = {"steps": 16 - 3, "tiers": 64 - 1}[which]
    for more, is_read in ((0, True), (1, False)):
        if which == "steps":
            rows = "".join(f"      - {{step: s{n}, below: {90 - n}%}}\n" for n in range(count + more))
            text = BOOK + rows
        else:
            rows = "".join(f"        - {{to: {n + 1}, initial: 10%, maintenance: 5%}}\n" for n in range(count + more))
            text = BOOK.replace("        - {to: 1_000_000, initial: 10%, maintenance: 5%}\n", rows)
        if is_read:
            assert load(text.encode(), "a.yaml").products
        else:
            with pytest.raises(RulebookError) as refused:
                load(text.encode(), "a.yaml")
            assert [one.code for one in refused.value.diagnostics] == ["MR-R308"]


def test_tiers_are_told_with_their_deductions() -> None:
    """A notional at an edge is in the tier above; a formula has no tiers."""
    program = load(BOOK.encode(), "a.yaml")
    profile, product = program.profile_of("retail", ""), [one.name for one in program.products].index("perpetual")
    first, second = program.margin_tiers[profile][product]
    assert (first.floor, first.initial, first.maintenance) == (0.0, 0.1, 0.05)
    assert (first.initial_deduction, first.maintenance_deduction) == (0.0, 0.0)
    # 10 % and 20 % meet at a million, 5 % and 10 % too.
    assert (second.floor, second.initial, second.maintenance) == (1e6, 0.2, 0.1)
    assert (second.initial_deduction, second.maintenance_deduction) == (100_000.0, 50_000.0)
    found = [program.tier_of(profile, product, notional) for notional in (0.0, 999_999.0, 1e6, 1e15)]
    assert found == [first, first, second, second]
    formula = load((ROOT / "tests" / "rulebooks" / "good" / "every-section.yaml").read_bytes(), "b.yaml")
    product = [one.name for one in formula.products].index("perpetual")
    assert formula.tier_of(formula.profile_of("retail", ""), product, 1.0) is None
