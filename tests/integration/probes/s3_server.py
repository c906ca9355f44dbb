"""moto's S3 and IAM, once everything is set up asking for valid credentials."""

import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from tests.integration.probes.processes import free_port, running, wait_for_port

BUCKET = "facturas"
EVERYTHING = """{"Version": "2012-10-17",
 "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}"""


@dataclass(frozen=True)
class S3Server:
    """Where it is, and credentials that it takes."""

    endpoint: str
    access: str
    secret: str

    def client(self) -> Any:
        return _client("s3", self.endpoint, self.access, self.secret)


def _client(service: str, endpoint: str, access: str, secret: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=access,
        aws_secret_access_key=secret,
    )


@contextmanager
def s3_server(folder: Path) -> Iterator[S3Server]:
    port, log = free_port(), folder / "moto.log"
    endpoint = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with running(command, log) as process:
        wait_for_port(process, port, log)
        _client("s3", endpoint, "setup", "setup").create_bucket(Bucket=BUCKET)
        iam = _client("iam", endpoint, "setup", "setup")
        iam.create_user(UserName="probe")
        iam.put_user_policy(UserName="probe", PolicyName="all", PolicyDocument=EVERYTHING)
        key = iam.create_access_key(UserName="probe")["AccessKey"]
        _ask_for_credentials_from_now_on(endpoint)
        yield S3Server(endpoint, key["AccessKeyId"], key["SecretAccessKey"])


def _ask_for_credentials_from_now_on(endpoint: str) -> None:
    request = urllib.request.Request(
        f"{endpoint}/moto-api/reset-auth", b"0", {"Content-Type": "text/plain"}, method="POST"
    )
    with urllib.request.urlopen(request) as response:
        assert response.status == 200
