"""One test's part of the cluster: its namespace, the operator's identity in it, and what is there.

The operator runs with the roles that it is installed with, bound to a service account of the
test's own, and may read the namespace's Secrets because its owner says so: a permission that is
missing fails the test, and the audit log tells whose a request is.
"""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from e2e.cluster.controlplane import ControlPlane
from tests.integration.custom_resources import APPLY, MERGE, Api, RefusedError, objects
from tests.integration.operator.harness import Dependency, OperatorProcess, wait_until
from tests.integration.operator.policies import FLAGS, NAME, WEIGHTS

Body = dict[str, Any]

RBAC = Path(__file__).parents[3] / "manifests" / "base" / "rbac.yaml"
ACCOUNT, HOME = "resilience-operator", "resilience-system"
POLICIES, LEVELS = "resiliencepolicies", "degradationlevels"
WRITES = {"create", "update", "patch", "delete", "deletecollection"}
_AUTHORIZATION = "/apis/rbac.authorization.k8s.io/v1"
# What the owner of a namespace makes, for policies with credentials.
_SECRETS: Body = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "RoleBinding",
    "metadata": {"name": f"{ACCOUNT}-secrets", "namespace": HOME},
    "roleRef": {
        "apiGroup": "rbac.authorization.k8s.io",
        "kind": "ClusterRole",
        "name": f"{ACCOUNT}-secrets",
    },
    "subjects": [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": HOME}],
}


def installed_rights() -> list[Body]:
    """Roles and bindings as they are installed, for an operator whose policies are in `HOME`."""
    return [*yaml.safe_load_all(RBAC.read_text()), _SECRETS]


@contextmanager
def staged(plane: ControlPlane, api: Api, namespace: str, folder: Path) -> Iterator["Stage"]:
    """A stage; what it has started ends with it."""
    made = Stage(plane, api, namespace, folder)
    try:
        yield made
    finally:
        made.close()


