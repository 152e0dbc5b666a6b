# SPDX-License-Identifier: Apache-2.0
"""Margin call escalation from YAML rulebooks."""

__version__ = "0.1.0"
