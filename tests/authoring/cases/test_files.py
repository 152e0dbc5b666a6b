# SPDX-License-Identifier: Apache-2.0
"""Cases find their rulebook, and a rulebook its cases."""

from __future__ import annotations

from pathlib import Path

from marginrules.authoring.cases.files import book_of, is_cases, pair_of, pairs_in

CASES = "# worked examples\ncases:\n"


def test_pairs(tmp_path: Path) -> None:
    """`cases.yaml` belongs to `rulebook.yaml`, `x.cases.yaml` to `x.yaml`, and what names a book to that one."""
    for name in ("rulebook.yaml", "x.yaml", "other.yaml"):
        (tmp_path / name).write_text("rulebook: x\n")
    own, named, third = tmp_path / "cases.yaml", tmp_path / "x.cases.yaml", tmp_path / "more.cases.yaml"
    own.write_text(CASES)
    named.write_text(CASES)
    third.write_text("rulebook: 'other.yaml'  # of the desk\n" + CASES)
    assert is_cases(own)
    assert not is_cases(tmp_path / "x.yaml")
    assert [book_of(one).name for one in (own, named, third)] == ["rulebook.yaml", "x.yaml", "other.yaml"]
    assert pair_of(tmp_path / "x.yaml") == (named, tmp_path / "x.yaml")
    assert pair_of(tmp_path / "rulebook.yaml") == (own, tmp_path / "rulebook.yaml")
    assert len(pairs_in(tmp_path)) == 3
    (tmp_path / "x.yaml").unlink()
    assert pair_of(named) is None
    assert len(pairs_in(tmp_path)) == 2


def test_folders_of_books(tmp_path: Path) -> None:
    """Where a folder has no cases of its own, those of the books in `rules/` below it are meant."""
    (tmp_path / "rules" / "a").mkdir(parents=True)
    (tmp_path / "rules" / "a" / "cases.yaml").write_text(CASES)
    (tmp_path / "rules" / "a" / "rulebook.yaml").write_text("rulebook: a\n")
    assert [(one.name, book.name) for one, book in pairs_in(tmp_path)] == [("cases.yaml", "rulebook.yaml")]
    assert pairs_in(tmp_path / "rules") == []
