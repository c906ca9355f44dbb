"""How a dependency is asked whether it works: one model per probe type, and the choice of one.

All names of probe models can be imported from here, whichever file they are written in.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from resilience_operator.api.v1alpha1.base import Model, SecretKeyRef
from resilience_operator.api.v1alpha1.endpoints import Connection, HostPort, TlsOptions, Url
from resilience_operator.api.v1alpha1.http_probes import (
    HttpHeader,
    HttpMethod,
    HttpProbe,
    OpenAIMode,
    OpenAIProbe,
    S3Mode,
    S3Probe,
    StatusRange,
)
from resilience_operator.api.v1alpha1.rules import at_most, exactly_one, rules

__all__ = [
    "PROBE_TYPES",
    "AnyProbe",
    "Connection",
    "HostPort",
    "HttpHeader",
    "HttpMethod",
    "HttpProbe",
    "OpenAIMode",
    "OpenAIProbe",
    "PostgresProbe",
    "ProbeSpec",
    "RedisProbe",
    "RedisRole",
    "S3Mode",
    "S3Probe",
    "StatusRange",
    "TcpProbe",
    "TlsOptions",
    "Url",
]


class PostgresProbe(Model):
    """A query on a session that is kept, and optionally the replication lag and writability."""

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
    tls: TlsOptions | None = Field(default=None, description="TLS options for a rediss:// URL.")


class TcpProbe(Model):
    """A TCP connection that must be accepted."""

    address: HostPort = Field(description="host:port; an IPv6 address in brackets.")


PROBE_TYPES: tuple[str, ...] = ("http", "openai", "postgres", "redis", "s3", "tcp")


class ProbeSpec(Model):
    """When to ask, and how: exactly one type."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            exactly_one(
                PROBE_TYPES,
                f"a probe takes exactly one type of {', '.join(PROBE_TYPES)}: "
                "give one, remove the others",
            ),
            at_most(
                "timeoutSeconds", "intervalSeconds", "lower the timeout or lengthen the interval"
            ),
            at_most(
                "confirmIntervalSeconds",
                "intervalSeconds",
                "confirm at the same pace or more often",
            ),
        )
    )

    interval_seconds: Annotated[int, Field(ge=1, le=3600)] = Field(
        default=10, description="Seconds from one probe to the next."
    )
    timeout_seconds: Annotated[int, Field(ge=1, le=300)] = Field(
        default=3, description="Seconds after which a probe counts as failed (Timeout)."
    )
    confirm_interval_seconds: Annotated[int, Field(ge=1, le=3600)] = Field(
        default=1, description="Pace while a change of verdict is being confirmed."
    )
    http: HttpProbe | None = Field(default=None, description="Type http: an HTTP endpoint.")
    openai: OpenAIProbe | None = Field(default=None, description="Type openai: an AI API.")
    postgres: PostgresProbe | None = Field(
        default=None, description="Type postgres: a PostgreSQL server."
    )
    redis: RedisProbe | None = Field(default=None, description="Type redis: a Redis server.")
    s3: S3Probe | None = Field(default=None, description="Type s3: an object store.")
    tcp: TcpProbe | None = Field(default=None, description="Type tcp: any other server.")


AnyProbe = HttpProbe | OpenAIProbe | PostgresProbe | RedisProbe | S3Probe | TcpProbe
