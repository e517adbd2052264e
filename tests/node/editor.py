"""What an editor asks of yaml-language-server: diagnostics, completions and hover texts, over its standard streams."""

import itertools
import json
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

PATIENCE: Final = 60.0  # seconds for all that one server is asked
SETTINGS: Final = {
    "validate": True,
    "hover": True,
    "completion": True,
    "schemaStore": {"enable": False},  # nothing is fetched
    "kubernetesCRDStore": {"enable": False},
}
_CAPABILITIES: Final = {
    "workspace": {"configuration": True},
    "textDocument": {
        "completion": {"completionItem": {"snippetSupport": True, "documentationFormat": ["markdown", "plaintext"]}},
        "hover": {"contentFormat": ["markdown"]},
        "publishDiagnostics": {},
    },
}


class Editor:
    """One running server and the documents that are open in it."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process
        self._ids = itertools.count(1)
        self._versions = itertools.count(1)
        self._diagnostics: dict[str, list[dict[str, Any]]] = {}
        self._open: set[str] = set()

    def start(self) -> None:
        """Shake hands as an editor does."""
        self._ask("initialize", {"processId": None, "rootUri": None, "capabilities": _CAPABILITIES})
        self._tell("initialized", {})

    def show(self, file: Path, text: str) -> None:
        """Open a document with this text, or put the text in place of what it was."""
        uri = file.as_uri()
        version = next(self._versions)
        if uri in self._open:
            document = {"uri": uri, "version": version}
            self._tell("textDocument/didChange", {"textDocument": document, "contentChanges": [{"text": text}]})
        else:
            self._open.add(uri)
            opened = {"uri": uri, "languageId": "yaml", "version": version, "text": text}
            self._tell("textDocument/didOpen", {"textDocument": opened})

    def diagnose(self, texts: Mapping[Path, str]) -> dict[str, list[str]]:
        """Show documents that were not open yet and give, by their names, what the server finds wrong in each."""
        uris = {file.as_uri(): file.name for file in texts}
        assert self._open.isdisjoint(uris)
        for file, text in texts.items():
            self.show(file, text)
        while not self._diagnostics.keys() >= uris.keys():
            self._receive()
        return {name: [str(problem["message"]) for problem in self._diagnostics[uri]] for uri, name in uris.items()}

    def complete(self, file: Path, line: int, column: int) -> list[dict[str, Any]]:
        """Give what may stand at a place (both count from 0): items with `label`, `insertText`, `documentation`."""
        found = self._ask("textDocument/completion", _place(file, line, column))
        items: list[dict[str, Any]] = found["items"] if isinstance(found, dict) else found or []
        return items

    def hover(self, file: Path, line: int, column: int) -> str:
        """Give the text that is shown over a place, "" for none."""
        found = self._ask("textDocument/hover", _place(file, line, column))
        return str(found["contents"]["value"]) if found else ""

    def _ask(self, method: str, params: object) -> Any:
        asked = next(self._ids)
        self._send({"id": asked, "method": method, "params": params})
        while True:
            message = self._receive()
            if message.get("id") == asked and "method" not in message:
                assert "error" not in message, message["error"]
                return message["result"]

    def _tell(self, method: str, params: object) -> None:
        self._send({"method": method, "params": params})

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self._process.stdin.flush()

    def _receive(self) -> dict[str, Any]:
        """Read one message; what the server asks of an editor is answered, what it finds wrong is kept."""
        stream, length = self._process.stdout, 0
        assert stream is not None
        while (header := stream.readline().strip()) or not length:
            assert header or not length, "the server ended"
            if not header:
                raise EOFError("the server ended")
            name, _, value = header.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        message: dict[str, Any] = json.loads(stream.read(length))
        if message.get("method") == "textDocument/publishDiagnostics":
            self._diagnostics[message["params"]["uri"]] = message["params"]["diagnostics"]
        elif "method" in message and "id" in message:
            self._send({"id": message["id"], "result": _answer(message)})
        return message


def _place(file: Path, line: int, column: int) -> dict[str, Any]:
    return {"textDocument": {"uri": file.as_uri()}, "position": {"line": line, "character": column}}


def _answer(message: dict[str, Any]) -> object:
    if message["method"] == "workspace/configuration":
        return [SETTINGS if item.get("section") == "yaml" else {} for item in message["params"]["items"]]
    return None


@contextmanager
def editing(command: Sequence[str]) -> Iterator[Editor]:
    """Run a server with the block; one that answers no more is ended, and the block fails."""
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        watch = threading.Timer(PATIENCE, process.kill)
        watch.start()
        try:
            editor = Editor(process)
            editor.start()
            yield editor
        finally:
            watch.cancel()
            process.kill()
