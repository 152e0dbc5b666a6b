# SPDX-License-Identifier: Apache-2.0
"""Worked examples of a rulebook: read, run, generated and put to the test."""
