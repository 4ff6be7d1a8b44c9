"""Step 6: what became of the credential since."""

from __future__ import annotations

from testamur.catalogue.lifecycle import CredentialStatus
from testamur.verification.excerpt import Excerpt
from testamur.verification.finding import Finding
from testamur.verification.report import Verdict
from testamur.verification.tree import Tree


def status(excerpt: Excerpt, tree: Tree) -> Finding:
    """(6) Issued, and neither suspended, revoked nor superseded as of the size told."""
    found = excerpt.state().status
    size, whole = tree.size(), tree.checkpoint.size
    earlier = (
        f"the evidence tells of the first {size} entries, as it was asked for, and of none "
        f"of the {whole - size} that followed under its checkpoint"
    )
    notes = (earlier,) if size < whole else ()
    # A program that reads this one word must not take an earlier status for the present one.
    subject = {"status": found.value if size == whole else f"{found} as of size {size}"}
    if found is CredentialStatus.ACTIVE:
        return Finding(f"active as of size {size}", notes=notes, subject=subject)
    return Finding(
        f"the credential is {found}, by an event signed in its issuer's name, as of size {size}",
        Verdict.REFUTED,
        lacking=found is CredentialStatus.SUSPENDED,
        notes=notes,
        subject=subject,
    )
