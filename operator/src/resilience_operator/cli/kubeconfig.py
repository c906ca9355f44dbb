"""Which cluster, which namespace and which user: as kubectl would choose them."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from resilience_operator.cli.errors import AccessError, CliError

_POD_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a command works. No `path`: inside a pod, by its service account."""

    path: Path | None
    context: str | None
    namespace: str
    user: str


def locate(
    kubeconfig: Path | None, context: str | None, environ: Mapping[str, str] = os.environ
) -> Place:
    """The place that these options mean; raises AccessError with what to do about it."""
    path = Path(kubeconfig or environ.get("KUBECONFIG") or Path.home() / ".kube" / "config")
    there = any(Path(each).expanduser().is_file() for each in str(path).split(os.pathsep) if each)
    if there:
        return _from_file(path, context, environ)
    if kubeconfig is None and context is None and environ.get("KUBERNETES_SERVICE_HOST"):
        return Place(None, None, _pod_namespace(), environ.get("USER", ""))
    raise AccessError(
        f"There is no kubeconfig at {path}: name one with --kubeconfig or in KUBECONFIG."
    )


def _from_file(path: Path, context: str | None, environ: Mapping[str, str]) -> Place:
    try:
        contexts, current = _contexts(path)
    except Exception as error:  # whatever may be wrong with a file
        raise AccessError(
            f"The kubeconfig {path} is not usable: {_first_line(error)}. Mend it, or name "
            "another with --kubeconfig."
        ) from error
    name = context or current
    names = ", ".join(contexts) or "none"
    if not name:
        raise AccessError(f"The kubeconfig has no current context: give a --context of {names}.")
    if name not in contexts:
        raise AccessError(f"The kubeconfig has no context {name!r}: choose among {names}.")
    inside = contexts[name]
    user = str(inside.get("user") or environ.get("USER", ""))
    return Place(path, name, str(inside.get("namespace") or "default"), user)


def _contexts(path: Path) -> tuple[dict[str, Mapping[str, Any]], str]:
    """All contexts by name, and the current one.

    Of several files the first that says something counts, as for kubectl; the client library has
    the last one's current context, which may be another cluster.
    """
    import yaml

    contexts: dict[str, Mapping[str, Any]] = {}
    current = ""
    files = (Path(each).expanduser() for each in str(path).split(os.pathsep) if each)
    for file in filter(Path.is_file, files):
        content = yaml.safe_load(file.read_text())
        if not isinstance(content, dict):
            raise ValueError("it holds no kubeconfig")
        for each in content.get("contexts") or ():
            contexts.setdefault(str(each["name"]), each.get("context") or {})
        current = current or str(content.get("current-context") or "")
    return contexts, current


def _pod_namespace() -> str:
    try:
        return _POD_NAMESPACE.read_text().strip() or "default"
    except OSError:
        return "default"


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__).rstrip(".")


def author(given: str | None, user: str) -> str:
    """Who asks for a change, as far as the command can tell."""
    name = (given or user).strip()
    if not name:
        raise CliError("There is no telling who asks for it: say so with --requested-by.")
    return name[:128]
