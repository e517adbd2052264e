"""The settings of the server process: each is registered once, with its option, its variable and what it takes.

In: what the command line gave and the environment, read once. Out: a frozen ServeConfig, or UsageError that names the
option or variable. What Rupt is sent, and how, is not settled here but in the destination file.
"""

import re
from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from connector.errors import UsageError
from connector.setting_kinds import Reader, Taken, Wrong, count, duration, one_of, read_text, read_texts
from connector.settings import plain
from connector.values import JSON

PREFIX: Final = "RUPT_"
DEFAULT_DATA: Final = "rupt-data"
_SIZES: Final = {"": 1, "kb": 1_000, "mb": 1_000_000, "gb": 1_000_000_000}
_SHOWN: Final = {
    "TIME": (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)),
    "SIZE": (("MB", 1_000_000), ("KB", 1_000)),
}
_SIZE: Final = re.compile(r"([0-9]{1,15})\s*(|kb|mb|gb)", re.IGNORECASE)


class ServeConfig(msgspec.Struct, frozen=True):
    """How the server runs. Durations are in seconds, sizes in bytes. What is secret is in no repr."""

    host: str = "127.0.0.1"
    port: int = 8080
    data: str = DEFAULT_DATA
    status_port: int | None = None
    capacity: int = 1_000_000
    min_free: int = 256_000_000
    retention: float = 604_800.0
    dead_retention: float = 2_592_000.0
    window: float = 86_400.0
    stop_within: float = 25.0
    body_limit: int = 1_000_000
    body_timeout: float = 30.0
    memory_limit: int = 64_000_000
    connections: int = 1_000
    cors_origins: tuple[str, ...] = ("*",)
    trust_forwarded: bool = False
    write_keys: tuple[str, ...] = ()
    webhook_secret: str | None = None
    webhook_header: str | None = None
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    deliver: bool = True

    def __repr__(self) -> str:
        return f"ServeConfig({self.host!r}, {self.port!r}, {self.data!r})"


class Parameter(msgspec.Struct, frozen=True):
    """One setting of the process: its name, what it takes, and what it is for. A secret has no option, only a variable.

    The option of `body_limit` is --body-limit, its variable RUPT_BODY_LIMIT.
    """

    name: str
    read: Reader
    help: str
    secret: bool = False
    metavar: str = "TEXT"

    @property
    def option(self) -> str:
        """Name the option."""
        return f"--{self.name.replace('_', '-')}"

    @property
    def variable(self) -> str:
        """Name the environment variable."""
        return f"{PREFIX}{self.name.upper()}"


def read_size(value: JSON) -> Taken:
    """Take bytes, as a number or as a text such as 500KB, 256MB, 2GB."""
    found = _SIZE.fullmatch(str(value).strip()) if isinstance(value, str | int) and value is not True else None
    if found is None:
        return Wrong("must be a size", "write 500KB, 256MB or a number of bytes")
    return int(found[1]) * _SIZES[found[2].lower()]


def read_list(value: JSON) -> Taken:
    """Take texts with commas between them."""
    if not isinstance(value, str):
        return read_texts(value)
    return [text.strip() for text in value.split(",") if text.strip()]


def read_switch(value: JSON) -> Taken:
    """Take true or false, as a text too."""
    found = {"true": True, "1": True, "false": False, "0": False, "": False}.get(str(value).lower())
    return Wrong("must be true or false", "write true or false") if found is None else found


def read_header(value: JSON) -> Taken:
    """Take a header and its value, as in `X-Secret: abc`."""
    if isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9-]+:\s*\S.*", value):
        return value
    return Wrong("must be a header and its value", "write X-Secret: abc")


def number(least: int, most: int) -> Reader:
    """Take a whole number."""
    take = count(least=least, most=most)

    def read(value: JSON) -> Taken:
        taken = take(value)
        return Wrong(taken.must, "write 8080") if isinstance(taken, Wrong) else taken

    return read


