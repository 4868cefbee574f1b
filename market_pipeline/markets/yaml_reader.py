"""YAML as we allow it: plain data, every key once, no templates. Nothing here knows what a market is."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import yaml

# libyaml's loader is 8 times faster; wheels of PyYAML have it on every usual platform
_FastLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class YamlProblem(Exception):  # noqa: N818  # never leaves this package: the loader turns it into a MarketFileError
    """Text that cannot be read, with the line (counted from 1) where that shows."""

    def __init__(self, problem: str, line: int) -> None:
        super().__init__(f"line {line}: {problem}")


class _StrictLoader(_FastLoader):  # type: ignore[misc]  # the base is chosen at run time
    """Refuses a key that is written twice: YAML would silently keep the last one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise YamlProblem(f"key {key.value!r} is written twice in one mapping", key.start_mark.line + 1)
            seen.add(key.value)
        return dict(super().construct_mapping(node, deep=deep))


def read_yaml(text: str) -> Any:
    """Return the one document in `text`. Raise YamlProblem for syntax, repeated keys and `{{ }}`."""
    for number, line in enumerate(text.splitlines(), start=1):
        if "{{" in line:
            raise YamlProblem("{{ … }} is not allowed: this file is read without Dagster, too", number)
    try:
        return yaml.load(text, Loader=_StrictLoader)  # noqa: S506  # it is a SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise YamlProblem(error.problem or str(error), mark.line + 1 if mark else 1) from error
