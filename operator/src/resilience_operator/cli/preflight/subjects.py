"""Which policies are looked at: applied ones, or those in files as they would be stored."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import yaml

from resilience_operator.api.v1alpha1.base import API_VERSION
from resilience_operator.api.v1alpha1.parse import InvalidResource, parse_policy
from resilience_operator.api.v1alpha1.policy import ResiliencePolicy
from resilience_operator.cli.preflight.model import (
    Check,
    Object,
    failed,
    passed,
    skipped,
)
from resilience_operator.cli.session import Session
from resilience_operator.core.errors import ApiError, Forbidden, NotFound, TransientError
from resilience_operator.core.resources import LEVELS, POLICIES, Resource

_KINDS: dict[str, Resource] = {each.kind: each for each in (POLICIES, LEVELS)}
_GIVEN = frozenset({"managedFields", "resourceVersion", "uid"})
_APPLIED = "It is applied as it is in the file."


@dataclass(frozen=True, slots=True)
class Subject:
    """A policy to look at. `applied`: the cluster has it like this, and its status speaks of it."""

    namespace: str
    name: str
    body: Object
    policy: ResiliencePolicy | None
    applied: bool
    checks: tuple[Check, ...] = ()

    @property
    def labels(self) -> dict[str, str]:
        """The policy's labels."""
        return dict(self.body["metadata"].get("labels") or {})


async def of_cluster(session: Session, name: str | None, everywhere: bool) -> list[Subject]:
    """One applied policy, or all of the namespace or of the cluster; none without the CRDs."""
    found = name and await session.cluster.get(POLICIES, session.namespace, name)
    if found:
        return [_applied(found)]
    try:
        bodies = await session.cluster.list(POLICIES, None if everywhere else session.namespace)
    except NotFound:
        return []  # the check of the CRDs says so
    if name:
        return [_applied(await session.need(POLICIES, name))]
    subjects = [_applied(each) for each in bodies]
    return sorted(subjects, key=lambda each: (each.namespace, each.name))


async def of_files(session: Session, files: Sequence[Path]) -> list[Subject]:
    """The policies in files; levels beside them are rehearsed too, and anything else is let be."""
    documents = [one for file in files for one in documents_of(file)]
    if not any(_kind(one) == POLICIES.kind for one in documents):
        raise click.UsageError(f"There is no ResiliencePolicy of {API_VERSION} in what -f names.")
    levels: dict[tuple[str, str], list[Check]] = {}
    for one in documents:
        if _kind(one) == LEVELS.kind:
            check = (await _rehearsed(session, LEVELS, one))[0]
            policy = str(((one.get("spec") or {}).get("policyRef") or {}).get("name"))
            name = f"level {one['metadata']['name']}: accepted"
            levels.setdefault((_namespace(session, one), policy), []).append(check.named(name))
    return [
        await _planned(session, one, levels.get((_namespace(session, one), _name(one)), []))
        for one in documents
        if _kind(one) == POLICIES.kind
    ]


def documents_of(file: Path) -> Iterator[Object]:
    """The objects in a file; `-` is the standard input. Wrong usage if it is none of YAML."""
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text()
        found = list(yaml.safe_load_all(text))
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"{file} cannot be read: {error}.") from error
    except yaml.YAMLError as error:
        said = " ".join(str(error).split())
        raise click.UsageError(f"{file} is no YAML: {said}.") from error
    for one in _unpacked(found):
        if isinstance(one, dict) and isinstance((one.get("metadata") or {}).get("name"), str):
            yield one
        elif one is not None:
            raise click.UsageError(f"{file} has something that is no object with a name.")


def _unpacked(documents: Sequence[Any]) -> Iterator[Any]:
    """What is in them: kubectl prints several objects as one List."""
    for one in documents:
        items = one.get("items") if isinstance(one, dict) and one.get("kind") == "List" else None
        if isinstance(items, list):
            yield from items
        else:
            yield one


async def _planned(session: Session, document: Object, levels: Sequence[Check]) -> Subject:
    check, stored = await _rehearsed(session, POLICIES, document)
    namespace, name = _namespace(session, document), _name(document)
    live = await _live(session, namespace, name)
    applied = (
        live is not None
        and stored is not None
        and stored["metadata"].get("generation") == live["metadata"].get("generation")
    )
    body = stored or {**document, "metadata": {**document["metadata"], "namespace": namespace}}
    if applied:
        check = passed(check.name, _APPLIED)
    policy, unread = _understood(body)
    return Subject(
        namespace, name, live if applied and live else body, policy, applied,
        (check, *unread, *levels),
    )  # fmt: skip


async def _live(session: Session, namespace: str, name: str) -> Object | None:
    try:
        return await session.cluster.get(POLICIES, namespace, name)
    except Forbidden:
        return None


async def _rehearsed(
    session: Session, resource: Resource, document: Object
) -> tuple[Check, Object | None]:
    """What the API server would say of applying it, and what it would store."""
    name, namespace = "accepted", _namespace(session, document)
    try:
        stored = await session.inquiries.rehearse(resource, namespace, _as_written(document))
    except Forbidden as error:
        remedy = (
            f"Ask somebody who may apply it to try: kubectl apply --dry-run=server -n {namespace}"
        )
        return skipped(name, f"You may not: {error.message.rstrip('.')}.", remedy), None
    except NotFound as error:
        remedy = f"Make the namespace {namespace}, and see the checks of the CRDs."
        return failed(name, f"{error.message.rstrip('.')}.", remedy), None
    except ApiError as error:
        # A field that is not known is an internal error to the API server, when it is applied.
        if isinstance(error, TransientError) and error.status != 500:
            raise
        return failed(name, f"{error.message.rstrip('.')}.", "Correct the file."), None
    return passed(name, "The API server would take it (server-side dry run)."), stored


def _as_written(document: Object) -> Object:
    """Without what only the API server gives an object, and does not take back."""
    metadata = document["metadata"].items()
    written = {key: value for key, value in metadata if key not in _GIVEN}
    return {**document, "metadata": written}


def _applied(body: Object) -> Subject:
    policy, unread = _understood(body)
    metadata = body["metadata"]
    return Subject(metadata["namespace"], metadata["name"], body, policy, True, unread)


def _understood(body: Object) -> tuple[ResiliencePolicy | None, tuple[Check, ...]]:
    try:
        return parse_policy({**body, "metadata": {"uid": "", **body["metadata"]}}), ()
    except InvalidResource as error:
        check = failed(
            "spec", f"{error}.", "Correct it, or use the program of the cluster's version."
        )
        return None, (check,)


def _kind(document: Object) -> str:
    group_version: Any = document.get("apiVersion")
    kind = str(document.get("kind"))
    return kind if group_version == API_VERSION and kind in _KINDS else ""


def _namespace(session: Session, document: Object) -> str:
    return str(document["metadata"].get("namespace") or session.namespace)


def _name(document: Object) -> str:
    return str(document["metadata"]["name"])
