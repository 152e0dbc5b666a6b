# SPDX-License-Identifier: Apache-2.0
"""Text to cases. Strict as a rulebook: what is misspelt, or is not what it has to be, is shown at its place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from marginrules import units
from marginrules.authoring.cases import vocabulary
from marginrules.authoring.cases.expectation import fields_of, read_expected
from marginrules.authoring.cases.model import (
    ACCOUNT,
    AccountPart,
    Case,
    CaseFile,
    Closes,
    EnteredPart,
    FigurePart,
    Line,
    OrderPart,
    PoolPart,
    PositionPart,
    Quote,
    Series,
    Step,
    Target,
)
from marginrules.authoring.cases.series import read_series
from marginrules.codes import InstrumentKind
from marginrules.errors import CasesError
from marginrules.limits import CASES_MAX, CASES_POINTS_MAX
from marginrules.rulebook import fields
from marginrules.rulebook.diagnostic import Place, Sink, StopReading, suggest
from marginrules.rulebook.fields import Fields
from marginrules.rulebook.parse import Mapping, Node, Scalar, Sequence, parse
from marginrules.rulebook.source import read_source

_PUBLISHED = ("mark", "open_interest", *vocabulary.FIELDS)
_PLAIN_SUFFIX = " open interest "


def read_cases(content: bytes, file: str) -> CaseFile:
    """
    Read the cases of one file.

    Args:
        file: the name that diagnostics and failures show.

    Raises:
        CasesError: with every diagnostic, where there is at least one problem.
    """
    text, sink = read_source(content, file)
    found = CaseFile(file, ())
    try:
        root = parse(text, sink) if text or not sink.found else None
        if root is not None:
            found = _read_file(sink, root, file)
    except StopReading:
        pass
    if sink.found:
        raise CasesError(sink.ordered())
    return found


@dataclass(slots=True)
class _Shared:
    """Carry what a file gives for all of its cases; a case's own goes first, its instruments and prices on top."""

    start_ns: int | None = None
    account_class: str = ""
    instruments: dict[str, dict[str, Any]] = field(default_factory=dict)
    quotes: dict[str, Quote] = field(default_factory=dict)
    every_ns: int = 0


def _read_file(sink: Sink, root: Mapping, file: str) -> CaseFile:
    top = Fields(sink, root, "a file of cases", vocabulary.FILE)
    shared = _read_shared(top, _Shared())
    nodes = _items(top, "cases")
    if len(nodes) > CASES_MAX:
        sink.add(
            "MR-R308", top.place_of("cases"), f"the file had {len(nodes):,} cases", f"allowed: up to {CASES_MAX:,}"
        )
        nodes = []
    cases = [_Reader(sink, file, shared).read(node) for node in nodes]
    points = sum(max((len(series.values) for series in one.series), default=0) for one in cases)
    if points > CASES_POINTS_MAX:
        message = f"the series of all cases had {points:,} points"
        sink.add("MR-R308", top.place_of("cases"), message, f"allowed: up to {CASES_POINTS_MAX:,}; make `every` longer")
    names: dict[str, Place] = {}
    for one in cases:
        if one.name in names and one.name:
            message = f"case '{fields.shorten(one.name)}' was given twice; the first is on line {names[one.name].line}"
            sink.add("MR-R204", one.place, message, "give each case a name of its own")
        names.setdefault(one.name, one.place)
    return CaseFile(file, tuple(cases), top.read("rulebook", fields.read_text, ""))


def _read_shared(part: Fields, base: _Shared) -> _Shared:
    return _Shared(
        start_ns=part.read("start", fields.read_timestamp, base.start_ns),
        account_class=part.read("class", fields.read_name, base.account_class),
        instruments=base.instruments | dict(_named(part, "instruments", _instrument)),
        quotes=base.quotes | dict(_named(part, "prices", _quote)),
        every_ns=part.duration("every", base.every_ns),
    )


def _items(part: Fields, key: str) -> list[Node]:
    """Return the items of a list; report what is none."""
    node = part.node(key)
    if node is None:
        return []
    if isinstance(node, Sequence):
        return node.items
    if isinstance(node, Scalar) and not node.text and not node.quoted:
        return []
    part.sink.add("MR-R303", node.place, f"{key} is a list", "begin each item with '- '")
    return []


