# SPDX-License-Identifier: Apache-2.0
"""Durable, ordered, hash-chained entries. This layer knows bytes, not margin."""

from marginrules.journal.chain import GENESIS, Entry, verify_chain
from marginrules.journal.sqlite import SqliteJournal, count_entries, read_entries

__all__ = ["GENESIS", "Entry", "SqliteJournal", "count_entries", "read_entries", "verify_chain"]
