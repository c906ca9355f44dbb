"""What the program is called, by shells and by kubectl."""

EXECUTABLE = "kubectl-resilience"
COMPLETE_VARIABLE = "_KUBECTL_RESILIENCE_COMPLETE"


def own_version() -> str:
    """The version of this program; empty where it runs from a source tree."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("resilience-operator")
    except PackageNotFoundError:
        return ""