def _named(
    part: Fields, key: str, reader: Callable[[Sink, Node, str], Any | None], what: str = ""
) -> list[tuple[str, Any]]:
    """Return (name, value) of a mapping of names; what could not be read is left out."""
    node = part.node(key)
    if node is None:
        return []
    if not isinstance(node, Mapping):
        part.sink.add("MR-R303", node.place, f"{what or key} maps names to values", f"write `{key}: {{NAME: ...}}`")
        return []
    read = [(name, reader(part.sink, one, name)) for name, one in node.entries.items()]
    return [(name, value) for name, value in read if value is not None]


def _number(sink: Sink, node: Node, _name: str = "") -> float | None:
    value = fields.read_number(sink, node)
    return None if value is None else float(value)


def _rate(sink: Sink, node: Node) -> float | None:
    value = fields.read_rate(sink, node)
    return None if value is None else float(value)


# What is known to the market


def _instrument(sink: Sink, node: Node, symbol: str) -> dict[str, Any] | None:
    part = Fields(sink, node, f"instrument '{symbol}'", vocabulary.INSTRUMENT)
    kinds = {one.word: one for one in InstrumentKind}
    kind = part.word("kind", "spot")
    return {
        "symbol": symbol,
        "kind": kinds[kind],
        "underlying": part.read("underlying", fields.read_name, ""),
        "settlement": part.read("settlement", fields.read_name, ""),
        "multiplier": part.read("multiplier", _number, 1.0),
        "inverse": part.yes("inverse", False),
        "quantity_step": part.read("quantity_step", _number, 0.0),
        "expires_ns": part.read("expires", fields.read_timestamp, 0),
        "strike": part.read("strike", _number, 0.0),
        "right": part.word("right", ""),
    }


def _quote(sink: Sink, node: Node, name: str) -> Quote | None:
    """Read `5`, `5 open interest 1_000_000`, or `{mark: 5, index: 100, volatility: 20%}`."""
    if isinstance(node, Mapping):
        part = Fields(sink, node, f"price of '{name}'", vocabulary.QUOTE)
        published = [(key, part.read(key, _rate, 0.0)) for key in vocabulary.FIELDS if part.node(key) is not None]
        interest = part.read("open_interest", _number, None)
        mark, age_ns = part.read("mark", _number, 0.0), part.duration("age", 0)
        return Quote(name, mark, interest, tuple(published), age_ns)
    text = fields.read_text(sink, node)
    if text is None:
        return None
    mark_text, _, interest_text = text.partition(_PLAIN_SUFFIX)
    plain, interest = (_number(sink, Scalar(one, node.place)) for one in (mark_text, interest_text or "0"))
    return None if plain is None else Quote(name, plain, interest)


def _closes(sink: Sink, node: Node, name: str) -> Closes | None:
    """Read `first` and daily moves that are repeated `times` over, or a close for each moment."""
    if isinstance(node, Mapping) and any(units.parse_timestamp_ns(key) is not None for key in node.entries):
        moments = [fields.read_timestamp(sink, Scalar(key, place)) or 0 for key, place in node.keys.items()]
        values = [_number(sink, one) or 0.0 for one in node.entries.values()]
        return Closes(name, tuple(values), tuple(moments))
    part = Fields(sink, node, f"closes of '{name}'", vocabulary.CLOSES)
    first, times = part.read("first", _number, 1.0), part.whole("times", 1)
    moves = [_rate(sink, one) or 0.0 for one in _items(part, "moves")]
    closes = [first]
    for move in moves * times:
        closes.append(closes[-1] * (1 + move))
    return Closes(name, tuple(closes))


def read_moment(sink: Sink, node: Node, start_ns: int, last_ns: int) -> int | None:
    """Read `2026-03-02T14:00:00Z`, `4h` after the start, or `+4h` after the step before."""
    text = fields.read_text(sink, node)
    if text is None:
        return None
    after = units.parse_duration_ns(text.removeprefix("+"))
    if after is not None:
        return (last_ns if text.startswith("+") else start_ns) + after
    moment = units.parse_timestamp_ns(text)
    if moment is None:
        hint = "write 4h after the start, +4h after the step before, or 2026-03-02T14:00:00Z"
        sink.add("MR-R307", node.place, f"'{fields.shorten(text)}' is not a moment", hint)
    return moment


# Accounts


