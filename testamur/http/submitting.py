"""From a signed submission to a receipt that holds, in one call."""

from __future__ import annotations

from testamur.http.client import OnFlags, RegistryClient, Wait
from testamur.tlog.policy import Policy
from testamur.verification.receipt import Receipt, verify_promise, verify_receipt


def submit(
    submission: bytes,
    url: str,
    policy: Policy,
    *,
    wait: Wait = "published",
    flags: OnFlags = "refuse",
    patience: float = 120.0,
) -> Receipt:
    """Return the verified receipt of a submission to the registry at `url`.

    It is safe to repeat: the same bytes get the same receipt. If events would have flags that their
    sender can mend, nothing is recorded and `FlagsRefused` is raised, whose `flags` say what each
    is about and what to do; with `flags="admit"` they are recorded with them. `patience` is in
    seconds. With `wait="durable"` the receipt may be a promise without a proof.

    Raises `Refusal` when the registry refuses it, `Refuted` when the receipt does not hold, and
    `Unavailable` when it is not known whether it was recorded.
    """
    with RegistryClient(url, patience=patience) as registry:
        receipt = registry.submit(submission, wait, flags)
    if receipt.state == "durable":
        verify_promise(receipt, submission)
    else:
        verify_receipt(receipt, submission, policy)
    return receipt
