"""Every key of a test and of a *_test.yaml file: its name, what it means, and its JSON Schema.

CASE_KEYS and SUITE_KEYS are read by who reads tests and by who makes the schemas of editors.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from connector.values import JSON


class CaseKey(msgspec.Struct, frozen=True):
    """A key of a test: what it means, and its JSON Schema. `of_suites` keys stand in *_test.yaml files only."""

    name: str
    title: str
    description: str
    schema: Mapping[str, JSON]
    of_suites: bool = False


_TEXT: Final[Mapping[str, JSON]] = MappingProxyType({"type": "string", "minLength": 1})
_TEXTS: Final[Mapping[str, JSON]] = MappingProxyType({"type": "array", "items": dict(_TEXT), "minItems": 1})
_REASON: Final[Mapping[str, JSON]] = MappingProxyType({"anyOf": [{"const": True}, dict(_TEXT)]})
_REASONS: Final[Mapping[str, JSON]] = MappingProxyType({"anyOf": [{"const": True}, dict(_TEXT), dict(_TEXTS)]})
_OBJECT: Final[Mapping[str, JSON]] = MappingProxyType({"type": "object"})
_REQUEST: Final[Mapping[str, JSON]] = MappingProxyType(
    {
        "type": "object",
        "minProperties": 1,
        "additionalProperties": False,
        "properties": {
            "method": {"type": "string", "description": "The method: POST."},
            "path": {"type": "string", "description": "The URL's path, without the base: /v2/device/attach."},
            "url": {"type": "string", "description": "The whole URL."},
            "body": {"type": "object", "description": "The whole body: every key that goes over the wire."},
        },
    }
)
_ONLY: Final[Mapping[str, JSON]] = MappingProxyType({"anyOf": [dict(_TEXT), dict(_TEXTS)]})
_TAKERS: Final[Mapping[str, JSON]] = MappingProxyType(
    {
        "anyOf": [
            {"type": "array", "items": dict(_TEXT)},
            {
                "type": "object",
                "additionalProperties": {
                    "anyOf": [
                        {"const": True},
                        {
                            "type": "object",
                            "minProperties": 1,
                            "additionalProperties": False,
                            "properties": {
                                "expect": {"type": "object"},
                                "expect_request": dict(_REQUEST),
                                "expect_skipped": dict(_REASON),
                                "expect_invalid": dict(_REASONS),
                            },
                        },
                    ]
                },
            },
        ]
    }
)

CASE_KEYS: Final = (
    CaseKey("name", "Name", "What the test shows, in a sentence.", _TEXT),
    CaseKey(
        "event",
        "Event",
        "The event, as it would come in: type, userId, event, properties, traits, context and so on.",
        _OBJECT,
    ),
    CaseKey(
        "events",
        "Recorded Events",
        "A recording in place of `event`, its path from this file's folder: what is expected must hold for each event "
        "in it. Any file that `replay` reads, gzipped too.",
        _TEXT,
    ),
    CaseKey("only", "Only These Events", "The messageId, or messageIds, of the events to take of `events`.", _ONLY),
    CaseKey(
        "expect",
        "Expected Payload",
        "Fields that the payload must have, as the action's schema passes them; others may be there. "
        "With null a field must not be there.",
        _OBJECT,
    ),
    CaseKey(
        "expect_request",
        "Expected Request",
        "What must go over the wire: method, path or url, and the body. What is not named is not compared; a body is "
        "compared whole, and a key with null must not be in it.",
        _REQUEST,
    ),
    CaseKey(
        "expect_skipped",
        "Expected To Be Skipped",
        "The mapping takes the event, and nothing is sent for a reason of its own, for example no_device. "
        "Write true, or a part of the reason.",
        _REASON,
    ),
    CaseKey(
        "expect_invalid",
        "Expected To Be Invalid",
        "The mapping takes the event, and the payload does not pass the action's schema. Write true, a part of a "
        "problem, or a list with a part of every problem.",
        _REASONS,
    ),
    CaseKey(
        "expect_filtered",
        "Expected To Be Filtered",
        "The mapping's trigger does not hold for the event; without `mapping`, no mapping takes it. "
        "Write true, or a part of the reason.",
        _REASON,
    ),
    CaseKey(
        "expect_rows",
        "Expected Rows",
        "A file of NDJSON, its path from this file's folder: what `replay --dry-run --json` must print for `events`, "
        "with ${NAME} for the values of variables, and [redacted] for secrets. `test --update` writes it.",
        _TEXT,
    ),
    CaseKey("mapping", "Mapping", "The mapping to test. Without it the whole destination is tested.", _TEXT, True),
    CaseKey(
        "expect_mappings",
        "Expected Mappings",
        "Exactly the mappings that must take the event: a list of names, or an object with what is expected of each "
        "by the same keys (expect, expect_request, expect_skipped, expect_invalid), or true.",
        _TAKERS,
        True,
    ),
)
SUITE_KEYS: Final = (
    CaseKey("description", "Description", "What the file is for.", _TEXT),
    CaseKey(
        "destination",
        "Destination",
        "The destination file that is tested, its path from this file's folder. Without it, the one of --config.",
        _TEXT,
    ),
    CaseKey(
        "environment",
        "Environment",
        "Variables for the destination file, so that its tests need no secrets. The tests beside mappings have them "
        "too, where the environment has none and all test files that set them agree.",
        MappingProxyType({"type": "object", "additionalProperties": {"type": "string"}}),
    ),
    CaseKey("tests", "Tests", "The tests.", MappingProxyType({"type": "array"})),
)
