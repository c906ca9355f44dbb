"""Names that the cluster has, for completion: quick, and silent about whatever goes wrong."""

import click

from resilience_operator.cli.session import Session, Target, run
from resilience_operator.core.resources import LEVELS, POLICIES, Resource

# Whoever waits for a word to be completed does not wait for long.
_SECONDS = 2.0


def policies(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Names of policies in the namespace."""
    return _names(ctx, POLICIES, incomplete)


def levels(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Names of DegradationLevels in the namespace."""
    return _names(ctx, LEVELS, incomplete)


def _names(ctx: click.Context, resource: Resource, incomplete: str) -> list[str]:
    import asyncio

    async def read(session: Session) -> list[str]:
        async with asyncio.timeout(_SECONDS):
            found = await session.cluster.list(resource, session.namespace)
        return sorted(str(each["metadata"]["name"]) for each in found)

    try:
        names = run(ctx.find_object(Target) or Target(), read)
    except (click.ClickException, OSError):
        return []
    return [name for name in names if name.startswith(incomplete)]
