"""Preflight on a real API server, with an operator at work: all right, and each thing wrong."""

import copy
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from e2e.cluster.controlplane import ControlPlane
from resilience_operator.cli.app import cli
from tests.integration.cli.preflight import CANARY, FLAGS, STABLE, Stand
from tests.integration.custom_resources import DEFINITIONS, Api, definitions, install
from tests.integration.operator.harness import wait_until
from tests.integration.operator.policies import dependency, level, policy
from tests.integration.rollouts.shop import ROUTE, ROUTES, opened
from tests.integration.routes import install_routes

NEEDS_SECRET = {"postgres": {"dsnSecretRef": {"name": "pg", "key": "dsn"}}}
METADATA_SERVICE = {"tcp": {"address": "169.254.169.254:80"}}


@pytest.fixture
def stand(control_plane: ControlPlane, api: Api, namespace: str, tmp_path: Path) -> Iterator[Stand]:
    install_routes(api)
    with opened(control_plane, api, namespace, tmp_path) as shop:
        made = Stand(shop)
        made.furnish()
        yield made


def write(stand: Stand, folder: Path, *documents: Any) -> str:
    """A file with these objects."""
    path = folder / "policy.yaml"
    path.write_text(yaml.safe_dump_all(documents))
    return str(path)


def test_where_all_is_well_every_check_passes(stand: Stand) -> None:
    stand.stage.put_secret("hook", url="http://127.0.0.1:9/")
    hook = {"name": "team", "urlSecretRef": {"name": "hook", "key": "url"}}
    stand.start()
    stand.settle(notifications=[hook])
    stand.until_level("OPTIMAL")

    checks = stand.checks("inventario")

    assert {name: said.finding for name, said in checks.items() if said.result != "pass"} == {}
    assert set(checks) == {
        "CRD ResiliencePolicy",
        "CRD DegradationLevel",
        "replicas",
        "leader",
        "version",
        "operator",
        "status",
        "weights and bands",
        "features",
        "level inventario",
        "operator's rights: policies and levels",
        "operator's rights: events",
        "operator's rights: flags",
        "operator's rights: Secrets",
        "operator's rights: targets",
        "operator's rights: rollout",
        "operator's rights: promotion",
        "operator's rights: traffic",
        "your rights: levers of levels",
        "your rights: verbs of rollouts",
        "notification team: Secret",
        "openai: reachable",
        "postgres: reachable",
        f"ConfigMap {FLAGS}",
        f"target {STABLE}",
        f"rollout: Deployment {STABLE}",
        f"rollout: Deployment {CANARY}",
        f"rollout: Service {STABLE}",
        f"rollout: Service {CANARY}",
        f"rollout: HTTPRoute {ROUTE}",
        "rollout: metric error-rate",
    }
    assert stand.run("inventario", "--strict").exit_code == 0
    text = stand.run("inventario").output
    assert text.splitlines()[-1] == f"{len(checks)} passed."
    assert f"policy {stand.namespace}/inventario" in text.splitlines()
    assert "REMEDY" not in text

    # The pod itself cannot be asked here: there is no kubelet, and the API server says so.
    outside = stand.checks("inventario", inside=False)
    assert outside["rollout: metric error-rate"].result == "skipped"
    assert "Pod one could not be asked" in outside["rollout: metric error-rate"].finding
    assert stand.run("inventario", "--strict", inside=False).exit_code == 1


def test_a_policy_in_a_file_is_asked_from_where_the_operator_stands(
    stand: Stand, tmp_path: Path
) -> None:
    stand.start()
    stand.shop.postgres.down()
    body = stand.policy(
        dependencies=(
            dependency("openai", 40, stand.shop.openai),
            dependency("postgres", 20, stand.shop.postgres),
            dependency("archive", 20, NEEDS_SECRET),
            dependency("metadata", 20, METADATA_SERVICE),
        )
    )
    own = level("checkout", dependencies=[{"name": "mysql", "weight": 1}])
    file = write(stand, tmp_path, {"apiVersion": "v1", "kind": "List", "metadata": {"name": "x"}},
                 body, own)  # fmt: skip

    checks = stand.checks("-f", file)

    assert checks["accepted"].result == "pass"
    assert checks["level checkout: accepted"].result == "pass"
    assert checks["openai: reachable"].finding.startswith("Healthy within")
    down = checks["postgres: reachable"]
    assert (down.result, "Refused" in down.finding) == ("fail", True)
    assert "start the server" in down.remedy
    assert checks["archive: Secret"].result == "fail"
    assert "create secret generic pg --from-literal=dsn=" in checks["archive: Secret"].remedy
    assert checks["archive: reachable"].result == "fail"
    refused = checks["metadata: reachable"]
    assert (refused.result, "metadata service" in refused.finding) == ("fail", True)
    assert "settings.guardAllow" in refused.remedy
    assert checks["rollout: metric error-rate"].result == "pass"
    assert not stand.stage.policy(), "a dry run stores nothing"

    quiet = stand.checks("-f", file, "--no-exec")
    assert quiet["openai: reachable"].result == "skipped"
    assert "mode: Observe" in quiet["openai: reachable"].remedy


