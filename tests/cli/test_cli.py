# SPDX-License-Identifier: Apache-2.0
"""The command line: what each command prints, for people and as JSON, and the code it ends with."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import click
import pytest
from click.testing import CliRunner, Result

from marginrules import __version__
from marginrules.cli.main import main
from marginrules.client import Client
from marginrules.journal import SqliteJournal, read_entries
from marginrules.limits import every_limit
from marginrules.rulebook import load
from marginrules.server.app import Server
from tests.client.served import ROOT, SMALLEST, mark, order, serving

COMMANDS = tuple(main.commands)
DEFAULT = ("calls", "list")  # what `calls` does without a word
GROUPS = {name: one for name, one in main.commands.items() if isinstance(one, click.Group)}
WITH_HELP = (
    *COMMANDS,
    *(f"{name} {inner}" for name, group in GROUPS.items() for inner in group.commands if (name, inner) != DEFAULT),
)
PERSON = ("--who", "J. Doe", "--why", "test")
DESK = ("accounts", "calls", "watch")


def run(*words: object) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(main, [str(word) for word in words])


def lines(result: Result) -> list[Any]:
    """Return what a command printed as JSON lines."""
    assert result.exit_code in (0, 1), result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    """Write a rulebook with one mistake."""
    path = tmp_path / "bad.yaml"
    path.write_bytes(SMALLEST.read_bytes().replace(b"restrict", b"restict"))
    return path


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """Record a book with an order, a fall and its calls; the server is gone."""
    path = tmp_path / "journal.db"
    with serving(journal=path) as (_, address), Client(address) as client:
        client.check_order("a1", order(10.0), hold=True)
        mark(client, 93.0)
    return path


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Server, Client]]:
    """Serve a book whose accounts have calls, at the address that commands use by themselves."""
    with serving() as (server, address), Client(address) as client:
        monkeypatch.setenv("MARGINRULES_ADDRESS", address)
        mark(client, 93.0)
        yield server, client


# Help


@pytest.mark.parametrize("name", [one for one in WITH_HELP if one not in GROUPS])
def test_help_shows_how(name: str) -> None:
    """The help of every command has an example that begins with it, `--json`, and what the exit codes mean."""
    result = run(*name.split(), "--help")

    assert result.exit_code == 0
    assert f"\n    marginrules {name}" in result.output
    for part in ("Examples:", "--json", "Exit codes:", "69  no server answered", "70  the journal cannot be used"):
        assert part in result.output


def test_every_command_is_listed() -> None:
    """The group lists its commands, each with a sentence that is not cut off."""
    result = run("--help")

    assert sorted(COMMANDS) == re.findall(r"^  ([a-z][a-z-]+) +[A-Z].*\.$", result.output, re.MULTILINE)


def test_version_and_wrong_usage() -> None:
    """The version is that of the package; a wrong option or file is wrong usage."""
    assert __version__ in run("--version").output
    assert [
        run(*words).exit_code for words in (["check"], ["check", "absent.yaml"], ["calls", "--extend-to", "soon"])
    ] == [
        2,
        2,
        2,
    ]


def test_module_is_the_command() -> None:
    """`python -m marginrules` does what `marginrules` does."""
    result = subprocess.run(
        [sys.executable, "-m", "marginrules", "--version"], capture_output=True, text=True, check=True
    )

    assert result.stdout == f"marginrules, version {__version__}\n"


# The market


def test_closes_from_a_file(served: tuple[Server, Client], tmp_path: Path) -> None:
    """A file of closes is published whole; --append adds newer ones; what is wrong is told with its line."""
    path, closes = tmp_path / "btc.csv", served[0].service.shard.book.closes
    path.write_text("Date,Close,Volume\n2020-02-20,101.5,7\n2020-02-19,100,7\n\n")

    result = run("closes", path, "--name", "BTC")
    assert result.output == "BTC: 2 closes from 2020-02-19T00:00:00Z to 2020-02-20T00:00:00Z\n"
    assert run("closes", path, "--name", "BTC").exit_code == 0
    assert list(closes["BTC"].closes) == [100.0, 101.5]
    path.write_text("date,settle\n2020-02-21T21:00:00Z,1.1e2\n")
    appended = run("closes", path, "--name", "BTC", "--append", "--column", "settle", "--json")
    assert lines(appended)[0]["count"] == 1
    assert list(closes["BTC"].closes) == [100.0, 101.5, 110.0]
    path.write_text("date,close\n2020-02-22,100\n2020-02-23,nan\n")
    result = run("closes", path, "--name", "BTC", "--append")
    assert (result.exit_code, "line 3: close was 'nan'" in result.output) == (1, True)
    assert len(closes["BTC"].closes) == 3


# Rulebooks


def test_check_accepts(tmp_path: Path) -> None:
    """An accepted rulebook is named with its digest; JSON carries the same."""
    digest = load(SMALLEST.read_bytes(), "x").digest
    result = run("check", SMALLEST)
    (found,) = lines(run("check", "--json", SMALLEST))

    assert (result.exit_code, result.stdout) == (0, f"{SMALLEST}: ok, smallest {digest}\n")
    assert found == {"file": str(SMALLEST), "rulebook": "smallest", "digest": digest, "diagnostics": []}


def test_check_refuses(bad: Path) -> None:
    """A refused rulebook is shown with place, caret and hint, without colour in a pipe; the others are checked too."""
    result = run("check", bad, SMALLEST)
    first, second = lines(run("check", "--json", bad, SMALLEST))

    assert result.exit_code == 1
    assert "\x1b" not in result.stdout
    assert "error[MR-R301]" in result.stdout
    assert "        restict: reduce_only" in result.stdout
    assert "^^^^^^^" in result.stdout
    assert "did you mean 'restrict'?" in result.stdout
    assert f"{SMALLEST}: ok" in result.stdout
    assert [one["code"] for one in first["diagnostics"]] == ["MR-R301"]
    assert second["diagnostics"] == []


def test_check_points_into_a_formula() -> None:
    """A mistake inside a formula has the place of its operator, in JSON as on the terminal."""
    path = ROOT / "tests/rulebooks/bad/MR-R404-amount-and-rate.yaml"
    result = run("check", path)
    (found,) = lines(run("check", "--json", path))

    assert result.exit_code == 1
    (one,) = found["diagnostics"]
    assert (one["code"], one["line"], one["column"], one["width"]) == ("MR-R404", 12, 25, 1)
    assert one["source"][one["column"] - 1] == "+"
    assert one["hint"] == "did you mean notional * 5%?"
    assert one["message"] in result.stdout


def test_colour_on_a_terminal(bad: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where colour is wanted the problem is coloured; NO_COLOR takes it back."""
    coloured = CliRunner().invoke(main, ["check", str(bad)], color=True)
    monkeypatch.setenv("NO_COLOR", "1")
    plain = CliRunner().invoke(main, ["check", str(bad)], color=True)

    assert "\x1b[31m" in coloured.stdout
    assert "\x1b" not in plain.stdout


