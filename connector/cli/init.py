"""`rupt-connector init`: a first destination file, with words for every setting that matters."""

import shlex
from pathlib import Path
from typing import Final

import click

from connector.cli.streams import Streams, encodable
from connector.errors import UsageError

FIRST: Final = """\
# yaml-language-server: $schema=destination.schema.json
# A destination for Rupt: which events become which action, and how its fields are filled.
# Check it:                  rupt-connector check --config {name}
# Ask about an event:        rupt-connector explain event.json --config {name}
# See what would be sent:    rupt-connector replay --dry-run --config {name} events.ndjson
# Let your editor help:      rupt-connector schema --write {name}
destination: rupt

settings:
  client_id: ${{RUPT_CLIENT_ID}}                       # from Rupt's dashboard
  new_account_url: https://app.example.com/sign-up   # where a challenged person makes an account of their own
  logout_url: https://app.example.com/logout
  # api_secret: ${{RUPT_API_SECRET}}                   # only the action update_user needs it
  # max_event_age: 24h                               # Rupt takes every attach for an access now
  # device_identity: auto                            # auto, strict or optional

mappings:
  - preset: attach-device          # every page view attaches the device; what stands here is added
    fields:
      metadata: {{plan: $.context.traits.plan}}

  - preset: conversions            # Signed Up, Trial Started and Upgraded become Rupt's conversion events

  - name: Attach on purchase       # one of your own
    action: attach
    trigger: type = "track" and event = "Order Completed" and userId != null
    fields:
      account: $.userId
      email: $.context.traits.email
      event: purchase
    tests:
      - name: a purchase attaches the device
        event: {{type: track, event: Order Completed, userId: user-42, anonymousId: anon-1}}
        expect: {{account: user-42, event: purchase}}
"""


@click.command("init")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), default=Path("rupt.yaml"))
@click.pass_obj
def command(streams: Streams, file: Path) -> int:
    """Write a first destination file (rupt.yaml, or FILE) with comments; an existing file is never touched."""
    try:
        with file.open("x", encoding="utf-8") as written:
            written.write(FIRST.format(name=encodable(shlex.quote(str(file))).replace("\n", "?")))
    except FileExistsError:
        raise UsageError(f"{file} is there already; name another file or move it away") from None
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}") from None
    check = shlex.join(["rupt-connector", "check", "--config", str(file)])
    streams.say(f"{file} written. Next:\n  export RUPT_CLIENT_ID=...    (from Rupt's dashboard)\n  {check}")
    return 0
