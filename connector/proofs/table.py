"""The whole proof of a destination as rows: each field of each mapping, its types, and when it is not sent or fails.

In: a Destination. Out: frozen rows of plain values, that print as JSON as they are.
"""

from collections.abc import Iterator

import msgspec

from connector.destination import Destination
from connector.errors import Path
from connector.mappings import Mapping
from connector.positions import Location
from connector.proofs.kinds import ABSENT, PRESENT, type_names
from connector.proofs.rows import FieldProof, When, prove_mapping
from connector.proofs.wording import conditions, merged, path_text, refused_words, wanted


class ProofRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """One field: the JSON types that the mapping can give it, `any` for all, `any but null`, `never` for none.

    `left_out` and `invalid` are sentences without a subject: `when …`, `where it is …`. `required`: without the field
    the event is invalid; `own_text`: when a template gives it nothing but its own text. A mapping that takes no event
    has one row without a field (`takes_nothing`), at its trigger.
    """

    mapping: str
    action: str
    field: str
    types: tuple[str, ...]
    file: str
    line: int
    column: int
    required: bool = False
    left_out: tuple[str, ...] = ()
    invalid: tuple[str, ...] = ()
    own_text: tuple[str, ...] = ()
    takes_nothing: bool = False


def proof_rows(destination: Destination) -> Iterator[ProofRow]:
    """Give the rows of all mappings, in the order of the file."""
    for mapping in destination.mappings:
        proof = prove_mapping(mapping)
        if not proof.takes:
            place = mapping.location(("trigger",))
            types, at = (), (place.file, place.line, place.column)
            yield ProofRow(mapping.name, mapping.action, "", types, *at, takes_nothing=True)
        for field in proof.fields:
            yield _row(mapping, field)


def _row(mapping: Mapping, field: FieldProof) -> ProofRow:
    place = place_of(mapping, field.path)
    left_out = tuple(map(_gone_text, merged(field.gone)))
    return ProofRow(
        mapping=mapping.name,
        action=mapping.action,
        field=field.name,
        types=_types(field.kinds),
        file=place.file,
        line=place.line,
        column=place.column,
        required=field.required,
        left_out=() if field.required else left_out,
        invalid=(*(left_out if field.required else ()), *_invalid(field)),
        own_text=tuple(map(_gone_text, merged(field.hollow))),
    )


def _types(kinds: int) -> tuple[str, ...]:
    names = type_names(kinds & PRESENT)
    if names == type_names(PRESENT):
        return ("any" if kinds & ABSENT else "any but null",)
    return names or ("never",)


def place_of(mapping: Mapping, path: Path) -> Location:
    """Say where a node of the fields stands."""
    return mapping.location(("fields", *path))


def _gone_text(when: When) -> str:
    if not conditions([when]):
        return "when nothing is left of it" if when.vague else "always"
    return conditions([when])


def _invalid(field: FieldProof) -> Iterator[str]:
    if not field.whole:
        yield "in some cases, perhaps: there are more than are looked at"
        return
    for when in field.fails:
        found = refused_words([when], field.schema)
        given = conditions([when]) or ("where it is so" if field.passes else "always")
        yield f"{given}: it is {found}, not {wanted(field.schema)}"
    if field.refused:
        sources = list(dict.fromkeys(path_text(when.source) for when in field.refused if when.source is not None))
        like = f", from {' or '.join(sources)}" if len(sources) > 1 else ""
        yield f"when it is {refused_words(field.refused, field.schema)}{like}"
