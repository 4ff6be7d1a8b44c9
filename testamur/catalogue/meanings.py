"""What each member of an event says, in one sentence, for people who read a log as a table.

The members and their forms are those of `events.py`; a test names one that is not described here.
"""

from __future__ import annotations

from typing import Final

MEANINGS: Final[dict[str, str]] = {
    "accreditation": "Id of the accreditation that is granted, changed, or awarded under.",
    "achievement": "Id of the achievement that is defined, changed or awarded.",
    "achievementVersion": "Version of the achievement's definition that was awarded.",
    "admission": "Name of the rules by which the gate admits.",
    "as": "What the organization is recognised as, or what the key is listed for.",
    "assessment": "How this learner was assessed.",
    "authorities": "Registrations of the root authorities.",
    "commitment": "Blinded SHA-256 commitment to the credential, 32 bytes.",
    "country": "Country (ISO 3166-1 alpha-2) or part of one (ISO 3166-2) of the organization.",
    "credential": "Id of the credential.",
    "decision": "Outcome of the accreditation procedure.",
    "definition": "Public definition of the achievement.",
    "effectiveAt": "Day from which the change holds in the issuer's word; the status changes at "
    "the position.",
    "evidence": "Published decision: its address, and the SHA-256 of its bytes.",
    "format": "Form of the credential; in the genesis that of the log.",
    "identifiers": "Names of the organization in other registers, in its own word.",
    "kept": "Ranges [from, to] of header positions whose submissions still count.",
    "key": "Public key (Multikey).",
    "kind": "Whether the whole provider or a programme of it is accredited.",
    "name": "Name of the organization, stated by the signer.",
    "obligation": "Whether the accreditation is required by law.",
    "organization": "DID of the organization that the event is about.",
    "origin": "Name of the log.",
    "otherIds": "DIDs and addresses by which a credential's issuer may also go.",
    "otherNames": "Names by which a credential's issuer may also go.",
    "participation": "How this learner took part.",
    "provider": "DID of the provider that is accredited.",
    "reason": "Coded reason.",
    "recognition": "Id of the recognition.",
    "recoveryKeys": "Recovery keys in rank order, without the founding key.",
    "reviewBy": "Day by which the accreditor is to review the accreditation.",
    "roles": "Roles in which the organization registers.",
    "scope": "What the grant covers; an absent member covers everything.",
    "signature": "Signature of the founding key over the registration, 64 bytes.",
    "signingKeys": "Keys that sign everything but key events.",
    "since": "Position from which the key's submissions do not count.",
    "sponsor": "DID of the organization that submits the registration, or the log's name.",
    "successor": "Organization that may act for this one, or credential that takes its place.",
    "suite": "Suite of the credential's own proof.",
    "supervision": "How this learner's assessment was supervised.",
    "until": "Last UTC day on which the registration is admitted.",
    "url": "Address of the organization.",
    "validFrom": "First day on which the grant or the credential is valid.",
    "validUntil": "Last day on which the grant or the credential is valid.",
    "version": "Number of the definition, one more than the highest before.",
}
"""By wire name."""
