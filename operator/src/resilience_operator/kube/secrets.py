"""Reads Secrets, one at a time and by name: the operator lists and watches none."""

import base64
from collections.abc import Mapping

from resilience_operator.core.resources import SECRETS
from resilience_operator.kube.client import KubeClient


class SecretReader:
    """Reads a Secret's content. Keeps none of it."""

    def __init__(self, client: KubeClient) -> None:
        self._client = client

    async def read(self, namespace: str, name: str) -> Mapping[str, bytes] | None:
        """The decoded values by key; None when there is no such Secret."""
        found = await self._client.get(SECRETS, namespace, name)
        if found is None:
            return None
        return {key: base64.b64decode(value) for key, value in (found.get("data") or {}).items()}
