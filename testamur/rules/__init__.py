"""What may follow what, and who may cause it: the rules of the register, as pure functions.

Two kinds of verdict. **Admission rules** are few and raise `Refusal`: known actor, key active
now, references that exist, a transition the lifecycle allows. **Policy breaches** (outside
the accredited scope, accreditation lapsed, backdated, elements missing) are admitted and
returned as flags, because an accreditor needs to see them.

Time is log time: a rule looks at positions and at `recordedAt`, never at a clock. Nothing
here reads or writes anything but the register and the mapping of credentials it is given.

    admit_header    may this header act at this position? → the key that must have signed it
    admit_events    may these events follow? → their streams, versions and flags
"""

from testamur.rules.admission import (
    MAX_AGE,
    MAX_AHEAD,
    Admitted,
    admit_events,
    admit_genesis,
    admit_header,
)
from testamur.rules.register import Credentials, CredentialState, Register

__all__ = [
    "MAX_AGE",
    "MAX_AHEAD",
    "Admitted",
    "CredentialState",
    "Credentials",
    "Register",
    "admit_events",
    "admit_genesis",
    "admit_header",
]
