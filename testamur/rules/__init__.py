"""What may follow what, and who may cause it: the rules of the register, as pure functions.

Two kinds of verdict. **Admission rules** are few and raise `Refusal`: known actor, key active
now, references that exist, a transition the lifecycle allows. **Flags** mark what is admitted
because an accreditor needs to see it: outside the accredited scope, accreditation lapsed,
backdated, elements missing (`flags.py`).

Time is log time: a rule looks at positions and at `recordedAt`, never at a clock. The rules read
and write nothing but the register and the mapping of credentials that they are given.

    key = admit_header(register, header, recorded_at)     # may it act here? the key it must have
    header.verify_signature(key)
    admitted = admit_events(register, credentials, header, events, recorded_at)
    for event, verdict in zip(events, admitted):
        print(verdict.stream, verdict.version, verdict.status, verdict.flags)
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
from testamur.rules.register import Credentials, CredentialState, Register

__all__ = [
    "MAX_AGE",
    "MAX_AHEAD",
    "Admitted",
    "CredentialState",
    "Credentials",
    "Flag",
    "Flags",
    "Register",
    "admit_events",
    "admit_genesis",
    "admit_header",
]
