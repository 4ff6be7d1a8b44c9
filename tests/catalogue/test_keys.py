"""Whose signature it is: the keys, their spellings, and every edge case of a signature."""

from __future__ import annotations

from collections import Counter

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from testamur import keys
from testamur.catalogue.submission import base64url_decode
from testamur.errors import Refusal, Refuted
from testamur.keys import (
    ALGORITHMS,
    BadSignature,
    Curve,
    PrivateKey,
    PublicKey,
    _libsodium_accepts,
    base58_decode,
    base58_encode,
)
from tests.harness.shared_vectors import load, needs_shared
from tests.harness.story import private_key

CURVES: tuple[Curve, ...] = ("Ed25519", "P-256")
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
MESSAGE = b"eyJhbGciOiJFUzI1NiJ9.e30"

# Each set of flags of c2sp.org/CCTV/ed25519 that OpenSSL accepts, with its number of vectors;
# every other set is refused. A key of low order is refused by us whatever it signed.
ACCEPTED_BY_OPENSSL = {
    "": 1,
    "low_order_A": 1,
    "low_order_A low_order_R": 1,
    "low_order_A low_order_R low_order_component_A": 7,
    "low_order_A low_order_R low_order_component_A low_order_component_R": 35,
    "low_order_A low_order_R low_order_component_A low_order_component_R non_canonical_A": 7,
    "low_order_A low_order_R low_order_component_A non_canonical_A": 3,
    "low_order_A low_order_R non_canonical_A": 3,
    "low_order_A low_order_component_A": 7,
    "low_order_A low_order_component_A low_order_component_R": 35,
    "low_order_A low_order_component_A low_order_component_R non_canonical_A": 7,
    "low_order_A low_order_component_A low_order_component_R non_canonical_A reencoded_k": 5,
    "low_order_A low_order_component_A non_canonical_A": 3,
    "low_order_A low_order_component_A non_canonical_A reencoded_k": 2,
    "low_order_A non_canonical_A": 3,
    "low_order_A non_canonical_A reencoded_k": 3,
    "low_order_R": 1,
    "low_order_R low_order_component_A": 7,
    "low_order_R low_order_component_A low_order_component_R": 35,
    "low_order_component_A": 7,
    "low_order_component_A low_order_component_R": 35,
}
ACCEPTED_BY_US = {
    flags: count for flags, count in ACCEPTED_BY_OPENSSL.items() if "low_order_A" not in flags
}


def _cctv() -> list[tuple[str, bytes, bytes, bytes]]:
    """Return (flags, key, signature, message) of every vector."""
    return [
        (
            " ".join(sorted(vector["flags"] or [])),
            bytes.fromhex(vector["key"]),
            bytes.fromhex(vector["sig"]),
            vector["msg"].encode(),
        )
        for vector in load("c2sp-cctv-ed25519/ed25519vectors.json")
    ]


@needs_shared
def test_the_library_accepts_the_edge_cases_it_always_did_and_no_other() -> None:
    accepted: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    for flags, key, signature, message in _cctv():
        try:
            ed25519.Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
        except InvalidSignature:
            refused[flags] += 1
        else:
            accepted[flags] += 1

    assert dict(accepted) == ACCEPTED_BY_OPENSSL
    assert accepted.total() + refused.total() == 914
    # In words: R is compared as bytes, and nothing is multiplied by the cofactor.
    assert all("low_order_residue" in f or "non_canonical_R" in f for f in refused)


@needs_shared
def test_what_libsodium_accepts_the_library_accepts_too() -> None:
    """It is asked first, so a signature that is good for it alone would split the verifiers."""
    accepted = 0
    for _, key, signature, message in _cctv():
        if _libsodium_accepts(key, signature, message):
            accepted += 1
            ed25519.Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    assert accepted == 43


@needs_shared
def test_without_libsodium_the_verdicts_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def verdicts() -> list[bool]:
        return [_accepts(*vector[1:]) for vector in _cctv()]

    with_it = verdicts()
    monkeypatch.setattr(keys, "_LIBSODIUM", False)
    assert verdicts() == with_it


def _accepts(key: bytes, signature: bytes, message: bytes) -> bool:
    try:
        PublicKey("Ed25519", key).verify(signature, message)
    except Refuted:
        return False
    return True


@needs_shared
def test_we_accept_what_the_library_accepts_but_for_keys_of_small_order() -> None:
    accepted: Counter[str] = Counter()
    for flags, key, signature, message in _cctv():
        try:
            PublicKey("Ed25519", key).verify(signature, message)
        except Refuted as error:
            is_key = isinstance(error, Refusal) and error.rule == "key-form"
            assert is_key == ("low_order_A" in flags)
        else:
            accepted[flags] += 1

    assert dict(accepted) == ACCEPTED_BY_US


