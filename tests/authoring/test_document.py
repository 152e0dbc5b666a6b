# SPDX-License-Identifier: Apache-2.0
"""Pages of rulebooks: every step, rate and reason is on them, and no text of a rulebook becomes markup."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

from marginrules.authoring.document import acts_of, as_html, as_markdown, describe
from marginrules.authoring.document.parts import Chart, LadderDrawing, Table
from marginrules.rulebook.compile import Analysis, analyse
from marginrules.service.shard import Shard

RULES = Path(__file__).parent.parent.parent / "rules"
BOOKS = sorted(RULES.glob("*/rulebook.yaml"))
GOOD = Path(__file__).parent.parent / "rulebooks" / "good" / "every-section.yaml"
VOID = {"meta"}


def book(name: str) -> Analysis:
    """Analyse a shipped rulebook."""
    return analyse((RULES / name / "rulebook.yaml").read_bytes(), "rulebook.yaml")


class Nesting(HTMLParser):
    """Check that elements are closed in order, and collect what there is."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text: list[str] = []
        self.tags: set[str] = set()
        self.ids: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open an element."""
        self.tags.add(tag)
        self.ids += [value or "" for name, value in attrs if name == "id"]
        self.links += [value or "" for name, value in attrs if name == "href"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element that closes itself."""
        del attrs
        self.tags.add(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close the innermost element."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Keep text."""
        self.text.append(data)


def read(page: str) -> Nesting:
    """Parse a page."""
    found = Nesting()
    found.feed(page)
    found.close()
    assert found.open == []
    return found


@pytest.mark.parametrize("path", [*BOOKS, GOOD], ids=lambda path: path.parent.name)
def test_every_book_has_its_page(path: Path) -> None:
    """A page of any book is whole, stands alone, and names each product, asset, step and reason."""
    analysis = analyse(path.read_bytes(), path.name)
    parts = describe(analysis)
    page = read(as_html(parts))
    told, markdown = " ".join(page.text), as_markdown(parts)
    names = {step.name for variant in analysis.variants for step in variant.part.steps}
    names |= analysis.book.products.keys() | analysis.book.collateral.keys()
    names |= {one.because for one in analysis.overrides}
    for name in names:
        assert name in told
        assert name.replace("*", "\\*") in markdown
    assert page.tags.isdisjoint({"script", "link", "img", "iframe"})
    assert "http" not in as_html(parts)
    assert len(set(page.ids)) == len(page.ids)
    assert {link.removeprefix("#") for link in page.links} <= set(page.ids)


def test_ladders_are_drawn() -> None:
    """Each rung has its threshold, its exit and what happens there; an unmet call leads to the step that follows."""
    parts = describe(book("crypto-derivatives"))
    drawing = next(one for one in parts if isinstance(one, LadderDrawing) and one.name == "perpetuals")
    by_name = {one.name: one for one in drawing.rungs}
    assert list(by_name)[:4] == ["warning", "initial_call", "second_call", "partial_liquidation"]
    call = by_name["initial_call"]
    assert (call.entry, call.leave) == ("below 120% for 30s", "clears at 125%")
    assert call.does[0] == "call up to initial margin, due in 4h"
    assert by_name["second_call"].follows == ((1, "4h"),)
    assert by_name["partial_liquidation"].follows == ((2, "1h"),)
    shown = as_markdown([drawing])
    assert "below 120% for 30s ╠══ initial_call  (clears at 125%)" in shown
    assert "unmet, 4h later: second_call" in shown
    svg = as_html([drawing])
    assert svg.count('class="arrow"') == 2
    assert "unmet: 4h" in svg


def test_tiers_are_tables_and_charts() -> None:
    """A table has each tier with what it allows; the chart's lines are what a whole position needs."""
    analysis = book("crypto-derivatives")
    parts = describe(analysis)
    tiers = next(one for one in parts if isinstance(one, Table) and one.rows[0][:2] == ("0", "300 000"))
    assert tiers.rows[0] == ("0", "300 000", "0.8%", "0.4%", "125 x")
    assert tiers.rows[-1] == ("70 000 000", "and above", "10%", "5%", "10 x")
    chart = next(one for one in parts if isinstance(one, Chart) and one.title.startswith("btc_perpetual"))
    assert chart.marks == (3e5, 3e6, 1.2e7, 7e7)
    points = dict(chart.lines[1][1])
    # 300 000 at 0.4 % and 2 700 000 at 0.5 %, of 3 000 000
    assert points[3e6] == pytest.approx((1_200 + 13_500) / 3e6, rel=1e-12)
    assert all(first <= second + 1e-15 for first, second in pairwise(points.values()))


def test_text_of_a_rulebook_is_never_markup() -> None:
    """Tags, entities, tables and fences in names and reasons are shown as they were written."""
    text = (RULES / "crypto-derivatives" / "rulebook.yaml").read_text(encoding="utf-8")
    wrong = "<script>alert(1)</script> & | `x` ``` *b* [l](http://e)"
    changed = re.sub(r"because: thin books[^\n]*", f'because: "{wrong}"', text)
    assert changed != text
    parts = describe(analyse(changed.encode(), "rulebook.yaml"))
    page = read(as_html(parts))
    assert "script" not in page.tags
    assert any(wrong in one for one in page.text)
    line = next(one for one in as_markdown(parts).splitlines() if "alert" in one)
    assert "\\<script\\>" in line
    assert "\\[l\\](http" in line


def test_who_did_what_stands_on_the_page() -> None:
    """Activations and rollbacks are told with who and why, oldest first; a text alone has no such history."""
    shard, person = Shard(), {"who": "J. Doe", "why": "first"}
    text = (RULES / "smallest" / "rulebook.yaml").read_text(encoding="utf-8")
    start = 1_780_000_000_000_000_000
    shard.apply("activate", {"text": text, "file": "a.yaml", **person}, start)
    other = text.replace("5%", "6%", 1)
    assert other != text
    shard.apply("activate", {"text": other, "file": "b.yaml", "who": "R. Roe", "why": "higher"}, start + 10**9)
    shard.apply("rollback", {"revision": 1, "who": "J. Doe", "why": "too high"}, start + 2 * 10**9)
    acts = acts_of(shard.revisions)
    assert [one.who for one in acts] == ["J. Doe", "R. Roe", "J. Doe"]
    page = as_markdown(describe(book("smallest"), acts))
    assert "| 2026-05-28T20:26:40Z | activated revision 1 | J. Doe | first |" in page
    assert "Who did what" not in as_markdown(describe(book("smallest")))
