"""Screens: a condition on the columns of one row, as text, read into a function on whole columns. Nothing is executed.

Python's own parser reads the text; what is not in the small grammar below is refused with its position.
"""

from __future__ import annotations

import ast
import difflib
import math
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from market_pipeline.errors import UsageError

type Values = Mapping[str, pa.Array]
"""Column → its values as float64, one for each row; null where unknown."""
type Computed = Callable[[Values], pa.Array | pa.Scalar]

LONGEST_TEXT = 2000
MOST_PARTS = 400
NOT_PART = "that is not part of a screen"
NOT_A_NUMBER = "a condition stands where a number is due; use parentheses or `and`"
GRAMMAR = "columns, numbers, + - * /, < <= > >= == !=, and, or, not, parentheses, abs, min, max"
_COMPARISONS: Mapping[type[ast.cmpop], Callable[..., Any]] = {
    ast.Lt: pc.less,
    ast.LtE: pc.less_equal,
    ast.Gt: pc.greater,
    ast.GtE: pc.greater_equal,
    ast.Eq: pc.equal,
    ast.NotEq: pc.not_equal,
}
_ARITHMETIC: Mapping[type[ast.operator], Callable[..., Any]] = {
    ast.Add: pc.add,
    ast.Sub: pc.subtract,
    ast.Mult: pc.multiply,
    ast.Div: pc.divide,
}
_CONNECTIVES: Mapping[type[ast.boolop], Callable[..., Any]] = {ast.And: pc.and_kleene, ast.Or: pc.or_kleene}
_FUNCTIONS: Mapping[str, Callable[..., Any]] = {"min": pc.min_element_wise, "max": pc.max_element_wise}
_HINTS = (
    (re.compile(r"(?<![<>=!])=(?!=)"), "equal is written =="),
    (re.compile(r"\b(AND|OR|NOT|BETWEEN|IN|IS|LIKE)\b"), "write and, or, not in small letters, between as 30 < x < 70"),
    (re.compile(r"&&|\|\||<>"), "write and, or, !="),
    (re.compile(r"_\d+\.\d"), 'a column with a point in its name stands in quotes, like "T3_5_0.7"'),
)


@dataclass(frozen=True)
class Screen:
    """A condition that was read: `columns` are those that it looks at, under the names that `names` gave them."""

    text: str
    columns: tuple[str, ...]
    _condition: Computed

    def matches(self, values: Values) -> pa.Array:
        """Tell for each row whether it meets the condition; one that cannot be known, for a null, does not."""
        return pc.fill_null(self._condition(values), False)


def read_screen(text: str, names: Mapping[str, str]) -> Screen:
    """Return the screen that `text` means; `names` gives every column that may be named, by its name in small letters.

    Chained comparisons are between: 30 < rsi_14 < 70. Dividing by zero gives null. Raise UsageError, with the position
    and the names that are near, for anything that is not in the grammar.
    """
    return _Reading(text, names).screen()


