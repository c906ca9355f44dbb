"""The whole of preflight: read, ask, judge."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from resilience_operator.api.inquiry import Answers
from resilience_operator.cli.preflight import asking, operators, schemas, subjects
from resilience_operator.cli.preflight.facts import gather
from resilience_operator.cli.preflight.judging import Backing, judge
from resilience_operator.cli.preflight.model import Check, Denied, Section, warned
from resilience_operator.cli.preflight.operators import Leading, Operator
from resilience_operator.cli.preflight.reading import Reader
from resilience_operator.cli.preflight.subjects import Subject
from resilience_operator.cli.session import Session
from resilience_operator.core.resources import DEPLOYMENTS, LEASES, PODS

_LOOK_AGAIN_SECONDS = 3.0
_NOBODY = "No replica of the operator leads."


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asks for."""

    name: str | None
    everywhere: bool
    files: Sequence[Path]
    execute: bool
    operator_namespace: str | None
    program: str


@dataclass(frozen=True, slots=True)
class _Stand:
    """An operator, who leads, and what its pod said: answers, or why there are none."""

    operator: Operator
    leading: Leading
    said: Answers | str


async def preflight(session: Session, wanted: Wanted) -> list[Section]:
    """Every section: the cluster, each operator, each policy."""
    reader = Reader(session)
    sections = [Section("cluster", list(schemas.judge(await reader.document(schemas.DOCUMENT))))]
    if wanted.files:
        looked_at = await subjects.of_files(session, wanted.files)
    else:
        looked_at = await subjects.of_cluster(session, wanted.name, wanted.everywhere)
    if not looked_at:
        sections.append(Section("policies", [_none(session, wanted.everywhere)]))
    found = await _find(reader, wanted.operator_namespace)
    if isinstance(found, Denied) or not found:
        denied = found if isinstance(found, Denied) else None
        sections.append(Section("operator", [operators.judge_none(denied)]))
    known = None if isinstance(found, Denied) else found
    stands = [
        await _stand(reader, each, looked_at, wanted.execute)
        for each in _concerned(known or (), looked_at)
    ]
    sections += [_section(stand, wanted.program) for stand in stands]
    by_title = {stand.operator.title: stand for stand in stands}
    sections += await asyncio.gather(
        *(_judged(reader, each, known, by_title) for each in looked_at)
    )
    return sections


def _none(session: Session, everywhere: bool) -> Check:
    where = "any namespace" if everywhere else f"namespace {session.namespace}"
    return warned(
        "found",
        f"There is no ResiliencePolicy in {where}: none was checked.",
        "Name the namespace with -n, all of them with -A, or a file with -f.",
    )


async def _find(reader: Reader, namespace: str | None) -> list[Operator] | Denied:
    """Every Deployment of the operator: by its label, or all of the namespace that was given."""
    if namespace is None:
        found = await reader.list(DEPLOYMENTS, None, operators.SELECTOR)
        if isinstance(found, Denied):
            found = await reader.list(DEPLOYMENTS, operators.DEFAULT_NAMESPACE, operators.SELECTOR)
    else:
        found = await reader.list(DEPLOYMENTS, namespace)
    if isinstance(found, Denied):
        return found
    return [operators.operator_of(each) for each in found if operators.is_operator(each)]


def _concerned(known: Sequence[Operator], looked_at: Sequence[Subject]) -> list[Operator]:
    """The operators of these policies; without policies, all."""
    if not looked_at:
        return list(known)
    places = [(each.namespace, each.labels) for each in looked_at]
    return [each for each in known if any(each.watches(*place) for place in places)]


async def _stand(
    reader: Reader, operator: Operator, looked_at: Sequence[Subject], execute: bool
) -> _Stand:
    leading = await _leading(reader, operator)
    mine = [each for each in looked_at if operator.watches(each.namespace, each.labels)]
    said: Answers | str = "The operator was not asked, by --no-exec."
    if execute and asking.asks_of(mine):
        pod = await _pod(reader, operator, leading)
        said = await asking.ask(reader.session, operator, pod, mine) if pod else _NOBODY
    return _Stand(operator, leading, said)


async def _pod(reader: Reader, operator: Operator, leading: Leading) -> str:
    """A pod to ask: the one that leads, or any that runs where we may not see who does."""
    if not isinstance(leading.lease, Denied):
        return leading.holder
    pods = await reader.list(PODS, operator.namespace, operator.selector)
    running = [
        str(each["metadata"]["name"])
        for each in (() if isinstance(pods, Denied) else pods)
        if (each.get("status") or {}).get("phase") == "Running"
    ]
    return next(iter(running), "")


async def _leading(reader: Reader, operator: Operator) -> Leading:
    """Who leads. A Lease that looks old may only be of a clock that differs: see it move."""
    session = reader.session
    lease = await reader.get(LEASES, operator.namespace, operator.lease)
    if lease is None or isinstance(lease, Denied):
        return Leading(lease)
    renewed = operators.renewed_at(lease)
    leading = Leading(lease, age=session.clock.now() - renewed)
    if leading.fresh:
        return leading
    await session.clock.sleep(_LOOK_AGAIN_SECONDS)
    again = await session.cluster.get(LEASES, operator.namespace, operator.lease)
    moves = again is not None and operators.renewed_at(again) > renewed
    return Leading(again, age=session.clock.now() - renewed, moves=moves)


def _section(stand: _Stand, program: str) -> Section:
    version = stand.said.version if isinstance(stand.said, Answers) else ""
    checks = operators.judge(stand.operator, stand.leading, program, version)
    return Section(f"operator {stand.operator.title}", list(checks))


async def _judged(
    reader: Reader,
    subject: Subject,
    known: Sequence[Operator] | None,
    stands: Mapping[str, _Stand],
) -> Section:
    mine = [each for each in known or () if each.watches(subject.namespace, subject.labels)]
    stand = stands[mine[0].title] if len(mine) == 1 else None
    account = stand.operator.user if stand else None
    facts = None if subject.policy is None else await gather(reader, subject.policy, account)
    title = f"policy {subject.namespace}/{subject.name}"
    return Section(title, list(judge(subject, facts, _backing(subject, known, stand))))


def _backing(subject: Subject, known: Sequence[Operator] | None, stand: _Stand | None) -> Backing:
    if stand is None:
        return Backing(known, None, False, None, "There is no operator to ask.")
    said = stand.said
    answer = asking.answer_for(said, subject) if isinstance(said, Answers) else None
    return Backing(
        operators=known,
        operator=stand.operator,
        leads=bool(stand.leading.holder) or isinstance(stand.leading.lease, Denied),
        answer=answer,
        why_silent=said if isinstance(said, str) else "The operator did not answer.",
    )
