"""Where a probe dials: the spellings of addresses, and the options of TLS and connections."""

import json
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from resilience_operator.api.v1alpha1.base import Model, SecretKeyRef, SecretRef
from resilience_operator.api.v1alpha1.rules import Rule, rules, says

# Blanks and control characters, spelt out: what `\s` means depends on the engine, and a text that
# the API server accepts and pydantic refuses would be a policy that is silently ignored.
_BLANK = r"\x00-\x20\x7f-\xa0"
_PORT = r"([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
_URL = rf"^https?://[^{_BLANK}/?#@\\]+([/?#][^{_BLANK}\\]*)?$"
_URL_OF_A_HOST = (
    rf"^https?://(\[[0-9a-fA-F:.]*:[0-9a-fA-F:.]*\]|[^{_BLANK}:/?#@\\\[\]]+)(:{_PORT})?([/?#].*)?$"
)
Url = Annotated[
    str,
    Field(
        min_length=8,
        max_length=2048,
        pattern=_URL,
        json_schema_extra=says(
            "must be an http:// or https:// URL without blanks and without a user or password "
            "in it: credentials belong in a Secret"
        )
        | rules(
            Rule(
                f"!self.matches({json.dumps(_URL)}) || self.matches({json.dumps(_URL_OF_A_HOST)})",
                "must name a host, an IPv6 address in brackets, and a port from 1 to 65535 if any, "
                "as in https://api.example.com:8443/healthz",
            )
        ),
    ),
]
_LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
# Of which namespace it is, a rule of the schema cannot know: whoever asks sees to that.
ServiceUrl = Annotated[
    str,
    Field(
        min_length=8,
        max_length=2048,
        pattern=r"^https?://[a-z]([-a-z0-9]{0,61}[a-z0-9])?"
        rf"([.]{_LABEL}[.]svc([.]cluster[.]local)?)?(:{_PORT})?([/?#][^{_BLANK}\\]*)?$",
        json_schema_extra=says(
            "must be the http:// or https:// URL of a Service in the policy's namespace, without "
            "a user or password, as in http://smoke-tests:8080/passed or "
            "http://smoke-tests.shop.svc:8080/passed: put a Service in front of anything else"
        ),
    ),
]
HostPort = Annotated[
    str,
    Field(
        min_length=3,
        max_length=260,
        pattern=rf"^(\[[0-9a-fA-F:.]+\]|[^{_BLANK}:/@?#\\\[\]]+):{_PORT}$",
        json_schema_extra=says(
            "must be host:port with a port from 1 to 65535 and an IPv6 address in brackets, "
            "as in db.example.com:5432 or [2001:db8::1]:5432"
        ),
    ),
]


class Connection(StrEnum):
    """Whether a probe may use a connection that is already open."""

    REUSE = "Reuse"
    FRESH = "Fresh"


class TlsOptions(Model):
    """How the server's certificate is checked, and which one we show."""

    ca_secret_ref: SecretKeyRef | None = Field(
        default=None, description="PEM bundle to trust instead of the system's."
    )
    client_secret_ref: SecretRef | None = Field(
        default=None, description="Secret of type kubernetes.io/tls with our client certificate."
    )
    server_name: (
        Annotated[
            str,
            Field(
                min_length=1,
                max_length=253,
                pattern=r"^[-.:_A-Za-z0-9]+$",
                json_schema_extra=says("must be a host name or an IP address, without a port"),
            ),
        ]
        | None
    ) = Field(default=None, description="Name expected in the certificate; default: the host.")
    warn_days: Annotated[int, Field(ge=0, le=365)] = Field(
        default=0, description="Report a certificate that expires within so many days; 0: never."
    )
