"""Is there a private key in this text? If there is, nothing of the file is shown.

Two questions. `holds_private_key` is asked of a whole file before anything parses it: it knows
secret Multikeys (in one word, or in groups as a founding key is printed), signer keys of notes,
PEM, PKCS #8 in base64 and JWK, and takes no other text for one. `without_private_keys` is asked of
what an error is about to show, where a key may be cut short: it hides too much rather than too
little.
"""

from __future__ import annotations

import re
from typing import Final

THIS_IS_ONE: Final = "this is a private key, and nothing of it is shown"

_HIDDEN: Final = "(a private key, not shown)"
_BASE58: Final = "1-9A-HJ-NP-Za-km-z"
# How base58btc of a secret key of Ed25519, P-256 or secp256k1 begins (Multikey).
_BEGINS: Final = "z(?:3u2|42t|3vL)"
# As it is printed and typed: in groups of four.
_IN_GROUPS: Final = rf"{_BEGINS}(?:[ \t]+[{_BASE58}]{{4}}){{2}}"
_LONGEST: Final = 4096
# Each needs one of these, and to look for them costs next to nothing.
_SIGNS: Final = (b"z3u2", b"z42t", b"z3vL", b"PRIVATE", b'"d"', b'"k"', b"MC4CAQAw", b"MIGHAgEA")

_IN_FILES: Final = re.compile(
    # A word of its own, since base64 of something else may spell the same in the middle.
    rf"(?<![0-9A-Za-z+/]){_BEGINS}[{_BASE58}]{{36,52}}(?![0-9A-Za-z+/=_-])"
    rf"|(?<![0-9A-Za-z+/]){_IN_GROUPS}"
    r"|PRIVATE\+KEY\+"
    r"|-----BEGIN [A-Z0-9 ]*PRIVATE KEY"
    r"|(?<![0-9A-Za-z+/])(?:MC4CAQAwBQYDK2VwBCIEI|MIGHAgEAMBMGByqGSM49)".encode()
)
_JWK: Final = re.compile(rb'"(?:d|k)"\s*:\s*"[A-Za-z0-9_=-]{16,}"')
_JWK_KIND: Final = re.compile(rb'"kty"\s*:')
_IN_ERRORS: Final = re.compile(
    rf"{_BEGINS}[{_BASE58}]{{6,}}"
    rf"|{_IN_GROUPS}.*"
    r"|PRIVATE\+KEY\+\S*"
    r"|PRIVATE KEY.*"
    r"|(?:MC4CAQAwBQYDK2VwBCIEI|MIGHAgEAMBMGByqGSM49)\S*"
    r'|\\?"(?:d|k)\\?"\s*:\s*\\?"[A-Za-z0-9_=-]{6,}',
    re.DOTALL,
)


def holds_private_key(data: bytes) -> bool:
    """Return whether there is a private key in the bytes of a file."""
    if len(data) <= _LONGEST:
        # A key file may be damaged, or be in UTF-16 as some editors save it.
        bare = data.replace(b"\0", b"").lstrip(b"\xff\xfe\xef\xbb\xbf \t\r\n\"'")
        if re.match(rf"{_BEGINS}[{_BASE58}]{{8}}".encode(), bare):
            return True
        data = bare
    if not any(sign in data for sign in _SIGNS):
        return False
    return bool(_IN_FILES.search(data) or (_JWK_KIND.search(data) and _JWK.search(data)))


def without_private_keys(text: str) -> str:
    """Return `text` with what may be a private key, or its beginning, replaced by words."""
    return _IN_ERRORS.sub(_HIDDEN, text)
