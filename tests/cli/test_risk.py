# SPDX-License-Identifier: Apache-2.0
"""Answers for people on the command line, as tables and as JSON."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from marginrules.client import Client
from marginrules.server.app import Server
from tests.cli.test_cli import lines, run
from tests.client.served import mark, serving


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Server, Client]]:
    """Serve three accounts that are long 80 at 100 with 1,000, at the address that commands use by themselves."""
    with serving() as (server, address), Client(address) as client:
        monkeypatch.setenv("MARGINRULES_ADDRESS", address)
        yield server, client


def test_distance(served: tuple[Server, Client]) -> None:
    """The table has each step with its fall and price; JSON has the same figures."""
    result = run("distance", "a1", "--horizon", "10d")
    (found,) = lines(run("distance", "a1", "--json"))
    assert result.exit_code == 0
    for part in ("BTC at 100", "margin_call", "120.00%", "liquidation", "-7.89%", "92.105263", "open positions"):
        assert part in result.stdout
    steps = found["underlyings"][0]["steps"]
    assert [one["step"] for one in steps] == ["margin_call", "liquidation"]
    assert steps[1]["fall"]["price"] == pytest.approx(7_000.0 / 76.0)
    assert steps[1]["rise"] is None


def test_resilience(served: tuple[Server, Client]) -> None:
    """Stresses are read from the command line, named or not."""
    result = run("resilience", "a1", "--stress", "*:-20%:+50%", "--stress", "dip=BTC:-1%")
    (found,) = lines(run("resilience", "a1", "--stress", "*:-20%", "--json"))
    assert result.exit_code == 0
    for part in ("survives 1 of 2, worst is *:-20%:+50%", "dip", "0.395", "liquidation"):
        assert part in result.stdout
    assert [one["survived"] for one in found["results"]] == [False]
    assert found["results"][0]["call"] == "1240.00"


def test_vulnerable(served: tuple[Server, Client]) -> None:
    """The list is in order, cut where asked, and counts the whole book."""
    result = run("vulnerable", "--stress", "crash=BTC:-20%", "--count", "2")
    found = lines(run("vulnerable", "--by", "loss-absorbing", "--all", "--json"))
    assert result.exit_code == 0
    assert "3 pools, 3 below maintenance margin, 0 not assessed" in result.stdout
    assert "a1" in result.stdout
    assert "a2" not in result.stdout
    assert [one["account_id"] for one in found] == ["a0", "a1", "a2"]
    assert found[0]["loss_absorbing"] == pytest.approx((1_000.0 - 400.0) / 8_000.0)


def test_ways_out(served: tuple[Server, Client]) -> None:
    """What restores a call is shown with what it leaves; a ratio may be asked for instead."""
    _, client = served
    mark(client, 93.0)
    call = next(iter(client.calls(only_open=True, account="a1")))
    result = run("ways-out", "a1", "--restore", call.call_id)
    (found,) = lines(run("ways-out", "a1", "--ratio", "150%", "--json"))
    assert result.exit_code == 0
    for part in ("equity 440.00", "deposit one of", "304.00", "reduce one of", "BTC-PERP", "largest orders"):
        assert part in result.stdout
    assert found["missing"] == pytest.approx(1.5 * 372.0 - 440.0)
    assert found["deposits"][0]["amount"] == "118.00"


def test_no_figures_without_prices(served: tuple[Server, Client]) -> None:
    """Where a pool cannot be assessed its reasons are shown, and an unknown account is refused."""
    server, _ = served
    server.service.shard.book.engine.set_prices([], [(0, 100.0, 0, 0.0)])
    for command in (["distance", "a1"], ["ways-out", "a1"], ["resilience", "a1", "--stress", "BTC:-1%"]):
        assert run(*command).stdout == "cannot be assessed: stale_price\n"
    assert "3 not assessed" in run("vulnerable").stdout
    assert run("distance", "nobody").exit_code == 1


@pytest.mark.parametrize("text", ["BTC", "BTC:x", "BTC:-1%:1%:1%", ":-1%", "BTC:-1%,", "x="])
def test_a_stress_that_cannot_be_read_is_wrong_usage(text: str) -> None:
    """A move that is not one is shown with how to write it."""
    result = run("resilience", "a1", "--stress", text)
    assert result.exit_code == 2
    assert "is not a move such as BTC:-30%" in result.stderr


def test_wrong_usage() -> None:
    """A resilience needs a stress; horizons and ratios have their form."""
    assert run("resilience", "a1").exit_code == 2
    assert run("distance", "a1", "--horizon", "soon").exit_code == 2
    assert run("ways-out", "a1", "--ratio", "much").exit_code == 2