@pytest.mark.parametrize("sign", [0, 0x80])
@pytest.mark.parametrize(
    "point",
    [
        bytes(32),
        b"\x01" + bytes(31),
        bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
        bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
        b"\xec" + b"\xff" * 30 + b"\x7f",
        b"\xed" + b"\xff" * 30 + b"\x7f",
        b"\xee" + b"\xff" * 30 + b"\x7f",
    ],
)
def test_a_key_under_which_anybody_could_sign_is_no_key(point: bytes, sign: int) -> None:
    raw = point[:31] + bytes([point[31] | sign])
    text = "z" + base58_encode(b"\xed\x01" + raw)

    with pytest.raises(Refusal, match="small order"):
        PublicKey.from_multikey(text)


# RFC 8032 section 7.1, test 2.
RFC8032_SEED = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
RFC8032_PUBLIC = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
RFC8032_SIGNATURE = bytes.fromhex(
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
)


def test_ed25519_signs_as_rfc_8032_does() -> None:
    key = PrivateKey("Ed25519", RFC8032_SEED)

    assert key.public.raw() == RFC8032_PUBLIC
    assert key.sign(b"\x72") == RFC8032_SIGNATURE
    key.public.verify(RFC8032_SIGNATURE, b"\x72")


def test_es256_verifies_the_example_of_rfc_7515() -> None:
    """RFC 7515 appendix A.3: a JWS that somebody else's software signed."""
    x = base64url_decode("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU")
    y = base64url_decode("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0")
    signature = base64url_decode(
        "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
    )
    key = PublicKey("P-256", bytes([2 + y[-1] % 2]) + x)

    key.verify(
        signature,
        b"eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt"
        b"cGxlLmNvbS9pc19yb290Ijp0cnVlfQ",
    )


@pytest.mark.parametrize("curve", CURVES)
def test_what_a_key_signs_its_public_half_verifies(curve: Curve) -> None:
    key = PrivateKey.generate(curve)

    signature = key.sign(MESSAGE)

    assert len(signature) == 64
    key.public.verify(signature, MESSAGE)
    assert ALGORITHMS[key.algorithm] == curve


