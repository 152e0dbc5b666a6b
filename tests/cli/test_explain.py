# SPDX-License-Identifier: Apache-2.0
"""Where numbers come from, on the command line: margins, figures and the words of formulas."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from marginrules.client import Client
from marginrules.rulebook.formula.vocabulary import EVERY_FIELD, FUNCTIONS
from marginrules.server.app import Server
from tests.cli.test_cli import lines, run
from tests.client.served import serving
from tests.client.test_explain import grouped


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Server]:
    """Serve a book with strategies and figures at the address that commands use by themselves."""
    with grouped(tmp_path / "explain.yaml") as (server, address):
        monkeypatch.setenv("MARGINRULES_ADDRESS", address)
        yield server


def test_margin(served: Server) -> None:
    """Tables have positions, groups, groupings and sums with their rules; JSON has the same figures."""
    result = run("margin", "b")
    (found,) = lines(run("margin", "b", "--json"))
    assert result.exit_code == 0
    for part in (
        "by tiers",
        "20.00",
        "perpetuals",
        "portfolio grouped",
        "initial margin by desk: 4.00, nothing costs less",
        "call_spread",
        "-2 ETH-C10.0",
        "+2 ETH-C11.0",
        "strategies desk/short_call",
        "left out of equity",
        "sum of the parts",
        "after the pool's formulas",
    ):
        assert part in result.stdout
    assert found["positions"][0]["initial_margin"] == 20.0
    assert found["groups"][0]["groupings"][0]["is_proven"] is True
    served.service.shard.book.engine.set_prices([], [(0, 100.0, 0, 0.0)])
    shown = run("margin", "b").stdout
    assert "cannot be assessed: stale_price" in shown
    assert "sum of the parts" not in shown
    assert run("margin", "nobody").exit_code == 1


@pytest.mark.usefixtures("served")
def test_figures() -> None:
    """All that need nothing come in one table, those with scenarios in one each; inputs are read as people write."""
    result = run("figures", "b")
    assert result.exit_code == 0
    for part in ("buffer", "pool", "size_now", "BTC-PERP", "moved_to (", "crash", "figure swept"):
        assert part in result.stdout
    asked = ("figures", "b", "--name", "closing_cost", "--symbol", "BTC-PERP", "--given")
    (found,) = lines(run(*asked, "closed=2", "--given", "fee=1%", "--json"))
    assert found["figures"][0]["rows"] == [{"symbols": ["BTC-PERP"], "values": [2.0], "reasons": []}]
    (found,) = lines(run("figures", "b", "--name", "is_hedged", "--given", "hedged=yes", "--json"))
    assert found["figures"][0]["rows"][0]["values"] == [1.0]
    (found,) = lines(run(*asked, "closed=12h", "--given", "fee=1", "--json"))
    assert found["figures"][0]["rows"][0]["values"] == [50.0]
    assert "did you mean 'buffer'?" in run("figures", "b", "--name", "bufer").stderr
    assert "give fee: rate" in run(*asked, "closed=2").stderr


def test_figures_of_a_book_without_any(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rulebook without figures is told in words; a pool without prices has none."""
    with serving() as (server, address), Client(address):
        monkeypatch.setenv("MARGINRULES_ADDRESS", address)
        assert run("figures", "a1").stdout == "the rulebook defines no figure that needs no input\n"
        server.service.shard.book.engine.set_prices([], [(0, 100.0, 0, 0.0)])
        assert run("figures", "a1").stdout == "cannot be assessed: stale_price\n"


@pytest.mark.parametrize("given", ["closed", "closed=much", "=2", "closed="])
def test_an_input_that_cannot_be_read_is_wrong_usage(given: str) -> None:
    """An input that is none is shown with how to write it."""
    result = run("figures", "a1", "--given", given)
    assert result.exit_code == 2
    assert "is not an input such as closed=2" in result.stderr


def test_an_input_twice_is_wrong_usage() -> None:
    """Which of two values is meant nobody knows."""
    assert run("figures", "a1", "--given", "closed=2", "--given", "closed=3").exit_code == 2


def test_words() -> None:
    """Every field and function has its unit or signature and a sentence; one word alone is shown alone."""
    result = run("words")
    assert result.exit_code == 0
    found = lines(run("words", "--json"))
    assert {one["word"] for one in found} == EVERY_FIELD.keys() | FUNCTIONS.keys()
    assert all(one["means"].endswith(".") and one["section"] and one["written"] in result.stdout for one in found)
    assert all(bool(one["unit"]) == ("field" in one["section"]) for one in found)
    shown = run("words", "otm").stdout
    assert "max(-right * (index - strike), 0)" in shown
    assert "sqrt" not in shown
    assert len(lines(run("words", "unrealized_pnl", "--json"))) == 2
    assert "KEY is one of underlying" in run("words", "total").stdout


def test_an_unknown_word_is_refused() -> None:
    """The nearest word is suggested."""
    result = run("words", "notionl")
    assert result.exit_code == 1
    assert "did you mean 'notional'?" in result.stderr
