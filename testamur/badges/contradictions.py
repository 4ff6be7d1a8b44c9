"""What a credential says against the log, found before it is issued: nobody can mend it after.

The definition and the words of the accreditor are on the log already. A credential that says
otherwise will be refuted by every verifier, for ever, by the very functions that are asked here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, Protocol

import msgspec

from testamur.badges.blockcert_versions import version_of
from testamur.badges.blockcerts import read_credential
from testamur.badges.openbadges import Badge
from testamur.badges.restated import differences, same_text
from testamur.catalogue.events import CredentialIssued
from testamur.catalogue.members import Definition
from testamur.errors import Refusal, printable

_SHOWN: Final = 5


class Words(Protocol):
    """What an accreditor vouches for about a provider."""

    @property
    def names(self) -> tuple[str, ...]:
        """All names by which it knows the provider."""
        ...

    @property
    def ids(self) -> tuple[str, ...]:
        """The addresses and DIDs, besides its own, by which it knows it."""
        ...


class Contradictions:
    """Compares credentials of the organization `issuer` with what the log says.

    `definitions` are those on the log by achievement and version, `vouched` the words of
    accreditors by accreditation. What is missing there is not compared.
    """

    def __init__(
        self,
        issuer: str,
        definitions: Mapping[tuple[str, int], Definition],
        vouched: Mapping[str, Words],
    ) -> None:
        self._issuer = issuer
        self._definitions = definitions
        self._vouched = vouched
        self._judged: dict[object, tuple[Refusal, ...]] = {}

    def of(self, credential: Mapping[str, Any], event: CredentialIssued) -> tuple[Refusal, ...]:
        """Return what a credential says against the log, were it issued by this event.

        Rules `definition-differs`, `issuer-name`, `issuer-id`. Credentials of a cohort say the same
        of the achievement and the issuer, and are judged once.
        """
        alike = _alike(credential, event)
        if alike not in self._judged:
            self._judged[alike] = tuple(self._found(read_credential(credential), event))
        return self._judged[alike]

    def _found(self, badge: Badge, event: CredentialIssued) -> Iterator[Refusal]:
        definition = self._definitions.get((event.achievement, event.achievement_version))
        found = [] if definition is None else differences(badge, event, definition)
        if found:
            more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
            said = "; ".join(printable(str(each), 200) for each in found[:_SHOWN])
            yield Refusal(
                "definition-differs",
                f"{said}{more}: every verifier would refute it. Take the definition of version "
                f"{event.achievement_version} from the log, or revise it there first",
                value=event.achievement,
            )
        words = self._vouched.get(event.accreditation or "")
        if words is not None:
            yield from self._of_issuer(badge, words)

    def _of_issuer(self, badge: Badge, words: Words) -> Iterator[Refusal]:
        name, claimed = badge.issuer.name, badge.issuer.id
        if name is not None and not any(same_text(name, each) for each in words.names):
            names = " or ".join(printable(each, 100) for each in words.names)
            yield Refusal(
                "issuer-name",
                f"the accreditor vouches for the name {names} and for no other; every verifier "
                "would refute it. Use that name, or ask the accreditor to restate its words",
                value=name,
            )
        if claimed != self._issuer and claimed not in words.ids:
            yield Refusal(
                "issuer-id",
                f"the accreditor does not vouch that this is {self._issuer}, so no verifier could "
                "tell whose credential it is. Ask it to name this in otherIds, or use the DID",
                value=claimed,
            )


def _alike(credential: Mapping[str, Any], event: CredentialIssued) -> object:
    """Return all that is compared: of credentials for which it is equal, one is judged."""
    subject = credential.get("credentialSubject")
    # The id is compared with that of the event, and is the same wherever both are made here.
    own = credential.get("id") == f"urn:uuid:{event.credential}"
    said = [
        None if own else [credential.get("id"), event.credential],
        credential.get("issuer"),
        {**subject, "identifier": None, "id": None} if isinstance(subject, dict) else subject,
        # What a Blockcert says of the achievement, where there is no Open Badge of version 3.
        [credential.get(name) for name in ("badge", "name")],
        version_of(credential),
    ]
    terms = (
        event.achievement,
        event.achievement_version,
        event.accreditation,
        event.assessment,
        event.participation,
        event.supervision,
    )
    return msgspec.json.encode(said), terms
