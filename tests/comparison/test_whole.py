"""The plan against two whole dry runs: what it counts is what a comparison of all their rows counts."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.cli.command import call, lines

Row = dict[str, Any]
Spec = dict[str, Any]

TRIGGERS = [
    'type = "page"',
    'type = "track"',
    'type = "page" or type = "track"',
    'type = "track" and event = "A"',
    'type = "track" and event in ["A", "B"]',
    '(type = "track" and event = "B") or properties.plan = "pro"',
    'type = "page" and properties.plan != "pro"',
    '!(type = "page" and properties.plan = "pro")',
    'type = "page" and context.traits.plan = null',
]
ACCOUNTS: list[Any] = ["$.userId", "$.properties.id", {"@if": {"exists": "$.userId", "then": "$.userId", "else": "x"}}]
EMAILS: list[Any] = [
    None,
    "$.properties.email",
    {"@if": {"exists": "$.context.traits.email", "then": "$.context.traits.email", "else": "$.properties.email"}},
    {"@if": {"exists": "$.context.traits.email", "then": "$.context.traits.email", "else": "$.userId"}},
    {"@case": {"operator": "lower", "value": "$.properties.email"}},
    {"@case": {"operator": "upper", "value": "$.properties.email"}},
]
METADATA: list[Any] = [
    None,
    {"plan": "$.properties.plan"},
    {"plan": "$.context.traits.plan", "title": "{{name}} ({{properties.plan}})"},
    {"title": "{{name}} ({{properties.plan}})", "plan": "$.context.traits.plan"},
    {"plan": {"@transform": {"apply": "$.properties", "mapping": {"of": "$.plan"}}}},
    "$.properties",
]
PAGES: list[Any] = [None, True, False, "$.properties.flag"]
SETTINGS: dict[str, list[Any]] = {
    "logout_url": [None, "https://app.example.com/logout"],
    "domain": [None, None, None, "rupt.example.com"],
    "device_identity": ["auto", "auto", "strict", "optional"],
    "max_event_age": ["24h", "24h", "none", "1000d"],
    "consent_categories": [None, None, None, ["ads"], ["ads", "stats"]],
}


def specs() -> st.SearchStrategy[Spec]:
    """Draw mappings: what stands under their names."""
    return st.fixed_dictionaries(
        {
            "action": st.sampled_from(["attach", "attach", "attach", "detach"]),
            "enabled": st.sampled_from([True, True, True, False]),
            "trigger": st.sampled_from(TRIGGERS),
            "account": st.sampled_from(ACCOUNTS),
            "email": st.sampled_from(EMAILS),
            "metadata": st.sampled_from(METADATA),
            "include_page": st.sampled_from(PAGES),
        }
    )


@st.composite
def edited(draw: st.DrawFn) -> tuple[Spec, Spec]:
    """Draw a mapping and an edit of it: most keys stay as they are."""
    old = draw(specs())
    other = draw(specs())
    keys = draw(st.sets(st.sampled_from(sorted(old)), max_size=3))
    return old, {key: other[key] if key in keys else old[key] for key in old}


@st.composite
def files(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """Draw two versions of a destination file."""
    before, after = [], []
    for name in ("One", "Two", "Three"):
        old, new = draw(edited())
        where = draw(st.sampled_from(["both", "both", "both", "both", "old", "new", "renamed"]))
        if where != "new":
            before.append(mapping(name, old))
        if where != "old":
            after.append(mapping(f"{name} again" if where == "renamed" else name, new))
    old_settings = {name: draw(st.sampled_from(values)) for name, values in SETTINGS.items()}
    changed = draw(st.sets(st.sampled_from(sorted(SETTINGS)), max_size=1))
    new_settings = {
        name: draw(st.sampled_from(SETTINGS[name])) if name in changed else value
        for name, value in old_settings.items()
    }
    return whole(old_settings, before), whole(new_settings, after)


def mapping(name: str, spec: Spec) -> Spec:
    """Write a mapping; the fields that its action does not have are left out."""
    fields = {key: spec[key] for key in ("account", "email", "metadata", "include_page") if spec[key] is not None}
    if spec["action"] == "detach":
        fields = {"account": spec["account"], "device": "$.properties.device"}
    return {"name": name, **{key: spec[key] for key in ("action", "enabled", "trigger")}, "fields": fields}


def whole(chosen: dict[str, Any], mappings: list[Spec]) -> dict[str, Any]:
    """Write a destination file."""
    known = {"client_id": "id", "new_account_url": "https://app.example.com/"}
    return {
        "destination": "rupt",
        "settings": known | {name: value for name, value in chosen.items() if value is not None},
        "mappings": mappings,
    }


def maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Draw a value, or null, which is removed."""
    return st.none() | values


