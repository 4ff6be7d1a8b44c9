"""Foreign JSON is read strictly or refused with the reason, and has one canonical form."""

from __future__ import annotations

import json
import tracemalloc
from decimal import Decimal
from typing import Any

import pytest
import rfc8785
from hypothesis import example, given, settings
from hypothesis import strategies as st

from testamur.canonical import (
    MAX_DEPTH,
    MAX_NUMBER,
    MAX_VALUES,
    jcs,
    jcs_of_items,
    jcs_of_members,
    parse_strict,
)
from testamur.errors import Refusal
from tests.harness.shared_vectors import SHARED, needs_shared

INTEGERS = st.integers(min_value=-(2**53) + 1, max_value=2**53 - 1)
FLOATS = st.floats(allow_nan=False, allow_infinity=False).filter(
    lambda number: not 2**53 <= abs(number) < 1e21
)
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none() | st.booleans() | INTEGERS | FLOATS | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
    max_leaves=20,
)
NAMES = ("arrays", "french", "structures", "unicode", "values", "weird")


def strict(text: str | bytes, **bounds: int) -> Any:
    data = text.encode() if isinstance(text, str) else text
    return parse_strict(data, **{"max_bytes": 100_000, **bounds})


def refusal(text: str | bytes, **bounds: int) -> Refusal:
    with pytest.raises(Refusal) as caught:
        strict(text, **bounds)
    return caught.value


# --- Reading ---


@pytest.mark.slow
@given(VALUES)
def test_what_is_read_is_what_was_written(value: Any) -> None:
    assert strict(json.dumps(value)) == value


@pytest.mark.slow
@given(VALUES)
def test_the_canonical_form_is_read_back_as_the_same_value(value: Any) -> None:
    assert strict(jcs(strict(json.dumps(value)))) == value


@given(st.binary(max_size=60) | TEXT.map(str.encode))
@example(b"[" * 200_000)
@example(b'{"a":' * 90_000)
@example(b"-")
@example(b'"\\ud800')
def test_any_bytes_are_either_read_or_refused(data: bytes) -> None:
    rule = ""
    try:
        parse_strict(data, max_bytes=1_000_000)
    except Refusal as refused:
        rule = refused.rule
    assert rule in {"", "json"} or rule.startswith("json-")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a":1,"a":1}', "a"),
        ('{"a":1,"b":{"c":1,"d":2,"c":3}}', "c"),
        # Two spellings of one key are one key.
        ('{"\\u0061":1,"a":2}', "a"),
    ],
)
def test_a_key_given_twice_is_refused_by_name(text: str, value: str) -> None:
    found = refusal(text)
    assert (found.rule, found.value) == ("json-duplicate-key", value)


@pytest.mark.parametrize(
    "number",
    [
        "NaN",
        "Infinity",
        "-Infinity",
        "1e309",
        "-1e400",
        "9007199254740992",
        "-9007199254740992",
        "9" * 5000,
        # Read as a double these would be printed as an integer that is refused.
        "9007199254740993.0",
        "1e16",
        "1.5e20",
    ],
)
def test_a_number_that_would_lose_digits_is_refused(number: str) -> None:
    found = refusal(f'{{"credits":{number}}}')
    assert found.rule == "json-number"
    assert found.value is not None
    assert found.value.startswith(number[:20])


@pytest.mark.parametrize("number", ["9007199254740991", "3.0", "0.1", "1e21", "-0.0", "1e-400"])
def test_a_number_that_keeps_its_digits_is_read(number: str) -> None:
    assert strict(number) == json.loads(number)


@pytest.mark.parametrize("text", ['"\\ud800"', '["\\udc00\\ud800"]', '{"\\udfff":1}', '"a\\ud83d"'])
def test_half_a_surrogate_pair_is_refused(text: str) -> None:
    assert refusal(text).rule == "json-surrogate"


