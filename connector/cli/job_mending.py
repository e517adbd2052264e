"""What an edited destination file would make of failed jobs, as rows of JSON and in words."""

from collections.abc import Iterable

import msgspec

from connector.cli.painting import counted
from connector.replanning import Mending


def mending_row(mending: Mending) -> dict[str, object]:
    """Print what becomes of a cluster as JSON."""
    others = [
        {name: value for name, value in msgspec.structs.asdict(other).items() if value} for other in mending.becomes
    ]
    return {"mended": mending.mended, "changed": mending.changed, "stays": mending.stays, "becomes": others}


def mending_words(mending: Mending) -> str:
    """Say what becomes of a cluster."""
    parts = [f"mends {mending.mended:,}"] if mending.mended else []
    if mending.changed:
        parts.append(f"sends {mending.changed:,} as another request, which Rupt may take or not")
    if mending.stays:
        parts.append(f"{mending.stays:,} {'stays' if mending.stays == 1 else 'stay'} as before")
    for other in mending.becomes:
        become = "becomes" if other.count == 1 else "become"
        parts.append(f"{other.count:,} {become} {other.outcome}: {other.sentence}")
    return "; ".join(parts)


def mending_total(name: str, found: Iterable[Mending]) -> str:
    """Say how many jobs an edit would mend in all, and of how many only Rupt can say."""
    every = list(found)
    mended, total = sum(one.mended for one in every), sum(one.total for one in every)
    changed = sum(one.changed for one in every)
    more = f", and send {changed:,} as another request" if changed else ""
    return f"{name} would mend {mended:,} of {counted(total, 'job')}{more}"
