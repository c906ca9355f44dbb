"""How a dependency is asked whether it works: one model per probe type."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from resilience_operator.api.v1alpha1.base import Model, SecretKeyRef, SecretRef

Url = Annotated[str, Field(min_length=8, max_length=2048, pattern=r"^https?://[^\s@]+$")]
HostPort = Annotated[
    str, Field(min_length=3, max_length=260, pattern=r"^(\[[0-9a-fA-F:.]+\]|[^\s:/@]+):[0-9]{1,5}$")
]


class Connection(StrEnum):
    """Whether a probe may use a connection that is already open."""

    REUSE = "Reuse"
    FRESH = "Fresh"


class HttpMethod(StrEnum):
    """Methods that a health probe has a use for."""

    GET = "GET"
    HEAD = "HEAD"
    POST = "POST"
    OPTIONS = "OPTIONS"


class TlsOptions(Model):
    """How the server's certificate is checked, and which one we show."""

    ca_secret_ref: SecretKeyRef | None = Field(
        default=None, description="PEM bundle to trust instead of the system's."
    )
    client_secret_ref: SecretRef | None = Field(
        default=None, description="Secret of type kubernetes.io/tls with our client certificate."
    )
    server_name: Annotated[str, Field(max_length=253)] | None = Field(
        default=None, description="Name expected in the certificate; default: the host."
    )
    warn_days: Annotated[int, Field(ge=0, le=365)] = Field(
        default=0, description="Report a certificate that expires within so many days; 0: never."
    )


class HttpHeader(Model):
    """A request header, given in plain or from a Secret."""

    name: Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[-A-Za-z0-9]+$")] = Field(
        description="Header name."
    )
    value: Annotated[str, Field(max_length=1024)] | None = Field(
        default=None, description="Plain value. Use secretRef for anything confidential."
    )
    secret_ref: SecretKeyRef | None = Field(default=None, description="Value from a Secret.")


class StatusRange(Model):
    """Status codes from `min` to `max`, both included."""

    min: Annotated[int, Field(ge=100, le=599)] = Field(description="Lowest accepted status code.")
    max: Annotated[int, Field(ge=100, le=599)] = Field(description="Highest accepted status code.")


class HttpProbe(Model):
    """A request whose answer must have an accepted status, and optionally a certain body."""

    url: Url = Field(description="http or https URL, without credentials in it.")
    method: HttpMethod = Field(default=HttpMethod.GET, description="Request method.")
    headers: Annotated[tuple[HttpHeader, ...], Field(max_length=16)] = Field(
        default=(), description="Request headers."
    )
    accepted_statuses: Annotated[tuple[StatusRange, ...], Field(max_length=8)] = Field(
        default=(), description="Accepted status codes; default 200 to 299."
    )
    body_regexp: Annotated[str, Field(min_length=1, max_length=256)] | None = Field(
        default=None,
        description="Regular expression that must match in the first 64 KiB of the body.",
    )
    tls: TlsOptions | None = Field(default=None, description="Options for https.")
    follow_redirects: bool = Field(
        default=False, description="Follow up to five redirects; each address is checked anew."
    )
    connection: Connection = Field(
        default=Connection.REUSE, description="Reuse an open connection, or dial each time."
    )


class OpenAIMode(StrEnum):
    """What an `openai` probe asks for."""

    MODELS = "Models"
    COMPLETION = "Completion"


class OpenAIProbe(Model):
    """An OpenAI-compatible API: lists the models, or asks for one token of one."""

    base_url: Url = Field(alias="baseURL", description="Base URL, for example https://…/v1.")
    api_key_secret_ref: SecretKeyRef = Field(description="Where the API key is.")
    mode: OpenAIMode = Field(
        default=OpenAIMode.MODELS,
        description="Models lists the models (free); Completion asks `model` for one token.",
    )
    model: Annotated[str, Field(min_length=1, max_length=128)] | None = Field(
        default=None, description="Model that must be there, or that completes."
    )
    max_completions_per_day: Annotated[int, Field(ge=1, le=86_400)] = Field(
        default=1000,
        description="Budget of Completion probes; once spent, the probe lists models instead.",
    )