def test_a_file_of_what_is_applied_is_judged_by_its_status(stand: Stand, tmp_path: Path) -> None:
    stand.start()
    stand.settle()
    file = write(stand, tmp_path, stand.policy())

    same = stand.checks("-f", file)
    changed = stand.checks("-f", write(stand, tmp_path, stand.policy(mode="Observe")))

    assert same["accepted"].finding == "It is applied as it is in the file."
    assert "says the operator" in same["openai: reachable"].finding
    assert changed["accepted"].finding.startswith("The API server would take it")
    assert "asked just now" in changed["openai: reachable"].finding


def test_what_kubectl_prints_of_what_is_there_is_taken_as_it_is(
    stand: Stand, tmp_path: Path
) -> None:
    """`kubectl get -o yaml` prints a List without a name, of objects with all that is stored."""
    stand.start()
    stand.settle()
    stand.stage.apply(level("checkout"))
    printed = [stand.stage.policy(), stand.stage.level("checkout")]
    metadata = {"resourceVersion": ""}
    listed = {"apiVersion": "v1", "kind": "List", "items": printed, "metadata": metadata}
    file = write(stand, tmp_path, listed)
    # It is written again between the printing and the looking, as statuses are.
    stand.shop.postgres.down()
    wait_until(lambda: stand.stage.dependency_status("postgres")["state"] == "Down", "it is down")

    checks = stand.checks("-f", file)

    assert checks["accepted"].finding == "It is applied as it is in the file."
    assert checks["level checkout: accepted"].result == "pass"


def test_a_file_that_the_api_server_refuses(stand: Stand, tmp_path: Path) -> None:
    wrong = stand.policy()
    wrong["spec"]["levels"] = {"optimal": 50}
    said = stand.checks("-f", write(stand, tmp_path, wrong))["accepted"]
    assert (said.result, said.remedy) == ("fail", "Correct the file.")
    assert "levels descend" in said.finding

    misspelt = stand.policy()
    misspelt["spec"]["targts"] = []
    said = stand.checks("-f", write(stand, tmp_path, misspelt))["accepted"]
    assert (said.result, "targts" in said.finding) == ("fail", True)

    elsewhere = stand.policy()
    elsewhere["metadata"]["namespace"] = "nowhere"
    said = stand.checks("-f", write(stand, tmp_path, elsewhere))["accepted"]
    assert (said.result, "nowhere" in said.finding) == ("fail", True)
    assert "Make the namespace nowhere" in said.remedy


def test_dependencies_that_an_applied_policy_cannot_reach(stand: Stand) -> None:
    stand.stage.put_secret("pg", password="x")
    stand.start()
    stand.shop.postgres.down()
    stand.settle(
        dependencies=(
            dependency("openai", 40, stand.shop.openai),
            dependency("postgres", 20, stand.shop.postgres),
            dependency("archive", 20, NEEDS_SECRET),
            dependency("metadata", 20, METADATA_SERVICE),
        )
    )
    wait_until(lambda: stand.stage.dependency_status("postgres")["state"] == "Down", "it is down")

    checks = stand.checks("inventario")

    assert checks["openai: reachable"].result == "pass"
    down = checks["postgres: reachable"]
    assert (down.result, down.finding[:14]) == ("fail", "Down. Refused:")
    assert "start the server" in down.remedy
    secret = checks["archive: Secret"]
    assert secret.finding == "Secret pg has no value under dsn; it has password."
    assert secret.remedy.startswith("Add the key")
    assert checks["archive: reachable"].remedy == "Correct the Secret's value."
    assert "settings.guardAllow" in checks["metadata: reachable"].remedy
    assert checks["status"].result == "fail"