@pytest.mark.parametrize("curve", CURVES)
@settings(deadline=None, max_examples=60)
@given(st.data())
def test_no_bit_of_a_signature_or_message_can_be_changed(curve: Curve, data: st.DataObject) -> None:
    key = private_key("flip", curve)
    signature, message = bytearray(key.sign(MESSAGE)), bytearray(MESSAGE)
    changed = data.draw(st.sampled_from([signature, message]))
    bit = data.draw(st.integers(0, len(changed) * 8 - 1))
    changed[bit // 8] ^= 1 << bit % 8

    with pytest.raises(BadSignature):
        key.public.verify(bytes(signature), bytes(message))


@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize("length", [0, 1, 63, 65, 128])
def test_a_signature_of_another_length_is_refused(curve: Curve, length: int) -> None:
    key = private_key("length", curve)
    signature = (key.sign(MESSAGE) * 2)[:length]

    with pytest.raises(BadSignature):
        key.public.verify(signature, MESSAGE)


@pytest.mark.parametrize("curve", CURVES)
def test_a_signature_by_another_key_is_refused(curve: Curve) -> None:
    signature = private_key("one", curve).sign(MESSAGE)

    with pytest.raises(BadSignature):
        private_key("other", curve).public.verify(signature, MESSAGE)


@pytest.mark.parametrize("curve", CURVES)
def test_a_signature_of_the_other_curve_is_refused(curve: Curve) -> None:
    other: Curve = "P-256" if curve == "Ed25519" else "Ed25519"
    signature = private_key("curve", other).sign(MESSAGE)

    with pytest.raises(BadSignature):
        private_key("curve", curve).public.verify(signature, MESSAGE)


def _parts(signature: bytes) -> tuple[int, int]:
    return int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")


def _joined(r: int, s: int) -> bytes:
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def test_both_signs_of_s_are_good_in_es256() -> None:
    """RFC 7518 has no low-S rule, and half of all hardware signatures would fail one."""
    key = private_key("high", "P-256")
    r, s = _parts(key.sign(MESSAGE))

    key.public.verify(_joined(r, s), MESSAGE)
    key.public.verify(_joined(r, P256_ORDER - s), MESSAGE)


@pytest.mark.parametrize("r", [0, None, P256_ORDER, 2**256 - 1])
@pytest.mark.parametrize("s", [0, None, P256_ORDER, 2**256 - 1])
def test_es256_numbers_outside_the_order_are_refused(r: int | None, s: int | None) -> None:
    key = private_key("range", "P-256")
    good_r, good_s = _parts(key.sign(MESSAGE))
    if r is None and s is None:
        return
    signature = _joined(good_r if r is None else r, good_s if s is None else s)

    with pytest.raises(BadSignature):
        key.public.verify(signature, MESSAGE)


def test_es256_numbers_plus_the_order_are_refused() -> None:
    """r + n is the same number modulo n, and would be a second spelling if it fits."""
    key = private_key("wrap", "P-256")
    for round_ in range(64):
        message = b"%d" % round_
        r, s = _parts(key.sign(message))
        for other_r, other_s in ((r + P256_ORDER, s), (r, s + P256_ORDER)):
            if max(other_r, other_s) < 2**256:
                with pytest.raises(BadSignature):
                    key.public.verify(_joined(other_r, other_s), message)


def test_es256_numbers_have_one_width() -> None:
    """A zero byte more or less leaves the numbers as they are, and must not pass for a spelling."""
    key = private_key("width", "P-256")
    for round_ in range(5000):
        message = b"%d" % round_
        signature = key.sign(message)
        with pytest.raises(BadSignature):
            key.public.verify(signature[:32] + b"\0" + signature[32:], message)
        if signature[32] == 0:
            with pytest.raises(BadSignature):
                key.public.verify(signature[:32] + signature[33:], message)
            return
    pytest.fail("one S in 256 begins with a zero byte")


def test_a_der_signature_is_not_a_jws_signature() -> None:
    key = private_key("der", "P-256")
    signature = encode_dss_signature(*_parts(key.sign(MESSAGE)))

    with pytest.raises(BadSignature):
        key.public.verify(signature, MESSAGE)


def test_ed25519_s_plus_the_order_is_refused() -> None:
    """RFC 8032 section 5.1.7: S below L, or every signature would have a twin."""
    order = 2**252 + 27742317777372353535851937790883648493
    key = private_key("twin")
    signature = key.sign(MESSAGE)
    s = int.from_bytes(signature[32:], "little") + order

    with pytest.raises(BadSignature):
        key.public.verify(signature[:32] + s.to_bytes(32, "little"), MESSAGE)


# --- Spellings ---


@pytest.mark.parametrize("curve", CURVES)
def test_a_key_is_read_back_from_each_of_its_texts(curve: Curve) -> None:
    key = PrivateKey.generate(curve)

    assert PublicKey.from_multikey(key.public.multikey()) == key.public
    assert PublicKey.from_did_key(key.public.did_key()) == key.public
    assert PublicKey(curve, key.public.raw()) == key.public
    assert PrivateKey.from_multikey(key.multikey()).raw() == key.raw()
    assert hash(PublicKey.from_multikey(key.public.multikey())) == hash(key.public)


def test_the_texts_begin_as_the_specifications_say() -> None:
    ed25519_key, p256_key = private_key("prefix"), private_key("prefix", "P-256")

    assert ed25519_key.public.multikey().startswith("z6Mk")
    assert p256_key.public.multikey().startswith("zDn")
    assert ed25519_key.multikey().startswith("z3u2")
    assert p256_key.multikey().startswith("z42t")


def test_a_published_did_key_spells_its_published_bytes() -> None:
    """The example of the did:key method, and its bytes in hexadecimal."""
    did = "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"
    raw = bytes.fromhex("2e6fcce36701dc791488e0d0b1745cc1e33a4c1c9fcc41c63bd343dbbe0970e6")

    assert PublicKey.from_did_key(did).raw() == raw
    assert PublicKey("Ed25519", raw).did_key() == did


GOOD = private_key("text").public
BAD_MULTIKEYS = {
    "nothing": "",
    "no multibase prefix": GOOD.multikey()[1:],
    "multibase base64url": "u7QE" + GOOD.multikey()[4:],
    "multibase base58flickr": "Z" + GOOD.multikey()[1:],
    "a leading 1, which is a zero byte": "z1" + GOOD.multikey()[1:],
    "a trailing character": GOOD.multikey() + "1",
    "a character that base58 leaves out": GOOD.multikey()[:-1] + "0",
    "a space": GOOD.multikey() + " ",
    "a character beyond ASCII": GOOD.multikey()[:-1] + "é",
    "31 bytes": "z" + base58_encode(b"\xed\x01" + bytes(30) + b"\x07"),
    "33 bytes": "z" + base58_encode(b"\xed\x01" + GOOD.raw() + b"\x00"),
    "an X25519 key": "z" + base58_encode(b"\xec\x01" + GOOD.raw()),
    "a secp256k1 key": "z" + base58_encode(b"\xe7\x01" + b"\x02" + GOOD.raw()),
    "a secret key": private_key("text").multikey(),
    "a prefix that is not the shortest varint": "z" + base58_encode(b"\xed\x81\x00" + GOOD.raw()),
    "very long": "z" + "2" * 10_000,
    "the DID around it": GOOD.did_key(),
}


@pytest.mark.parametrize("damage", BAD_MULTIKEYS)
def test_a_multikey_in_any_other_spelling_is_refused(damage: str) -> None:
    with pytest.raises(Refusal) as caught:
        PublicKey.from_multikey(BAD_MULTIKEYS[damage])

    assert caught.value.rule in {"key-form", "base58"}


def _p256(raw: bytes) -> str:
    return "z" + base58_encode(b"\x80\x24" + raw)


def test_a_p_256_key_is_a_compressed_point_on_the_curve() -> None:
    point = ec.derive_private_key(7, ec.SECP256R1()).public_key()
    compressed = point.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    uncompressed = point.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    assert PublicKey.from_multikey(_p256(compressed)).raw() == compressed

    prime = 2**256 - 2**224 + 2**192 + 2**96 - 1
    for raw in (
        uncompressed,
        uncompressed[:33],
        b"\x06" + uncompressed[1:33],
        b"\x05" + compressed[1:],
        b"\x00" + compressed[1:],
        b"\x02" + prime.to_bytes(32, "big"),
        b"\x02" + b"\xff" * 32,
        b"\x02" + (5).to_bytes(32, "big")[:31] + b"\x01",  # x = 1 is not on the curve
        bytes(33),
    ):
        with pytest.raises(Refusal):
            PublicKey.from_multikey(_p256(raw))


@pytest.mark.parametrize(
    "did",
    ["", "did:web:example.com", "did:key:", "did:key", GOOD.multikey(), GOOD.did_key() + "#x"],
)
def test_what_is_no_did_key_is_refused(did: str) -> None:
    with pytest.raises(Refusal):
        PublicKey.from_did_key(did)


@pytest.mark.parametrize("scalar", [0, P256_ORDER, 2**256 - 1])
def test_a_p_256_secret_lies_below_the_order(scalar: int) -> None:
    with pytest.raises(Refusal):
        PrivateKey("P-256", scalar.to_bytes(32, "big"))


@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_secret_of_another_length_is_refused(curve: Curve, length: int) -> None:
    with pytest.raises(Refusal):
        PrivateKey(curve, b"\x01" * length)


@pytest.mark.parametrize("curve", CURVES)
def test_a_secret_is_in_no_text_made_for_the_eye(curve: Curve) -> None:
    key = private_key("hidden", curve)
    secrets = (key.multikey(), key.raw().hex())

    assert not any(secret in text for secret in secrets for text in (repr(key), str(key)))
    for text in (key.multikey()[:-1], key.multikey() + "1", key.multikey()[1:], "x"):
        with pytest.raises(Refusal) as caught:
            PrivateKey.from_multikey(text)
        assert key.multikey()[4:-4] not in str(caught.value)


@settings(deadline=None)
@given(st.binary(max_size=100))
def test_base58_spells_bytes_in_one_way(data: bytes) -> None:
    assert base58_decode(base58_encode(data)) == data


@settings(deadline=None)
@given(st.text("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz", max_size=100))
def test_base58_reads_no_two_texts_as_one(text: str) -> None:
    assert base58_encode(base58_decode(text)) == text


def test_base58_is_not_read_beyond_the_length_of_a_key() -> None:
    """The reading takes time by the square of the length."""
    assert base58_decode("2" * 200)
    with pytest.raises(Refusal) as caught:
        base58_decode("2" * 201)
    assert caught.value.rule == "base58"


def test_a_key_equals_a_key_alone() -> None:
    key = private_key("equal").public

    assert key == PublicKey("Ed25519", key.raw())
    assert key != private_key("other").public
    assert key != key.multikey()
    assert key != key.raw()


def test_base58_reads_the_published_examples() -> None:
    """draft-msporny-base58, section 5."""
    assert base58_encode(b"Hello World!") == "2NEpo7TZRRrLZSi2U"
    assert base58_decode("2NEpo7TZRRrLZSi2U") == b"Hello World!"
    assert base58_encode(bytes.fromhex("0000287fb4cd")) == "11233QC4"


def test_the_library_does_what_the_jws_needs() -> None:
    """ES256 is ECDSA over SHA-256 of the message, checked apart from our own wrapping."""
    key = ec.derive_private_key(5, ec.SECP256R1())
    raw = key.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    signature = PrivateKey("P-256", (5).to_bytes(32, "big")).sign(MESSAGE)

    key.public_key().verify(encode_dss_signature(*_parts(signature)), MESSAGE, ec.ECDSA(SHA256()))
    PublicKey("P-256", raw).verify(signature, MESSAGE)
