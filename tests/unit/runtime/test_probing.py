import pytest

from resilience_operator.api.v1alpha1.base import SecretKeyRef
from resilience_operator.api.v1alpha1.probes import (
    AnyProbe,
    HttpProbe,
    OpenAIProbe,
    PostgresProbe,
    TcpProbe,
)
from resilience_operator.core.model import ProbeKey
from resilience_operator.runtime.probing import ProbeTarget

REF = SecretKeyRef(name="s", key="k")


@pytest.mark.parametrize(
    ("probe", "endpoint"),
    [
        (TcpProbe(address="[2001:db8::1]:5432"), "[2001:db8::1]:5432"),
        (HttpProbe(url="https://shop.example:8443/health?x=1"), "shop.example:8443"),
        (OpenAIProbe(base_url="https://api.example/v1", api_key_secret_ref=REF), "api.example"),
        (PostgresProbe(dsn_secret_ref=REF), "shop/d1"),
        (HttpProbe(url="http://[db]/"), "http://[db]/"),  # no host: its probe says so
    ],
)
def test_an_endpoint_is_a_host_and_port_where_the_spec_tells(
    probe: AnyProbe, endpoint: str
) -> None:
    target = ProbeTarget(ProbeKey("shop", "any", "d1"), "shop", probe, 3.0, 10.0)
    assert target.endpoint == endpoint
