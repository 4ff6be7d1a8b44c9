"""What may follow what, and who may cause it: the rules of the register, as pure functions.

Two kinds of verdict. **Admission rules** are few and raise `Refusal`: known actor, key active
now, references that exist, a transition the lifecycle allows. **Flags** mark what is admitted
because an accreditor needs to see it: outside the accredited scope, accreditation lapsed,
backdated, elements missing (`flags.py`).

Time is log time: a rule looks at positions and at `recordedAt`, never at a clock. The rules read
and write nothing but the register and the mapping of credentials that they are given.

    header.verify_signature(header.key())
    signed = admit_header(register, header, recorded_at)  # may this key act here?
    admitted = admit_events(register, credentials, signed, events, event_at=event_at)
    for event, verdict in zip(events, admitted):
        print(verdict.version, verdict.flags)

A later key event can change what counts, so no status is kept: `status.py` folds one where it is
asked for.
"""

from testamur.rules.admission import (
    MAX_AGE,
    MAX_AHEAD,
    Admitted,
    admit_events,
    admit_genesis,
    admit_header,
)
from testamur.rules.flags import Flag, Flags
from testamur.rules.register import Credential, Credentials, Register
from testamur.rules.said import Said, Signed
from testamur.rules.spending import LIMITS, Limits

__all__ = [
    "LIMITS",
    "MAX_AGE",
    "MAX_AHEAD",
    "Admitted",
    "Credential",
    "Credentials",
    "Flag",
    "Flags",
    "Limits",
    "Register",
    "Said",
    "Signed",
    "admit_events",
    "admit_genesis",
    "admit_header",
]
