"""Why traffic is left alone, as sentences: what is missing, what may not be touched."""

from resilience_operator.actuators.base import Api
from resilience_operator.actuators.traffic.rules import Arms
from resilience_operator.core.errors import Forbidden, TerminalError
from resilience_operator.core.model import Problem
from resilience_operator.core.resources import SERVICES


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
    for service in (arms.stable, arms.canary):
        try:
            found = await api.get(SERVICES, namespace, service)
        except TerminalError as error:
            raise Refused(of_error("Service", service, error)) from error
        if found is None:
            raise Refused(Problem("ServiceMissing", f"There is no Service {service}."))
