"""HTTP: a request whose answer must have an accepted status, and optionally a certain body.

Redirects are followed here rather than by the library: values from Secrets and the client
certificate go to the host that the policy names and to no other.
"""

from dataclasses import dataclass, field, replace

from yarl import URL

from resilience_operator.api.v1alpha1.policy_status import FailureReason as Reason
from resilience_operator.api.v1alpha1.probes import Connection, HttpHeader, HttpProbe
from resilience_operator.probes import tls
from resilience_operator.probes.base import Exchange, SecretValues, Unhealthy, Unknowable
from resilience_operator.probes.http_client import BODY_LIMIT, Answer, Request, parse_url
from resilience_operator.probes.regexps import BodyRegexp
from resilience_operator.probes.secrets import secret_text
from resilience_operator.probes.statuses import raise_for
from resilience_operator.probes.toolkit import Toolkit

MAX_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
# They say where a request ends. A wrong one would swallow the next request on the connection,
# credentials included, and that may be another tenant's.
_FRAMING = frozenset({"content-length", "transfer-encoding"})


def build(spec: HttpProbe, kit: Toolkit) -> "Http":
    """Make the probe."""
    return Http(spec, kit)


@dataclass(frozen=True, slots=True)
class _Plan:
    """A request, and what of it may go to other hosts."""

    request: Request
    abroad: Request = field(repr=False)


class Http:
    """Keeps nothing of its own: connections are the client's."""

    def __init__(self, spec: HttpProbe, kit: Toolkit) -> None:
        self._spec = spec
        self._kit = kit
        self._regexp = BodyRegexp(spec.body_regexp) if spec.body_regexp else None
        headers = tuple(h.secret_ref.name for h in spec.headers if h.secret_ref is not None)
        self._url: URL | None = None  # parsed at the first run, which reports one that is none
        self.secret_names = tuple(dict.fromkeys((*headers, *tls.secret_names(spec.tls))))

    async def prepare(self, secrets: SecretValues, timeout_seconds: float) -> Exchange:
        """Fill in headers and certificates."""
        plan = await self._plan(secrets)

        async def ask() -> str:
            answer = await self._follow(plan)
            if not self._accepts(answer.status):
                raise_for(answer)
            await self._check_body(answer)
            warning = tls.expiry_warning(self._spec.tls, answer.certificate, self._kit.now())
            return f"HTTP {answer.status}.{warning}"

        return ask

    async def _plan(self, secrets: SecretValues) -> _Plan:
        spec = self._spec
        _refuse_framing(spec.headers)
        plain = {h.name: h.value or "" for h in spec.headers if h.secret_ref is None}
        secret = {h.name: secret_text(secrets, h.secret_ref) for h in spec.headers if h.secret_ref}
        material = tls.material_of(spec.tls, secrets)
        url = self._url = self._url or parse_url(spec.url)
        needs_tls = url.scheme == "https" or spec.follow_redirects
        request = Request(
            method=spec.method.value,
            url=url,
            headers={**plain, **secret},
            tls=await self._kit.tls.get(material) if needs_tls else None,
            server_name=spec.tls.server_name if spec.tls else None,
            fresh=spec.connection is Connection.FRESH,
            body_limit=BODY_LIMIT if spec.body_regexp else None,
        )
        trust = await self._kit.tls.get(material.without_client()) if needs_tls else None
        abroad = {name: value for name, value in plain.items() if name.lower() != "host"}
        return _Plan(request, replace(request, headers=abroad, tls=trust, server_name=None))

    async def _follow(self, plan: _Plan) -> Answer:
        request, at_home = plan.request, True
        for _ in range(MAX_REDIRECTS + 1):
            answer = await self._kit.http.fetch(request)
            location = answer.headers.get("Location")
            if not self._spec.follow_redirects or answer.status not in _REDIRECTS or not location:
                return answer
            target = _join(request.url, location)
            at_home = at_home and _is_same_place(request.url, target)
            method = _method_after(answer.status, request.method)
            request = replace(plan.request if at_home else plan.abroad, url=target, method=method)
        raise Unhealthy(Reason.BAD_STATUS, f"More than {MAX_REDIRECTS} redirects.")

    def _accepts(self, status: int) -> bool:
        ranges = self._spec.accepted_statuses
        if not ranges:
            return 200 <= status <= 299
        return any(accepted.min <= status <= accepted.max for accepted in ranges)

    async def _check_body(self, answer: Answer) -> None:
        if self._regexp is not None and not await self._regexp.matches(answer.body):
            raise Unhealthy(
                Reason.BAD_BODY, "The body does not match bodyRegexp in its first 64 KiB."
            )

    async def aclose(self) -> None:
        """Nothing is kept."""


def _refuse_framing(headers: tuple[HttpHeader, ...]) -> None:
    wrong = next((h.name for h in headers if h.name.lower() in _FRAMING), None)
    if wrong is not None:
        raise Unknowable(Reason.CONFIG_INVALID, f"The header {wrong} is not a policy's to set.")


def _join(base: URL, location: str) -> URL:
    """Where a redirect leads to, without credentials that may be in it."""
    try:
        target = base.join(URL(location))
        if target.scheme in ("http", "https") and target.host and target.port:
            return target.with_user(None).with_fragment(None)
    except ValueError:
        pass
    raise Unhealthy(Reason.PROTOCOL, "The server redirects to what is not an http or https URL.")


def _is_same_place(origin: URL, target: URL) -> bool:
    """Whether `target` is the origin itself, or the same host after the upgrade to https."""
    if origin.host != target.host:
        return False
    ports = (origin.port, target.port)
    if origin.scheme == target.scheme:
        return ports[0] == ports[1]
    return target.scheme == "https" and ports == (80, 443)


def _method_after(status: int, method: str) -> str:
    if method == "POST" and status in (301, 302, 303):
        return "GET"
    return method
