# SPDX-License-Identifier: Apache-2.0
"""The life of a change through the API: both clients, signed, to the metrics and the health of the server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from marginrules.client import AsyncClient, Client
from marginrules.codes import CallStatus, ChangeState
from marginrules.errors import InputError, RulebookError
from marginrules.server.app import Server
from marginrules.server.settings import Settings
from marginrules.service import acts, signing
from marginrules.service.acts import Act, Signed
from tests.client.served import SMALLEST, mark, serving
from tests.service.changing import book, key_of, policy


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Server, Client]]:
    """A server with a policy that asks for two approvals, nothing signed."""
    path = tmp_path / "policy.yaml"
    path.write_text(policy())
    with serving(policy=path) as (server, address), Client(address) as client:
        yield server, client


def refused(code: str) -> pytest.RaisesExc[InputError]:
    """Expect a refusal."""
    return pytest.raises(InputError, match=rf"\[{code}\]")


def approve(client: Client, change_id: str, *people: str) -> None:
    """Let people approve what they have read."""
    for who in people:
        found = client.get_change(change_id)[0]
        client.approve_change(change_id, found.text_digest, who, "checked")


def test_from_proposal_to_rollback(served: tuple[Server, Client]) -> None:
    """Proposed, compared, approved, applied, seen by status and list, and taken back in one step."""
    server, client = served
    base = client.status().active_digest
    made = client.propose_change(book(9).encode(), "ann", "RISK-412", "thin.yaml", base)
    assert (made.change_id, made.state, made.verdict, made.base) == ("CH-1", ChangeState.PROPOSED, "looser", base)
    assert made.differences[0].startswith("the rulebook: initial margin ")
    assert [one.words for one in made.needs] == ["1 of committee", "1 of risk"]
    assert client.get_change("CH-1")[1] == book(9).encode()
    with refused("MR-I152"):
        client.apply_change("CH-1", "ann", "now")
    with refused("MR-I157"):
        client.activate_rulebook(book(9).encode(), "ann", "now")
    approve(client, "CH-1", "bob", "cem")
    assert client.apply_change("CH-1", "ann", "approved").state is ChangeState.ACTIVE

    status = client.status()
    assert status.active is not None
    assert status.previous is not None
    assert (status.active.revision, status.active.change_id, status.active.authors) == (2, "CH-1", ("ann",))
    assert [(one.who, one.why) for one in status.active.approvals] == [("bob", "checked"), ("cem", "checked")]
    assert status.previous.revision == 1
    assert client.rulebooks()[1] == status.active
    client.roll_back_rulebook(0, "dia", "too loose")
    assert [one.state for one in client.changes()] == [ChangeState.REPLACED]
    assert list(client.changes(only_open=True)) == []
    kinds = [one.kind for one in client.watch(until_now=True) if not one.account_id]
    assert kinds[-2:] == ["rulebook_activated", "rulebook_rolled_back"]
    assert server.service.shard.program.text == book().encode()


def test_amend_withdraw_and_schedule(served: tuple[Server, Client]) -> None:
    """An edit revokes; what is scheduled shows; what is withdrawn is over; problems come all at once."""
    _, client = served
    client.propose_change(book(9).encode(), "ann", "x")
    approve(client, "CH-1", "bob", "cem")
    amended = client.amend_change("CH-1", book(8).encode(), "ann", "y")
    assert amended.approvals == ()
    approve(client, "CH-1", "bob", "cem")
    at_ns = time.time_ns() + 3_600 * 10**9
    assert client.schedule_change("CH-1", at_ns, "ann", "tonight").state is ChangeState.SCHEDULED
    assert [(one.change_id, one.scheduled_ns, one.scheduled_by) for one in client.status().pending] == [
        ("CH-1", at_ns, "ann")
    ]
    assert client.unschedule_change("CH-1", "bob", "wait").state is ChangeState.APPROVED
    assert client.withdraw_change("CH-1", "bob", "no").state is ChangeState.WITHDRAWN
    for text in (b"rulebook: x\n", b"\xff"):
        with pytest.raises(RulebookError):
            client.propose_change(text, "ann", "x")
        with pytest.raises(RulebookError):
            client.amend_change("CH-1", text, "ann", "x")
        with pytest.raises(RulebookError):
            client.break_glass(text, "ann", "x")
    with refused("MR-I154"):
        client.propose_change(book(7).encode(), "ann", "x", base="0" * 64)
    with refused("MR-I150"):
        client.get_change("CH-9")


def test_scheduled_at_its_time(served: tuple[Server, Client]) -> None:
    """The server's own clock activates it."""
    server, client = served
    client.propose_change(book(9).encode(), "ann", "x")
    approve(client, "CH-1", "bob", "cem")
    client.schedule_change("CH-1", time.time_ns() + 300_000_000, "ann", "soon")
    deadline = time.monotonic() + 10
    while server.service.shard.program.text == book().encode() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert client.get_change("CH-1")[0].state is ChangeState.ACTIVE


