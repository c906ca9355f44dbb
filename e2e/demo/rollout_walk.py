"""The story that the rollout's demo tells: a good version, a bad one, and an outage in between.

Real requests go through the gateway all the while. Each part shows what the operator says as it
happens, the share of the answers that the canary gave at each weight, and the seconds it took; and
it fails if the end is not the one that the part is about.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.markup import escape

from e2e.demo.deploy import NAMESPACE
from e2e.demo.kubectl import CommandFailed, Kubectl
from e2e.demo.rollout_deploy import CANARY, HOST
from e2e.demo.walk import POLICY
from e2e.load.plan import Plan
from e2e.load.result import LoadResult
from e2e.load.run import LoadRun

RATE = 200.0
PATH = "/api/stock_levels"
LONGEST_SECONDS = 1200.0
ENDS = ("Succeeded", "RolledBack", "Failed")


@dataclass(frozen=True)
class Moment:
    """A change in where the rollout stands."""

    at: float
    phase: str
    step: int
    weight: int
    attribution: str
    message: str


@dataclass(frozen=True)
class Story:
    """One rollout, from the change of the canary to its end."""

    version: str
    moments: tuple[Moment, ...]
    load: LoadResult
    began: float
    ended: float

    @property
    def end(self) -> str:
        """The phase that it ended in."""
        return self.moments[-1].phase

    def attributions(self) -> set[str]:
        """Everything that it was put down to on the way."""
        return {moment.attribution for moment in self.moments}

    def spans(self) -> list[tuple[int, float, float]]:
        """Each weight that was in force, with when it began and ended."""
        found: list[tuple[int, float, float]] = []
        following = [*(moment.at for moment in self.moments[1:]), self.ended]
        for moment, until in zip(self.moments, following, strict=True):
            if found and found[-1][0] == moment.weight:
                found[-1] = (moment.weight, found[-1][1], until)
            else:
                found.append((moment.weight, moment.at, until))
        return found

    def share(self, start: float, end: float) -> float:
        """Percent of the answers in a span of time that came from this version's canary pods."""
        part = self.load.between(start, end)
        canary = part.where(lambda sample: sample.pod.startswith(CANARY))
        return 100 * len(canary) / max(len(part), 1)