def test_what_the_service_account_may_not(stand: Stand) -> None:
    stand.stage.apply(stand.policy(dependencies=(dependency("archive", 1, NEEDS_SECRET),)))
    before = stand.checks("inventario")
    assert before["operator's rights: Secrets"].finding == "May get secrets pg."
    binding = "rbac.authorization.k8s.io/v1/rolebindings/resilience-operator-secrets"
    stand.stage.delete(binding)

    def taken() -> Any:
        said = stand.checks("inventario")["operator's rights: Secrets"]
        return said if said.result == "fail" else None

    said = wait_until(taken, "the right is gone")
    account = f"{stand.namespace}:resilience-operator"
    assert said.finding == (
        f"The service account {account} may not get secrets pg in namespace {stand.namespace}."
    )
    assert "rbac.secretNamespaces" in said.remedy
    assert f"--serviceaccount={account}" in said.remedy


def test_a_config_map_and_targets_that_are_not_right(stand: Stand) -> None:
    env = {"name": "app", "image": "x", "envFrom": [{"configMapRef": {"name": FLAGS}}]}
    stand.deploy("at-start", containers=[env], volumes=[])
    stand.deploy("deaf", containers=[{"name": "app", "image": "x"}], volumes=[])
    targets = [{"name": each} for each in (STABLE, "at-start", "deaf", "gone")]
    stand.stage.apply(stand.policy(targets=targets))
    stand.stage.create("v1/configmaps", {"metadata": {"name": FLAGS}})

    checks = stand.checks("inventario")

    foreign = checks[f"ConfigMap {FLAGS}"]
    assert foreign.finding == f"ConfigMap {FLAGS} exists and was not made by the operator."
    assert "flags.configMapName, or label it" in foreign.remedy
    assert checks[f"target {STABLE}"].result == "pass"
    assert checks["target at-start"].result == "warn"
    assert "flags.propagation to Restart" in checks["target at-start"].remedy
    assert (checks["target deaf"].result, "Mount it" in checks["target deaf"].remedy) == (
        "fail",
        True,
    )
    assert checks["target gone"].result == "fail"

    stand.stage.apply(policy(dependency("a", 1, stand.shop.openai), name="rival",
                             flags={"configMapName": FLAGS}))  # fmt: skip
    rival = stand.checks("inventario")[f"ConfigMap {FLAGS}"]
    assert rival.finding == "The policy rival writes its flags into it as well."
    stand.stage.apply(stand.policy(targets=[], flags={"propagation": "Restart"}))
    assert stand.checks("inventario")["targets"].result == "warn"
    stand.stage.apply(
        stand.policy(targets=[{"name": "at-start"}], flags={"propagation": "Restart"})
    )
    assert stand.checks("inventario")["target at-start"].result == "pass"


def test_a_rollout_without_what_it_stands_on(stand: Stand) -> None:
    stand.stage.apply(stand.policy())
    stand.shop.apply(
        f"v1/services/{STABLE}", service(STABLE, {"team": "shop"})
    )  # the pods have no such label
    stand.shop.deployments.fail(STABLE)
    stand.shop.apply(f"apps/v1/deployments/{CANARY}", {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": CANARY},
        "spec": {**deployment_spec(stand, CANARY), "replicas": 0},
    })  # fmt: skip
    stand.shop.gateway.resolves = False
    stand.shop.route((90, 10))
    wait_until(lambda: "Unresolved" in route_says(stand), "the gateway has said no")

    checks = stand.checks("inventario")

    assert checks[f"rollout: Deployment {STABLE}"].finding == "0 of 2 replicas are ready."
    assert checks[f"rollout: Deployment {STABLE}"].result == "fail"
    assert checks[f"rollout: Deployment {CANARY}"].result == "warn"
    assert "selector" in checks[f"rollout: Service {STABLE}"].remedy
    assert checks[f"rollout: Service {STABLE}"].result == "fail"
    route = checks[f"rollout: HTTPRoute {ROUTE}"]
    assert (route.result, "cannot resolve a backend" in route.finding) == ("fail", True)
    assert "status.parents" in route.remedy

    stand.shop.gateway.resolves = True
    stand.shop.route((80, 20))
    wait_until(lambda: route_says(stand) == "", "the gateway has said yes")
    share = stand.checks("inventario")[f"rollout: HTTPRoute {ROUTE}"]
    assert (share.result, share.finding[:26]) == ("warn", "The canary has 20 % of the")

    stand.shop.apply(f"v1/services/{CANARY}", service(CANARY, {"app": STABLE}))
    both = stand.checks("inventario")[f"rollout: Service {CANARY}"]
    assert "labelled otherwise" in both.finding
    for path in (f"apps/v1/deployments/{CANARY}", f"v1/services/{CANARY}", f"{ROUTES}/{ROUTE}"):
        stand.stage.delete(path)
    checks = stand.checks("inventario")
    for name in (f"Deployment {CANARY}", f"Service {CANARY}", f"HTTPRoute {ROUTE}"):
        said = checks[f"rollout: {name}"]
        assert (said.result, said.finding[:11]) == ("fail", "There is no"), said


