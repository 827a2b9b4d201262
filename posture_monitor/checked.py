"""What a TOML file says, checked by a model; what is wrong with it becomes one line for its user."""

from __future__ import annotations

import difflib
import functools
import json
import re
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from posture_monitor.errors import UserError


class Checked(BaseModel):
    """A table whose values are of the types that are said, and finite; nothing is made to fit."""

    model_config = ConfigDict(strict=True, frozen=True, allow_inf_nan=False)


_Model = TypeVar("_Model", bound=Checked)


def checked(model: type[_Model], content: Mapping[str, Any], where: str, advice: str = "") -> _Model:
    """Return content as a model.

    Parameters
    ----------
    content
        As a TOML parser gives it.
    where, advice
        What the line begins with, such as the file, and what it ends with.

    Raises
    ------
    UserError
        It does not fit; the line names the first key that is wrong, and its value.
    """
    try:
        return model.model_validate(content)
    except ValidationError as error:
        by_key: dict[tuple[int | str, ...], list[ErrorDetails]] = {}
        for problem in error.errors(include_url=False):
            by_key.setdefault(_key(problem, content), []).append(problem)
        key, problems = next(iter(by_key.items()))
        others = len(by_key) - 1
        rest = f" (and {others} more wrong {'value' if others == 1 else 'values'})" if others else ""
        raise UserError(f"{where}: {_told(key, problems, content)}{rest}{advice}") from error


def _key(problem: ErrorDetails, content: Mapping[str, Any]) -> tuple[int | str, ...]:
    """Return where a problem is: pydantic's location may end in names of types."""
    loc = problem["loc"]
    if problem["type"] == "missing":
        return loc
    node: Any = content
    for depth, step in enumerate(loc):
        try:
            node = node[step]
        except (KeyError, IndexError, TypeError):
            return loc[:depth]
    return loc


def _told(key: tuple[int | str, ...], problems: list[ErrorDetails], content: Mapping[str, Any]) -> str:
    if problems[0]["type"] == "missing":
        return f"{_name(key)} is missing"
    value = functools.reduce(lambda node, step: node[step], key, cast(Any, content))
    return f"{shown(key, value)}: {_wrong(problems, value)}"


def _wrong(problems: list[ErrorDetails], value: object) -> str:
    """Say in a few words what is wrong with one value; a union reports a problem for each of its members."""
    wanted = []
    for problem in problems:
        kind, context = problem["type"], problem.get("ctx", {})
        if kind == "greater_than_equal":
            return f"too small; the least is {context['ge']:g}"
        if kind == "less_than_equal":
            return f"too large; the most is {context['le']:g}"
        if kind == "greater_than":
            return f"must be above {context['gt']:g}"
        if kind == "value_error":
            return str(context["error"])
        if kind == "literal_error":
            words = re.findall(r"'([^']*)'", str(context["expected"]))
            near = difflib.get_close_matches(value, words, n=1) if isinstance(value, str) else []
            if near:
                return f'did you mean "{near[0]}"?'
            wanted.append(either([f'"{word}"' for word in words]))
        else:
            wanted.append(_WANTED.get(kind, problem["msg"]))
    return f"must be {' or '.join(wanted)}"


_WANTED = {
    "string_type": 'text in quotes, such as "0"',
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "tuple_type": 'a list, such as ["22:00-07:00"]',
    "model_type": "a [section] of its own",
    "dict_type": "a [section] of its own",
    "list_type": "a list",
}


def shown(key: tuple[int | str, ...], value: object) -> str:
    """Return ``section.key = value`` as it would stand in the file, on one line and not too long."""
    if isinstance(value, Mapping):
        return f"[{_name(key)}]"
    text = _printable(value)
    return f"{_name(key)} = {text if len(text) <= 60 else text[:57] + '...'}"


def _name(key: tuple[int | str, ...]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{_quoted(step)}" for step in key).lstrip(".")


def _quoted(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _printable(key)


def _printable(value: object) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
    except ValueError:  # TOML's hexadecimal integers may be longer than Python prints
        return "(too many digits)"
    return text if text.isprintable() else json.dumps(value, default=str)


def either(words: list[str]) -> str:
    """Return words as a choice among them, ``a, b or c``."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
