"""One router per kind."""

from typing import Any

import pytest

from resilience_operator.actuators.traffic.ingress_nginx import IngressNginx
from resilience_operator.actuators.traffic.replicas import Replicas
from resilience_operator.actuators.traffic.select import build_router
from resilience_operator.actuators.traffic.weighted import WeightedRoute
from resilience_operator.api.v1alpha1.rollout import Rollout
from tests.unit.actuators.traffic.objects import NAMESPACE, Objects


def make_rollout(traffic: dict[str, Any]) -> Rollout:
    arm = {"deployment": "web", "service": "web"}
    return Rollout.model_validate({"stable": arm, "canary": arm, "traffic": traffic})


@pytest.mark.parametrize(
    ("traffic", "kind"),
    [
        ({"httpRoute": {"name": "web"}}, WeightedRoute),
        ({"istio": {"virtualService": "web"}}, WeightedRoute),
        ({"ingressNginx": {"ingress": "web"}}, IngressNginx),
        ({"replicas": {"total": 4}}, Replicas),
    ],
)
def test_kinds(traffic: dict[str, Any], kind: type) -> None:
    assert isinstance(build_router(Objects(), NAMESPACE, make_rollout(traffic), "p"), kind)


def test_no_kind() -> None:
    with pytest.raises(ValueError, match="no kind of router"):
        build_router(Objects(), NAMESPACE, make_rollout({}), "p")
