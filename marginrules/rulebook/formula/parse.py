# SPDX-License-Identifier: Apache-2.0
"""
Text of a formula to its tree, by precedence climbing.

From weakest to strongest: `or`, `and`, `not`, comparisons (which do not chain), `+ -`, `* /`, unary `-`.
"""

from __future__ import annotations

from dataclasses import replace

from marginrules.limits import FORMULA_CHARACTERS_MAX, FORMULA_DEPTH_MAX
from marginrules.rulebook.diagnostic import Sink, nearest
from marginrules.rulebook.formula.lexer import FormulaError, Token, tokens
from marginrules.rulebook.formula.text import FormulaText
from marginrules.rulebook.formula.tree import Call, Literal, Name, Tree

COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")
KEYWORDS = ("and", "or", "not", "by")
_STRENGTH = {"or": 1, "and": 2, **dict.fromkeys(COMPARISONS, 4), "+": 5, "-": 5, "*": 6, "/": 6}
_OF_NOT = 3
_OF_MINUS = 7


def parse_formula(sink: Sink, formula: FormulaText, currency: str) -> Tree | None:
    """Return the tree of a formula, or None after reporting what is wrong."""
    try:
        if len(formula.text) > FORMULA_CHARACTERS_MAX:
            hint = "name parts of it under `define`"
            raise FormulaError(
                0,
                1,
                f"formula was {len(formula.text):,} characters; at most {FORMULA_CHARACTERS_MAX:,}",
                hint,
                "MR-R407",
            )
        return _Parser(list(tokens(formula.text, currency)), currency).formula()
    except FormulaError as error:
        sink.add(error.code, formula.place(error.start, error.end), error.message, error.hint)
        return None


class _Parser:
    def __init__(self, read: list[Token], currency: str) -> None:
        self._tokens = read
        self._at = 0
        self._nesting = 0
        self._currency = currency

    def formula(self) -> Tree:
        """Read a whole formula."""
        if self._next.kind == "end":
            raise FormulaError(0, 1, "a formula was expected here", "write a number, a name or a calculation")
        tree = self._expression(0)
        if self._next.kind != "end":
            raise self._stray()
        return tree

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def _take(self) -> Token:
        token = self._tokens[self._at]
        self._at += 1
        return token

    def _expression(self, strength: int) -> Tree:
        self._nesting += 1
        if self._nesting > FORMULA_DEPTH_MAX:
            raise _too_deep(self._next)
        left = self._operand()
        while True:
            sign = self._next
            binds = _STRENGTH.get(sign.text, 0) if sign.kind != "number" else 0
            if binds <= strength:
                break
            self._take()
            right = self._expression(binds)
            left = _operator(sign, sign.text, (left, right), left.start)
            if binds == _STRENGTH["<"] and self._next.text in COMPARISONS:
                hint = "write a < b and b < c"
                raise FormulaError(self._next.start, self._next.end, "comparisons do not chain", hint)
        self._nesting -= 1
        return left

    def _operand(self) -> Tree:
        token = self._take()
        if token.kind == "number":
            return Literal(token.text, token.value, token.unit, token.start, token.end)
        if token.kind == "-":
            return _operator(token, "negate", (self._expression(_OF_MINUS),), token.start)
        if token.text == "not":
            return _operator(token, "not", (self._expression(_OF_NOT),), token.start)
        if token.kind == "(":
            inner = self._expression(0)
            closing = self._close(token, inner)
            return replace(inner, start=token.start, end=closing.end)
        if token.kind == "name" and token.text not in KEYWORDS:
            return self._call(token) if self._next.kind == "(" else Name(token.text, token.start, token.end)
        self._at -= 1
        raise self._missing(token)

    def _call(self, name: Token) -> Call:
        opening = self._take()
        args: list[Tree] = []
        by: tuple[Name, ...] = ()
        if self._next.kind != ")" and self._next.text != "by":
            args.append(self._expression(0))
            while self._next.kind == ",":
                self._take()
                args.append(self._expression(0))
        if self._next.text == "by":
            by = self._keys()
        closing = self._close(opening, args[-1] if args else None)
        depth = 1 + max((one.depth for one in args), default=0)
        if depth > FORMULA_DEPTH_MAX:
            raise _too_deep(name)
        return Call(name.text, tuple(args), (name.start, name.end), name.start, closing.end, depth, by)

    def _keys(self) -> tuple[Name, ...]:
        """Read what stands behind `by`."""
        found: list[Name] = []
        separator = self._take()
        while not found or self._next.kind == ",":
            if found:
                separator = self._take()
            name = self._take()
            if name.kind != "name":
                hint = "write for example total(x by expiry)"
                raise FormulaError(separator.start, separator.end, "by is followed by what tells groups apart", hint)
            found.append(Name(name.text, name.start, name.end))
        return tuple(found)

    def _close(self, opening: Token, inside: Tree | None) -> Token:
        if self._next.kind == ")":
            return self._take()
        if self._next.kind == "end":
            raise FormulaError(opening.start, opening.end, "this parenthesis is never closed", "close it with )")
        if inside is None:
            raise self._missing(self._next)
        raise self._stray()

    def _missing(self, token: Token) -> FormulaError:
        """Say that a value was expected where something else stands."""
        if token.kind == "end":
            before = self._tokens[max(0, self._at - 1)]
            message = f"the formula ends after '{before.text}'"
            return FormulaError(before.start, before.end, message, "a number, a name or ( must follow")
        return FormulaError(token.start, token.end, f"a number, a name or ( was expected, not '{token.text}'")

    def _stray(self) -> FormulaError:
        """Say that the formula should have ended, or gone on with an operator."""
        token = self._next
        if token.kind == ")":
            return FormulaError(token.start, token.end, "this parenthesis was never opened", "delete it")
        is_number = self._tokens[max(0, self._at - 1)].kind == "number"
        known = ("and", "or", "by", *((*_UNITS, self._currency) if is_number else ()))
        meant = nearest(token.text, known) if token.kind == "name" else ""
        meant = "%" if meant in ("percent", "pct") else meant
        hint = f"did you mean '{meant}'?" if meant else "an operator stands between two values"
        if token.text == "by":
            hint = "by stands inside a function: total(x by expiry)"
        if is_number and token.kind == "name" and not meant:
            hint = f"amounts are written in the rulebook's currency: 500 {self._currency}"
        message = f"an operator was expected, not '{token.text}'"
        return FormulaError(token.start, token.end, message, hint)


_UNITS = ("bps", "contract", "contracts", "percent", "pct")  # what stands behind a number, a blank between


def _operator(sign: Token, name: str, args: tuple[Tree, ...], start: int) -> Call:
    depth = 1 + max(one.depth for one in args)
    if depth > FORMULA_DEPTH_MAX:
        raise _too_deep(sign)
    return Call(name, args, (sign.start, sign.end), start, args[-1].end, depth, is_operator=True)


def _too_deep(token: Token) -> FormulaError:
    message = f"formula is nested deeper than {FORMULA_DEPTH_MAX} levels"
    return FormulaError(token.start, token.end, message, "name parts of it under `define`", "MR-R407")
