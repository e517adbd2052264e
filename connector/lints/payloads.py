"""What fields are filled with that was most likely not meant: old names, personal data, texts that look like paths.

In: a mapping. Out: warnings at the value or key that is to blame, with a fix where there is just one.
"""

import re
from collections.abc import Iterator
from typing import Final

from connector.documents import Part
from connector.errors import Problem
from connector.language.builtins import DIRECTIVES
from connector.language.directives import Call, Constant, Fields, Items, Node, walk_nodes
from connector.language.paths import Keys
from connector.lints.holding import taken_types
from connector.lints.reading import reads_of, results_of, values_of, without_places
from connector.mappings import Mapping
from connector.positions import quoted
from connector.schemas import load_schema
from connector.values import JSON

_OLD_NAME: Final = re.compile(r"old name of `(\w+)`", re.IGNORECASE)
_PATH: Final = re.compile(
    r"\$?(?:userId|anonymousId|messageId|groupId|previousId|(?:context|traits|properties)\.[\w-]+(?:\.[\w-]+)*)"
)
_DIRECTIVE: Final = re.compile(r'\s*(?:\{\s*")?(@[A-Za-z]+)\b')
_LIQUID: Final = re.compile(r"\{%-?\s*\w+.*?%\}", re.DOTALL)
_SECRET: Final = re.compile(
    r"\$\{(?=[A-Za-z0-9_]*?(?<![A-Za-z])(?:secret|token|key|password|passwd|passphrase|credential)s?(?![A-Za-z]))(\w+)",
    re.IGNORECASE,
)
_WHOLE: Final = frozenset({("traits",), ("context",), ("context", "traits")})
_PERSONAL_WORDS: Final = """
    address advertisingid age birthdate birthday birthdayat city creditcard dateofbirth dob email emailaddress
    firstname fullname gender idfa idfv ip ipaddress iban lastname latitude longitude mobile mobilephone
    password passport phone phonenumber postalcode ssn street surname taxid useragent username zip zipcode
"""
_PERSONAL: Final = frozenset(_PERSONAL_WORDS.split())
"""Keys of personal data, in lower case and without joints."""
_NAMED: Final = ("traits", "device")  # of these `name` is a person's: what somebody calls a device often has theirs
_HARMLESS: Final = ("context", "userAgentData", "mobile")  # whether it is a phone, not which


def check_payloads(mapping: Mapping) -> Iterator[Problem]:
    """Warn of what a mapping fills its fields with."""
    fields = mapping.fields.fields if isinstance(mapping.fields, Fields) else ()
    schema = load_schema(mapping.action)
    for name, node in fields:
        yield from _check_old_names(mapping, node, _property(schema, schema, name), schema)
        for value in values_of(node):
            yield from _check_value(mapping, value)
        if not _is_for_secrets(_property(schema, schema, name)):
            yield from _check_variables(mapping, name, node)
    yield from _check_metadata(mapping, dict(fields))


def part_of(mapping: Mapping, node: Node) -> Part:
    """Give the place of a node of a mapping's fields."""
    return mapping.draft.fields[str(node.path[0])].child(*node.path[1:])


# ---------------------------------------------------------------------------------------------------------- old names


def _property(schema: JSON, whole: dict[str, JSON], name: str) -> JSON:
    """Give the schema of a key, through references and lists."""
    if not isinstance(schema, dict):
        return None
    if isinstance(reference := schema.get("$ref"), str):
        definitions = whole.get("$defs")
        named = definitions.get(reference.rpartition("/")[2]) if isinstance(definitions, dict) else None
        schema = {**(named if isinstance(named, dict) else {}), **schema}
    properties = schema.get("properties")
    return properties.get(name) if isinstance(properties, dict) else None


def _check_old_names(mapping: Mapping, node: Node, schema: JSON, whole: dict[str, JSON]) -> Iterator[Problem]:
    for result in results_of(node):
        if isinstance(result, Items):
            for item in result.items:
                yield from _check_old_names(mapping, item, schema, whole)
        for name, value in result.fields if isinstance(result, Fields) else ():
            inner = _property(schema, whole, name)
            if isinstance(inner, dict) and inner.get("deprecated") is True:
                yield _old_name(part_of(mapping, value), name, str(inner.get("description", "")))
            yield from _check_old_names(mapping, value, inner, whole)


def _old_name(part: Part, name: str, description: str) -> Problem:
    found = _OLD_NAME.search(description)
    new = found[1] if found else ""
    message = f"{quoted(name)} is an old name"
    help = f"write {new}" if new else description
    fix = part.renamed(new) if new else None
    return part.problem(
        "deprecated_field", message, help=help, at_key=True, severity="warning", fix=fix and fix.unsafe()
    )


