"""TCP: a connection that is accepted, and closed at once."""

from resilience_operator.api.v1alpha1.probes import TcpProbe
from resilience_operator.probes.base import Exchange, SecretValues
from resilience_operator.probes.dial import parse_host_port
from resilience_operator.probes.failures import of_network
from resilience_operator.probes.toolkit import Toolkit


def build(spec: TcpProbe, kit: Toolkit) -> "Tcp":
    """Make the probe."""
    return Tcp(spec, kit)


class Tcp:
    """Dials; keeps nothing."""

    secret_names = ()

    def __init__(self, spec: TcpProbe, kit: Toolkit) -> None:
        self._spec = spec
        self._kit = kit

    async def prepare(self, secrets: SecretValues, timeout_seconds: float) -> Exchange:
        """Nothing to prepare."""
        return self._ask

    async def _ask(self) -> str:
        try:
            sock = await self._kit.dialler.connect(parse_host_port(self._spec.address))
        except OSError as error:
            failure = of_network(error)
            if failure is None:
                raise
            raise failure from None
        sock.close()
        return "The connection was accepted."

    async def aclose(self) -> None:
        """Nothing is kept."""