def _position(sink: Sink, node: Node, symbol: str) -> PositionPart | None:
    """Read a quantity, opened at the first mark, or `{quantity: 10, entry_price: 50_000, leverage: 50}`."""
    if isinstance(node, Scalar):
        quantity = _number(sink, node)
        return None if quantity is None else PositionPart(symbol, quantity)
    part = Fields(sink, node, f"position in '{symbol}'", vocabulary.POSITION)
    quantity, leverage = part.read("quantity", _number, 0.0), part.read("leverage", _number, 0.0)
    return PositionPart(symbol, quantity, part.read("entry_price", _number, None), leverage)


def _order(sink: Sink, node: Node, number: int = 0) -> OrderPart:
    part = Fields(sink, node, "an order", vocabulary.ORDER)
    name = f"order-{number}" if number else "example"
    return OrderPart(
        part.read("symbol", fields.read_name, ""),
        part.read("quantity", _number, 0.0),
        part.read("price", _number, 0.0),
        part.read("leverage", _number, 0.0),
        part.yes("reduce_only", False),
        part.read("client_order_id", fields.read_text, name),
    )


def _pool_of(part: Fields, name: str, start_ns: int) -> PoolPart:
    """Read what a pool holds; its keys may stand in the account or in the case itself."""
    return PoolPart(
        name=name,
        balances=tuple(_named(part, "balances", _number)),
        positions=tuple(one for _, one in _named(part, "positions", _position)),
        orders=tuple(_order(part.sink, node, number) for number, node in enumerate(_items(part, "orders"), start=1)),
        fees_due=part.read("fees_due", _number, 0.0),
        funding_due=part.read("funding_due", _number, 0.0),
        equity=part.read("equity", _number, None),
        ladder=part.read("ladder", fields.read_name, ""),
        entered=tuple(_entered(part.sink, node, start_ns) for node in _items(part, "entered")),
    )


def _entered(sink: Sink, node: Node, start_ns: int) -> EnteredPart:
    part = Fields(sink, node, "an entered step", vocabulary.ENTERED)
    asked = part.node("call")
    calls = asked.items if isinstance(asked, Sequence) else [asked] if asked is not None else []
    return EnteredPart(
        step=part.read("step", fields.read_name, ""),
        ago_ns=part.read("ago", fields.read_duration, 0),
        is_waiting=part.yes("waiting", False),
        by_unmet=part.yes("by_unmet", False),
        is_exhausted=part.yes("exhausted", False),
        is_done=part.yes("done", False),
        is_ordered=part.yes("ordered", False),
        next_round_ns=part.read("next_round", lambda sink, one: read_moment(sink, one, start_ns, start_ns), 0),
        shortfall=part.read("shortfall", _number, 0.0),
        calls=tuple(_call(sink, one, start_ns) for one in calls),
    )


def _call(sink: Sink, node: Node, start_ns: int) -> tuple[float, float, int]:
    part = Fields(sink, node, "an open call", vocabulary.CALL)
    due_ns = part.read("due", lambda sink, one: read_moment(sink, one, start_ns, start_ns), start_ns)
    return part.read("amount", _number, 0.0), part.read("paid", _number, 0.0), due_ns


def _pool(sink: Sink, node: Node, name: str, *, start_ns: int) -> PoolPart:
    what = f"pool '{name}'" if name != "cross" else "the cross pool"
    return _pool_of(Fields(sink, node, what, vocabulary.POOL), "" if name == "cross" else name, start_ns)


def _figure(sink: Sink, node: Node) -> FigurePart:
    """Read `health_factor`, or `{name: auction_bid, given: {elapsed: 60, ...}}`."""
    if isinstance(node, Scalar):
        return FigurePart(fields.read_name(sink, node) or "")
    part = Fields(sink, node, "a figure", vocabulary.FIGURE)
    name, symbol = part.read("name", fields.read_name, ""), part.read("symbol", fields.read_name, "")
    return FigurePart(name, symbol, tuple(_named(part, "given", lambda on, one, _name: _rate(on, one))))


