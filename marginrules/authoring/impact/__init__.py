# SPDX-License-Identifier: Apache-2.0
"""Whom a rulebook hits: on the accounts of now, and over recorded or supplied history."""

from marginrules.authoring.impact.history import History, history_of, moved_to
from marginrules.authoring.impact.outcome import HistoryImpact, Outcome
from marginrules.authoring.impact.past import Impact, impact
from marginrules.authoring.impact.population import Population, check_fits, misfits, population_of, read_population
from marginrules.authoring.impact.present import NowImpact, now
from marginrules.authoring.impact.replay import replay
from marginrules.authoring.impact.sources import history_of_journal, read_history

__all__ = [
    "History",
    "HistoryImpact",
    "Impact",
    "NowImpact",
    "Outcome",
    "Population",
    "check_fits",
    "history_of",
    "history_of_journal",
    "impact",
    "misfits",
    "moved_to",
    "now",
    "population_of",
    "read_history",
    "read_population",
    "replay",
]
