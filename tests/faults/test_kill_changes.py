# SPDX-License-Identifier: Apache-2.0
"""Kill the process between two acts on the rulebook: the journal gives the same state, and the rest goes its way."""

from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from marginrules.service.shard import Shard
from tests.faults.change import ACTS, carry_out, opened
from tests.service.changing import book

ROOT = Path(__file__).parent.parent.parent


def state(shard: Shard) -> Any:
    """Return everything about changes and revisions as data that can be compared."""
    changes = shard.changes
    known = [
        {one.name: getattr(change, one.name) for one in fields(change) if one.name != "program"}
        | {"text": change.program.text}
        for change in changes.known.values()
    ]
    revisions = [
        (
            one.number,
            one.program.text,
            one.activated_ns,
            one.who,
            one.act,
            one.change_id,
            one.approvals,
            one.is_approved,
        )
        for one in shard.revisions
    ]
    waiting = (changes.scheduled, changes.glass, changes.failures, changes.nonces, shard.next_due_ns())
    return known, revisions, waiting, shard.program.text if shard.active else b""


@pytest.mark.promise("MR-P02")
@pytest.mark.parametrize("acts", [2, 5, 6, 7, 8, 9, 12])
def test_killed_between_two_acts(tmp_path: Path, acts: int) -> None:
    """What was acknowledged is there again, nothing else is, and what was scheduled happens."""
    path = tmp_path / "journal.db"
    command = [sys.executable, "-m", "tests.faults.change", str(path), str(acts)]
    done = subprocess.run(command, cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL

    service, clock, journal = opened(path)
    never_killed, hands, other = opened(tmp_path / "other.db")
    carry_out(never_killed, hands, 0, acts)
    assert state(service.shard) == state(never_killed.shard)
    carry_out(service, clock, acts, len(ACTS))
    carry_out(never_killed, hands, acts, len(ACTS))
    assert state(service.shard) == state(never_killed.shard)
    assert service.shard.program.text.decode() == book()
    assert [one.act for one in service.shard.revisions] == ["activate", "apply", "break_glass", "rollback", "rollback"]
    journal.close()
    other.close()
