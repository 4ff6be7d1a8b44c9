"""What a name on the log may be made of, as ranges of code points that never change.

A replayer of another language and another year must refuse the very same names, so nothing here
asks a library what a character is. Whether a name imitates another by letters of a second script
depends on the version of Unicode: that is judged before an entry is recorded
(`testamur/recording/`), and never afterwards.
"""

from __future__ import annotations

import re
from typing import Final, TypeAlias

Ranges: TypeAlias = tuple[tuple[int, int], ...]

UNSEEN: Final[Ranges] = (
    (0x0000, 0x001F),  # controls
    (0x007F, 0x00A0),  # controls, and the space that does not break
    (0x00AD, 0x00AD),  # soft hyphen
    (0x034F, 0x034F),  # combining grapheme joiner
    (0x061C, 0x061C),  # Arabic letter mark
    (0x115F, 0x1160),  # Hangul fillers
    (0x1680, 0x1680),  # Ogham space
    (0x17B4, 0x17B5),  # Khmer inherent vowels
    (0x180B, 0x180F),  # Mongolian variation selectors
    (0x2000, 0x200B),  # wide, thin and zero-width spaces
    (0x200E, 0x200F),  # marks of direction
    (0x2028, 0x202F),  # line ends, embeddings, narrow space
    (0x205F, 0x206F),  # further spaces, joiners and isolates
    (0x2800, 0x2800),  # blank Braille pattern
    (0x3000, 0x3000),  # ideographic space
    (0x3164, 0x3164),  # Hangul filler
    (0xE000, 0xF8FF),  # private use
    (0xFDD0, 0xFDEF),  # no characters
    (0xFE00, 0xFE0F),  # variation selectors
    (0xFEFF, 0xFEFF),  # byte order mark
    (0xFFA0, 0xFFA0),  # half-width Hangul filler
    (0xFFF0, 0xFFFF),  # specials: annotation, replacement
    (0x1107F, 0x1107F),  # Brahmi number joiner
    (0x13430, 0x13442),  # hieroglyphic format controls and blanks
    (0x16FE4, 0x16FE4),  # Khitan filler
    (0x1BCA0, 0x1BCA3),  # shorthand format controls
    (0x1D159, 0x1D159),  # musical null notehead
    (0x1D173, 0x1D17A),  # musical format controls
    (0xE0000, 0x10FFFF),  # tags, variation selectors, private use
)
"""Code points that no name holds: they are invisible, or reorder or annotate what is seen."""

MARKS: Final[Ranges] = (
    (0x0300, 0x036F),  # combining diacritical marks
    (0x0483, 0x0489),  # Cyrillic
    (0x0591, 0x05BD),  # Hebrew points
    (0x05BF, 0x05BF),
    (0x05C1, 0x05C2),
    (0x05C4, 0x05C5),
    (0x05C7, 0x05C7),
    (0x0610, 0x061A),  # Arabic marks
    (0x064B, 0x065F),
    (0x0670, 0x0670),
    (0x06D6, 0x06DC),
    (0x06DF, 0x06E4),
    (0x06E7, 0x06E8),
    (0x06EA, 0x06ED),
    (0x1AB0, 0x1AFF),  # combining diacritical marks, extended
    (0x1DC0, 0x1DFF),  # and their supplement
    (0x20D0, 0x20FF),  # marks for symbols
    (0xFE20, 0xFE2F),  # half marks
)
"""Marks that sit on the character before them."""

MAX_MARKS: Final = 4
"""So many marks may follow one another: more of them run into the lines above and below."""

JOINERS: Final[Ranges] = ((0x200C, 0x200D),)
"""Invisible, and part of the spelling of Persian, Sinhala and others; see `JOINED`."""

JOINED: Final[Ranges] = (
    (0x0620, 0x06FF),  # Arabic
    (0x0900, 0x0DFF),  # Devanagari to Sinhala
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17D3),  # Khmer
)
"""A joiner stands between two characters of these blocks, else nowhere."""

