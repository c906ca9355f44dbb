"""Credentials change while the operator runs."""

from tests.integration.operator.harness import wait_until
from tests.integration.operator.policies import dependency, policy
from tests.integration.operator.servers import redis_server
from tests.integration.operator.stage import Stage
from tests.integration.stories import story

CACHE = {"redis": {"urlSecretRef": {"name": "cache", "key": "url"}}}


@story
def test_a_rotated_secret_is_picked_up_without_a_failed_probe(stage: Stage) -> None:
    operator = stage.operator().start_leading()
    with redis_server("first") as redis:
        stage.put_secret("cache", url=redis.url)
        stage.apply(policy(dependency("cache", 100, CACHE)))
        stage.wait_for_level("OPTIMAL")

        stage.put_secret("cache", url=redis.url.replace("first", "second"))
        asked = operator.metric(results("Healthy"))
        redis.change_password("second")
        wait_until(lambda: operator.metric(results("Healthy")) >= asked + 4, "it logs in again")
        assert operator.metric(results("Unhealthy", "Auth")) == 0
        assert stage.standing() == "OPTIMAL"


@story
def test_a_secret_that_comes_after_the_password_brings_it_back(stage: Stage) -> None:
    operator = stage.operator().start_leading()
    with redis_server("first") as redis:
        stage.put_secret("cache", url=redis.url)
        stage.apply(policy(dependency("cache", 100, CACHE)))
        stage.wait_for_level("OPTIMAL")

        redis.change_password("second")
        stage.wait_for_level("EMERGENCY")
        assert stage.dependency_status("cache")["failureReason"] == "Auth"
        stage.put_secret("cache", url=redis.url)
        stage.wait_for_level("OPTIMAL")
        for password in ("first", "second"):
            assert f":{password}@" not in operator.log.read_text()


def results(verdict: str, reason: str = "") -> str:
    labels = f'reason="{reason}",type="redis",verdict="{verdict}"'
    return f"resilience_probe_results_total{{{labels}}}"
