"""The control plane that the other integration tests stand on does what they rely on."""

import json
import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from e2e.cluster import build
from e2e.cluster.client import ApiError
from e2e.cluster.controlplane import Audit, ControlPlane
from e2e.cluster.processes import ProcessId


def kubectl(kubeconfig: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [build.find(["kubernetes"])["kubectl"], "--kubeconfig", str(kubeconfig), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)


def config_maps(namespace: str) -> str:
    return f"/api/v1/namespaces/{namespace}/configmaps"


def test_api_server_answers(control_plane: ControlPlane) -> None:
    version = control_plane.client.request("GET", "/version")

    assert version["gitVersion"].startswith("v1.")
    assert control_plane.url.startswith("https://127.0.0.1:")


def test_kubeconfig_is_of_an_administrator(control_plane: ControlPlane) -> None:
    answer = kubectl(control_plane.kubeconfig, "auth", "can-i", "*", "*", "-A")

    assert answer.stdout.strip() == "yes", answer.stderr


def test_namespaces_keep_tests_apart(control_plane: ControlPlane, namespace: str) -> None:
    client = control_plane.client
    other = f"{namespace}-other"
    client.create("/api/v1/namespaces", {"metadata": {"name": other}})

    client.create(config_maps(namespace), {"metadata": {"name": "flags"}})

    assert [
        one["metadata"]["name"] for one in client.request("GET", config_maps(namespace))["items"]
    ] == ["flags"]
    assert client.request("GET", config_maps(other))["items"] == []


def test_audit_log_records_a_write_and_a_read(control_plane: ControlPlane, namespace: str) -> None:
    client = control_plane.client
    client.create(config_maps(namespace), {"metadata": {"name": "flags"}, "data": {"a": "secret"}})
    client.request("GET", f"{config_maps(namespace)}/flags")

    events = [
        event
        for event in control_plane.audit_events()
        if event.get("objectRef", {}).get("namespace") == namespace
    ]

    assert [event["verb"] for event in events] == ["create", "get"]
    assert {event["user"]["username"] for event in events} == {"kubernetes-admin"}
    assert "requestObject" not in events[0]


def test_other_identities_have_no_rights_but_their_own(
    control_plane: ControlPlane, namespace: str
) -> None:
    person = control_plane.kubeconfig_for("jane", groups=["developers"])
    account = control_plane.kubeconfig_for_service_account(namespace, "operator")

    who = json.loads(kubectl(person, "auth", "whoami", "-o", "json").stdout)["status"]["userInfo"]
    assert who["username"] == "jane"
    assert "developers" in who["groups"]

    who = json.loads(kubectl(account, "auth", "whoami", "-o", "json").stdout)["status"]["userInfo"]
    assert who["username"] == f"system:serviceaccount:{namespace}:operator"
    refused = kubectl(account, "get", "configmaps")
    assert "forbidden" in refused.stderr.lower()
    assert namespace in refused.stderr


def test_writes_only_audit_and_an_outage_of_the_api_server() -> None:
    with ControlPlane(audit=Audit.WRITES) as control_plane:
        account = control_plane.kubeconfig_for_service_account("default", "survivor")
        control_plane.stop_api_server()
        assert not control_plane.client.ready()

        control_plane.start_api_server()

        assert kubectl(account, "auth", "whoami").returncode == 0
        control_plane.client.request("GET", config_maps("default"))
        with pytest.raises(ApiError):
            control_plane.client.request("GET", f"{config_maps('default')}/none")
        verbs = {event["verb"] for event in control_plane.audit_events()}
        assert "create" in verbs
        assert not verbs & {"get", "list", "watch"}


def test_nothing_runs_after_the_owner_was_killed(tmp_path: Path) -> None:
    script = textwrap.dedent(
        """
        import os, signal
        from e2e.cluster.controlplane import ControlPlane
        with ControlPlane() as control_plane:
            running = control_plane.processes.running()
            print(*(f"{one.pid}:{one.start_time}" for one in running.values()), flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    answer = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    processes = [
        ProcessId(*(int(part) for part in word.split(":"))) for word in answer.stdout.split()
    ]

    assert len(processes) == 2, answer.stderr
    deadline = time.monotonic() + 10
    while any(one.running() for one in processes) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(one.running() for one in processes)
