# SPDX-License-Identifier: Apache-2.0
"""`marginrules test`: files, formats, coverage, a server, and cases made of decisions."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from marginrules.client import Client
from tests.cli.test_cli import lines, run
from tests.client.served import ROOT, SMALLEST, order, serving

BOOK = ROOT / "rules" / "crypto-derivatives"
HEAD = "cases:\n"


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """Copy a book that ships, with a call that comes later than its cases say."""
    text = (BOOK / "rulebook.yaml").read_text(encoding="utf-8")
    (tmp_path / "rulebook.yaml").write_text(text.replace("below: 120%", "below: 115%"), encoding="utf-8")
    (tmp_path / "cases.yaml").write_bytes((BOOK / "cases.yaml").read_bytes())
    return tmp_path


def test_a_broken_threshold_is_shown_with_its_line(broken: Path) -> None:
    """A changed threshold fails the case that knows it, with the line of the rule and what was measured."""
    result = run("test", broken, "--run", "linear")
    assert result.exit_code == 1
    assert "step   expected initial_call   got warning" in result.stdout
    book = broken / "rulebook.yaml"
    texts = book.read_text(encoding="utf-8").split("\n")
    line = next(number for number, text in enumerate(texts, start=1) if "step: initial_call" in text)
    assert f"margin ratio 115.99% is not below 115%   ({book}:{line} perpetuals/initial_call)" in result.stdout
    assert "- call_issued initial_call 7200 due 2026-03-02T14:00:40Z" in result.stdout
    assert run("test", broken, "--run", "inverse").exit_code == 0


def test_every_shipped_book_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a file, the cases of every book in `rules/` run."""
    monkeypatch.chdir(ROOT)
    result = run("test")
    assert result.exit_code == 0, result.stdout
    assert result.stdout.strip().split("\n")[-1].startswith("all ")


def test_formats_and_threshold(broken: Path) -> None:
    """Each format carries the failures; too little coverage fails as well."""
    found = lines(run("test", broken, "--json", "--coverage"))
    assert found[0]["failed"] == 1
    assert 0 < found[1]["reached"] < found[1]["total"]
    assert found == lines(run("test", broken, "--format", "json", "--coverage"))
    root = ElementTree.fromstring(run("test", broken, "--format", "junit").stdout)  # noqa: S314 - made here
    assert root[0].get("failures") == "1"
    assert run("test", broken, "--format", "github").stdout.startswith("::error file=")
    shown = run("test", BOOK, "--threshold", "99.9%")
    assert shown.exit_code == 1
    assert "(threshold 100%)" in shown.stdout
    assert "not reached: " in shown.stdout
    assert run("test", BOOK, "--threshold", "10%").exit_code == 0
    assert run("test", broken, "--stop").exit_code == 1


def test_coverage_is_that_of_a_book_by_all_its_cases(tmp_path: Path) -> None:
    """Two files of cases for one book reach what either reaches."""
    texts = BOOK.joinpath("cases.yaml").read_text(encoding="utf-8").split("  - case: ")
    (tmp_path / "rulebook.yaml").write_bytes((BOOK / "rulebook.yaml").read_bytes())
    whole = lines(run("test", BOOK / "cases.yaml", "--json", "--coverage"))[1]
    for name, part in (("cases.yaml", texts[1:3]), ("b.cases.yaml", texts[3:])):
        head = "rulebook: rulebook.yaml\n" + texts[0]
        (tmp_path / name).write_text("  - case: ".join([head, *part]), encoding="utf-8")
    found = lines(run("test", tmp_path, "--json", "--coverage"))
    assert len(found) == 3
    assert (found[2]["reached"], found[2]["missed"]) == (whole["reached"], whole["missed"])
    alone = lines(run("test", tmp_path / "cases.yaml", "--json", "--coverage"))[1]
    assert alone["reached"] < whole["reached"]
    threshold = f"{whole['coverage'] * 100 - 0.1:.1f}%"
    assert run("test", tmp_path, "--threshold", threshold).exit_code == 0
    assert run("test", tmp_path / "cases.yaml", "--threshold", threshold).exit_code == 1


def test_what_cannot_be_read(tmp_path: Path) -> None:
    """Cases and rulebooks that are refused show their diagnostics; missing ones are wrong usage."""
    cases, book = tmp_path / "cases.yaml", tmp_path / "rulebook.yaml"
    cases.write_text("cases:\n  - {cas: a, class: default, start: 2026-03-02T10:00:00Z, steps: []}\n")
    assert run("test", cases).exit_code == 2
    assert run("test", tmp_path / "cases.yaml").exit_code == 2
    book.write_bytes(SMALLEST.read_bytes())
    result = run("test", tmp_path)
    assert result.exit_code == 1
    assert "did you mean 'case'?" in result.stderr
    assert "cases were refused: 1 problem" in result.stderr
    book.write_text("rulebook: x\n")
    assert "rulebook was refused" in run("test", tmp_path).stderr
    empty = tmp_path / "empty"
    empty.mkdir()
    assert run("test", empty).exit_code == 2
    assert run("test", book.rename(empty / "rulebook.yaml")).exit_code == 2


def test_a_server_is_asked(broken: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server gives the same answer, for the rulebook beside the cases or its own; decisions become cases."""
    decisions = tmp_path / "decisions.jsonl"
    with serving(decisions=decisions) as (_, address), Client(address) as client:
        here = run("test", broken, "--coverage")
        assert run("test", broken, "--coverage", "--address", address).stdout == here.stdout
        own = run("test", SMALLEST.with_name("cases.yaml"), "--active", "--address", address)
        assert own.exit_code == 0
        client.check_order("a0", order(10.0))
        client.check_order("a1", order(5_000.0))
        live = run("test", "--record", "a0", "--name", "as it is", "--address", address)
        assert live.exit_code == 0
        assert "did not" not in live.stdout
        assert "account 'nobody' is not known" in run("test", "--record", "nobody", "--address", address).stderr
        (found,) = lines(run("test", "--record", "a0", "--json", "--address", address))
        assert found["case"].startswith("  - case: ")
    text = HEAD + live.stdout + run("test", "--record", f"{decisions}:2").stdout
    assert "insufficient_margin" in text
    assert "has no decision there" in run("test", "--record", f"{decisions}:3").stderr
    made = tmp_path / "made" / "cases.yaml"
    made.parent.mkdir()
    made.write_text(text, encoding="utf-8")
    made.with_name("rulebook.yaml").write_bytes(SMALLEST.read_bytes())
    result = run("test", made)
    assert (result.exit_code, result.stdout) == (0, f"{made}  2 passed\n")