class PostgresProbe(Model):
    """A query on a fresh session, and optionally the replication lag and writability."""

    dsn_secret_ref: SecretKeyRef = Field(
        description="Where the connection string is: a postgresql:// URL or key=value pairs."
    )
    query: Annotated[str, Field(min_length=1, max_length=1024)] = Field(
        default="SELECT 1", description="Query that must succeed; its rows are not read."
    )
    max_replication_lag_seconds: Annotated[int, Field(ge=0, le=86_400)] | None = Field(
        default=None, description="A replica further behind than this is unhealthy (Lag)."
    )
    read_write: bool = Field(
        default=False, description="A server that is read-only is unhealthy (ReadOnly)."
    )


class RedisRole(StrEnum):
    """The replication role that a Redis must have."""

    ANY = "any"
    MASTER = "master"
    REPLICA = "replica"


class RedisProbe(Model):
    """PING, and optionally the role, the memory in use and the replication link."""

    url_secret_ref: SecretKeyRef = Field(
        description="Where the URL is: redis:// or rediss://, with credentials."
    )
    role: RedisRole = Field(default=RedisRole.ANY, description="Role that it must have.")
    max_memory_percent: Annotated[int, Field(ge=1, le=100)] | None = Field(
        default=None, description="More of maxmemory in use than this is unhealthy (Memory)."
    )
    tls: TlsOptions | None = Field(default=None, description="Options for rediss.")


class S3Mode(StrEnum):
    """What an `s3` probe does."""

    HEAD_BUCKET = "HeadBucket"
    CANARY_OBJECT = "CanaryObject"


class S3Probe(Model):
    """HeadBucket, or a small object written, read and deleted."""

    endpoint: Url = Field(description="Base URL of the service.")
    bucket: Annotated[
        str, Field(min_length=3, max_length=63, pattern=r"^[a-z0-9][-.a-z0-9]+[a-z0-9]$")
    ] = Field(description="Bucket that must answer.")
    credentials_secret_ref: SecretRef = Field(
        description="Secret with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
        "or access-key-id and secret-access-key; a session token likewise."
    )
    region: Annotated[str, Field(min_length=1, max_length=63)] = Field(
        default="us-east-1", description="Region to sign for."
    )
    mode: S3Mode = Field(
        default=S3Mode.HEAD_BUCKET, description="HeadBucket, or CanaryObject to test writes too."
    )
    path_style: bool = Field(
        default=False, description="Put the bucket into the path instead of the host name."
    )
    tls: TlsOptions | None = Field(default=None, description="Options for https.")


class TcpProbe(Model):
    """A TCP connection that must be accepted."""

    address: HostPort = Field(description="host:port; an IPv6 address in brackets.")


class ProbeSpec(Model):
    """When to ask, and how: exactly one type."""

    interval_seconds: Annotated[int, Field(ge=1, le=3600)] = Field(
        default=10, description="Seconds from one probe to the next."
    )
    timeout_seconds: Annotated[int, Field(ge=1, le=300)] = Field(
        default=3, description="Seconds after which a probe counts as failed (Timeout)."
    )
    confirm_interval_seconds: Annotated[int, Field(ge=1, le=3600)] = Field(
        default=1, description="Pace while a change of verdict is being confirmed."
    )
    http: HttpProbe | None = Field(default=None, description="An HTTP request.")
    openai: OpenAIProbe | None = Field(default=None, description="An OpenAI-compatible API.")
    postgres: PostgresProbe | None = Field(default=None, description="A PostgreSQL server.")
    redis: RedisProbe | None = Field(default=None, description="A Redis server.")
    s3: S3Probe | None = Field(default=None, description="An S3 bucket.")
    tcp: TcpProbe | None = Field(default=None, description="A TCP port.")


AnyProbe = HttpProbe | OpenAIProbe | PostgresProbe | RedisProbe | S3Probe | TcpProbe

PROBE_TYPES: tuple[str, ...] = ("http", "openai", "postgres", "redis", "s3", "tcp")