# Journals


def test_verify_names_the_head(journal: Path) -> None:
    """A chain that holds is reported with its length and head, which a later run can be compared with."""
    (found,) = lines(run("verify", "--json", journal))
    with sqlite3.connect(journal) as connection:
        count, head = connection.execute("SELECT max(seq), hash FROM entries").fetchone()
    connection.close()

    assert found == {"journal": str(journal), "entries": count, "head": head.hex(), "problem": ""}
    assert run("verify", journal).stdout == f"entries  {count}\nhead     {head.hex()}\n"


@pytest.mark.parametrize("command", ["verify", "replay"])
def test_reading_leaves_no_trace(command: str, journal: Path, tmp_path: Path) -> None:
    """A copy of the file alone is a whole journal, and reading it makes no file and changes none."""
    copy = tmp_path / "elsewhere" / "a copy #1 of 100%?.db"
    copy.parent.mkdir()
    shutil.copy(journal, copy)
    before = copy.read_bytes()

    assert lines(run(command, "--json", copy)) == [
        {**found, "journal": str(copy)} for found in lines(run(command, "--json", journal))
    ]
    assert copy.read_bytes() == before
    assert list(copy.parent.iterdir()) == [copy]


@pytest.mark.parametrize("command", ["verify", "replay"])
def test_reading_beside_a_server(command: str, tmp_path: Path) -> None:
    """A journal can be read while a server holds it, up to what is durable."""
    path = tmp_path / "held.db"
    with serving(journal=path) as (server, address), Client(address) as client:
        mark(client, 93.0)
        (found,) = lines(run(command, "--json", path))
        assert found["entries"] == server.journal.durable_seq
        assert client.check_order("a1", order(-1.0), hold=True).held


