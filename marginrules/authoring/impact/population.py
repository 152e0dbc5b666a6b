# SPDX-License-Identifier: Apache-2.0
"""
Whom a rulebook is tried on: a snapshot of accounts, of the running server or supplied, that can be sent anywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from marginrules.authoring.impact.texts import Text, text_of
from marginrules.errors import InputError
from marginrules.escalation.state import LadderState
from marginrules.machine import Field
from marginrules.model import PRICE_FIELDS, Account, CloseSeries, Instrument, Price
from marginrules.rulebook import Program
from marginrules.service import border
from marginrules.service.book import Book
from marginrules.service.shard import Revision, Shard

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Population:
    """
    Carry accounts with all that a rulebook reads of them; immutable, and free of anything that cannot be pickled.

    Args:
        closes: of underlyings, for historical scenarios and volatilities; a replay takes them as they are.
        prices: the last of each instrument and asset; what a replay needs is in its history.
        states: what ladders remember, by the label of the pool; where a ladder has nothing under way, there is none.
        pinned: rulebooks, besides the active one, under which calls, liquidations or defaults of `states` began.
    """

    instruments: tuple[Instrument, ...]
    accounts: tuple[Account, ...]
    closes: tuple[CloseSeries, ...] = ()
    prices: tuple[Price, ...] = ()
    states: Mapping[str, LadderState] = field(default_factory=dict)
    pinned: tuple[Text, ...] = ()

    def part(self, first: int, count: int) -> Population:
        """Return some of the accounts, as a replay needs them: without what ladders remember of the present."""
        return replace(self, accounts=self.accounts[first : first + count], prices=(), states={}, pinned=())


def population_of(shard: Shard) -> Population:
    """
    Take a snapshot of a shard; nothing may change it meanwhile, so the caller holds the lock of its writer.

    An average entry price has twelve digits, as everywhere outside the core.
    """
    book, active = shard.book, shard.active.program.digest if shard.active else ""
    pinned = sorted({one.digest for one in shard.states.values()} - {active})
    return Population(
        instruments=tuple(book.instruments.values()),
        accounts=tuple(book.account(name) for name in book.accounts()),
        closes=tuple(CloseSeries(name, tuple(one.times_ns), tuple(one.closes)) for name, one in book.closes.items()),
        prices=tuple(_prices(book)),
        states={book.pool_label(pool): state for pool, state in shard.states.items()},
        pinned=tuple(text_of(shard.programs[digest]) for digest in pinned),
    )


def _prices(book: Book) -> list[Price]:
    """Return what is in use of every price."""
    names = {int(number): name for name, number in PRICE_FIELDS.items()}
    found = []
    for name, time_ns in book.price_times.items():
        quote = book.asset_quote(name)
        if quote is not None:
            found.append(quote)
            continue
        number = book.instrument_ids[name]
        quotes = book.engine.quotes_of(number)
        fields = tuple((names[one], value) for one, value in quotes.items() if one in names)
        interest = quotes.get(int(Field.OPEN_INTEREST))
        found.append(Price(name, book.engine.price_of(number)[0], time_ns, interest, fields))
    return found


def read_population(
    instruments: Iterable[Mapping[str, Any]],
    accounts: Iterable[Mapping[str, Any]],
    prices: Iterable[Mapping[str, Any]] = (),
    pools: Iterable[str] = (),
) -> Population:
    """
    Read a population from plain data, item by item as the server's commands have it.

    Args:
        pools: names that the rulebooks give to pools of accounts.

    Raises:
        InputError: an item is not well-formed, or names what is not there.
    """
    known = {one.symbol: one for one in map(border.instrument, instruments)}
    taken = tuple(border.account(item, known, tuple(pools)) for item in accounts)
    border.unique("account", [one.account_id for one in taken])
    return Population(tuple(known.values()), taken, prices=tuple(border.price(item, known) for item in prices))


def misfits(program: Program, population: Population) -> list[str]:
    """Return what of a population a program could not evaluate, in words; each once."""
    found: dict[str, None] = {}
    for one in population.instruments:
        if one.settlement not in program.assets:
            found[f"settlement asset {one.settlement}"] = None
        if program.product_of(one) < 0:
            found[f"instrument {one.symbol}"] = None
        if one.symbol in program.pools:
            found[f"instrument {one.symbol}, named like a pool"] = None
    products = {one.symbol: program.product_of(one) for one in population.instruments}
    for account in population.accounts:
        if program.profile_of(account.account_class, account.account_id) < 0:
            found[f"account class {account.account_class}"] = None
        for pool in account.pools:
            held = [one.symbol for one in pool.positions] + [one.symbol for one in pool.orders]
            found.update((f"collateral {asset}", None) for asset, _ in pool.balances if asset not in program.assets)
            terms = program.pools.get(pool.name)
            if pool.name and pool.name not in products and (held or pool.balances):
                if terms is None or (terms.classes and account.account_class not in terms.classes):
                    found[f"pool {account.account_id}|{pool.name}"] = None
                elif any(products[symbol] not in terms.products for symbol in held):
                    found[f"what pool {account.account_id}|{pool.name} holds"] = None
    return list(found)


def check_fits(program: Program, population: Population) -> None:
    """Raise InputError where a program could not evaluate a population."""
    found = misfits(program, population)
    if found:
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        message = f"rulebook {program.name} does not cover: {', '.join(found[:_SHOWN])}{more}"
        raise InputError("MR-I114", message, "add what is missing to the rulebook")


def shard_with(program: Program, population: Population) -> Shard:
    """
    Return a shard of its own with a population under a program that covers it; without prices and ladder states.

    The program's effective date does not matter here: what it would do is asked before it may be activated.
    """
    shard = Shard()
    activate(shard, program)
    for instrument in population.instruments:
        shard.book.define(instrument)
    shard.book.put_closes(list(population.closes), replace=True)
    for account in population.accounts:
        # A pool that holds nothing may have a name that this rulebook does not know.
        pools = [one for one in account.pools if one.balances or one.positions or one.orders or one.fees_due]
        shard.book.put_account(replace(account, pools=tuple(pools)))
    return shard


def activate(shard: Shard, program: Program) -> None:
    """Switch a copy of a shard to a program, without looking at its pools."""
    revision = Revision(len(shard.revisions) + 1, program, program.name, 0, "plan", "trial")
    shard.revisions.append(revision)
    shard.programs[program.digest] = program
    shard.book.activate(program)
    shard.active = revision
