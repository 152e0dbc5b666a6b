# SPDX-License-Identifier: Apache-2.0
"""One shard of accounts: commands in, decisions and events out, everything durable before it is acknowledged."""