def service(name: str, selector: dict[str, str]) -> dict[str, Any]:
    spec = {"selector": selector, "ports": [{"port": 80}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


def deployment_spec(stand: Stand, name: str) -> dict[str, Any]:
    found = stand.stage.find(f"apps/v1/deployments/{name}")
    assert found is not None
    spec: dict[str, Any] = found["spec"]
    return {key: spec[key] for key in ("selector", "template")}


def route_says(stand: Stand) -> str:
    """Unresolved, or nothing, by a gateway that has seen the route as it is."""
    found = stand.stage.find(f"{ROUTES}/{ROUTE}")
    assert found is not None
    generation = found["metadata"]["generation"]
    conditions = found["status"]["parents"][0]["conditions"]
    if any(each["observedGeneration"] != generation for each in conditions):
        return "not seen"
    return "" if all(each["status"] == "True" for each in conditions) else "Unresolved"


def test_queries_that_give_nothing(stand: Stand) -> None:
    stand.start()
    stand.settle(rollout=stand.shop.spec(gate={"checks": [{"name": "smoke", "url": "http://no/"}]}))
    stand.shop.prometheus.blind = True

    checks = stand.checks("inventario")

    metric = checks["rollout: metric error-rate"]
    assert (metric.result, metric.finding[:19]) == ("fail", "failures of stable:")
    assert "recording rule" in metric.remedy
    assert checks["rollout: check smoke"].result == "fail"


def test_an_operator_that_is_not_there_or_does_not_lead(stand: Stand) -> None:
    stand.stage.apply(stand.policy())
    lost = stand.checks("inventario")
    assert lost["leader"].finding.startswith("There is no Lease resilience-operator")
    assert "logs deployment/resilience-operator" in lost["leader"].remedy
    assert lost["openai: reachable"].result == "skipped"
    assert lost["status"].result == "warn"

    spec = {
        "holderIdentity": "one",
        "leaseDurationSeconds": 15,
        "renewTime": "2020-01-01T00:00:00.000000Z",
    }
    body = {"metadata": {"name": "resilience-operator"}, "spec": spec}
    stand.stage.create("coordination.k8s.io/v1/leases", body)
    assert "and not since" in stand.checks("inventario")["leader"].finding

    stand.shop.deployments.fail("resilience-operator")
    assert stand.checks("inventario")["replicas"].finding == "0 of 2 replicas are ready."
    stand.install("another")
    both = stand.checks("inventario")["operator"]
    assert (both.result, "exclude each other" in both.remedy) == ("fail", True)
    for name in ("another", "resilience-operator"):
        stand.install(name, RESILIENCE_WATCH_NAMESPACES="elsewhere")
    assert "No operator looks after" in stand.checks("inventario")["operator"].finding
    for name in ("another", "resilience-operator"):
        stand.stage.delete(f"apps/v1/deployments/{name}")
    none = stand.checks("inventario")
    assert (none["installed"].result, none["operator"].result) == ("fail", "skipped")


def test_a_lease_whose_holder_has_another_clock_still_leads(stand: Stand) -> None:
    stand.start()
    stand.settle()
    ahead = time.time() + 3600

    said = stand.checks("inventario", now=lambda: ahead)["leader"]

    assert said.result == "pass"


def test_shards_are_told_apart_by_the_labels_of_the_policy(stand: Stand) -> None:
    body = stand.policy()
    body["metadata"]["labels"] = {"team": "b"}
    stand.stage.apply(body)
    for name in ("a", "b"):
        stand.install(name, RESILIENCE_POLICY_SELECTOR=f"team in ({name})")
    stand.stage.delete("apps/v1/deployments/resilience-operator")

    said = stand.checks("inventario")["operator"]

    assert said.finding == f"{stand.namespace}/b looks after it."


def test_levels_that_speak_of_what_the_policy_does_not_have(stand: Stand) -> None:
    stand.stage.apply(stand.policy())
    stand.stage.apply(level("checkout", features=["fast_serch"]))
    stand.stage.apply(level("of-another", policy_name="other", features=["x"]))

    checks = stand.checks("inventario")

    assert checks["level checkout"].finding == (
        "It names fast_serch, which the policy does not have."
    )
    assert "level of-another" not in checks


def test_who_may_see_little_is_told_what_he_may_not(
    stand: Stand, control_plane: ControlPlane
) -> None:
    stand.stage.apply(stand.policy(dependencies=(dependency("archive", 1, NEEDS_SECRET),)))
    grant(stand, "ana", "resilience.aidrive.dev", ["resiliencepolicies", "degradationlevels"])
    ana = str(control_plane.kubeconfig_for("ana"))
    wait_until(lambda: stand.run(kubeconfig=ana).exit_code != 4, "ana may read")

    checks = stand.checks("inventario", kubeconfig=ana, inside=False)

    for name in (
        "installed",
        "operator",
        "operator's rights",
        "archive: Secret",
        f"ConfigMap {FLAGS}",
        f"target {STABLE}",
        f"rollout: Deployment {STABLE}",
        f"rollout: Service {STABLE}",
        f"rollout: HTTPRoute {ROUTE}",
    ):
        assert checks[name].result == "skipped", name
    assert checks["CRD ResiliencePolicy"].result == "pass"
    assert checks["your rights: levers of levels"].result == "warn"
    assert "rbac.aggregate" in checks["your rights: levers of levels"].remedy


def grant(stand: Stand, user: str, group: str, resources: list[str]) -> None:
    rules = [{"apiGroups": [group], "resources": resources, "verbs": ["get", "list"]}]
    stand.stage.create(
        "rbac.authorization.k8s.io/v1/roles", {"metadata": {"name": user}, "rules": rules}
    )
    binding = {
        "metadata": {"name": user},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": user},
        "subjects": [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": user}],
    }
    stand.stage.create("rbac.authorization.k8s.io/v1/rolebindings", binding)


def test_what_is_asked_wrongly_and_what_is_not_there(stand: Stand, tmp_path: Path) -> None:
    assert stand.run("nobody").exit_code == 3
    # A namespace that is spelt wrongly must not pass for one in which all is well.
    none = stand.checks()["found"]
    assert (none.result, f"in namespace {stand.namespace}" in none.finding) == ("warn", True)
    assert stand.run("inventario", "-A").exit_code == 2
    for text in ("kind: [", "just words", "kind: ConfigMap\nmetadata: {name: x}"):
        file = tmp_path / "file.yaml"
        file.write_text(text)
        assert stand.run("-f", str(file)).exit_code == 2, text
    assert stand.run("-f", str(tmp_path / "none.yaml")).exit_code == 2
    stranger = stand.stage.control_plane.kubeconfig_for("stranger")
    assert stand.run(kubeconfig=str(stranger)).exit_code == 4


def test_definitions_that_are_missing_or_of_another_version(tmp_path: Path) -> None:
    with ControlPlane() as plane:
        api = Api(plane.kubeconfig)
        assert crd(plane)["CRD ResiliencePolicy"]["result"] == "fail"
        assert crd(plane, "inventario")["CRD ResiliencePolicy"]["result"] == "fail"
        assert "helm upgrade" in crd(plane)["CRD ResiliencePolicy"]["remedy"]

        install(api)
        wait_until(lambda: crd(plane)["CRD ResiliencePolicy"]["result"] == "pass", "it is served")
        api.send("PUT", f"{DEFINITIONS}/{policies(api)['metadata']['name']}", older(policies(api)))
        said = wait_until(lambda: failing(plane), "the older one is published")
        api.close()
    assert "it lacks spec.notifications; has besides spec.colour; " in said["finding"]
    assert "has other rules for spec.levels" in said["finding"]
    assert "dropped without a word" in said["remedy"]


def policies(api: Api) -> dict[str, Any]:
    """The definition as the API server has it."""
    name = next(d for d in definitions() if d["spec"]["names"]["kind"] == "ResiliencePolicy")
    return api.get(f"{DEFINITIONS}/{name['metadata']['name']}")


def older(definition: dict[str, Any]) -> dict[str, Any]:
    """One field less, one more, a rule fewer."""
    made = copy.deepcopy(definition)
    root = made["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
    spec = root["spec"]["properties"]
    del spec["notifications"]
    spec["colour"] = {"type": "string", "maxLength": 9}
    spec["levels"]["x-kubernetes-validations"].pop()
    return made


def failing(plane: ControlPlane) -> dict[str, str] | None:
    said = crd(plane)["CRD ResiliencePolicy"]
    return said if said["result"] == "fail" else None


def crd(plane: ControlPlane, *names: str) -> dict[str, dict[str, str]]:
    """What preflight says of the cluster alone."""
    place = ["--kubeconfig", str(plane.kubeconfig)]
    result = CliRunner().invoke(cli, ["preflight", *names, "-o", "json", *place])
    found = json.loads(result.stdout)["checks"]
    return {each["check"]: each for each in found if each["section"] == "cluster"}
