"""An e-mail address in its one spelling: an `addr-spec` (RFC 5322), in the letters of RFC 6531.

A credential holds a hash of the address, and a verifier hashes what a person types, so one mailbox
has one spelling here. The domain is in small letters, which mean the same to DNS, and in its own
script: its form for machines (`xn--`, RFC 5890) is refused with the form that people type. What
stands before the @ is left as it is, since only its mail server knows whether capitals matter
there. Nothing is looked up: that an address exists is not said.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_ATOM: Final = r"[\w!#$%&'*+/=?^`{|}~-]+"
_DOT_ATOM: Final = re.compile(rf"{_ATOM}(?:\.{_ATOM})*", re.ASCII)
_QUOTED: Final = re.compile(r'"(?:[ !#-\[\]-~]|\\[ -~])*"')
_LABEL: Final = re.compile(r"[a-z0-9]+(?:-+[a-z0-9]+)*")
_MACHINE: Final = "xn--"
_EMBEDDED: Final = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")

# In octets: RFC 5321 section 4.5.3.1, where a path has angle brackets; RFC 1035 section 2.3.4.
_MAX_LOCAL: Final = 64
_MAX_ADDRESS: Final = 254
_MAX_LABEL: Final = 63


def spelled(address: str) -> str:
    """Return the one spelling of an address, whether it is a good one or not."""
    local, at, domain = unicodedata.normalize("NFC", address).rpartition("@")
    return f"{local}{at}{unicodedata.normalize('NFC', domain.lower())}" if at else domain


def spellings(address: str) -> tuple[str, ...]:
    """Return the one spelling of an address, and its domain in both forms of RFC 5890.

    Other programs write either form, and both are the same domain.
    """
    local, at, domain = spelled(address).rpartition("@")
    if not at:
        return (domain,)
    labels = domain.split(".")
    forms = (labels, map(_for_people, labels), map(_for_machines, labels))
    return tuple(dict.fromkeys(f"{local}@{'.'.join(form)}" for form in forms))


def has_capitals(address: str) -> bool:
    """Return whether there are capitals before the @, which some people will not type."""
    local, at, _ = address.rpartition("@")
    return bool(at) and local != local.lower()


def fault_in(address: str) -> str | None:
    """Return why `address`, as `spelled`, is none, with what to write; None if it is one."""
    local, _, domain = address.rpartition("@")
    shape = _shape(local)
    if not domain or not local or not (_DOT_ATOM.fullmatch(shape) or _QUOTED.fullmatch(local)):
        return _no_address(address)
    return _fault_in_domain(local, domain) or _fault_in_local(local, domain)


def _fault_in_local(local: str, domain: str) -> str | None:
    if local.startswith('"') and _DOT_ATOM.fullmatch(_shape(local[1:-1])):
        return f"needs no quotation marks; write {local[1:-1]}@{domain}"
    if local.startswith("'"):
        return f"begins with an apostrophe; write {local[1:]}@{domain}"
    if "?" in local:
        return "holds ?, which programs write for a letter that they do not know; write the letter"
    if len(local.encode()) > _MAX_LOCAL or len(f"{local}@{domain}".encode()) > _MAX_ADDRESS:
        return f"has more than {_MAX_LOCAL} bytes before the @, or {_MAX_ADDRESS} in all"
    return None


def _fault_in_domain(local: str, domain: str) -> str | None:
    labels = domain.split(".")
    for label in labels:
        shape = _shape(label)
        if not _LABEL.fullmatch(shape) or len(_for_machines(label)) > _MAX_LABEL:
            return _no_address(f"{local}@{domain}")
    if len(labels) < 2 or labels[-1].isdecimal():
        return _no_address(f"{local}@{domain}")
    if any(label.startswith(_MACHINE) for label in labels):
        people = ".".join(map(_for_people, labels))
        if people == domain:
            return _no_address(f"{local}@{domain}")
        return f"has its domain in the form for machines; write {local}@{people}"
    return None


def _no_address(text: str) -> str:
    """Return that it is none, and the address that seems to be meant."""
    meant = [each for each in _EMBEDDED.findall(text) if each != text and fault_in(each) is None]
    if len(meant) > 1:
        return "not an e-mail address but several; a row has one learner"
    if meant:
        return f"not an e-mail address; write {meant[0]}, if that is meant"
    return "not an e-mail address such as ada@example.org"


def _shape(text: str) -> str:
    """Return `text` with each letter, mark or digit beyond ASCII as "a", and else beyond as " "."""
    if text.isascii():
        return text
    return "".join(
        char if char < "\x80" else "a" if unicodedata.category(char)[0] in "LMN" else " "
        for char in text
    )


def _for_machines(label: str) -> str:
    return label if label.isascii() else f"{_MACHINE}{label.encode('punycode').decode()}"


def _for_people(label: str) -> str:
    if not label.startswith(_MACHINE):
        return label
    try:
        found = label.removeprefix(_MACHINE).encode().decode("punycode")
    except (UnicodeError, ValueError):
        return label
    same = _for_machines(found) == label and found == unicodedata.normalize("NFC", found.lower())
    return found if same and found.isprintable() else label
