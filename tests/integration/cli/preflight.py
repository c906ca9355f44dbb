"""A shop in which everything is right, and what preflight says of it."""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any

from click.testing import CliRunner, Result

from resilience_operator.cli import session as sessions
from resilience_operator.cli.app import cli
from resilience_operator.cli.session import Session, Target
from resilience_operator.core.errors import TerminalError
from resilience_operator.kube.client import Object
from resilience_operator.kube.inquiries import Inquiries
from tests.integration.operator.harness import environment, wait_until
from tests.integration.operator.policies import FLAGS, dependency, policy
from tests.integration.operator.stage import ACCOUNT
from tests.integration.rollouts.shop import CANARY, STABLE, Shop

OPERATOR = "resilience-operator"
PART_OF = {"app.kubernetes.io/part-of": OPERATOR}
VOLUME = {"name": "flags", "configMap": {"name": FLAGS, "optional": True}}
MOUNT = {"name": "flags", "mountPath": "/etc/flags"}


@dataclass(frozen=True)
class Said:
    """One check as programs get it."""

    result: str
    finding: str
    remedy: str


@dataclass(frozen=True)
class _Clock:
    """One that may be wrong; a Lease moves sooner here than in a cluster."""

    now: Callable[[], float]

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(min(seconds, 1.0))


class Stand:
    """The shop of a rollout, with an operator that is installed, as far as the cluster tells."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.stage = shop.stage
        self.namespace = shop.namespace
        self.settings: dict[str, str] = {}

    def furnish(self) -> None:
        """Both arms, their Services, the route; the Deployment that stands for the operator."""
        for name in (STABLE, CANARY):
            self.deploy(name)
            self.shop.serve(name)
        self.shop.route()
        self.install()

    def deploy(self, name: str, **pod: Any) -> None:
        """A Deployment whose pods mount the flags, unless `pod` says otherwise."""
        labels = {"app": name}
        container = {"name": "app", "image": "shop:1", "volumeMounts": [MOUNT]}
        spec = {"containers": [container], "volumes": [VOLUME], **pod}
        template = {"metadata": {"labels": labels}, "spec": spec}
        body = {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name},
            "spec": {"replicas": 2, "selector": {"matchLabels": labels}, "template": template},
        }
        self.shop.apply(f"apps/v1/deployments/{name}", body)

    def install(self, name: str = OPERATOR, **env: str) -> None:
        """The Deployment of an operator: there are no nodes, so the test runs its replica."""
        env = {"RESILIENCE_WATCH_NAMESPACES": self.namespace, **env}
        container = {
            "name": "operator",
            "image": "operator:dev",
            "env": [{"name": key, "value": value} for key, value in env.items()],
        }
        spec = {"serviceAccountName": ACCOUNT, "containers": [container]}
        template = {"metadata": {"labels": {"app": name}}, "spec": spec}
        labels = {**PART_OF, "app.kubernetes.io/version": version("resilience-operator")}
        body = {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name, "labels": labels},
            "spec": {
                "replicas": 2,
                "selector": {"matchLabels": {"app": name}},
                "template": template,
            },
        }
        self.shop.apply(f"apps/v1/deployments/{name}", body)

    def start(self) -> None:
        """The operator's one replica, as the pod of that name."""
        self.shop.start("one", **self.settings)

    def policy(self, **more: Any) -> Object:
        """The policy as it is right."""
        dependencies = (
            dependency("openai", 50, self.shop.openai),
            dependency("postgres", 50, self.shop.postgres),
        )
        given = {"targets": [{"name": STABLE}], "rollout": self.shop.spec(), **more}
        return policy(*given.pop("dependencies", dependencies), **given)

    def settle(self, **more: Any) -> None:
        """Apply the policy and wait until every dependency is known."""
        self.stage.apply(self.policy(**more))
        wait_until(
            lambda: all(
                each["state"] != "Unknown" or "failureReason" in each
                for each in self.dependencies()
            ),
            "every dependency is known",
        )

    def until_level(self, wanted: str) -> None:
        """Wait until that level is in force and written."""
        self.stage.wait_for_level(wanted)
        self.stage.wait_for_condition("Ready", "True")

    def dependencies(self) -> list[Object]:
        """What the status says of them; one that says nothing while there is none."""
        status = self.stage.policy().get("status", {})
        found: list[Object] = status.get("dependencies") or [{"state": "Unknown"}]
        return found

    # -- looking

    def run(
        self,
        *words: str,
        kubeconfig: str = "",
        inside: bool = True,
        now: Callable[[], float] = time.time,
    ) -> Result:
        """The command line; `inside`: as if the operator's pod could be asked."""
        self._now = now
        place = kubeconfig or str(self.stage.control_plane.kubeconfig)
        target = Target(opener=self._opener) if inside else None
        arguments = ["preflight", *words, "--kubeconfig", place, "-n", self.namespace]
        if "--operator-namespace" not in words:
            arguments += ["--operator-namespace", self.namespace]
        result = CliRunner().invoke(cli, arguments, obj=target)
        assert result.exception is None or isinstance(result.exception, SystemExit), result
        return result

    def checks(self, *words: str, **how: Any) -> dict[str, Said]:
        """Every check by its name; the exit code agrees with them."""
        result = self.run(*words, "-o", "json", **how)
        found = {
            each["check"]: Said(each["result"], each["finding"], each["remedy"])
            for each in json.loads(result.stdout)["checks"]
        }
        failed = any(said.result == "fail" for said in found.values())
        assert result.exit_code == (1 if failed else 0), result.output
        for name, said in found.items():
            assert (said.remedy == "") == (said.result == "pass"), (name, said)
        return found

    @asynccontextmanager
    async def _opener(self, target: Target) -> AsyncIterator[Session]:
        async with sessions.connected(target) as real:
            inquiries = real.inquiries
            assert isinstance(inquiries, Inquiries)
            inquiries.execute = self._execute  # type: ignore[method-assign]
            yield replace(real, clock=_Clock(self._now))

    async def _execute(
        self,
        namespace: str,
        pod: str,
        container: str,
        command: tuple[str, ...],
        text: str,
        seconds: float,
    ) -> str:
        """What a pod would run, with the operator's identity and settings, as a process here."""
        assert (namespace, pod, container) == (self.namespace, "one", "operator")
        settings = {
            "kubeconfig": self.stage.kubeconfig,
            "guard_allow": "127.0.0.1",
            **self.settings,
        }
        pipe = asyncio.subprocess.PIPE
        program = await asyncio.create_subprocess_exec(
            sys.executable,
            *command[1:],
            env=environment(settings),
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
        )
        async with asyncio.timeout(seconds):
            out, errors = await program.communicate(text.encode())
        if program.returncode != 0:
            raise TerminalError(errors.decode())
        return out.decode()
