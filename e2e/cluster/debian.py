"""What the machine itself has to have, and how it gets there on Debian.

Each need is a command or a file, not a package: a machine that has it from elsewhere is left as
it is.
"""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from e2e.cluster.errors import ClusterError

# Programs of an administrator are not on every user's PATH.
SEARCH_PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/local/sbin:/usr/sbin:/sbin"

CONTROL_PLANE_NEEDS: Mapping[str, str] = {"openssl": "openssl", "setpriv": "util-linux"}
NODE_NEEDS: Mapping[str, str] = {
    **CONTROL_PLANE_NEEDS,
    "containerd": "containerd",
    "containerd-shim-runc-v2": "containerd",
    "ctr": "containerd",
    "runc": "runc",
    "iptables": "iptables",
    "iptables-save": "iptables",
    "ip": "iproute2",
    "conntrack": "conntrack",
    "umount": "mount",
}
_CNI_PACKAGE = "containernetworking-plugins"
_CNI_FOLDERS = ("/usr/lib/cni", "/opt/cni/bin")
_CNI_PLUGINS = ("bridge", "host-local", "loopback")


def which(command: str) -> str | None:
    """Where the command is, administrators' folders included."""
    return shutil.which(command, path=SEARCH_PATH)


def cni_folder() -> str | None:
    """The folder that has the CNI plugins a node uses."""
    for folder in _CNI_FOLDERS:
        if all((Path(folder) / plugin).exists() for plugin in _CNI_PLUGINS):
            return folder
    return None


def missing(needs: Mapping[str, str], *, cni: bool) -> dict[str, str]:
    """The needs that are not met, each with the Debian package that meets it."""
    found = {need: package for need, package in needs.items() if which(need) is None}
    if cni and cni_folder() is None:
        found["CNI plugins"] = _CNI_PACKAGE
    return found


def ensure(needs: Mapping[str, str], *, cni: bool = False) -> None:
    """Install what is missing, or say what is and how to install it."""
    lacking = missing(needs, cni=cni)
    if not lacking:
        return
    packages = sorted(set(lacking.values()))
    hint = f"apt-get install --no-install-recommends {' '.join(packages)}"
    if os.geteuid() != 0 or which("apt-get") is None:
        raise ClusterError(f"missing: {', '.join(lacking)}; as root on Debian: {hint}")
    print(f"installing {', '.join(packages)}", flush=True)
    install = ("install", "-y", "--no-install-recommends", *packages)
    with services_stay_off():
        # A fresh machine has no package lists, and an old one may name files that are gone.
        if _apt_get(install):
            _apt_get(("update",))
            if problem := _apt_get(install):
                found = ", ".join(lacking)
                raise ClusterError(f"cannot install {found}; {hint}: {problem}")
    lacking = missing(needs, cni=cni)
    if lacking:
        raise ClusterError(f"still missing after '{hint}': {', '.join(lacking)}")


@contextlib.contextmanager
def services_stay_off() -> Iterator[None]:
    """Only the programs are wanted: no package may start its service. A host's own policy stays."""
    policy = Path("/usr/sbin/policy-rc.d")
    try:
        with policy.open("x") as script:
            script.write("#!/bin/sh\nexit 101\n")
    except FileExistsError:
        yield
        return
    policy.chmod(0o755)
    try:
        yield
    finally:
        policy.unlink()


def _apt_get(arguments: Iterable[str]) -> str:
    """Run it, and wait for another that runs; what it says when it fails, else nothing."""
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    command = ["apt-get", "-q", "-o", "DPkg::Lock::Timeout=300", *arguments]
    answer = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    said = answer.stderr.strip()[-600:] or f"it ended with code {answer.returncode}"
    return said if answer.returncode else ""
