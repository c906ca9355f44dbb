"""S3: HeadBucket, or a small object written, read back and deleted.

Requests are signed by botocore and sent by the one HTTP client, so that the address guard sees
every dial. The names of canary objects are used again and again: what a run could not delete is
overwritten and deleted by a later one, so at most a few objects are ever left behind.
"""

import asyncio
import contextlib
import secrets as randomness
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from ssl import SSLContext
from typing import NoReturn

from yarl import URL

from resilience_operator.api.v1alpha1.policy_status import FailureReason as Reason
from resilience_operator.api.v1alpha1.probes import S3Mode, S3Probe
from resilience_operator.probes import tls
from resilience_operator.probes.base import (
    Exchange,
    ProbeFailure,
    SecretValues,
    Unhealthy,
    Unknowable,
)
from resilience_operator.probes.http_client import BODY_LIMIT, Answer, Request, parse_url
from resilience_operator.probes.sigv4 import Signer, signer_of
from resilience_operator.probes.statuses import raise_for
from resilience_operator.probes.toolkit import Toolkit

CANARY_PREFIX = ".resilience-operator/"
# A leader that stops waits for it: shorter than the time in which it may still give its lease back.
TIDY_SECONDS = 3.0
# The service refuses what was signed more than so far from its own time.
MAX_SKEW_SECONDS = 900


def build(spec: S3Probe, kit: Toolkit) -> "S3":
    """Make the probe."""
    return S3(spec, kit)


def bucket_url(spec: S3Probe) -> URL:
    """The bucket's URL, in path style also where the endpoint is a bare address."""
    endpoint = parse_url(spec.endpoint)
    host = endpoint.host or ""
    if spec.path_style or _is_address(host):
        return endpoint / spec.bucket
    return endpoint.with_host(f"{spec.bucket}.{host}")


@dataclass(frozen=True, slots=True)
class _Signed:
    """Makes signed requests for one bucket."""

    spec: S3Probe
    url: URL
    signer: Signer = field(repr=False)
    tls: SSLContext | None

    def request(self, method: str, key: str = "", body: bytes | None = None) -> Request:
        url = self.url / key if key else self.url
        return Request(
            method=method,
            url=url,
            headers=self.signer.headers(method, str(url), body or b""),
            body=body,
            tls=self.tls,
            server_name=self.spec.tls.server_name if self.spec.tls else None,
            body_limit=BODY_LIMIT if method == "GET" else None,
        )


class S3:
    """Keeps the names of canary objects, and what is still being tidied up."""

    def __init__(self, spec: S3Probe, kit: Toolkit) -> None:
        self._spec = spec
        self._kit = kit
        self._free_names: list[str] = []
        self._tidying: set[asyncio.Task[None]] = set()
        names = (spec.credentials_secret_ref.name, *tls.secret_names(spec.tls))
        self.secret_names = tuple(dict.fromkeys(names))

    async def prepare(self, secrets: SecretValues, timeout_seconds: float) -> Exchange:
        """Read the credentials and the certificates."""
        name = self._spec.credentials_secret_ref.name
        signer = signer_of(name, secrets[name], self._spec.region)
        url = bucket_url(self._spec)
        material = tls.material_of(self._spec.tls, secrets)
        signed = _Signed(
            spec=self._spec,
            url=url,
            signer=signer,
            tls=await self._kit.tls.get(material) if url.scheme == "https" else None,
        )

        async def send(request: Request, *accepted: int) -> Answer:
            answer = await self._kit.http.fetch(request)
            if answer.status not in accepted:
                self._raise_for(answer, signer.temporary)
            return answer

        if self._spec.mode is S3Mode.CANARY_OBJECT:
            return lambda: self._write_read_delete(signed, send)
        return lambda: self._head(signed, send)

    async def aclose(self) -> None:
        """Let what is being tidied up come to its end, which is bounded."""
        await asyncio.gather(*self._tidying)

    async def _head(self, signed: _Signed, send: "Send") -> str:
        answer = await send(signed.request("HEAD"), 200)
        warning = tls.expiry_warning(self._spec.tls, answer.certificate, self._kit.now())
        return f"The bucket is there.{warning}"

    async def _write_read_delete(self, signed: _Signed, send: "Send") -> str:
        names = self._free_names
        name = names.pop() if names else CANARY_PREFIX + randomness.token_hex(8)
        content = randomness.token_hex(16).encode()
        left_behind = True
        try:
            put = await self._kit.http.fetch(signed.request("PUT", name, content))
            left_behind = put.status in (200, 204)
            if not left_behind:
                self._raise_for(put, signed.signer.temporary)
            got = await send(signed.request("GET", name), 200)
            await send(signed.request("DELETE", name), 200, 204)
            left_behind = False
        finally:
            if left_behind:
                self._tidy(signed, name)
            else:
                names.append(name)
        if got.body != content:
            raise Unhealthy(Reason.BAD_BODY, "The object that was read is not the one written.")
        return "An object was written, read and deleted."

    def _tidy(self, signed: _Signed, name: str) -> None:
        """Delete the object outside of the run, whose time may be up."""
        task = asyncio.create_task(self._delete(signed, name))
        self._tidying.add(task)
        task.add_done_callback(self._tidying.discard)

    async def _delete(self, signed: _Signed, name: str) -> None:
        with contextlib.suppress(ProbeFailure, TimeoutError):
            async with asyncio.timeout(TIDY_SECONDS):
                await self._kit.http.fetch(signed.request("DELETE", name))
        self._free_names.append(name)

    def _raise_for(self, answer: Answer, temporary: bool) -> NoReturn:
        if answer.status == 403:
            self._refuse_to_judge_by_a_wrong_clock(answer)
        if answer.status == 400 and temporary:
            raise Unhealthy(Reason.AUTH, "HTTP 400: the session token may have expired.")
        if answer.status == 301:
            raise Unhealthy(Reason.BAD_STATUS, "HTTP 301: the bucket is in another region.")
        if answer.status == 404:
            raise Unhealthy(Reason.NOT_FOUND, "HTTP 404: there is no such bucket.")
        raise_for(answer)

    def _refuse_to_judge_by_a_wrong_clock(self, answer: Answer) -> None:
        try:
            theirs = parsedate_to_datetime(answer.headers.get("Date", "")).timestamp()
        except (ValueError, OverflowError):
            return
        if abs(theirs - self._kit.now()) > MAX_SKEW_SECONDS:
            raise Unknowable(
                Reason.INTERNAL, "This operator's clock and the server's are too far apart."
            )


Send = Callable[..., Awaitable[Answer]]
"""Sends a request and returns its answer if its status is one of those that follow."""


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
