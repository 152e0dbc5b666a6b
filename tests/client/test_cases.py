# SPDX-License-Identifier: Apache-2.0
"""Cases over real sockets, by both clients: the same results as here, and refused texts with their diagnostics."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest

from marginrules.authoring.cases import run_suite
from marginrules.errors import CasesError, InputError, RulebookError
from marginrules.rulebook import load
from tests.client.served import CLIENTS, SMALLEST, connected, order, serving

CASES = SMALLEST.with_name("cases.yaml").read_bytes()


@pytest.fixture(params=list(CLIENTS))
def client(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Connect to a served book."""
    with serving() as (_, address), connected(request.param, address) as made:
        yield made


def test_results_are_those_of_here(client: Any) -> None:
    """A given text and the active one give what they give without a server, failures and coverage included."""
    changed = SMALLEST.read_bytes().replace(b"deadline: 4h", b"deadline: 5h")
    assert changed != SMALLEST.read_bytes()
    here = run_suite(load(changed, "b.yaml"), "b.yaml", CASES, "c.yaml")
    there = client.run_cases(CASES, changed, cases_file="c.yaml", rulebook_file="b.yaml", with_coverage=True)
    assert here.failed
    assert [one.failures for one in there.results] == [one.failures for one in here.results]
    assert (there.coverage.total, there.coverage.share) == (here.coverage.total, here.coverage.share)  # type: ignore[union-attr]
    assert [(one.what, one.line) for one in there.coverage.missed] == [
        (one.what, one.line)
        for one in here.coverage.missed  # type: ignore[union-attr]
    ]
    active = client.run_cases(CASES)
    assert active.is_passed
    assert active.coverage is None
    assert dataclasses.replace(active, results=()) == dataclasses.replace(
        client.run_cases(CASES, pattern="-"), results=()
    )


def test_refused_texts(client: Any) -> None:
    """A refused rulebook and refused cases are told apart, each with all of its diagnostics."""
    with pytest.raises(CasesError) as refused:
        client.run_cases(b"cases:\n  - {cas: a}\n", cases_file="mine.yaml")
    assert refused.value.diagnostics[0].file == "mine.yaml"
    assert len(refused.value.diagnostics) > 1
    with pytest.raises(RulebookError) as book:
        client.run_cases(CASES, b"rulebook: x\n", rulebook_file="book.yaml")
    assert not isinstance(book.value, CasesError)
    assert book.value.diagnostics[0].file == "book.yaml"


def test_a_recorded_case_passes(client: Any) -> None:
    """What a server decides now is a case that passes against its rulebook."""
    text = client.record_case("a0", order=order(5_000.0), name="too much")
    assert client.run_cases(("cases:\n" + text).encode()).is_passed
    assert 'case: "too much"' in text
    with pytest.raises(InputError, match="not known"):
        client.record_case("nobody")
