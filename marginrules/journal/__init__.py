# SPDX-License-Identifier: Apache-2.0
"""Durable, ordered, hash-chained entries. This layer knows bytes, not margin."""

from marginrules.journal.chain import GENESIS, Entry, verify_chain
from marginrules.journal.sqlite import SqliteJournal

__all__ = ["GENESIS", "Entry", "SqliteJournal", "verify_chain"]
