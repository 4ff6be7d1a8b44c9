"""What a registry states of things that events name: a definition, an accreditation, a credential.

It is the registry's word. Members that are not asked for are passed over.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated

import msgspec
from msgspec import Meta

from testamur.catalogue.ids import Uuid7
from testamur.catalogue.lifecycle import CredentialStatus
from testamur.catalogue.members import Definition, Did, Name, OtherId, Url, Version


class RegisteredDefinition(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A version of an achievement's definition."""

    id: Uuid7
    version: Version
    definition: Definition


class VouchedWords(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """What the accreditor vouches for now about the provider: its names, addresses and DIDs."""

    name: Name
    other_names: Annotated[tuple[Name, ...], Meta(max_length=8)] | None = None
    other_ids: Annotated[tuple[OtherId, ...], Meta(max_length=8)] | None = None
    url: Url | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """All names by which the accreditor knows the provider."""
        return (self.name, *(self.other_names or ()))

    @property
    def ids(self) -> tuple[str, ...]:
        """The addresses and DIDs, besides its own, by which the accreditor knows it."""
        return (*(() if self.url is None else (self.url,)), *(self.other_ids or ()))


class RegisteredAccreditation(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """An accreditation of `provider`, and the words of `accreditor` in it."""

    id: Uuid7
    accreditor: Did
    provider: Did
    vouched: VouchedWords


class RegisteredOrganization(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """An organization, and the name that it states in its own word."""

    did: Did
    name: Name


class RegisteredCredential(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A credential's status, which is None where no issuance counts, and its last day, if any."""

    id: Uuid7
    status: CredentialStatus | None
    valid_until: date | None = None
