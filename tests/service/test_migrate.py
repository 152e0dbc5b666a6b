# SPDX-License-Identifier: Apache-2.0
"""Open calls keep their revision until a person moves them; a dry run says beforehand what that does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from marginrules.codes import CallStatus
from marginrules.escalation import migration
from marginrules.escalation.state import ActiveStep, Liquidation
from marginrules.service.migrate import preview
from tests.service.changing import HOUR, SMALLEST, START, Office, load_pool, mark
from tests.service.test_lifecycle import refused

SECOND = 10**9
LONGER = SMALLEST.replace("deadline: 4h", "deadline: 8h")
SHORTER = SMALLEST.replace("deadline: 4h", "deadline: 1h")
EASIER = SMALLEST.replace("below: 120%", "below: 101%").replace("clear: 130%", "clear: 110%")
MOVED = """\
      - {step: warning, below: 150%, clear: 160%, notify: [client]}
      - step: margin_call"""
WITH_WARNING = SMALLEST.replace("      - step: margin_call", MOVED)
RENAMED = SMALLEST.replace("margin_call", "first_call")
NO_CALL = SMALLEST.replace("        call: {restore: initial_margin}\n        deadline: 4h\n", "").replace(
    "        or_after: margin_call unmet\n", ""
)


@pytest.fixture
def office() -> Office:
    """One pool with an open call of the smallest book, made after ten seconds: 80 bought at 100, now at 93."""
    made = Office()
    made.start()
    load_pool(made)
    made.second = 10
    mark(made, 93.0)
    assert list(made.shard.calls) == ["a#1"]
    return made


def switch(office: Office, text: str) -> None:
    """Activate another book a minute after the call."""
    office.second = 60
    mark(office, 93.0)
    office.do("activate", text=text, file="r.yaml", who="desk", why="test")


def migrate(office: Office, accounts: tuple[str, ...] = ()) -> dict[str, list[object]]:
    """Move open calls; return the reply."""
    reply: dict[str, list[object]] = office.do("migrate", accounts=list(accounts), who="desk", why="test")
    return reply


def due(office: Office) -> float:
    """Return when the call falls due, in seconds after the start."""
    return (office.shard.calls["a#1"].falls_due_ns - START) / SECOND


def test_calls_keep_their_revision(office: Office) -> None:
    """Without a move nothing happens to an open call."""
    before = office.shard.states
    switch(office, LONGER)
    assert office.shard.states == before
    assert due(office) == 10 + 4 * HOUR


@pytest.mark.parametrize(
    ("text", "status", "due_after", "steps"),
    [
        (LONGER, CallStatus.OPEN, 10 + 8 * HOUR, ["margin_call"]),
        (SHORTER, CallStatus.OPEN, 10 + 4 * HOUR, ["margin_call"]),
        (WITH_WARNING, CallStatus.OPEN, 10 + 4 * HOUR, ["warning", "margin_call"]),
        (EASIER, CallStatus.CURED, 0, []),
        (RENAMED, CallStatus.SUPERSEDED, 0, ["first_call"]),
        (NO_CALL, CallStatus.SUPERSEDED, 0, ["margin_call"]),
    ],
    ids=["longer", "shorter", "another step", "easier", "renamed", "no call"],
)
def test_moved_as_the_dry_run_says(
    office: Office, text: str, status: CallStatus, due_after: float, steps: list[str]
) -> None:
    """Steps are kept by name, no deadline gets shorter, and what does not call any more takes its call with it."""
    switch(office, text)
    now_ns = START + int(office.second * SECOND)
    before = dict(office.shard.states)
    (said,) = preview(office.shard, (), now_ns)
    assert office.shard.states == before
    assert said.steps_before == ("margin_call",)
    assert list(said.steps_after) == steps
    first = said.calls[0]
    assert (first.call_id, first.status) == ("a#1", status)
    assert first.due_after_ns == (START + int(due_after * SECOND) if due_after else 0)

    assert migrate(office) == {"moved": ["a"], "left": []}
    call = office.shard.calls["a#1"]
    assert call.status is status
    state = office.shard.states.get(0)
    names = [office.shard.program.ladders[0].steps[one.step].name for one in state.active] if state else []
    assert names == steps
    new = [one.call_id for one in said.calls if not one.due_before_ns]
    assert new == [one for one in office.shard.calls if one != "a#1"]
    for name in new:
        one = next(one for one in said.calls if one.call_id == name)
        assert office.shard.calls[name].amount == one.amount
        assert office.shard.calls[name].falls_due_ns == one.due_after_ns
    if status is CallStatus.OPEN:
        assert call.digest == office.shard.active_digest
        assert "call_migrated" in office.kinds
    assert preview(office.shard, (), now_ns) == []
    assert office.kinds.count("calls_migrated") == 1


def test_agreed_deadline_stands(office: Office) -> None:
    """What the desk agreed with the client outlives the move."""
    until = START + 20 * HOUR * SECOND
    office.do("extend", act="extend", call_id="a#1", until_ns=until, who="desk", why="wire")
    switch(office, LONGER)
    migrate(office)
    assert due(office) == 20 * HOUR


def test_unmet_under_the_new_revision(office: Office) -> None:
    """A call that was moved goes unmet at its new deadline, with what follows it there."""
    switch(office, LONGER)
    migrate(office)
    ends = []
    for hours in (5, 4):
        office.wait(hours * HOUR)
        ends.append(office.shard.calls["a#1"].status)
    assert ends == [CallStatus.OPEN, CallStatus.UNMET]


def test_only_the_given_accounts(office: Office) -> None:
    """An account that is not named keeps its revision; one that is not known is refused."""
    switch(office, LONGER)
    pools = [{"name": "", "balances": [], "positions": []}]
    office.do("accounts", accounts=[{"account_id": "b", "account_class": "default", "sequence": 1, "pools": pools}])
    assert migrate(office, ("b",)) == {"moved": [], "left": []}
    assert migrate(office, ("a", "b")) == {"moved": ["a"], "left": []}
    with refused("MR-I104"):
        migrate(office, ("c",))


def test_a_round_under_way_stays(office: Office) -> None:
    """What an executor is trading is not moved from under it."""
    mark(office, 88.0)
    assert office.kinds[-1] == "call_superseded"
    switch(office, LONGER)
    now_ns = START + int(office.second * SECOND)
    (said,) = preview(office.shard, (), now_ns)
    assert said.hindrance == "round a#L2 of a liquidation is not reported yet"
    assert migrate(office) == {"moved": [], "left": [["a", said.hindrance]]}
    fills = [{"symbol": "P", "quantity": -80.0, "price": 88.0}]
    office.do("executed", liquidation_id="a#L2", fills=fills)
    assert preview(office.shard, (), now_ns) == []


def test_liquidation_that_waits_goes_along(office: Office) -> None:
    """A liquidation between two rounds follows its step, or ends where the step liquidates no more."""
    state = office.shard.states[0]
    old = office.shard.ladder_of(state)
    waiting = replace(
        state,
        active=(*state.active, ActiveStep(1, state.active[0].since_ns, True)),
        liquidation=Liquidation(1, 1.3, rounds=1),
    )
    switch(office, WITH_WARNING)
    new = office.shard.program.ladders[0]
    moved, _ = migration.migrate(waiting, old, office.shard.active_digest, 0, new, office.log[-1][2])
    assert moved.liquidation == Liquidation(2, 1.3, rounds=1)
    awaiting = replace(waiting, liquidation=Liquidation(1, 1.3, 1, awaiting="a#L2"))
    with pytest.raises(AssertionError):
        migration.migrate(awaiting, old, office.shard.active_digest, 0, new, office.log[-1][2])


def test_replay_gives_the_same(office: Office) -> None:
    """The move is a command like any other."""
    switch(office, RENAMED)
    migrate(office)
    again = Office()
    for kind, data, now_ns in office.log:
        again.events += again.shard.apply(kind, data, now_ns).events
    assert again.events == office.events
    assert again.shard.states == office.shard.states
