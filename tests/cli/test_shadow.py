# SPDX-License-Identifier: Apache-2.0
"""`shadow start`, `report` and `stop`: what people and programs read."""

from __future__ import annotations

from pathlib import Path

import pytest

from marginrules.client import Client
from tests.cli.test_cli import PERSON, lines, run
from tests.client.served import SMALLEST, mark, order, serving


def test_a_shadow_from_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Started from a file, read in words and as JSON, and stopped."""
    book = tmp_path / "next.yaml"
    book.write_bytes(SMALLEST.read_bytes().replace(b"initial: 10%, maintenance: 5%", b"initial: 20%, maintenance: 10%"))
    with serving() as (_, address), Client(address) as client:
        monkeypatch.setenv("MARGINRULES_ADDRESS", address)
        assert run("shadow", "report").exit_code == 1
        assert "in shadow: digest " in run("shadow", "start", book, *PERSON).stdout
        assert "0 checks compared, none differs" in run("shadow", "report").stdout
        client.check_order("a0", order(10.0, price=101.0))
        client.check_order("a1", order(500.0))
        mark(client, 94.0)
        shown = run("shadow", "report").stdout
        assert "smallest (next.yaml) in shadow since " in shown
        assert "2 checks compared, 1 differs: 1 accepted now would be refused" in shown
        assert "+10 BTC-PERP at 101" in shown
        assert "refused (insufficient_margin; equity " in shown
        assert "steps by ratio, of 3 pools" in shown
        (found,) = lines(run("shadow", "report", "--json"))
        assert (found["compared"], found["kinds"]["would_refuse"]) == (2, 1)
        assert found["differences"][0]["shadow"]["reasons"] == ["insufficient_margin"]
        watched = run("watch", "--until-now").stdout
        assert "shadow_started" in watched
        assert "file next.yaml, who J. Doe, why test" in watched
        assert "no longer in shadow: digest " in run("shadow", "stop", *PERSON).stdout
        result = run("shadow", "stop", *PERSON)
        assert result.exit_code == 1
        assert "no rulebook is in shadow" in result.stderr
