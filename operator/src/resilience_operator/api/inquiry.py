"""What preflight asks a pod of the operator, and what comes back: a line of JSON each way.

Everything is about policies that need not be in the cluster. Nothing in an answer comes from a
Secret or from a server's own words: they are the sentences of probes.
"""

from typing import Any

from resilience_operator.api.v1alpha1.base import Model


class Ask(Model):
    """One policy: its spec, and whether its dependencies are to be asked as well.

    What its rollout looks at, queries and checks, is asked of in any case.
    """

    namespace: str
    name: str
    spec: dict[str, Any]
    dependencies: bool = True


class Inquiry(Model):
    """All that is asked at once."""

    asks: tuple[Ask, ...]


class DependencyAnswer(Model):
    """What one probe found. `verdict` is that of a probe; `reason` is empty where it is healthy."""

    name: str
    verdict: str
    reason: str = ""
    message: str = ""
    latency_milliseconds: int = 0


class QueryAnswer(Model):
    """What one query of one arm gave: a number, or why there is none."""

    metric: str
    arm: str
    query: str
    value: float | None = None
    reason: str = ""
    message: str = ""


class CheckAnswer(Model):
    """What a gate's check said; `passed` is None where it could not be asked."""

    name: str
    passed: bool | None
    message: str = ""


class Answer(Model):
    """Everything about one policy. `problem` says why there is nothing."""

    namespace: str
    name: str
    problem: str = ""
    dependencies: tuple[DependencyAnswer, ...] = ()
    queries: tuple[QueryAnswer, ...] = ()
    checks: tuple[CheckAnswer, ...] = ()


class Answers(Model):
    """What came back, and from which version of the operator."""

    version: str
    answers: tuple[Answer, ...]
