"""The commands of the pages, given as they stand there, on the demo's cluster.

Pages whose commands are run elsewhere are in `e2e.docs.pages.ELSEWHERE`; a block that cannot be run
has a mark that says why. `POLICY` and `NAMESPACE` are those of `e2e.docs.shop`. What make does is
what CI is made of, and not done again here.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.demo.helm import OPERATOR_NAMESPACE
from e2e.demo.kubectl import Kubectl
from e2e.docs.pages import ELSEWHERE, Page, pages
from e2e.docs.shell import typed
from e2e.docs.shop import NAME, NAMESPACE, Shop

pytestmark = pytest.mark.timeout(900)

PLACEHOLDERS = {
    "NAMESPACE": NAMESPACE,
    "POLICY": NAME,
    "HOST": "kubernetes.default.svc",
    "PORT": "443",
}
NOT_HERE = ("make ", ".venv/bin/python -m ", "eval ", "python -m ")
WATCH_SECONDS = 4
MODE = (
    "kubectl -n NAMESPACE patch resiliencepolicy POLICY --type merge"
    """ --patch '{{"spec":{{"mode":"{}"}}}}'"""
)
READS = re.compile(
    r"kubectl (-n \S+ |--namespace \S+ )?(get|describe|explain|auth) |kubectl resilience status "
)


def commands(page: Page) -> list[str]:
    """What is to be run of a page."""
    lines = [line for block in page.of("sh") if not block.mark for line in typed(block)]
    return [line for line in lines if not line.startswith(NOT_HERE)]


PAGES = [page for page in pages() if page.name not in ELSEWHERE and commands(page)]


class Shell:
    """Runs the commands of the pages, each in bash, and the same look only once."""

    def __init__(self, shop: Shop, folder: Path) -> None:
        self._shop = shop
        self._folder = folder
        self._looked: set[str] = set()
        programs = str(Path(sys.executable).parent)
        environment = shop.kubectl.environment
        self._environment = {
            **environment,
            "PATH": os.pathsep.join([programs, environment["PATH"]]),
            # Who edits the flags by hand turns one off.
            "KUBE_EDITOR": "sed -i -E 's/(CHECKOUT: ).*/\\1edited/'",
        }

    def run(self, line: str) -> None:
        """Run a line; AssertionError with what it said if it does not end well."""
        command = re.sub(r"\b[A-Z]{4,}\b", lambda m: PLACEHOLDERS.get(m[0], m[0]), line)
        if command in self._looked:
            return
        if verb := re.search(r"rollout[= ](pause|resume|promote|abort|retry)\b", command):
            self._shop.prepare(verb[1])
        self._give(command)
        if "deployment/resilience-operator" in command and "exec" not in command:
            self._wait_for_the_operator()
        if READS.match(command) and "--watch" not in command:
            self._looked.add(command)

    def _give(self, command: str) -> None:
        # Of a pipe the first command has to succeed: there need not be anything for grep to find.
        script = f"{command}\nexit ${{PIPESTATUS[0]}}"
        watching = "--watch" in command
        done = subprocess.run(
            ["timeout", str(WATCH_SECONDS if watching else 200), "bash", "-c", script],
            env=self._environment,
            cwd=self._folder,
            capture_output=True,
            text=True,
            check=False,
        )
        ended = (0, 124) if watching else (0,)
        assert done.returncode in ended, f"{command}\n{done.stdout}{done.stderr}"
        assert not watching or done.stdout, f"{command}: nothing was shown"

    def _wait_for_the_operator(self) -> None:
        """Until its pods are as many as are wanted, all of the present template."""
        name = "deployment/resilience-operator"
        self._shop.kubectl.run("-n", OPERATOR_NAMESPACE, "rollout", "status", name)


@pytest.fixture(scope="module")
def shop(demo: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """The namespace that the pages speak of."""
    made = Shop(demo)
    made.open(tmp_path_factory.mktemp("shop"))
    yield made
    demo.run("-n", NAMESPACE, "delete", "resiliencepolicy", NAME, "--timeout=90s")
    demo.run("delete", "namespace", NAMESPACE, "--timeout=90s")


@pytest.fixture(scope="module")
def shell(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    return Shell(shop, tmp_path_factory.mktemp("shell"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_commands_of_a_page(page: Page, shop: Shop, shell: Shell) -> None:
    if any("resilience rollout status" in line for line in commands(page)):
        shop.prepare("pause")
    for line in commands(page):
        shell.run(line)


def test_an_edit_by_hand_lasts_while_the_mode_is_observe(shop: Shop, shell: Shell) -> None:
    """As the incident playbook says: the flags are a person's until they are given back."""
    shell.run(MODE.format("Observe"))
    shop.until("it observes", lambda: "Observing" in str(shop.policy["status"]["conditions"]))
    shell.run("kubectl -n NAMESPACE edit configmap POLICY-flags")
    override = "--level MINIMAL --for 5m --reason test"
    shell.run(f"kubectl resilience level override POLICY -n NAMESPACE {override}")
    shop.until("the level is forced", lambda: shop.policy["status"]["level"] == "MINIMAL")
    assert shop.flags["CHECKOUT"] == "edited"

    shell.run("kubectl resilience level release POLICY -n NAMESPACE")
    shop.until("the level is released", lambda: shop.policy["status"]["level"] == "OPTIMAL")
    assert shop.flags["CHECKOUT"] == "edited"
    shell.run(MODE.format("Enforce"))

    shop.until("the operator's own are back", lambda: shop.flags["CHECKOUT"] == "on")