# ------------------------------------------------------------------------------------------------------------- values


def _check_value(mapping: Mapping, node: Node) -> Iterator[Problem]:
    match node:
        case Constant(str(text)):
            yield from _check_text(part_of(mapping, node), text)
        case Call(directive, options) if directive.name == "@if" and {"then", "else"} <= options.keys():
            if without_places(options["then"]) == without_places(options["else"]):
                part = part_of(mapping, node).child("@if")
                message = "both branches of this @if are the same"
                help = "write the value without @if, or correct a branch"
                yield part.problem("same_branches", message, help=help, at_key=True, severity="warning")


def _check_text(part: Part, text: str) -> Iterator[Problem]:
    directive = _DIRECTIVE.match(text)
    if _PATH.fullmatch(text):
        path = f"$.{text.removeprefix('$')}"
        message = f"{quoted(text)} is sent as this text: a path starts with $."
        help = f'write {path}, or {{"@literal": {text}}} when the text is meant'
        fix = part.rewritten(path)
        yield part.problem("literal_path", message, help=help, severity="warning", fix=fix and fix.unsafe())
    elif directive and directive[1] in DIRECTIVES.names():
        message = f"this text looks like the directive {directive[1]}, and is sent as it stands"
        help = f'write it as an object: {{"{directive[1]}": …}}, without quotes around all of it'
        yield part.problem("literal_directive", message, help=help, severity="warning")
    elif _LIQUID.search(text):
        message = "this text looks like a Liquid template, and is sent as it stands"
        yield part.problem("literal_directive", message, help='write {"@liquid": "…"}', severity="warning")


# ----------------------------------------------------------------------------------------------------------- secrets


def _is_for_secrets(schema: JSON) -> bool:
    return isinstance(schema, dict) and schema.get("writeOnly") is True


def _check_variables(mapping: Mapping, name: str, node: Node) -> Iterator[Problem]:
    """Warn of variables in what is sent whose names are those of secrets; their values are looked at by nobody."""
    places = {part.path: part for part in (part_of(mapping, inner) for inner in walk_nodes(node) if inner.path)}
    for part in places.values():
        filled = part.document.variables(part.path) if isinstance(part.value, str) else None
        for piece in filled.pieces if filled else ():
            written = filled.written[slice(*piece.written)] if filled else ""
            found = _SECRET.match(written)
            if found:
                message = f"{quoted(name)} is sent with the variable {found[1]}, which has the name of a secret"
                help = "send another value, or name the variable otherwise where it holds no secret"
                yield part.problem("secret_sent", message, help=help, severity="warning")


# ----------------------------------------------------------------------------------------------------- personal data


def _check_metadata(mapping: Mapping, fields: dict[str, Node]) -> Iterator[Problem]:
    if "metadata" in fields:
        yield from _check_private(mapping, fields["metadata"])
    for result in results_of(fields["groups"]) if "groups" in fields else ():
        for item in result.items if isinstance(result, Items) else (result,):
            for group in results_of(item):
                for name, value in group.fields if isinstance(group, Fields) else ():
                    if name == "metadata":
                        yield from _check_private(mapping, value)


def _check_private(mapping: Mapping, node: Node) -> Iterator[Problem]:
    """Warn of personal data among what a node sends; the traits of a group event are the group's."""
    groups_only = taken_types(mapping) == {"group"}
    told: set[tuple[object, ...]] = set()
    for read in reads_of(node, only_sent=True):
        what = _private(read.keys)
        if not what or (read.path, what) in told or (read.keys[0] == "traits" and groups_only):
            continue
        told.add((read.path, what))
        part = mapping.draft.fields[str(read.path[0])].child(*read.path[1:])
        message = f"metadata is filled with {what}, which is personal data"
        help = "leave it out; email and phone have fields of their own"
        if what.startswith("all"):
            help = "name the keys that Rupt needs, such as plan: $.context.traits.plan"
        yield part.problem("personal_data", message, help=help, severity="warning")


def _private(keys: Keys) -> str:
    if keys in _WHOLE:
        return f"all of {'.'.join(keys)}"
    plain = [re.sub("[_-]", "", key).lower() for key in keys]
    is_name = plain[-1] == "name" and plain[-2:-1] and plain[-2] in _NAMED
    if keys == _HARMLESS:
        return ""
    return ".".join(keys) if is_name or not _PERSONAL.isdisjoint(plain) else ""
