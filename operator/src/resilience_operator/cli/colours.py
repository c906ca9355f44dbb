"""Colours of words: good is green, bad is red, and what nobody knows is magenta."""

from collections.abc import Mapping

from rich.text import Text

from resilience_operator.cli.screen import said

_BAD, _WORSE, _ALARM = "yellow", "dark_orange", "bold red"

_STYLES: Mapping[str, str] = {
    "OPTIMAL": "green",
    "DEGRADED": _BAD,
    "LIMITED": _WORSE,
    "MINIMAL": "red",
    "EMERGENCY": _ALARM,
    "Healthy": "green",
    "Slow": _BAD,
    "Failing": _WORSE,
    "Down": _ALARM,
    "Unknown": "magenta",
    "Closed": "green",
    "HalfOpen": _BAD,
    "Open": _ALARM,
    "Idle": "dim",
    "Waiting": _BAD,
    "Progressing": "cyan",
    "Held": _WORSE,
    "Paused": "magenta",
    "Promoting": "cyan",
    "Succeeded": "green",
    "RolledBack": _ALARM,
    "Failed": _ALARM,
    "VersionFault": _ALARM,
    "LostFallback": _ALARM,
    "DependencyFault": _WORSE,
    "SharedFault": _WORSE,
    "Blind": "magenta",
    "Passing": "green",
    "Worse": _ALARM,
    "BothBad": _WORSE,
    "TooFewSamples": "dim",
    "Missing": "magenta",
    "done": "green",
    "now": "bold cyan",
    "next": "dim",
    "skipped": "dim",
    "stopped": _ALARM,
    "pass": "green",
    "warn": _BAD,
    "fail": _ALARM,
}


def style_of(word: str) -> str:
    """The style of a word of ours; none for any other."""
    return _STYLES.get(word, "")


def coloured(word: object) -> Text:
    """A word of ours in its colour; a dash for none."""
    text = "-" if word is None else str(word)
    return said(text, style_of(text))