@st.composite
def events(draw: st.DrawFn) -> list[Row]:
    """Draw a recording; some messageIds come twice, but never one behind the other."""
    number = draw(st.integers(1, 12))
    ids = [f"m-{draw(st.integers(0, 8))}" for _ in range(number)]
    found = [event(draw, name) for name in ids]
    return [one for at, one in enumerate(found) if not at or ids[at - 1] != ids[at]]


def event(draw: st.DrawFn, message_id: str) -> Row:
    """Draw one event."""
    kind = draw(st.sampled_from(["page", "page", "track", "track", "identify"]))
    plan, email = st.sampled_from(["pro", "free", 1, True]), st.sampled_from(["A@x.example", "b@x.example", ""])
    properties = {
        "id": draw(maybe(st.sampled_from(["p-1", {"a": 1}]))),
        "plan": draw(maybe(plan)),
        "email": draw(maybe(email)),
        "flag": draw(maybe(st.sampled_from([True, "false", "maybe"]))),
        "device": draw(maybe(st.sampled_from(["d-1", ".."]))),
    }
    traits = {"email": draw(maybe(email)), "plan": draw(maybe(plan))}
    consent = draw(maybe(st.fixed_dictionaries({"ads": st.booleans(), "stats": st.booleans()})))
    made = {
        "type": kind,
        "messageId": message_id,
        "userId": draw(st.sampled_from(["u-1", "u-2", None])),
        "anonymousId": draw(st.sampled_from(["a-1", "a-2"])),
        "event": draw(st.sampled_from(["A", "B", "C"])) if kind == "track" else None,
        "name": draw(maybe(st.sampled_from(["Home", "Docs"]))),
        "timestamp": draw(st.sampled_from(["2026-11-21T08:00:00.000Z", "2024-11-21T08:00:00.000Z", "2001-01-01"])),
        "integrations": draw(st.sampled_from([{}, {}, {"Rupt": False}])),
        "context": {"traits": _present(traits), "consent": {"categoryPreferences": consent} if consent else None},
        "properties": _present(properties),
    }
    return _present(made)


def _present(values: Row) -> Row:
    return {key: value for key, value in values.items() if value is not None}


def dry_run(config: Path, recording: Path, *words: str) -> list[list[Row]]:
    """Run `replay --dry-run --json`; give the rows of each event."""
    done = call("replay", "--dry-run", "--json", *words, "--config", config, recording)
    assert done.code == 0, done.err
    runs: list[list[Row]] = []
    for row in done.rows:
        if runs and runs[-1][0]["messageId"] == row["messageId"]:
            runs[-1].append(row)
        else:
            runs.append([row])
    return runs


