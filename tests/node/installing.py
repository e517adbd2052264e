"""What the tests run under Node, installed by npm in the versions of package-lock.json."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

NODE = Path(__file__).parent
PATIENCE = 120.0  # seconds for npm


def must_run() -> bool:
    """In CI a missing Node is no excuse."""
    return bool(os.environ.get("CI"))


def install_modules(config: pytest.Config) -> Path:
    """Give the folder node_modules, installed once for each state of package-lock.json; skip where it cannot be."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        if must_run():
            pytest.fail("CI is set, so Node and npm must be installed")
        pytest.skip("needs Node and npm")
    assert config.cache is not None
    folder = config.cache.mkdir("node-sdks")
    installed = folder / "installed.json"
    lock = (NODE / "package-lock.json").read_text(encoding="utf-8")
    if not installed.exists() or installed.read_text(encoding="utf-8") != lock:
        _install(folder)
        installed.write_text(lock, encoding="utf-8")
    return folder / "node_modules"


def _install(folder: Path) -> None:
    for name in ("package.json", "package-lock.json"):
        shutil.copy(NODE / name, folder / name)
    command = ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    npm = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE, check=False)
    if npm.returncode != 0 and not must_run():
        pytest.skip(f"npm cannot install them: {npm.stderr[-300:]}")
    assert npm.returncode == 0, npm.stderr
