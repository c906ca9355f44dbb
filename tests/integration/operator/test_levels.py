"""From a policy that is applied to features that go and come back."""

from itertools import permutations

import pytest

from tests.integration.operator.harness import OperatorProcess, wait_until
from tests.integration.operator.policies import FLAGS, NAME, WEIGHTS, dependency, policy
from tests.integration.operator.stage import Stage, transitions


def test_x(stage: Stage, operator: OperatorProcess) -> None:
    servers = stage.dependencies()
    applied = stage.apply(policy(*(dependency(n, w, servers[n]) for n, w in WEIGHTS.items())))
    stage.wait_for_level("OPTIMAL")
    print(stage.policy(), stage.level(), stage.flags(), stage.events())
    print(operator.log.read_text())
    print(stage.audit(), stage.writes())
    assert 0
