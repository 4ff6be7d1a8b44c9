"""Everything that reads bytes of outsiders: what it is called, what it may raise, what holds then.

A row is added for each public function that parses, decodes, opens or reads; one that is missing
fails a test (`test_parsers.py`). `EXEMPT` says of the others why they have none.
"""

from __future__ import annotations

from typing import Final

from tests.fuzz import of_holders, of_keys, of_network, of_notes, of_people, of_submissions
from tests.fuzz.row import Row

ROWS: Final[tuple[Row, ...]] = (
    *of_submissions.ROWS,
    *of_keys.ROWS,
    *of_notes.ROWS,
    *of_holders.ROWS,
    *of_people.ROWS,
    *of_network.ROWS,
)

EXEMPT: Final = {
    "api.backups.": "files of the operator's own, by parsers that have rows",
    "api.folder.": "files of the operator's own, by parsers that have rows",
    "api.log_files.": "opens what the operator names",
    "api.log_keys.private.": "files of the operator's own, by parsers that have rows",
    "api.operations.": "numbers that this process counted itself",
    "api.read_models.": "opens tables of our own",
    "api.sequence.": "opens what the operator names",
    "api.sharing.": "opens what the operator names",
    "api.wiring.": "opens what the operator names",
    "projections.": "tables of our own",
    "registry.credential_streams.": "entries that the gate admitted",
    "testamur.badges.elements.": "what `read_badge` read, which has a row",
    "testamur.cli.evidence_sources.from_": "asks a registry or a log, by parsers that have rows",
    "testamur.cli.on_the_log.": "replays a log, by parsers that have rows",
    "testamur.cli.trust.": "opens what its user names",
    "testamur.files.open_to_append": "reads nothing",
    "testamur.rules.facets.": "what the register itself wrote",
    "testamur.tlog.cosignature.Cosigner.from_seed": "a seed of our own",
    "testamur.tlog.note.SignerKey.from_seed": "a seed of our own",
}
"""Functions, and beginnings of names, without a row: why they need none."""
