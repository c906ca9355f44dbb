"""`spec.rollout.analysis`: what is asked of both arms, and what the canary must keep to."""

from typing import Annotated

from pydantic import ConfigDict, Field

from resilience_operator.api.v1alpha1.base import ItemName, Model, Percent
from resilience_operator.api.v1alpha1.endpoints import Url
from resilience_operator.api.v1alpha1.rules import Rule, exactly_one, map_list, rules

MetricName = ItemName


def selects_by(query: str, *names: str) -> str:
    """CEL: whether a query has one of these placeholders, with or without blanks in it."""
    return f"{query}.matches('[{{]{{2}}[ ]*({'|'.join(names)})[ ]*[}}]{{2}}')"


# RE2 knows no "not followed by": every brace is either none of a pair or part of a known one.
_KNOWN_ONLY = Rule(
    "self.matches('^([^{]|[{][^{]|[{]{2}[ ]*(service|deployment|namespace|window)[ ]*[}]{2})*"
    "[{]?$')",
    "has a placeholder that is not known: use {{service}}, {{deployment}}, {{namespace}} and "
    "{{window}}",
)
_TELLS_ARMS_APART = Rule(
    selects_by("self", "service", "deployment"),
    "asks the same of both arms: select by {{service}} or {{deployment}}, which become those of "
    "the arm",
)
_LOOKS_BACK = Rule(
    selects_by("self", "window"),
    "must count over the time that the analysis looks back: use [{{window}}], as in "
    "sum(increase(requests_total[{{window}}]))",
)
Query = Annotated[
    str,
    Field(
        min_length=1,
        max_length=4096,
        json_schema_extra=rules(_KNOWN_ONLY, _TELLS_ARMS_APART),
    ),
]
CountQuery = Annotated[
    str,
    Field(
        min_length=1,
        max_length=4096,
        json_schema_extra=rules(_KNOWN_ONLY, _TELLS_ARMS_APART, _LOOKS_BACK),
    ),
]


class PrometheusServer(Model):
    """Where the queries are asked."""

    url: Url = Field(description="Base URL of the Prometheus HTTP API.")


class ProportionQuery(Model):
    """Two counts: failures, and all requests.

    {{service}}, {{deployment}} and {{namespace}} become those of the arm, {{window}} the time that
    the analysis looks back, as a PromQL duration.
    """

    model_config = ConfigDict(
        json_schema_extra=rules(
            Rule(
                "self.failures != self.total",
                "failures and total are the same query, by which every request has failed: narrow "
                "failures down",
                field=".failures",
            )
        )
    )

    failures: CountQuery = Field(description="PromQL for the number of failures in {{window}}.")
    total: CountQuery = Field(description="PromQL for the number of requests in {{window}}.")


class Metric(Model):
    """A figure of both arms: a proportion of counts, or a value."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            exactly_one(
                ("proportion", "value"),
                "a metric takes exactly one of proportion and value: give one, remove the other",
            ),
            Rule(
                "!has(self.maxPercent) || has(self.proportion)",
                "maxPercent is the ceiling of a proportion: use max for a value, or remove it",
                field=".maxPercent",
            ),
            Rule(
                "!has(self.max) || has(self.value)",
                "max is the ceiling of a value: use maxPercent for a proportion, or remove it",
                field=".max",
            ),
            Rule(
                "!has(self.proportion) || has(self.maxPercent) || has(self.maxIncreasePercent)",
                "a proportion needs maxPercent or maxIncreasePercent, or it would accuse no "
                "version: add one",
            ),
            Rule(
                "!has(self.value) || has(self.max) || has(self.maxIncreasePercent)",
                "a value needs max or maxIncreasePercent, or it would accuse no version: add one",
            ),
        )
    )

    name: MetricName = Field(description="Name, unique among the metrics.")
    proportion: ProportionQuery | None = Field(
        default=None, description="Failures among requests, per arm."
    )
    value: Query | None = Field(
        default=None,
        description="PromQL for one value per arm, a latency for example; with the placeholders "
        "of a proportion.",
    )
    max_percent: Percent | None = Field(
        default=None, description="Ceiling of the canary's proportion, when significant."
    )
    max_increase_percent: Percent | None = Field(
        default=None,
        description="Canary over stable: percentage points for a proportion, percent of the "
        "stable value for a value; when significant.",
    )
    max: Annotated[float, Field(ge=0)] | None = Field(
        default=None, description="Ceiling of the canary's value."
    )


class Analysis(Model):
    """How both arms are compared while the canary has traffic."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            Rule(
                "!has(self.metrics) || self.metrics.size() == 0 || has(self.prometheus)",
                "prometheus is needed as soon as there are metrics: add prometheus.url, or remove "
                "the metrics",
                field=".prometheus",
            )
        )
    )

    prometheus: PrometheusServer | None = Field(
        default=None, description="Needed as soon as there are metrics."
    )
    interval_seconds: Annotated[int, Field(ge=1, le=3600)] = Field(
        default=15, description="Seconds from one look to the next."
    )
    min_samples: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        default=500, description="Fewer requests than this in an arm are no evidence."
    )
    metrics: Annotated[tuple[Metric, ...], Field(max_length=16)] = Field(
        default=(), description="What is compared.", json_schema_extra=map_list("name")
    )
