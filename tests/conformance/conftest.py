# SPDX-License-Identifier: Apache-2.0
"""The option that says where published cases lie, and the table that is printed at the end."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance.compare import VECTORS, Tally

TALLIES = pytest.StashKey[dict[str, dict[str, Tally]]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take the folder of published cases."""
    parser.addoption("--vectors", type=Path, default=VECTORS, help="folder of published cases; default: %(default)s")


def pytest_configure(config: pytest.Config) -> None:
    """Start counting."""
    config.stash[TALLIES] = {}


@pytest.fixture(scope="session")
def tallies(pytestconfig: pytest.Config) -> dict[str, dict[str, Tally]]:
    """Return what was counted: file -> kind -> tally."""
    return pytestconfig.stash[TALLIES]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print, for each file and kind, what was reproduced, what differs and what is not covered, with the reason."""
    counted = config.stash[TALLIES]
    if not counted:
        return
    write = terminalreporter.write_line
    terminalreporter.section("published cases")
    write(f"{'file':26} {'kind':34} {'reproduced':>10} {'differing':>9} {'not covered':>11}")
    for file, kinds in sorted(counted.items()):
        for kind, tally in sorted(kinds.items()):
            missing = sum(tally.not_covered.values())
            write(f"{file:26} {kind:34} {tally.reproduced:>10} {len(tally.differing):>9} {missing:>11}")
            for line in tally.differing[:10]:
                write(f"    differs      {line}")
            if len(tally.differing) > 10:
                write(f"    and {len(tally.differing) - 10} more")
            for reason, count in sorted(tally.not_covered.items()):
                write(f"    not covered  {count} x {reason}")