def test_a_whole_surrogate_pair_is_one_character() -> None:
    assert strict('"\\ud83d\\ude00"') == "\U0001f600"


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"\xef\xbb\xbf{}", "json-encoding"),
        (b'"\xff"', "json-encoding"),
        (b'"\xed\xa0\x80"', "json-encoding"),  # a surrogate, in what is no UTF-8
        (b'"\xc0\xaf"', "json-encoding"),  # an overlong "/"
        ("{}".encode("utf-16"), "json-encoding"),
        (b"", "json"),
        (b"{} {}", "json"),
        (b"[1,]", "json"),
        (b"{'a':1}", "json"),
        (b'{"a":1} // no', "json"),
        (b"01", "json"),
        (b"+1", "json"),
        (b".5", "json"),
        (b"1_000", "json"),
        ("٣".encode(), "json"),
        (b'"\x01"', "json"),
        (b"\x0b1", "json"),
    ],
)
def test_what_is_no_json_is_refused(data: bytes, rule: str) -> None:
    assert refusal(data).rule == rule


def test_nesting_is_bounded() -> None:
    assert strict("[" * MAX_DEPTH + "]" * MAX_DEPTH)
    assert refusal("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1)).rule == "json-depth"
    assert refusal('{"a":' * 3 + "1" + "}" * 3, max_depth=2).rule == "json-depth"
    assert refusal("[" * 100_000).rule == "json-depth"


@pytest.mark.parametrize("item", ["[]", "{}", "0", "1.0", '""', '{"a":0}', '{"a":{}}', "[[]]"])
def test_there_is_no_object_for_each_value_of_a_document_with_too_many(item: str) -> None:
    """A byte that opens an array is an object of fifty, once it is read."""
    data = ("[" + ",".join([item] * 500_000) + "]").encode()
    tracemalloc.start()
    try:
        found = refusal(data, max_bytes=len(data))
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found.rule == "json-values"
    assert str(MAX_VALUES) in found.detail
    assert most < 2 * len(data)


def test_as_many_values_as_are_promised_are_read() -> None:
    # One array, and a comma before each item but the first.
    assert len(strict("[" + ",".join("0" * MAX_VALUES) + "]", max_bytes=1_000_000)) == MAX_VALUES
    found = refusal("[" + ",".join("0" * (MAX_VALUES + 1)) + "]", max_bytes=1_000_000)
    assert (found.rule, found.value) == ("json-values", f"{MAX_VALUES + 1} or more")
    assert refusal("[0,0,0]", max_values=2).rule == "json-values"
    assert strict("[0,0,0]", max_values=3) == [0, 0, 0]


@pytest.mark.parametrize("text", [",[{", "\\", '"', '\\"', '\\",', '\\\\",[', ",\x01é\U0001f600,"])
def test_punctuation_within_a_text_is_no_value(text: str) -> None:
    value = {text * 200: [text * 200, {}]}
    assert strict(json.dumps(value), max_values=4) == value
    assert refusal(json.dumps([value, 0]), max_values=4).rule == "json-values"


@pytest.mark.slow
@given(VALUES)
def test_values_are_counted_as_they_are(value: Any) -> None:
    compact = json.dumps(value)
    bare = json.dumps(_without_texts(value))
    count = sum(map(bare.count, (",", "[", "{")))
    assert strict(compact, max_values=count) == value
    if count:
        assert refusal(compact, max_values=count - 1).rule == "json-values"


def _without_texts(value: Any) -> Any:
    match value:
        case str():
            return ""
        case list():
            return [_without_texts(item) for item in value]
        case dict():
            items = enumerate(value.values())
            return {str(number): _without_texts(item) for number, item in items}
    return value


@pytest.mark.parametrize(
    "number", ["0." + "1" * MAX_NUMBER, "1e-" + "0" * MAX_NUMBER + "1", "1." + "0" * 1_000_000]
)
def test_a_number_is_no_longer_than_any_double_needs(number: str) -> None:
    found = refusal(f"[{number}]", max_bytes=2_000_000)
    assert found.rule == "json-number"
    assert str(MAX_NUMBER) in found.detail


@pytest.mark.parametrize("number", [5e-324, 2.2250738585072011e-308, 0.1, 1.7976931348623157e308])
def test_any_double_is_read_to_its_last_digit(number: float) -> None:
    exact = f"{Decimal(number):f}"
    if "." not in exact:
        exact += ".0"
    assert len(exact) <= MAX_NUMBER
    assert strict(f"[{exact}]") == [number]


def test_the_size_is_bounded_before_anything_is_read() -> None:
    assert strict(b"[1]", max_bytes=3) == [1]
    found = refusal(b"\xff\xff\xff\xff", max_bytes=3)
    assert (found.rule, found.value) == ("json-size", "4 bytes")


# --- The canonical form ---


@pytest.mark.slow
@given(VALUES)
def test_both_ways_of_printing_agree(value: Any) -> None:
    assert jcs(value) == rfc8785.dumps(value)


@pytest.mark.slow
@given(st.dictionaries(TEXT, TEXT | INTEGERS))
def test_both_ways_of_printing_agree_on_objects(value: dict[str, Any]) -> None:
    assert jcs(value) == rfc8785.dumps(value)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(st.dictionaries(TEXT, VALUES), st.lists(VALUES))
def test_an_object_or_array_of_canonical_parts_is_canonical(
    members: dict[str, Any], items: list[Any]
) -> None:
    assert jcs_of_members({name: jcs(value) for name, value in members.items()}) == jcs(members)
    assert jcs_of_items(map(jcs, items)) == jcs(items)


@given(st.floats(1e-5, 1e16) | st.decimals(-1_000, 1_000, places=2).map(float))
@example(1e-4)
@example(9.999999999999999e-05)
@example(999999999999999.9)
@example(1000000000000000.1)
def test_both_ways_of_printing_agree_on_numbers(number: float) -> None:
    assert jcs([number, -number]) == rfc8785.dumps([number, -number])


def test_every_escape_is_the_one_of_the_rfc() -> None:
    text = "".join(map(chr, range(0x180))) + "\u2028\u2029\ufeff\uffff\U0001f600"
    assert jcs({text[:128]: text}) == rfc8785.dumps({text[:128]: text})


def test_keys_are_sorted_by_utf_16_unit_not_by_code_point() -> None:
    assert jcs({"\ufb33": 1, "\U0001f600": 2}) == '{"\U0001f600":2,"\ufb33":1}'.encode()


@pytest.mark.parametrize(
    ("number", "printed"),
    [(3.0, b"3"), (-0.0, b"0"), (0.1, b"0.1"), (1e21, b"1e+21"), (1e-7, b"1e-7"), (4.50, b"4.5")],
)
def test_numbers_are_printed_as_ecmascript_prints_them(number: float, printed: bytes) -> None:
    assert jcs(number) == printed


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        2**53,
        -(2**53),
        "\ud800",
        {"\ud800": 1},
        {1: 2},
        b"bytes",
        {1, 2},
    ],
)
def test_what_is_no_json_value_has_no_canonical_form(value: object) -> None:
    for nested in (value, [value], {"a": [value]}):
        with pytest.raises(Refusal, match="canonical-json"):
            jcs(nested)


