"""Everything on a machine that a node makes, found from outside: for tests of going down.

It looks at the machine, not at the cluster's own notes, so that it finds what those forgot. Rules
and interfaces are all of the machine's: nothing else may change them during a test.
"""

import contextlib
import os
import re
import socket
import subprocess
from pathlib import Path

from e2e.cluster import debian, mounts, network, paths

Traces = dict[str, set[str]]


def _lines(*arguments: str) -> set[str]:
    program = debian.which(arguments[0])
    assert program is not None
    answer = subprocess.run([program, *arguments[1:]], capture_output=True, text=True, check=True)
    return set(answer.stdout.splitlines())


def own_processes(name: str) -> set[str]:
    """Processes in the cluster's control group, or with its folder in their command line."""
    folder = str(paths.cluster_folder(name)).encode()
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            in_group = f"resilience-operator-{name}/" in (process / "cgroup").read_text()
            if in_group or folder in (process / "cmdline").read_bytes():
                found.add(process.name)
        except OSError:
            continue
    return found


def _own_network_namespaces(name: str, processes: set[str]) -> set[str]:
    """Those that one of the cluster's processes is in, or that it keeps as a mount."""
    folder = str(paths.cluster_folder(name))
    machine = os.readlink("/proc/self/ns/net")
    found = {line for line in _lines("lsns", "-n", "-t", "net", "-o", "NS,NSFS") if folder in line}
    for process in processes:
        with contextlib.suppress(OSError):
            found.add(os.readlink(f"/proc/{process}/ns/net"))
    return found - {machine}


def _abandoned(path: Path) -> bool:
    """Whether nobody listens on that socket any more."""
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(str(path))
        except ConnectionRefusedError:
            return True
        except FileNotFoundError:
            return False
    return False


def _own_files(name: str) -> set[str]:
    """What a node leaves outside its folder, where other runtimes keep such files as well."""
    folder = paths.cluster_folder(name)
    logs = Path("/var/log/containers").glob("*")
    return {
        *(str(path) for path in logs if os.readlink(path).startswith(f"{folder}/")),
        *(str(path) for path, _ in network.cni_results(network.cni_network(folder))),
        *(str(path) for path in Path("/run/containerd/s").glob("*") if _abandoned(path)),
    }


def of(name: str) -> Traces:
    """What there is now, by kind."""
    folder = paths.cluster_folder(name)
    processes = own_processes(name)
    rules = {rule for rule in _lines("iptables-save") | _lines("ip6tables-save") if rule[:1] == "-"}
    return {
        "processes": processes,
        "mounts": {str(m.point) for m in mounts.table() if m.point.is_relative_to(folder)},
        "interfaces": {re.split(r"[:@]", line)[1] for line in _lines("ip", "-o", "link")},
        "network namespaces": _own_network_namespaces(name, processes),
        "rules": rules,
        "control groups": {str(path) for path in Path("/sys/fs/cgroup").glob(f"**/*{name}")},
        "files": _own_files(name),
        "state": {str(folder)} if folder.exists() else set(),
    }


def left(name: str, before: Traces) -> Traces:
    """What there is now and was not before; empty when nothing is left."""
    found = {kind: now - before[kind] for kind, now in of(name).items()}
    return {kind: more for kind, more in found.items() if more}
