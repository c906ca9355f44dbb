"""Where the rollout's part of a policy meets the rest: its status, and the policy's deletion."""

from resilience_operator.api.v1alpha1.base import FINALIZER, Condition, ConditionStatus
from resilience_operator.api.v1alpha1.policy_status import PolicyStatus
from resilience_operator.api.v1alpha1.rollout_status import RolloutStatus
from resilience_operator.controller.finalizer import GIVE_UP_SECONDS
from tests.builders import make_policy
from tests.unit.controller.fakes import KEY, Bench


def condition(type_: str) -> Condition:
    return Condition(
        type=type_,
        status=ConditionStatus.TRUE,
        reason="Why",
        message="Because.",
        last_transition_time="2026-11-24T00:00:00Z",
    )


def test_levels_know_nothing_of_the_rollouts_status() -> None:
    """Or they would write a status without it once after every start."""
    bench = Bench()
    conditions = (condition("Ready"), condition("RolloutProgressing"))
    status = PolicyStatus(rollout=RolloutStatus(), conditions=conditions)
    entry = bench.store.put_policy(make_policy().status(status).build())
    assert entry.policy_status.rollout is None
    assert [each.type for each in entry.policy_status.conditions] == ["Ready"]
    assert [each.type for each in entry.policy.status.conditions] == ["RolloutProgressing"]
    assert entry.policy.status.rollout == RolloutStatus()


async def test_a_deletion_is_looked_at_again_when_its_time_is_up() -> None:
    """However long the pause after the last failure is."""
    bench = Bench()
    policy = make_policy().deleting().build().model_copy(update={"finalizers": (FINALIZER,)})
    bench.controller.policy_seen(policy)
    since = bench.clock.now()
    await bench.clock.advance(10.0)
    await bench.reconcile()
    assert (KEY, since + GIVE_UP_SECONDS) in bench.queue.later
