"""What is granted against what is used: every way in which the two can differ is found."""

from typing import Any

import pytest

from e2e.rights import compare, granted, used

HOME, ACCOUNT = "system", "operator"
USER = f"system:serviceaccount:{HOME}:{ACCOUNT}"


def role(kind: str, name: str, *rules: dict[str, Any], namespace: str = "") -> dict[str, Any]:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"kind": kind, "metadata": metadata, "rules": list(rules)}


def rule(group: str, resources: str, verbs: str, **more: Any) -> dict[str, Any]:
    return {
        "apiGroups": [group],
        "resources": resources.split(),
        "verbs": verbs.split(),
        **more,
    }


def binding(
    kind: str, role: tuple[str, str], namespace: str = "", account: str = ACCOUNT
) -> dict[str, Any]:
    return {
        "kind": kind,
        "metadata": {"name": role[1], **({"namespace": namespace} if namespace else {})},
        "roleRef": {"kind": role[0], "name": role[1]},
        "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": HOME}],
    }


def event(
    verb: str, resource: str, namespace: str = "", name: str = "", **more: Any
) -> dict[str, Any]:
    plural, _, subresource = resource.partition("/")
    plural, _, group = plural.partition(".")
    about = {
        "resource": plural,
        "apiGroup": group,
        "subresource": subresource,
        "namespace": namespace,
        "name": name,
    }
    kept = {key: value for key, value in about.items() if value}
    code = more.get("code", 200)
    user = {"username": more.get("user", USER)}
    return {"verb": verb, "user": user, "objectRef": kept, "responseStatus": {"code": code}}


def rights(*objects: dict[str, Any]) -> set[str]:
    return {str(each) for each in granted(objects, HOME, ACCOUNT)}


def test_a_cluster_role_is_everywhere_or_where_it_is_bound() -> None:
    reader = role("ClusterRole", "reader", rule("apps", "deployments", "get list"))
    everywhere = binding("ClusterRoleBinding", ("ClusterRole", "reader"))
    in_shop = binding("RoleBinding", ("ClusterRole", "reader"), "shop")
    assert rights(reader, everywhere) == {
        "get deployments.apps everywhere, by ClusterRole reader",
        "list deployments.apps everywhere, by ClusterRole reader",
    }
    assert rights(reader, in_shop) == {
        "get deployments.apps in shop, by ClusterRole reader",
        "list deployments.apps in shop, by ClusterRole reader",
    }
    assert rights(reader) == set()


def test_roles_of_one_name_are_told_apart_and_others_bindings_do_not_count() -> None:
    objects = (
        role("Role", "r", rule("", "pods", "get"), namespace="shop"),
        role("Role", "r", rule("", "secrets", "get"), namespace="retail"),
        binding("RoleBinding", ("Role", "r"), "shop"),
        binding("RoleBinding", ("Role", "r"), "retail", account="somebody"),
    )
    assert rights(*objects) == {"get pods in shop, by Role r"}


def test_names_and_subresources_are_part_of_a_right() -> None:
    objects = (
        role(
            "ClusterRole",
            "r",
            rule("", "endpoints", "get", resourceNames=["one"]),
            rule("a.b", "things/status", "patch"),
        ),
        binding("ClusterRoleBinding", ("ClusterRole", "r")),
    )
    found = granted(objects, HOME, ACCOUNT)
    uses = used(
        [
            event("get", "endpoints", "shop", "one"),
            event("get", "endpoints", "shop", "two"),
            event("patch", "things.a.b/status", "shop", "x"),
            event("patch", "things.a.b", "shop", "x"),
        ],
        HOME,
        ACCOUNT,
    )
    different = compare(found, uses, HOME)
    assert different.unused() == []
    assert [str(each) for each in different.unaccounted()] == [
        "get endpoints in shop",
        "patch things.a.b in shop",
    ]


@pytest.mark.parametrize(
    "general",
    [
        rule("*", "pods", "get"),
        rule("", "*", "get"),
        rule("", "pods", "*"),
        {"nonResourceURLs": ["/metrics"], "verbs": ["get"]},
    ],
)
def test_what_is_too_general_to_be_compared_is_refused(general: dict[str, Any]) -> None:
    bound = binding("ClusterRoleBinding", ("ClusterRole", "r"))
    with pytest.raises(ValueError, match="ClusterRole r has a rule that is too general"):
        rights(role("ClusterRole", "r", general), bound)


def test_only_what_the_account_was_allowed_is_used() -> None:
    discovery = {"verb": "get", "user": {"username": USER}, "requestURI": "/apis"}
    uses = used(
        [
            discovery,
            event("get", "secrets", "shop", code=403),
            event("get", "pods", "shop", user="system:serviceaccount:other:operator"),
            event("create", "selfsubjectaccessreviews.authorization.k8s.io"),
            event("get", "leases", "system", code=404),
        ],
        HOME,
        ACCOUNT,
    )
    assert [str(each) for each in uses] == ["get leases in system"]


def test_an_apply_of_what_is_not_there_is_a_create_too() -> None:
    for code, verbs in ((200, {"patch"}), (201, {"patch", "create"})):
        uses = used([event("patch", "configmaps", "shop", "x", code=code)], HOME, ACCOUNT)
        assert {each.verb for each in uses} == verbs


def test_every_difference_is_a_sentence() -> None:
    objects = (
        role("ClusterRole", "r", rule("", "pods", "list patch"), rule("", "leases", "get")),
        binding("ClusterRoleBinding", ("ClusterRole", "r")),
    )
    events = [
        event("list", "pods"),
        event("get", "leases", HOME),
        event("watch", "nodes"),
    ]
    found = compare(granted(objects, HOME, ACCOUNT), used(events, HOME, ACCOUNT), HOME)
    assert found.sentences() == [
        "It may patch pods everywhere, by ClusterRole r, and nothing uses that.",
        "It did watch nodes in the whole cluster, which none of the rights here allows.",
        "It may get leases everywhere, by ClusterRole r, and only does so in system.",
    ]
