# SPDX-License-Identifier: Apache-2.0
"""Lint: mistakes of meaning in a rulebook, each by a rule that has an id, a page, and a level that a book can set."""

from marginrules.authoring.lint.finding import Finding, Level, level_of
from marginrules.authoring.lint.judge import lint, lint_analysis

__all__ = ["Finding", "Level", "level_of", "lint", "lint_analysis"]
