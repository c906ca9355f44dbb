"""Probes that speak HTTP: a plain request, an OpenAI-compatible API, an S3 bucket."""

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from resilience_operator.api.v1alpha1.base import Model, SecretKeyRef, SecretRef
from resilience_operator.api.v1alpha1.endpoints import Connection, TlsOptions, Url
from resilience_operator.api.v1alpha1.rules import Rule, at_most, exactly_one, rules, says

_TLS_NEEDS_HTTPS = "!has(self.tls) || self.{url}.startsWith('https://')"


class HttpMethod(StrEnum):
    """Methods that a health probe has a use for."""

    GET = "GET"
    HEAD = "HEAD"
    POST = "POST"
    OPTIONS = "OPTIONS"


class HttpHeader(Model):
    """A request header, given in plain or from a Secret."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            exactly_one(
                ("value", "secretRef"),
                "a header takes exactly one of value and secretRef: give one, remove the other",
            ),
            Rule(
                "!has(self.value) || !(self.name.lowerAscii() in "
                "['authorization', 'proxy-authorization', 'cookie', 'x-api-key'])",
                "value would show this header's credential to everyone who can read the policy: "
                "put it into a Secret and use secretRef",
                field=".value",
            ),
            Rule(
                "!(self.name.lowerAscii() in ['content-length', 'transfer-encoding'])",
                "this header says where the request ends, which is the operator's to say: remove "
                "the header",
                field=".name",
            ),
        )
    )

    name: Annotated[
        str,
        Field(
            min_length=1,
            max_length=128,
            pattern=r"^[-A-Za-z0-9]+$",
            json_schema_extra=says("must be a header's name: letters, digits and '-'"),
        ),
    ] = Field(description="Name of the header, for example Accept.")
    value: (
        Annotated[
            str,
            Field(
                max_length=1024,
                pattern=r"^[^\x00-\x08\x0a-\x1f\x7f]*$",
                json_schema_extra=says(
                    "must be one line without control characters: remove the line break, or "
                    "whatever else cannot be seen"
                ),
            ),
        ]
        | None
    ) = Field(default=None, description="Plain value. Use secretRef for anything confidential.")
    secret_ref: SecretKeyRef | None = Field(
        default=None, description="Takes the value from a Secret; for credentials."
    )


class StatusRange(Model):
    """Status codes from `min` to `max`, both included."""

    model_config = ConfigDict(
        json_schema_extra=rules(at_most("min", "max", "swap them or widen the range"))
    )

    min: Annotated[int, Field(ge=100, le=599)] = Field(description="Lowest accepted status code.")
    max: Annotated[int, Field(ge=100, le=599)] = Field(description="Highest accepted status code.")


class HttpProbe(Model):
    """A request whose answer must have an accepted status, and optionally a certain body."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            Rule(
                _TLS_NEEDS_HTTPS.format(url="url"),
                "tls is for https:// URLs only: change url to https:// or remove tls",
                field=".tls",
            ),
            Rule(
                "!has(self.bodyRegexp) || self.method != 'HEAD'",
                "bodyRegexp needs a body and HEAD has none: use method GET or remove bodyRegexp",
                field=".bodyRegexp",
            ),
        )
    )

    url: Url = Field(description="http or https URL, without credentials in it.")
    method: HttpMethod = Field(default=HttpMethod.GET, description="HTTP method of the request.")
    headers: Annotated[tuple[HttpHeader, ...], Field(max_length=16)] = Field(
        default=(), description="Headers sent with the request."
    )
    accepted_statuses: Annotated[tuple[StatusRange, ...], Field(max_length=8)] = Field(
        default=(), description="Accepted status codes; default 200 to 299."
    )
    body_regexp: Annotated[str, Field(min_length=1, max_length=256)] | None = Field(
        default=None,
        description="Regular expression that must match in the first 64 KiB of the body.",
        json_schema_extra=rules(
            Rule(
                "''.matches(self) in [true, false]",
                "must be a regular expression in RE2 syntax: correct it",
            )
        ),
    )
    tls: TlsOptions | None = Field(default=None, description="TLS options for an https URL.")
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

    model_config = ConfigDict(
        json_schema_extra=rules(
            Rule(
                "self.mode != 'Completion' || has(self.model)",
                "model is required by mode Completion: name the model to ask, or use mode Models",
                field=".model",
            )
        )
    )

    base_url: Url = Field(alias="baseURL", description="Base URL, as in https://api.openai.com/v1.")
    api_key_secret_ref: SecretKeyRef = Field(description="Secret and key that hold the API key.")
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


S3_KEY_NAMES = {
    "access": ("AWS_ACCESS_KEY_ID", "access-key-id"),
    "secret": ("AWS_SECRET_ACCESS_KEY", "secret-access-key"),
    "token": ("AWS_SESSION_TOKEN", "session-token"),
}
"""Keys of a Secret of S3 credentials: either name of each. The token need not be there."""


class S3Mode(StrEnum):
    """What an `s3` probe does."""

    HEAD_BUCKET = "HeadBucket"
    CANARY_OBJECT = "CanaryObject"


class S3Probe(Model):
    """HeadBucket, or a small object written, read and deleted."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            Rule(
                _TLS_NEEDS_HTTPS.format(url="endpoint"),
                "tls is for https:// endpoints only: change endpoint to https:// or remove tls",
                field=".tls",
            )
        )
    )

    endpoint: Url = Field(description="Base URL of the service.")
    bucket: Annotated[
        str,
        Field(
            min_length=3,
            max_length=63,
            pattern=r"^[a-z0-9][-.a-z0-9]+[a-z0-9]$",
            json_schema_extra=says(
                "must be a bucket's name: lower case letters, digits, '-' and '.', beginning and "
                "ending with a letter or digit"
            ),
        ),
    ] = Field(description="Bucket that must answer.")
    credentials_secret_ref: SecretRef = Field(
        description="Secret with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
        "or access-key-id and secret-access-key; a session token likewise."
    )
    region: Annotated[
        str,
        Field(
            min_length=1,
            max_length=63,
            pattern=r"^[-a-z0-9]+$",
            json_schema_extra=says("must be a region's name, as in eu-west-1"),
        ),
    ] = Field(default="us-east-1", description="Region to sign for.")
    mode: S3Mode = Field(
        default=S3Mode.HEAD_BUCKET, description="HeadBucket, or CanaryObject to test writes too."
    )
    path_style: bool = Field(
        default=False, description="Put the bucket into the path instead of the host name."
    )
    tls: TlsOptions | None = Field(default=None, description="TLS options for an https endpoint.")
