# SPDX-License-Identifier: Apache-2.0
"""Layout and schema over real sockets, by both clients: what they are without a server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from marginrules.authoring.json_schema import schema_text
from marginrules.errors import InputError, RulebookError
from tests.cli.test_cli import run
from tests.client.served import CLIENTS, SMALLEST, connected, serving

TIDY = SMALLEST.read_bytes()
UNTIDY = TIDY.replace(b"currency: USD\n", b'currency:   "USD"\n')


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Serve a book."""
    with serving() as (_, made):
        yield made


@pytest.fixture(params=list(CLIENTS))
def client(request: pytest.FixtureRequest, address: str) -> Iterator[Any]:
    """Connect to the served book."""
    with connected(request.param, address) as made:
        yield made


def test_text_is_laid_out(client: Any) -> None:
    """The server writes the canonical layout."""
    assert client.format_rulebook(UNTIDY) == TIDY
    assert client.format_rulebook(TIDY) == TIDY


def test_text_that_cannot_be_read_is_refused(client: Any) -> None:
    """What is no YAML comes back with its diagnostics; what cannot be written again, with its code."""
    with pytest.raises(RulebookError) as refused:
        client.format_rulebook(b"rulebook: [a\n", "mine.yaml")
    assert [(one.file, one.code) for one in refused.value.diagnostics] == [("mine.yaml", "MR-R201")]
    with pytest.raises((InputError, RulebookError)):
        client.format_rulebook(b"")


def test_schema_is_that_of_here(client: Any) -> None:
    """The server knows the same language."""
    assert client.rulebook_schema() == schema_text()


def test_commands_ask_the_server_they_are_given(address: str, tmp_path: Any) -> None:
    """`fmt` and `schema` with an address do by the server what they do without."""
    file = tmp_path / "untidy.yaml"
    file.write_bytes(UNTIDY)
    assert run("fmt", "--address", address, file).exit_code == 0
    assert file.read_bytes() == TIDY
    assert run("schema", "--address", address).stdout == schema_text()
