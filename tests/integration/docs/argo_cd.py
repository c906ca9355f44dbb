"""Argo CD's health scripts, run as it runs them: Lua 5.1, with no library but its tables."""

from typing import Any

import yaml
from lupa.lua51 import LuaRuntime

from e2e.docs.pages import read

Body = dict[str, Any]

_STATES = {"Healthy", "Progressing", "Degraded", "Suspended"}
# What Argo CD does not open for a script; strings have no methods then.
_CLOSED = ("string", "math", "io", "os", "debug", "coroutine", "python")


def scripts() -> dict[str, str]:
    """The scripts in the page, by kind."""
    blocks = [yaml.safe_load(block.text) for block in read("docs/gitops.md").of("yaml")]
    (settings,) = (one for one in blocks if one.get("kind") == "ConfigMap")
    prefix = "resource.customizations.health.resilience.aidrive.dev_"
    return {key.removeprefix(prefix): text for key, text in settings["data"].items()}


def health(body: Body) -> tuple[str, str]:
    """Status and message of an object."""
    lua = LuaRuntime(register_eval=False)
    lua.execute('getmetatable("").__index = nil')
    for name in _CLOSED:
        lua.globals()[name] = None
    lua.globals()["obj"] = lua.table_from(body, recursive=True)
    found = lua.execute(scripts()[body["kind"]])
    assert found["status"] in _STATES, found["status"]
    return found["status"], found["message"]
