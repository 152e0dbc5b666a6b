# SPDX-License-Identifier: Apache-2.0
"""
Published figures of venues, brokers and rule texts, answered by the engine under the rulebooks of `rules/`.

`pytest tests/conformance --vectors DIR` plays every file of DIR; the project's own cases in `own/` always run.
"""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

import pytest

from tests.conformance import adapters
from tests.conformance.compare import VECTORS, Tally, play, read

for module in pkgutil.iter_modules(adapters.__path__):
    importlib.import_module(f"{adapters.__name__}.{module.name}")

OWN = sorted((Path(__file__).parent / "own").glob("*.json"))
# The least share of the cases that can be expressed which must be reproduced; 1 where a file is not named.
BARS = {"derive_pmrm2": 0.95}
# The least share of all cases of a file that must be expressible.
COVERED = {
    "binance_brackets": 0.98,
    "cboe_margin_manual": 0.98,
    "derive_pmrm2": 0.95,
    "derive_srm": 0.98,
    "dydx_v4": 0.98,
    "lean_margin_call": 0.98,
    "lean_option_strategies": 0.98,
    "lean_single_options": 0.98,
    "vega_engine": 0.98,
    "vega_ladder": 0.98,
}


def check(file: str, kinds: dict[str, Tally]) -> None:
    """Fail where fewer cases are reproduced, or can be expressed, than the bars say."""
    reproduced = sum(one.reproduced for one in kinds.values())
    differing = [line for one in kinds.values() for line in one.differing]
    missing = sum(sum(one.not_covered.values()) for one in kinds.values())
    answered = reproduced + len(differing)
    assert reproduced >= BARS.get(file, 0.98) * answered, "\n".join(differing[:20])
    assert answered >= COVERED.get(file, 0.0) * (answered + missing), f"{missing} cases of {file} are not covered"


def published(config: pytest.Config) -> list[Path]:
    """Return the files of published cases; none where the folder is not there."""
    # A run of all tests takes no option of a folder's own.
    folder: Path = config.getoption("vectors", default=VECTORS)
    return sorted(folder.glob("*.json")) if folder.is_dir() else []


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a test of each file."""
    if "path" in metafunc.fixturenames:
        files = [*OWN, *published(metafunc.config)]
        metafunc.parametrize("path", files, ids=lambda path: f"{path.parent.name}/{path.stem}")


def test_published_figures_are_reproduced(path: Path, tallies: dict[str, dict[str, Tally]]) -> None:
    """One engine gives the published figures of many venues, from rulebooks alone."""
    own = path.parent.name == "own"
    kinds = play(path.stem, read(path))
    tallies[f"own/{path.stem}" if own else path.stem] = kinds
    if own:
        assert [line for one in kinds.values() for line in one.differing] == []
        assert sum(sum(one.not_covered.values()) for one in kinds.values()) == 0
    else:
        check(path.stem, kinds)


def test_no_venue_is_named_in_the_package() -> None:
    """A venue is a rulebook: nothing under `marginrules/` knows one."""
    venues = ("binance", "dydx", "vega protocol", "lyra", "deribit", "okx", "paradex", "hyperliquid", "cboe")
    package = Path(__file__).parents[2] / "marginrules"
    sources = [path for path in package.rglob("*") if path.suffix in (".py", ".pyx", ".h") and "_pb" not in path.parts]
    code = {
        path.name: "\n".join(line.split("#")[0] for line in path.read_text(encoding="utf-8").splitlines())
        for path in sources
    }
    assert {path: [one for one in venues if f'"{one}' in text.lower()] for path, text in code.items()} == {
        path: [] for path in code
    }
