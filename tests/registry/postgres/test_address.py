"""An address that cannot be read is refused, and nothing in the refusal shows its password."""

from __future__ import annotations

import pytest

from registry.postgres.address import Address
from testamur.errors import Unavailable

SECRET = "correct-horse"


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://ada:{SECRET}@db.example:54x2/log",
        f"postgresql://ada:{SECRET}@[::1/log",
        f"postgresql://ada:{SECRET}\udce3@db.example/log",  # a byte that is no UTF-8
        f"postgresql://ada:{SECRET}@db.example/log?nothing=such",
        f"mysql://ada:{SECRET}@db.example/log",
    ],
)
def test_an_address_that_cannot_be_read_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(Unavailable) as caught:
        Address.parse(url).connect()
    assert SECRET not in str(caught.value)
