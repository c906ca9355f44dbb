"""Verbs and levers through a real API server: its schema, its conflicts, its events."""

import signal
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from e2e.cluster.controlplane import ControlPlane
from tests.integration.cli.conftest import ANNOTATION, Shop
from tests.integration.crd_cases import LEVELS, POLICIES
from tests.integration.custom_resources import Body, objects

PROGRESSING = {
    "phase": "Progressing",
    "step": 1,
    "weight": 5,
    "revision": "0123456789abcdef",
    "reason": "Progressing",
    "message": "Step 1 of 3: version 01234567 has 5 % of the traffic.",
}
AFTER = {
    "pause": {"phase": "Paused", "message": "A person paused it."},
    "promote": {"phase": "Succeeded", "message": "It has all traffic."},
    "abort": {"phase": "RolledBack", "message": "A person aborted it."},
}


def annotation(shop: Shop) -> str | None:
    body = shop.here.api.get(objects(shop.here.name, POLICIES, "inventario"))
    found: str | None = (body["metadata"].get("annotations") or {}).get(ANNOTATION)
    return found


@pytest.mark.parametrize("verb", list(AFTER))
def test_a_verb_is_taken_and_its_outcome_told(shop: Shop, verb: str) -> None:
    shop.status(rollout=PROGRESSING)
    taken: list[str] = []

    def answer(asked: str) -> Body:
        taken.append(asked)
        return {**PROGRESSING, **AFTER[asked]}

    shop.operator(answer)

    result = shop.run("rollout", verb, "inventario")

    assert result.exit_code == 0, result.output
    assert AFTER[verb]["message"] in result.stdout
    assert taken == [verb]
    assert annotation(shop) is None


def test_what_a_person_asks_is_not_taken_for_the_operators_own(shop: Shop) -> None:
    """In the managed fields, and so in the operator's audit log, it is the command line."""
    shop.status(rollout=PROGRESSING)
    force = ("--level", "LIMITED", "--for", "5m", "--reason", "test", "--requested-by", "ana")

    assert shop.run("rollout", "pause", "inventario", "--no-wait").exit_code == 0
    assert shop.run("level", "override", "inventario", *force, "--no-wait").exit_code == 0

    for plural, field in ((POLICIES, "f:metadata"), (LEVELS, "f:spec")):
        body = shop.here.api.get(objects(shop.here.name, plural, "inventario"))
        who = {
            entry["manager"]
            for entry in body["metadata"]["managedFields"]
            if ANNOTATION in str(entry["fieldsV1"].get(field)) or "f:override" in str(entry)
        }
        assert who == {"kubectl-resilience"}


def test_a_refusal_comes_as_an_event(shop: Shop) -> None:
    shop.status(rollout=PROGRESSING)

    def answer(asked: str) -> None:
        shop.here.api.send(
            "POST",
            f"/apis/events.k8s.io/v1/namespaces/{shop.here.name}/events",
            {
                "metadata": {"name": "refusal"},
                "eventTime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
                "reportingController": "resilience.aidrive.dev/operator",
                "reportingInstance": "test",
                "action": "Rollout",
                "reason": "RolloutRequestRefused",
                "type": "Warning",
                "regarding": {
                    "apiVersion": "resilience.aidrive.dev/v1alpha1",
                    "kind": "ResiliencePolicy",
                    "namespace": shop.here.name,
                    "name": "inventario",
                },
                "note": f"{asked}: pods of dashboard-canary are not all ready.",
            },
        )

    shop.operator(answer)

    result = shop.run("rollout", "promote", "inventario")

    assert result.exit_code == 1
    assert "promote: pods of dashboard-canary are not all ready." in result.stderr


def test_a_request_that_is_only_left_is_left_once(shop: Shop) -> None:
    shop.status(rollout=PROGRESSING)

    assert shop.run("rollout", "pause", "inventario", "--no-wait").exit_code == 0
    assert annotation(shop) == "pause"

    result = shop.run("rollout", "abort", "inventario")
    assert result.exit_code == 1
    assert "'pause' was asked of inventario before" in result.stderr
    assert annotation(shop) == "pause"


def test_without_an_operator_the_request_stands(shop: Shop) -> None:
    shop.status(rollout=PROGRESSING)

    result = shop.run("rollout", "pause", "inventario", "--timeout", "2s")

    assert result.exit_code == 1
    assert "has not taken pause" in result.stderr
    assert annotation(shop) == "pause"


