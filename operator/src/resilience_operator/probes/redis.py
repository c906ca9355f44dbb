"""Redis: PING, and when asked the role, the replication link and the memory in use."""

from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

from resilience_operator.api.v1alpha1.policy_status import FailureReason as Reason
from resilience_operator.api.v1alpha1.probes import RedisProbe, RedisRole
from resilience_operator.probes import tls
from resilience_operator.probes.base import Exchange, ProbeFailure, SecretValues, Unhealthy
from resilience_operator.probes.dial import Endpoint
from resilience_operator.probes.failures import of_network
from resilience_operator.probes.resp import RespConnection, RespError
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
        self._session = KeptSession(RespConnection.close)
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

    async def _dial(self, url: RedisUrl, material: TlsMaterial) -> RespConnection:
        context = await self._kit.tls.get(material) if url.encrypted else None
        options = self._spec.tls
        name = (options.server_name if options else None) or url.endpoint.host
        try:
            sock = await self._kit.dialler.connect(url.endpoint)
            connection = await RespConnection.open(sock, context, name)
        except (OSError, EOFError) as error:
            failure = of_network(error)
            if failure is None:
                raise
            raise failure from None
        try:
            await _log_in(connection, url)
        except BaseException:
            connection.close()
            raise
        return connection

    async def _examine(self, connection: RespConnection) -> str:
        try:
            if await connection.command("PING") != "PONG":
                raise Unhealthy(Reason.PROTOCOL, "The server does not answer like a Redis.")
            if self._spec.role is not RedisRole.ANY:
                check_role(_fields(await connection.command("INFO", "replication")), self._spec)
            if self._spec.max_memory_percent is not None:
                memory = _fields(await connection.command("INFO", "memory"))
                check_memory(memory, self._spec.max_memory_percent)
        except RespError as error:
            raise of_reply(error) from None
        certificate = connection.certificate
        return f"PONG.{tls.expiry_warning(self._spec.tls, certificate, self._kit.now())}"


async def _log_in(connection: RespConnection, url: RedisUrl) -> None:
    try:
        if url.password:
            user = (url.username,) if url.username else ()
            await connection.command("AUTH", *user, url.password)
        if url.database:
            await connection.command("SELECT", str(url.database))
    except RespError as error:
        raise of_reply(error) from None


def _fields(info: str) -> dict[str, str]:
    pairs = (line.partition(":") for line in info.splitlines())
    return {name: value for name, colon, value in pairs if colon}


def check_role(info: dict[str, str], spec: RedisProbe) -> None:
    """Compare INFO's replication section with what the policy asks for."""
    role = {"master": RedisRole.MASTER, "slave": RedisRole.REPLICA}.get(info.get("role", ""))
    if role is not spec.role:
        raise Unhealthy(Reason.ROLE, f"The server is not a {spec.role.value}.")
    if role is RedisRole.REPLICA and info.get("master_link_status") != "up":
        raise Unhealthy(Reason.LAG, "The replica's link to its master is down.")


def check_memory(info: dict[str, str], max_percent: int) -> None:
    """Compare INFO's memory section with the limit; a server without maxmemory passes."""
    try:
        used, limit = int(info["used_memory"]), int(info["maxmemory"])
    except (KeyError, ValueError):
        raise Unhealthy(Reason.PROTOCOL, "The server does not tell its memory.") from None
    if limit > 0 and used * 100 > limit * max_percent:
        raise Unhealthy(
            Reason.MEMORY, f"{used * 100 // limit} % of maxmemory is in use, over {max_percent} %."
        )


_BY_CODE = {
    "NOAUTH": (Reason.AUTH, "The server wants a password."),
    "WRONGPASS": (Reason.AUTH, "The user name or password was not accepted."),
    "NOPERM": (Reason.AUTH, "The user lacks the permission for PING or INFO."),
    "DENIED": (Reason.AUTH, "The server is in protected mode."),
    "LOADING": (Reason.REFUSED, "The server is still loading its data."),
    "BUSY": (Reason.REFUSED, "The server is busy with a script."),
    "MASTERDOWN": (Reason.LAG, "The replica's link to its master is down."),
    "READONLY": (Reason.READ_ONLY, "The server is read-only."),
    "MISCONF": (Reason.READ_ONLY, "The server takes no writes: it cannot save its data."),
    "OOM": (Reason.MEMORY, "The server is out of memory."),
}
_BY_TEXT = (
    ("max number of clients", Reason.REFUSED, "The server has reached its limit of clients."),
    ("invalid password", Reason.AUTH, "The user name or password was not accepted."),
    ("without any password", Reason.AUTH, "A password was given but the server has none."),
    ("no password is set", Reason.AUTH, "A password was given but the server has none."),
    ("db index", Reason.NOT_FOUND, "The server has no database of that number."),
)


def of_reply(error: RespError) -> ProbeFailure:
    """Say what an error reply means, in our own words."""
    if error.code in _BY_CODE:
        return Unhealthy(*_BY_CODE[error.code])
    for text, reason, sentence in _BY_TEXT:
        if text in error.text:
            return Unhealthy(reason, sentence)
    return Unhealthy(Reason.QUERY, "The server answered a command with an error.")
