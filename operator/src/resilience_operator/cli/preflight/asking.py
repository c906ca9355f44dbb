"""Has the operator's own pod ask what its status does not tell: the one question from inside."""

from collections.abc import Sequence

from pydantic import ValidationError

from resilience_operator.api.inquiry import Answer, Answers, Ask, Inquiry
from resilience_operator.cli.preflight.operators import Operator
from resilience_operator.cli.preflight.subjects import Subject
from resilience_operator.cli.session import Session
from resilience_operator.core.errors import ApiError, Forbidden

COMMAND = ("python3", "-m", "resilience_operator.once")
_OVERHEAD_SECONDS = 60.0
"""For Python to start, and for probes to wait for each other."""


def asks_of(subjects: Sequence[Subject]) -> list[Ask]:
    """What is to be asked: all of what is not applied, and of the rest what a rollout looks at."""
    return [
        Ask(
            namespace=each.namespace,
            name=each.name,
            spec=each.body["spec"],
            dependencies=not each.applied,
        )
        for each in subjects
        if each.policy is not None and (not each.applied or _looks(each))
    ]


def _looks(subject: Subject) -> bool:
    rollout = subject.policy.spec.rollout if subject.policy else None
    return rollout is not None and bool(rollout.analysis.metrics or rollout.gate.checks)


async def ask(
    session: Session, operator: Operator, pod: str, subjects: Sequence[Subject]
) -> Answers | str:
    """The answers, or a sentence on why there are none."""
    inquiry = Inquiry(asks=tuple(asks_of(subjects)))
    timeouts = [
        dependency.probe.timeout_seconds
        for subject in subjects
        if subject.policy is not None
        for dependency in subject.policy.spec.dependencies
    ]
    seconds = _OVERHEAD_SECONDS + max(timeouts, default=0)
    text = inquiry.model_dump_json(by_alias=True) + "\n"
    try:
        said = await session.inquiries.execute(
            operator.namespace, pod, operator.container, COMMAND, text, seconds
        )
        return Answers.model_validate_json(said)
    except Forbidden:
        return f"You may not create pods/exec in namespace {operator.namespace}."
    except ApiError as error:
        return f"Pod {pod} could not be asked: {error.message.rstrip('.')}."
    except ValidationError:
        return f"Pod {pod} answered what this version does not understand."


def answer_for(answers: Answers, subject: Subject) -> Answer | None:
    """What was said of one policy."""
    key = (subject.namespace, subject.name)
    return next((each for each in answers.answers if (each.namespace, each.name) == key), None)
