"""Puts the demo on its cluster: images, operator, the retail application and its servers."""

import subprocess
import sys
import time
from collections.abc import Callable

from e2e.demo.kubectl import ROOT, CommandFailed, Kubectl, cluster_environment

NAMESPACE = "retail"
OPERATOR_NAMESPACE = "resilience-system"
IMAGES = ("operator", "inventario", "demo-servers")
DEPLOYMENTS = ("postgres", "redis", "s3", "openai", "dashboard")

Say = Callable[[str], None]


def deploy(name: str, provider: str, say: Say) -> Kubectl:
    """Everything up to, and not including, the policy. Safe to run again."""
    step = _Steps(say)
    step("images: operator, application, PostgreSQL, Redis, S3 and OpenAI stand-ins")
    archives = _module("e2e.images", "build", "all", capture=True).strip().splitlines()
    paths = [line.split("\t")[0] for line in archives[-len(IMAGES) :]]
    step("cluster")
    _module("e2e.cluster", "up", "--provider", provider, "--name", name)
    step("images into the cluster")
    _module("e2e.cluster", "load", *paths, "--name", name)
    kubectl = Kubectl(cluster_environment(name))
    step("operator: kubectl apply -k manifests/base")
    _apply(kubectl, "-k", "manifests/base")
    kubectl.run("wait", "--for=condition=Established", "crd", "--timeout=60s", *_crds())
    step("application and its servers: kubectl apply -k manifests/demo")
    _apply(kubectl, "-k", "manifests/demo")
    step("waiting until every pod is ready")
    _wait_available(kubectl, OPERATOR_NAMESPACE, ("resilience-operator",))
    _wait_available(kubectl, NAMESPACE, DEPLOYMENTS)
    step.done()
    return kubectl


def apply_policy(kubectl: Kubectl) -> None:
    """The one command that a user of the installed operator gives."""
    _apply(kubectl, "-f", "manifests/demo/policy.yaml")


def remove(name: str) -> None:
    """The cluster and everything on it."""
    _module("e2e.cluster", "down", "--name", name)


def _crds() -> list[str]:
    group = "resilience.aidrive.dev"
    return [f"resiliencepolicies.{group}", f"degradationlevels.{group}"]


def _apply(kubectl: Kubectl, flag: str, path: str) -> None:
    # Server-side, and again while the API server does not yet serve a kind just defined.
    deadline = time.monotonic() + 30
    while True:
        try:
            kubectl.run("apply", "--server-side", "--force-conflicts", flag, str(ROOT / path))
            return
        except CommandFailed as failure:
            if "no matches for kind" not in str(failure) or time.monotonic() > deadline:
                raise
            time.sleep(0.5)


def _wait_available(kubectl: Kubectl, namespace: str, names: tuple[str, ...]) -> None:
    for name in names:
        kubectl.run(
            "-n", namespace, "rollout", "status", f"deployment/{name}", "--timeout=180s",
            timeout=200,
        )  # fmt: skip


def _module(module: str, *arguments: str, capture: bool = False) -> str:
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


class _Steps:
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
        if self._open:
            self._say(f"  {time.monotonic() - self._began:.0f} s")
        self._open = False
