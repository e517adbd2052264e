"""The server as a victim: composed as `serve` composes it, but for a hook that kills it at a step."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from connector.app import run_loop
from connector.config import ServeConfig
from connector.destination import load
from connector.logs import open_logs
from connector.queue.desk import Desk
from connector.queue.desk_audit import audit
from connector.server import Server, open_server
from connector.steps import Step

_LOOK_EVERY: Final = 0.2  # seconds between two looks whether all is delivered
_RELOAD_AFTER: Final = 0.02  # seconds: when it is at work


def serve_events(
    folder: Path, say: Callable[[str], object], *, config: str, port: int, step: str, turn: int, until: str
) -> None:
    """Serve until killed: when `step` is reached for the `turn`-th time, and by this process itself.

    With `until` it ends in order, once that file is there and nothing is left to be delivered.
    """
    destination = load(config, {})
    settings = ServeConfig(port=port, data=str(folder), min_free=0)

    async def serve() -> None:
        with open_logs(sys.stderr, level="error") as logs:
            async with open_server(
                destination, settings, logs, environment={}, step=_killer(step, turn, say)
            ) as server:
                say("listening")
                if step == "reload":
                    asyncio.get_running_loop().call_later(_RELOAD_AFTER, server.reload)
                ending = asyncio.create_task(_end(server, folder, Path(until))) if until else None
                await server.run()
                assert ending is not None, "a server ended by itself"
                await ending

    run_loop(serve())


def _killer(step: str, turn: int, say: Callable[[str], object]) -> Step:
    """Make the hook."""
    reached = 0

    def at(name: str) -> None:
        nonlocal reached
        if name != step:
            return
        reached += 1
        if reached == turn:
            say(f"at {name}")
            os.kill(os.getpid(), signal.SIGKILL)

    return at


async def _end(server: Server, folder: Path, until: Path) -> None:
    while not (until.exists() and _is_drained(folder)):
        await asyncio.sleep(_LOOK_EVERY)
    server.stop(within=5.0)


def _is_drained(folder: Path) -> bool:
    with Desk(folder) as desk:
        total = audit(desk).ledger.total
    return total.unfinished + total.held == 0
