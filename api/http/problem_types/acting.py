"""Rules about who may say what: signers, keys, roles, owners."""

from __future__ import annotations

from typing import Final

from api.http.problem_types.told import Told

_HIGHER: Final = "Sign with a recovery key of higher rank, or with the founding key."
_OPENED: Final = "Leave the event out: a log is opened by `init` alone."


def _of_another(kind: str) -> Told:
    return Told(
        f"Only the organization that the {kind} is by, or its successor, says something about it.",
        f"Check the id. If the {kind} is yours, sign with a key of the organization that wrote it.",
    )


TYPES: Final = {
    "accreditation-of-another": Told(
        "An accreditation is ended by the accreditor that granted it, and named by the provider "
        "that it was granted to.",
        "Name an accreditation of your own: your organization's page lists them.",
    ),
    "achievement-of-another": _of_another("achievement"),
    "audience": Told(
        "A submission is signed for one log, which its header names.",
        "Sign it anew for the log that the problem names.",
    ),
    "credential-of-another": _of_another("credential"),
    "founding-key": Told(
        "The founding key of an organization is the one that its DID spells.",
        "Sign with that key.",
    ),
    "genesis-again": Told("A log is opened once, by its first entry.", _OPENED),
    "genesis-event": Told(
        "The first submission of a log opens it, and does nothing else.", _OPENED
    ),
    "genesis-position": Told("A log is opened at entry 0.", _OPENED),
    "genesis-signer": Told("The log's own key opens it.", _OPENED),
    "issued-at": Told(
        "A submission is signed shortly before it is recorded, and not in the future.",
        "Set the clock of the machine that signs, and sign anew.",
    ),
    "key-algorithm": Told(
        "The algorithm of a signature is that of its key.",
        "Let the client sign, which reads the algorithm from the key.",
    ),
    "key-inactive": Told(
        "A submission is signed with a key in force: listed, not retired, not compromised.",
        "Sign with a key in force; the organization's page lists its keys.",
    ),
    "key-of-another-organization": Told(
        "The key that signs is one of the issuer that the header names.",
        "Sign as the organization whose key it is.",
    ),
    "key-rank": Told(
        "Recovery keys have ranks: a key retires or declares compromised itself and those below "
        "it, and the founding key alone lists recovery keys.",
        _HIGHER,
    ),
    "log-key": Told(
        "The key of the log signs checkpoints and belongs to no organization.",
        "Make a key of your own: testamur keygen.",
    ),
    "organization-closed": Told(
        "An organization that closed only retires keys and declares them compromised.",
        "Let its successor act, if it named one.",
    ),
    "origin": Told(
        "A registration is signed for the log that it is recorded in.",
        "Sign it anew with the founding key, for this log.",
    ),
    "recognition-of-another": _of_another("recognition"),
    "recovery-key": Told(
        "A recovery key signs key events only.",
        "Sign everything else with a signing key.",
    ),
    "registration-signature": Told(
        "The founding key signs the registration of its organization, with all that it states.",
        "Sign it anew: testamur join.",
    ),
    "role": Told(
        "Who accredits is an accreditor, who recognises an authority, who issues a provider: "
        "registered so, or by a grant that counts.",
        "Ask a sponsor, an accreditor or an authority for the role.",
    ),
    "signature": Told(
        "The signature of a submission is that of its key over its header.",
        "Sign anew with the key that the header names, and change nothing afterwards.",
    ),
    "sponsor": Told(
        "An organization is registered by the sponsor that its founding key signed for.",
        "Have the registration submitted by that sponsor, or signed anew for this one.",
    ),
    "sponsor-role": Told(
        "A role is sponsored by an organization whose role allows it.",
        "Ask one that has the role which the problem names.",
    ),
    "succession-of-another": Told(
        "A successor is named by the organization itself, or by an accreditor that accredited it.",
        "Ask one of these to name it.",
    ),
    "unknown-key": Told(
        "A submission is signed with a key that its organization listed.",
        "Sign with a listed key; a new one signs once the submission that lists it is recorded.",
    ),
    "until": Told(
        "A registration is recorded up to the day `until` that it states.",
        "Sign the registration anew.",
    ),
}