class Stage:
    """What a test acts on."""

    def __init__(self, control_plane: ControlPlane, api: Api, namespace: str, folder: Path) -> None:
        self.control_plane = control_plane
        self.api = api
        self.namespace = namespace
        self.user = f"system:serviceaccount:{namespace}:{ACCOUNT}"
        self._folder = folder
        self._started: list[OperatorProcess] = []
        self._dependencies: list[Dependency] = []
        self.kubeconfig = control_plane.kubeconfig_for_service_account(namespace, ACCOUNT)
        self._grant()

    def close(self) -> None:
        """End what runs."""
        for operator in self._started:
            operator.end()
        for dependency in self._dependencies:
            dependency.down()

    # -- who acts

    def operator(self, name: str = "one", **settings: object) -> OperatorProcess:
        """A replica that watches this namespace only; not started yet."""
        defaults: dict[str, object] = {
            "kubeconfig": self.kubeconfig,
            "watch_namespaces": self.namespace,
            "namespace": self.namespace,
            "http_host": "127.0.0.1",
            "http_port": 0,
            "guard_allow": "127.0.0.1",
            "log_level": "INFO",
        }
        made = OperatorProcess(name, self._folder, **{**defaults, **settings})
        self._started.append(made)
        return made

    def dependency(self, name: str) -> Dependency:
        """A dependency that is up."""
        made = Dependency(name)
        self._dependencies.append(made)
        return made

    def dependencies(self) -> dict[str, Dependency]:
        """The four of the reference policy."""
        return {name: self.dependency(name) for name in WEIGHTS}

    # -- what people do

    def apply(self, manifest: Body) -> Body:
        """kubectl apply --server-side."""
        kind = {"ResiliencePolicy": POLICIES, "DegradationLevel": LEVELS}[manifest["kind"]]
        path = objects(self.namespace, kind, manifest["metadata"]["name"])
        query = {"fieldManager": "person", "fieldValidation": "Strict", "force": "true"}
        return self.api.send("PATCH", path, manifest, content_type=APPLY, **query)[0]

    def create(self, path: str, manifest: Body) -> Body:
        """Create an object of the namespace; `path` as in `apps/v1/deployments`."""
        return self.api.send("POST", self.path(path), manifest)[0]

    def patch(self, path: str, body: Body) -> Body:
        """A merge patch."""
        return self.api.send("PATCH", self.path(path), body, content_type=MERGE)[0]

    def put_flag(self, key: str, value: str | None, name: str = FLAGS) -> None:
        """Edit the ConfigMap by hand."""
        self.patch(f"v1/configmaps/{name}", {"data": {key: value}})

    def patch_level(self, name: str, **spec: Any) -> Body:
        """Change a DegradationLevel's spec; None removes a field."""
        path = objects(self.namespace, LEVELS, name)
        return self.api.send("PATCH", path, {"spec": spec}, content_type=MERGE)[0]

    def put_secret(self, name: str, **values: str) -> None:
        """Make a Secret, or change it."""
        body = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name},
            "stringData": values,
        }
        path = self.path(f"v1/secrets/{name}")
        self.api.send("PATCH", path, body, content_type=APPLY, fieldManager="person", force="true")

    def delete(self, path: str) -> None:
        """Delete an object of the namespace."""
        self.api.send("DELETE", self.path(path))

    def delete_policy(self, name: str = NAME) -> None:
        self.api.send("DELETE", objects(self.namespace, POLICIES, name))

    def delete_level(self, name: str = NAME) -> None:
        self.api.send("DELETE", objects(self.namespace, LEVELS, name))

    # -- what is there

    def path(self, path: str) -> str:
        """`v1/secrets/x` or `apps/v1/deployments` in this namespace."""
        parts = path.split("/")
        cut = 1 if parts[0] == "v1" else 2
        root = "/api/" if cut == 1 else "/apis/"
        version, rest = "/".join(parts[:cut]), "/".join(parts[cut:])
        return f"{root}{version}/namespaces/{self.namespace}/{rest}"

    def find(self, path: str) -> Body | None:
        """An object, or None."""
        try:
            return self.api.get(path if path.startswith("/") else self.path(path))
        except RefusedError as refused:
            if refused.status == 404:
                return None
            raise

    def policy(self, name: str = NAME) -> Body:
        """The policy; empty when there is none."""
        return self.find(objects(self.namespace, POLICIES, name)) or {}

    def level(self, name: str = NAME) -> Body:
        """The level; empty when there is none."""
        return self.find(objects(self.namespace, LEVELS, name)) or {}

    def standing(self, name: str = NAME) -> str | None:
        """The level in force."""
        return self.level(name).get("status", {}).get("level")

    def flags(self, name: str = FLAGS) -> dict[str, str]:
        """The data of the ConfigMap."""
        return (self.find(f"v1/configmaps/{name}") or {}).get("data", {})

    def version(self, name: str = FLAGS) -> str:
        """The ConfigMap's resourceVersion."""
        found = self.find(f"v1/configmaps/{name}")
        return "" if found is None else str(found["metadata"]["resourceVersion"])

    def condition(self, type_: str, name: str = NAME) -> Body:
        """A condition of the policy."""
        return _by_type(self.policy(name), type_)

    def level_condition(self, type_: str, name: str = NAME) -> Body:
        """A condition of a level."""
        return _by_type(self.level(name), type_)

    def dependency_status(self, name: str, policy: str = NAME) -> Body:
        """What the policy says of one of its dependencies."""
        known = self.policy(policy).get("status", {}).get("dependencies", [])
        return next((each for each in known if each["name"] == name), {})

    def events(self, reason: str | None = None) -> list[Body]:
        """The operator's Events, oldest first."""
        items = self.api.get(self.path("events.k8s.io/v1/events"))["items"]
        ordered = sorted(items, key=lambda each: str(each["eventTime"]))
        return [each for each in ordered if reason in (None, each["reason"])]

    # -- waiting for it

    def wait_for_level(self, wanted: str, name: str = NAME, seconds: float = 40.0) -> Body:
        """Wait until that level is in force and in the flags; the DegradationLevel."""

        def reached() -> Body | None:
            found = self.level(name)
            return found if found.get("status", {}).get("level") == wanted else None

        def written() -> bool:
            return name != NAME or self.flags().get("DEGRADATION_LEVEL") == wanted

        found = wait_until(reached, f"{name} is at {wanted}", seconds)
        wait_until(written, f"the flags say {wanted}", seconds)
        return found

    def wait_for_condition(
        self, type_: str, status: str, reason: str | None = None, name: str = NAME
    ) -> Body:
        """Wait until a condition of the policy has that status; the condition."""

        def holds() -> Body | None:
            found = self.condition(type_, name)
            right = found.get("status") == status and reason in (None, found.get("reason"))
            return found if right else None

        what = f"{type_}={status} {reason or ''} of {name}; it is {self.condition(type_, name)}"
        return wait_until(holds, what)

    # -- what the operator asked of the API server

    def audit(self, after: float = 0.0, *, began: bool = False) -> list[Body]:
        """The operator's requests since a time, as the audit log has them.

        Each when it ended; with `began`, watches that still run instead.
        """
        wanted, stage = self.user, "ResponseStarted" if began else "ResponseComplete"
        log = self.control_plane.audit_log
        assert log is not None
        lines = [line for line in log.read_text().splitlines() if wanted in line]
        events = [json.loads(line) for line in lines]
        return [
            event
            for event in events
            if event["user"]["username"] == wanted
            and event["stage"] == stage
            and event["requestReceivedTimestamp"] >= _stamp(after)
        ]

    def writes(self, after: float = 0.0) -> list[str]:
        """The operator's writes since a time, but for its Lease: `patch configmaps/x`."""
        return [
            _sentence(event)
            for event in self.audit(after)
            if event["verb"] in WRITES and event["objectRef"]["resource"] != "leases"
        ]

    def _grant(self) -> None:
        for manifest in installed_rights():
            self._put_rights({**manifest, "metadata": {"name": manifest["metadata"]["name"]}})
        wait_until(
            lambda: (
                self._allowed("update", "coordination.k8s.io", "leases")
                and self._allowed("patch", "", "configmaps")
                and self._allowed("get", "", "secrets")
            ),
            "the operator's role takes effect",
        )

    def _put_rights(self, manifest: Body) -> None:
        """A role or a binding, for the account and the namespace of this stage."""
        kind, name = manifest["kind"], manifest["metadata"]["name"]
        if kind.endswith("Binding"):
            subject = {"kind": "ServiceAccount", "name": ACCOUNT, "namespace": self.namespace}
            manifest["subjects"] = [subject]
        if kind == "ClusterRole":
            path = f"{_AUTHORIZATION}/clusterroles/{name}"
        elif kind == "ClusterRoleBinding":
            manifest["metadata"]["name"] = f"{name}-{self.namespace}"
            path = f"{_AUTHORIZATION}/clusterrolebindings/{name}-{self.namespace}"
        else:
            path = self.path(f"rbac.authorization.k8s.io/v1/{kind.lower()}s/{name}")
        query = {"fieldManager": "tests", "force": "true"}
        self.api.send("PATCH", path, manifest, content_type=APPLY, **query)

    def _allowed(self, verb: str, group: str, resource: str) -> bool:
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {
                "user": self.user,
                "resourceAttributes": {
                    "namespace": self.namespace,
                    "verb": verb,
                    "group": group,
                    "resource": resource,
                },
            },
        }
        path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
        return bool(self.api.send("POST", path, review)[0]["status"]["allowed"])


def transitions(level: Body) -> Sequence[tuple[str | None, str]]:
    """From and to of each recorded change of level."""
    return [(each.get("from"), each["to"]) for each in level["status"]["transitions"]]


def _by_type(found: Body, type_: str) -> Body:
    conditions = found.get("status", {}).get("conditions", [])
    return next((each for each in conditions if each["type"] == type_), {})


def _sentence(event: Body) -> str:
    about = event["objectRef"]
    names = (about["resource"], about.get("name"), about.get("subresource"))
    return f"{event['verb']} {'/'.join(name for name in names if name)}"


def _stamp(epoch: float) -> str:
    seconds, fraction = divmod(epoch, 1)
    return time.strftime(f"%Y-%m-%dT%H:%M:%S.{int(fraction * 1e6):06d}Z", time.gmtime(seconds))
