"""Redis: PING, and when asked the role, the replication link and the memory in use."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

from resilience_operator.api.v1alpha1.policy_status import FailureReason as Reason
from resilience_operator.api.v1alpha1.probes import RedisProbe, RedisRole
from resilience_operator.probes import tls
from resilience_operator.probes.base import Exchange, SecretValues, Unhealthy
from resilience_operator.probes.dial import Endpoint
from resilience_operator.probes.redis_connection import ProbeConnection, Stream
from resilience_operator.probes.redis_failures import explained, not_a_redis
from resilience_operator.probes.secrets import SecretInvalid, secret_text
from resilience_operator.probes.sessions import KeptSession
from resilience_operator.probes.tls import TlsMaterial
from resilience_operator.probes.toolkit import Toolkit

DEFAULT_PORT = 6379


@dataclass(frozen=True, slots=True)
class RedisUrl:
    """What a redis:// or rediss:// URL says."""

    endpoint: Endpoint
    encrypted: bool
    username: str = field(repr=False)
    password: str = field(repr=False)
    database: int


def parse_redis_url(text: str) -> RedisUrl:
    """Parse a URL; `SecretInvalid` says what is wrong with it without quoting it."""
    try:
        url = urlsplit(text)
        port = url.port
        options = dict(parse_qsl(url.query, strict_parsing=bool(url.query)))
    except ValueError:
        raise SecretInvalid("The Redis URL cannot be parsed.") from None
    if url.scheme not in ("redis", "rediss"):
        raise SecretInvalid("The Redis URL must begin with redis:// or rediss://.")
    if not url.hostname:
        raise SecretInvalid("The Redis URL names no host.")
    database = options.pop("db", url.path.strip("/") or "0")
    if options:
        raise SecretInvalid("The Redis URL may have no options other than db.")
    if not (database.isascii() and database.isdigit() and len(database) <= 5):
        raise SecretInvalid("The database in the Redis URL must be a number.")
    return RedisUrl(
        endpoint=Endpoint(url.hostname, port or DEFAULT_PORT),
        encrypted=url.scheme == "rediss",
        username=unquote(url.username or ""),
        password=unquote(url.password or ""),
        database=int(database),
    )


def build(spec: RedisProbe, kit: Toolkit) -> "Redis":
    """Make the probe."""
    return Redis(spec, kit)


class Redis:
    """Keeps one connection."""

    def __init__(self, spec: RedisProbe, kit: Toolkit) -> None:
        self._spec = spec
        self._kit = kit
        self._session = KeptSession(ProbeConnection.close)
        names = (spec.url_secret_ref.name, *tls.secret_names(spec.tls))
        self.secret_names = tuple(dict.fromkeys(names))

    async def prepare(self, secrets: SecretValues, timeout_seconds: float) -> Exchange:
        """Read the URL and the certificates."""
        text = secret_text(secrets, self._spec.url_secret_ref)
        url = parse_redis_url(text)
        material = tls.material_of(self._spec.tls, secrets)
        return lambda: self._session.run(
            f"{text} {hash(material)}", lambda: self._dial(url, material), self._examine
        )

    async def aclose(self) -> None:
        """Close the connection."""
        self._session.close()

    async def _dial(self, url: RedisUrl, material: TlsMaterial) -> ProbeConnection:
        context = await self._kit.tls.get(material) if url.encrypted else None
        options = self._spec.tls
        name = (options.server_name if options else None) or url.endpoint.host
        with explained():
            sock = await self._kit.dialler.connect(url.endpoint)
            connection = ProbeConnection(
                stream=await Stream.open(sock, context, name),
                host=url.endpoint.host,
                port=url.endpoint.port,
                username=url.username if url.password else None,
                password=url.password or None,
                db=url.database,
            )
            try:
                await connection.log_in()
            except BaseException:
                connection.close()
                raise
        return connection

    async def _examine(self, connection: ProbeConnection) -> str:
        with explained():
            if not await connection.ask("PING"):
                raise not_a_redis()
            if self._spec.role is not RedisRole.ANY:
                check_role(await connection.ask("INFO", "replication"), self._spec)
            if self._spec.max_memory_percent is not None:
                memory = await connection.ask("INFO", "memory")
                check_memory(memory, self._spec.max_memory_percent)
        certificate = connection.certificate
        return f"PONG.{tls.expiry_warning(self._spec.tls, certificate, self._kit.now())}"


def check_role(info: Mapping[str, object], spec: RedisProbe) -> None:
    """Compare INFO's replication section with what the policy asks for."""
    roles = {"master": RedisRole.MASTER, "slave": RedisRole.REPLICA}
    role = roles.get(str(info.get("role")))
    if role is not spec.role:
        raise Unhealthy(Reason.ROLE, f"The server is not a {spec.role.value}.")
    if role is RedisRole.REPLICA and info.get("master_link_status") != "up":
        raise Unhealthy(Reason.LAG, "The replica's link to its master is down.")


def check_memory(info: Mapping[str, object], max_percent: int) -> None:
    """Compare INFO's memory section with the limit; a server without maxmemory passes."""
    used, limit = info.get("used_memory"), info.get("maxmemory")
    if not isinstance(used, int) or not isinstance(limit, int):
        raise Unhealthy(Reason.PROTOCOL, "The server does not tell its memory.")
    if limit > 0 and used * 100 > limit * max_percent:
        raise Unhealthy(
            Reason.MEMORY, f"{used * 100 // limit} % of maxmemory is in use, over {max_percent} %."
        )