def kind_of(old: Row | None, new: Row | None) -> str | None:
    """Name the change between two rows of one event and mapping, as the plan should."""
    if old is None or new is None:
        return None if old is new else "no_longer_matched" if new is None else "newly_matched"
    if old["outcome"] != new["outcome"]:
        if new["outcome"] == "planned":
            return {"invalid": "newly_valid", "skipped": "no_longer_skipped"}[old["outcome"]]
        return f"newly_{new['outcome']}"
    keys = {"planned": ["payload"], "invalid": ["problems"], "skipped": ["reason"]}[old["outcome"]]
    if any(text(old.get(key)) != text(new.get(key)) for key in keys):
        return "payload_changed" if old["outcome"] == "planned" else "reason_changed"
    same = all(text(old.get(key)) == text(new.get(key)) for key in ("request", "warnings"))
    return None if old["outcome"] != "planned" or same else "request_changed"


def text(value: Any) -> str:
    """Print a value so that 1 and true differ."""
    return json.dumps(value, sort_keys=True)


def naive(old: list[list[Row]], new: list[list[Row]], was: dict[str, str]) -> tuple[int, Counter[tuple[Any, str]]]:
    """Compare two dry runs row by row: how many events change, and how many times each mapping changes how."""
    changed, kinds = 0, Counter[tuple[Any, str]]()
    for before, after in zip(old, new, strict=True):
        rows: dict[Any, Row] = {row["mapping"]: row for row in before}
        others: dict[Any, Row] = {was.get(str(row["mapping"]), row["mapping"]): row for row in after}
        now = {old_name: name for name, old_name in was.items()}
        found = Counter[tuple[Any, str]]()
        for name in (rows.keys() | others.keys()) - {None}:
            kind = kind_of(rows.get(name), others.get(name))
            if kind:
                found[now.get(str(name), name), kind] += 1
        if None in rows and None in others and rows[None]["reason"] != others[None]["reason"]:
            found[None, "reason_changed"] += 1
        kinds += found
        changed += bool(found)
    return changed, kinds


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(versions=files(), recorded=events())
def test_the_plan_counts_what_two_dry_runs_differ_in(
    tmp_path_factory: Any, versions: tuple[dict[str, Any], dict[str, Any]], recorded: list[Row]
) -> None:
    """Counts of the plan are those of a naive comparison of two full dry runs, on any edit and any events."""
    folder = tmp_path_factory.mktemp("plan")
    old, new, recording = folder / "old.yaml", folder / "new.yaml", folder / "events.jsonl"
    old.write_text(json.dumps(versions[0]), encoding="utf-8")
    new.write_text(json.dumps(versions[1]), encoding="utf-8")
    recording.write_bytes(lines(*recorded))
    done = call("plan", "--from", old, "--to", new, "--json", recording)
    *groups, summary = done.rows
    was = {row["name"]: row["was"] for row in summary["mappings"] if "was" in row}
    ages = {version["settings"].get("max_event_age") for version in versions}
    words = ("--allow-stale",) if len(ages) == 1 else ()  # a plan looks at ages only where they were edited
    before, after = dry_run(old, recording, *words), dry_run(new, recording, *words)
    changed, kinds = naive(before, after, was)
    told = Counter({(row["name"], kind): n for row in summary["mappings"] for kind, n in row["changes"].items()})
    told[None, "reason_changed"] = sum(row["count"] for row in groups if row["mapping"] is None)
    assert (summary["changed"], +told) == (changed, kinds)
    taken = [run for run in after if run[0]["mapping"]]
    all_stale = taken and all(any("stale" in row.get("reason", "") for row in run) for run in taken)
    assert done.code == (5 if changed else 4 if all_stale else 0)
    outcomes = {
        outcome: {"before": count(before, outcome), "after": count(after, outcome)}
        for outcome in ("planned", "skipped", "invalid", "filtered")
    }
    assert summary["outcomes"] == {name: both for name, both in outcomes.items() if any(both.values())}
    assert all(row["count"] and row["samples"] and row["cause"] for row in groups)


def count(runs: list[list[Row]], outcome: str) -> int:
    """Count the rows of an outcome."""
    return sum(row["outcome"] == outcome for run in runs for row in run)