@pytest.mark.parametrize("body", ["CAST(replace(body, '1000.0', '9000.0') AS BLOB)", "'text'", "17", "x'00'"])
def test_altered_entry_is_named(journal: Path, body: str) -> None:
    """A changed value is a problem: both commands name the entry at which the chain breaks."""
    with sqlite3.connect(journal) as connection:
        connection.execute(f"UPDATE entries SET body = {body} WHERE kind = 'accounts'")  # noqa: S608 - of this test
    connection.close()
    verified, replayed = run("verify", journal), run("replay", journal)

    assert (verified.exit_code, replayed.exit_code) == (1, 1)
    assert "entry 4" in verified.stdout
    assert "entry 4" in replayed.stdout


def test_replay_counts_decisions(journal: Path) -> None:
    """Every recorded decision is computed again, and comes out the same."""
    (found,) = lines(run("replay", "--json", journal))
    result = run("replay", journal)

    # The first rulebook; one held order; for each of three accounts a step, a restriction and a call.
    assert (found["entries"], found["decisions"], found["differences"]) == (6, 11, 0)
    assert (result.exit_code, result.stdout) == (0, "entries      6\ndecisions    11\ndifferences  0\n")


def test_replay_shows_what_differs(journal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A decision that comes out otherwise is counted and shown, and the command fails."""
    monkeypatch.setattr("marginrules.service.shard.FUTURE_NS", -(1 << 62))
    refused = run("replay", journal)
    monkeypatch.undo()
    monkeypatch.setattr("marginrules.service.shard.decision_data", lambda _: {"accepted": False})
    (found,) = lines(run("replay", "--json", journal))

    assert refused.exit_code == 1
    assert "entry 3: prices at " in refused.stdout
    assert "is refused now: [MR-I119]" in refused.stdout
    assert found["differences"] == 1
    assert found["first"][0].startswith("entry 5: hold at ")


@pytest.mark.parametrize("command", ["verify", "replay"])
def test_not_a_journal(command: str, tmp_path: Path) -> None:
    """Anything that is not a journal of this format is a storage failure, not a broken chain."""
    other, newer = tmp_path / "other.db", tmp_path / "newer.db"
    for path, statement in ((other, "CREATE TABLE t (x)"), (newer, "PRAGMA user_version = 99")):
        connection = sqlite3.connect(path)
        connection.execute("CREATE TABLE entries (seq)" if path is newer else statement)
        connection.execute(statement if path is newer else "SELECT 1")
        connection.close()
    results = [run(command, path) for path in (SMALLEST, other, newer)]

    assert [one.exit_code for one in results] == [70, 70, 70]
    assert [code in one.stderr for code, one in zip(("MR-S101", "MR-S101", "MR-S103"), results, strict=True)] == [
        True
    ] * 3


# Serving


def test_limits() -> None:
    """Every limit is printed by name, and nothing is served."""
    assert [line.split(" = ")[0] for line in run("serve", "--limits").stdout.splitlines()] == list(every_limit())
    assert lines(run("serve", "--limits", "--json")) == [every_limit()]


def test_serve_until_told_to_stop(tmp_path: Path) -> None:
    """The banner says what is served where; SIGTERM ends it with 0, and the journal is whole."""
    journal = tmp_path / "j.db"
    words = [sys.executable, "-m", "marginrules", "serve", str(SMALLEST), "--journal", str(journal)]
    words += ["--port", "0", "--metrics-port", "0", "--json"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        banner = json.loads(process.stdout.readline())
        accounts = run("accounts", "--address", banner["address"], "--json")
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0

    assert (banner["rulebook"], banner["revision"], banner["journal"]) == ("smallest", 1, str(journal))
    assert (accounts.exit_code, accounts.stdout) == (0, "")
    assert lines(run("verify", "--json", journal))[0]["entries"] == 1


def test_serve_says_that_the_journal_keeps_another_rulebook(tmp_path: Path) -> None:
    """A journal keeps its rulebook, which is said with the way to switch; that way works, and then nothing is said."""
    journal, other = tmp_path / "j.db", tmp_path / "other book.yaml"
    other.write_text(SMALLEST.read_text(encoding="utf-8").replace("5%}", "6%}"), encoding="utf-8")
    with serving(journal=journal):
        pass
    with served_by_command(other, journal) as (banner, stderr):
        told = stderr.readline() + stderr.readline()
        assert f"{other} is not served: {journal} keeps revision 1 active (smallest, from rulebook.yaml)" in told
        (way,) = re.findall(r"^  marginrules (rulebook activate .*) --who NAME --why REASON$", told, re.MULTILINE)
        assert run(*shlex.split(way), *PERSON).exit_code == 0
    with served_by_command(other, journal) as (again, stderr):
        pass

    assert (banner["revision"], banner["keeps_another_rulebook"]) == (1, True)
    assert (again["revision"], again["keeps_another_rulebook"]) == (2, False)


def test_metrics_are_where_the_banner_says(unused_port: int) -> None:
    """The page of metrics is on loopback, whatever the services listen on, and the banner says so."""
    with served_by_command(SMALLEST, None, "--host", "localhost", metrics_port=unused_port) as (banner, _):
        assert banner["metrics"] == f"http://127.0.0.1:{unused_port}/metrics"
        with urllib.request.urlopen(banner["metrics"], timeout=10) as page:  # noqa: S310 - our own
            assert b"marginrules_checks" in page.read()


@contextmanager
def served_by_command(
    rulebook: Path, journal: Path | None, *more: str, metrics_port: int = 0
) -> Iterator[tuple[dict[str, Any], IO[str]]]:
    """Run `marginrules serve`; yield its banner and its standard error, which must be read to its end by then."""
    words = [sys.executable, "-m", "marginrules", "serve", str(rulebook), *more, "--json", "--port", "0"]
    words += ["--metrics-port", str(metrics_port), *(("--journal", str(journal)) if journal else ())]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            yield json.loads(process.stdout.readline()), process.stderr
        finally:
            process.terminate()
        assert process.wait(20) == 0
        assert process.stderr.read() == ""


def test_journal_closed_by_two(tmp_path: Path) -> None:
    """A journal that two threads close at once is closed once, and whole."""
    for number in range(20):
        journal = SqliteJournal(tmp_path / f"{number}.db", lambda _: None)
        journal.append(1, "tick", "", 0, b"{}")
        closers = [threading.Thread(target=journal.close) for _ in range(4)]
        for one in closers:
            one.start()
        for one in closers:
            one.join()
        assert [one.seq for one in read_entries(tmp_path / f"{number}.db")] == [1]


def test_serve_refuses(bad: Path, tmp_path: Path) -> None:
    """A refused rulebook is shown and ends with 1; a journal that cannot be opened ends with 70."""
    refused = run("serve", bad, "--journal", tmp_path / "j.db")
    nowhere = run("serve", "--journal", tmp_path / "absent" / "j.db")

    assert (refused.exit_code, "error[MR-R301]" in refused.stderr) == (1, True)
    assert (nowhere.exit_code, "MR-S101" in nowhere.stderr) == (70, True)


# The desk


@pytest.mark.parametrize("name", DESK)
def test_no_server(name: str, unused_port: int) -> None:
    """Where no server answers, the command says so and ends with 69."""
    result = run(name, "--address", f"127.0.0.1:{unused_port}")

    assert result.exit_code == 69
    assert "is a server running at this address?" in result.stderr


def test_accounts(served: tuple[Server, Client]) -> None:
    """Accounts are listed with figures and step, for people and as JSON; one is shown with all it has."""
    listed = run("accounts", "--escalated").stdout
    found = lines(run("accounts", "--json"))
    (one,) = lines(run("accounts", "a1", "--json"))
    shown = run("accounts", "a1").stdout

    assert re.search(r"a1 +default +cross +440\.00 +744\.00 +372\.00 +118\.28% +margin_call +reduce_only", listed)
    assert [(row["account_id"], row["assessment"]["ladder_step"]) for row in found] == [
        (name, "margin_call") for name in ("a0", "a1", "a2")
    ]
    assert found[0]["assessment"]["restriction"] == "reduce_only"
    assert one["account"]["pools"][0]["positions"][0]["quantity"] == 80.0
    assert one["assessments"][""]["liquidation_prices"][0]["price"] == pytest.approx(92.1052631579)
    assert re.search(r"cross +BTC-PERP +80 +100 +- +92\.105", shown)
    assert run("accounts", "nobody").exit_code == 1


def test_figures_that_cannot_be_used(served: tuple[Server, Client], monkeypatch: pytest.MonkeyPatch) -> None:
    """An assessment that is not valid shows the reason and no figure."""
    late = time.time_ns() + 3_600_000_000_000
    monkeypatch.setattr(served[0].service.clock, "now_ns", lambda: late, raising=False)

    shown = run("accounts").stdout
    assert re.search(r"a1 +default +cross +- +- +- +stale_price +margin_call", shown)


def test_calls(served: tuple[Server, Client]) -> None:
    """Calls are listed, shown and acted on; amounts are exact."""
    rows = lines(run("calls", "--json"))
    acted = run("calls", "a1#1", "--acknowledge", "--who", "desk", "--why", "phoned")
    due = lines(run("calls", "a1#1", "--extend-to", "2099-12-01T17:00:00Z", "--who", "d", "--why", "w", "--json"))
    waived = run("calls", "a2#1", "--waive", "--who", "head", "--why", "in error")

    assert [(row["call_id"], row["status"], row["amount"]) for row in rows] == [
        (f"a{number}#1", "open", "304.00") for number in range(3)
    ]
    assert re.search(r"a1#1 +margin_call +first +open +304\.00 +0(\.00)? +\S+Z +desk", acted.stdout)
    assert due[0]["due_ns"] == 4_099_827_600_000_000_000
    assert " waived " in waived.stdout
    assert len(lines(run("calls", "--json"))) == 2
    assert len(lines(run("calls", "--all", "--json"))) == 3
    assert [row["call_id"] for row in lines(run("calls", "--account", "a0", "--json"))] == ["a0#1"]


def test_transfer_between_pools(served: tuple[Server, Client]) -> None:
    """Collateral moves between pools of an account; a transfer without all it needs is wrong usage."""
    mark(served[1], 100.0)  # out of the call that restricts the pool
    there = ("--transfer", "10", "--asset", "USD", "--from", "cross", "--to", "BTC-PERP")
    (moved,) = lines(run("accounts", "a2", *there, *PERSON, "--json"))
    assert moved == {"account": "a2", "credited": "10.00"}
    assert run("accounts", "a2", *there).exit_code == 2
    assert run("accounts", *there, *PERSON).exit_code == 2
    assert run("accounts", "a2", "--to", "cross").exit_code == 2
    back = run("accounts", "a2", "--transfer", "10", "--asset", "USD", "--from", "BTC-PERP", "--to", "cross", *PERSON)
    assert "it adds 10.00 to the equity" in back.output


def test_deposit_for_a_call(served: tuple[Server, Client]) -> None:
    """A deposit goes to the pool that was called, and the call is shown as it stands then."""
    (part,) = lines(run("calls", "a1#1", "--deposit", "10", "--asset", "USD", *PERSON, "--json"))
    (rest,) = lines(run("calls", "a1#1", "--deposit", "294.0", "--asset", "USD", *PERSON, "--json"))
    without_asset = run("calls", "a1#1", "--deposit", "100", *PERSON)
    of_nothing = run("calls", "a1#1", "--deposit", "0", "--asset", "USD", *PERSON)

    assert (part["status"], part["amount"], part["deposited"]) == ("open", "304.00", "10.00")
    assert rest["status"] == "met"
    assert (without_asset.exit_code, of_nothing.exit_code) == (2, 2)


# Rulebooks of a server


def test_rulebooks_of_a_server(served: tuple[Server, Client], bad: Path, tmp_path: Path) -> None:
    """A rulebook is activated and rolled back by a person, each as a new revision; a refused one changes nothing."""
    other = tmp_path / "other.yaml"
    other.write_text(SMALLEST.read_text(encoding="utf-8").replace("5%}", "6%}"), encoding="utf-8")
    refused = run("rulebook", "activate", bad, *PERSON)
    activated = run("rulebook", "activate", other, *PERSON)
    (back,) = lines(run("rulebook", "rollback", 1, *PERSON, "--json"))
    rows = lines(run("rulebook", "list", "--json"))
    shown = run("rulebook", "list").stdout

    assert (refused.exit_code, "error[MR-R301]" in refused.stderr) == (1, True)
    assert re.fullmatch(r"active: revision 2, digest [0-9a-f]{64}\n", activated.stdout)
    assert back["revision"] == 3
    assert [(row["revision"], row["who"], row["is_active"]) for row in rows] == [
        (1, "serve", False),
        (2, "J. Doe", False),
        (3, "J. Doe", True),
    ]
    assert rows[0]["digest"] == rows[2]["digest"] == back["digest"] != rows[1]["digest"]
    assert re.search(r"3 +yes +smallest +rulebook\.yaml +\S+Z +J\. Doe +test", shown)
    assert run("rulebook", "activate", other).exit_code == 2
    assert run("rulebook", "rollback", 9, *PERSON).exit_code == 1


def test_acts_need_a_person(served: tuple[Server, Client]) -> None:
    """An act without call, person or reason is wrong usage, and so are two acts; one that is refused ends with 1."""
    person = ("--who", "desk", "--why", "so")

    assert run("calls", "a1#1", "--waive", "--who", "desk").exit_code == 2
    assert run("calls", "--waive", *person).exit_code == 2
    assert run("calls", "a1#1", "--waive", "--acknowledge", *person).exit_code == 2
    refused = run("calls", "a1#9", "--waive", *person)
    assert (refused.exit_code, "MR-I111" in refused.stderr) == (1, True)


def test_watch(served: tuple[Server, Client]) -> None:
    """Events come one in a line, and go on after the last position that was seen."""
    found = lines(run("watch", "--until-now", "--json"))
    rest = lines(run("watch", "--until-now", "--json", "--after", found[4]["position"]))
    shown = run("watch", "--until-now").stdout.splitlines()

    assert rest == found[5:]
    assert [one["kind"] for one in found[1:4]] == ["step_entered", "call_issued", "restricted"]
    assert len(shown) == len(found) == 10
    assert re.search(r"call_issued +a0#1  margin_call  304\.00  due \S+Z  \(main:\d+\)$", shown[2])
    assert re.search(r"rulebook_activated +serve: given at the start$", shown[0])
