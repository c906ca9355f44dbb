"""AWS Signature Version 4, by botocore's signer alone: its client would dial by itself."""

import logging
from collections.abc import Mapping

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from resilience_operator.api.v1alpha1.http_probes import S3_KEY_NAMES
from resilience_operator.probes.secrets import SecretInvalid

# At DEBUG the signer logs what it signs, the session token among it.
logging.getLogger("botocore.auth").setLevel(logging.INFO)


class Signer:
    """Signs requests to S3 with one set of credentials."""

    def __init__(self, access: str, secret: str, token: str | None, region: str) -> None:
        credentials = Credentials(access, secret, token)  # type: ignore[no-untyped-call]
        self._auth = S3SigV4Auth(credentials, "s3", region)  # type: ignore[no-untyped-call]
        self.temporary = token is not None

    def headers(self, method: str, url: str, body: bytes) -> dict[str, str]:
        """Return the headers that the request has to carry."""
        draft = AWSRequest(method=method, url=url, data=body)  # type: ignore[no-untyped-call]
        self._auth.add_auth(draft)  # type: ignore[no-untyped-call]
        return dict(draft.headers.items())


def signer_of(name: str, data: Mapping[str, bytes], region: str) -> Signer:
    """Read credentials by their usual key names; `SecretInvalid` when they are not there."""
    found = {}
    for part, keys in S3_KEY_NAMES.items():
        raw = next((data[key] for key in keys if data.get(key)), b"")
        try:
            found[part] = raw.decode("ascii").strip()
        except UnicodeDecodeError:
            raise SecretInvalid(f"Secret {name!r} has a value that is not a key.") from None
        if not found[part].isprintable():
            raise SecretInvalid(f"Secret {name!r} has a value that is not a key.")
        if not found[part] and part != "token":
            raise SecretInvalid(f"Secret {name!r} has neither {keys[0]} nor {keys[1]}.")
    return Signer(found["access"], found["secret"], found["token"] or None, region)
