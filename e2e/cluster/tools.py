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


@dataclass(frozen=True)
class Stamp:
    """A Go variable that the linker sets, to (a part of) the version of a required module."""

    variable: str
    module: str
    text: str = "v{major}.{minor}.{patch}"

    def flag(self, version: str) -> str:
        """The linker's flag, with that version of the module."""
        major, minor, patch = version.removeprefix("v").split(".", 2)
        return f"-X {self.variable}={self.text.format(major=major, minor=minor, patch=patch)}"


@dataclass(frozen=True)
class Tool:
    """One module folder and the programs that one `go build` makes of it."""

    name: str
    # What each binary is built from. More than one: each is named as its package.
    binaries: Mapping[str, str]
    # The module whose version is the tool's; empty: the sources are in the folder itself.
    module: str = ""
    stamps: tuple[Stamp, ...] = ()

    @property
    def folder(self) -> Path:
        """The module folder, where go.mod and go.sum are committed."""
        return MODULES / self.name

    def version(self) -> str:
        """The required version of the module, or `local`."""
        return self.required(self.module) if self.module else "local"

    def required(self, module: str) -> str:
        """The version of a module that the tool's go.mod requires."""
        text = (self.folder / "go.mod").read_text()
        match = re.search(rf"^(?:require)?\s*{re.escape(module)} (v\S+)", text, re.MULTILINE)
        if match is None:
            raise ClusterError(f"{self.folder}/go.mod does not require {module}")
        return match[1]

    def ldflags(self) -> str:
        """No symbol tables; and what the programs report as their version."""
        return " ".join(["-s", "-w", *(one.flag(self.required(one.module)) for one in self.stamps)])

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


_KUBERNETES_STAMPS = (
    Stamp("k8s.io/component-base/version.gitVersion", "k8s.io/kubernetes"),
    Stamp("k8s.io/component-base/version.gitMajor", "k8s.io/kubernetes", "{major}"),
    Stamp("k8s.io/component-base/version.gitMinor", "k8s.io/kubernetes", "{minor}"),
)
# Besides its own version, the Kubernetes that helm takes for granted when it asks no API server.
_HELM_STAMPS = (
    Stamp("helm.sh/helm/v3/internal/version.version", "helm.sh/helm/v3"),
    *(
        Stamp(f"helm.sh/helm/v3/pkg/{package}.k8sVersion{part}", "k8s.io/client-go", text)
        for package in ("lint/rules", "chartutil")
        for part, text in (("Major", "1"), ("Minor", "{minor}"))
    ),
)

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
            stamps=_KUBERNETES_STAMPS,
        ),
        Tool("etcd", {"etcd": "go.etcd.io/etcd/server/v3"}, "go.etcd.io/etcd/server/v3"),
        Tool("coredns", {"coredns": "."}, "github.com/coredns/coredns"),
        Tool("pause", {"pause": "."}),
        Tool("testserver", {"testserver": "."}),
        Tool(
            "actionlint",
            {"actionlint": "github.com/rhysd/actionlint/cmd/actionlint"},
            "github.com/rhysd/actionlint",
        ),
        Tool("kind", {"kind": "sigs.k8s.io/kind"}, "sigs.k8s.io/kind"),
        Tool(
            "contour",
            {"contour": "github.com/projectcontour/contour/cmd/contour"},
            "github.com/projectcontour/contour",
        ),
        Tool(
            "helm",
            {"helm": "helm.sh/helm/v3/cmd/helm"},
            "helm.sh/helm/v3",
            stamps=_HELM_STAMPS,
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
