"""The wheel: what is in it, and that it works when it is installed somewhere else."""

import importlib.util
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[1]
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
DATA = {
    "connector/_data/mappings": ROOT / "mappings",
    "connector/_data/schemas": ROOT / "schemas",
    "connector/_data/samples/sdk": ROOT / "tests" / "samples" / "sdk",
}


class Installed(NamedTuple):
    """A wheel, the folder that it was installed in, and an empty folder to work in."""

    wheel: Path
    folder: Path
    elsewhere: Path

    def run(self, *args: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the installed command in the empty folder; the repository is not where Python looks first."""
        return _run([str(self.folder / "bin" / "rupt-connector"), *args], self.elsewhere, self.folder, environment)


def _run(
    args: Sequence[str], cwd: Path, folder: Path | None = None, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    kept = {key: os.environ[key] for key in ("PATH", "HOME", "LANG", "TMPDIR") if key in os.environ}
    path = {} if folder is None else {"PYTHONPATH": str(folder)}
    quiet = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        args, cwd=cwd, env={**kept, **quiet, **path, **(environment or {})}, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Build the wheel and install it, without its dependencies: those are here already."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip"]
    isolation = ["--no-build-isolation"] if importlib.util.find_spec("hatchling") else []
    built = _run([*pip, "wheel", ".", "--no-deps", *isolation, "--wheel-dir", str(folder)], ROOT)
    assert built.returncode == 0, built.stderr
    (wheel,) = folder.glob("*.whl")
    target = folder / "installed"
    put = _run([*pip, "install", "--no-deps", "--no-index", "--target", str(target), str(wheel)], folder)
    assert put.returncode == 0, put.stderr
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    return Installed(wheel, target, elsewhere)


def test_what_the_wheel_carries(installed: Installed) -> None:
    """The wheel carries the package with its types, the presets, the schemas and the recorded requests, as they are."""
    with ZipFile(installed.wheel) as archive:
        names = set(archive.namelist())
        for inside, outside in DATA.items():
            files = [file for file in outside.iterdir() if file.is_file()]
            assert files
            for file in files:
                assert archive.read(f"{inside}/{file.name}") == file.read_bytes()
    package = [file for kind in ("*.py", "*.sql") for file in (ROOT / "connector").rglob(kind)]
    modules = {str(file.relative_to(ROOT)) for file in package}
    data = {name for name in names if name.startswith("connector/")} - modules
    assert "connector/py.typed" in names
    assert modules <= names
    assert data == {"connector/py.typed"} | {
        f"{inside}/{file.name}" for inside, outside in DATA.items() for file in outside.iterdir()
    }
    assert {name.partition("/")[0] for name in names} == {"connector", f"rupt_connector-{VERSION}.dist-info"}


def test_the_installed_package_is_the_one_that_runs(installed: Installed) -> None:
    """From another folder the installed package is imported, not the repository's."""
    done = _run(
        [sys.executable, "-c", "import connector; print(connector.__file__)"], installed.elsewhere, installed.folder
    )
    assert done.stderr == ""
    assert Path(done.stdout.strip()).parent == installed.folder / "connector"


def test_the_version(installed: Installed) -> None:
    """The command tells its version."""
    done = installed.run("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"rupt-connector {VERSION}\n", "")


def test_a_schema(installed: Installed) -> None:
    """The schemas come from inside the package."""
    done = installed.run("schema", "attach")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == json.loads((ROOT / "schemas" / "attach.schema.json").read_text(encoding="utf-8"))


def test_a_first_file(installed: Installed) -> None:
    """The first file that `init` writes passes `check`, with the presets from inside the package."""
    written = installed.run("init")
    assert (written.returncode, written.stdout) == (0, "")
    done = installed.run("check", RUPT_CLIENT_ID="an-id")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"rupt\.yaml: 3 mappings, all \d+ tests pass\n\d+ notes \(--notes prints them\)\n", done.stdout)
    unset = installed.run("check")
    assert unset.returncode == 2
    assert "error[unset_variable]" in unset.stderr


def test_the_demo(installed: Installed) -> None:
    """The demo runs from the wheel alone, and ends by itself."""
    done = installed.run("demo")
    assert (done.returncode, "Traceback" in done.stderr) == (0, False)
    assert "delivered" in done.stdout
    assert str(ROOT) not in done.stdout + done.stderr


def test_the_server(installed: Installed) -> None:
    """The server runs from the wheel alone, with the SQL from inside the package, and ends in order."""
    config = installed.elsewhere / "served.yaml"
    config.write_text(
        "destination: rupt\nsettings: {client_id: c, new_account_url: https://app.example.com/}\n"
        "mappings: [{preset: attach-device}]\n",
        encoding="utf-8",
    )
    command = [str(installed.folder / "bin" / "rupt-connector"), "serve", "-c", str(config), "--port", "0"]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(installed.folder), "RUPT_MIN_FREE": "1MB"}
    with subprocess.Popen(
        command, cwd=installed.elsewhere, env=environment, stderr=subprocess.PIPE, text=True
    ) as server:
        assert server.stderr is not None
        try:
            assert json.loads(server.stderr.readline())["event"] == "listening"
            server.terminate()
            assert server.wait(20) == 0
        finally:
            server.kill()
    done = installed.run("audit")
    assert (done.returncode, "balances" in done.stderr) == (0, True)
