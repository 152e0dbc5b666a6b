# SPDX-License-Identifier: Apache-2.0
"""What must not slip through when policies change, plans are forged, or glass is broken."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from marginrules.authoring.plan import make_plan, read_plan
from marginrules.authoring.plan.file import _canonical, _data, _sum
from marginrules.errors import InputError, RulebookError
from marginrules.journal import SqliteJournal
from marginrules.rulebook import load
from marginrules.service.policy import load_policy
from marginrules.service.ports import SystemClock
from marginrules.service.service import Service
from tests.service.changing import Office, book, policy

PERSON = {"who": "ann", "why": "test"}


def forged(**wrong: Any) -> bytes:
    """Return a plan with wrong values under a sum that fits them."""
    data = _data(make_plan(load(book().encode(), "a.yaml"), book(20).encode(), "b.yaml", revision=1, made_ns=1))
    data |= wrong
    return _canonical(data | {"sha256": _sum(data)})


@pytest.mark.parametrize("value", [5, None, math.nan, {"a": 1}, ["b.yaml"], True])
@pytest.mark.parametrize("key", ["file", "name", "digest", "verdict", "text", "made_ns"])
def test_a_forged_plan_is_no_plan(key: str, value: Any) -> None:
    """Whoever makes the sum of a file anew cannot put another kind of value into it."""
    if key == "made_ns" and value == 5:
        return
    with pytest.raises(InputError, match="is no plan"):
        read_plan(forged(**{key: value}))
    assert read_plan(forged()).file == "b.yaml"


def test_what_was_written_unsigned_is_never_activated_once_signing_is_required() -> None:
    """Neither by a signed act nor at its time, even where the policy asks for no approval of it."""
    office = Office()
    office.start(policy().split("approvals:")[0])
    digest = office.shard.active_digest
    first = office.propose("ann", book(20))
    office.on("schedule", "ann", first, at=100)
    second = office.propose("ann", book(15))
    office.do("policy", file="p.yaml", text=policy("required").split("approvals:")[0])
    office.signs = True
    with pytest.raises(InputError, match="without a signature"):
        office.on("apply", "bob", second)
    office.wait(200)
    assert office.shard.active_digest == digest
    assert office.shard.changes.failures == 1


def test_a_time_is_good_only_while_its_setter_is_known() -> None:
    """Whoever set it and is not in the policy any more activates nothing."""
    office = Office()
    office.start(policy().split("approvals:")[0])
    digest, change = office.shard.active_digest, office.propose("ann", book(20))
    office.on("schedule", "cem", change, at=100)
    without = "\n".join(line for line in policy().split("approvals:")[0].splitlines() if "cem" not in line)
    office.do("policy", file="p.yaml", text=without + "\n")
    office.wait(200)
    assert office.shard.active_digest == digest
    assert office.shard.changes.failures == 1


def test_a_policy_given_at_the_start_judges_what_fell_due_before(tmp_path: Path) -> None:
    """A change that was due while nobody served is activated only as the policy of the new start allows."""

    def served(at_ns: int) -> tuple[Service, SqliteJournal]:
        clock = SystemClock()
        clock.now_ns = lambda: at_ns  # type: ignore[method-assign]
        journal = SqliteJournal(tmp_path / "j.db", print)
        service = Service(journal, clock, print)
        service.restore()
        return service, journal

    start = 1_800_000_000_000_000_000
    service, journal = served(start)
    service.submit("activate", {"text": book(), "file": "a.yaml", **PERSON}, "r1")
    service.submit("propose", {"text": book(5), "file": "b.yaml", **PERSON}, "r2")
    service.submit("schedule", {"change": "CH-1", "at_ns": start + 10**11, **PERSON}, "r3")
    digest = service.shard.active_digest
    journal.close()
    service, journal = served(start + 2 * 10**11)
    service.submit("policy", {"text": policy(), "file": "p.yaml"}, "!policy-1")
    service.tick()
    assert service.shard.active_digest == digest
    assert service.shard.changes.failures == 1
    journal.close()


def test_signing_needs_the_name_of_the_installation() -> None:
    """Without one a signature would be good for every installation with the same keys."""
    with pytest.raises(RulebookError) as refused:
        load_policy(policy("required").replace("policy: test\n", "").encode(), "p.yaml")
    assert "has no name" in refused.value.diagnostics[0].message
    assert json.dumps(load_policy(policy().replace("policy: test\n", "").encode(), "p.yaml").name) == '""'


def test_an_open_policy_lets_only_its_people_activate() -> None:
    """A book is activated directly by somebody whom the policy names; a file's name is one line of text."""
    office = Office()
    office.start(policy().split("approvals:")[0])
    with pytest.raises(InputError, match="MR-I155"):
        office.do("activate", text=book(20), file="n.yaml", who="mallory", why="test")
    with pytest.raises(InputError, match="MR-I110"):
        office.do("activate", text=book(20), file="a\n\x1b[31m", who="ann", why="test")
    office.do("activate", text=book(20), file="n.yaml", who="ann", why="test")


def test_nothing_is_activated_past_broken_glass() -> None:
    """While a book is active without approval, it cannot be made to stay by activating it directly."""
    office = Office()
    office.start(policy().replace("approvals:\n  any: {group: risk}\n  looser: {group: committee, count: 1}\n", ""))
    office.break_glass("ann", book(5))
    with pytest.raises(InputError, match="active without approval"):
        office.do("activate", text=book(5), file="n.yaml", who="ann", why="test")
