# SPDX-License-Identifier: Apache-2.0
"""Changes from the command line, signed, from the key to the rollback."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result

from marginrules.client import Client
from tests.cli.test_cli import lines, run
from tests.client.served import mark, serving
from tests.service.changing import PEOPLE, book, policy


@pytest.fixture
def keys(tmp_path: Path) -> dict[str, str]:
    """A key for everybody, made by the command; their public keys."""
    return {name: run("key", "new", tmp_path / f"{name}.pem").stdout.strip() for name in PEOPLE}


@pytest.fixture
def served(tmp_path: Path, keys: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """A server that asks for signatures and approvals."""
    path = tmp_path / "policy.yaml"
    path.write_text(policy("required", **keys))
    monkeypatch.chdir(tmp_path)
    with serving(policy=path) as (_, address), Client(address) as client:
        monkeypatch.setenv("MARGINRULES_ADDRESS", address)
        yield client


def by(who: str, *words: object) -> Result:
    """Run a command as a person, with their key."""
    return run(*words, "--who", who, "--why", "test", "--key", f"{who}.pem")


def test_key_is_for_its_owner(tmp_path: Path) -> None:
    """The private key can be read by nobody else, and is never overwritten."""
    path = tmp_path / "k.pem"
    public = run("key", "new", path).stdout.strip()
    assert len(public) == 44
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    content = path.read_bytes()
    again = run("key", "new", path)
    assert (again.exit_code, "MR-I120" in again.stderr, path.read_bytes()) == (1, True, content)


def test_from_proposal_to_rollback(served: Client) -> None:
    """A looser change: proposed, refused to its author, approved by two, applied, shown, taken back."""
    Path("new.yaml").write_text(book(9))
    made = by("ann", "change", "propose", "new.yaml")
    assert made.exit_code == 0, made.output
    assert "CH-1, proposed" in made.stdout
    assert "needs       1 of committee and 1 of risk" in made.stdout
    assert "the rulebook: initial margin " in made.stdout
    unsigned = run("change", "approve", "CH-1", "--who", "bob", "--why", "x")
    assert (unsigned.exit_code, "MR-I156" in unsigned.stderr) == (1, True)
    own = by("ann", "change", "approve", "CH-1")
    assert (own.exit_code, "MR-I153" in own.stderr) == (1, True)
    early = by("ann", "change", "apply", "CH-1")
    assert (early.exit_code, "[MR-I152] CH-1 needs 1 of committee and 1 of risk" in early.stderr) == (1, True)
    assert by("bob", "change", "approve", "CH-1").exit_code == 0
    assert "CH-1, approved" in by("cem", "change", "approve", "CH-1").stdout
    assert run("change", "show", "CH-1", "--text").stdout == book(9)
    assert "CH-1" in run("change", "list").stdout
    applied = by("ann", "change", "apply", "CH-1")
    assert "CH-1, active" in applied.stdout
    shown = run("status").stdout
    assert "revision 2" in shown
    assert "approved    bob (" in shown
    assert "policy      test: signed, 1 of risk and 1 of committee where looser" in shown
    (status,) = lines(run("status", "--json"))
    assert [one["who"] for one in status["active"]["approvals"]] == ["bob", "cem"]
    back = by("dia", "rulebook", "rollback")
    assert (back.exit_code, back.stdout.startswith("active: revision 3")) == (0, True), back.output
    assert run("change", "list").stdout.count("CH-1") == 0
    assert run("change", "list", "--all").stdout.count("CH-1") == 1
    heard = run("watch", "--until-now").stdout
    assert "change_approved" in heard
    assert "bob: test" in heard
    assert served.status().active_digest != status["active"]["digest"]


def test_amend_schedule_withdraw(served: Client) -> None:
    """An edit revokes; a change is scheduled, taken off, withdrawn."""
    Path("new.yaml").write_text(book(9))
    by("ann", "change", "propose", "new.yaml")
    by("bob", "change", "approve", "CH-1")
    Path("new.yaml").write_text(book(11))
    amended = by("cem", "change", "amend", "CH-1", "new.yaml")
    assert "authors     ann, cem" in amended.stdout
    assert "needs       1 of risk\n" in amended.stdout
    by("bob", "change", "approve", "CH-1")
    scheduled = by("ann", "change", "apply", "CH-1", "--at", "2027-01-01T00:00:00Z")
    assert "activates   2027-01-01T00:00:00Z, by ann" in scheduled.stdout
    assert "scheduled   CH-1 at 2027-01-01T00:00:00Z" in run("status").stdout
    assert "CH-1, approved" in by("ann", "change", "apply", "CH-1", "--not-at-its-time").stdout
    assert by("ann", "change", "apply", "CH-1", "--not-at-its-time", "--at", "2027-01-01T00:00:00Z").exit_code == 2
    assert "CH-1, withdrawn" in by("ann", "change", "withdraw", "CH-1").stdout
    Path("bad.yaml").write_text("rulebook: x\n")
    assert by("ann", "change", "propose", "bad.yaml").exit_code == 1
    del served


def test_break_glass(served: Client) -> None:
    """Loud at once, and in the status."""
    Path("new.yaml").write_text(book(7))
    broken = by("ann", "break-glass", "new.yaml", "--expires", "1h")
    assert broken.stdout.startswith("CH-1 is active without approval until ")
    assert "it needs 1 of committee and 1 of risk: marginrules change approve CH-1" in broken.stdout
    assert "GLASS       CH-1 is active without approval" in run("status").stdout
    assert "nobody" in run("rulebook", "list").stdout
    del served


def test_calls_migrate(served: Client) -> None:
    """A dry run shows every call; the move needs a person."""
    mark(served, 93.0)
    assert "no open call keeps an older rulebook" in run("calls", "migrate", "--dry-run").stdout
    Path("new.yaml").write_text(book().replace("4h", "8h"))
    by("ann", "change", "propose", "new.yaml")
    by("bob", "change", "approve", "CH-1")
    by("cem", "change", "approve", "CH-1")
    by("ann", "change", "apply", "CH-1")
    shown = run("calls", "migrate", "--dry-run").stdout
    assert [shown.count(f"a{number}#1") for number in range(3)] == [1, 1, 1]
    assert run("calls", "migrate").exit_code == 2
    assert by("ann", "calls", "migrate", "a0", "a1").stdout == "moved: 2 pools\n"
    assert len(lines(run("calls", "migrate", "--dry-run", "--json"))) == 1
    assert "a0#1" in run("calls").stdout
