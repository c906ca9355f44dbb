"""What the operator can write to its log, as its source has it.

Three kinds: the sentences given to a logger, the names of the loggers, and the reasons that a line
begins with where it tells of a decision (`"%s: %s"` of its reason and its message).
"""

import ast
from collections.abc import Iterator

from e2e.docs.pages import ROOT

SOURCE = ROOT / "operator" / "src"
LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}
REASONED = {"Problem": 0, "Trust": 1, "_Told": 1}
"""Classes whose `reason` is written to the log, and its place among their fields."""
TELLING = {"say", "warn"}
"""How a turn of a rollout notes an event; the reason comes first."""


def logged() -> Iterator[str]:
    """Each piece of text, with gaps where values are put in."""
    for path in SOURCE.rglob("*.py"):
        tree = ast.parse(path.read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                yield from _of_call(node, tree)
            elif isinstance(node, ast.ClassDef) and node.name in REASONED:
                yield from _default_reason(node)
            elif isinstance(node, ast.Assign) and ast.unparse(node.value).endswith(
                "getLogger(__name__)"
            ):
                yield ".".join(path.relative_to(SOURCE).with_suffix("").parts)


def _of_call(call: ast.Call, tree: ast.Module) -> Iterator[str]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else ast.unparse(call.func)
    if name in LEVELS and ast.unparse(call.func).startswith("log."):
        for given in call.args:
            yield from _texts(given)
            yield from _held_in(given, tree)
    elif name in TELLING and call.args:
        yield from _texts(call.args[0])
    elif name in REASONED:
        by_name = [each.value for each in call.keywords if each.arg == "reason"]
        place = REASONED[name]
        for given in by_name or call.args[place : place + 1]:
            yield from _texts(given)


def _held_in(given: ast.expr, tree: ast.Module) -> Iterator[str]:
    """The text of a variable, wherever the file sets one of that name."""
    if not isinstance(given, ast.Name):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == given.id:
            yield from _texts(node.value)


def _default_reason(node: ast.ClassDef) -> Iterator[str]:
    for each in node.body:
        if isinstance(each, ast.AnnAssign) and each.value and ast.unparse(each.target) == "reason":
            yield from _texts(each.value)


def _texts(node: ast.AST) -> Iterator[str]:
    for each in ast.walk(node):
        if isinstance(each, ast.Constant) and isinstance(each.value, str):
            yield each.value
