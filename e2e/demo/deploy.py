"""Puts the demo on its cluster: images, operator, the retail application and its servers."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from e2e.demo import helm
from e2e.demo.helm import CHART, OPERATOR_NAMESPACE, RELEASE, Helm
from e2e.demo.kubectl import ROOT, CommandFailed, Kubectl, cluster_environment

NAMESPACE = "retail"
VALUES = "manifests/demo/operator-values.yaml"
DEPLOYMENTS = ("postgres", "redis", "s3", "openai", "dashboard")
# The Deployments of each image, by its name in e2e.images. The operator's is the chart's.
IMAGES = {
    "inventario": ("dashboard",),
    "demo-servers": ("postgres", "redis", "s3", "openai"),
}
ARCHIVE_ANNOTATION = "demo.resilience.aidrive.dev/image-archive"

Say = Callable[[str], None]


def deploy(name: str, provider: str, say: Say) -> Kubectl:
    """Everything up to, and not including, the policy. Safe to run again."""
    step = Steps(say)
    kubectl, paths = build_cluster(name, provider, step)
    step("application and its servers: kubectl apply -k manifests/demo")
    apply(kubectl, "-k", "manifests/demo")
    step(f"operator: helm upgrade --install {RELEASE} {CHART} --values {VALUES}")
    install_operator(kubectl, paths["operator"].name)
    step("waiting until every pod is ready")
    _renew(kubectl, paths)
    wait_available(kubectl, OPERATOR_NAMESPACE, (RELEASE,))
    wait_available(kubectl, NAMESPACE, DEPLOYMENTS)
    step.done()
    return kubectl


def build_cluster(name: str, provider: str, step: "Steps") -> tuple[Kubectl, dict[str, Path]]:
    """A cluster that has the images, and nothing else; the archives by image name."""
    step("images: operator, application, PostgreSQL, Redis, S3 and OpenAI stand-ins")
    paths = _archives(run_module("e2e.images", "build", "all", capture=True))
    step("cluster")
    run_module("e2e.cluster", "up", "--provider", provider, "--name", name)
    helm.ensure()
    step("images into the cluster")
    run_module("e2e.cluster", "load", *map(str, paths.values()), "--name", name)
    return Kubectl(cluster_environment(name)), paths


def install_operator(kubectl: Kubectl, archive: str) -> None:
    """The chart, in a namespace of the restricted level; its pods anew if their image is."""
    apply(kubectl, "-f", "manifests/base/namespace.yaml")
    mark = json.dumps({ARCHIVE_ANNOTATION: archive})
    options = ("--values", VALUES, "--set-json", f"podAnnotations={mark}")
    Helm(kubectl.environment).install(*options)
    kubectl.run("wait", "--for=condition=Established", "crd", "--timeout=60s", *_crds())


def apply_policy(kubectl: Kubectl) -> None:
    """The one command that a user of the installed operator gives."""
    apply(kubectl, "-f", "manifests/demo/policy.yaml")


def remove(name: str) -> None:
    """The cluster and everything on it."""
    run_module("e2e.cluster", "down", "--name", name)


def _archives(output: str) -> dict[str, Path]:
    """Archive by image name, from the last lines of `python -m e2e.images build all`."""
    lines = [line.split("\t") for line in output.strip().splitlines() if "\t" in line]
    return {tag.rsplit("/", 1)[-1].split(":")[0]: Path(path) for path, tag in lines}


def _renew(kubectl: Kubectl, archives: dict[str, Path]) -> None:
    """Restart what runs an image that has been built anew: its tag is the same as before."""
    for image, deployments in IMAGES.items():
        for name in deployments:
            found = kubectl.get("-n", NAMESPACE, "deployment", name)
            last = found["metadata"].get("annotations", {}).get(ARCHIVE_ANNOTATION)
            if last == archives[image].name:
                continue
            mark = f"{ARCHIVE_ANNOTATION}={archives[image].name}"
            kubectl.run("-n", NAMESPACE, "annotate", "--overwrite", f"deployment/{name}", mark)
            if last is not None:
                kubectl.run("-n", NAMESPACE, "rollout", "restart", f"deployment/{name}")


def _crds() -> list[str]:
    group = "resilience.aidrive.dev"
    return [f"resiliencepolicies.{group}", f"degradationlevels.{group}"]


def apply(kubectl: Kubectl, flag: str, path: str) -> None:
    """Apply server-side, again while the API server does not yet serve a kind just defined."""
    deadline = time.monotonic() + 30
    while True:
        try:
            kubectl.run("apply", "--server-side", "--force-conflicts", flag, str(ROOT / path))
            return
        except CommandFailed as failure:
            if "no matches for kind" not in str(failure) or time.monotonic() > deadline:
                raise
            time.sleep(0.5)


def wait_available(kubectl: Kubectl, namespace: str, names: tuple[str, ...]) -> None:
    """Wait until every pod of these Deployments is there."""
    for name in names:
        kubectl.run(
            "-n", namespace, "rollout", "status", f"deployment/{name}", "--timeout=180s",
            timeout=200,
        )  # fmt: skip


def run_module(module: str, *arguments: str, capture: bool = False) -> str:
    """Another command of this repository; its progress goes to the user as it comes."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE if capture else None,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise CommandFailed(f"python -m {module} {' '.join(arguments)} failed, see above")
    return done.stdout or ""


class Steps:
    """Says what is being done, and how long the one before took."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._began = time.monotonic()
        self._open = False

    def __call__(self, what: str) -> None:
        self.done()
        self._open, self._began = True, time.monotonic()
        self._say(f"• {what}")

    def done(self) -> None:
        """The last step is over."""
        if self._open:
            self._say(f"  {time.monotonic() - self._began:.0f} s")
        self._open = False
