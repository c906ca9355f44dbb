"""Alerts on the operator itself."""

from tools.rules import Alert, Severity

_CRITICAL, _WARNING = Severity.CRITICAL, Severity.WARNING


def alerts() -> list[Alert]:
    """Whether it runs, sees, keeps pace and gets through to the API server."""
    return [
        Alert(
            "ResilienceOperatorDown",
            _CRITICAL,
            "5m",
            "absent(resilience_build_info)",
            "No replica of the operator is scraped; levels, flags and weights stay as they are.",
        ),
        Alert(
            "ResilienceNoLeader",
            _CRITICAL,
            "2m",
            "sum by (lease) (resilience_leader) == 0",
            "No replica holds {{ $labels.lease }}: nothing is probed and no level changes.",
        ),
        Alert(
            "ResilienceSeveralLeaders",
            _CRITICAL,
            "1m",
            "sum by (lease) (resilience_leader) > 1",
            "More than one replica says that it holds {{ $labels.lease }}.",
        ),
        Alert(
            "ResilienceLeadershipFlaps",
            _WARNING,
            "0m",
            "sum by (lease) "
            '(increase(resilience_leadership_transitions_total{to="leading"}[30m])) > 3',
            "{{ $labels.lease }} has changed hands more than three times within half an hour.",
        ),
        Alert(
            "ResilienceOperatorRestarts",
            _WARNING,
            "0m",
            # What a process counts goes with it; when it began does not. Between two of them nobody
            # says that it is the operator's, so an hour is looked back for that.
            "changes(process_start_time_seconds[30m]) > 3"
            " and on (job, instance) last_over_time(resilience_build_info[1h])",
            "{{ $labels.instance }} has started more than three times within half an hour.",
        ),
        Alert(
            "ResilienceLeaseErrors",
            _WARNING,
            "5m",
            "sum(increase(resilience_lease_errors_total[10m])) > 5",
            "The lease cannot be read or renewed reliably.",
        ),
        Alert(
            "ResilienceBlind",
            _CRITICAL,
            "2m",
            "min(resilience_trusted) == 0",
            "The operator does not believe its own probes and holds every level.",
        ),
        Alert(
            "ResilienceApiUnreachable",
            _CRITICAL,
            "1m",
            "time() - max(resilience_api_last_answer_timestamp_seconds) > 60",
            "The API server has not answered the operator for a minute.",
        ),
        Alert(
            "ResilienceApiErrors",
            _WARNING,
            "10m",
            "resilience:api_errors:ratio5m > 0.05",
            "More than one in twenty requests to the API server fails.",
        ),
        Alert(
            "ResilienceWatchSilent",
            _CRITICAL,
            "1m",
            "max(resilience_policy_watch_silence_seconds) > 60",
            "The loop that watches policies has not turned for a minute.",
        ),
        Alert(
            "ResilienceWatchRestarts",
            _WARNING,
            "0m",
            "sum by (resource) (increase(resilience_watch_restarts_total[15m])) > 10",
            "The watch of {{ $labels.resource }} breaks again and again.",
        ),
        Alert(
            "ResilienceTooManyWrites",
            _WARNING,
            "15m",
            'sum by (resource) (resilience:api_writes:rate5m{resource!="leases"}) > 5',
            "The operator keeps writing {{ $labels.resource }}; in a steady state it writes none.",
        ),
        Alert(
            "ResilienceReconcileFails",
            _WARNING,
            "15m",
            "max by (queue) (resilience_workqueue_failing) > 0",
            "A pass over one of the {{ $labels.queue }} has failed for a quarter of an hour.",
        ),
        Alert(
            "ResilienceWorkqueueBacklog",
            _WARNING,
            "10m",
            "max(resilience_workqueue_depth) > 100",
            "More than a hundred policies wait for their turn.",
        ),
        Alert(
            "ResilienceProbesStuck",
            _CRITICAL,
            "2m",
            "max(resilience_probe_overdue_seconds) > 60",
            "A probe has been due for more than a minute: the schedule does not move.",
        ),
        Alert(
            "ResilienceProbesLate",
            _WARNING,
            "10m",
            "resilience:probe_schedule_lag_seconds:p99_5m > 1",
            "One probe in a hundred starts more than a second late.",
        ),
        Alert(
            "ResilienceEventLoopBlocked",
            _WARNING,
            "10m",
            "resilience:event_loop_lag_seconds:p99_5m > 0.5",
            "Something blocks the operator's event loop for half a second at a time.",
        ),
        Alert(
            "ResilienceInternalErrors",
            _WARNING,
            "0m",
            "sum by (where) (increase(resilience_internal_errors_total[15m])) > 0",
            "The operator's own code failed in its {{ $labels.where }}.",
        ),
        Alert(
            "ResilienceMemoryHigh",
            _WARNING,
            "15m",
            "process_resident_memory_bytes"
            " / on (job, instance) resilience_memory_limit_bytes > 0.8",
            "{{ $labels.instance }} has less than a fifth of its memory left.",
        ),
        Alert(
            "ResilienceNotificationsFail",
            _WARNING,
            "0m",
            'sum(increase(resilience_notifications_total{outcome!="delivered"}[30m])) > 0',
            "A webhook was not told of a change.",
        ),
    ]
