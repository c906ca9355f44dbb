"""A minimal client of the API server, for what the cluster itself creates and waits for.

Tests talk to the API server with the client they test; this one only keeps the package free of
dependencies.
"""

import json
import ssl
import urllib.error
import urllib.request
from typing import Any

from e2e.cluster.errors import ClusterError
from e2e.cluster.pki import KeyPair


class ApiError(ClusterError):
    """The API server refused a request."""

    def __init__(self, method: str, path: str, status: int, message: str) -> None:
        super().__init__(f"{method} {path}: {status}: {message}")
        self.status = status


class ApiClient:
    """Requests with one identity to one API server."""

    def __init__(self, url: str, authority: KeyPair, credential: KeyPair) -> None:
        self._url = url
        self._context = ssl.create_default_context(cafile=str(authority.certificate))
        self._context.load_cert_chain(credential.certificate, credential.key)
        # No proxy of the environment: the server is on this machine.
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=self._context)
        )

    def request(
        self, method: str, path: str, body: object = None, *, content_type: str = "application/json"
    ) -> Any:
        """One request; the decoded answer, or its text where that is not JSON."""
        request = urllib.request.Request(
            self._url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": content_type, "Accept": "application/json"},
        )
        try:
            with self._opener.open(request, timeout=30) as answer:
                text = answer.read().decode()
                is_json = answer.headers.get_content_type() == "application/json"
        except urllib.error.HTTPError as error:
            with error:
                message = error.read().decode(errors="replace")[:500]
            raise ApiError(method, path, error.code, message) from None
        return json.loads(text) if is_json else text

    def apply(self, path: str, manifest: dict[str, Any]) -> None:
        """Server-side apply of one object at its path."""
        self.request(
            "PATCH",
            f"{path}?fieldManager=resilience-operator-e2e&force=true",
            manifest,
            content_type="application/apply-patch+yaml",
        )

    def create(self, path: str, manifest: dict[str, Any]) -> None:
        """Create one object in the collection at `path`; one that exists is left as it is."""
        try:
            self.request("POST", path, manifest)
        except ApiError as error:
            if error.status != 409:
                raise

    def ready(self) -> bool:
        """Whether the server answers and all of its start-up is behind it."""
        try:
            self.request("GET", "/readyz")
        except (ApiError, OSError):
            return False
        return True
