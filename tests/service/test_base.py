# SPDX-License-Identifier: Apache-2.0
"""Activation against a base: the fold itself refuses what was made against another rulebook than the active one."""

from __future__ import annotations

from pathlib import Path

import pytest

from marginrules.errors import InputError
from marginrules.rulebook import load
from marginrules.service.shard import Shard
from marginrules.units import parse_timestamp_ns

TEXT = (Path(__file__).parents[2] / "rules" / "smallest" / "rulebook.yaml").read_text(encoding="utf-8")
NOW = parse_timestamp_ns("2027-01-04T12:00:00Z") or 0
PERSON = {"who": "risk", "why": "test"}
OTHER = TEXT + "\ndescription: another one\n"


def activate(shard: Shard, text: str, **more: str) -> str:
    return str(shard.apply("activate", {"text": text, "file": "r.yaml", **PERSON, **more}, NOW).reply["digest"])


def test_a_rulebook_replaces_the_one_it_was_made_against() -> None:
    shard = Shard()
    first = activate(shard, TEXT, base="")
    assert activate(shard, OTHER, base=first) == load(OTHER.encode(), "r.yaml").digest


def test_nothing_changes_where_another_one_is_active() -> None:
    shard = Shard()
    first = activate(shard, TEXT)
    second = activate(shard, OTHER)
    for base in (first, "", "not a digest"):
        with pytest.raises(InputError, match="MR-I140"):
            activate(shard, TEXT, base=base)
    assert shard.program.digest == second
    assert len(shard.revisions) == 2


def test_without_a_base_anything_is_replaced() -> None:
    shard = Shard()
    activate(shard, TEXT)
    activate(shard, OTHER)
    assert len(shard.revisions) == 2
