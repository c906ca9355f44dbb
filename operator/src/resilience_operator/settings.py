"""How one process of the operator is set up: environment variables, read once.

Every variable begins with RESILIENCE_, except the two that the downward API fills in by custom.
A wrong value stops the start with the variable's name and what it should have been.
"""

import re
import socket
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from resilience_operator.core.selectors import check_selector
from resilience_operator.logging import LogFormat

PREFIX = "RESILIENCE_"
NAMESPACE_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")

# Kubernetes tells containers of the Services around them: RESILIENCE_OPERATOR_PORT and so on.
_SERVICE_LINK = re.compile(
    r"_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?)$"
)

_CREDENTIALS = re.compile(r"//[^/\s]*@")

Network = IPv4Network | IPv6Network


class SettingsError(Exception):
    """The environment does not make a valid set of settings; says which variable, and why."""


def _listed(value: Any) -> Any:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _upper(value: Any) -> Any:
    return value.upper() if isinstance(value, str) else value


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _with_a_port(address: str) -> str:
    if address and not 1 <= int(address.rpartition(":")[2]) <= 65_535:
        raise ValueError("the port must be from 1 to 65535")
    return address


Networks = Annotated[tuple[Network, ...], BeforeValidator(_listed)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]


class Settings(BaseModel):
    """The settings, each with the default that suits a cluster."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    identity: Annotated[str, Field(min_length=1)] = Field(
        description="Name of this replica in the lease; default: POD_NAME, else the host's name."
    )
    namespace: Annotated[str, Field(min_length=1)] = Field(
        description="The operator's own namespace, where its lease is; default: POD_NAMESPACE, "
        "else the service account's, else default."
    )
    watch_namespaces: Annotated[tuple[str, ...], BeforeValidator(_listed)] = Field(
        default=(), description="Comma-separated namespaces to watch; empty: all."
    )
    policy_selector: Annotated[str, AfterValidator(check_selector)] = Field(
        default="",
        description="Label selector of the policies that are this operator's; empty: all. "
        "Every shard has its own, and a lease of its own.",
    )
    http_host: str = Field(default="0.0.0.0", description="Address of /healthz and /metrics.")
    http_port: Annotated[int, Field(ge=0, le=65_535)] = Field(
        default=8080, description="Port of the same; 0: any free one."
    )
    guard_allow: Networks = Field(
        default=(), description="Comma-separated CIDRs that probes may reach although refused."
    )
    guard_deny: Networks = Field(
        default=(), description="Comma-separated CIDRs that probes must not reach."
    )
    max_probes_in_flight: Annotated[int, Field(ge=1, le=100_000)] = Field(
        default=1000, description="Most probes on their way at once."
    )
    workers: Annotated[int, Field(ge=1, le=256)] = Field(
        default=8, description="Policies gone through at once."
    )
    write_qps: Annotated[float, Field(gt=0, le=10_000)] = Field(
        default=50.0, description="Writes to the API server a second."
    )
    write_burst: Annotated[int, Field(ge=1, le=10_000)] = Field(
        default=100, description="Writes that may come at once after a pause."
    )
    log_level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(_upper)] = (
        Field(default="INFO", description="DEBUG, INFO, WARNING or ERROR.")
    )
    log_format: Annotated[LogFormat, BeforeValidator(_lower)] = Field(
        default=LogFormat.JSON, description="json or plain."
    )
    lease_name: Annotated[str, Field(min_length=1, max_length=253)] = Field(
        default="resilience-operator", description="Name of the leader's lease."
    )
    lease_duration_seconds: Seconds = Field(
        default=15.0, description="How long others wait for a silent leader."
    )
    lease_renew_seconds: Seconds = Field(
        default=10.0, description="How long a leader tries to renew before it gives up."
    )
    lease_retry_seconds: Seconds = Field(
        default=2.0, description="Pause between tries to get or renew the lease."
    )
    control_probe: Annotated[
        str,
        Field(pattern=r"^(|\[[0-9A-Fa-f:]+\]:\d+|[^:\s]+:\d+)$"),
        AfterValidator(_with_a_port),
    ] = Field(
        default="",
        description="host:port that tells whether our own network works; empty: none.",
    )
    kubeconfig: Path | None = Field(
        default=None,
        description="Path of a kubeconfig; default: the service account's, or ~/.kube.",
    )
    otlp_endpoint: Annotated[str, Field(pattern=r"^(|https?://[^\s/@?#]+(/[^\s@?#]*)?)$")] = Field(
        default="",
        description="URL of an OpenTelemetry collector that takes OTLP over HTTP, such as "
        "http://collector:4318; empty: nothing is traced.",
    )
    trace_ratio: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.01,
        description="Share of what is routine that is traced, 0 to 1: healthy probes, and passes "
        "that write nothing. The rest always is.",
    )
    resync_seconds: Seconds = Field(
        default=600.0, description="How often each policy is compared with the cluster afresh."
    )

    @model_validator(mode="after")
    def _lease_times_nest(self) -> Self:
        if not (self.lease_retry_seconds < self.lease_renew_seconds < self.lease_duration_seconds):
            raise ValueError(
                f"{PREFIX}LEASE_RETRY_SECONDS must be less than {PREFIX}LEASE_RENEW_SECONDS, and "
                f"that less than {PREFIX}LEASE_DURATION_SECONDS"
            )
        return self


def load(environment: Mapping[str, str], namespace_file: Path = NAMESPACE_FILE) -> Settings:
    """The settings that an environment gives. Raises SettingsError."""
    values: dict[str, Any] = {
        "identity": environment.get("POD_NAME") or socket.gethostname(),
        "namespace": environment.get("POD_NAMESPACE") or _mounted(namespace_file) or "default",
    }
    known = {variable(name): name for name in Settings.model_fields}
    ours = sorted(v for v in environment if v.startswith(PREFIX) and v not in known)
    if unknown := [v for v in ours if not _SERVICE_LINK.search(v)]:
        raise SettingsError(
            f"{unknown[0]} is not a setting of the operator. Known: {', '.join(sorted(known))}."
        )
    for name, field in known.items():
        if environment.get(name, "") != "":
            values[field] = environment[name]
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        raise SettingsError("\n".join(_sentence(detail) for detail in error.errors())) from error


def variable(field: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + field.upper()


def _mounted(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except OSError:
        return ""  # not in a pod


def _sentence(detail: Any) -> str:
    field = str(detail["loc"][0]) if detail["loc"] else ""
    if field not in Settings.model_fields:
        return str(detail["msg"]).removeprefix("Value error, ") + "."
    remedy = Settings.model_fields[field].description
    given = _CREDENTIALS.sub("//…@", repr(detail["input"]))
    return f"{variable(field)}={given}: {detail['msg']}. Expected: {remedy}"
