"""What the benches of `serve` send: HTTP requests of batches, ready but for their messageIds, and a destination file.

Events are those of replay_bench: some 700 bytes, four in ten of them pages, which is what the one mapping takes.
"""

import json
import random
import re
import time
from pathlib import Path
from typing import Final, NamedTuple

from tests.bench.replay_bench import FIELDS, make_event

_TAG: Final = re.compile(rb'"messageId":"ajs-next-\d{13}-([0-9a-f]{8})')
CAPACITY: Final = 5_000_000  # jobs that may wait: no bench is to be told to come back later


class Batch(NamedTuple):
    """One request: its bytes, how many events are in it and how many of them match, where its messageIds are."""

    text: bytearray
    events: int
    pages: int
    tags: tuple[int, ...]

    def stamp(self, number: int) -> None:
        """Make every messageId new: the position in the batch keeps its half of the id, `number` fills the other."""
        text, tag = self.text, b"%08x" % number
        for place in self.tags:
            text[place : place + 8] = tag


def make_batch(seed: int, events: int, *, pages_only: bool = False) -> Batch:
    """Make the request of a batch as an SDK sends it, with times of now."""
    dice, now = random.Random(seed), time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
    items: list[dict[str, object]] = []
    while len(items) < events:
        event = make_event(len(items), dice)
        if not pages_only or event["type"] == "page":
            event |= {"timestamp": f"{now}.571Z", "originalTimestamp": f"{now}.500Z"}
            event["messageId"] = f"ajs-next-{1795235293571 + len(items)}-{0:08x}{seed:08x}"
            items.append(event)
    body = json.dumps({"batch": items, "sentAt": f"{now}.900Z"}, separators=(",", ":")).encode()
    head = (
        "POST /v1/batch HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Basic YmVuY2g6\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    text = bytearray(head.encode() + body)
    tags = tuple(found.start(1) for found in _TAG.finditer(text))
    return Batch(text, events, sum(item["type"] == "page" for item in items), tags)


def write_destination(folder: Path, target: int, *, mappings: int = 1, concurrency: int = 64) -> Path:
    """Write a destination file whose Rupt is the target on a port of this machine."""
    triggers = ['type = "page"', *(f'type = "track" and event = "Event {number}"' for number in range(1, mappings))]
    config = {
        "destination": "rupt",
        "settings": {
            "client_id": "bench",
            "new_account_url": "https://app.example.com/sign-up",
            "domain": f"http://127.0.0.1:{target}",
            "delivery": {"concurrency": concurrency},
        },
        "mappings": [
            {"name": f"Mapping {number}", "action": "attach", "trigger": trigger, "fields": FIELDS}
            for number, trigger in enumerate(triggers)
        ],
    }
    file = folder / "rupt.yaml"
    file.write_text(json.dumps(config), encoding="utf-8")  # JSON is YAML
    return file
