# SPDX-License-Identifier: Apache-2.0
"""
One shard as a deterministic fold: `apply(kind, data, now)` changes the state and returns a reply and events.

No clock, no I/O, no random number: the same commands at the same times give the same replies, events and state, bit for
bit. That is how a restart restores it and how a replay checks it. A command that is refused raises before anything has
changed.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import partial
from typing import Any

from marginrules._core.core import Assessment, Batch
from marginrules.codes import CallStatus, EventKind, Reason, Restriction
from marginrules.errors import InputError
from marginrules.escalation import desk, ladder
from marginrules.escalation.state import Call, Event, LadderState, Measure
from marginrules.limits import BATCH_ITEMS_MAX, ORDERS_PER_POOL_MAX
from marginrules.model import CROSS, Account, Order, Pool, Price
from marginrules.rulebook import Program, load
from marginrules.service import border, lifecycle, migrate, shading
from marginrules.service.book import Book
from marginrules.service.changes import Approval, Changes
from marginrules.service.decide import decide, decision_data, refused
from marginrules.service.shadow import Shadow
from marginrules.terms import Ladder
from marginrules.units import DAY_NS, format_time, round_credit_down

Data = dict[str, Any]
FUTURE_NS = 5_000_000_000  # how far ahead of the server a price may be
ANSWER_KEPT_NS = DAY_NS  # how long the answer under a client order id outlives its order
_SETTLE_MAX = 16
_ENDS = {
    EventKind.CALL_MET: CallStatus.MET,
    EventKind.CALL_CURED: CallStatus.CURED,
    EventKind.CALL_UNMET: CallStatus.UNMET,
    EventKind.CALL_WAIVED: CallStatus.WAIVED,
    EventKind.CALL_SUPERSEDED: CallStatus.SUPERSEDED,
}


@dataclass(frozen=True, slots=True)
class Revision:
    """Carry one activated rulebook."""

    number: int
    program: Program
    file: str
    activated_ns: int
    who: str
    why: str
    act: str = "activate"  # "activate", "apply" of a change, "break_glass", "rollback"
    change_id: str = ""
    authors: tuple[str, ...] = ()
    approvals: tuple[Approval, ...] = ()
    restores: int = 0  # the revision whose text this one brought back
    is_approved: bool = True  # False while it is active without the approval it needs, and ever after if it gets none


@dataclass(slots=True)
class Answer:
    """Keep the first answer under a client order id."""

    order: Order
    reply: Data
    time_ns: int
    pool: int = -1
    left: float = 0.0  # of a held order, signed: what may still be filled


@dataclass(slots=True)
class Outcome:
    """Carry what a command did."""

    reply: Data = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)


class Shard:
    """Hold the state of one shard."""

    def __init__(self) -> None:
        self.book = Book()
        self.revisions: list[Revision] = []
        self.active: Revision | None = None
        self.shadow: Shadow | None = None
        self.shadow_count = 0  # how many there have been
        self.programs: dict[str, Program] = {}
        self.states: dict[int, LadderState] = {}  # pools where something is under way
        self.numbers: dict[int, int] = {}  # last call number of every pool that ever had one
        self.calls: dict[str, Call] = {}
        self.changes = Changes()
        self.answers: dict[tuple[str, str], Answer] = {}
        self.market_sequence = 0
        self.margin_rules: dict[tuple[int, str], tuple[str, ...]] = {}  # names of rates, made once for each
        self._now_ns = 0
        self._timers: list[tuple[int, int]] = []
        self._scheduled: dict[int, int] = {}
        self._batch: Batch | None = None
        self._commands: dict[str, Callable[[Data, int], Outcome]] = {
            "activate": self._activate,
            **{kind: partial(self._person_acts, act) for kind, act in lifecycle.ACTS.items()},
            "migrate": partial(self._person_acts, migrate.migrate),
            "shadow": partial(self._person_acts, shading.start),
            "unshadow": partial(self._person_acts, shading.stop),
            "instruments": self._instruments,
            "prices": self._prices,
            "closes": self._closes,
            "accounts": self._accounts,
            "hold": self._hold,
            "release": self._release,
            "fill": self._fill,
            "deposit": self._deposit,
            "transfer": self._transfer,
            "acknowledge": self._act,
            "extend": self._act,
            "dispute": self._act,
            "waive": self._act,
            "executed": self._executed,
            "cover": self._cover,
            "tick": self._tick,
        }

    def apply(self, kind: str, data: Data, now_ns: int) -> Outcome:
        """
        Carry out one command.

        Args:
            kind: one of the commands above.
            data: plain data; see the method of the command.
            now_ns: not before the time of the last command.

        Raises:
            InputError, RulebookError: the command was refused; nothing has changed.
        """
        self._now_ns = now_ns
        return self._commands[kind](data, now_ns)

    @property
    def program(self) -> Program:
        """Return the active program; InputError where there is none."""
        if self.active is None:
            raise InputError("MR-I115", "no rulebook is active", "activate one first")
        return self.active.program

    @property
    def active_digest(self) -> str:
        """Return the digest of the active program; "" where there is none."""
        return self.active.program.digest if self.active else ""

    # Rulebooks

    def revision(self, number: int) -> Revision:
        """Return a revision; InputError where it is not known."""
        found = next((one for one in self.revisions if one.number == number), None)
        if found is None:
            raise InputError("MR-I116", f"revision {number} is not known")
        return found

    def _activate(self, data: Data, now_ns: int) -> Outcome:
        """
        Take {text, file, who, why}, and `base` where it may only replace the rulebook with that digest.

        With a policy, only the first book is activated without a change.
        """
        file, who, why = (
            border.file("file", data["file"]),
            border.text("who", data["who"]),
            border.text("why", data["why"]),
        )
        policy = self.changes.policy
        if policy is not None and not policy.is_open and self.active is not None:
            hint = "propose it: marginrules change propose FILE"
            raise InputError("MR-I157", "the policy asks for a change that is signed or approved", hint)
        if self.changes.glass is not None:
            message = f"{self.changes.glass.change_id} is active without approval"
            raise InputError("MR-I151", message, "approve it, or roll back, before anything else is activated")
        if policy is not None and self.active is not None and policy.person(who) is None:
            raise InputError("MR-I155", f"the policy knows nobody named {who!r}", "act under a name that it has")
        self._check_base(data.get("base"))
        program = load(data["text"].encode(), file)
        self.check_switch(program, now_ns)
        return self.switch(program, file, who, why, now_ns)

    def _check_base(self, base: str | None) -> None:
        """Refuse what was made against another rulebook than the active one; "" stands for none, None for any."""
        active = self.active_digest
        if base is not None and base != active:
            was = f"the rulebook with digest {base}" if base else "no rulebook"
            message = f"it was made against {was}; active is {active or 'none'}"
            raise InputError("MR-I140", message, "plan it again against what is active now")

    def adopt(self, program: Program, file: str, who: str, why: str, now_ns: int) -> Outcome:
        """Activate a rulebook that is compiled already, in a shard that nobody keeps a journal of."""
        self.check_switch(program, now_ns)
        made = self.switch(program, file, who, why, now_ns)
        return Outcome(made.reply, [one for one in made.events if one.pool])  # nobody watches it become active

    def _person_acts(self, act: Callable[[Shard, Data, int], lifecycle.Done], data: Data, now_ns: int) -> Outcome:
        """Carry out an act on a change of the rulebook; see `lifecycle`."""
        return Outcome(*act(self, data, now_ns))

    def check_switch(self, program: Program, now_ns: int) -> None:
        """Refuse a program that may not be active at a time, or does not cover what is in the book."""
        if program.effective_ns > now_ns:
            hint = "activate it from that moment on"
            raise InputError("MR-I102", f"effective date was {format_time(program.effective_ns)}, in the future", hint)
        self.refuse_misfits(program)

    def refuse_misfits(self, program: Program) -> None:
        """Refuse a program that does not cover what is in the book."""
        misfits = self.book.misfits(program)
        if misfits:
            shown = ", ".join(misfits[:5]) + (f" and {len(misfits) - 5} more" if len(misfits) > 5 else "")
            raise InputError("MR-I114", f"the rulebook does not cover: {shown}", "add what is missing to the rulebook")

    def switch(self, program: Program, file: str, who: str, why: str, now_ns: int, **more: Any) -> Outcome:
        """
        Make a program that `check_switch` let pass the active one.

        Args:
            more: the other fields of its revision.
        """
        ended = shading.before_switch(self, program, who, why, now_ns)
        revision = Revision(len(self.revisions) + 1, program, file, now_ns, who, why, **more)
        # Known before it decides: a check names its book by the revision that the core gives.
        self.revisions.append(revision)
        self.programs[program.digest] = program
        self.book.activate(program)
        self.active = revision
        lifecycle.note_switch(self.changes, revision)
        shading.after_switch(self, now_ns)
        reply = {"revision": revision.number, "digest": program.digest}
        outcome = Outcome(reply, [*ended, lifecycle.activated(revision)])
        self._settle_all(now_ns, outcome.events)
        return outcome

    def approve_revision(self, number: int, approvals: tuple[Approval, ...]) -> None:
        """Note that a revision has the approval now that it lacked when it became active."""
        approved = replace(self.revision(number), approvals=approvals, is_approved=True)
        self.revisions[number - 1] = approved
        if self.active is not None and self.active.number == number:
            self.active = approved

    def migrate_pool(self, pool: int, moved: LadderState, happened: tuple[Event, ...], now_ns: int) -> list[Event]:
        """Let a pool follow another revision, as `migrate` moved it, and settle it there; return what happened."""
        events: list[Event] = []
        self._keep(pool, moved, happened, events)
        self._settle(pool, now_ns, events)
        return events

    def compare_levels(self, now_ns: int) -> None:
        """Assess every pool, and compare the step of each with what it would be by the rulebook in shadow."""
        count = self.book.engine.pool_count
        if self.shadow is not None:
            self.shadow.settle_range(self, count, now_ns, self._assess_all(count, now_ns))

    # Market

    def _instruments(self, data: Data, now_ns: int) -> Outcome:
        """Take {instruments}."""
        del now_ns
        given = [
            border.instrument(item) for item in border.bounded("instruments", data["instruments"], BATCH_ITEMS_MAX)
        ]
        border.unique("instrument", [one.symbol for one in given])
        program = self.program
        for one in given:
            known = self.book.instruments.get(one.symbol)
            if known is not None and known != one:
                raise InputError(
                    "MR-I120", f"instrument {one.symbol} was defined before, differently", "use a new symbol"
                )
            if known is None and one.symbol in self.book.asset_ids:
                raise InputError("MR-I120", f"{one.symbol} is the name of an asset", "use another symbol")
            if one.symbol in program.pools:
                raise InputError("MR-I120", f"{one.symbol} is the name of a pool", "use another symbol")
            if one.settlement not in program.assets:
                message = f"settlement asset {one.settlement} of {one.symbol} is no collateral"
                raise InputError("MR-I107", message, "name it in the rulebook")
            if program.product_of(one) < 0:
                hint = "see `match` of the rulebook's products"
                raise InputError("MR-I114", f"instrument {one.symbol} matches no product, or two alike", hint)
        for one in given:
            if one.symbol not in self.book.instruments:
                self.book.define(one)
        return Outcome({"count": len(given)})

    def _prices(self, data: Data, now_ns: int) -> Outcome:
        """Take {sequence, prices}; every pool is assessed again."""
        given = self.check_prices(data, now_ns)
        self.market_sequence = data["sequence"]
        limited = self.book.set_prices(given)
        # What the rulebook's limits changed is part of the record, so that a replay compares it.
        reply: Data = {"count": len(given), "sequence": self.market_sequence}
        outcome = Outcome(reply | {"limited": limited} if limited else reply)
        self._settle_all(now_ns, outcome.events)
        return outcome

    def check_prices(self, data: Data, now_ns: int) -> list[Price]:
        """Return the prices of an update; InputError where it would be refused."""
        given = [
            border.price(item, self.book.instruments)
            for item in border.bounded("prices", data["prices"], BATCH_ITEMS_MAX)
        ]
        border.unique("price of", [one.name for one in given])
        if data["sequence"] <= self.market_sequence:
            raise InputError(
                "MR-I109", f"market sequence was {data['sequence']}", f"the last one was {self.market_sequence}"
            )
        for one in given:
            if one.name not in self.book.instruments and one.name not in self.book.asset_ids:
                raise InputError("MR-I106", f"{one.name!r} is neither an instrument nor an asset", "define it first")
            if self.active and one.name == self.active.program.currency:
                raise InputError("MR-I102", f"{one.name} is the rulebook's currency", "its price is 1, always")
            if one.time_ns > now_ns + FUTURE_NS:
                raise InputError("MR-I119", f"time of {one.name} was {format_time(one.time_ns)}, in the future")
            if one.time_ns < self.book.price_times.get(one.name, 0):
                raise InputError("MR-I119", f"time of {one.name} was before its last price", "send prices in order")
        return given

    def _closes(self, data: Data, now_ns: int) -> Outcome:
        """Take {replace, series: [{name, closes: [{date or time_ns, close}]}]}; every pool is assessed again."""
        items = border.bounded("series", data["series"], BATCH_ITEMS_MAX)
        border.bounded("closes", [one for item in items for one in item["closes"]], BATCH_ITEMS_MAX)
        given = [border.close_series(item) for item in items]
        border.unique("series", [one.name for one in given])
        for one in given:
            known_names = (self.book.instruments, self.book.exposures, self.book.asset_ids)
            if not any(one.name in names for names in known_names):
                message = f"{one.name!r} is neither an instrument, the underlying of one, nor an asset"
                raise InputError("MR-I106", message, "define it first")
            if one.times_ns[-1] > now_ns + FUTURE_NS:
                raise InputError("MR-I119", f"close of {one.name} at {format_time(one.times_ns[-1])} was in the future")
            known = self.book.closes.get(one.name)
            if known is not None and not data["replace"] and one.times_ns[0] <= known.times_ns[-1]:
                message = f"close of {one.name} at {format_time(one.times_ns[0])} was not after the last one known"
                raise InputError("MR-I119", message, "append newer ones, or replace the series")
        self.book.put_closes(given, data["replace"])
        outcome = Outcome({"count": sum(len(one.closes) for one in given)})
        self._settle_all(now_ns, outcome.events)
        return outcome

    # Accounts

    def _accounts(self, data: Data, now_ns: int) -> Outcome:
        """Take {accounts}: snapshots, all taken or none."""
        given = self.check_accounts(data)
        outcome = Outcome({"count": len(given)})
        for one in given:
            for touched in self.book.put_account(one):
                self._schedule(touched)
                self._settle(touched, now_ns, outcome.events)
        return outcome

    def check_accounts(self, data: Data) -> list[Account]:
        """Return the accounts of {accounts}; InputError where they would be refused."""
        program = self.program
        items = border.bounded("accounts", data["accounts"], BATCH_ITEMS_MAX)
        given = [border.account(item, self.book.instruments, program.pools) for item in items]
        border.unique("account", [one.account_id for one in given])
        for one in given:
            if program.profile_of(one.account_class, one.account_id) < 0:
                hint = f"the rulebook has {', '.join(program.classes)}"
                raise InputError("MR-I108", f"class of {one.account_id} was {one.account_class!r}", hint)
            last = self.book.sequence_of(one.account_id)
            if one.sequence <= last:
                raise InputError(
                    "MR-I109", f"sequence of {one.account_id} was {one.sequence}", f"the last one was {last}"
                )
            for pool in one.pools:
                self._check_pool(one.account_id, one.account_class, pool)
                for asset, _ in pool.balances:
                    self.book.asset_id(asset)
        return given

    def _check_pool(self, account: str, account_class: str, pool: Pool) -> None:
        """Refuse a pool that the rulebook does not let the account have, or that holds what it may not."""
        terms = self.program.pools.get(pool.name)
        if terms is None:
            return
        if terms.classes and account_class not in terms.classes:
            hint = f"for accounts of class {', '.join(sorted(terms.classes))}"
            raise InputError("MR-I130", f"account {account} of class {account_class} had a pool {pool.name}", hint)
        for symbol in (*(one.symbol for one in pool.positions), *(one.symbol for one in pool.orders)):
            if not self.book.may_hold(pool.name, symbol):
                names = sorted(self.program.products[product].name for product in terms.products)
                message = f"pool {pool.name} of {account} held {symbol}"
                raise InputError("MR-I130", message, f"it may hold {', '.join(names)}")

    def _deposit(self, data: Data, now_ns: int) -> Outcome:
        """Take {account, pool, asset, amount, who, why}; what it adds to equity goes to open calls, oldest first."""
        pool = self.book.pool_id(data["account"], data.get("pool", CROSS))
        self.book.asset_id(data["asset"])
        amount = border.number("amount", data["amount"], 0.0, low_open=True)
        who, why = border.text("who", data["who"]), border.text("why", data["why"])
        credited = self._add_collateral(pool, data["asset"], amount, now_ns)
        outcome = Outcome({"credited": str(credited)})
        self._move(pool, outcome.events, lambda state, on: desk.deposit(state, on, credited, who, why, now_ns))
        self._settle(pool, now_ns, outcome.events)
        return outcome

    def _add_collateral(self, pool: int, asset: str, amount: float, now_ns: int) -> Decimal:
        """
        Add to a balance; return what that added to equity.

        Without valid prices only the rulebook's own currency can be credited: its value needs none.
        """
        before = self.book.engine.assess(pool, now_ns)
        self.book.deposit(pool, asset, amount)
        return self._credited(pool, asset, amount, before, now_ns)

    def _credited(self, pool: int, asset: str, amount: float, before: Assessment, now_ns: int) -> Decimal:
        after = self.book.engine.assess(pool, now_ns)
        if not (before.is_valid and after.is_valid):
            is_own = asset == self.program.currency
            return round_credit_down(amount, self.program.increment) if is_own else Decimal(0)
        return max(round_credit_down(after.equity - before.equity, self.program.increment), Decimal(0))

    def _transfer(self, data: Data, now_ns: int) -> Outcome:
        """
        Take {account, from, to, asset, amount, who, why}; what it adds to the target goes to its open calls.

        The source keeps its initial margin and is not restricted. Both balances become what decimal arithmetic gives,
        so that nothing is gained or lost on the way as far as a double has digits.
        """
        name, asset = border.identifier("account", data["account"]), border.identifier("asset", data["asset"])
        who, why = border.text("who", data["who"]), border.text("why", data["why"])
        amount = border.number("amount", data["amount"], 0.0, low_open=True)
        source = self.book.pool_id(name, data["from"])
        self.book.asset_id(asset)
        self._check_target(name, data["from"], data["to"])
        held = self.book.balance(source, asset)
        if amount > held:
            hint = f"the pool holds {held:.15g} {asset}; nothing is borrowed to be moved"
            raise InputError("MR-I102", f"amount was {amount:.15g}", hint)
        left = _decimal_sum(held, -amount)
        self._check_source(source, asset, held, left, now_ns)
        target = self.book.open_pool(self.book.account_ids[name], data["to"])
        before = self.book.engine.assess(target, now_ns)
        self.book.move(source, target, asset, left, _decimal_sum(self.book.balance(target, asset), amount))
        credited = self._credited(target, asset, amount, before, now_ns)
        outcome = Outcome({"credited": str(credited)})
        self._move(target, outcome.events, lambda state, on: desk.deposit(state, on, credited, who, why, now_ns))
        for pool in (target, source):
            self._settle(pool, now_ns, outcome.events)
        return outcome

    def _check_target(self, account: str, source: str, target: str) -> None:
        """Refuse a target that is the source, that the account may not have, or that is the symbol of nothing."""
        if target == source:
            raise InputError("MR-I105", f"both pools were {target!r}", "give two pools of the account")
        if target not in (CROSS, *self.program.pools) and target not in self.book.instruments:
            hint = "empty for the cross pool, a known symbol, or a pool of the rulebook"
            raise InputError("MR-I105", f"pool was {target!r}", hint)
        account_class = self.book.class_names[self.book.engine.account_state(self.book.account_ids[account])[0]]
        self._check_pool(account, account_class, Pool(target))

    def _check_source(self, pool: int, asset: str, held: float, left: float, now_ns: int) -> None:
        """Refuse to take collateral from a pool that is restricted, cannot be assessed, or needs it itself."""
        label, state = self.book.pool_label(pool), self.states.get(pool)
        if state is not None and state.restriction is not Restriction.NONE:
            message = f"pool {label} was restricted to {state.restriction.word}"
            raise InputError("MR-I131", message, "bring it out of its step first")
        number = self.book.asset_id(asset)
        # Out and in again, so that what is assessed is to the last bit what will be held.
        after = self.book.engine.what_if(pool, now_ns, [(number, -held), (number, left)], [], [], [])
        if not after.is_valid:
            reasons = ", ".join(Reason(after.flags).names).lower()
            raise InputError("MR-I131", f"pool {label} cannot be assessed: {reasons}", "publish what is missing")
        if not after.equity >= after.initial_margin:
            message = f"equity of pool {label} would be {after.equity:.2f}, under IM {after.initial_margin:.2f}"
            raise InputError("MR-I131", message, "move less, or reduce positions first")

    # Orders

    def _hold(self, data: Data, now_ns: int) -> Outcome:
        """Take {account, pool, order}; the same client order id twice gives the first answer."""
        order = border.order(data["order"])
        account, pool = data["account"], data.get("pool", CROSS)
        key = (account, order.client_order_id)
        if key not in self.answers and 0 < order.expires_ns <= now_ns:
            raise InputError("MR-I102", f"expires_ns was {format_time(order.expires_ns)}, in the past")
        self._forget_answers(now_ns)
        known = self.answers.get(key)
        if known is not None:
            # What was promised once is promised again only while it is kept.
            is_kept = not known.reply["held"] or self._pool_of_order(*key) is not None
            same = known.order == order and is_kept
            return Outcome(known.reply if same else decision_data(refused(Reason.CLIENT_ORDER_ID_REUSED)))
        if account not in self.book.account_ids:
            return Outcome(decision_data(refused(Reason.UNKNOWN_ACCOUNT)))
        if self._pool_of_order(*key) is not None:
            return Outcome(decision_data(refused(Reason.CLIENT_ORDER_ID_REUSED)))
        decision = decide(self, account, pool, order, now_ns, is_compared=True)
        pool_id = -1
        if decision.accepted:
            pool_id = self.book.pool_id(account, pool)
            if len(self.book.orders.get(pool_id, ())) >= ORDERS_PER_POOL_MAX:
                raise InputError(
                    "MR-I113", f"pool had {ORDERS_PER_POOL_MAX:,} open orders", "release or fill some first"
                )
            self.book.add_order(pool_id, order)
            decision = decision._replace(held=True)
            self._schedule(pool_id)
        reply = decision_data(decision)
        self.answers[key] = Answer(order, reply, now_ns, pool_id, order.quantity if decision.held else 0.0)
        return Outcome(reply)

    def _forget_answers(self, now_ns: int) -> None:
        """Drop answers that are a day old and whose order is gone; the oldest stand first."""
        while self.answers:
            key, answer = next(iter(self.answers.items()))
            if answer.time_ns + ANSWER_KEPT_NS > now_ns:
                return
            del self.answers[key]
            if self._pool_of_order(*key) is not None:
                self.answers[key] = replace(answer, time_ns=now_ns)
                return

    def _pool_of_order(self, account: str, client_order_id: str) -> int | None:
        number = self.book.account_ids.get(account)
        if number is None:
            raise InputError("MR-I104", f"account {account!r} is not known")
        pools = self.book.engine.pools_of(number)
        return next((pool for pool in pools if client_order_id in self.book.orders.get(pool, {})), None)

    def _open_order(self, data: Data) -> tuple[int, str]:
        name = border.identifier("client_order_id", data["client_order_id"])
        pool = self._pool_of_order(data["account"], name)
        if pool is None:
            raise InputError("MR-I118", f"account {data['account']} has no open order {name!r}")
        return pool, name

    def _release(self, data: Data, now_ns: int) -> Outcome:
        """Take {account, client_order_id}."""
        pool, name = self._open_order(data)
        self.book.replace_orders(pool, {k: v for k, v in self.book.orders[pool].items() if k != name})
        outcome = Outcome({"released": name})
        self._settle(pool, now_ns, outcome.events)
        return outcome

    def _fill(self, data: Data, now_ns: int) -> Outcome:
        """
        Take {account, client_order_id, quantity, price, fee}; the quantity is signed as the order's.

        A fill may cross the order's expiry or release on its way: what was held here can be filled for a day after.
        """
        name = border.identifier("client_order_id", data["client_order_id"])
        answer = self.answers.get((data["account"], name))
        pool = self._pool_of_order(data["account"], name)
        if pool is not None:
            order = self.book.orders[pool][name].order
        elif answer is not None and answer.left:
            pool, order = answer.pool, answer.order._replace(quantity=answer.left)
        else:
            raise InputError("MR-I118", f"account {data['account']} has no open order {name!r}")
        quantity = border.quantity("quantity", data["quantity"])
        price = border.number("price", data["price"], 0.0, low_open=True)
        fee = border.number("fee", data.get("fee", 0.0), 0.0)
        if quantity * order.quantity < 0.0 or abs(quantity) > abs(order.quantity) * (1 + 1e-12):
            raise InputError("MR-I102", f"quantity was {quantity:g}", f"the order has {order.quantity:g} left")
        left = order.quantity - quantity
        left = 0.0 if left * order.quantity <= 0.0 or abs(left) <= 1e-12 * abs(order.quantity) else left
        self.book.fill(pool, order.symbol, quantity, price, fee, order.leverage)
        self.book.reduce_order(pool, name, left)
        if answer is not None:
            answer.left = left
        outcome = Outcome({"left": left})
        self._settle(pool, now_ns, outcome.events)
        return outcome

    # Escalation

    def _act(self, data: Data, now_ns: int) -> Outcome:
        """Take {act, call_id, who, why} and, for extend and dispute, {until_ns}."""
        who, why, call_id = border.text("who", data["who"]), border.text("why", data["why"]), data["call_id"]
        if call_id not in self.calls:
            raise InputError("MR-I111", f"call {call_id!r} is not known")
        pool = self.book.pool_of_label(call_id)
        until = border.time_ns("until_ns", data.get("until_ns", 0))
        acts: dict[str, Callable[[LadderState, Ladder], desk.Moved]] = {
            "acknowledge": lambda state, on: desk.acknowledge(state, on, call_id, who, why, now_ns),
            "extend": lambda state, on: desk.extend(state, on, call_id, until, who, why, now_ns),
            "dispute": lambda state, on: desk.dispute(state, on, call_id, until, who, why, now_ns),
            "waive": lambda state, on: desk.waive(state, on, call_id, who, why, now_ns),
        }
        outcome = Outcome({"call_id": call_id})
        self._move(pool, outcome.events, acts[data["act"]])
        self._settle(pool, now_ns, outcome.events)
        return outcome

    def _executed(self, data: Data, now_ns: int) -> Outcome:
        """Take {liquidation_id, fills: [{symbol, quantity, price, fee}]}."""
        name = data["liquidation_id"]
        pool = self.book.pool_of_label(name)
        rows: list[list[float | str]] = []
        held = {one.symbol: one.quantity for one in self.book.holdings(pool)}
        for item in border.bounded("fills", data["fills"], BATCH_ITEMS_MAX):
            symbol, quantity = item["symbol"], border.quantity("quantity", item["quantity"])
            left = held.get(symbol, 0.0)
            if quantity * left >= 0.0 or abs(quantity) > abs(left) * (1 + 1e-9):
                raise InputError(
                    "MR-I102", f"fill of {symbol} was {quantity:g}", f"the pool holds {left:g}; a liquidation reduces"
                )
            held[symbol] = left + quantity
            fee = border.number("fee", item.get("fee", 0.0), 0.0)
            rows.append([symbol, quantity, border.number("price", item["price"], 0.0, low_open=True), fee])
        outcome = Outcome({"liquidation_id": name})
        self._move(pool, outcome.events, lambda state, on: desk.executed(state, on, name, rows, now_ns))
        for row in rows:
            self.book.fill(pool, str(row[0]), float(row[1]), float(row[2]), float(row[3]), 0.0)
        self._settle(pool, now_ns, outcome.events)
        return outcome

    def _cover(self, data: Data, now_ns: int) -> Outcome:
        """Take {account, pool, layer, amount, who, why}: a layer of the waterfall pays in the rulebook's currency."""
        pool = self.book.pool_id(data["account"], data.get("pool", CROSS))
        amount = border.number("amount", data["amount"], 0.0, low_open=True)
        who, why = border.text("who", data["who"]), border.text("why", data["why"])
        paid = round_credit_down(amount, self.program.increment)
        outcome = Outcome({"layer": data["layer"]})
        self._move(pool, outcome.events, lambda state, on: desk.cover(state, on, data["layer"], paid, who, why, now_ns))
        self.book.deposit(pool, self.program.currency, float(paid))
        self._settle(pool, now_ns, outcome.events)
        return outcome

    # Time

    def next_due_ns(self) -> int | None:
        """Return the earliest moment at which a timer may have something to do."""
        timer = self._timers[0][0] if self._timers else None
        change = self.changes.due_ns()
        if timer is None or change is None:
            return change if timer is None else timer
        return min(timer, change)

    def _tick(self, data: Data, now_ns: int) -> Outcome:
        """Take {}; do everything that fell due, in the order in which it fell due."""
        del data
        outcome = Outcome(events=lifecycle.pass_time(self, now_ns))
        pools = set()
        while self._timers and self._timers[0][0] <= now_ns:
            _, pool = heapq.heappop(self._timers)
            self._scheduled.pop(pool, None)
            pools.add(pool)
        changed = 0
        # Sorted by what is due and not by when it was looked at, so that a replay comes to the same order.
        for due, pool in sorted((min(times), pool) for pool in pools if (times := self._due_times(pool))):
            if due <= now_ns:
                before = self.states.get(pool)
                changed += self._expire_orders(pool, now_ns)
                self._settle(pool, now_ns, outcome.events)
                changed += self.states.get(pool) != before
            self._schedule(pool)
        # A tick that did nothing needs no entry in the journal.
        outcome.reply = {"changed": changed} if changed else {}
        return outcome

    def _due_times(self, pool: int) -> list[int]:
        state = self.states.get(pool)
        due = ladder.due_times(state, self.ladder_of(state)) if state else []
        return due + [one.order.expires_ns for one in self.book.orders.get(pool, {}).values() if one.order.expires_ns]

    def _schedule(self, pool: int) -> None:
        """
        See to it that a tick comes to this pool when something falls due.

        What is overdue had no valid price; it is looked at again a second from now, and not at once for ever.
        """
        retry = self._now_ns + ladder.RETRY_NS
        due = min((one if one > self._now_ns else retry for one in self._due_times(pool)), default=None)
        if due is not None and due < self._scheduled.get(pool, due + 1):
            self._scheduled[pool] = due
            heapq.heappush(self._timers, (due, pool))

    def _expire_orders(self, pool: int, now_ns: int) -> int:
        orders = self.book.orders.get(pool, {})
        left = {name: one for name, one in orders.items() if not 0 < one.order.expires_ns <= now_ns}
        if len(left) != len(orders):
            self.book.replace_orders(pool, left)
        return len(orders) - len(left)

    # The ladder

    def settle(self, pool: int, now_ns: int) -> list[Event]:
        """Look at one pool as it is now; return what its ladder did. For copies of a shard: nothing is recorded."""
        self._now_ns = now_ns
        events: list[Event] = []
        self._settle(pool, now_ns, events)
        return events

    def settle_all(self, now_ns: int) -> list[Event]:
        """Look at every pool; else as `settle`."""
        self._now_ns = now_ns
        events: list[Event] = []
        self._settle_all(now_ns, events)
        return events

    def remember(self, states: dict[int, LadderState]) -> None:
        """Take what ladders remember of pools from another shard; its programs must be known here."""
        for pool, state in states.items():
            self._keep(pool, state, (), [])

    def _settle_all(self, now_ns: int, events: list[Event]) -> None:
        """Assess every pool, and move those that breach a threshold or have something under way."""
        count = self.book.engine.pool_count
        batch = self._assess_all(count, now_ns)
        if self.shadow is not None:
            self.shadow.settle_range(self, count, now_ns, batch)
        for pool in sorted({*batch.breaching(count), *self.states}):
            self._settle(pool, now_ns, events)

    def _assess_all(self, count: int, now_ns: int) -> Batch:
        if self._batch is None or self._batch.count < count:
            self._batch = Batch(max(64, count + count // 4))
        self.book.engine.assess_range(0, count, now_ns, self._batch)
        return self._batch

    def _settle(self, pool: int, now_ns: int, events: list[Event]) -> None:
        """
        Advance one pool until nothing more happens now.

        Advancing again with what was measured already changes nothing, so that is done only where something else has
        changed: orders are gone, or the pool is free to move to another ladder.
        """
        for _ in range(_SETTLE_MAX):
            assessment = self.book.engine.assess(pool, now_ns)
            if self.shadow is not None:
                self.shadow.settle(self, pool, now_ns, assessment)
            if pool not in self.states and not assessment.level:
                return
            before = self._state(pool, assessment, now_ns, events)
            measure = self.measure(pool, assessment)
            state, happened = ladder.advance(before, self.ladder_of(before), measure, now_ns)
            self._keep(pool, state, happened, events)
            if any(event.kind is EventKind.ORDERS_CANCELLED for event in happened):
                self.book.replace_orders(pool, {})
            elif not happened or self._stays(state, assessment):
                return
        raise AssertionError(f"pool {self.book.pool_label(pool)} does not settle")

    def measure(self, pool: int, assessment: Assessment) -> Measure:
        """Return what the ladder needs of an assessment."""
        return Measure(
            is_valid=assessment.is_valid,
            equity=assessment.equity,
            initial_margin=assessment.initial_margin,
            maintenance_margin=assessment.maintenance_margin,
            holdings=self.book.holdings(pool),
            has_orders=pool in self.book.orders,
        )

    def _state(self, pool: int, assessment: Assessment, now_ns: int, events: list[Event]) -> LadderState:
        """Return a pool's state, moved to the ladder it has to follow now unless an open call pins it."""
        state = self.states.get(pool) or LadderState(self.book.pool_label(pool), number=self.numbers.get(pool, 0))
        digest, number = self.program.digest, assessment.ladder
        # A pool that was closed out keeps to the ladder that closed it: without positions it has none of its own.
        is_flat = not state.is_idle and assessment.maintenance_margin == 0.0 and not self.book.holdings(pool)
        if state.is_pinned or is_flat or (state.digest, state.ladder) == (digest, number):
            return state
        old = self.ladder_of(state) if state.digest else None
        moved, happened = ladder.follow(state, old, digest, number, self.program.ladders[number], now_ns)
        self._keep(pool, moved, happened, events)
        return moved

    def _stays(self, state: LadderState, assessment: Assessment) -> bool:
        """Say whether a pool is on the ladder that it has to follow, whatever else `_state` looks at."""
        return not state.is_idle and (state.digest, state.ladder) == (self.program.digest, assessment.ladder)

    def ladder_of(self, state: LadderState) -> Ladder:
        """Return the ladder that a state follows."""
        return self.programs[state.digest].ladders[state.ladder]

    def _move(self, pool: int, events: list[Event], act: Callable[[LadderState, Ladder], desk.Moved]) -> None:
        """Apply an act of a person or an executor to a pool's state."""
        state = self.states.get(pool)
        if state is None:
            state = LadderState(
                self.book.pool_label(pool),
                self.program.digest,
                self._default_ladder(pool),
                number=self.numbers.get(pool, 0),
            )
        moved, happened = act(state, self.ladder_of(state))
        self._keep(pool, moved, happened, events)

    def _default_ladder(self, pool: int) -> int:
        return self.book.engine.assess(pool, 0).ladder

    def _keep(self, pool: int, state: LadderState, happened: tuple[Event, ...], events: list[Event]) -> None:
        if state.number:
            self.numbers[pool] = state.number
        if state.is_idle and state.restriction is Restriction.NONE:
            self.states.pop(pool, None)
        else:
            self.states[pool] = state
            self._schedule(pool)
        self.book.engine.set_restriction(pool, state.restriction)
        self.calls.update((call.call_id, call) for call in state.calls)
        for event in happened:
            if event.kind in _ENDS:
                ended = self.calls[event.call_id]
                paid = ended.amount if event.kind is EventKind.CALL_MET else ended.deposited
                self.calls[event.call_id] = replace(
                    ended, status=_ENDS[event.kind], closed_ns=event.time_ns, deposited=paid
                )
        events.extend(happened)


def _decimal_sum(a: float, b: float) -> float:
    """Return the sum of two amounts as decimals, as people write them: 0.3 - 0.1 is 0.2."""
    return float(Decimal(repr(a)) + Decimal(repr(b)))
