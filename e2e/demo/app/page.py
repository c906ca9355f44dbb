"""The page a person looks at, rendered on the server."""

from datetime import UTC, datetime
from html import escape
from pathlib import Path
from string import Template

from .features import GROUPS, OFF, ON, Feature, Group
from .flags import UNKNOWN_LEVEL, Snapshot

TEMPLATE = Template((Path(__file__).parent / "page.html").read_text(encoding="utf-8"))

HEADLINES = {
    "OPTIMAL": "Everything is available.",
    "DEGRADED": "Some extras are resting. Your work is not affected.",
    "LIMITED": "The essentials work; the rest will be back.",
    "MINIMAL": "Emergency mode: only what the shop floor needs.",
    "EMERGENCY": "We are closed for maintenance.",
    UNKNOWN_LEVEL: "No flags received yet: every feature is on.",
}
MAINTENANCE = (
    '<section class="maintenance" role="alert"><h2>We will be right back</h2><p>Inventario is'
    " closed for maintenance for a short while. Nothing you saved is lost, and this page opens"
    " again by itself.</p></section>"
)


def render(snapshot: Snapshot, pod: str, version: str) -> str:
    """The whole page for one content of the flags file."""
    return TEMPLATE.substitute(
        level=escape(snapshot.level),
        headline=escape(HEADLINES.get(snapshot.level, "")),
        health="–" if snapshot.health is None else snapshot.health,
        bar=snapshot.health or 0,
        notice=MAINTENANCE if snapshot.level == "EMERGENCY" else "",
        groups="".join(_group(group, snapshot) for group in GROUPS),
        generation="–" if snapshot.generation is None else snapshot.generation,
        read_at=_time(snapshot.read_at),
        pod=escape(pod),
        version=escape(version),
    )


def _group(group: Group, snapshot: Snapshot) -> str:
    cards = "".join(_card(item, snapshot.features[item.name]) for item in group.features)
    return f'<section class="group"><h2>{group.name}</h2>{cards}</section>'


def _card(feature: Feature, state: str) -> str:
    kind = state if state in (ON, OFF) else "fallback"
    return (
        f'<article class="{kind}" id="{feature.name}"><h3>{feature.title}</h3>'
        f'<span class="state">{escape(state)}</span><p>{feature.answer(state)}</p></article>'
    )


def _time(milliseconds: int | None) -> str:
    if milliseconds is None:
        return "–"
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%H:%M:%S.%f")[:-3] + " UTC"
