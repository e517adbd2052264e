"""What the pipeline makes of fields and an event: a mapping for exactly these fields, compiled once for each set."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from connector.destination import Destination, load
from connector.pipeline import Plan, Planned, Planner, Skipped, compile_plan
from connector.values import JSON

SETTINGS = "client_id: an-id, api_secret: s3cret, new_account_url: https://one.example/new"


def load_text(text: str, **environment: str) -> Destination:
    """Load the text of a destination file."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "rupt.yaml"
        file.write_text(text, encoding="utf-8")
        return load(file, environment)


@cache
def planner(action: str, names: tuple[str, ...], settings: str) -> Planner:
    """Compile a mapping whose fields are what stands under `fields` of an event."""
    fields = ", ".join(f"{name}: $.fields.{name}" for name in names)
    destination = load_text(
        f"destination: rupt\nsettings: {{{SETTINGS}{', ' * bool(settings)}{settings}}}\n"
        f'mappings: [{{name: One, action: {action}, trigger: type != "", fields: {{{fields}}}}}]\n'
    )
    return compile_plan(destination.mappings[0], destination.settings)


def plan_of(action: str, fields: dict[str, JSON], event: dict[str, JSON], settings: str = "") -> Plan:
    """Plan an event with a mapping that has these fields and gives these values."""
    return planner(action, tuple(fields), settings)({**event, "fields": fields}, None)


def planned(action: str, fields: dict[str, JSON], event: dict[str, JSON], settings: str = "") -> Planned:
    """Plan an event that makes a request."""
    plan = plan_of(action, fields, event, settings)
    assert isinstance(plan, Planned), plan
    return plan


def reason(action: str, fields: dict[str, JSON], event: dict[str, JSON], settings: str = "") -> str:
    """Plan an event that makes none, and give the reason."""
    plan = plan_of(action, fields, event, settings)
    assert isinstance(plan, Skipped), plan
    return plan.reason
