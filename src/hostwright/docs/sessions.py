"""The nox sessions, read from the syntax of noxfile.py: nox itself lives in another interpreter.

Pure.
"""

from __future__ import annotations

import ast
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from hostwright.docs.model import Session

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: What gets the words of a session that does not name its program.
OWN_TOOL = "its own tool"
_DECORATOR = "nox.session"
_DEFAULTS = "nox.options.sessions"
_MODULE = ["python", "-m", "hostwright"]

_Functions = dict[str, ast.FunctionDef]


def read(source: str) -> tuple[Session, ...]:
    """The sessions of a noxfile, in its order."""
    tree = ast.parse(source)
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    chosen = _chosen(tree)
    return tuple(
        _session(function, options, chosen, functions)
        for function in functions.values()
        for options in _options(function)
    )


def _chosen(tree: ast.Module) -> list[str] | None:
    """The sessions that run without a name, where the noxfile lists them."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == _DEFAULTS:
            return [str(name) for name in ast.literal_eval(node.value)]
    return None


def _options(function: ast.FunctionDef) -> Iterator[dict[str, Any]]:
    """The keywords of each decorator that makes a session of *function*."""
    for decorator in function.decorator_list:
        made, keywords = decorator, list[ast.keyword]()
        if isinstance(decorator, ast.Call):
            made, keywords = decorator.func, decorator.keywords
        if ast.unparse(made) == _DECORATOR:
            yield {str(each.arg): ast.literal_eval(each.value) for each in keywords}


def _session(
    function: ast.FunctionDef,
    options: Mapping[str, Any],
    chosen: list[str] | None,
    functions: _Functions,
) -> Session:
    name = str(options.get("name", function.name))
    return Session(
        name=name,
        default=name in chosen if chosen is not None else bool(options.get("default", True)),
        tags=tuple(options.get("tags", ())),
        summary=(ast.get_docstring(function) or "").partition("\n")[0],
        words=_words(function, functions),
    )


def _words(function: ast.FunctionDef, functions: _Functions) -> str:
    """The program that gets the session's own words: in it, or in a helper that it calls."""
    helpers = [
        functions[call.func.id]
        for call in _calls(function)
        if isinstance(call.func, ast.Name) and call.func.id in functions
    ]
    for each in (function, *helpers):
        if "session.posargs" in ast.unparse(each):
            return next((found for found in map(_program, _calls(each)) if found), OWN_TOOL)
    return ""


def _calls(function: ast.FunctionDef) -> Iterator[ast.Call]:
    return (node for node in ast.walk(function) if isinstance(node, ast.Call))


def _program(call: ast.Call) -> str:
    """What ``session.run(…, *words)`` starts; nothing of a call that passes no list on."""
    passes = any(isinstance(word, ast.Starred) for word in call.args)
    if ast.unparse(call.func) != "session.run" or not passes:
        return ""
    first = takewhile(lambda word: isinstance(word, ast.Constant), call.args)
    fixed = [str(ast.literal_eval(word)) for word in first]
    return " ".join(fixed[:4] if fixed[:3] == _MODULE else fixed[:1])