@pytest.mark.parametrize("name", ["\ud800", 1])
def test_what_is_no_key_has_no_canonical_form(name: Any) -> None:
    with pytest.raises(Refusal, match="canonical-json"):
        jcs_of_members({name: b"1"})


def test_a_bottomless_value_has_no_canonical_form() -> None:
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(Refusal, match="canonical-json"):
        jcs(value)


# --- Published vectors ---


@needs_shared
@pytest.mark.parametrize("name", NAMES)
def test_the_published_vectors_are_printed_byte_for_byte(name: str) -> None:
    folder = SHARED / "jcs-rfc8785"
    value = parse_strict((folder / "input" / f"{name}.json").read_bytes(), max_bytes=10_000)
    expected = (folder / "output" / f"{name}.json").read_bytes()
    assert expected == jcs(value)
    hexadecimal = (folder / "outhex" / f"{name}.txt").read_text(encoding="ascii")
    assert bytes.fromhex(hexadecimal) == jcs(value)


@needs_shared
@pytest.mark.parametrize("name", NAMES)
def test_the_published_canonical_forms_are_canonical(name: str) -> None:
    data = (SHARED / "jcs-rfc8785" / "output" / f"{name}.json").read_bytes()
    assert jcs(parse_strict(data, max_bytes=10_000)) == data
