"""Questions to the API server that change nothing: what is allowed, what would be refused."""

import json
from typing import Any

from resilience_operator.core.errors import TransientError
from resilience_operator.core.resources import Resource
from resilience_operator.kube.connection import Connection, Request
from resilience_operator.kube.exec import run_in_pod

Object = dict[str, Any]

_AUTHORIZATION = "/apis/authorization.k8s.io/v1"
_APPLY = "application/apply-patch+yaml"
_MANAGER = "kubectl-resilience"


class Inquiries:
    """Asks over a connection, as whoever it is for."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def document(self, path: str) -> Object:
        """What the API server publishes at a path."""
        return await self._send(Request("GET", path, {}, seconds=30.0))

    async def may_i(self, attributes: Object) -> bool:
        """Whether we are allowed that, in the words of an access review."""
        body = _review("SelfSubjectAccessReview", {"resourceAttributes": attributes})
        path = f"{_AUTHORIZATION}/selfsubjectaccessreviews"
        return _allowed(await self._send(Request("POST", path, {}, body)))

    async def may(self, user: str, groups: tuple[str, ...], attributes: Object) -> bool:
        """Whether somebody else is allowed that in a namespace; an admin of it may ask so."""
        namespace = attributes["namespace"]
        spec = {"user": user, "groups": list(groups), "resourceAttributes": attributes}
        body = _review("LocalSubjectAccessReview", spec)
        body["metadata"] = {"namespace": namespace}
        path = f"{_AUTHORIZATION}/namespaces/{namespace}/localsubjectaccessreviews"
        return _allowed(await self._send(Request("POST", path, {}, body)))

    async def rehearse(self, resource: Resource, namespace: str, body: Object) -> Object:
        """What applying an object would store, defaults filled in; raises what it would raise."""
        query = {
            "dryRun": "All",
            "fieldManager": _MANAGER,
            "fieldValidation": "Strict",
            "force": "true",
        }
        path = resource.path(namespace, body["metadata"]["name"])
        return await self._send(Request("PATCH", path, query, body, _APPLY))

    async def execute(
        self,
        namespace: str,
        pod: str,
        container: str,
        command: tuple[str, ...],
        text: str,
        seconds: float,
    ) -> str:
        """What a program in a container answers to a text."""
        return await run_in_pod(self._connection, namespace, pod, container, command, text, seconds)

    async def _send(self, request: Request) -> Object:
        body = await self._connection.send(request)
        try:
            answer: Object = json.loads(body)
        except ValueError as error:
            raise TransientError("the answer is not the API server's: no JSON") from error
        return answer


def _review(kind: str, spec: Object) -> Object:
    return {"apiVersion": "authorization.k8s.io/v1", "kind": kind, "spec": spec}


def _allowed(review: Object) -> bool:
    return bool((review.get("status") or {}).get("allowed"))
