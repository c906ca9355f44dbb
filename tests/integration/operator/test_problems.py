"""What only the cluster can know: said in a condition, worked around, and healed by itself.

One operator with a policy for each problem, all at once: the waiting is shared.
"""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from e2e.cluster.controlplane import ControlPlane
from tests.integration.custom_resources import Api
from tests.integration.operator.harness import Dependency, wait_until
from tests.integration.operator.policies import Body, dependency, policy
from tests.integration.operator.servers import RedisServer, redis_server
from tests.integration.operator.stage import Stage
from tests.integration.operator.workloads import deployment

PROBLEMS = {
    "secret-missing": ("SecretMissing", "'no-such-secret'"),
    "secret-key-missing": ("SecretInvalid", "'no-such-key'"),
    "deployment-missing": ("DeploymentMissing", "no-such-deployment"),
    "config-map-foreign": ("ConfigMapNotOurs", "somebodys"),
    "config-map-shared": ("ConfigMapOwnedByOtherPolicy", "shared"),
    "address-loopback": ("AddressRefused", "elsewhere"),
    "address-metadata": ("AddressRefused", "elsewhere"),
}


@dataclass
class Shop:
    """Every problem, each a policy's own."""

    stage: Stage
    server: Dependency
    redis: RedisServer

    def redis_policy(self, name: str, secret: str, key: str = "url") -> Body:
        cache = {"redis": {"urlSecretRef": {"name": secret, "key": key}}}
        return self._policy(name, dependency("cache", 50, cache, staleAfterSeconds=2))

    def tcp_policy(self, name: str, address: str) -> Body:
        probe = {"tcp": {"address": address}}
        return self._policy(name, dependency("elsewhere", 50, probe, staleAfterSeconds=2))

    def flags_policy(self, name: str, config_map: str) -> Body:
        return self._policy(name, flags={"configMapName": config_map})

    def targets_policy(self, name: str, target: str) -> Body:
        return self._policy(name, targets=[{"name": target}])

    def _policy(self, name: str, *more: Body, **spec: object) -> Body:
        return policy(dependency("postgres", 50, self.server), *more, name=name, **spec)


@pytest.fixture(scope="module")
def shop(
    control_plane: ControlPlane, admin: Api, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shop]:
    name = f"problems-{secrets.token_hex(4)}"
    control_plane.client.create("/api/v1/namespaces", {"metadata": {"name": name}})
    stage = Stage(control_plane, admin, name, tmp_path_factory.mktemp("problems"))
    with redis_server("password") as redis:
        shop = Shop(stage, stage.dependency("postgres"), redis)
        stage.put_secret("half", other="value")
        stage.create("v1/configmaps", {"metadata": {"name": "somebodys"}, "data": {"A": "1"}})
        stage.operator().start_leading()
        stage.apply(shop.flags_policy("first", "shared"))
        stage.wait_for_condition("Ready", "True", name="first")
        stage.apply(shop.redis_policy("secret-missing", "no-such-secret"))
        stage.apply(shop.redis_policy("secret-key-missing", "half", "no-such-key"))
        stage.apply(shop.targets_policy("deployment-missing", "no-such-deployment"))
        stage.apply(shop.flags_policy("config-map-foreign", "somebodys"))
        stage.apply(shop.flags_policy("config-map-shared", "shared"))
        stage.apply(shop.tcp_policy("address-loopback", f"127.0.0.2:{shop.server.port}"))
        stage.apply(shop.tcp_policy("address-metadata", "169.254.169.254:80"))
        yield shop
        stage.close()


@pytest.fixture(scope="module")
def mended(shop: Shop) -> Shop:
    """What the people in charge do about each."""
    for name in PROBLEMS:
        shop.stage.wait_for_condition("Ready", "False", name=name)
    shop.stage.put_secret("no-such-secret", url=shop.redis.url)
    shop.stage.put_secret("half", **{"no-such-key": shop.redis.url})
    deployment(shop.stage, "no-such-deployment")
    shop.stage.delete("v1/configmaps/somebodys")
    shop.stage.apply(shop.flags_policy("config-map-shared", "my-own"))
    for name in ("address-loopback", "address-metadata"):
        shop.stage.apply(shop.tcp_policy(name, shop.server.address))
    return shop


@pytest.mark.parametrize("problem", PROBLEMS)
def test_it_is_said_with_the_name_of_the_object(shop: Shop, problem: str) -> None:
    reason, named = PROBLEMS[problem]
    ready = shop.stage.wait_for_condition("Ready", "False", reason, name=problem)
    assert named in ready["message"]


@pytest.mark.parametrize("problem", PROBLEMS)
def test_the_rest_of_the_policy_works(shop: Shop, problem: str) -> None:
    wait_until(lambda: shop.stage.standing(problem) == "OPTIMAL", f"{problem} has a level")
    assert shop.stage.dependency_status("postgres", problem)["state"] == "Healthy"
    refused = problem.startswith("config-map")
    applied = shop.stage.wait_for_condition(
        "FlagsApplied", "False" if refused else "True", name=problem
    )
    if refused:
        assert applied["reason"] == PROBLEMS[problem][0]
    else:
        assert shop.stage.flags(f"{problem}-flags")["DEGRADATION_LEVEL"] == "OPTIMAL"


def test_our_own_failure_opens_no_breaker(shop: Shop) -> None:
    for name, asked in (("secret-missing", "cache"), ("address-metadata", "elsewhere")):
        status = shop.stage.dependency_status(asked, name)
        assert (status["state"], status["breaker"]["state"]) == ("Unknown", "Closed")


def test_what_is_somebody_elses_stays_untouched(shop: Shop) -> None:
    assert shop.stage.flags("somebodys") == {"A": "1"}
    found = shop.stage.find("v1/configmaps/shared")
    assert found is not None
    assert found["metadata"]["labels"]["resilience.aidrive.dev/managed-by"] == "first"


@pytest.mark.parametrize("problem", PROBLEMS)
def test_it_heals_by_itself_once_it_is_corrected(mended: Shop, problem: str) -> None:
    mended.stage.wait_for_condition("Ready", "True", name=problem)
    mended.stage.wait_for_condition("FlagsApplied", "True", name=problem)
