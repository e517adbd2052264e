"""Every metric, registered once: its name, what it says, its labels. The README's table is printed from here.

Names follow Prometheus: one prefix, base units, `_total` for what only grows.
"""

from typing import Final, Literal

import msgspec

PREFIX: Final = "rupt_connector_"

# The least and the longest that are told apart, in seconds.
_ACCEPT: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_REQUEST: Final = (0.005, *_ACCEPT[3:], 30.0)
_DELIVERY: Final = (*_ACCEPT[3:], 30.0, 60.0, 300.0, 900.0, 1_800.0, 3_600.0, 7_200.0, 14_400.0)


class Family(msgspec.Struct, frozen=True):
    """One metric: `name` is without prefix and suffix, `help` a sentence; only a histogram has buckets."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()

    @property
    def full_name(self) -> str:
        """Give the name under which it is asked for."""
        return f"{PREFIX}{self.name}{'_total' if self.kind == 'counter' else ''}"


# What the process counts from its start.
COUNTED: Final = (
    Family("received_requests", "counter", "Requests with events that were accepted.", ("source",)),
    Family("refused_requests", "counter", "Refused requests; 503 asks to wait, 499 had gone.", ("source", "status")),
    Family("received_bytes", "counter", "Bytes of the bodies that brought events."),
    Family("received_events", "counter", "Events that were received, whatever became of them.", ("source",)),
    Family("discarded_events", "counter", "Events that could not be read as such.", ("reason",)),
    Family("filtered_events", "counter", "Events that no mapping took.", ("mapping", "reason")),
    Family("accepted_jobs", "counter", "Jobs put into the queue, each an event for a mapping."),
    Family("duplicate_jobs", "counter", "Jobs that had been accepted before, and were left alone."),
    Family("accept_seconds", "histogram", "From a request's arrival until its jobs were on disk.", (), _ACCEPT),
    Family("attempts", "counter", "Requests to Rupt, by class of status, timeout or network.", ("mapping", "status")),
    Family("retried_attempts", "counter", "Requests to Rupt that were not the first of their job.", ("mapping",)),
    Family("in_doubt_attempts", "counter", "Requests to Rupt that may have landed without an answer.", ("mapping",)),
    Family("request_seconds", "histogram", "From a request to Rupt until its answer or failure.", (), _REQUEST),
    Family("delivered_jobs", "counter", "Jobs that Rupt took.", ("mapping",)),
    Family("skipped_jobs", "counter", "Jobs that had nothing to send.", ("mapping", "reason")),
    Family("invalid_jobs", "counter", "Jobs whose payload did not pass the schema.", ("mapping",)),
    Family("dead_jobs", "counter", "Jobs that became dead letters.", ("mapping", "reason")),
    Family("held_jobs", "counter", "Jobs that were held, each time.", ("mapping", "reason")),
    Family("accept_to_delivered_seconds", "histogram", "From accepting a job until Rupt took it.", (), _DELIVERY),
    Family("config_generation", "gauge", "Versions of the destination file that took effect, the first included."),
    Family("config_last_reload_successful", "gauge", "0 while the file's last edit is refused and the old one stays."),
    Family("build_info", "gauge", "Always 1; what runs.", ("version", "python")),
    Family("readings_ok", "gauge", "0 when the queue could not be read: the metrics below are missing then."),
)
# What is read at each scrape.
READ: Final = (
    Family("queue_jobs", "gauge", "Jobs that are waiting, sending or held.", ("mapping", "state")),
    Family("oldest_job_age_seconds", "gauge", "Since the oldest waiting job was accepted; 0 when none waits."),
    Family("ledger_jobs", "gauge", "The ledger, over restarts: jobs accepted, and where they are now.", ("state",)),
    Family("ledger_in_doubt_attempts", "gauge", "The ledger, over restarts: attempts in doubt, by crashes too."),
    Family("ledger_balanced", "gauge", "1 while everything accepted is accounted for."),
    Family("concurrency_limit", "gauge", "How many requests to Rupt may be in flight now."),
    Family("in_flight_requests", "gauge", "How many requests to Rupt are in flight."),
    Family("circuit_state", "gauge", "1 for the state in which the circuit to Rupt is.", ("state",)),
    Family("delivery_held", "gauge", "1 while nothing is sent for this reason.", ("reason",)),
    Family("ready", "gauge", "1 while /readyz says so."),
)
FAMILIES: Final = COUNTED + READ


def metrics_table() -> str:
    """Print all metrics as a table in Markdown, without a newline at its end."""
    rows = (
        f"| `{family.full_name}` | {family.kind} | {', '.join(f'`{name}`' for name in family.labels)} | {family.help} |"
        for family in FAMILIES
    )
    return "\n".join(("| metric | type | labels | what it says |", "|---|---|---|---|", *rows))
