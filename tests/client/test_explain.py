# SPDX-License-Identifier: Apache-2.0
"""How a margin comes about and what figures say, over real sockets, by both clients."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from marginrules.client import Client
from marginrules.codes import InstrumentKind, Reason
from marginrules.errors import InputError
from marginrules.model import Account, Instrument, Pool, Position, Price
from marginrules.server.app import Server
from tests.client.served import CLIENTS, connected, serving
from tests.service.answering import DAY
from tests.service.test_explain import TEXT
from tests.service.test_figures import FIGURES


@contextmanager
def grouped(path: Path) -> Iterator[tuple[Server, str]]:
    """Serve a book with strategies and figures: a1 is long 80 perpetuals, b has calls on ETH and a perpetual."""
    path.write_text(TEXT.replace("products:\n", FIGURES + "products:\n"))
    expires = time.time_ns() + 30 * DAY
    listed = [
        Instrument(f"ETH-C{strike}", InstrumentKind.OPTION, "ETH", "USD", 1.0, False, 0.01, expires, strike, "call")
        for strike in (10.0, 11.0)
    ]
    with serving(rulebook=path) as (server, address), Client(address) as client:
        client.define_instruments(listed)
        now = time.time_ns()
        fields = (("forward", 10.0), ("index", 10.0), ("volatility", 0.7))
        marks = [Price(one.symbol, price, now, None, fields) for one, price in zip(listed, (0.8, 0.45), strict=True)]
        client.update_prices(now, [*marks, Price("BTC", 100.0, now), Price("ETH", 10.0, now)])
        client.update_prices(now + 1, [Price("BTC-PERP", 100.0, now)])
        held = (Position("ETH-C10.0", -3.0), Position("ETH-C11.0", 2.0), Position("BTC-PERP", 2.0, 100.0))
        client.update_accounts([Account("b", "default", 1, (Pool("", (("USD", 1_000.0),), held),))])
        yield server, address


@pytest.fixture(params=list(CLIENTS))
def client(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    """Connect to such a book."""
    with grouped(tmp_path / "explain.yaml") as (_, address), connected(request.param, address) as made:
        yield made


def test_explain_margin(client: Any) -> None:
    """Parts, groupings, sums and what is excluded arrive as they are; absent is what there is not."""
    found = client.explain_margin("b")
    assert found.assessment == client.assess("b")
    (position,) = found.positions
    assert (position.symbol, position.initial_margin, position.orders) == ("BTC-PERP", 20.0, 0.0)
    assert (position.value, position.reasons) == (200.0, Reason(0))
    (group,) = found.groups
    assert sorted(group.symbols) == ["ETH-C10.0", "ETH-C11.0"]
    assert group.initial_margin == pytest.approx(4.0)
    initial, maintenance = group.groupings
    assert (initial.requirement, initial.is_proven, maintenance.requirement) == ("initial", True, "maintenance")
    legs = {use.strategy: dict(use.legs) for use in initial.uses}
    assert legs == {"call_spread": {"ETH-C10.0": -2.0, "ETH-C11.0": 2.0}, "short_call": {"ETH-C10.0": -1.0}}
    assert found.initial_margin == pytest.approx(24.0)
    assert found.pool_rule.endswith(" pool")
    assert dict(found.excluded) == {"ETH-C10.0": pytest.approx(-2.4), "ETH-C11.0": pytest.approx(0.9)}
    with pytest.raises(InputError, match="nobody"):
        client.explain_margin("nobody")


def test_figures(client: Any) -> None:
    """Figures come by name, of a position where asked to, with what they are given."""
    found = client.figures("b")
    assert [one.name for one in found.figures] == ["buffer", "least", "moved_to", "size_now", "swept"]
    assert found.figures[0].rows[0].values == (found.assessment.equity - found.assessment.maintenance_margin,)
    (swept,) = client.figures("b", names=["swept"], symbol="BTC-PERP").figures
    assert dict(zip(swept.scenarios, swept.rows[0].values, strict=True)) == pytest.approx(
        {"crash": -40.0, "rally": 50.0, "crashes 3": -10.0}
    )
    given = {"closed": 2.0, "fee": 0.01}
    (cost,) = client.figures("b", names=["closing_cost"], symbol="BTC-PERP", given=given).figures
    assert (cost.of, cost.rows[0].symbols, cost.rows[0].values) == ("position", ("BTC-PERP",), (2.0,))
    for wrong, message in (({"fee": float("nan"), "closed": 1.0}, "was nan"), ({"closed": 1.0}, "fee of figure")):
        with pytest.raises(InputError, match=message):
            client.figures("b", names=["closing_cost"], given=wrong)


def test_no_figures_without_prices(tmp_path: Path) -> None:
    """What cannot be assessed has no sum; only the part that lacks a price has no figures, and says why."""
    with grouped(tmp_path / "explain.yaml") as (server, address), Client(address) as client:
        server.service.shard.book.engine.set_prices([], [(0, 100.0, 0, 0.0)])
        found = client.explain_margin("b")
        assert (found.initial_margin, found.maintenance_margin, found.excluded) == (None, None, ())
        (position,) = found.positions
        assert (position.initial_margin, position.value, position.reasons) == (None, None, Reason.STALE_PRICE)
        assert found.groups[0].initial_margin == pytest.approx(4.0)
        assert all(not one.rows for one in client.figures("b").figures)
