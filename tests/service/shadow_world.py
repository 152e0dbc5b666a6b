# SPDX-License-Identifier: Apache-2.0
"""
Rulebooks, markets and accounts drawn at random, to ask one rulebook in two ways: as a shadow, and as the active one.

The rulebooks draw from every margin model, from all that is said of collateral, and from overrides; the markets leave
marks, volatilities and closes out or let them age, so that all reasons to refuse come up.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import TypeVar

from marginrules.codes import InstrumentKind
from marginrules.model import Account, CloseSeries, Instrument, Order, Pool, Position, Price
from marginrules.rulebook import Program, load
from marginrules.service.book import Book
from marginrules.units import DAY_NS

START = 1_800_000_000_000_000_000
EXPIRY = START + 9 * DAY_NS
T = TypeVar("T")
_TIERS = (
    "margin: {model: tiers, tiers: [{to: 2_000, initial: %d%%, maintenance: %d%%}, {initial: %d%%, maintenance: %d%%}]}"
)
_FORMULA = "margin: {model: formula, initial: %d%% * notional + factor * abs(value), maintenance: %d%% * notional}"
_MODELS = {
    "portfolio": "margin: {model: portfolio, portfolio: book}",
    "history": "margin: {model: portfolio, portfolio: past}",
}
INSTRUMENTS = (
    Instrument("BTC-PERP", InstrumentKind.PERPETUAL, "BTC", "USD", quantity_step=0.1),
    Instrument("BTC-COIN", InstrumentKind.PERPETUAL, "BTC", "BTC", 10.0, inverse=True),
    Instrument("BTC-FUT", InstrumentKind.FUTURE, "BTC", "USD", expires_ns=START + 20 * DAY_NS),
    Instrument(
        "BTC-C90", InstrumentKind.OPTION, "BTC", "USD", expires_ns=START + 9 * DAY_NS, strike=90.0, right="call"
    ),
    Instrument(
        "BTC-P110", InstrumentKind.OPTION, "BTC", "USD", expires_ns=START + 9 * DAY_NS, strike=110.0, right="put"
    ),
    Instrument("ETH-PERP", InstrumentKind.PERPETUAL, "ETH", "USD"),
    Instrument("XYZ", InstrumentKind.SPOT, "XYZ", "USD"),
)
CLASSES = ("retail", "professional")
ACCOUNTS = ("a", "b", "c", "d")


def draw_rulebook(source: random.Random) -> str:
    """Return the text of a rulebook."""
    return f"""\
rulebook: drawn-{source.randrange(10**9)}
currency: USD
effective: 2026-01-01T00:00:00Z
classes: [retail, professional]
marks: {{max_age: {source.choice(("1d", "2d", "6d"))}{_limits(source)}}}
parameters: {{factor: {{default: {source.randint(1, 20)}%, BTC: {source.randint(1, 20)}%, ETH-PERP: 7%}}}}
collateral:
  USD: {{haircut: 0%}}
  BTC: {_collateral(source)}
  ETH: {_collateral(source)}
scenarios:
  grid: {{combine: {{price: [-{source.randint(5, 30)}%, 0%, {source.randint(5, 30)}%], volatility: [-25%, 50%]}}}}
  past: {{history: {{window: {source.randint(20, 40)}, horizon: 1d}}}}
portfolios:
  book:
    by: [{source.choice(("underlying", "settlement"))}]
    define: {{loss: worst_loss(total(size * mark * grid.price))}}
    initial: loss + {source.randint(1, 9)}% * total(abs(value))
    maintenance: 80% * loss
  past:
    define: {{moves: value * past.move}}
    initial: value_at_risk(total(moves), 90%) + 1% * total(abs(value))
    maintenance: 70% * value_at_risk(total(moves), 90%)
{_pool(source)}products:
  perpetual: {{match: {{kind: perpetual}}, {_margin(source)}}}
  coin: {{match: {{kind: perpetual, underlying: {source.choice(("BTC", "ETH"))}}}, {_margin(source)}}}
  future: {{match: {{kind: future}}, {_margin(source)}}}
  option: {{match: {{kind: option}}, {_option(source)}}}
  spot: {{match: {{kind: spot}}, {_tiers(source)}}}
  rest: {{match: {{kind: future, underlying: NONE}}, {_MODELS["portfolio"]}}}
  others: {{match: {{kind: perpetual, underlying: NONE}}, {_MODELS["history"]}}}
ladders:
  main:
    steps:
      - {{step: margin_call, below: {source.randint(110, 180)}%, clear: 190%, notify: [client]}}
      - {{step: liquidation, below: {source.randint(80, 109)}%, liquidate: all}}
overrides:
  - {{product: spot, class: retail, because: drawn, margin: {{scale: {source.randint(101, 130)}%}}}}
  - {{product: spot, account: {source.choice(ACCOUNTS)}, because: x, margin: {{scale: {source.randint(131, 160)}%}}}}
