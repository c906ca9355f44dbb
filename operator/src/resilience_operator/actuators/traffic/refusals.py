"""Why traffic is left alone, as sentences: what is missing, what may not be touched."""

from dataclasses import dataclass

from resilience_operator.actuators.base import Api
from resilience_operator.actuators.traffic.rules import Arms
from resilience_operator.core.errors import Forbidden, TerminalError
from resilience_operator.core.model import Problem
from resilience_operator.core.resources import SERVICES


@dataclass(frozen=True, slots=True)
class Lack:
    """What is missing of the Services, if anything is."""

    problem: Problem | None = None
    canary: bool = False


class Refused(Exception):  # noqa: N818 - a finding, not a fault
    """Nothing is done, and this is why. Never leaves the routers."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def missing_object(kind: str, name: str) -> Problem:
    """The problem of a route that is not there, or whose kind is not."""
    return Problem("RouteMissing", f"There is no {kind} {name} in the policy's namespace.")


def of_error(kind: str, name: str, error: TerminalError) -> Problem:
    """The problem of a request that will fail again."""
    if isinstance(error, Forbidden):
        return Problem(
            "RouteForbidden",
            f"The operator may not read or write {kind} {name}: {error.message}",
        )
    return Problem("RouteInvalid", f"The API server refuses {kind} {name}: {error.message}")


async def require_services(api: Api, namespace: str, arms: Arms) -> None:
    """Refused unless both Services are there: weight given to one that is not answers errors."""
    lack = await lacking(api, namespace, arms)
    if lack.problem is not None:
        raise Refused(lack.problem)


async def lacking(api: Api, namespace: str, arms: Arms) -> Lack:
    """Which Services are missing; the problem is of the first."""
    missing = []
    for service in (arms.stable, arms.canary):
        try:
            if await api.get(SERVICES, namespace, service) is None:
                missing.append(service)
        except TerminalError as error:
            return Lack(of_error("Service", service, error))
    if not missing:
        return Lack()
    problem = Problem("ServiceMissing", f"There is no Service {missing[0]}.")
    return Lack(problem, canary=arms.canary in missing)