PARAMETERS: Final = (
    Parameter("host", read_text, "Where to listen; 0.0.0.0 or :: is every interface."),
    Parameter("port", number(0, 65_535), "The port to listen on; 0 takes any that is free.", metavar="N"),
    Parameter("data", read_text, "The folder of the queue; it is made when it is not there.", metavar="DIR"),
    Parameter(
        "status_port", number(0, 65_535), "Serve /healthz, /readyz and /metrics on a port of their own.", metavar="N"
    ),
    Parameter(
        "capacity",
        number(1, 1_000_000_000),
        "Jobs that may wait before senders are told to; a batch is taken whole.",
        metavar="N",
    ),
    Parameter("min_free", read_size, "Room on the disk below which senders are told to wait.", metavar="SIZE"),
    Parameter("retention", duration(), "How long finished jobs are kept, for `why` and `jobs`.", metavar="TIME"),
    Parameter("dead_retention", duration(), "How long dead letters are kept.", metavar="TIME"),
    Parameter("window", duration(), "How long an event that comes again is known for the same.", metavar="TIME"),
    Parameter("stop_within", duration(), "How long a stop waits for requests in flight.", metavar="TIME"),
    Parameter("body_limit", read_size, "The largest request, unzipped or not.", metavar="SIZE"),
    Parameter("body_timeout", duration(), "How long a client may take for a request.", metavar="TIME"),
    Parameter("memory_limit", read_size, "What all requests at work may hold together.", metavar="SIZE"),
    Parameter("connections", number(1, 100_000), "Connections at a time.", metavar="N"),
    Parameter("cors_origins", read_list, "Web sites whose pages may send, with commas; * is any.", metavar="LIST"),
    Parameter(
        "trust_forwarded", read_switch, "Believe X-Forwarded-Host and -Proto: a proxy sets them.", metavar="BOOLEAN"
    ),
    Parameter("write_keys", read_list, "Take only these write keys, with commas between them.", secret=True),
    Parameter("webhook_secret", read_text, "Check the X-Signature of webhooks with it.", secret=True),
    Parameter("webhook_header", read_header, "A header that webhook batches must bring: `X-Secret: abc`.", secret=True),
    Parameter("log_level", one_of("debug", "info", "warning", "error"), "The least that is logged.", metavar="LEVEL"),
    Parameter("deliver", read_switch, "Deliver what is received; false only receives.", metavar="BOOLEAN"),
)


def default_text(parameter: Parameter) -> str:
    """Write what stands when a parameter is not given, as one would write it; empty for nothing."""
    value = getattr(ServeConfig(), parameter.name)
    if value is None:
        return ""
    if isinstance(value, tuple):
        return ",".join(value)
    for unit, size in _SHOWN.get(parameter.metavar, ()):
        if value >= size and value % size == 0:
            return f"{int(value // size)}{unit}"
    return str(value).lower() if isinstance(value, bool) else str(value)


def read_config(given: Mapping[str, str | None], environment: Mapping[str, str]) -> ServeConfig:
    """Read the options that were given by name, then the variables. Raises UsageError; a secret's value is not told."""
    found: dict[str, JSON] = {}
    for parameter in PARAMETERS:
        name, text = parameter.option, given.get(parameter.name)
        if text is None:
            name, text = parameter.variable, environment.get(parameter.variable)
        if text is not None and text != "":
            found[parameter.name] = _read(parameter, name, text)
    return msgspec.convert(found, ServeConfig)


def _read(parameter: Parameter, name: str, text: str) -> JSON:
    value = parameter.read(plain(text))
    if isinstance(value, Wrong):  # a secret may look like a number, and be none
        value = parameter.read(text)
    if isinstance(value, Wrong):
        what = "" if parameter.secret else f", not {text!r}"
        raise UsageError(f"{name} {value.must}{what}; {value.help}")
    return value
