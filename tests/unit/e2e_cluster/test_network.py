"""Only the chains and rules that a node makes are ever removed."""

from pathlib import Path

import pytest

from e2e.cluster import network

SAVED = """\
*nat
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:DOCKER - [0:0]
:KUBE-SERVICES - [0:0]
:KUBE-NODEPORTS - [0:0]
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A KUBE-SERVICES -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS
COMMIT
*filter
:INPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
COMMIT
"""


def test_chains_are_found_by_kube_proxys_prefix() -> None:
    assert network.kube_chains(SAVED) == {"KUBE-SERVICES", "KUBE-NODEPORTS"}


def test_removal_empties_the_chains_first_and_leaves_the_rest() -> None:
    assert network.kube_chains_removal(SAVED).splitlines() == [
        "*nat",
        ":KUBE-NODEPORTS - [0:0]",
        ":KUBE-SERVICES - [0:0]",
        '-D PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES',
        "-X KUBE-NODEPORTS",
        "-X KUBE-SERVICES",
        "COMMIT",
    ]


def test_nothing_to_remove_where_kube_proxy_never_ran() -> None:
    assert network.kube_chains_removal(SAVED.replace("KUBE-", "OTHER-")) == ""


def test_network_results_of_a_cluster_with_a_longer_name_are_not_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network, "_CNI_RESULTS", tmp_path)
    pod = "ab" * 32
    for name in ("resilience-operator-a", "resilience-operator-a-b"):
        (tmp_path / f"{name}-{pod}-eth0").touch()

    found = network.cni_results(network.cni_network(Path("/clusters/a")))

    assert found == [(tmp_path / f"resilience-operator-a-{pod}-eth0", pod)]
