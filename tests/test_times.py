from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.times import corrected_timestamp, cutoff_at, event_time, is_before
from connector.values import JSON

NOON = 1_795_262_400.0  # 2026-11-21T12:00:00Z


@pytest.mark.parametrize(
    ("timestamp", "seconds"),
    [
        ("2026-11-21T12:00:00.000Z", NOON),
        ("2026-11-21T12:00:00.571Z", NOON + 0.571),
        ("2026-11-21T12:00:00Z", NOON),
        ("2026-11-21T12:00Z", NOON),
        ("2026-11-21T14:00:00.000+02:00", NOON),
        ("2026-11-21T07:00:00.000000-0500", NOON),
        ("2026-11-21 12:00:00", NOON),
        ("2026-11-21T12:00:00.123456789Z", NOON + 0.123456),
        ("2026-11-21", NOON - 43_200),
        ("20261121", NOON - 43_200),
        (1_795_262_400_571, NOON + 0.571),
        (1_795_262_400_571.0, NOON + 0.571),
        (1_795_262_400, NOON),
        (1_795_262_400.5, NOON + 0.5),
        ("1795262400571", NOON + 0.571),
        ("1795262400", NOON),
        (0, 0.0),
    ],
)
def test_event_time(timestamp: JSON, seconds: float) -> None:
    """A timestamp is ISO 8601, in UTC without an offset, or milliseconds or seconds since 1970."""
    assert event_time({"timestamp": timestamp}) == pytest.approx(seconds, abs=1e-6)


UNREADABLE: list[JSON] = ["", "noon", "2026-13-01", "2026-11-21T25:00Z", "٣٣٣٣٣٣٣٣٣", "9" * 17, -1, 1e300, True, [], {}]


@pytest.mark.parametrize("timestamp", UNREADABLE)
def test_unreadable_time(timestamp: JSON) -> None:
    """What is no time is none, and no error."""
    assert event_time({"timestamp": timestamp}) is None


@pytest.mark.parametrize(
    ("event", "seconds"),
    [
        ({}, None),
        ({"timestamp": None, "originalTimestamp": "2026-11-21T12:00:00Z"}, NOON),
        ({"timestamp": "noon", "originalTimestamp": "2026-11-21T12:00:00Z"}, None),
        ({"sentAt": "2026-11-21T12:00:00Z"}, NOON),
        ({"sentAt": "2026-11-21T11:00:00Z", "receivedAt": "2026-11-21T12:00:00Z"}, NOON),
        (
            {
                "originalTimestamp": "2026-11-21T09:00:00Z",
                "sentAt": "2026-11-21T10:00:00Z",
                "receivedAt": "2026-11-21T13:00:00Z",
            },
            NOON,
        ),
    ],
)
def test_event_without_timestamp(event: dict[str, JSON], seconds: float | None) -> None:
    """Without a timestamp the other times say when an event happened, with the device's clock put right."""
    assert event_time(event) == seconds


@pytest.mark.parametrize(
    ("original", "sent_at", "received_at", "corrected"),
    [
        ("2026-11-21T09:00:00Z", "2026-11-21T10:00:00Z", "2026-11-21T13:00:00Z", "2026-11-21T12:00:00.000Z"),
        ("2026-11-21T12:00:00.100Z", None, "2026-11-21T13:00:00Z", "2026-11-21T12:00:00.100Z"),
        ("2026-11-21T12:00:00.100Z", "never", "2026-11-21T13:00:00Z", "2026-11-21T12:00:00.100Z"),
        ("2026-11-21T14:00:00+02:00", "2026-11-21T14:00:01Z", None, "2026-11-21T12:00:00.000Z"),
        (None, "2026-11-21T11:00:00Z", "2026-11-21T12:00:00Z", "2026-11-21T12:00:00.000Z"),
        (None, "2026-11-21T12:00:00Z", None, "2026-11-21T12:00:00.000Z"),
        (None, None, None, None),
        ("0001-01-01", "9999-12-31", "0001-01-02", None),
    ],
)
def test_corrected_timestamp(original: JSON, sent_at: JSON, received_at: JSON, corrected: str | None) -> None:
    """A wrong device clock is taken out by what passed between the event and its sending; without sentAt nothing is."""
    assert corrected_timestamp(original, sent_at=sent_at, received_at=received_at) == corrected


def sdk_text(moment: datetime) -> str:
    """A time as Segment's SDKs write it."""
    return moment.isoformat(timespec="milliseconds") + "Z"


moments = st.datetimes(datetime(1970, 1, 2), datetime(2199, 1, 1))
near = st.integers(-3_000, 3_000)


@given(moments, near)
def test_is_before(moment: datetime, microseconds: int) -> None:
    """Comparing texts says the same as comparing times, to the microsecond."""
    text = sdk_text(moment)
    happened = datetime.fromisoformat(text)
    at = happened.timestamp() + microseconds / 1_000_000
    happened_before = round((at - happened.timestamp()) * 1_000_000) > 0
    assert is_before({"timestamp": text}, cutoff_at(at)) == happened_before


@pytest.mark.parametrize(
    ("timestamp", "before"),
    [
        ("2026-11-21T11:59:59.999Z", True),
        ("2026-11-21T12:00:00.000Z", False),
        ("2026-11-21T12:00:00.001Z", False),
        ("2026-11-21 11:59:59.999Z", True),
        ("2026-11-21 12:00:00.000Z", False),
        ("2026-11-21T13:59:59.999+02:00", True),
        (1_795_262_399_999, True),
        (1_795_262_400_000, False),
        ("noon", False),
        (None, False),
        ([], False),
    ],
)
def test_is_before_in_any_form(timestamp: JSON, before: bool) -> None:
    """An event is before a moment whatever form its time has; one without a readable time never is."""
    assert is_before({"timestamp": timestamp}, cutoff_at(NOON)) is before


def test_cutoff() -> None:
    """A cutoff has the moment in both forms."""
    cutoff = cutoff_at(datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp())
    assert (cutoff.seconds, cutoff.text) == (NOON, "2026-11-21T12:00:00.000Z")