def test_broken_glass_is_loud(served: tuple[Server, Client]) -> None:
    """An event, the status and a metric say so until it is approved."""
    server, client = served

    def gauge() -> float:
        return server.metrics.registry.get_sample_value("marginrules_break_glass_active") or 0.0

    made, until_ns = client.break_glass(book(7).encode(), "ann", "exchange outage")
    glass = client.status().broken_glass
    assert glass is not None
    assert (glass.change_id, glass.until_ns, glass.fallback_revision) == (made.change_id, until_ns, 1)
    assert gauge() == 1
    assert [one.is_approved for one in client.rulebooks()] == [True, False]
    assert [one.change_id for one in client.changes(only_open=True)] == ["CH-1"]
    approve(client, "CH-1", "bob", "cem")
    assert client.status().broken_glass is None
    assert gauge() == 0
    assert server.metrics.registry.get_sample_value("marginrules_changes", {"state": "active"}) == 1
    assert server.metrics.registry.get_sample_value("marginrules_failed_activations_total") == 0
    assert [one.is_approved for one in client.rulebooks()] == [True, True]
    kinds = [one.kind for one in client.watch(until_now=True) if one.change_id]
    assert kinds == ["glass_broken", "rulebook_activated", "change_approved", "change_approved", "glass_approved"]


def test_calls_are_moved(served: tuple[Server, Client]) -> None:
    """A dry run shows, a move moves."""
    _, client = served
    mark(client, 93.0)
    client.propose_change(book().replace("4h", "8h").encode(), "ann", "x")
    approve(client, "CH-1", "bob", "cem")
    client.apply_change("CH-1", "ann", "x")
    before = client.get_call("a1#1")
    said = client.migrate_calls(["a1"], dry_run=True)
    ((pool,), (move,)) = said.pools, said.pools[0].calls
    assert (pool.pool, pool.steps_before, pool.hindrance) == ("a1", ("margin_call",), "")
    assert (move.call_id, move.status, move.amount) == ("a1#1", CallStatus.OPEN, before.amount)
    assert move.due_after_ns - move.due_before_ns == 4 * 3_600 * 10**9
    assert client.get_call("a1#1") == before
    assert client.migrate_calls(["a1"], "ann", "x").moved == 1
    after = client.get_call("a1#1")
    assert (after.due_ns, after.digest) == (move.due_after_ns, client.status().active_digest)
    assert len(client.migrate_calls(dry_run=True).pools) == 2


def signed(who: str, act: Act, why: str = "x") -> Signed:
    """Sign an act."""
    return signing.sign(key_of(who)[0], act, who, why, "test")


def test_signed_over_the_wire(tmp_path: Path) -> None:
    """With signatures required: all of it by an asynchronous client, and nothing without a signature."""
    path = tmp_path / "policy.yaml"
    path.write_text(policy("required"))

    async def run(address: str) -> None:
        async with AsyncClient(address) as client:
            status = await client.status()
            assert status.policy is not None
            assert (status.policy.name, status.policy.is_signed, status.policy.glass_group) == ("test", True, "risk")
            text, base = book(9), status.active_digest
            with refused("MR-I156"):
                await client.propose_change(text.encode(), "ann", "x", "r")
            act = acts.propose("r", text, base)
            made = await client.propose_change(text.encode(), "ann", "x", "r", base, signed=signed("ann", act))
            for who in ("bob", "cem"):
                act = acts.act_on("approve", "CH-1", made.text_digest, made.base)
                with refused("MR-I156"):
                    await client.approve_change("CH-1", made.text_digest, who, "x")
                made = await client.approve_change("CH-1", made.text_digest, who, "x", signed=signed(who, act))
            act = acts.act_on("apply", "CH-1", made.text_digest, made.base)
            made = await client.apply_change("CH-1", "ann", "x", signed=signed("ann", act))
            assert [one.is_signed for one in made.approvals] == [True, True]
            assert [one.change_id async for one in client.changes()] == ["CH-1"]

    with serving(policy=path) as (_, address):
        asyncio.run(run(address))


def test_policy_outlives_a_restart(tmp_path: Path) -> None:
    """A journal keeps its policy; another one is recorded where it differs, and only then."""
    journal, first, second = tmp_path / "journal.db", tmp_path / "one.yaml", tmp_path / "two.yaml"
    first.write_text(policy())
    second.write_text(policy().replace("2h", "1h"))
    found = []
    for path in (first, first, None, second):
        server = Server(Settings(rulebook=SMALLEST, policy=path, journal=journal, port=0, metrics_port=0))
        server.start()
        kept = server.service.shard.changes.policy
        assert kept is not None
        found.append((kept.glass_ns, sum(one.kind == "policy" for one in server.journal.read())))
        server.stop()
    assert found == [(7_200 * 10**9, 1), (7_200 * 10**9, 1), (7_200 * 10**9, 1), (3_600 * 10**9, 2)]


def test_bad_policy_is_refused_at_the_start(tmp_path: Path) -> None:
    """With its problems, before anything is served."""
    path = tmp_path / "policy.yaml"
    path.write_text(policy().replace("approvals", "aprovals"))
    with pytest.raises(RulebookError, match="policy was refused: 1 problem"), serving(policy=path):
        pass