class RolloutWalk:
    """Releases versions under load and tells what becomes of them."""

    def __init__(self, kubectl: Kubectl, url: str, console: Console) -> None:
        self._kubectl = kubectl
        self._url = url
        self._console = console
        self._broken = False

    def run(self) -> list[Story]:
        """The three parts in order; raises CommandFailed when one ends otherwise."""
        with LoadRun(Plan(self._url + PATH, HOST, RATE, LONGEST_SECONDS)) as load:
            self._await_traffic(load)
            return [
                self._part(load, "1. A good version", "v2", {}, "Succeeded", "None"),
                self._part(
                    load, "2. A version that fails one request in ten", "v3",
                    {"ERROR_PERCENT": "10"}, "RolledBack", "VersionFault",
                ),
                self._part(
                    load, "3. A good version, and PostgreSQL dies half-way", "v4",
                    {"ERROR_PERCENT": "0"}, "Succeeded", "DependencyFault", self._outage,
                ),
            ]  # fmt: skip

    def _await_traffic(self, load: LoadRun) -> None:
        deadline = time.monotonic() + 20
        while len(load.so_far()) < RATE:
            if time.monotonic() > deadline:
                raise CommandFailed(f"no answers through the gateway at {self._url}")
            time.sleep(0.2)

    def _part(
        self,
        load: LoadRun,
        title: str,
        version: str,
        extra: dict[str, str],
        end: str,
        attribution: str,
        meanwhile: "Callable[[Moment], None] | None" = None,
    ) -> Story:
        self._console.rule(f"[bold]{title}", align="left")
        story = self.release(load, version, extra, meanwhile)
        self._show(story)
        if story.end != end or attribution not in story.attributions():
            raise CommandFailed(
                f"{version} ended {story.end} ({', '.join(sorted(story.attributions()))}), "
                f"not {end} ({attribution})"
            )
        return story

    def release(
        self,
        load: LoadRun,
        version: str,
        extra: dict[str, str],
        meanwhile: "Callable[[Moment], None] | None" = None,
    ) -> Story:
        """Change the canary and follow its rollout to the end."""
        settings = [f"{name}={value}" for name, value in {"VERSION": version, **extra}.items()]
        command = ("set", "env", f"deployment/{CANARY}", *settings)
        self._console.print(f"[green]$[/] kubectl -n {NAMESPACE} {' '.join(command)}")
        began = time.time()
        before = self._status().get("revision", "")
        self._kubectl.run("-n", NAMESPACE, *command)
        moments: list[Moment] = []
        deadline = time.monotonic() + 420
        while True:
            status = self._status()
            if status.get("revision", "") != before or moments:
                self._note(status, moments, began, meanwhile)
            if moments and moments[-1].phase in ENDS:
                ended = time.time()
                return Story(version, tuple(moments), load.so_far(), began, ended)
            if time.monotonic() > deadline:
                raise CommandFailed(f"{version} has not come to an end: {status}")
            time.sleep(0.25)

    def _note(
        self,
        status: dict[str, Any],
        moments: list[Moment],
        began: float,
        meanwhile: "Callable[[Moment], None] | None",
    ) -> None:
        moment = Moment(
            time.time(),
            status.get("phase", "Idle"),
            status.get("step", 0),
            status.get("weight", 0),
            status.get("attribution", "None"),
            status.get("message", ""),
        )
        if moments and _same(moments[-1], moment):
            return
        moments.append(moment)
        because = "" if moment.attribution == "None" else f", {moment.attribution}"
        self._console.print(
            f"  {moment.at - began:5.1f} s  [bold]{moment.phase}[/] step {moment.step}, "
            f"{moment.weight} %{because}: {escape(moment.message)}"
        )
        if meanwhile is not None:
            meanwhile(moment)

    def _outage(self, moment: Moment) -> None:
        """Kill PostgreSQL once the canary has a quarter of the traffic; bring it back when held."""
        if moment.phase == "Progressing" and moment.weight == 25 and not self._broken:
            self._broken = True
            self._scale(0)
        elif moment.phase == "Held" and moment.attribution == "DependencyFault":
            time.sleep(5)
            self._scale(1)

    def _scale(self, replicas: int) -> None:
        command = ("scale", "deployment/postgres", f"--replicas={replicas}")
        if self._replicas("postgres") == replicas:
            return
        self._console.print(f"[green]$[/] kubectl -n {NAMESPACE} {' '.join(command)}")
        self._kubectl.run("-n", NAMESPACE, *command)

    def _replicas(self, name: str) -> int:
        return int(self._kubectl.get("-n", NAMESPACE, "deployment", name)["spec"]["replicas"])

    def _status(self) -> dict[str, Any]:
        found: dict[str, Any] = self._kubectl.get("-n", NAMESPACE, "rp", POLICY)
        status: dict[str, Any] = found.get("status", {}).get("rollout") or {}
        return status

    def _show(self, story: Story) -> None:
        for weight, start, end in story.spans():
            part = story.load.between(start, end)
            if len(part) > RATE:
                self._console.print(
                    f"    at {weight:3} %: the canary gave {story.share(start, end):.1f} % "
                    f"of {len(part)} answers"
                )
        whole = story.load.between(story.began, story.ended)
        self._console.print(
            f"  [bold]{story.end} after {story.ended - story.began:.0f} s[/]; "
            f"{whole.failures} of {len(whole)} requests failed"
        )
        self._console.print()


def _same(one: Moment, other: Moment) -> bool:
    return (one.phase, one.step, one.weight, one.attribution) == (
        other.phase,
        other.step,
        other.weight,
        other.attribution,
    )