def test_a_rollout_is_followed_to_its_rollback(shop: Shop) -> None:
    shop.status(rollout=PROGRESSING)

    def roll_back() -> None:
        time.sleep(2.5)
        shop.status(rollout={**PROGRESSING, "phase": "RolledBack", "message": "3 % against 1 %."})

    later = threading.Thread(target=roll_back)
    later.start()
    result = shop.run("rollout", "status", "inventario", "--watch", "--timeout", "1m")
    later.join()

    assert result.exit_code == 1
    first, last = result.output.splitlines()
    assert "Progressing" in first
    assert "RolledBack" in last
    assert "3 % against 1 %." in last


def test_whoever_has_seen_enough_interrupts_the_watch(shop: Shop) -> None:
    shop.status(rollout=PROGRESSING)
    watch = shop.begin("rollout", "status", "inventario", "--watch")
    assert watch.stdout is not None
    first = watch.stdout.readline()
    assert "Progressing" in first, watch.communicate(timeout=20)

    watch.send_signal(signal.SIGINT)

    rest, errors = watch.communicate(timeout=20)
    assert (watch.returncode, rest, errors) == (130, "", "")


def test_an_override_passes_the_schema_and_a_release_takes_it_off(shop: Shop) -> None:
    result = shop.run(
        *("level", "override", "inventario", "--level", "MINIMAL"),
        *("--for", "2h", "--reason", "game day", "--no-wait"),
    )
    assert result.exit_code == 0, result.output
    override = shop.here.api.get(objects(shop.here.name, LEVELS, "inventario"))["spec"]["override"]
    left = datetime.fromisoformat(override.pop("expiresAt")) - datetime.now(UTC)
    assert timedelta(minutes=119) < left <= timedelta(hours=2)
    who = override.pop("requestedBy")
    assert who
    assert override == {"level": "MINIMAL", "reason": "game day"}
    assert f"{who} forces MINIMAL for" in shop.run("status").output

    frozen = ("level", "freeze", "inventario", "--for", "30m", "--reason", "migration")
    assert shop.run(*frozen, "--no-wait").exit_code == 0
    assert "frozen for" in shop.run("status").output

    assert shop.run("level", "release", "inventario", "--no-wait").exit_code == 0
    spec = shop.here.api.get(objects(shop.here.name, LEVELS, "inventario"))["spec"]
    assert spec == {"policyRef": {"name": "inventario"}}


def test_without_an_operator_no_lever_is_said_to_count(shop: Shop) -> None:
    force = ("--level", "MINIMAL", "--for", "2h", "--reason", "game day")

    for words in (("override", "inventario", *force), ("release", "inventario")):
        result = shop.run("level", *words, "--timeout", "1s")

        assert result.exit_code == 1
        assert f"has not taken {words[0]} of inventario" in result.stderr
    spec = shop.here.api.get(objects(shop.here.name, LEVELS, "inventario"))["spec"]
    assert spec == {"policyRef": {"name": "inventario"}}


def test_who_may_only_read_changes_nothing(shop: Shop, control_plane: ControlPlane) -> None:
    shop.status(rollout=PROGRESSING, observedGeneration=1)
    user = f"reader-{shop.here.name}"
    grant_reading(shop, user)
    reader = str(control_plane.kubeconfig_for(user))

    deadline = time.monotonic() + 10  # the authorizer hears of a new role a moment later
    while shop.run("status", kubeconfig=reader).exit_code and time.monotonic() < deadline:
        time.sleep(0.1)
    assert shop.run("status", kubeconfig=reader).exit_code == 0
    for words in (
        ("rollout", "pause", "inventario"),
        ("level", "freeze", "inventario", "--for", "1h", "--reason", "x"),
    ):
        result = shop.run(*words, kubeconfig=reader)

        assert result.exit_code == 4
        assert "cannot patch resource" in result.stderr
    assert annotation(shop) is None


def grant_reading(shop: Shop, user: str) -> None:
    rules = [
        {
            "apiGroups": ["resilience.aidrive.dev"],
            "resources": ["resiliencepolicies", "degradationlevels"],
            "verbs": ["get", "list"],
        }
    ]
    roles = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{shop.here.name}"
    shop.here.api.send("POST", f"{roles}/roles", {"metadata": {"name": "reader"}, "rules": rules})
    binding = {
        "metadata": {"name": "reader"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"},
        "subjects": [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": user}],
    }
    shop.here.api.send("POST", f"{roles}/rolebindings", binding)
