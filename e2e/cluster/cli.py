"""The command line: `python -m e2e.cluster COMMAND`."""

import argparse
import contextlib
import fcntl
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from e2e.cluster import build, kind, paths, provider
from e2e.cluster.controlplane import Audit, ControlPlane
from e2e.cluster.errors import ClusterError
from e2e.cluster.kind import KindProvider
from e2e.cluster.provider import Provider
from e2e.cluster.source import SourceProvider
from e2e.cluster.tools import CLUSTER_TOOLS

_PROVIDERS: dict[str, Callable[[str], Provider]] = {
    "kind": KindProvider,
    "source": SourceProvider,
}


@contextlib.contextmanager
def _exclusively() -> Iterator[None]:
    """One command at a time changes clusters; the lock goes with the process that holds it."""
    folder = paths.clusters_folder()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("another command is at work; waiting", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def existing(name: str) -> Provider:
    """The cluster of that name, by the provider that it was brought up with."""
    chosen = provider.remembered(name)
    if chosen is None:
        raise ClusterError(f"there is no cluster {name}; run: python -m e2e.cluster up")
    return _PROVIDERS[chosen](name)


def _up(options: argparse.Namespace) -> None:
    with _exclusively():
        earlier = provider.remembered(options.name)
        chosen = options.provider
        if chosen == "auto":
            chosen = earlier or ("kind" if kind.usable() else "source")
        if earlier not in (None, chosen):
            raise ClusterError(f"cluster {options.name} is of the provider {earlier}; down first")
        started = time.monotonic()
        cluster = _PROVIDERS[chosen](options.name)
        print(f"cluster {options.name}, provider {chosen}", flush=True)
        cluster.up()
    print(f"up after {time.monotonic() - started:.1f} s; KUBECONFIG={cluster.kubeconfig}")


def _down(options: argparse.Namespace) -> None:
    with _exclusively():
        # With no record there may still be the very beginning of an `up`.
        chosen = provider.remembered(options.name) or "source"
        started = time.monotonic()
        _PROVIDERS[chosen](options.name).down()
    print(f"cluster {options.name} is down after {time.monotonic() - started:.1f} s")


def _status(options: argparse.Namespace) -> None:
    names = [options.name] if options.name in provider.known_clusters() else []
    others = [name for name in provider.known_clusters() if name != options.name]
    for name in names + others:
        cluster = existing(name)
        print(f"cluster {name}, provider {provider.remembered(name)}")
        print("".join(f"  {line}\n" for line in cluster.status()), end="")
        print(f"  kubeconfig: {cluster.kubeconfig}")
    if not names:
        print(f"there is no cluster {options.name}")


def _build(options: argparse.Namespace) -> None:
    build.ensure(options.tools or CLUSTER_TOOLS)


def _which(options: argparse.Namespace) -> None:
    print(build.find([options.tool])[options.tool])


def _kubeconfig(options: argparse.Namespace) -> None:
    print(existing(options.name).kubeconfig)


def _load(options: argparse.Namespace) -> None:
    existing(options.name).load(options.archives)


def _env(options: argparse.Namespace) -> None:
    cluster = existing(options.name)
    folders = [Path(cluster.kubectl()).parent]
    if shutil.which("helm") is None and (helm := build.built("helm")):
        folders.append(helm)
    print(f"export KUBECONFIG={cluster.kubeconfig}")
    print(f'export PATH="{":".join(map(str, folders))}:$PATH"')


def _api_folder(options: argparse.Namespace) -> Path:
    return paths.cluster_folder(f"{options.name}-api")


def _api_up(options: argparse.Namespace) -> None:
    with _exclusively():
        _remove_api(options)
        folder = _api_folder(options)
        folder.mkdir(parents=True)
        build.ensure(["kubernetes", "etcd"])
        control_plane = ControlPlane(audit=Audit.ALL, folder=folder, cluster_name=options.name)
        control_plane.start()
    print(f"{control_plane.url} is up; KUBECONFIG={control_plane.kubeconfig}")


def _api_down(options: argparse.Namespace) -> None:
    with _exclusively():
        _remove_api(options)


def _remove_api(options: argparse.Namespace) -> None:
    folder = _api_folder(options)
    if folder.exists():
        ControlPlane(folder=folder).stop()
        shutil.rmtree(folder)


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    top = argparse.ArgumentParser(
        prog="python -m e2e.cluster", description="A one-node Kubernetes cluster for tests."
    )
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    def add(
        name: str, run: Callable[[argparse.Namespace], None], text: str
    ) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("--name", default=paths.DEFAULT_NAME, help="the cluster's name")
        command.set_defaults(run=run)
        return command

    up = add("up", _up, "bring the cluster up")
    up.add_argument("--provider", choices=["auto", *_PROVIDERS], default="auto")
    add("down", _down, "remove the cluster and everything of it")
    add("status", _status, "say what runs")
    add("build", _build, "build the programs").add_argument("tools", nargs="*", metavar="TOOL")
    add("which", _which, "print the path of a built program").add_argument("tool", metavar="TOOL")
    add("kubeconfig", _kubeconfig, "print the path of the cluster's kubeconfig")
    load = add("load", _load, "import image archives into the node")
    load.add_argument("archives", nargs="+", type=Path, metavar="IMAGE_TAR")
    add("env", _env, 'print what a shell needs: eval "$(python -m e2e.cluster env)"')
    add("api-up", _api_up, "start etcd and an API server alone")
    add("api-down", _api_down, "stop them")
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    options = parser().parse_args(arguments)
    try:
        options.run(options)
    except ClusterError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # Who read the output has seen enough; the interpreter's own flush must not fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        print("interrupted; the next up or down takes it from here", file=sys.stderr)
        return 130
    return 0
