"""What is built from Go modules: one `Tool` per folder below modules/.

A tool's version is the one its own go.mod requires, so it stands in one place. Its key covers
everything that its binaries depend on; another tool's change leaves it alone.
"""

import hashlib
import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from e2e.cluster.errors import ClusterError
from e2e.cluster.paths import MODULES, cache_folder

_VERSION_PACKAGE = "k8s.io/component-base/version"


@dataclass(frozen=True)
class Tool:
    """One module folder and the programs that one `go build` makes of it."""

    name: str
    # What each binary is built from. More than one: each is named as its package.
    binaries: Mapping[str, str]
    # The module whose version is the tool's; empty: the sources are in the folder itself.
    module: str = ""
    stamp_version: bool = False

    @property
    def folder(self) -> Path:
        """The module folder, where go.mod and go.sum are committed."""
        return MODULES / self.name

    def version(self) -> str:
        """The required version of the module, or `local`."""
        if not self.module:
            return "local"
        text = (self.folder / "go.mod").read_text()
        match = re.search(rf"^(?:require)?\s*{re.escape(self.module)} (v\S+)", text, re.MULTILINE)
        if match is None:
            raise ClusterError(f"{self.folder}/go.mod does not require {self.module}")
        return match[1]

    def ldflags(self) -> str:
        """No symbol tables; and the version that Kubernetes reports of itself."""
        flags = ["-s", "-w"]
        if self.stamp_version:
            version = self.version()
            major, minor, _ = version.removeprefix("v").split(".", 2)
            stamps = {"gitVersion": version, "gitMajor": major, "gitMinor": minor}
            flags += [f"-X {_VERSION_PACKAGE}.{key}={value}" for key, value in stamps.items()]
        return " ".join(flags)

    def key(self, go_version: str) -> str:
        """Names the folder of its binaries in the cache."""
        digest = hashlib.sha256()
        for part in (go_version, platform.machine(), self.ldflags(), repr(dict(self.binaries))):
            digest.update(part.encode() + b"\0")
        for path in sorted(self.folder.glob("*")):
            digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
        return f"{self.name}-{self.version()}-{digest.hexdigest()[:12]}"

    def cached(self, go_version: str) -> Path:
        """Where its binaries are once they are built."""
        return cache_folder() / "bin" / self.key(go_version)


def _kubernetes(*names: str) -> Mapping[str, str]:
    return {name: f"k8s.io/kubernetes/cmd/{name}" for name in names}


TOOLS: Mapping[str, Tool] = {
    tool.name: tool
    for tool in (
        Tool(
            "kubernetes",
            # One build: the API server's packages are most of what the others need.
            _kubernetes(
                "kube-apiserver",
                "kube-controller-manager",
                "kube-scheduler",
                "kubelet",
                "kube-proxy",
                "kubectl",
            ),
            "k8s.io/kubernetes",
            stamp_version=True,
        ),
        Tool("etcd", {"etcd": "go.etcd.io/etcd/server/v3"}, "go.etcd.io/etcd/server/v3"),
        Tool("coredns", {"coredns": "."}, "github.com/coredns/coredns"),
        Tool("pause", {"pause": "."}),
        Tool("testserver", {"testserver": "."}),
        Tool("kind", {"kind": "sigs.k8s.io/kind"}, "sigs.k8s.io/kind"),
        Tool(
            "contour",
            {"contour": "github.com/projectcontour/contour/cmd/contour"},
            "github.com/projectcontour/contour",
        ),
    )
}

CONTROL_PLANE_TOOLS = ("kubernetes", "etcd")
CLUSTER_TOOLS = (*CONTROL_PLANE_TOOLS, "coredns", "pause")


def lookup(name: str) -> Tool:
    """The tool of that name; an error that lists the names otherwise."""
    if name not in TOOLS:
        raise ClusterError(f"no tool is named {name!r}; there are: {', '.join(TOOLS)}")
    return TOOLS[name]
