"""Brings an export back into a cluster, in an order in which nothing goes wrong on the way.

Flags come before the pods that read them, policies after the dependencies that they watch: until
an operator has a level of its own making, flags stay as they were exported.
"""

import json
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from e2e.demo.kubectl import CommandFailed, Kubectl
from e2e.drill import exporting, objects, standing
from e2e.drill.exporting import Export
from e2e.drill.flags import FlagsFollower
from e2e.drill.objects import GROUP, Body
from e2e.drill.standing import Comparison

_FLAGS_LABEL = f"{GROUP}/managed-by"
_POLL_SECONDS = 0.5


@dataclass
class Restored:
    """How it went: seconds of each part, what differs, and features that were wrong on the way."""

    seconds: dict[str, float] = field(default_factory=dict)
    comparisons: list[Comparison] = field(default_factory=list)
    not_right: list[str] = field(default_factory=list)
    flips: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether every level is right, and no flag was ever wrong."""
        return not self.not_right and not self.flips

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Time a part of it, for as long as it takes."""
        began = time.monotonic()
        print(f"• {name}", flush=True)
        try:
            yield
        finally:
            self.seconds[name] = time.monotonic() - began
            print(f"  {self.seconds[name]:.1f} s", flush=True)


@dataclass(frozen=True)
class Restoration:
    """What is to be done: `install` brings the operator, `manifests` are of whoever restores."""

    kubectl: Kubectl
    export: Export
    install: Callable[[], None]
    manifests: Sequence[Path] = ()
    patience_seconds: float = 600.0

    def run(self, done: Restored) -> None:
        """Do it, and write down how it went."""
        with done.part("namespaces"):
            self._create(self.export.objects(objects.NAMESPACES))
        with done.part("operator installed"):
            self.install()
        with done.part("Secrets and other manifests of your own"):
            for path in self.manifests:
                self.kubectl.run("apply", "--server-side", "-f", str(path.resolve()))
        self._warn(done)
        with done.part("objects applied"):
            bodies = self.export.objects(objects.OTHERS)
            objects.before_the_rollout(bodies, standing.rollouts(self.export.policies))
            self._create(bodies)
        with done.part("workloads available"):
            self._await_workloads(bodies, done)
        followers = [self._follower(each) for each in bodies if _is_flags(each)]
        for follower in followers:
            follower.start()
        try:
            with done.part("policies applied"):
                self._create(self.export.objects(objects.LEVELS))
                self._create(self.export.objects(objects.POLICIES))
                self._own_levels()
            self._await_levels(done)
        finally:
            for follower in followers:
                follower.stop()
        for follower in followers:
            done.flips += follower.flips(self.export.standing.get(follower.subject, {}))
        after = exporting.now(self.kubectl)
        done.not_right = standing.right(self.export.standing, after)
        done.comparisons = standing.compared(self.export.standing, after)

    def _create(self, bodies: Sequence[Body]) -> None:
        """Create what is not there yet.

        Not by `apply`: its record in the objects would make them look like ones that somebody
        declares, and the operator leaves flags alone that somebody else declares.
        """
        if not bodies:
            return
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "objects.json"
            path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": list(bodies)}))
            try:
                self.kubectl.run("create", "-f", str(path), timeout=300)
            except CommandFailed as failure:
                others = [
                    line
                    for line in str(failure).splitlines()
                    if line.strip() and "AlreadyExists" not in line
                ]
                if others:
                    raise

    def _warn(self, done: Restored) -> None:
        """Of what is not in an export, and of what has been forgotten."""
        for part in objects.PARTS:
            for body in self.export.objects(part):
                namespace = body["metadata"].get("namespace", "")
                for secret in sorted(set(objects.secrets_of(body))):
                    if not self._there(namespace, secret):
                        done.warnings.append(f"There is no Secret {secret} in {namespace}.")
        done.warnings = sorted(set(done.warnings))
        for policy in standing.ended_badly(self.export.policies):
            done.warnings.append(
                f"The canary of {policy} is a version that was rolled back, which nobody knows any "
                "more: it begins again unless its Deployment gets another."
            )

    def _there(self, namespace: str, secret: str) -> bool:
        words = ("-n", namespace, "get", "secret", secret, "--ignore-not-found", "-o", "name")
        return bool(self.kubectl.run(*words).strip())

    def _await_workloads(self, bodies: Sequence[Body], done: Restored) -> None:
        """Until the pods are there: a policy would otherwise see its dependencies down."""
        deadline = time.monotonic() + self.patience_seconds
        for body in bodies:
            if body["kind"] not in ("Deployment", "StatefulSet"):
                continue
            namespace = body["metadata"]["namespace"]
            name = f"{body['kind'].lower()}/{body['metadata']['name']}"
            left = max(1.0, deadline - time.monotonic())
            words = ("-n", namespace, "rollout", "status", name, f"--timeout={left:.0f}s")
            try:
                self.kubectl.run(*words, timeout=left + 10)
            except CommandFailed:
                done.warnings.append(f"{name} in {namespace} is not available yet.")

    def _follower(self, body: Body) -> FlagsFollower:
        metadata = body["metadata"]
        return FlagsFollower(self.kubectl, metadata["namespace"], metadata["name"])

    def _own_levels(self) -> None:
        """Levels that the operator had made are its policy's again, and go when that goes."""
        for level, policy in self.export.owners.items():
            namespace, _, name = level.partition("/")
            owner = self.kubectl.get("-n", namespace, f"resiliencepolicies.{GROUP}", policy)
            reference = {
                "apiVersion": owner["apiVersion"],
                "kind": owner["kind"],
                "name": policy,
                "uid": owner["metadata"]["uid"],
                "controller": True,
                "blockOwnerDeletion": True,
            }
            patch = json.dumps({"metadata": {"ownerReferences": [reference]}})
            self.kubectl.run(
                "-n", namespace, "patch", f"degradationlevels.{GROUP}", name, "--type=merge",
                "--patch", patch,
            )  # fmt: skip

    def _await_levels(self, done: Restored) -> None:
        with done.part("first level"):
            self._until(lambda: any(_decided(exporting.now(self.kubectl))))
        with done.part("every level right"):
            self._until(
                lambda: not standing.right(self.export.standing, exporting.now(self.kubectl))
            )

    def _until(self, holds: Callable[[], bool]) -> None:
        """Wait for it, and go on without it when patience ends: the comparison tells."""
        deadline = time.monotonic() + self.patience_seconds
        while not holds() and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)


def _decided(found: standing.Standing) -> Iterator[bool]:
    return (
        facts.get("level") is not None
        for subject, facts in found.items()
        if subject[:6] == "level "
    )


def _is_flags(body: Body) -> bool:
    return body["kind"] == "ConfigMap" and bool(
        (body["metadata"].get("labels") or {}).get(_FLAGS_LABEL)
    )
