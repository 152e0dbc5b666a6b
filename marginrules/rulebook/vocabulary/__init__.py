# SPDX-License-Identifier: Apache-2.0
"""
The language of rulebooks as data: every mapping, its keys, what they take, and the order in which they are written.

The readers, the JSON Schema, the formatter and the test of misspellings read it from here. `book.BOOK` is all of it.
A new key is added here; a new section also needs its reader.
"""