# fmt: off
D_LIKE: Final[Ranges] = (
    (0x0044, 0x0044), (0x0064, 0x0064), (0x0500, 0x0501), (0x13A0, 0x13A0), (0x1D05, 0x1D05),
    (0x1D30, 0x1D30), (0x1D48, 0x1D48), (0x2145, 0x2146), (0x216E, 0x216E), (0x217E, 0x217E),
    (0x249F, 0x249F), (0x24B9, 0x24B9), (0x24D3, 0x24D3), (0x32CF, 0x32CF), (0x33AD, 0x33AD),
    (0x33C5, 0x33C5), (0xAB70, 0xAB70), (0xFF24, 0xFF24), (0xFF44, 0xFF44), (0x1D403, 0x1D403),
    (0x1D41D, 0x1D41D), (0x1D437, 0x1D437), (0x1D451, 0x1D451), (0x1D46B, 0x1D46B),
    (0x1D485, 0x1D485), (0x1D49F, 0x1D49F), (0x1D4B9, 0x1D4B9), (0x1D4D3, 0x1D4D3),
    (0x1D4ED, 0x1D4ED), (0x1D507, 0x1D507), (0x1D521, 0x1D521), (0x1D53B, 0x1D53B),
    (0x1D555, 0x1D555), (0x1D56F, 0x1D56F), (0x1D589, 0x1D589), (0x1D5A3, 0x1D5A3),
    (0x1D5BD, 0x1D5BD), (0x1D5D7, 0x1D5D7), (0x1D5F1, 0x1D5F1), (0x1D60B, 0x1D60B),
    (0x1D625, 0x1D625), (0x1D63F, 0x1D63F), (0x1D659, 0x1D659), (0x1D673, 0x1D673),
    (0x1D68D, 0x1D68D), (0x1F113, 0x1F113), (0x1F12D, 0x1F12D), (0x1F133, 0x1F133),
    (0x1F14C, 0x1F14C), (0x1F153, 0x1F153), (0x1F16B, 0x1F16B), (0x1F173, 0x1F173),
    (0x1F1E9, 0x1F1E9),
)
"""Code points that are `d` or `D`, that become or end in one under NFKC, or that look like one."""

I_LIKE: Final[Ranges] = (
    (0x0049, 0x0049), (0x0069, 0x0069), (0x0130, 0x0131), (0x026A, 0x026A), (0x0399, 0x0399),
    (0x03B9, 0x03B9), (0x0406, 0x0406), (0x0456, 0x0456), (0x13A5, 0x13A5), (0x1D35, 0x1D35),
    (0x1D62, 0x1D62), (0x2071, 0x2071), (0x2110, 0x2111), (0x2139, 0x2139), (0x2148, 0x2148),
    (0x2160, 0x2160), (0x2170, 0x2170), (0x24A4, 0x24A4), (0x24BE, 0x24BE), (0x24D8, 0x24D8),
    (0xAB75, 0xAB75), (0xFF29, 0xFF29), (0xFF49, 0xFF49), (0x1D408, 0x1D408), (0x1D422, 0x1D422),
    (0x1D43C, 0x1D43C), (0x1D456, 0x1D456), (0x1D470, 0x1D470), (0x1D48A, 0x1D48A),
    (0x1D4BE, 0x1D4BE), (0x1D4D8, 0x1D4D8), (0x1D4F2, 0x1D4F2), (0x1D526, 0x1D526),
    (0x1D540, 0x1D540), (0x1D55A, 0x1D55A), (0x1D574, 0x1D574), (0x1D58E, 0x1D58E),
    (0x1D5A8, 0x1D5A8), (0x1D5C2, 0x1D5C2), (0x1D5DC, 0x1D5DC), (0x1D5F6, 0x1D5F6),
    (0x1D610, 0x1D610), (0x1D62A, 0x1D62A), (0x1D644, 0x1D644), (0x1D65E, 0x1D65E),
    (0x1D678, 0x1D678), (0x1D692, 0x1D692), (0x1F118, 0x1F118), (0x1F138, 0x1F138),
    (0x1F158, 0x1F158), (0x1F178, 0x1F178), (0x1F1EE, 0x1F1EE),
)
"""Likewise for `i`: of Roman numerals, of mathematics, small capitals, other scripts."""

