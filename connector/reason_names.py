"""A reason, as a sentence of any origin, to its short stable name: what a metric's label and a log line may hold.

Only names of this list come out, whatever goes in: what Rupt said, or an event, can never become a label.
"""

import re
from typing import Final

from connector.routes import REASONS

OTHER: Final = "other"
_NAMES = """
    UNSUPPORTED_EVENT_TYPE bad_request browser_metrics empty_batch event_not_defined event_not_string event_too_large
    id_not_string message_id_too_long name_not_string nested_too_deeply no_events no_group_id no_previous_id
    no_user_anon_id no_user_id properties_not_object traits_not_object
    stale no_device device_not_addressable account_not_addressable nothing_to_update
    mapping_gone in_doubt gave_up internal_error timeout network
"""
NAMES: Final = frozenset({*REASONS, *_NAMES.split()})
# Sentences that begin with no name. What begins with a status is called by that.
_SENTENCES: Final = (
    ("in doubt", "in_doubt"),
    ("gave up", "gave_up"),
    ("internal error", "internal_error"),
)
_STATUS: Final = re.compile(r"[1-5][0-9]{2}(?= |$)", re.ASCII)
_END: Final = re.compile(r"[:;]")


def reason_name(reason: str) -> str:
    """Give a reason's name: one of NAMES, a status such as 503, `other` for what is unknown; empty for no reason."""
    head = _END.split(reason, maxsplit=1)[0].strip()
    if head in NAMES or not reason:
        return head
    if status := _STATUS.match(head):
        return status[0]
    return next((name for start, name in _SENTENCES if head.startswith(start)), OTHER)