class _Reader:
    """Read one case; what a file shares is known."""

    def __init__(self, sink: Sink, file: str, shared: _Shared) -> None:
        self._sink = sink
        self._file = file
        self._shared = shared

    def read(self, node: Node) -> Case:
        """Read a case; the sink has what was wrong, and a Case is returned all the same."""
        part = Fields(self._sink, node, "a case", vocabulary.CASE)
        shared = _read_shared(part, self._shared)
        accounts = self._accounts(part, shared)
        series = self._series(part, shared, accounts)
        if shared.start_ns is None and "start" not in part:
            self._sink.add("MR-R302", part.place, "a case lacks the key 'start'", "add `start: 2026-03-02T10:00:00Z`")
        start_ns = shared.start_ns or 0
        quoted = part.word("quotes", "held" if series else "once")
        steps = _Steps(self._sink, start_ns, accounts).read(part)
        return Case(
            name=part.read("case", fields.read_text, ""),
            file=self._file,
            start_ns=start_ns,
            instruments=tuple(shared.instruments.values()),
            quotes=tuple(shared.quotes.values()),
            accounts=accounts,
            steps=steps,
            closes=tuple(one for _, one in _named(part, "closes", _closes)),
            series=series,
            every_ns=shared.every_ns,
            is_quoted=quoted == "held",
            place=node.place,
        )

    def _accounts(self, part: Fields, shared: _Shared) -> tuple[AccountPart, ...]:
        """Return the accounts; the one whose keys stand in the case itself, or those of `accounts`."""
        if "accounts" in part:
            for key in ("pool", *vocabulary.OF_POOL):
                if part.node(key) is not None:
                    message = f"'{key}' cannot stand beside 'accounts'"
                    self._sink.add("MR-R326", part.key_place(key), message, "move it into the account that it is of")
            read = partial(self._account, shared)
            return tuple(one for _, one in _named(part, "accounts", read))
        if not shared.account_class and "class" not in part:
            self._sink.add("MR-R302", part.place, "a case lacks the key 'class'", "add `class: ...`")
        pool = _pool_of(part, part.read("pool", fields.read_name, ""), shared.start_ns or 0)
        return (AccountPart(ACCOUNT, shared.account_class, (pool,)),)

    def _account(self, shared: _Shared, sink: Sink, node: Node, name: str) -> AccountPart:
        part = Fields(sink, node, f"account '{name}'", vocabulary.ACCOUNT)
        account_class = part.read("class", fields.read_name, shared.account_class)
        if not account_class and "class" not in part:
            sink.add("MR-R302", part.place, f"account '{name}' lacks the key 'class'", "add `class: ...`")
        if "pools" not in part:
            pool = _pool_of(part, part.read("pool", fields.read_name, ""), shared.start_ns or 0)
            return AccountPart(name, account_class, (pool,))
        for key in ("pool", *vocabulary.OF_POOL):
            if part.node(key) is not None:
                sink.add("MR-R326", part.key_place(key), f"'{key}' cannot stand beside 'pools'", "move it into a pool")
        read = partial(_pool, start_ns=shared.start_ns or 0)
        return AccountPart(name, account_class, tuple(one for _, one in _named(part, "pools", read)))

    def _series(self, part: Fields, shared: _Shared, accounts: tuple[AccountPart, ...]) -> tuple[Series, ...]:
        node = part.node("series")
        if node is None:
            return ()
        if not shared.every_ns and "every" not in part:
            self._sink.add("MR-R302", part.key_place("series"), "series need the key 'every'", "add `every: 1h`")
        found = []
        for name, values in _named(part, "series", lambda sink, one, _name: read_series(sink, one)):
            target = self._target(name, node, shared, accounts)
            if target is not None:
                found.append(Series(target, values, part.place_of("series")))
        return tuple(found)

    def _target(self, key: str, node: Node, shared: _Shared, accounts: tuple[AccountPart, ...]) -> Target | None:
        """Say what a series sets: `BTC-PERP`, `BTC-PERP volatility`, `equity`, or `alice|ETH-PERP equity`."""
        place = node.keys[key] if isinstance(node, Mapping) else node.place
        name, _, word = key.rpartition(" ")
        if key in ("equity", "margin_ratio"):
            return Target(accounts[0].name, key, accounts[0].pools[0].name) if accounts and accounts[0].pools else None
        if word in ("equity", "margin_ratio"):
            account, _, pool = name.partition("|")
            pools = {(one.name, pool.name) for one in accounts for pool in one.pools}
            if (account, pool) not in pools:
                labels = [f"{one}|{pool}" if pool else one for one, pool in pools]
                self._sink.add("MR-R309", place, f"no pool of this case is '{name}'", suggest(name, labels))
                return None
            return Target(account, word, pool)
        if not name:
            name, word = key, "mark"
        if word not in _PUBLISHED:
            self._sink.add("MR-R309", place, f"a price has no '{word}'", suggest(word, _PUBLISHED))
            return None
        known = {*shared.instruments, *shared.quotes}
        known |= {one[key] for one in shared.instruments.values() for key in ("underlying", "settlement")}
        known |= {asset for one in accounts for pool in one.pools for asset, _ in pool.balances}
        if name not in known:
            hint = suggest(name, {*known, "equity", "margin_ratio"})
            self._sink.add("MR-R309", place, f"nothing of this case is called '{name}'", hint)
        return Target(name, word)