"""


def _limits(source: random.Random) -> str:
    return ", limits: {volatility: {rise: 20%, fall: 10%, per: 1d}}" if source.random() < 0.3 else ""


def _collateral(source: random.Random) -> str:
    haircut = source.randint(1, 40)
    return source.choice(
        [
            f"{{haircut: {haircut}%}}",
            f"{{haircut: {haircut}%, cap: {source.randint(100, 5_000)}, liability: 110%}}",
            f"{{haircut: [{{to: 500, rate: {haircut}%}}, {{rate: {haircut + 5}%}}], concentration: 50%}}",
            f"{{haircut: {{initial: {haircut + 10}%, maintenance: {haircut}%}}}}",
            f"{{haircut: {haircut}%, volatility: {{multiple: 3, floor: 5%, horizon: 1d}}}}",
            f"{{haircut: {haircut}%, wrong_way: {{underlying: [BTC], haircut: 60%}}}}",
            f"{{haircut: {haircut}%, utilisation: {{deposits: 1_000, borrows: 900}}}}",
        ]
    )


def _pool(source: random.Random) -> str:
    return 'pool: {initial: "max(initial, 50 USD)", maintenance: maintenance}\n' if source.random() < 0.3 else ""


def _tiers(source: random.Random) -> str:
    low, high = source.randint(2, 10), source.randint(11, 20)
    return _TIERS % (2 * low, low, 2 * high, high)


def _margin(source: random.Random) -> str:
    rate = source.randint(2, 20)
    return source.choice([_tiers(source), _FORMULA % (2 * rate, rate), *_MODELS.values()])


def _option(source: random.Random) -> str:
    rate = source.randint(5, 30)
    black = f"{rate}% * notional + abs(quantity) * black_76(forward, years, volatility)"
    by_formula = f'margin: {{model: formula, initial: "{black}", maintenance: {rate // 2}% * notional}}'
    return source.choice([f"value: excluded, {_tiers(source)}", by_formula])


class Twins:
    """Two books that are told the same: one asks a rulebook as a shadow, one as its active one."""

    def __init__(self, source: random.Random) -> None:
        self.source = source
        self.now_ns = START
        self.live, self.twin = Book(), Book()
        active, self.candidate = self.program(), self.program()
        self.both(lambda book: book.activate(active))
        self.sequence = 0

    def program(self) -> Program:
        """Compile a rulebook drawn at random."""
        return load(draw_rulebook(self.source).encode(), "drawn.yaml")

    def both(self, do: Callable[[Book], object]) -> None:
        """Tell both books."""
        do(self.live)
        do(self.twin)

    def begin(self) -> None:
        """Put the candidate into the shadow of one book, and activate it in the other."""
        self.live.shade(self.candidate, 7)
        self.twin.activate(self.candidate)

    def step(self) -> None:
        """Change something, in both books alike."""
        source = self.source
        act = source.choice([self.price, self.price, self.price, self.account, self.account, self.define, self.closes])
        act()
        self.now_ns += source.choice([0, 1, DAY_NS // 3])

    def define(self) -> None:
        """Define instruments."""
        unknown = [one for one in INSTRUMENTS if one.symbol not in self.live.instruments]
        for one in unknown[: self.source.randint(1, 3)]:
            self.both(lambda book, one=one: book.define(one))  # type: ignore[misc]

    def price(self) -> None:
        """Publish some prices, some with fields that models need."""
        source, rows = self.source, []
        for name in ("BTC", "ETH"):
            if source.random() < 0.6:
                every = {"volatility": 0.6 + source.random(), "deposits": 2_000.0, "borrows": source.uniform(0, 2_000)}
                fields = tuple(every.items()) if source.random() < 0.8 else ()
                rows.append(Price(name, source.uniform(90, 110), self.now_ns, fields=fields))
        for one in self.live.instruments.values():
            if source.random() < 0.6:
                every = {"index": source.uniform(90, 110), "forward": 100.0, "volatility": source.uniform(0.2, 1.2)}
                fields = tuple(every.items()) if source.random() < 0.8 else ()
                interest = source.choice([None, 1e6])
                price = 0.0 if one.strike and source.random() < 0.2 else source.uniform(5, 110)
                rows.append(Price(one.symbol, price, self.now_ns, interest, fields))
        self.both(lambda book: book.set_prices(rows))

    def closes(self) -> None:
        """Replace a series of closes."""
        source = self.source
        count = source.choice([10, 60])
        times = tuple(START - (count - k) * DAY_NS for k in range(count))
        series = CloseSeries(
            source.choice(["BTC", "ETH"]), times, tuple(100.0 * 1.02 ** source.gauss(0, 1) for _ in times)
        )
        self.both(lambda book: book.put_closes([series], replace=True))

    def account(self) -> None:
        """Replace an account by another snapshot, and restrict its pool now and then."""
        source, symbols = self.source, list(self.live.instruments)
        self.sequence += 1
        positions = [Position(one, *self.amounts(one)) for one in self.some(symbols)]
        orders = [self.order(name, symbol) for name, symbol in zip("xyz", self.some(symbols), strict=False)]
        balances = [("USD", source.uniform(-500, 9_000))]
        balances += [(one, source.uniform(-1, 20)) for one in self.some(["BTC", "ETH"])]
        pool = Pool("", tuple(balances), tuple(positions), tuple(orders), source.choice([0.0, 12.5]))
        account = Account(source.choice(ACCOUNTS), source.choice(CLASSES), self.sequence, (pool,))
        self.both(lambda book: book.put_account(account))
        number = self.live.pool_id(account.account_id, "")
        restriction = source.choice([0, 0, 0, 1, 2])
        self.both(lambda book: book.engine.set_restriction(number, restriction))

    def some(self, names: Sequence[T]) -> list[T]:
        """Return some of them."""
        return self.source.sample(names, self.source.randint(0, len(names)))

    def amounts(self, symbol: str) -> tuple[float, float, float]:
        """Return a quantity, an entry price and a leverage."""
        is_outright = self.live.instruments[symbol].kind.is_outright
        quantity = self.source.choice([-30.0, -4.0, 2.0, 25.0])
        return quantity, 0.0 if is_outright else self.source.uniform(90, 110), self.source.choice([0.0, 5.0])

    def order(self, name: str, symbol: str) -> Order:
        """Draw an order."""
        source = self.source
        quantity, price = source.choice([-20.0, -3.0, 1.0, 40.0]), source.choice([0.0, source.uniform(80, 120)])
        return Order(name, symbol, quantity, price, source.choice([0.0, 10.0]), source.random() < 0.2)
