import pytest

from resilience_operator.core import resources


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (resources.PODS.path(), "/api/v1/pods"),
        (resources.PODS.path("shop"), "/api/v1/namespaces/shop/pods"),
        (resources.PODS.path("shop", "a"), "/api/v1/namespaces/shop/pods/a"),
        (resources.DEPLOYMENTS.path("shop"), "/apis/apps/v1/namespaces/shop/deployments"),
        (resources.NAMESPACES.path(None, "shop"), "/api/v1/namespaces/shop"),
        (
            resources.POLICIES.path("shop", "a", "status"),
            "/apis/resilience.aidrive.dev/v1alpha1/namespaces/shop/resiliencepolicies/a/status",
        ),
        (resources.SECRETS.path("a/b", "c?d"), "/api/v1/namespaces/a%2Fb/secrets/c%3Fd"),
    ],
)
def test_paths(path: str, expected: str) -> None:
    assert path == expected


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_a_name_cannot_address_anything_but_one_object(name: str) -> None:
    with pytest.raises(ValueError, match="is no name"):
        resources.SECRETS.path("shop", name)
    with pytest.raises(ValueError, match="is no name"):
        resources.SECRETS.path(name, "a")


def test_api_versions() -> None:
    assert resources.PODS.api_version == "v1"
    assert resources.LEASES.api_version == "coordination.k8s.io/v1"
