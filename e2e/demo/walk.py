"""The story that the demo tells: break Redis, break PostgreSQL too, bring both back.

Each step shows what `kubectl get` says, which features changed and what the pods answer, with the
seconds it took, and fails if that is not what the arithmetic says.
"""

import time
from dataclasses import dataclass
from datetime import datetime

from rich.console import Console
from rich.markup import escape

from e2e.demo.deploy import NAMESPACE
from e2e.demo.kubectl import CommandFailed, Kubectl
from e2e.demo.watch import FlagsWatch, PodAnswer, ask_pods, wait_for_health, wait_for_level

POLICY = "inventario"
CONFIG_MAP = "inventario-flags"
SELECTOR = "app.kubernetes.io/name=dashboard"
PODS = 2

PROPAGATION_LIMIT_SECONDS = 1.0
HEALTH_SECONDS = 90
"""The level may be reached while a probe that failed is still in the window: a server that was
just started, say. Within so long it has left it."""


@dataclass(frozen=True)
class Step:
    """One thing done to the cluster and the level it must lead to."""

    title: str
    scale: tuple[tuple[str, int], ...]
    level: str
    health: int
    within_seconds: int


WALK = (
    Step("Everything is healthy", (), "OPTIMAL", 100, 60),
    Step("Redis is killed", (("redis", 0),), "DEGRADED", 85, 60),
    Step("PostgreSQL is killed too", (("postgres", 0),), "LIMITED", 55, 60),
    Step("Both come back", (("redis", 1), ("postgres", 1)), "OPTIMAL", 100, 180),
)


@dataclass(frozen=True)
class Measured:
    """What a step took: to the level, to the flags, and from the flags to the last pod."""

    step: Step
    level_seconds: float
    propagation_seconds: float


class Walk:
    """Runs the steps and shows them."""

    def __init__(self, kubectl: Kubectl, console: Console) -> None:
        self._kubectl = kubectl
        self._console = console
        self._watch = FlagsWatch(kubectl, NAMESPACE, CONFIG_MAP)
        self._features: dict[str, str] = {}

    def run(self) -> list[Measured]:
        """All steps in order; raises CommandFailed when one does not hold."""
        self._await_config_map()
        self._watch.start()
        try:
            return [self._step(number, step) for number, step in enumerate(WALK, 1)]
        finally:
            self._watch.stop()

    def _await_config_map(self) -> None:
        wait_for_level(self._kubectl, NAMESPACE, POLICY, "OPTIMAL", 90)
        self._kubectl.run("-n", NAMESPACE, "get", "configmap", CONFIG_MAP)

    def _step(self, number: int, step: Step) -> Measured:
        self._console.rule(f"[bold]{number}. {step.title}", align="left")
        began = time.time()
        for deployment, replicas in step.scale:
            command = ("scale", f"deployment/{deployment}", f"--replicas={replicas}")
            self._command(*command)
            self._kubectl.run("-n", NAMESPACE, *command)
        wait_for_level(self._kubectl, NAMESPACE, POLICY, step.level, step.within_seconds)
        level_seconds = time.time() - began
        answers = self._await_pods(step)
        arrived = self._watch.arrival(step.level, began) if step.scale else None
        propagation = max((a.read_at for a in answers), default=0) - arrived if arrived else 0.0
        wait_for_health(self._kubectl, NAMESPACE, POLICY, step.health, HEALTH_SECONDS)
        self._show(step, answers, began, level_seconds, propagation if arrived else None)
        self._check(step, propagation)
        return Measured(step, level_seconds, propagation)

    def _await_pods(self, step: Step) -> list[PodAnswer]:
        deadline = time.monotonic() + 15
        while True:
            answers = ask_pods(self._kubectl, NAMESPACE, SELECTOR)
            if len(answers) == PODS and all(a.level == step.level for a in answers):
                return answers
            if time.monotonic() > deadline:
                said = ", ".join(f"{a.pod}: {a.level or 'no level'}" for a in answers)
                raise CommandFailed(f"the pods do not answer {step.level}: {said or 'none ready'}")
            time.sleep(0.1)

    def _check(self, step: Step, propagation: float) -> None:
        health = self._kubectl.get("-n", NAMESPACE, "dl", POLICY)["status"]["health"]
        if health != step.health:
            raise CommandFailed(f"{step.title}: health is {health}, not {step.health}")
        if propagation > PROPAGATION_LIMIT_SECONDS:
            raise CommandFailed(f"the pods saw the flags only after {propagation:.2f} s")

    def _path(self, began: float) -> list[str]:
        """The transitions since then, with the seconds after which each took force."""
        status = self._kubectl.get("-n", NAMESPACE, "dl", POLICY)["status"]
        since = [
            (t["to"], datetime.fromisoformat(t["at"]).timestamp()) for t in status["transitions"]
        ]
        return [f"{_coloured(to)} after {at - began:.0f} s" for to, at in since if at >= began]

    def _show(
        self,
        step: Step,
        answers: list[PodAnswer],
        began: float,
        seconds: float,
        propagation: float | None,
    ) -> None:
        self._command("get", "rp,dl")
        self._console.print(
            escape(self._kubectl.run("-n", NAMESPACE, "get", "rp,dl").rstrip()), highlight=False
        )
        features = answers[0].features
        if self._features:
            self._show_changes(features)
        self._features = features
        for answer in answers:
            on = sum(state == "on" for state in answer.features.values())
            self._console.print(
                f"  pod {answer.pod}: {_coloured(answer.level)}, "
                f"{on} of {len(answer.features)} features fully on"
            )
        took = f"[bold]{step.level} after {seconds:.1f} s[/]" if step.scale else ""
        seen = (
            f"; every pod answers by the new flags [bold]{max(propagation, 0):.2f} s[/] "
            "after the ConfigMap changed, none restarted"
            if propagation is not None
            else ""
        )
        if took:
            self._console.print(f"  {took}{seen}")
        if len(path := self._path(began)) > 1:
            self._console.print(f"  step by step: {', '.join(path)}")
        self._console.print()

    def _show_changes(self, features: dict[str, str]) -> None:
        changed = [
            f"{name}: {self._features.get(name)} → [bold]{state}[/]"
            for name, state in features.items()
            if self._features.get(name) != state
        ]
        self._console.print(f"  [dim]{len(changed)} of {len(features)} features changed[/]")
        for line in changed:
            self._console.print(f"    {line}", highlight=False)

    def _command(self, *arguments: str) -> None:
        self._console.print(
            f"[green]$[/] kubectl -n {NAMESPACE} {' '.join(arguments)}", highlight=False
        )


_COLOURS = {
    "OPTIMAL": "green",
    "DEGRADED": "yellow",
    "LIMITED": "dark_orange",
    "MINIMAL": "red",
    "EMERGENCY": "bold red",
}


def _coloured(level: str) -> str:
    return f"[{_COLOURS.get(level, 'white')}]{level}[/]"
