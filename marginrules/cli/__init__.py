# SPDX-License-Identifier: Apache-2.0
"""The command line: a server, the margin desk's view of one, and checks of rulebooks and journals."""