class _Reading:
    """Walks the tree of one text; every branch that is not named here ends in a refusal."""

    def __init__(self, text: str, names: Mapping[str, str]) -> None:
        self.text = text
        self.names = names
        self.columns: dict[str, None] = {}
        self._source = re.sub(r"\s", " ", text)
        self._indent = len(self._source) - len(self._source.lstrip())

    def screen(self) -> Screen:
        tree = self._tree()
        condition = self._condition(tree)
        if not self.columns:
            raise self._refusal(tree, "no column is named, so it says the same of every symbol")
        return Screen(self.text, tuple(self.columns), condition)

    def _tree(self) -> ast.expr:
        if len(self.text) > LONGEST_TEXT:
            raise self._error(LONGEST_TEXT, f"it is longer than {LONGEST_TEXT:,} characters")
        try:
            with warnings.catch_warnings(action="ignore"):  # 30and is allowed, with a warning to programmers
                tree = ast.parse(self._source.lstrip(), mode="eval").body
        except SyntaxError as error:
            raise self._error(self._indent + (error.offset or 1), self._syntax(error)) from None
        except (ValueError, RecursionError, MemoryError):
            raise self._error(1, "it cannot be read as an expression") from None
        if sum(1 for _ in ast.walk(tree)) > MOST_PARTS:
            raise self._refusal(tree, f"it has more than {MOST_PARTS} parts")
        return tree

    def _syntax(self, error: SyntaxError) -> str:
        hints = [hint for pattern, hint in _HINTS if pattern.search(self.text)]
        return "; ".join([f"it cannot be read ({error.msg})", *hints]) if self.text.strip() else "it is empty"

    def _condition(self, node: ast.expr) -> Computed:
        match node:
            case ast.BoolOp(op=op, values=parts):
                connect, conditions = _CONNECTIVES[type(op)], [self._condition(part) for part in parts]
                return lambda values: reduce(connect, [condition(values) for condition in conditions])
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                inner = self._condition(operand)
                return lambda values: pc.invert(inner(values))
            case ast.Compare(left=left, ops=ops, comparators=rights):
                return self._comparison([left, *rights], ops)
            case ast.Name() | ast.Attribute() | ast.Constant() | ast.BinOp() | ast.Call() | ast.UnaryOp():
                self._number(node)  # what is wrong inside it is said first
                raise self._refusal(node, "a number stands where a condition is due; compare it, like rsi_14 < 30")
        raise self._refusal(node, NOT_PART)

    def _comparison(self, nodes: list[ast.expr], ops: list[ast.cmpop]) -> Computed:
        for op, right in zip(ops, nodes[1:], strict=True):
            if type(op) not in _COMPARISONS:
                raise self._refusal(right, "`in` and `is` are not part of a screen")
        numbers, compare = [self._number(node) for node in nodes], [_COMPARISONS[type(op)] for op in ops]

        def compared(values: Values) -> pa.Array | pa.Scalar:
            found = [number(values) for number in numbers]
            links = [meets(left, right) for meets, left, right in zip(compare, found[:-1], found[1:], strict=True)]
            return reduce(pc.and_kleene, links)

        return compared

    def _number(self, node: ast.expr) -> Computed:
        match node:
            case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
                return self._constant(node, value)
            case ast.Constant(value=str() as name) | ast.Name(id=name):
                return self._column(node, name)
            case ast.Attribute(value=ast.Name(id=table), attr=name):
                return self._column(node, f"{table}.{name}")
            case ast.UnaryOp() | ast.BinOp() | ast.Call():
                return self._computed(node)
            case ast.Compare() | ast.BoolOp():
                raise self._refusal(node, NOT_A_NUMBER)
        raise self._refusal(node, NOT_PART)

    def _computed(self, node: ast.expr) -> Computed:
        match node:
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                number = self._number(operand)
                return lambda values: pc.negate(number(values))
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self._number(operand)
            case ast.UnaryOp(op=ast.Not()):
                raise self._refusal(node, NOT_A_NUMBER)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
                first, second, apply = self._number(left), self._number(right), _ARITHMETIC[type(op)]
                return lambda values: known(apply(first(values), second(values)))
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
                return self._call(node, name.lower(), [self._number(argument) for argument in arguments])
        raise self._refusal(node, NOT_PART)

    def _constant(self, node: ast.expr, value: float) -> Computed:
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise self._refusal(node, "the number is too large")
        return lambda _: pa.scalar(number, pa.float64())

    def _column(self, node: ast.expr, name: str) -> Computed:
        column = self.names.get(name.lower())
        if column is None:
            raise self._error(self._position(node), unknown_column(name, self.names))
        self.columns[column] = None
        return lambda values: values[column]

    def _call(self, node: ast.expr, name: str, arguments: list[Computed]) -> Computed:
        if name == "abs" and len(arguments) == 1:
            return lambda values: pc.abs(arguments[0](values))
        if name in _FUNCTIONS and len(arguments) > 1:
            extreme = _FUNCTIONS[name]
            return lambda values: extreme(*(number(values) for number in arguments), skip_nulls=False)
        raise self._refusal(node, "there are the functions abs(x), min(x, y, …) and max(x, y, …)")

    def _refusal(self, node: ast.expr, why: str) -> UsageError:
        return self._error(self._position(node), why)

    def _position(self, node: ast.expr) -> int:
        before = self._source.lstrip().encode()[: node.col_offset]
        return self._indent + len(before.decode()) + 1

    def _error(self, position: int, why: str) -> UsageError:
        rest = self.text[position - 1 :][:24]
        return UsageError(
            f"read the screen {self.text[:200]!r} and stopped at position {position} ({rest!r}): {why}; "
            f"a retry does not help; a screen has {GRAMMAR}"
        )


def known(values: pa.Array | pa.Scalar) -> pa.Array | pa.Scalar:
    """Return numbers with null in the place of NaN and infinity: what is divided by zero is not known."""
    return pc.if_else(pc.is_finite(values), values, pa.scalar(None, pa.float64()))


def unknown_column(name: str, names: Mapping[str, str]) -> str:
    """Return the words that say that there is no such column, and which ones are near."""
    near = difflib.get_close_matches(name.lower(), names, n=3, cutoff=0.6)
    shown = list(dict.fromkeys(names[found].partition(".")[2] or names[found] for found in near))
    hint = f"; did you mean {', '.join(shown)}?" if shown else "; `market-pipeline indicators` lists those there are"
    return f"there is no column {name}{hint}"
