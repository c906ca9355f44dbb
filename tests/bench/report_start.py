"""The figures of a start as a table for people."""

from tests.bench.measure_start import Figures, Start
from tests.bench.rounds import table


def report(figures: Figures) -> str:
    """The table, and what was asked of the API server."""
    f, n = figures, f"{figures.policies:,}"
    steady = f.steady
    rows = [
        ("importing the operator's modules, nothing else", f"{f.import_seconds:.1f} s"),
        (
            f"creating {n} policies (a bare client, 16 at once)",
            f"{f.created_in:.1f} s, {f.policies / f.created_in:.0f} writes/s",
        ),
        ("start without policies: /metrics answers", f"{f.empty.metrics_after:.1f} s"),
        ("memory without policies, RSS (PSS)", _memory(f.empty_memory.rss, f.empty_memory.pss)),
        *_rows(f"first start with {n}, writes not held back", f.first),
        *_rows("start again, nothing to write", f.again),
        *_rows("first start, default write rate", f.default),
        (f"memory with {n}, RSS (PSS)", _memory(f.memory.rss, f.memory.pss)),
        ("steady state: CPU", f"{steady.cpu_percent:.0f} % of a core"),
        ("steady state: probes", f"{steady.probes_per_second:.0f} /s"),
        (
            "steady state: schedule lag, p50 and p99",
            f"at most {steady.lag_p50 * 1000:.0f} and {steady.lag_p99 * 1000:.0f} ms",
        ),
        ("steady state: probes that failed", f"{steady.failed}"),
        ("steady state: writes besides the lease", f"{steady.writes}"),
    ]
    asked = "\n".join(
        f"- {name}: " + ", ".join(f"{verb} {count:.0f}" for verb, count in _largest(start))
        for name, start in (("first start", f.first), ("start again", f.again))
    )
    return f"{table(('what', 'measured'), rows)}\n\nRequests to the API server:\n\n{asked}"


def _rows(name: str, start: Start) -> list[tuple[str, str]]:
    rows = [(f"{name}: /metrics answers", f"{start.metrics_after:.1f} s")]
    if start.levels_after is not None:
        rows.append((f"{name}: all have a level", f"{start.levels_after:.1f} s"))
    rows += [
        (f"{name}: all dependencies probed", f"{start.probed_after:.1f} s"),
        (f"{name}: CPU until all that", f"{start.cpu_seconds:.1f} s"),
        (f"{name}: writes besides the lease", _writes(start)),
    ]
    return rows


def _writes(start: Start) -> str:
    if not start.writes or start.levels_after is None:
        return f"{start.writes}"
    return f"{start.writes:,}, {start.writes / start.levels_after:.0f} a second"


def _largest(start: Start) -> list[tuple[str, float]]:
    requests = start.requests or {}
    return sorted(requests.items(), key=lambda item: -item[1])[:8]


def _memory(rss: float, pss: float) -> str:
    return f"{rss:.0f} MiB ({pss:.0f})"
