# SPDX-License-Identifier: Apache-2.0
"""A decision becomes a case that passes, wherever on its ladder the pool stood."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from marginrules.authoring.cases import read_cases, run_case
from marginrules.authoring.cases.record import record_case
from marginrules.authoring.cases.run import play
from marginrules.authoring.cases.world import World
from marginrules.errors import InputError
from marginrules.rulebook import load
from marginrules.service import border
from marginrules.service.record import record
from tests.authoring.cases.samples import BOOK, PROGRAM, read

RULES = Path(__file__).parent.parent.parent.parent / "rules"
HEAD = "cases:\n"


def recorded(text: str) -> dict[str, Any]:
    """Return the record of the last step of a case, as it comes from a file."""
    case = read(text)
    world = World(case, PROGRAM, "book.yaml")
    for step in case.steps:
        play(world, step)
    step = case.steps[-1]
    order = border.order(step.order.row()) if step.order else None
    found: dict[str, Any] = json.loads(json.dumps(record(world.shard, step.account, step.pool, world.now_ns, order)))
    return found


@pytest.mark.parametrize("path", sorted(RULES.glob("*/cases.yaml")), ids=lambda path: path.parent.name)
def test_every_moment_of_every_shipped_case_can_be_recorded(path: Path) -> None:
    """Each look of each case that ships, recorded as a server would, makes a case that passes and lacks nothing."""
    program = load(path.with_name("rulebook.yaml").read_bytes(), "rulebook.yaml")
    for case in read_cases(path.read_bytes(), path.name).cases:
        world = World(case, program, "rulebook.yaml")
        for step in case.steps:
            play(world, step)
            order = border.order(step.order.row()) if step.order else None
            found = json.loads(json.dumps(record(world.shard, step.account, step.pool, world.now_ns, order)))
            text = record_case(found)
            assert not text.startswith("  #"), text
            (again,) = read_cases((HEAD + text).encode(), "recorded.yaml").cases
            assert not run_case(program.text, "rulebook.yaml", again, program).failures
            assert again.steps[0].expected


def test_a_case_of_an_open_call() -> None:
    """The whole of a recorded case: market, account, where the ladder stood, and what was decided."""
    text = record_case(
        recorded(
            "  - case: a\n    positions: {BTC-PERP: 1}\n    equity: 590\n    quotes: held\n    steps:\n"
            "      - {at: 1h}\n      - order: {symbol: BTC-PERP, quantity: 1, price: 50_000}\n        expect: {}\n"
        )
    )
    assert (
        text
        == """\
  - case: "example as it stood at 2026-03-02T11:00:00Z"
    start: 2026-03-02T11:00:00Z
    instruments:
      BTC-PERP: {kind: perpetual, underlying: BTC, settlement: USD}
    prices:
      BTC-PERP: {mark: 50000, open_interest: 0}
    accounts:
      example:
        class: retail
        balances:
          USD: 590
        positions:
          BTC-PERP: {quantity: 1, entry_price: 50000}
        entered:
          - {step: warning, ago: 1h}
          - {step: call, ago: 59m30s, call: {amount: 410, due: 2026-03-02T14:00:30Z}}
    steps:
      - expect: {equity: 590, initial_margin: 1000, maintenance_margin: 500, step: call, restriction: reduce_only}
      - order: {symbol: BTC-PERP, quantity: 1, price: 50000, client_order_id: example}
        expect: {accepted: no, reasons: pool_reduce_only}
"""
    )


def test_a_fraction_of_a_second_does_no_harm() -> None:
    """Real times are no whole seconds; a price that was fresh, or stale, by a fraction stays so."""
    found = recorded("  - {case: a, positions: {BTC-PERP: 1}, equity: 900, steps: [{}]}\n")
    for age_ns, reasons in ((59_999_999_999, ""), (60_000_000_000, ""), (60_000_000_001, "stale_price")):
        moment = found["time_ns"] + 700_000_000
        price = found["prices"][0] | {"time_ns": moment - age_ns}
        flags = {"flags": 8 if reasons else 0}
        one = found | {"time_ns": moment, "prices": [price], "assessment": found["assessment"] | flags}
        text = record_case(one)
        assert "#" not in text
        assert ("reasons: stale_price" in text) == bool(reasons)


def test_what_cannot_be_shown_is_said() -> None:
    """A figure that does not come out again is left out with a comment; what is no record is refused."""
    found = recorded("  - {case: a, positions: {BTC-PERP: 1}, equity: 900, steps: [{}]}\n")
    text = record_case(found | {"assessment": found["assessment"] | {"equity": 901.0}})
    assert text.startswith("  # equity was 900\n")
    assert "equity: 901" not in text
    assert "initial_margin: 1000" in text
    with pytest.raises(InputError, match="a decision record lacked"):
        record_case({"record": 1})


def test_an_open_call_under_an_older_rulebook_is_said() -> None:
    """A ladder that an open call pins to an older rulebook is left out; what the new one measures is shown."""
    world = World(read("  - {case: a, positions: {BTC-PERP: 1}, equity: 590, quotes: held, steps: []}\n"), PROGRAM, "b")
    world.go_to(world.now_ns + 60_000_000_000)
    changed = load(BOOK.replace(b"below: 150%", b"below: 140%").replace(b"clear: 160%", b"clear: 150%"), "b")
    world.shard.adopt(changed, "b", "test", "test", world.now_ns)
    text = record_case(json.loads(json.dumps(record(world.shard, "example", "", world.now_ns))))
    assert text.startswith("  # the ladder followed an older rulebook, which an open call kept\n")
    assert "step:" not in text
    (one,) = read_cases((HEAD + text).encode(), "c.yaml").cases
    assert run_case(changed.text, "b", one, changed).is_passed


def test_a_name_may_be_anything() -> None:
    """A name that would mean something in YAML is quoted; the case has it as it was given."""
    found = recorded("  - {case: a, positions: {BTC-PERP: 1}, equity: 900, steps: [{}]}\n")
    for name in ("desk: 12 #3", "no", "- x", "'", '"quoted" {', "50_000"):
        (one,) = read_cases((HEAD + record_case(found, name=name)).encode(), "c.yaml").cases
        assert one.name == name
    assert run_case(BOOK, "book.yaml", one, PROGRAM).is_passed
