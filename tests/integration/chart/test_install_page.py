"""docs/install.md, then docs/upgrading.md, word for word, on an API server of their own.

What needs a node of them is done by `e2e/test_chart.py`.
"""

import os
import re
import subprocess
from pathlib import Path

import yaml

from e2e.cluster import build
from e2e.cluster.controlplane import ControlPlane
from tests.integration.chart.helm import ROOT
from tests.integration.custom_resources import Api, install, objects
from tests.integration.operator.harness import Dependency, OperatorProcess, wait_until

PAGES = [(ROOT / "docs" / name).read_text() for name in ("install.md", "upgrading.md")]
PAGE = PAGES[0]
# Builds an image or a cluster, which `make demo` and the end-to-end tests do.
ELSEWHERE = ("make ", ".venv/bin/python -m e2e.cluster", "eval ")
NEEDS_A_NODE = "<!-- needs a node -->\n"


def commands() -> list[str]:
    """The commands that need no node, in order."""
    found = [
        block for page in PAGES for block in re.findall(r"(?m)(^.*\n)```sh\n((?:.*\n)*?)```", page)
    ]
    scripts = [script for before, script in found if before != NEEDS_A_NODE]
    joined = "\n".join(scripts).replace("\\\n", " ").splitlines()
    return [line for line in joined if line and not line.startswith(ELSEWHERE)]


def policy() -> str:
    (text,) = re.findall(r"```yaml\n(# first\.yaml\n.*?)```", PAGE, re.DOTALL)
    return str(text)


def test_every_command_does_what_it_should(
    helm_command: str, empty_cluster: ControlPlane, tmp_path: Path
) -> None:
    kubectl = build.find(["kubernetes"])["kubectl"]
    folders = [str(Path(one).parent) for one in (helm_command, kubectl)]
    environment = {
        "PATH": os.pathsep.join([*folders, os.environ["PATH"]]),
        "HOME": str(tmp_path),
        "KUBECONFIG": str(empty_cluster.kubeconfig),
    }
    for folder in ("charts", "crds"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    (tmp_path / "first.yaml").write_text(policy())
    listed = commands()
    assert len(listed) >= 15
    served = "kubectl wait --for=condition=Established --timeout=30s crd --all"
    for command in listed:
        retry = command.startswith("kubectl apply")  # the kinds may not be served yet
        script = f"{served} && sleep 2 && {command}" if retry else command
        done = subprocess.run(
            ["bash", "-c", script],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=90,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"


def test_the_first_policy_gives_the_level_that_the_page_promises(
    empty_cluster: ControlPlane, tmp_path: Path
) -> None:
    """With the two addresses replaced: there is no DNS of a cluster here."""
    api, nobody = Api(empty_cluster.kubeconfig), Dependency("search")
    nobody.down()
    install(api)
    operator = OperatorProcess(
        "one",
        tmp_path,
        kubeconfig=empty_cluster.kubeconfig,
        http_host="127.0.0.1",
        http_port=0,
        guard_allow="127.0.0.1",
    ).start_leading()
    try:
        served = f"127.0.0.1:{operator.port}"
        text = policy().replace("resilience-operator.resilience-system.svc:8080", served)
        namespace, body = yaml.safe_load_all(text.replace("search.shop.svc:9200", nobody.address))
        api.send("POST", "/api/v1/namespaces", namespace)
        api.send("POST", objects("shop", "resiliencepolicies"), body, fieldValidation="Strict")
        first = objects("shop", "degradationlevels", "first")

        wait_until(lambda: level(api, first) == "DEGRADED", "the level is DEGRADED", 60)

        wait_until(
            lambda: search(api) == "basic", "the feature is basic while its dependency is down", 30
        )
    finally:
        operator.end()
        api.close()


def level(api: Api, path: str) -> str | None:
    found = api.get(path.rsplit("/", 1)[0])["items"]
    return next((one.get("status", {}).get("level") for one in found), None)


def search(api: Api) -> str | None:
    found = api.get("/api/v1/namespaces/shop/configmaps")["items"]
    flags = next((one["data"] for one in found if one["metadata"]["name"] == "first-flags"), {})
    return flags.get("PRODUCT_SEARCH")


def test_the_values_that_it_names_exist() -> None:
    known = (ROOT / "charts" / "resilience-operator" / "README.md").read_text()
    named = re.findall(r"^\| (`[^|]+) \|", PAGE, re.MULTILINE)
    spans = {name for row in named for name in re.findall(r"`([^`]+)`", row)}
    names = {name for name in spans if "/" not in name}  # the others are files

    assert len(names) >= 12
    assert [name for name in names if f"| `{name}` |" not in known] == []
