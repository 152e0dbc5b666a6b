# SPDX-License-Identifier: Apache-2.0
"""Plans over gRPC, with both clients: made against what is active, carried out exactly or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from marginrules.authoring.plan import Plan, StalePlanError, make_plan, read_plan, write_plan
from marginrules.client import Client
from marginrules.errors import InputError, RulebookError
from marginrules.rulebook import load
from tests.client.served import SMALLEST, Waiting, serving

TEXT = SMALLEST.read_bytes()
BELOW = next(line for line in TEXT.splitlines() if b"below:" in line)
OTHER = TEXT.replace(b"initial: 10%", b"initial: 12%", 1)
THIRD = TEXT.replace(b"initial: 10%", b"initial: 14%", 1)


@pytest.fixture(params=["threads", "asyncio"])
def client(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Serve the smallest rulebook and yield a client of each kind."""
    with serving() as (_, address):
        made: Any = Client(address) if request.param == "threads" else Waiting(address)
        yield made
        made.close()


def planned(client: Any, text: bytes) -> Plan:
    """Return the plan, which comes last."""
    *progress, plan = list(client.plan_rulebook(text, "new.yaml"))
    assert progress
    assert isinstance(plan, Plan)
    return plan


def test_a_plan_is_made_against_what_is_active_and_carried_out(client: Any) -> None:
    plan = planned(client, OTHER)
    assert plan.comparison.verdict == "stricter"
    assert plan.base.digest == load(TEXT, "r").digest
    assert plan.base.revision == 1
    content = write_plan(plan)
    made = client.apply_plan(content, "risk", "thin books", request_id="p-1")
    assert made.revision == 2
    assert made.digest == plan.digest == client.rulebooks()[-1].digest
    # The same request again is answered again, although its base is not active any more.
    assert client.apply_plan(content, "risk", "thin books", request_id="p-1") == made


def test_a_plan_against_an_older_revision_is_refused_with_the_difference(client: Any) -> None:
    content = write_plan(planned(client, OTHER))
    client.activate_rulebook(THIRD, "risk", "first")
    with pytest.raises(StalePlanError, match=r"revision 1, .* active is revision 2") as caught:
        client.apply_plan(content, "risk", "second")
    assert any("initial margin 10% to 1_000_000, then 20% -> 14% to" in one for one in caught.value.changes)
    assert len(client.rulebooks()) == 2


def test_what_was_changed_or_is_not_sound_is_refused(client: Any) -> None:
    content = write_plan(planned(client, OTHER))
    with pytest.raises(InputError, match="MR-I141"):
        client.apply_plan(content.replace(b"12%", b"11%"), "risk", "why")
    honest = read_plan(content)
    lying = make_plan(load(TEXT, "r"), OTHER, "new.yaml")
    object.__setattr__(lying, "comparison", make_plan(load(TEXT, "r"), TEXT, "new.yaml").comparison)
    assert honest.comparison != lying.comparison
    with pytest.raises(InputError, match="MR-I141"):
        client.apply_plan(write_plan(lying), "risk", "why")
    with pytest.raises(RulebookError):
        list(client.plan_rulebook(b"rulebook: x\n"))
    with pytest.raises(InputError):
        client.apply_plan(content, "", "why")
    assert len(client.rulebooks()) == 1


def test_an_edit_that_changes_nothing_is_equivalent(client: Any) -> None:
    assert planned(client, b"# more\n" + TEXT.replace(b"10%", b"1000 bps")).comparison.is_equivalent
