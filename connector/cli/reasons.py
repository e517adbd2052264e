"""Reasons that are names, said in words."""

from typing import Final

REASONS: Final = {
    "DISABLED": "it is switched off (enabled: false)",
    "NO_MATCHING_MAPPING": "no trigger holds for it",
    "FILTERED_BY_INTEGRATIONS_OBJECT": "the event's integrations object keeps it from Rupt",
    "FILTERED_BY_END_USER_CONSENT": "the event's consent preferences keep it from Rupt",
    "UNSUPPORTED_EVENT_TYPE": "its type is none of Segment's",
    "bad_request": "it cannot be read as JSON, or is no object",
    "browser_metrics": "the browser SDK's own metrics, no event",
    "empty_batch": "a batch without events",
    "event_not_defined": "a track event without a name",
    "event_not_string": "a track event whose name is no text",
    "event_too_large": "it has more bytes than an event may have",
    "id_not_string": "an id that is no text",
    "message_id_too_long": "its messageId has 100 characters or more",
    "name_not_string": "a page's or screen's name that is no text",
    "nested_too_deeply": "it has objects and lists inside one another beyond 200 levels",
    "no_events": "a file without events",
    "no_group_id": "a group event without a groupId",
    "no_previous_id": "an alias event without a previousId",
    "no_user_anon_id": "neither a userId nor an anonymousId",
    "no_user_id": "no userId",
    "properties_not_object": "properties that are no object",
    "traits_not_object": "traits that are no object",
}


_VAGUE: Final = frozenset({"bad_request"})  # stand for so much that a detail says more than the words, or otherwise


def in_words(reason: str) -> str:
    """Say what a reason means; one that is a sentence already stays as it is."""
    return f"{reason}: {REASONS[reason]}" if reason in REASONS else reason


def discard_in_words(reason: str, detail: str) -> str:
    """Say why an event made no job; the detail goes before words that are too general to hold for all."""
    if detail and (reason in _VAGUE or reason not in REASONS):
        return f"{reason}: {detail}"
    return f"{in_words(reason)} ({detail})" if detail else in_words(reason)
