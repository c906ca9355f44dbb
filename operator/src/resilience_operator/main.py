"""The process: settings, logging, health server, election, and leading for as long as it lasts.

A replica that loses the lease, or whose work ends, exits: what comes up in its place starts from
what the cluster says, which is the one path that restarts have to get right anyway.
"""

import asyncio
import atexit
import logging
import os
import signal
import sys
from importlib.metadata import version

import uvloop

from resilience_operator import lean  # noqa: F401 - before anything that loads redis
from resilience_operator import logging as logs
from resilience_operator.kube.client import KubeClient
from resilience_operator.kube.connection import Connection, connect
from resilience_operator.kube.leases import KubeLeaseStore
from resilience_operator.kube.pacing import TokenBucket
from resilience_operator.leading import Leader
from resilience_operator.metrics.reports import Reports
from resilience_operator.runtime import collector
from resilience_operator.runtime.clock import SystemClock
from resilience_operator.runtime.elector import LeaderElector, LeadershipLost, LeaseTiming
from resilience_operator.server import Server
from resilience_operator.settings import Settings, SettingsError, load
from resilience_operator.tracing.switch import build_tracing
from resilience_operator.vitals import Vitals

log = logging.getLogger(__name__)


def main() -> None:
    """Run one replica until it is told to stop; exits 1 when it cannot go on, 2 on bad settings."""
    try:
        settings = load(os.environ)
    except SettingsError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    logs.configure(settings.log_level, settings.log_format)
    if settings.kubeconfig is not None:
        os.environ["KUBECONFIG"] = str(settings.kubeconfig)  # kopf reads it from there
    collector.calm_down()
    code = uvloop.run(run(settings))
    atexit._run_exitfuncs()  # among them who removes the files of a kubeconfig's keys
    sys.stdout.flush()
    sys.stderr.flush()
    # Not by way of the interpreter's end, which waits for lookups of names that hang: most of all
    # where leadership was lost with the network.
    os._exit(code)


async def run(settings: Settings) -> int:
    """One replica; returns the exit code."""
    clock = SystemClock()
    tracing = build_tracing(settings, clock)
    reports = Reports(version("resilience-operator"), settings.lease_name, tracing)
    try:
        connection = await connect(clock, settings.kubeconfig)
    except Exception as error:  # noqa: BLE001 - whatever the library finds wrong with a kubeconfig
        log.error("there is no telling where the API server is, and who we are: %s", error)
        return 1
    elector = LeaderElector(
        KubeLeaseStore(
            KubeClient(connection, observer=reports.requested),
            settings.namespace,
            settings.lease_name,
        ),
        settings.identity,
        clock,
        LeaseTiming(
            settings.lease_duration_seconds,
            settings.lease_renew_seconds,
            settings.lease_retry_seconds,
        ),
        on_change=reports.leadership_changed,
        on_error=reports.lease_failed,
    )
    vitals = Vitals()
    vitals.require("The lease could not be read yet.", lambda: elector.in_touch)
    server = Server(reports.registry, healthy=vitals.problems, ready=vitals.missing)
    port = await server.start(settings.http_host, settings.http_port)
    log.info("serving /healthz, /readyz and /metrics on port %d", port)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, elector.stop)
    try:
        await elector.run(lambda: _lead(settings, connection, clock, reports, vitals, elector))
    except LeadershipLost as lost:
        log.error("leadership lost: %s", lost)
        return 1
    except Exception:
        log.exception("leading ended by a fault")
        return 1
    finally:
        await server.stop()
        await connection.close()
        await tracing.aclose()
    return 0


async def _lead(
    settings: Settings,
    connection: Connection,
    clock: SystemClock,
    reports: Reports,
    vitals: Vitals,
    elector: LeaderElector,
) -> None:
    log.info("leading as %s", settings.identity)
    client = KubeClient(
        connection,
        TokenBucket(clock, settings.write_qps, settings.write_burst),
        reports.requested,
        # Whatever has kept this process from noticing (a machine that slept), another may lead.
        may_write=lambda: elector.is_leader,
    )
    await Leader(settings, client, clock, reports, vitals, connection.url).run()


if __name__ == "__main__":
    main()
