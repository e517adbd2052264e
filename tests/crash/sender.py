"""A sender of events: Segment's own SDK in a process of its own, with its threads, batches and retries.

In: the receiver's URL, a prefix of message ids, and how many events there are a second. It sends until its standard
input is closed, waits until the SDK has got rid of everything, and prints how many it sent and what the SDK gave up.
"""

import json
import logging
import os
import sys
import threading
import time
from typing import Any

from segment.analytics.client import Client  # type: ignore[import-untyped]

BACKLOG = 1_000  # events the SDK may hold before no more are made
USERS = 50
FOREVER = 1_000_000


def main(host: str, prefix: str, rate: float) -> None:
    """Send until told to stop."""
    logging.getLogger("segment").setLevel(logging.CRITICAL)
    given_up: list[str] = []
    client = Client(
        "a-write-key",
        host=host,
        upload_size=5,
        upload_interval=0.02,
        thread=12,
        max_retries=FOREVER,
        max_queue_size=10 * BACKLOG,
        timeout=10,
        on_error=lambda error, batch: given_up.extend(f"{event['messageId']}: {error!r}" for event in batch),
    )
    ended = threading.Event()
    threading.Thread(target=_wait, args=[ended], daemon=True).start()
    sent = 0
    while not ended.is_set():
        if client.queue.qsize() < BACKLOG:
            _send(client, prefix, sent)
            sent += 1
        time.sleep(1 / rate)
    client.flush()
    print(json.dumps({"sent": sent, "given_up": given_up}), flush=True)
    os._exit(0)  # its threads wait for what does not come


def _wait(ended: threading.Event) -> None:
    sys.stdin.read()
    ended.set()


def _send(client: Any, prefix: str, number: int) -> None:
    """Send one event; every third is taken by two mappings."""
    client.page(
        f"user-{number % USERS}",
        None,
        "Home",
        {"both": number % 3 == 0, "number": number},
        anonymous_id=f"device-{number % (2 * USERS)}",
        message_id=f"{prefix}-{number}",
    )


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]))