class _Steps:
    """Read the steps of a case, or its expectations at given times."""

    def __init__(self, sink: Sink, start_ns: int, accounts: tuple[AccountPart, ...]) -> None:
        self._sink = sink
        self._start_ns = start_ns
        self._accounts = accounts
        self._last_ns = start_ns

    def read(self, part: Fields) -> tuple[Step, ...]:
        """Return the steps in the order of the text; time never runs back."""
        if part.node("steps") is not None and part.node("expect") is not None:
            message = "'expect' of a case cannot stand beside its 'steps'"
            self._sink.add("MR-R326", part.key_place("expect"), message, "write it in the steps, each with its `at`")
        steps = [self._step(node) for node in _items(part, "steps")]
        steps += [self._expectation(node) for node in _items(part, "expect")]
        if not steps and "steps" not in part and "expect" not in part:
            self._sink.add("MR-R302", part.place, "a case expects nothing", "add `steps:` or `expect:`")
        return tuple(steps)

    def _step(self, node: Node) -> Step:
        part = Fields(self._sink, node, "a step", vocabulary.STEP)
        step = self._begin(part)
        order = part.node("order")
        execute = part.node("execute")
        expect = part.node("expect")
        figure = part.node("figure")
        is_order = order is not None
        return replace(
            step,
            prices=tuple(one for _, one in _named(part, "prices", _quote)),
            deposits=tuple(_named(part, "deposit", _number)),
            fills=None if execute is None else self._fills(part, execute),
            filled=part.read("filled", _rate, 1.0),
            equity=part.read("equity", _number, None),
            order=_order(self._sink, order) if order is not None else None,
            figure=_figure(self._sink, figure) if figure is not None else None,
            expected=()
            if expect is None
            else read_expected(self._sink, expect, is_order, self._moment, is_figure=figure is not None),
            **self._events(part),
        )

    def _expectation(self, node: Node) -> Step:
        """Read `{at: 6h, step: initial_call, ...}`: the moment and the fields side by side."""
        part = Fields(self._sink, node, "what is expected", vocabulary.EXPECTATION)
        step = self._begin(part)
        expected = fields_of(self._sink, node, vocabulary.EXPECTED, self._moment)
        return replace(step, expected=expected, **self._events(part))

    def _begin(self, part: Fields) -> Step:
        at_ns = part.read("at", lambda _sink, node: self._moment(node), self._last_ns)
        if at_ns < self._last_ns:
            message = f"time ran back to {units.format_time(at_ns)}"
            hint = f"the step before is at {units.format_time(self._last_ns)}"
            self._sink.add("MR-R308", part.place_of("at"), message, hint)
        self._last_ns = max(at_ns, self._last_ns)
        first = self._accounts[0] if self._accounts else AccountPart(ACCOUNT, "", ())
        name = part.read("account", fields.read_name, first.name)
        account = next((one for one in self._accounts if one.name == name), None)
        if account is None and self._accounts:
            message = f"no account of this case is '{name}'"
            self._sink.add(
                "MR-R309", part.place_of("account"), message, suggest(name, [a.name for a in self._accounts])
            )
        pools = [one.name for one in account.pools] if account else []
        pool = part.read("pool", fields.read_name, pools[0] if pools else "")
        pool = "" if pool == "cross" else pool
        if pools and pool not in pools:
            message = f"account '{name}' has no pool '{pool}'"
            self._sink.add("MR-R309", part.place_of("pool"), message, suggest(pool, [one or "cross" for one in pools]))
        return Step(at_ns, name, pool, place=part.place)

    def _moment(self, node: Node) -> int | None:
        return read_moment(self._sink, node, self._start_ns, self._last_ns)

    def _fills(self, part: Fields, node: Node) -> tuple[tuple[str, float], ...]:
        if isinstance(node, Scalar):
            part.word("execute", "marks")
            return ()
        return tuple(_named(part, "execute", _number))

    def _events(self, part: Fields) -> dict[str, Any]:
        if part.node("events") is None:
            return {}
        lines = []
        for node in _items(part, "events"):
            text = fields.read_text(self._sink, node)
            if text is not None:
                lines.append(Line(text, node.place))
        return {"events": tuple(lines), "events_place": part.key_place("events")}
