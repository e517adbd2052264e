"""`rupt-connector check`: every problem of a destination file, and the tests that stand in it."""

import click

from connector.cli.options import config_option, load_config
from connector.cli.streams import Streams
from connector.expectations import run_tests


@click.command("check")
@config_option
@click.pass_obj
def command(streams: Streams, config: str) -> int:
    """Check a destination file: its keys, triggers, fields and directives, and run the tests in it.

    Exit code 0 when all is well, 1 when a test fails, 2 when the file does not load.
    """
    destination = load_config(streams, config)
    count, failed = run_tests(destination)
    for failure in failed:
        streams.say(failure.problem.render() + "\n")
    mappings = len(destination.mappings)
    off = sum(not mapping.enabled for mapping in destination.mappings)
    disabled = f" ({off} disabled)" if off else ""
    passed = count - len({(failure.mapping, failure.test) for failure in failed})
    verdict = "all tests pass" if count and not failed else f"{passed} of {count} tests pass" if count else "no tests"
    streams.print(f"{config}: {mappings} mapping{'' if mappings == 1 else 's'}{disabled}, {verdict}")
    return 1 if failed else 0
