"""The end of the process."""

import subprocess
import sys

_HANGING = """
import atexit
import time
from concurrent.futures import ThreadPoolExecutor
from resilience_operator import main

async def run(settings):
    ThreadPoolExecutor(1).submit(time.sleep, 60)  # as the lookup of a name may
    print("said")
    return 3

atexit.register(print, "cleaned up")
main.run = run
main.main()
"""


def test_a_thread_that_hangs_does_not_keep_the_process_from_ending() -> None:
    command = [sys.executable, "-c", _HANGING]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout) == (3, "said\ncleaned up\n"), done.stderr