COLON_LIKE: Final[Ranges] = (
    (0x003A, 0x003A), (0x02D0, 0x02D0), (0x02F8, 0x02F8), (0x0589, 0x0589), (0x05C3, 0x05C3),
    (0x0703, 0x0704), (0x0903, 0x0903), (0x0A83, 0x0A83), (0x16EC, 0x16EC), (0x205A, 0x205A),
    (0x2236, 0x2236), (0x2A74, 0x2A74), (0xA4FD, 0xA4FD), (0xA789, 0xA789), (0xFE13, 0xFE13),
    (0xFE30, 0xFE30), (0xFE55, 0xFE55), (0xFF1A, 0xFF1A),
)
"""Likewise for a colon."""
# fmt: on


def _class(*of: Ranges) -> str:
    parts = (each for ranges in of for each in ranges)
    return "".join(_escape(a) if a == b else f"{_escape(a)}-{_escape(b)}" for a, b in parts)


def _escape(code: int) -> str:
    return f"\\U{code:08x}" if code > 0xFFFF else f"\\u{code:04x}"


_JOINER_ALONE: Final = (
    rf"(?<![{_class(JOINED)}])[{_class(JOINERS)}]|[{_class(JOINERS)}](?![{_class(JOINED)}])"
)
_MARK_ALONE: Final = rf"(?:^| )[{_class(MARKS)}]"
_PILE: Final = rf"[{_class(MARKS)}]{{{MAX_MARKS + 1}}}"
_MARKS: Final = rf"[{_class(MARKS)}]*"
# A DID in a name would be taken for that of the organization, whatever its letters and colon.
_A_DID: Final = (
    rf"{_MARKS}".join(f"[{_class(each)}]" for each in (D_LIKE, I_LIKE, D_LIKE, COLON_LIKE)) + "[^ ]"
)

# Most names are such words, and are found to be names ten times as fast.
_PLAIN: Final = r"^[!-9;-~]+(?: [!-9;-~]+)*$(?!\n)"

PATTERN: Final = (
    rf"{_PLAIN}|^(?! |.*(?:  |{_A_DID}|{_JOINER_ALONE}|{_MARK_ALONE}|{_PILE}))"
    rf"[^{_class(UNSEEN)}]+(?<! )$(?!\n)"
)
"""What a name matches, searched for in the whole text; its length is bounded elsewhere."""

_FAULTS: Final = (
    (re.compile(rf"[{_class(UNSEEN)}]"), "it holds an invisible character; leave it out"),
    (re.compile(_JOINER_ALONE), "it holds an invisible character; leave it out"),
    (re.compile(r"^ | $|  "), "it begins or ends with a space, or has two in a row"),
    (re.compile(_MARK_ALONE), "a mark has no letter to sit on; leave it out"),
    (re.compile(_PILE), f"more than {MAX_MARKS} marks sit on one letter; leave them out"),
    (re.compile(_A_DID), "it holds a DID, as if that were who it names; leave it out"),
)


def fault_of(text: str) -> str | None:
    """Return why `text` is no name, in words that name the character; None if it is one."""
    for pattern, words in _FAULTS:
        if found := pattern.search(text):
            at = found.end() - len(found[0].lstrip(" "))
            shows = at == len(text) or "!" <= text[at] <= "~"
            return words if shows or not found[0].strip(" ") else f"{words} (U+{ord(text[at]):04X})"
    return None
