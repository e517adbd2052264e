"""What a server says in its folder of the file that it uses: believed while it holds that, never half."""

import asyncio
import fcntl
import io
import os
import threading
from pathlib import Path

from connector.config import ServeConfig
from connector.destination import load
from connector.errors import Sources
from connector.logs import open_logs
from connector.queue.folder import LOCK, FolderLock
from connector.queue.loaded import FILE, Loaded, is_held, read_loaded, write_loaded
from connector.server import open_server
from tests.cli.command import write_config


def said(process: int = 0) -> Loaded:
    """Make what a process says."""
    return Loaded(process or os.getpid(), "/etc/rupt.yaml", Sources({"/etc/rupt.yaml": 1}, ("/etc/*.yaml",)), 5.0)


def test_it_is_believed_of_who_holds_the_folder(tmp_path: Path) -> None:
    """What the holder of the folder says is read; what another process has left there is not."""
    with FolderLock(tmp_path):
        write_loaded(tmp_path, said())
        assert read_loaded(tmp_path) == said()
        write_loaded(tmp_path, said(1))
        assert read_loaded(tmp_path) is None


def test_what_is_cut_off_is_nothing(tmp_path: Path) -> None:
    """A file that is not whole, and one that cannot be written, say nothing."""
    with FolderLock(tmp_path):
        (tmp_path / FILE).write_bytes(b'{"process": 1, "fi')
        assert read_loaded(tmp_path) is None
        write_loaded(tmp_path, said())
        (tmp_path / f"{FILE}.new").mkdir()
        write_loaded(tmp_path, said())
        assert read_loaded(tmp_path) is None


def test_whether_the_folder_is_held(tmp_path: Path) -> None:
    """To look whether a folder is held changes nothing of its lock, and makes none."""
    assert not is_held(tmp_path)
    assert list(tmp_path.iterdir()) == []
    with FolderLock(tmp_path):
        assert is_held(tmp_path)
        assert FolderLock(tmp_path).holder() == os.getpid()
    assert not is_held(tmp_path)


def test_a_server_says_what_it_uses(tmp_path: Path) -> None:
    """A server says which file it uses before it listens, and again soon after an edit, right or wrong."""
    config, data = write_config(tmp_path), tmp_path / "data"

    async def until(wanted: str) -> Loaded:
        async with asyncio.timeout(10):
            while True:
                found = read_loaded(data)
                if found is not None and ("refused" if found.refused else "loaded") == wanted:
                    return found
                await asyncio.sleep(0)

    async def run() -> None:
        serve = ServeConfig(port=0, data=str(data), min_free=0, deliver=False)
        with open_logs(io.StringIO(), level="error") as logs:
            async with open_server(load(config, {}), serve, logs, environment={}, look_every=0.01) as server:
                first = read_loaded(data)
                assert first is not None
                assert (first.file, first.delivers, first.process) == (str(config), False, os.getpid())
                running = asyncio.create_task(server.run())
                config.write_text("destination: no\n", encoding="utf-8")
                await until("refused")
                write_config(tmp_path)
                assert (await until("loaded")).at >= first.at
                server.stop(within=1)
                await running

    asyncio.run(run())


def test_asking_whether_a_folder_is_held_keeps_no_server_from_it(tmp_path: Path) -> None:
    """Who asks shares the lock for a moment only; a server that starts in that moment gets it all the same."""
    lock = FolderLock(tmp_path)
    with lock:
        pass
    asking, done = threading.Event(), threading.Event()

    def ask() -> None:
        file = os.open(tmp_path / LOCK, os.O_RDONLY)
        fcntl.flock(file, fcntl.LOCK_SH)
        asking.set()
        done.wait(0.02)
        os.close(file)

    thread = threading.Thread(target=ask)
    thread.start()
    assert asking.wait(10)
    with lock:
        assert lock.holder() == os.getpid()
    thread.join()


def test_a_link_is_not_written_through(tmp_path: Path) -> None:
    """What stands where the new file is to be written is replaced, not followed."""
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (tmp_path / "loaded.json.new").symlink_to(victim)
    write_loaded(tmp_path, said())
    assert victim.read_text() == "mine"
    assert not (tmp_path / "loaded.json").is_symlink()
