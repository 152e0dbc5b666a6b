# SPDX-License-Identifier: Apache-2.0
"""`explain` and `replay` of decisions: a server, a journal and a file of decisions answer alike."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from marginrules.client import Client
from marginrules.service.record import redecide
from tests.cli.test_cli import lines, run
from tests.client.served import mark, order, serving


def test_server_journal_and_file_answer_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same question prints the same, whoever is asked; replaying the file finds no difference, or says which."""
    journal, decisions = tmp_path / "m.db", tmp_path / "decisions.jsonl"
    with serving(journal=journal, decisions=decisions) as (server, address), Client(address) as client:
        monkeypatch.setenv("MARGINRULES_ADDRESS", address)
        client.check_order("a0", order(10.0))
        client.check_order("a1", order(5_000.0))
        client.check_order("nobody", order(1.0))
        asked = run("explain", "a1", "--order", "BTC-PERP:5000")
        assert asked.exit_code == 0
        assert "order to buy 5000 BTC-PERP at the mark: refused" in asked.stdout
        mark(client, 88.5)
        then = run("explain", "a0").stdout
        moment = server.service.now_ns()
        mark(client, 100.0)
        (found,) = lines(run("explain", "a0", "--json"))
        (record,) = lines(run("explain", "a0", "--order", "BTC-PERP:-2@99", "--record"))
        assert redecide(record) == ""
        past = client.explain("a0", time_ns=moment)
    assert found["account"] == "a0"
    assert past.words[1:] == tuple(then.splitlines())[1:]
    assert run("replay", decisions).stdout.split() == ["entries", "2", "decisions", "2", "differences", "0"]
    shown = run("explain", "--decisions", decisions, "--line", "2").stdout
    assert "a1 at " in shown
    assert "refused: equity would not cover initial margin" in shown
    late = run("explain", "a0", "--journal", journal)
    assert late.exit_code == 0
    assert "a0 at " in late.stdout
    changed = json.loads(decisions.read_text(encoding="utf-8").splitlines()[0])
    changed["decision"]["equity_before"] += 1.0
    decisions.write_text(json.dumps(changed) + "\n", encoding="utf-8")
    result = run("replay", decisions)
    assert result.exit_code == 1
    assert "line 1: equity_before was " in result.stdout
    (found,) = lines(run("replay", decisions, "--json"))
    assert found["differences"] == 1


def test_wrong_questions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unknown accounts, times in the future, orders that are none and files without the line are refused in words."""
    with serving() as (_, address):
        monkeypatch.setenv("MARGINRULES_ADDRESS", address)
        assert "account 'nobody' is not known" in run("explain", "nobody").stderr
        assert "in the future" in run("explain", "a0", "--at", "2090-01-01T00:00:00Z").stderr
        assert "nothing had happened by 1971" in run("explain", "a0", "--at", "1971-01-01T00:00:00Z").stderr
        assert run("explain", "a0", "--order", "BTC-PERP").exit_code == 2
        assert run("explain").exit_code == 2
    empty = tmp_path / "none.jsonl"
    empty.write_text("", encoding="utf-8")
    assert "has no decision on line 1" in run("explain", "--decisions", empty).stderr


def test_files_that_are_none(tmp_path: Path) -> None:
    """An empty file has no decisions yet; one that is not text is refused in words, by every command that reads it."""
    empty, binary = tmp_path / "empty.jsonl", tmp_path / "binary.jsonl"
    empty.write_bytes(b"")
    binary.write_bytes(b"{\x81\xff\n")
    assert run("replay", empty).stdout.split() == ["entries", "0", "decisions", "0", "differences", "0"]
    for words in (("replay", binary), ("explain", "--decisions", binary), ("test", "--record", f"{binary}:1")):
        result = run(*words)
        assert result.exit_code == 1
        assert "the file is not UTF-8" in result.stderr
