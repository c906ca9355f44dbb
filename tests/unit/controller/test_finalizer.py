import pytest

from resilience_operator.api.v1alpha1.base import FINALIZER, Level
from resilience_operator.api.v1alpha1.parse import parse_policy
from resilience_operator.api.v1alpha1.policy import OnDelete, ResiliencePolicy
from resilience_operator.controller.finalizer import GIVE_UP_SECONDS
from resilience_operator.core.errors import (
    Forbidden,
    Invalid,
    NotFound,
    TerminalError,
    TransientError,
)
from resilience_operator.core.flags import render_flags
from tests.builders import PolicyBuilder, make_level, reference_policy
from tests.unit.controller.fakes import KEY, Bench


@pytest.fixture
def bench() -> Bench:
    return Bench()


def deleting(builder: PolicyBuilder | None = None) -> ResiliencePolicy:
    policy = (builder or reference_policy()).deleting().build()
    return policy.model_copy(update={"finalizers": (FINALIZER,)})


async def write_flags(bench: Bench, policy: ResiliencePolicy) -> None:
    formats = policy.spec.flags.formats
    flags = render_flags("inventario-flags", formats, Level.LIMITED, 50, 1, {}, policy)
    await bench.effects._flags.apply(KEY, flags, None, optimal=lambda: flags)
    del bench.journal[:]


async def test_a_policy_with_something_to_undo_gets_the_finalizer_once(bench: Bench) -> None:
    policy = await bench.finalizer.ensure(reference_policy().build())
    assert policy.finalizers == (FINALIZER,)
    assert bench.cluster.bodies[-1]["metadata"]["finalizers"] == [FINALIZER]
    assert bench.cluster.bodies[-1]["metadata"]["uid"] == policy.uid
    assert await bench.finalizer.ensure(policy) is policy
    assert len(bench.journal) == 1


async def test_keep_takes_ours_off_and_leaves_others(bench: Bench) -> None:
    policy = reference_policy().flags(on_delete=OnDelete.KEEP).build()
    policy = policy.model_copy(update={"finalizers": ("theirs", FINALIZER)})
    assert (await bench.finalizer.ensure(policy)).finalizers == ("theirs",)
    assert bench.cluster.bodies[-1]["metadata"]["finalizers"] == []


async def test_flags_go_back_before_the_policy_goes(bench: Bench) -> None:
    policy = deleting()
    await write_flags(bench, policy)
    mine = make_level("checkout").build()
    owned = make_level().build().model_copy(update={"owned": True})
    await bench.finalizer.finalize(policy, (owned, mine), 0.0)
    assert bench.journal == [
        "flags inventario-flags",
        "delete degradationlevels/inventario",
        "apply resiliencepolicies/inventario",
    ]
    data = bench.api.objects[("configmaps", "retail", "inventario-flags")]["data"]
    assert data["DEGRADATION_LEVEL"] == "OPTIMAL"


async def test_what_was_written_is_restored_although_it_only_observes_by_now(bench: Bench) -> None:
    policy = deleting(reference_policy().observing())
    await write_flags(bench, policy)
    await bench.finalizer.finalize(policy, (), 0.0)
    assert bench.journal[0] == "flags inventario-flags"


async def test_a_policy_without_our_finalizer_is_left_alone(bench: Bench) -> None:
    await bench.finalizer.finalize(reference_policy().deleting().build(), (), 0.0)
    assert bench.journal == []


async def test_a_rollout_that_cannot_be_undone_keeps_no_flags_from_going_back(bench: Bench) -> None:
    policy = deleting()
    await write_flags(bench, policy)
    bench.undoing_fails = TransientError("stable has no pods yet")
    with pytest.raises(TransientError, match="no pods yet"):
        await bench.finalizer.finalize(policy, (), 0.0)
    assert bench.journal == ["flags inventario-flags"]


async def test_while_undoing_fails_the_policy_is_kept_for_a_minute(bench: Bench) -> None:
    policy = deleting()
    await write_flags(bench, policy)
    bench.api.failures["inventario-flags"] = TransientError("no answer")
    with pytest.raises(TransientError):
        await bench.finalizer.finalize(policy, (), GIVE_UP_SECONDS - 1)
    assert "apply resiliencepolicies/inventario" not in bench.journal
    await bench.finalizer.finalize(policy, (), GIVE_UP_SECONDS)
    assert bench.journal[-1] == "apply resiliencepolicies/inventario"


async def test_flags_that_may_not_be_written_are_not_left_without_a_word(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    policy = deleting()
    await write_flags(bench, policy)
    owned = make_level().build().model_copy(update={"owned": True})
    bench.api.failures["inventario-flags"] = Forbidden("no role")
    with pytest.raises(TerminalError, match="ConfigMap inventario-flags: no role"):
        await bench.finalizer.finalize(policy, (owned,), 0.0)
    assert bench.journal == ["flags inventario-flags", "delete degradationlevels/inventario"]
    await bench.finalizer.finalize(policy, (), GIVE_UP_SECONDS)
    assert bench.journal[-1] == "apply resiliencepolicies/inventario"
    assert "let go with its flags as they are" in caplog.text


@pytest.mark.parametrize("failure", [Invalid("a rule of today"), Forbidden("no role")])
async def test_taking_the_finalizer_off_is_never_given_up(bench: Bench, failure: Exception) -> None:
    bench.cluster.failures["resiliencepolicies"] = failure
    bench.controller.policy_seen(deleting())
    for _ in range(2):
        with pytest.raises(type(failure)):
            await bench.reconcile()
        await bench.clock.advance(GIVE_UP_SECONDS)
    bench.cluster.failures.clear()
    assert await bench.reconcile() == ["apply resiliencepolicies/inventario"]


async def test_one_whose_spec_is_not_understood_is_let_go(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    metadata = {
        "namespace": "retail",
        "name": "inventario",
        "uid": "7f1e",
        "deletionTimestamp": "2026-01-01T00:00:00Z",
        "finalizers": [FINALIZER],
    }
    bench.controller.policy_seen(parse_policy({"metadata": metadata, "spec": {"levels": 1}}))
    assert await bench.reconcile() == ["apply resiliencepolicies/inventario"]
    assert "its spec is not understood" in caplog.text


async def test_a_policy_that_is_gone_already_is_fine(bench: Bench) -> None:
    bench.cluster.failures["resiliencepolicies"] = NotFound("gone", status=404)
    await bench.finalizer.finalize(deleting(), (), 0.0)
