"""An S3 server in memory (moto's), with its bucket made before the first caller can come."""

import logging
import os
import signal

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.moto_server.threaded_moto_server import ThreadedMotoServer
from moto.s3.models import s3_backends

PORT = 9000
REGION = "us-east-1"


def serve() -> None:
    """Create the bucket named by S3_BUCKET, and serve until stopped."""
    s3_backends[DEFAULT_ACCOUNT_ID]["aws"].create_bucket(os.environ["S3_BUCKET"], REGION)
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = ThreadedMotoServer(ip_address="0.0.0.0", port=PORT)
    server.start()
    signal.sigwait({signal.SIGINT, signal.SIGTERM})
    server.stop()
