"""The node's network: one bridge of our own, the rules that let pods out, and their removal.

The bridge's address is the node's address, the pods' gateway and where DNS listens, so nothing
depends on how the machine itself is connected. Only chains that kube-proxy named and rules that
carry our comment are ever removed.
"""

import json
import re
import subprocess
from collections.abc import Sequence
from ipaddress import ip_network
from pathlib import Path

from e2e.cluster.controlplane import SERVICE_RANGE
from e2e.cluster.debian import which
from e2e.cluster.errors import ClusterError

BRIDGE = "resilience0"
POD_RANGE = "10.213.0.0/24"
NODE_ADDRESS = "10.213.0.1"

_COMMENT = ("-m", "comment", "--comment", "resilience-operator e2e")
_RULES: Sequence[tuple[str, str, Sequence[str]]] = (
    ("nat", "POSTROUTING", ("-s", POD_RANGE, "!", "-d", POD_RANGE, "-j", "MASQUERADE")),
    # A Docker engine on the machine makes the default for forwarded packets DROP.
    ("filter", "FORWARD", ("-i", BRIDGE, "-j", "ACCEPT")),
    ("filter", "FORWARD", ("-o", BRIDGE, "-j", "ACCEPT")),
)
_ROUTE_LOCALNET = Path("/proc/sys/net/ipv4/conf/all/route_localnet")
_FAMILIES = ("iptables", "ip6tables")
# Where libcni keeps the result of every pod's network; containerd has no setting for it.
_CNI_RESULTS = Path("/var/lib/cni/results")


def _run(*command: str, text: str | None = None) -> str:
    program = which(command[0]) or command[0]
    answer = subprocess.run(
        [program, *command[1:]], input=text, capture_output=True, text=True, check=False
    )
    if answer.returncode != 0:
        raise ClusterError(f"{' '.join(command)}: {answer.stderr.strip()}")
    return answer.stdout


def _succeeds(*command: str) -> bool:
    program = which(command[0])
    if program is None:
        return False
    command = (program, *command[1:])
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def kube_chains(saved: str) -> set[str]:
    """The chains that kube-proxy (or a kubelet) named, in what iptables-save printed."""
    return set(re.findall(r"^:(KUBE-\S+) ", saved, re.MULTILINE))


def kube_chains_removal(saved: str) -> str:
    """What iptables-restore has to read, with --noflush, to remove those chains."""
    lines: list[str] = []
    for table in re.findall(r"^\*.*?^COMMIT$", saved, re.MULTILINE | re.DOTALL):
        chains = sorted(kube_chains(table))
        jumps = re.findall(r"^-A ((?!KUBE-).* -j KUBE-.*)$", table, re.MULTILINE)
        if chains:
            lines.append(table.splitlines()[0])
            lines += [f":{chain} - [0:0]" for chain in chains]
            lines += [f"-D {jump}" for jump in jumps]
            lines += [f"-X {chain}" for chain in chains]
            lines.append("COMMIT")
    return "".join(f"{line}\n" for line in lines)


def require_free() -> None:
    """Refuse a machine whose rules or addresses belong to another Kubernetes."""
    for family in _FAMILIES:
        if kube_chains(_run(f"{family}-save")):
            raise ClusterError(
                f"another Kubernetes node runs on this machine ({family} has its chains)"
            )
    ours = [ip_network(POD_RANGE), ip_network(SERVICE_RANGE)]
    for route in json.loads(_run("ip", "-json", "route")):
        if route["dst"] != "default" and any(ip_network(route["dst"]).overlaps(o) for o in ours):
            raise ClusterError(f"this machine already has a route to {route['dst']}")


def create(folder: Path) -> None:
    """Make the bridge and the rules; what has to be put back later is noted in the folder."""
    _run("ip", "link", "add", BRIDGE, "type", "bridge")
    _run("ip", "address", "add", f"{NODE_ADDRESS}/{ip_network(POD_RANGE).prefixlen}", "dev", BRIDGE)
    _run("ip", "link", "set", BRIDGE, "up")
    # The machine itself has to find a route to a Service before the rules redirect the packet.
    _run("ip", "route", "add", SERVICE_RANGE, "dev", BRIDGE)
    # Forwarding stays on afterwards: something else may have come to rely on it.
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1\n")
    _let_rules_see_bridged_packets()
    (folder / "route_localnet").write_text(_ROUTE_LOCALNET.read_text())
    for table, chain, rule in _RULES:
        _run("iptables", "-w", "-t", table, "-I", chain, *rule, *_COMMENT)


def _let_rules_see_bridged_packets() -> None:
    """A Service between two pods on one bridge needs its answers translated back."""
    setting = Path("/proc/sys/net/bridge/bridge-nf-call-iptables")
    if not setting.exists() and not _succeeds("modprobe", "br_netfilter"):
        raise ClusterError("this kernel has no br_netfilter, which Services on a bridge need")
    setting.write_text("1\n")


def remove(folder: Path) -> None:
    """Remove whatever of it there is."""
    if (folder / "kube-chains").exists():
        for family in _FAMILIES:
            removal = kube_chains_removal(_run(f"{family}-save"))
            _run(f"{family}-restore", "-w", "--noflush", text=removal)
    for table, chain, rule in _RULES:
        while _succeeds("iptables", "-w", "-t", table, "-D", chain, *rule, *_COMMENT):
            pass
    note = folder / "route_localnet"
    if note.exists() and note.read_text().strip():
        _ROUTE_LOCALNET.write_text(note.read_text())
    if _succeeds("ip", "link", "show", BRIDGE):
        for port in json.loads(_run("ip", "-json", "link", "show", "master", BRIDGE)):
            _succeeds("ip", "link", "delete", port["ifname"])
        _run("ip", "link", "delete", BRIDGE)
    for result, pod in cni_results(cni_network(folder)):
        (_CNI_RESULTS / f"cni-loopback-{pod}-lo").unlink(missing_ok=True)
        result.unlink()


def cni_network(folder: Path) -> str:
    """What the pods' network is called in files outside the cluster's folder."""
    return f"resilience-operator-{folder.name}"


def cni_results(name: str) -> list[tuple[Path, str]]:
    """The files that libcni keeps of that network, each with its pod sandbox's id."""
    pattern = re.compile(rf"{re.escape(name)}-([0-9a-f]{{64}})-eth0")
    found = ((path, pattern.fullmatch(path.name)) for path in _CNI_RESULTS.glob("*"))
    return [(path, match[1]) for path, match in found if match]


def announce_kube_chains(folder: Path) -> None:
    """Note, before kube-proxy starts, that its chains on this machine will be ours."""
    (folder / "kube-chains").touch()


def nameservers() -> list[str]:
    """The machine's own name servers that are reachable from a pod."""
    for path in (Path("/etc/resolv.conf"), Path("/run/systemd/resolve/resolv.conf")):
        text = path.read_text() if path.exists() else ""
        found = re.findall(r"^nameserver\s+(\S+)", text, re.MULTILINE)
        reachable = [one for one in found if not one.startswith("127.") and one != "::1"]
        if reachable:
            return reachable
    return []
