"""flagd's own JSON schema, in flagd's own core, on the flags that the operator writes.

The schema itself is in no Python package; flagd-core for JavaScript carries it compiled. It is
installed from the lock file beside this one into the cache, and needs Node.js and npm.
"""

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from resilience_operator.api.v1alpha1.base import Level
from resilience_operator.api.v1alpha1.parse import parse_policy
from resilience_operator.api.v1alpha1.policy import ResiliencePolicy
from resilience_operator.core.features import feature_states
from resilience_operator.core.flags import config_map_name, render_flags

HERE = Path(__file__).parent
POLICY = HERE.parents[2] / "manifests/demo/policy.yaml"
SCRIPT = "accepts.cjs"


@pytest.fixture(scope="session")
def flagd_core() -> Path:
    """A folder with flagd-core installed and the script in it."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            pytest.fail(f"{program} is missing: install Node.js 18 or newer (apt: nodejs npm)")
    lock = (HERE / "package-lock.json").read_bytes()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "resilience-operator/flagd-core" / hashlib.sha256(lock).hexdigest()[:16]
    if not (folder / ".complete").exists():
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, folder / name)
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        (folder / ".complete").touch()
    shutil.copy(HERE / SCRIPT, folder / SCRIPT)
    return folder


def reference_policy() -> ResiliencePolicy:
    body = yaml.safe_load(POLICY.read_text())
    body["metadata"] |= {"uid": "u", "generation": 7}
    return parse_policy(body)


def read(flagd_core: Path, content: str) -> subprocess.CompletedProcess[str]:
    path = flagd_core / "flagd.json"
    path.write_text(content)
    command = ["node", SCRIPT, str(path)]
    return subprocess.run(command, cwd=flagd_core, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("level", list(Level))
@pytest.mark.parametrize("health", [None, 0, 100])
def test_flagd_accepts_every_flag_at_every_level(
    flagd_core: Path, level: Level, health: int | None
) -> None:
    policy = reference_policy()
    states = feature_states(policy.spec.features, level, ())
    flags = render_flags(
        config_map_name(policy), policy.spec.flags.formats, level, health, 7, states, policy
    )
    done = read(flagd_core, flags.data["flagd.json"])
    assert done.returncode == 0, done.stderr
    assert dict(line.split("=") for line in done.stdout.split()) == states
    assert len(states) == 16


def test_the_check_can_fail(flagd_core: Path) -> None:
    flag = {"state": "ON", "variants": {"on": "on"}, "defaultVariant": "on"}
    done = read(flagd_core, json.dumps({"flags": {"a": flag}}))
    assert done.returncode != 0
