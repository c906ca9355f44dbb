"""What a node runs beside containerd, and the controllers: how each program is configured.

The settings make a kubelet work on small machines as well: cgroup version 1, no
CAP_SYS_RESOURCE, a nearly full disk. They are files and flags only; nothing here starts anything.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from e2e.cluster import network, ports
from e2e.cluster.build import Binaries
from e2e.cluster.pki import KeyPair


@dataclass(frozen=True)
class Node:
    """What the programs have to know of the cluster."""

    name: str
    folder: Path
    binaries: Binaries
    authority: KeyPair
    # Signs service account tokens.
    signing: KeyPair
    kubeconfigs: Mapping[str, Path]

    def controller_manager(self) -> list[str]:
        """The controllers, alone, so without an election."""
        return [
            self.binaries["kube-controller-manager"],
            f"--kubeconfig={self.kubeconfigs['kube-controller-manager']}",
            f"--root-ca-file={self.authority.certificate}",
            f"--service-account-private-key-file={self.signing.key}",
            f"--cluster-signing-cert-file={self.authority.certificate}",
            f"--cluster-signing-key-file={self.authority.key}",
            # Each controller then has the rights that the default rules give its own account.
            "--use-service-account-credentials=true",
            "--leader-elect=false",
            "--secure-port=0",
        ]

    def scheduler(self) -> list[str]:
        """The scheduler, alone, so without an election."""
        return [
            self.binaries["kube-scheduler"],
            f"--kubeconfig={self.kubeconfigs['kube-scheduler']}",
            "--leader-elect=false",
            "--secure-port=0",
        ]

    def kubelet(self, runtime: str, serving: KeyPair, control_group: str) -> list[str]:
        """The kubelet, with all that it keeps below the cluster's folder."""
        resolv_conf = self.folder / "resolv.conf"
        servers = network.nameservers()
        resolv_conf.write_text("".join(f"nameserver {server}\n" for server in servers))
        config = kubelet_config(self.folder, runtime, serving, self.authority, control_group)
        return [
            self.binaries["kubelet"],
            f"--config={self._write('kubelet', config)}",
            f"--kubeconfig={self.kubeconfigs['kubelet']}",
            f"--hostname-override={self.name}",
            f"--node-ip={network.NODE_ADDRESS}",
            f"--root-dir={self.folder / 'kubelet'}",
            f"--cert-dir={self.folder / 'kubelet' / 'pki'}",
        ]

    def proxy(self) -> list[str]:
        """kube-proxy, in its iptables mode, which makes a NodePort answer on 127.0.0.1 as well."""
        config = proxy_config(self.name, self.kubeconfigs["kube-proxy"], *ports.free(2))
        return [self.binaries["kube-proxy"], f"--config={self._write('kube-proxy', config)}"]

    def dns(self, ready_port: int) -> list[str]:
        """CoreDNS, on the node itself rather than in a pod."""
        corefile = self.folder / "Corefile"
        corefile.write_text(
            dns_config(self.kubeconfigs["coredns"], ready_port, network.nameservers())
        )
        return [self.binaries["coredns"], "-conf", str(corefile)]

    def _write(self, name: str, config: Mapping[str, Any]) -> Path:
        path = self.folder / f"{name}.json"
        path.write_text(json.dumps(config, indent=2) + "\n")
        return path


def kubelet_config(
    folder: Path, runtime: str, serving: KeyPair, authority: KeyPair, control_group: str
) -> dict[str, Any]:
    """The kubelet's configuration file; how often it syncs is left as in any cluster."""
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": network.NODE_ADDRESS,
        "healthzPort": 0,
        "readOnlyPort": 0,
        "tlsCertFile": str(serving.certificate),
        "tlsPrivateKeyFile": str(serving.key),
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(authority.certificate)},
        },
        "authorization": {"mode": "Webhook"},
        "clusterDomain": "cluster.local",
        "clusterDNS": [network.NODE_ADDRESS],
        "resolvConf": str(folder / "resolv.conf"),
        "containerRuntimeEndpoint": runtime,
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": control_group,
        "failCgroupV1": False,
        "failSwapOn": False,
        # Settings of the kernel that it may not change are then no reason to stop.
        "featureGates": {"KubeletInUserNamespace": True},
        # kube-proxy makes the chains; the kubelet's own would be more to clean up.
        "makeIPTablesUtilChains": False,
        "podLogsDir": str(folder / "pod-logs"),
        "volumePluginDir": str(folder / "volume-plugins"),
        # A full disk is no reason to evict pods or to delete images that cannot be pulled again.
        "evictionHard": {
            "memory.available": "50Mi",
            "nodefs.available": "1%",
            "nodefs.inodesFree": "1%",
            "imagefs.available": "1%",
        },
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
    }


def proxy_config(
    node: str, kubeconfig: Path, metrics_port: int, health_port: int
) -> dict[str, Any]:
    """kube-proxy's configuration file."""
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "iptables",
        "clientConnection": {"kubeconfig": str(kubeconfig)},
        "hostnameOverride": node,
        "clusterCIDR": network.POD_RANGE,
        "metricsBindAddress": f"127.0.0.1:{metrics_port}",
        "healthzBindAddress": f"127.0.0.1:{health_port}",
        # The machine's own limits stay: raising them may not be allowed.
        "conntrack": {
            "maxPerCore": 0,
            "tcpEstablishedTimeout": "0s",
            "tcpCloseWaitTimeout": "0s",
        },
    }


def dns_config(kubeconfig: Path, ready_port: int, servers: list[str]) -> str:
    """The Corefile; names outside the cluster go to the machine's own servers, if it has any."""
    forward = f"    forward . {' '.join(servers)}\n" if servers else ""
    return f""".:53 {{
    bind {network.NODE_ADDRESS}
    errors
    ready 127.0.0.1:{ready_port}
    cache 5
    kubernetes cluster.local in-addr.arpa ip6.arpa {{
        kubeconfig {kubeconfig}
    }}
{forward}}}
"""
