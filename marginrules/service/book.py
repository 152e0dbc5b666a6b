# SPDX-License-Identifier: Apache-2.0
"""
Names to ids and back: instruments, assets, accounts, pools and open orders of one shard, kept in the core's memory.

Nothing here decides; everything was checked at the border. An account costs no Python object of its own but its name.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from marginrules._core.core import Engine
from marginrules.codes import RIGHTS
from marginrules.errors import InputError
from marginrules.limits import CLOSES_PER_SERIES_MAX
from marginrules.machine import Field
from marginrules.model import (
    ASSET_FIELDS,
    CROSS,
    PRICE_FIELDS,
    Account,
    CloseSeries,
    Holding,
    Instrument,
    Order,
    Pool,
    Position,
    Price,
)
from marginrules.rulebook import Program
from marginrules.service.fills import apply_fill
from marginrules.service.history import realized_volatility, scenario_moves
from marginrules.units import DAY_NS

AssetRow = tuple[int, float, int, int, float, float, float]
MarkRow = tuple[int, float, int, float, list[tuple[int, float]]]
Series = list[tuple[int, int, list[float]]]
_Fit = tuple[
    list[int], list[int], list[int], list[int], dict[int, int], Series, list[tuple[float, ...]], list[int]
]  # as `Engine.activate` takes them
FOREVER_NS = 1 << 61  # the rulebook's own currency is worth 1 of itself at any time


UNKNOWN = (math.nan, math.nan, math.nan)  # what may be published beside the price of an asset


@dataclass(slots=True)
class Closes:
    """Keep the closes of one name, oldest first."""

    times_ns: array[int] = field(default_factory=lambda: array("q"))
    closes: array[float] = field(default_factory=lambda: array("d"))
    realized_volatility: float | None = None  # None: not known


@dataclass(slots=True)
class Shaded:
    """Keep what the book knows of a program that is asked beside the active one."""

    program: Program
    products: list[int]  # per instrument
    used: dict[str, dict[str, tuple[float, int]]]
    asset_prices: dict[str, Price]


@dataclass(slots=True)
class OpenOrder:
    """Carry an open order; one that is held was accepted here and stays until released, filled or expired."""

    order: Order
    is_held: bool


class Book:
    """Keep the state of instruments, accounts and pools in one engine."""

    def __init__(self) -> None:
        self.engine = Engine()
        self.instruments: dict[str, Instrument] = {}
        self.instrument_ids: dict[str, int] = {}
        self.instrument_names: list[str] = []
        self.products: list[int] = []  # of the active program, per instrument
        self.asset_ids: dict[str, int] = {}
        self.asset_names: list[str] = []
        self.account_ids: dict[str, int] = {}
        self.account_names: list[str] = []
        self.class_ids: dict[str, int] = {}
        self.class_names: list[str] = []
        self.cross_pools = array("i")
        self.isolated_pools: dict[tuple[int, int], int] = {}
        self.named_pools: dict[tuple[int, str], int] = {}
        self._pool_names: dict[int, str] = {}  # of those that the rulebook names
        self.orders: dict[int, dict[str, OpenOrder]] = {}
        self.price_times: dict[str, int] = {}
        self.closes: dict[str, Closes] = {}
        self._used: dict[str, dict[str, tuple[float, int]]] = {}  # symbol -> field -> value last used, and its time
        self.exposures: dict[str, list[int]] = {}  # underlying -> its instruments
        self.family_ids: dict[str, int] = {}  # underlying, which need not be an asset -> its number
        self._asset_prices: dict[str, Price] = {}
        self.program: Program | None = None
        self.shaded: Shaded | None = None

    # Names

    def pool_id(self, account: str, pool: str) -> int:
        """Return a pool's id; InputError where account or pool is unknown."""
        account_id = self.account_ids.get(account)
        if account_id is None:
            raise InputError("MR-I104", f"account {account!r} is not known")
        if pool == CROSS:
            return self.cross_pools[account_id]
        found = self.find_pool(account_id, pool)
        if found is None:
            raise InputError("MR-I105", f"account {account} has no pool {pool!r}", "empty for the cross pool")
        return found

    def find_pool(self, account_id: int, pool: str) -> int | None:
        """Return the id of a pool that is not the cross pool; None where the account has no such pool."""
        found = self.named_pools.get((account_id, pool))
        return self.isolated_pools.get((account_id, self.instrument_ids.get(pool, -1))) if found is None else found

    def pool_name(self, pool: int) -> str:
        """Return the name of a pool: `CROSS`, the symbol of an isolated one, or what the rulebook calls it."""
        isolated = self.engine.pool_state(pool)[1]
        return self.instrument_names[isolated] if isolated >= 0 else self._pool_names.get(pool, CROSS)

    def may_hold(self, pool: str, symbol: str) -> bool:
        """Say whether a pool that the rulebook names, or named once, may hold an instrument."""
        terms = self.program.pools.get(pool) if self.program else None
        return terms is not None and self.products[self.instrument_ids[symbol]] in terms.products

    def open_pool(self, account_id: int, name: str) -> int:
        """Return a pool of an account; one that it does not have yet is added, and empty."""
        if name == CROSS:
            return self.cross_pools[account_id]
        found = self.find_pool(account_id, name)
        if found is not None:
            return found
        if self.program is None:
            raise AssertionError("pools are opened only under an active rulebook")
        account = self.account_names[account_id]
        is_named = name in self.program.pools
        isolated = -1 if is_named else self.instrument_ids[name]
        pool = self.engine.add_pool(account_id, isolated)
        if is_named:
            self._pool_names[pool] = name
        self._put_pool(pool, self._profiles_of(self._class_of(account), account), Pool(name))
        # Last: a check may find it at once.
        if is_named:
            self.named_pools[account_id, name] = pool
        else:
            self.isolated_pools[account_id, isolated] = pool
        return pool

    def pool_label(self, pool: int) -> str:
        """Return `account` for a cross pool, `account|pool` for any other."""
        account, name = self.account_names[self.engine.pool_state(pool)[0]], self.pool_name(pool)
        return f"{account}|{name}" if name else account

    def pool_of_label(self, label: str) -> int:
        """Return the pool that a label, or the id of one of its calls, names."""
        account, _, pool = label.partition("#")[0].partition("|")
        return self.pool_id(account, pool)

    def instrument_id(self, symbol: str) -> int:
        """Return an instrument's id; InputError where it is unknown."""
        found = self.instrument_ids.get(symbol)
        if found is None:
            raise InputError("MR-I106", f"instrument {symbol!r} is not known", "define it first")
        return found

    def asset_id(self, asset: str) -> int:
        """Return an asset's id; InputError where neither the rulebook nor an instrument names it."""
        found = self.asset_ids.get(asset)
        if found is None:
            raise InputError("MR-I107", f"asset {asset!r} is not known", "collateral is named in the rulebook")
        return found

    # Program

    def activate(self, program: Program) -> None:
        """Switch to a program; everything that does not fit it was refused before."""
        self.program = program
        for asset in sorted({program.currency, *program.assets}):
            self._add_asset(asset)
        self.products = list(self._products_of(program))
        self.engine.activate(program.tables, *self._fit(program, self.products))
        # How long a price may be used is the rulebook's to say, also of prices that came before it.
        shaded = self.shaded
        self.engine.set_prices(
            self._asset_rows(program, self._asset_prices),
            [],
            (self._asset_rows(shaded.program, shaded.asset_prices), []) if shaded else None,
        )

    def shade(self, program: Program, number: int) -> None:
        """Ask a program beside the active one, in the place of any that was; what does not fit was refused before."""
        products = self._products_of(program)
        used = {name: dict(fields) for name, fields in self._used.items()}
        shaded = Shaded(program, products, used, dict(self._asset_prices))
        rows = self._asset_rows(program, shaded.asset_prices)
        self.engine.shade(program.tables, number, *self._fit(program, products), rows)
        self.shaded = shaded

    def unshade(self) -> None:
        """Ask the active program alone."""
        self.shaded = None
        self.engine.unshade()

    def _fit(self, program: Program, products: list[int]) -> _Fit:
        """Return what a program makes of instruments, assets and accounts, as the engine takes it."""
        return (
            products,
            [_max_age_ns(program, product) for product in products],
            [program.assets.get(name, -1) for name in self.asset_names],
            [max(program.profile_of(name, ""), 0) for name in self.class_names],  # whatever had none was refused
            {
                self.account_ids[name]: program.profile_of(self._class_of(name), name)
                for name in program.special_accounts
                if name in self.account_ids
            },
            self._series(program),
            [_parameters(program, one) for one in self.instruments.values()],
            [program.wrong_way_of(one) for one in self.instruments.values()],
        )

    def _asset_rows(self, program: Program, prices: dict[str, Price]) -> list[AssetRow]:
        """Return the prices of all assets, the rulebook's own currency included."""
        known = [self._asset_row(one, program.max_age_ns) for one in prices.values()]
        return [(self.asset_ids[program.currency], 1.0, 0, FOREVER_NS, *UNKNOWN), *known]

    def misfits(self, program: Program) -> list[str]:
        """Return what of this book a program could not evaluate."""
        found = [f"account class {name}" for name in self.class_names if program.profile_of(name, "") < 0]
        products = self._products_of(program)
        found += [f"instrument {name}" for name, one in zip(self.instruments, products, strict=True) if one < 0]
        settled = sorted({one.settlement for one in self.instruments.values()})
        found += [f"settlement asset {name}" for name in settled if name not in program.assets]
        dropped = set(self.program.assets if self.program else ()) - set(program.assets)
        if dropped:
            held = {self.asset_names[one] for one in self.engine.assets_held()}
            found += [f"collateral {name}" for name in sorted(dropped & held)]
        found += self._pool_misfits(program, products)
        if self.program and self.program.currency != program.currency:
            found.append(f"currency {self.program.currency}")
        return found

    def shadow_may_hold(self, pool: str, symbol: str) -> bool:
        """Say by the shadow's program what `may_hold` says by the active one."""
        terms = self.shaded.program.pools.get(pool) if self.shaded else None
        if self.shaded is None or terms is None:
            return False
        return self.shaded.products[self.instrument_ids[symbol]] in terms.products

    def _products_of(self, program: Program) -> list[int]:
        """Return the product of each instrument by a program, or -1."""
        if self.shaded is not None and self.shaded.program is program:
            return self.shaded.products
        return [program.product_of(one) for one in self.instruments.values()]

    def _pool_misfits(self, program: Program, products: list[int]) -> list[str]:
        """Return the pools in use that a program does not name, or that hold what it does not let them."""
        found = [f"instrument {name}, named like a pool" for name in sorted(program.pools.keys() & self.instruments)]
        for (account, name), pool in self.named_pools.items():
            held, balances = self.engine.pool_instruments(pool)
            if not (held or balances):
                continue
            terms, label = program.pools.get(name), f"{self.account_names[account]}|{name}"
            account_class = self.class_names[self.engine.account_state(account)[0]]
            if terms is None or (terms.classes and account_class not in terms.classes):
                found.append(f"pool {label}")
                continue
            found += [
                f"{symbol} in pool {label}"
                for symbol in sorted(self.instrument_names[one] for one in held if products[one] not in terms.products)
            ]
        return found

    def _class_of(self, account: str) -> str:
        return self.class_names[self.engine.account_state(self.account_ids[account])[0]]

    def _add_asset(self, asset: str) -> int:
        if asset not in self.asset_ids:
            rule = self.program.assets.get(asset, -1) if self.program else -1
            shadow_rule = self.shaded.program.assets.get(asset, -1) if self.shaded else -1
            self.asset_ids[asset] = self.engine.add_asset(rule, shadow_rule)
            self.asset_names.append(asset)
        return self.asset_ids[asset]

    # Market

    def define(self, instrument: Instrument) -> None:
        """Add an instrument."""
        product, max_age_ns, parameters, wrong_way = _terms(self.program, instrument)
        shadow = _terms(self.shaded.program, instrument) if self.shaded else None
        is_first = instrument.underlying not in self.family_ids
        self.instrument_ids[instrument.symbol] = self.engine.add_instrument(
            self._add_asset(instrument.settlement),
            self.asset_ids.get(instrument.underlying, -1),
            instrument.inverse,
            instrument.kind,
            instrument.multiplier,
            instrument.quantity_step,
            instrument.expires_ns,
            product,
            max_age_ns,
            instrument.strike,
            RIGHTS.get(instrument.right, 0),
            self.family_ids.setdefault(instrument.underlying, len(self.family_ids)),
            parameters,
            wrong_way,
            shadow,
        )
        self.exposures.setdefault(instrument.underlying, []).append(self.instrument_ids[instrument.symbol])
        self.products.append(product)
        if self.shaded and shadow:
            self.shaded.products.append(shadow[0])
        self.instrument_names.append(instrument.symbol)
        self.instruments[instrument.symbol] = instrument
        self._set_realized([self.instrument_ids[instrument.symbol]])
        if is_first and instrument.underlying in self.closes:
            self._set_series()

    def asset_price(self, asset: str) -> float | None:
        """Return the last price of an asset; None where none was published."""
        found = self._asset_prices.get(asset)
        return None if found is None else found.price

    def asset_quote(self, asset: str) -> Price | None:
        """Return what is in use of an asset's price; None where none was published."""
        return self._asset_prices.get(asset)

    def set_prices(self, prices: list[Price]) -> dict[str, dict[str, float]]:
        """
        Publish prices of known instruments and assets, all at once.

        Returns:
            What is used in the place of what was published, symbol -> field -> value, where the rulebook limits moves.
        """
        limited: dict[str, dict[str, float]] = {}
        for one in prices:
            self.price_times[one.name] = one.time_ns
        used = [_used_price(self.program, self._used, one) for one in prices]
        for one, other in zip(prices, used, strict=True):
            if other.fields != one.fields:
                limited[one.name] = dict(set(other.fields) - set(one.fields))
        shaded = self.shaded
        shadow = None
        if shaded:
            shadow_used = [_used_price(shaded.program, shaded.used, one) for one in prices]
            shadow = self._price_rows(shaded.program, shadow_used, shaded.asset_prices)
        self.engine.set_prices(*self._price_rows(self.program, used, self._asset_prices), shadow)
        return limited

    def _price_rows(
        self, program: Program | None, prices: list[Price], asset_prices: dict[str, Price]
    ) -> tuple[list[AssetRow], list[MarkRow]]:
        """Return the rows of prices as a program uses them, and keep those of assets."""
        age = program.max_age_ns if program else 0
        assets: list[AssetRow] = []
        marks: list[MarkRow] = []
        for one in prices:
            if one.name in self.instrument_ids:
                quotes = _quotes(one.fields, one.open_interest) + self._realized(one.name)
                marks.append((self.instrument_ids[one.name], one.price, one.time_ns, one.open_interest or 0.0, quotes))
            else:
                asset_prices[one.name] = one
                assets.append(self._asset_row(one, age))
        return assets, marks

    def _asset_row(self, one: Price, age: int) -> AssetRow:
        """Return the price of an asset with what stands beside it; a volatility is published, or else realized."""
        fields = dict(one.fields)
        known = self.closes.get(one.name)
        if "volatility" not in fields and known is not None and known.realized_volatility is not None:
            fields["volatility"] = known.realized_volatility
        volatility, deposits, borrows = (fields.get(name, math.nan) for name in ASSET_FIELDS)
        return self.asset_ids[one.name], one.price, one.time_ns, age, volatility, deposits, borrows

    # History

    def closes_of(self, instrument: Instrument) -> Closes | None:
        """Return the closes of an instrument itself, or else those of its underlying."""
        return self.closes.get(instrument.symbol) or self.closes.get(instrument.underlying)

    def put_closes(self, given: list[CloseSeries], replace: bool) -> None:
        """Append closes to those that are known, or put them in their place; the newest are kept."""
        changed: set[int] = set()
        for one in given:
            known = self.closes.get(one.name)
            if known is None or replace:
                known = self.closes[one.name] = Closes()
            known.times_ns.extend(one.times_ns)
            known.closes.extend(one.closes)
            del known.times_ns[:-CLOSES_PER_SERIES_MAX]
            del known.closes[:-CLOSES_PER_SERIES_MAX]
            known.realized_volatility = realized_volatility(known.times_ns, known.closes)
            changed.update(self.exposures.get(one.name, ()))
            if one.name in self.instrument_ids:
                changed.add(self.instrument_ids[one.name])
        self._set_realized(sorted(changed))
        names = [one.name for one in given if one.name in self._asset_prices]
        shadow = None
        if self.shaded:
            age, prices = self.shaded.program.max_age_ns, self.shaded.asset_prices
            shadow = ([self._asset_row(prices[name], age) for name in names], list[MarkRow]())
        age = self.program.max_age_ns if self.program else 0
        self.engine.set_prices([self._asset_row(self._asset_prices[name], age) for name in names], [], shadow)
        self._set_series()

    def _set_series(self) -> None:
        """Make the moves of historical scenarios anew, for the programs that have any."""
        shaded = self.shaded.program if self.shaded and self.shaded.program.histories else None
        if shaded or (self.program and self.program.histories):
            active = self._series(self.program) if self.program and self.program.histories else None
            self.engine.set_series(active, self._series(shaded) if shaded else None)

    def _series(self, program: Program) -> Series:
        """Return the moves of each underlying whose closes reach back far enough, newest first."""
        rows = []
        for one in program.histories:
            for name, family in self.family_ids.items():
                known = self.closes.get(name)
                if known is None:
                    continue
                moves = scenario_moves(
                    known.times_ns, known.closes, one.horizon_days * DAY_NS, one.window, one.scaled_half_life or None
                )
                if moves is not None:
                    rows.append((one.table, family, moves[::-1]))
        return rows

    def _realized(self, symbol: str) -> list[tuple[int, float]]:
        known = self.closes_of(self.instruments[symbol])
        if known is None or known.realized_volatility is None:
            return []
        return [(int(Field.REALIZED_VOLATILITY), known.realized_volatility)]

    def _set_realized(self, instruments: list[int]) -> None:
        number = int(Field.REALIZED_VOLATILITY)
        rows = []
        for one in instruments:
            found = self._realized(self.instrument_names[one])
            rows.append((one, number, found[0][1] if found else math.nan))
        self.engine.set_quotes(rows)

    # Accounts

    def put_account(self, account: Account) -> list[int]:
        """Replace an account by a snapshot; return the pools whose state may have changed."""
        if self.program is None:
            raise AssertionError("accounts are taken only under an active rulebook")
        number = self.account_ids.get(account.account_id)
        class_id = self._class_id(account.account_class)
        if number is None:
            number = self.engine.add_account(class_id)
            self.account_names.append(account.account_id)
            self.cross_pools.append(self.engine.add_pool(number, -1))
            self.account_ids[account.account_id] = number  # last: a check may find it at once
        self.engine.set_account(number, class_id, account.sequence)
        profiles = self._profiles_of(account.account_class, account.account_id)
        given = {one.name: one for one in account.pools}
        for name in given:
            self.open_pool(number, name)
        touched = self.engine.pools_of(number)
        for pool in touched:
            name = self.pool_name(pool)
            self._put_pool(pool, profiles, given.get(name, Pool(name)))
        return touched

    def _class_id(self, name: str) -> int:
        if name not in self.class_ids:
            self.class_ids[name] = len(self.class_names)
            self.class_names.append(name)
        return self.class_ids[name]

    def _profiles_of(self, account_class: str, account: str) -> tuple[int, int]:
        """Return an account's profile by the active program, and by the shadow's."""
        active = self.program.profile_of(account_class, account) if self.program else 0
        return active, self.shaded.program.profile_of(account_class, account) if self.shaded else -1

    def _put_pool(self, pool: int, profiles: tuple[int, int], given: Pool) -> None:
        held = {name: one for name, one in self.orders.get(pool, {}).items() if one.is_held}
        # An order that the snapshot knows is the venue's own from now on.
        held = {
            name: one for name, one in held.items() if name not in {order.client_order_id for order in given.orders}
        }
        orders = held | {order.client_order_id: OpenOrder(order, is_held=False) for order in given.orders}
        self._keep_orders(pool, orders)
        self.engine.put_pool(
            pool,
            profiles[0],
            given.fees_due + given.funding_due,
            [(self.asset_ids[asset], amount) for asset, amount in given.balances],
            [(self.instrument_ids[p.symbol], p.quantity, p.entry_price, p.leverage) for p in given.positions],
            self._order_rows(orders),
            profiles[1],
        )

    def sequence_of(self, account: str) -> int:
        """Return the last sequence number of an account; 0 where it is new."""
        number = self.account_ids.get(account)
        return 0 if number is None else self.engine.account_state(number)[1]

    def accounts(self) -> Iterator[str]:
        """Yield the names of all accounts in the order in which they came."""
        yield from list(self.account_names)

    def account(self, name: str) -> Account:
        """Return the state of an account."""
        number = self.account_ids.get(name)
        if number is None:
            raise InputError("MR-I104", f"account {name!r} is not known")
        class_id, sequence = self.engine.account_state(number)
        pools = tuple(self.pool(pool) for pool in self.engine.pools_of(number))
        return Account(name, self.class_names[class_id], sequence, pools)

    def pool(self, pool: int) -> Pool:
        """Return the state of a pool; fees and funding due are one sum by now."""
        due, balances, positions = self.engine.pool_content(pool)
        return Pool(
            name=self.pool_name(pool),
            balances=tuple((self.asset_names[asset], amount) for asset, amount in balances),
            positions=tuple(Position(self.instrument_names[i], q, entry, lev) for i, q, entry, lev in positions),
            orders=tuple(one.order for one in self.orders.get(pool, {}).values()),
            fees_due=due,
        )

    def holdings(self, pool: int) -> tuple[Holding, ...]:
        """Return the positions of a pool with what they are worth and what they require."""
        return tuple(
            Holding(
                symbol=self.instrument_names[instrument],
                quantity=quantity,
                notional=notional,
                unrealized_pnl=pnl,
                maintenance_margin=maintenance,
                quantity_step=self.instruments[self.instrument_names[instrument]].quantity_step,
            )
            for instrument, quantity, notional, pnl, _, maintenance in self.engine.holdings(pool)
        )

    # Orders

    def add_order(self, pool: int, order: Order) -> None:
        """Hold an accepted order."""
        orders = dict(self.orders.get(pool, {}))
        orders[order.client_order_id] = OpenOrder(order, is_held=True)
        self.replace_orders(pool, orders)

    def replace_orders(self, pool: int, orders: dict[str, OpenOrder]) -> None:
        """Replace the open orders of a pool."""
        self._keep_orders(pool, orders)
        self.engine.put_orders(pool, self._order_rows(orders))

    def _keep_orders(self, pool: int, orders: dict[str, OpenOrder]) -> None:
        if orders:
            self.orders[pool] = orders
        else:
            self.orders.pop(pool, None)

    def _order_rows(self, orders: dict[str, OpenOrder]) -> list[tuple[int, float, float, float]]:
        rows = [one.order for one in orders.values()]
        return [(self.instrument_ids[o.symbol], o.quantity, o.price, o.leverage) for o in rows]

    # Money and fills

    def deposit(self, pool: int, asset: str, amount: float) -> None:
        """Add an amount of an asset to a pool."""
        self.engine.add_balance(pool, self.asset_id(asset), amount)

    def balance(self, pool: int, asset: str) -> float:
        """Return how much of an asset a pool holds; negative is owed."""
        number = self.asset_id(asset)
        return next((amount for one, amount in self.engine.pool_content(pool)[1] if one == number), 0.0)

    def move(self, source: int, target: int, asset: str, left: float, held: float) -> None:
        """Set what two pools of an account hold of an asset, both at once."""
        self.engine.move_balance(source, target, self.asset_id(asset), left, held)

    def fill(self, pool: int, symbol: str, quantity: float, price: float, fee: float, setting: float) -> None:
        """
        Fill a quantity at a price; what is realised, less the fee, goes to the balance in the settlement asset.

        Args:
            setting: leverage of the order, for a position that has none of its own yet.
        """
        instrument = self.instruments[symbol]
        number = self.instrument_ids[symbol]
        held, entry, leverage = 0.0, 0.0, 0.0
        for known, known_quantity, known_entry, known_leverage in self.engine.pool_content(pool)[2]:
            if known == number:
                held, entry, leverage = known_quantity, known_entry, known_leverage
        after, average, cash = apply_fill(instrument, held, entry, quantity, price)
        self.engine.set_position(pool, number, after, average, leverage or setting)
        self.engine.add_balance(pool, self.asset_ids[instrument.settlement], cash - fee)

    def reduce_order(self, pool: int, client_order_id: str, left: float) -> None:
        """Leave an open order with what a fill left of it; one that is filled, or was gone before, is gone."""
        orders = dict(self.orders.get(pool, {}))
        one = orders.pop(client_order_id, None)
        if one is None:
            return
        if left:
            orders[client_order_id] = OpenOrder(one.order._replace(quantity=left), one.is_held)
        self.replace_orders(pool, orders)


