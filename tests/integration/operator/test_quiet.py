"""With every dependency healthy the API server is left alone."""

import os
import time

import pytest

from tests.integration.operator.harness import OperatorProcess, throughout, wait_until
from tests.integration.operator.policies import WEIGHTS, dependency, policy
from tests.integration.operator.servers import redis_server
from tests.integration.operator.stage import Stage
from tests.integration.stories import story

QUIET_SECONDS = float(os.environ.get("QUIET_SECONDS", "60"))


@pytest.mark.timeout(QUIET_SECONDS + 90)
@story
def test_while_all_is_well_nothing_is_written_but_the_lease(stage: Stage) -> None:
    operator = stage.operator().start_leading()
    servers = stage.dependencies()
    with redis_server("password") as redis:
        stage.put_secret("cache", url=redis.url)
        cache = {"redis": {"urlSecretRef": {"name": "cache", "key": "url"}}}
        stage.apply(
            policy(
                *(dependency(name, WEIGHTS[name], server) for name, server in servers.items()),
                dependency("cache", 10, cache),
            )
        )
        stage.wait_for_level("OPTIMAL")
        wait_until(lambda: not stage.writes(time.time() - 2), "the last write is past")

        begin = time.time()
        throughout(QUIET_SECONDS, lambda: operator_runs(operator))

        assert stage.writes(begin) == []
        for server in servers.values():
            assert sum(at >= begin for at in server.asked_at) >= QUIET_SECONDS * 0.8
        # Reads do not grow with the probes: a Secret now and then, a watch taken up again.
        reads = [e for e in stage.audit(begin) if e["objectRef"]["resource"] != "leases"]
        secrets = [e for e in reads if e["objectRef"]["resource"] == "secrets"]
        assert len(secrets) <= 1 + QUIET_SECONDS / 200
        assert len(reads) <= 8 + QUIET_SECONDS / 10, [e["requestURI"] for e in reads]


def operator_runs(operator: OperatorProcess) -> None:
    assert operator.exit_code is None
