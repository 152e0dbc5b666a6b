# SPDX-License-Identifier: Apache-2.0
"""The ladder as a pure state machine: no clock, no I/O, no random number."""
