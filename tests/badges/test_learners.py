"""Nothing that a spreadsheet or a slip of the hand made becomes a learner, in whatever language."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from testamur.badges.addresses import spelled
from testamur.badges.cohort_csv import Award, read_cohort
from testamur.badges.columns import Reading
from testamur.badges.learners import _PLAIN_ADDRESS, _PLAIN_NUMBER, _fault_in
from testamur.errors import Refusal
from tests.badges.test_cohort import ETHICS, table
from tests.harness.story import private_key

AS_TYPED = Reading()
AS_WRITTEN = Reading(as_written=True)


def cohort(
    cell: str, reading: Reading = AS_TYPED, **other: str
) -> tuple[list[Award], list[tuple[int, Refusal]]]:
    awards, refused = read_cohort(
        table([{"learner": cell, "awarded": "2026-11-20", **other}]), (ETHICS,), reading
    )
    return list(awards), refused


# --- What is taken ---


@pytest.mark.parametrize(
    ("cell", "learner"),
    [
        ("ada@example.org", "ada@example.org"),
        ("Ada.Lovelace@Example.ORG", "Ada.Lovelace@example.org"),
        ("o'brien+soils@mail.example.co.uk", "o'brien+soils@mail.example.co.uk"),
        ("zoë@example.org", "zoë@example.org"),
        ("ZOË@BÜCHER.Example", "ZOË@bücher.example"),
        ("иван@пример.рф", "иван@пример.рф"),
        ("иван@example.org", "иван@example.org"),
        ("用户@例子.广告", "用户@例子.广告"),
        ("संपर्क@डाटामेल.भारत", "संपर्क@डाटामेल.भारत"),
        ('"ada lovelace"@example.org', '"ada lovelace"@example.org'),
        ("x" * 64 + "@example.org", "x" * 64 + "@example.org"),
        ("ada@1.example", "ada@1.example"),
        ("a@123.org", "a@123.org"),
        ("1046783", "1046783"),
        ("0001046783", "0001046783"),
        ("s1234567", "s1234567"),
        ("E5", "E5"),
        ("20201015", "20201015"),
        ("2026/0117", "2026/0117"),
        ("123-45-678", "123-45-678"),
        ("AB-2026-0001", "AB-2026-0001"),
        ("NLD-26", "NLD-26"),
        ("ΑΕΜ-12345Ω", "ΑΕΜ-12345Ω"),
        ("https://orcid.org/0000-0002-1825-0097", "https://orcid.org/0000-0002-1825-0097"),
    ],
)
def test_an_address_or_a_number_is_a_learner(cell: str, learner: str) -> None:
    awards, refused = cohort(cell)
    assert ([award.learner for award in awards], refused) == ([learner], [])


# --- What is refused, and taken as it is written if the person insists ---

ERRORS = [
    *("########", "#WERT!", "#VERW!", "#N/B", "#NV", "#BEZUG!", "#NOM?", "#VALEUR!", "#ERROR!"),
    *("#FIELD!", "#¡VALOR!", "#N/D", "#ИМЯ?", "#値!", "#SPILL!", "#N/A", "#"),
]
NUMBERED = ["Err:502", "Err: 502", "Err :522", "Erreur:508", "Ошибка:502", "错误:502"]
FORMATTED = [
    *("1,046,783", "1.046.783", "1046783.00", "1046783,5", "1 046 783", "1'046'783"),
    *("1’046’783", "12.345.678-9", "12.345.678-K", "1_046_783", "10,46,783"),
    "1٬046٬783",
]
ROUNDED = [
    "2.02611E+11",
    "2,02611e11",
    "1E10",
    "1.5E-7",
    "1234567890123450",
    "12345678901234500000",
]
EMPTY = [
    *("N/A", "NULL", "TRUE", "FALSE", "null", "None", "n/a", "NaN", "undefined", "?", "--", "."),
    *("WAHR", "VRAI", "ИСТИНА", "leer", "keine", "0", "000", "-"),
]
DATES = [
    *("2026-11-20", "20.11.2026", "11/20/2026", "3/5/26", "20-11-26", "2026/11/20", "20. 11. 2026"),
    *("2026-11-20T09:00:00Z", "2026-11-20 09:00", "20-Nov-2026", "1-Sep", "20. März 2026"),
    *("Mar-26", "mrt-26", "09:30", "9:30:00"),
]
WRAPPED = [
    *("<ada@example.org>", "mailto:ada@example.org", "'bob@example.org'", "eve@example.org;"),
    *("carol@example.org.", '"gus@example.org"', "Ada <ada@example.org>", "ada@example.org,"),
    *("ada@example.org (home)", "SMTP:ada@example.org", "ada@example.org|", "«ada@example.org»"),
]
NO_ADDRESS = [
    *("dan@example..org", "(fay)@example.org", ".ada@example.org", "a..b@example.org", "@x.org"),
    *("ada@@example.org", "ada@-x.org", "ada@x-.org", "ada@x_y.org", "ada@example", "ada@"),
    *("ada@192.0.2.1", "ada@[192.0.2.1]", "ada @example.org", "a@b.example, c@d.example"),
    *("a@b.example c@d.example", "x" * 65 + "@example.org", "ada@" + "x" * 64 + ".org"),
    *("'bob@example.org", "m?ller@example.org", '"ada"@example.org', "ada@" + "ü" * 60 + ".org"),
    *("ada@xn--bcher-kva.example", "ada@xn--.example", "ada@example.123", "ada@exa mple.org"),
]
NO_NUMBER = [
    *("ada at x.org", "ada(at)x.org", "ada [at] x2.org", "Ada Lovelace", "Lovelace, Ada", "ada"),
    *("'1046783", "1046783;", "1046783,", "(1046783)", "12%", "€ 12", "7.", "/7", "n° 7", "7*"),
    *("7 8", "no 12345", "١٠٤٦٧٨٣", "१२३", "ada%40example2.org", "7 (repeat)"),
]
OTHER_FORMS = ["ａｄａ＠example.org", "１０４６７８３", "７", "ﬁ1234", "n²", "①"]
IMITATIONS = [
    *("аda@example.org", "ada@exаmple.org", "аса@example.org", "С1234", "АВ12345", "sЅ123"),
    "ada@gооgle.example",
]
FORMULAS = ["=A5", "+31612345678", "-7", "@SUM(A1)", "＝A5"]
MISREAD = ["zoÃ«@example.org", "jÃ¼rgen@example.org", "mâ€™1234"]
REFUSED = [
    *ERRORS, *NUMBERED, *FORMATTED, *ROUNDED, *EMPTY, *DATES, *WRAPPED, *NO_ADDRESS,
    *NO_NUMBER, *OTHER_FORMS, *IMITATIONS, *FORMULAS, *MISREAD, "did:key:z6Mk",
]  # fmt: skip


@pytest.mark.parametrize("cell", REFUSED)
def test_what_can_be_misread_is_no_learner_unless_it_is_meant_as_written(cell: str) -> None:
    awards, ((row, refusal),) = cohort(cell)
    assert (awards, row, refusal.rule) == ([], 2, "cohort-cell")
    assert refusal.detail.startswith("column learner: ")
    assert "if it is right, --learner-as-written takes it" in refusal.detail
    assert refusal.value is not None

    awards, refused = cohort(cell, AS_WRITTEN)
    assert ([award.learner for award in awards], refused) == ([cell], [])


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        (ERRORS, "begins with #"),
        (NUMBERED, "a numbered error"),
        (FORMATTED, "separators or decimals"),
        (ROUNDED, "rounded"),
        (DATES[:14], "a date"),
        (DATES[14:], "a time of day"),
        (IMITATIONS, "scripts|looks Latin"),
        (OTHER_FORMS, "in another form; write "),
        (FORMULAS, "a formula"),
        (MISREAD, "another encoding; write "),
        (WRAPPED, "write (ada|bob|eve|carol|gus)@example.org, if that is meant"),
    ],
)
def test_the_reason_names_the_mistake_and_what_to_write(cells: list[str], why: str) -> None:
    for cell in cells:
        _, ((_, refusal),) = cohort(cell)
        with pytest.raises(Refusal, match=why):
            raise refusal


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ("ada@xn--bcher-kva.example", "write ada@bücher.example"),
        ('"ada"@example.org', "write ada@example.org"),
        ("'bob@example.org", "write bob@example.org"),
        ("a@b.example, c@d.example", "a row has one learner"),
        ("m?ller@example.org", "write the letter"),
        ("zoÃ«@example.org", "write zoë@example.org"),
        ("0", "zero, as a spreadsheet shows an empty cell"),
        ("١٠٤", "digits of another script"),
        ("Ada Lovelace", "names go into column name"),
        ("did:key:z6Mk", "goes into column learnerId"),
    ],
)
def test_a_refusal_says_what_to_do(cell: str, why: str) -> None:
    _, ((_, refusal),) = cohort(cell)
    assert why in refusal.detail


def test_what_is_refused_as_a_learner_is_shown_once_escaped() -> None:
    _, ((_, refusal),) = cohort("zo\u00eb")
    assert refusal.value is not None
    assert "\\\\" not in refusal.value


# --- What nobody can insist on ---

INVISIBLE = [
    *("\u200e", "\u200f", "\u061c", "\u00ad", "\u200b", "\u200c", "\u200d", "\u2060", "\ufeff"),
    *("\u202a", "\u202e", "\u2066", "\u00a0", "\u202f", "\u2009", "\u3164", "\u180e", "\ufe0f"),
    *("\U000e0041", "\u0007", "\n", "\ufffd", "\u034f", "\u2800"),
]


@pytest.mark.parametrize("char", INVISIBLE)
@pytest.mark.parametrize("text", ["ad{}a@example.org", "10{}46783"])
def test_an_invisible_character_is_named_and_never_taken(char: str, text: str) -> None:
    for reading in (AS_TYPED, AS_WRITTEN):
        awards, ((_, refusal),) = cohort(text.format(char), reading)
        assert awards == []
        assert f"U+{ord(char):04X} {unicodedata.name(char, '')}".rstrip() in refusal.detail


@pytest.mark.parametrize("column", ["awarded", "name", "validUntil", "evidence", "learnerId"])
def test_an_invisible_character_is_named_in_every_column(column: str) -> None:
    for char in ("\u200e", "\u200f", "\u00ad", "\u200b"):
        row = {"learner": "7", "awarded": "2026-11-20"} | {column: f"{char}2026-11-20"}
        _, ((_, refusal),) = read_cohort(table([row]), (ETHICS,))
        assert f"U+{ord(char):04X} {unicodedata.name(char)}" in refusal.detail


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_private_key_is_no_learner_and_is_not_shown(encoding: str) -> None:
    secret = private_key("learner").multikey()
    filler = "".join(f"{number},2026-11-20\n" for number in range(1, 600))
    data = f"learner,awarded\n{filler}{secret},2026-11-20\n".encode(encoding)
    with pytest.raises(Refusal, match="this is a private key") as caught:
        read_cohort(data, (ETHICS,), AS_WRITTEN)
    assert secret[:12] not in str(caught.value)


# --- Names ---


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("NULL", "a program writes"),
        *((word, "a program writes") for word in ("N/A", "n/a", "N/a", "null", "NaN", "true")),
        ("Err:502", "a numbered error"),
        ("#NAME?", "begins with #"),
        ("JÃ¼rgen", "write Jürgen"),
        ("ada@example.org", "goes into column learner"),
        ("1046783", "holds no letter"),
        ("20-Nov-2026", "a date"),
        ("Ada  Lovelace", "two in a row"),
        ("M\ufffdller", "where a letter was lost"),
        ("x" * 201, "at most 200"),
    ],
)
def test_a_mistake_does_not_become_a_name(name: str, why: str) -> None:
    _, ((_, refusal),) = cohort("7", name=name)
    assert why in refusal.detail


@pytest.mark.parametrize(
    "name",
    [
        *(
            "Null",
            "True Smith",
            "Ada Lovelace",
            "Jürgen Müller",
            "دانیال",
            "می\u200cخواهم",
            "李小龙",
        ),
        *("Anand s/o Raman", "O'Brien", "Nguyễn Thị Minh", "Ãngela Â", "X Æ A-12"),
    ],
)
def test_a_name_is_what_people_are_called(name: str) -> None:
    (award,), refused = cohort("7", name=name)
    assert (award.name, refused) == (unicodedata.normalize("NFC", name), [])


# --- The same for all ---

LOCAL = st.from_regex(r"[A-Za-z0-9ß-öø-ÿ]+([._+-][A-Za-z0-9ß-öø-ÿ]+){0,3}", fullmatch=True)
DOMAIN = st.from_regex(r"([A-Za-z0-9ä-ö]+(-[a-z0-9]+)?\.){1,3}[A-Za-z]{2,9}", fullmatch=True)


@pytest.mark.slow
@given(st.builds("{}@{}".format, LOCAL, DOMAIN))
def test_what_an_address_is_read_as_is_read_as_itself(text: str) -> None:
    one = spelled(text)
    assert spelled(one) == one
    local, _, domain = text.rpartition("@")
    assert one == f"{unicodedata.normalize('NFC', local)}@{domain.lower()}"


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(st.from_regex(_PLAIN_ADDRESS, fullmatch=True) | st.from_regex(_PLAIN_NUMBER, fullmatch=True))
def test_the_short_way_takes_nothing_that_the_rules_refuse(text: str) -> None:
    if unicodedata.is_normalized("NFC", text):
        assert spelled(text) == text
        assert _fault_in(text) is None


@given(st.text(min_size=1, max_size=40).filter(lambda text: text.strip() and "\0" not in text))
def test_no_cell_is_read_as_another_learner(text: str) -> None:
    awards, _ = cohort(text)
    for award in awards:
        assert award.learner == spelled(text.strip())
        assert not {unicodedata.category(char) for char in award.learner or ""} & {"Cc", "Cf"}
