# SPDX-License-Identifier: Apache-2.0
"""Lint over the wire: the findings and pages are those of the function that the server calls."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from marginrules.authoring.lint import lint
from marginrules.authoring.lint.pages import pages
from marginrules.errors import InputError
from tests.client.served import CLIENTS, ROOT, SMALLEST, connected, serving

MEANING = ROOT / "tests/rulebooks/meaning"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A server with the smallest book."""
    with serving() as (_, at):
        yield at


@pytest.fixture(params=CLIENTS)
def client(request: pytest.FixtureRequest, address: str) -> Iterator[Any]:
    """Each kind of client."""
    with connected(request.param, address) as made:
        yield made


def test_findings_come_whole(client: Any) -> None:
    """Every field of a finding comes over the wire."""
    for path in sorted(MEANING.glob("*.yaml"))[::9]:
        text = path.read_bytes()
        assert client.lint_rulebook(text, path.name) == list(lint(text, path.name))
    leveled = MEANING.joinpath("MR-L103-clear-written-equal-to-below.yaml").read_bytes()
    leveled += b"lint: {MR-L103: {level: note, because: agreed}}\n"
    (found,) = client.lint_rulebook(leveled)
    assert (found.file, found.level.word, found.because) == ("rulebook.yaml", "note", "agreed")


def test_former_books(client: Any) -> None:
    """The former book is sent, or is the active one."""
    text, former = SMALLEST.read_bytes(), MEANING.joinpath("former.txt").read_bytes()
    assert client.lint_rulebook(text, against_active=True) == []
    assert client.lint_rulebook(former, "a", against=text) == client.lint_rulebook(former, "a", against_active=True)
    assert client.lint_rulebook(former, "a", against=text) == list(lint(former, "a", text))


def test_pages(client: Any) -> None:
    """Every page comes, and one alone; an unknown rule is refused."""
    found = client.rules()
    assert [(one.rule, one.title, one.level, one.markdown) for one in found] == [
        (one.rule, one.title, one.level, one.markdown) for one in pages().values()
    ]
    assert client.rule("L101") == found[0]
    with pytest.raises(InputError) as refused:
        client.rule("L999")
    assert refused.value.code == "MR-I165"
