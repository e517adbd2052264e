"""Every problem code that a destination file can have, with a line that explains it: what `check --codes` prints.

A code is a promise: scripts and reviews name it, so it does not change. A test holds that the table and the code agree.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from connector.errors import Severity


class Group(msgspec.Struct, frozen=True):
    """Codes that belong together, each with its explanation, and how severe their problems are."""

    title: str
    severity: Severity
    codes: Mapping[str, str]


GROUPS: Final = (
    Group(
        "Files",
        "error",
        {
            "cannot_read": "A file cannot be opened: it is missing, a folder, or not yours to read.",
            "control_character": "A character that YAML does not allow stands in a file; as binary files do.",
            "empty_file": "A file holds nothing, or only comments.",
            "file_too_large": "A file has more bytes than are read.",
            "not_utf8": "A file is UTF-16 or in another encoding than UTF-8.",
        },
    ),
    Group(
        "YAML",
        "error",
        {
            "bad_number": "A number is one that JSON does not have, such as .inf, .nan or 1e400.",
            "bad_yaml": "The text is not YAML: a quote or bracket is open, or the indentation does not fit.",
            "complex_key": "A key is an object, a list or an alias; often a template without quotes.",
            "duplicate_key": "A key stands twice in one object.",
            "endless_alias": "An alias stands inside the value that it stands for.",
            "merge_key": "The key << of YAML 1.1 is used; a preset does what it did.",
            "needs_quotes": "A text starts with, or holds, characters that mean something else in YAML.",
            "several_documents": "A file holds more than one YAML document.",
            "tab": "A tab is used where only spaces can indent.",
            "tag": "A value has a YAML tag; a trigger that starts with ! needs quotes.",
            "too_deep": "Values are nested too deeply.",
            "too_many_values": "Aliases make a file so large that it is not read.",
            "unknown_alias": "An alias stands for no anchor above it.",
        },
    ),
    Group(
        "Variables",
        "error",
        {
            "bad_variable": "`${` starts no variable that can be read, or its value is not UTF-8.",
            "unset_variable": "The environment does not have a variable that has no default.",
        },
    ),
    Group(
        "The destination file",
        "error",
        {
            "duplicate_name": "Two mappings have the same name.",
            "include_cycle": "Files include each other.",
            "include_not_found": "No file matches an item of `include`.",
            "missing_key": "A key that must be there is not.",
            "needs_api_secret": "An action needs the setting api_secret.",
            "preset_cycle": "Presets start from each other.",
            "preset_not_found": "There is no preset of that name, or no such file.",
            "required_field": "A field that the action needs is not filled.",
            "test_failed": "A test in the file found another outcome than it expects.",
            "too_many_mappings": "The destination has more than 50 mappings.",
            "unknown_action": "There is no such action.",
            "unknown_field": "The action has no such field.",
            "unknown_key": "There is no such key in this place.",
            "wrong_field": "A field is filled with a value that its type does not take, on any event.",
            "wrong_type": "A value has another type than it must have.",
            "wrong_value": "A value has the right type, and is not one that can stand here.",
        },
    ),
    Group(
        "Directives, paths and templates",
        "error",
        {
            "directive_not_alone": "Beside a directive stand other keys.",
            "empty_option": "An option of a directive is empty.",
            "missing_option": "A directive lacks an option that it needs.",
            "path_bracket": "A bracket in a path is neither a position nor a quoted key.",
            "path_empty_key": "A key is missing between two dots of a path.",
            "path_root": "A path is `$` alone.",
            "template_dollar": "A path in a template's braces starts with `$.`, as others do.",
            "too_long": "A text in a directive is longer than Segment allows.",
            "unknown_directive": "There is no such directive.",
            "unknown_option": "A directive has no such option.",
            "wrong_form": "A directive's options are not written as it takes them.",
            "wrong_option": "An option of a directive has a value that it does not take.",
        },
    ),
    Group(
        "Liquid",
        "error",
        {
            "liquid_arguments": "A filter has arguments that it does not take.",
            "liquid_disabled_filter": "A filter is one that Segment disables.",
            "liquid_disabled_tag": "A tag is one that Segment disables.",
            "liquid_misplaced_tag": "A tag stands without the tag that it belongs to.",
            "liquid_syntax": "A Liquid template cannot be read.",
            "liquid_too_deep": "A Liquid template is nested too deeply.",
            "liquid_too_long": "A Liquid template has more than 1,000 characters.",
            "liquid_unclosed": "A tag or its braces are not closed.",
            "liquid_unknown_filter": "There is no such filter.",
            "liquid_unknown_tag": "There is no such tag.",
            "liquid_unrepeatable": "A template gives another text each time: it asks for the time, or for chance.",
        },
    ),
    Group(
        "Triggers",
        "error",
        {
            "trigger_arguments": "A function of a trigger has arguments that it does not take.",
            "trigger_bare": "A field is compared with nothing.",
            "trigger_boolean": "A comparison with true or false holds for other events than it seems.",
            "trigger_brackets": "A field of a trigger has brackets; its keys are joined by dots.",
            "trigger_character": "A character means nothing in a trigger.",
            "trigger_clause": "No clause stands where one should.",
            "trigger_connective": "Two clauses are joined by neither `and` nor `or`.",
            "trigger_depth": "A trigger is nested too deeply.",
            "trigger_empty": "A trigger is empty.",
            "trigger_escape": "A key cannot be read by a trigger, with a backslash or without.",
            "trigger_field": "An event has no such field.",
            "trigger_function": "There is no such function, or it does not give a value.",
            "trigger_group": "A parenthesis or bracket is open, closes nothing or holds nothing.",
            "trigger_key": "A key of a field is missing, or must have a backslash before it.",
            "trigger_list": "A list is not written as one, or a field is never a list.",
            "trigger_mixed": "`and` stands beside `or` without parentheses: Segment lets the last decide for all.",
            "trigger_not": "`!` stands where Segment passes over it, or `not` is written in words.",
            "trigger_null": "A field is compared with null that Segment compares with the text null.",
            "trigger_number": "A number is not written as Segment reads numbers.",
            "trigger_operator": "An operator is missing, or is not one.",
            "trigger_order": "`<`, `<=`, `>` or `>=` compares something other than numbers.",
            "trigger_path": "A field of a trigger starts with `$`.",
            "trigger_pattern": "A pattern of match cannot be read.",
            "trigger_quote": "A quote is a typographic one.",
            "trigger_space": "A space is missing where Segment needs one.",
            "trigger_test": "contains or match is asked of something that is never a text.",
            "trigger_trailing": "Something follows a finished clause.",
            "trigger_type": "A field or function is compared with a type that it never has.",
            "trigger_unquoted": "A text in a trigger has no quotes.",
            "trigger_unterminated": "A text in a trigger has no closing quote.",
            "trigger_value": "No value stands where one should.",
            "trigger_value_left": "A value stands on the left of an operator, where a field should.",
        },
    ),
    Group(
        "Warnings of triggers and mappings",
        "warning",
        {
            "always_holds": "A trigger, or a part of it, holds for every event.",
            "duplicate_mapping": "Two mappings make the same of the same events: everything is sent twice.",
            "never_holds": "A trigger, or a part of it, holds for no event that Segment sends.",
            "redundant_part": "A part of a trigger changes nothing: without it the same events are taken.",
            "segment_reads_otherwise": "Segment's own parser takes other events with this spelling of a trigger.",
            "unknown_type": "A trigger asks for a type that no event has.",
        },
    ),
    Group(
        "Warnings of fields",
        "warning",
        {
            "absent_field": "A path leads to what the events that the trigger takes do not have.",
            "deprecated_field": "A field has an old name that Rupt keeps for a time.",
            "literal_directive": "A text looks like a directive that was not written as one.",
            "literal_path": "A text looks like a path into the event, and is sent as it stands.",
            "personal_data": "Metadata is filled with personal data.",
            "same_branches": "Both branches of an @if are the same.",
            "secret_sent": "A field is filled with a variable that has the name of a secret.",
            "unknown_path": "A path leads to a field that no event has.",
        },
    ),
    Group(
        "Warnings of the proof",
        "warning",
        {
            "proof_branch": "The `then` of an @if is never taken.",
            "proof_never": "A field never has a value that its schema takes.",
            "proof_required": "A field that the action needs can be missing or null: the event is then invalid.",
            "proof_skipped": "An action has nothing to send of any event: each is skipped.",
            "proof_template": "A field that the action needs can be no more than the own text of its template.",
            "proof_type": "A branch gives a field a value that its schema never takes.",
        },
    ),
    Group(
        "Notes of the proof",
        "note",
        {
            "proof_else": "The `else` of an @if is never taken.",
            "proof_empty": "A field that the action needs can be an empty text: the event is then invalid.",
            "proof_optional": "A field can be missing, null or empty; it is then left out.",
            "proof_refused": "A field takes what may be of another type: the event is then invalid.",
        },
    ),
    Group(
        "Comments that allow",
        "warning",
        {
            "unknown_allow": "A comment allows a code that there is not, or an error.",
            "unused_allow": "A comment allows what is not found there.",
        },
    ),
    Group(
        "Notes",
        "note",
        {
            "no_tests": "A mapping has no tests.",
            "segment_cannot_read": "A trigger is right by Segment's documentation, but not for its own parser.",
            "takes_every_event": "A trigger says on purpose that every event is taken.",
        },
    ),
)
"""In the order in which they are printed."""

CODES: Final[Mapping[str, str]] = MappingProxyType(
    {code: words for group in GROUPS for code, words in group.codes.items()}
)
SEVERITIES: Final[Mapping[str, Severity]] = MappingProxyType(
    {code: group.severity for group in GROUPS for code in group.codes}
)
