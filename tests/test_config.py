import pytest

from connector.config import PARAMETERS, ServeConfig, default_text, read_config
from connector.errors import UsageError


def test_nothing_given() -> None:
    """Without options and variables the server listens on loopback alone, and takes any write key."""
    config = read_config({}, {})
    assert config == ServeConfig()
    assert (config.host, config.write_keys) == ("127.0.0.1", ())


def test_options_before_variables() -> None:
    """What the command line gives stands before what the environment says."""
    config = read_config({"port": "9000", "data": None}, {"RUPT_PORT": "1", "RUPT_DATA": "there"})
    assert (config.port, config.data) == (9000, "there")


@pytest.mark.parametrize(
    ("variable", "text", "name", "value"),
    [
        ("RUPT_MIN_FREE", "2GB", "min_free", 2_000_000_000),
        ("RUPT_MIN_FREE", "0", "min_free", 0),
        ("RUPT_RETENTION", "2d", "retention", 172_800.0),
        ("RUPT_RETENTION", "60", "retention", 60.0),
        (
            "RUPT_CORS_ORIGINS",
            "https://a.example, https://b.example",
            "cors_origins",
            ("https://a.example", "https://b.example"),
        ),
        ("RUPT_WRITE_KEYS", "one,two", "write_keys", ("one", "two")),
        ("RUPT_TRUST_FORWARDED", "true", "trust_forwarded", True),
        ("RUPT_DELIVER", "false", "deliver", False),
        ("RUPT_STATUS_PORT", "9100", "status_port", 9100),
        ("RUPT_WEBHOOK_HEADER", "X-Secret: abc", "webhook_header", "X-Secret: abc"),
    ],
)
def test_values(variable: str, text: str, name: str, value: object) -> None:
    """Sizes, durations, lists and switches are read from texts."""
    assert getattr(read_config({}, {variable: text}), name) == value


@pytest.mark.parametrize(
    ("given", "environment", "words"),
    [
        ({"port": "many"}, {}, "--port must be a whole number from 0 to 65,535, not 'many'"),
        ({}, {"RUPT_MIN_FREE": "much"}, "RUPT_MIN_FREE must be a size, not 'much'; write 500KB"),
        ({"log_level": "loud"}, {}, "--log-level must be debug, info, warning or error, not 'loud'"),
        ({"retention": "-1"}, {}, "--retention must be a duration"),
    ],
)
def test_wrong_values(given: dict[str, str | None], environment: dict[str, str], words: str) -> None:
    """A wrong value is an error that names the option or the variable, and what to write."""
    with pytest.raises(UsageError, match="must be") as raised:
        read_config(given, environment)
    assert str(raised.value).startswith(words)


def test_secrets_are_not_shown() -> None:
    """No secret stands in an error or in the repr of what was read."""
    with pytest.raises(UsageError) as raised:
        read_config({}, {"RUPT_WEBHOOK_HEADER": "hush-hush"})
    assert "hush" not in str(raised.value)
    config = read_config({}, {"RUPT_WEBHOOK_SECRET": "hush-hush", "RUPT_WRITE_KEYS": "hush-key"})
    assert "hush" not in repr(config)


def test_defaults_are_what_is_read() -> None:
    """What the help shows as a default is what stands when nothing is given."""
    shown = {parameter.name: default_text(parameter) for parameter in PARAMETERS}
    assert (shown["retention"], shown["min_free"], shown["window"], shown["deliver"]) == ("7d", "256MB", "1d", "true")
    given = {name: text for name, text in shown.items() if text}
    assert read_config(given, {}) == ServeConfig()


def test_every_parameter_is_a_field() -> None:
    """What is registered is what the configuration holds."""
    assert [parameter.name for parameter in PARAMETERS] == list(ServeConfig.__struct_fields__)
