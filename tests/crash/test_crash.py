"""The server is killed again and again, at every step from receipt to end and at any moment, and nothing is lost.

A real SDK sends meanwhile, in a process of its own, and the stand-in for Rupt gets a tenth of all requests wrong.
CRASH_KILLS makes it last longer.
"""

import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from connector.steps import STEPS
from tests.crash.chain import run_chain

KILLS: Final = int(os.environ.get("CRASH_KILLS", "300"))
CHAINS: Final = ("none", "account")  # at the same time, each in a folder of its own, with this ordering
SEED: Final = int(os.environ.get("CRASH_SEED", "1"))


def test_nothing_is_lost_and_nothing_is_sent_twice_unsaid(tmp_path: Path) -> None:
    """Every event the SDK sent is delivered or refused by a fault; every second delivery is in doubt in the ledger."""
    with ThreadPoolExecutor(len(CHAINS)) as pool:
        folders = [tmp_path / ordering for ordering in CHAINS]
        for folder in folders:
            folder.mkdir()
        futures = [
            pool.submit(run_chain, folder, seed=SEED + number, kills=KILLS // len(CHAINS), ordering=ordering)
            for number, (folder, ordering) in enumerate(zip(folders, CHAINS, strict=True))
        ]
        chains = [future.result() for future in futures]
    kills, counts = Counter[str](), Counter[str]()
    for number, chain in enumerate(chains):
        found = [f"seed {SEED + number}, {chain.kills}, {chain.outcome.counts}", *chain.outcome.wrong[:20]]
        assert not chain.outcome.wrong, "\n".join(found)
        kills += chain.kills
        counts += chain.outcome.counts
    assert kills.total() >= KILLS
    assert kills.keys() == {*STEPS, "start", "at work"}, kills
    assert counts["killed_while_sending"] > KILLS / 10, counts
    assert min(counts["retried"], counts["in_doubt"], counts["delivered_twice"], counts["dead"]) > KILLS / 30, counts