def _max_age_ns(program: Program | None, product: int) -> int:
    return program.products[product].max_age_ns if program and product >= 0 else 0


def _parameters(program: Program, instrument: Instrument) -> tuple[float, ...]:
    """Return what a program sets for an instrument."""
    return tuple(one.of(instrument.symbol, instrument.underlying) for one in program.models.parameters)


def _terms(program: Program | None, instrument: Instrument) -> tuple[int, int, tuple[float, ...], int]:
    """Return what a program makes of an instrument: product, greatest age of its mark, parameters, wrong-way bits."""
    if program is None:
        return -1, 0, (), 0
    product = program.product_of(instrument)
    return product, _max_age_ns(program, product), _parameters(program, instrument), program.wrong_way_of(instrument)


def _used_price(program: Program | None, used: dict[str, dict[str, tuple[float, int]]], one: Price) -> Price:
    """
    Return a price with its fields as near to what is published as a rulebook lets them move.

    Args:
        used: symbol -> field -> value last used, and its time; brought up to date.
    """
    if not one.fields:
        return one
    limits = program.limits if program else {}
    # What was used last is kept through updates that leave it out: leaving it out must not lift its limit.
    last = used.setdefault(one.name, {})
    fields = tuple(
        (name, limits[name].used(*last[name], value, one.time_ns) if name in limits and name in last else value)
        for name, value in one.fields
    )
    last.update((name, (value, one.time_ns)) for name, value in fields)
    return one if fields == one.fields else replace(one, fields=fields)


def _quotes(fields: tuple[tuple[str, float], ...], open_interest: float | None) -> list[tuple[int, float]]:
    """Return what is published beside a mark, by the core's numbers."""
    found = [(int(PRICE_FIELDS[name]), value) for name, value in fields]
    # Tiers take open interest that is not known for none; what is computed from it is not known either.
    return [*found, (int(Field.OPEN_INTEREST), math.nan if open_interest is None else open_interest)]
