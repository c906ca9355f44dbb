"""Who may do what on the demo's cluster: the operator what it does and no more, people by role.

Comes after the tests of the demo, or of rollouts, and looks back at what they made the operator do.
"""

import json
from collections.abc import Iterator, Mapping

import pytest

from e2e.cluster.paths import cluster_folder
from e2e.conftest import CLUSTER
from e2e.demo.deploy import NAMESPACE, apply_policy
from e2e.demo.helm import OPERATOR_NAMESPACE, RELEASE
from e2e.demo.kubectl import CommandFailed, Kubectl
from e2e.demo.walk import POLICY
from e2e.demo.watch import wait_for_level
from e2e.rights import Comparison, compare, granted, used

pytestmark = pytest.mark.timeout(600)

RBAC = "clusterroles,clusterrolebindings,roles,rolebindings"
# What is granted and that these tests leave unused, and who uses it. That every right is used by
# somebody is what `tests/integration/test_rights_used.py` proves.
ELSEWHERE: Mapping[str, frozenset[str]] = {
    "routers that this cluster does not have: rollouts/test_other_routers.py": frozenset(
        {
            *(f"{verb} virtualservices" for verb in ("get", "list", "watch", "patch")),
            *(
                f"{verb} ingresses"
                for verb in ("get", "list", "watch", "create", "patch", "delete")
            ),
        }
    ),
    "policies that change hands, and verbs of people: operator/test_shards.py, rollouts": frozenset(
        {"get degradationlevels", "get resiliencepolicies"}
    ),
}
OF_ROLLOUTS = frozenset(
    {
        *(f"{verb} httproutes" for verb in ("get", "list", "watch", "patch")),
        *(f"{verb} services" for verb in ("get", "list", "watch")),
        *(f"{verb} deployments" for verb in ("list", "watch", "patch")),
    }
)
"""Left unused by the demo alone; `make e2e-rollout` uses it."""
OF_THE_DEMO = frozenset({"delete degradationlevels"})
"""Left unused by rollouts alone; `make e2e` uses it."""


def operator_rights(demo: Kubectl) -> Comparison:
    """What the operator may do by what is in the cluster, and what it has done until now."""
    log = cluster_folder(CLUSTER) / "audit.log"
    if not log.exists():
        pytest.skip("this provider's API server has no audit log within reach")
    objects = demo.get(RBAC, "--all-namespaces")["items"]
    account = f':{OPERATOR_NAMESPACE}:{RELEASE}"'
    with log.open() as lines:
        events = [json.loads(line) for line in lines if account in line]
    return compare(
        granted(objects, OPERATOR_NAMESPACE, RELEASE),
        used(events, OPERATOR_NAMESPACE, RELEASE),
        OPERATOR_NAMESPACE,
    )


def test_the_operator_may_do_what_it_does_and_no_more(
    demo: Kubectl, request: pytest.FixtureRequest
) -> None:
    found = operator_rights(demo)
    others = {item.path.name for item in request.session.items}
    if not others & {"test_demo.py", "test_rollout.py"}:
        pytest.skip("nothing was done before that would use the rights")
    unused = {f"{each.verb} {each.resource}" for each in found.unused()}
    print(f"unused here: {', '.join(sorted(unused))}")
    elsewhere = frozenset().union(*ELSEWHERE.values())
    if "test_rollout.py" not in others:
        elsewhere |= OF_ROLLOUTS
    if "test_demo.py" not in others:
        elsewhere |= OF_THE_DEMO
    assert unused <= elsewhere, found.sentences()
    assert found.unaccounted() == []
    assert found.too_wide() == []


PEOPLE = {"view": "vera", "edit": "edgar", "admin": "ada"}


@pytest.fixture(scope="module")
def people(demo: Kubectl) -> Iterator[Kubectl]:
    """Three people with the cluster's own roles in the demo's namespace, and its policy."""
    apply_policy(demo)
    wait_for_level(demo, NAMESPACE, POLICY, "OPTIMAL", 180)
    for role, name in PEOPLE.items():
        words = ("create", "rolebinding", f"test-{role}", f"--clusterrole={role}", f"--user={name}")
        demo.run("-n", NAMESPACE, *words)
    yield demo
    for role in PEOPLE:
        demo.run("-n", NAMESPACE, "delete", "rolebinding", f"test-{role}")


def may(people: Kubectl, role: str, verb: str, resource: str, *options: str) -> bool:
    try:
        words = ("auth", "can-i", verb, f"{resource}.resilience.aidrive.dev", *options)
        return people.run("-n", NAMESPACE, "--as", PEOPLE[role], *words).strip() == "yes"
    except CommandFailed:
        return False  # kubectl ends with 1 on a no


@pytest.mark.parametrize("resource", ["resiliencepolicies", "degradationlevels"])
@pytest.mark.parametrize(
    ("role", "verbs"),
    [
        ("view", {"get", "list", "watch"}),
        ("edit", {"get", "list", "watch", "create", "update", "patch", "delete"}),
        (
            "admin",
            {"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"},
        ),
    ],
)
def test_people_may_what_their_role_says(
    people: Kubectl, role: str, verbs: set[str], resource: str
) -> None:
    everything = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")
    assert {verb for verb in everything if may(people, role, verb, resource)} == verbs
    assert not may(people, role, "patch", resource, "--subresource=status")


def allowed(people: Kubectl, role: str, *words: str) -> bool:
    """Whether somebody with that role may do that; it is only tried out."""
    try:
        people.run("-n", NAMESPACE, "--as", PEOPLE[role], *words, "--dry-run=server")
    except CommandFailed as failure:
        if "forbidden" not in str(failure):
            raise
        return False
    return True


@pytest.mark.parametrize(("role", "acts"), [("view", False), ("edit", True), ("admin", True)])
def test_who_views_looks_and_who_edits_acts(people: Kubectl, role: str, acts: bool) -> None:
    looking = ("--as", PEOPLE[role], "get", "resiliencepolicies,degradationlevels", "-o", "name")
    seen = people.run("-n", NAMESPACE, *looking)
    for kind in ("resiliencepolicy", "degradationlevel"):
        assert f"{kind}.resilience.aidrive.dev/{POLICY}" in seen

    override = {"level": "LIMITED", "reason": "test", "requestedBy": PEOPLE[role]}
    override["expiresAt"] = "2099-01-01T00:00:00Z"
    forced = json.dumps({"spec": {"override": override}})
    pause = "resilience.aidrive.dev/rollout=pause"
    for words in (
        ("apply", "--server-side", "--force-conflicts", "-f", "manifests/demo/policy.yaml"),
        ("patch", "degradationlevel", POLICY, "--type=merge", "--patch", forced),
        ("annotate", "resiliencepolicy", POLICY, pause, "--overwrite"),
        ("delete", "resiliencepolicy", POLICY),
    ):
        assert allowed(people, role, *words) == acts, words
