"""Redis with a password, in memory only."""

import os
from pathlib import Path

PROGRAM = "/usr/bin/redis-server"
CONFIGURATION = Path("/data/redis.conf")
SETTINGS = """
bind * -::*
port 6379
dir /data
save ""
appendonly no
maxmemory 64mb
maxmemory-policy allkeys-lru
"""


def serve() -> None:
    """Write the configuration, which keeps the password out of the command line; then start."""
    CONFIGURATION.touch(mode=0o600)
    CONFIGURATION.write_text(f'{SETTINGS}requirepass "{os.environ["REDIS_PASSWORD"]}"\n')
    os.execv(PROGRAM, [PROGRAM, str(CONFIGURATION)])
