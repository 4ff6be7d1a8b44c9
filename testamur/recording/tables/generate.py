"""Writes `places.json` and `subtags.json` from what Unicode and IANA publish.

    python -m testamur.recording.tables.generate CLDR REGISTRY

CLDR is the unpacked npm package `cldr-core`, REGISTRY is `language-subtag-registry`. The README
says what is taken from which, and under which licence. Run it when either has a new release, and
look at the difference: a code that goes has to be refused with the one that took its place.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any, Final, TypeAlias

import msgspec

from testamur.recording.tables import SPECIAL, Places, Subtags

Entry: TypeAlias = Mapping[str, Any]

# The European Commission writes EL and UK. ISO 3166-1 reserves the others for parts of countries.
_BY_HABIT: Final = {
    "AC": "SH-AC",
    "CP": "FR-CP",
    "DG": "IO",
    "EA": "ES-CE ES-ML",
    "EL": "GR",
    "IC": "ES-CN",
    "TA": "SH-TA",
}
# ISO 3166-2 publishes these places a second time, under the country that they belong to.
_TWICE: Final = {
    "CN-HK": "HK",
    "CN-MO": "MO",
    "CN-TW": "TW",
    "FR-971": "GP",
    "FR-972": "MQ",
    "FR-973": "GF",
    "FR-974": "RE",
    "FR-976": "YT",
    "NL-BQ1": "BQ-BO",
    "NL-BQ2": "BQ-SA",
    "NL-BQ3": "BQ-SE",
}
# Assigned by its users, not by ISO: the European Commission, the IMF and CLDR write it for Kosovo.
_KOSOVO: Final = "XK"
# Where ISO 639-1 has a code, CLDR goes one step further, to another language.
_TWO_LETTERS: Final = {"hbs": "sh", "tgl": "tl", "twi": "tw"}


def places(cldr: Path) -> Places:
    """Return the table of places; `cldr` is the folder of `cldr-core`."""
    codes = _supplemental(cldr, "codeMappings")["codeMappings"]
    contained = _supplemental(cldr, "subdivisionContainment")["subdivisionContainment"]
    alias = _supplemental(cldr, "aliases")["metadata"]["alias"]
    former = {
        code: str(each["_replacement"])
        for code, each in alias["territoryAlias"].items()
        if len(code) == 2
    }
    countries = {code for code, each in codes.items() if _assigned(code, each)} - former.keys()
    countries.add(_KOSOVO)
    inner = {part for each in contained.values() for part in each["_contains"]}
    named = {_hyphened(part) for part in inner if part[:2].upper() in countries}
    replaced = former | _BY_HABIT | _TWICE
    for code, each in alias["subdivisionAlias"].items():
        replaced[_hyphened(code)] = _hyphened(each["_replacement"])
    usable = countries | named
    replaced = {code: new for code, new in replaced.items() if usable.issuperset(new.split())}
    usable -= replaced.keys()
    parts = {
        country: " ".join(sorted(code[3:] for code in usable if code.startswith(f"{country}-")))
        for country in sorted(countries)
    }
    version = msgspec.json.decode((cldr / "package.json").read_bytes())["version"]
    return Places(f"Unicode CLDR {version}", parts, dict(sorted(replaced.items())))


def subtags(registry: Path, cldr: Path) -> Subtags:
    """Return the table of language subtags; `registry` is `language-subtag-registry`'s folder."""
    folder = registry / "data" / "json"
    entries = msgspec.json.decode((folder / "registry.json").read_bytes(), type=list[Entry])
    day = msgspec.json.decode((folder / "meta.json").read_bytes())["File-Date"]
    alias = _supplemental(cldr, "aliases")["metadata"]["alias"]["languageAlias"]
    languages = set(_usable(entries, "language")) - SPECIAL
    replaced = {
        code: each["_replacement"]
        for code, each in alias.items()
        if each["_replacement"] in languages and code.isalpha() and code not in languages
    }
    replaced |= _TWO_LETTERS
    for each in entries:
        if new := each.get("Preferred-Value"):
            old = str(each.get("Tag") or each["Subtag"])
            if each["Type"] not in {"extlang", "region"} and not old.startswith("i-"):
                replaced[old.lower()] = new
    return Subtags(
        f"IANA language subtag registry of {day}",
        " ".join(sorted(languages)),
        _grouped((str(each["Prefix"][0]), str(each["Subtag"])) for each in _of(entries, "extlang")),
        " ".join(sorted(_usable(entries, "script"))),
        " ".join(sorted({*_usable(entries, "region"), _KOSOVO})),
        " ".join(sorted(_usable(entries, "variant"))),
        _grouped(
            (str(each["Suppress-Script"]), str(each["Subtag"]))
            for each in _of(entries, "language")
            if "Suppress-Script" in each
        ),
        dict(sorted(replaced.items())),
    )


def _supplemental(cldr: Path, name: str) -> Any:
    document = msgspec.json.decode((cldr / "supplemental" / f"{name}.json").read_bytes())
    return document["supplemental"]


def _assigned(code: str, mapping: Entry) -> bool:
    # ISO assigns numbers below 900; the others and those without one are its users' own.
    return len(code) == 2 and mapping.get("_numeric", "999") < "900"


def _hyphened(code: str) -> str:
    """Return a code of CLDR, such as `nlut`, as ISO 3166 writes it."""
    return code.upper() if len(code) == 2 else f"{code[:2]}-{code[2:]}".upper()


def _of(entries: Iterable[Entry], kind: str) -> Iterator[Entry]:
    return (each for each in entries if each["Type"] == kind and "Deprecated" not in each)


def _usable(entries: Iterable[Entry], kind: str) -> Iterator[str]:
    """Return the subtags of a kind that are in use; private ones say nothing to others."""
    found = (each for each in _of(entries, kind) if each["Description"] != ["Private use"])
    return (str(each["Subtag"]) for each in found)


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    rows = groupby(sorted(pairs), lambda pair: pair[0])
    return {key: " ".join(value for _, value in group) for key, group in rows}


def render(table: Places | Subtags) -> bytes:
    """Return a table as its file holds it, with a line for each entry."""
    return msgspec.json.format(msgspec.json.encode(table), indent=1) + b"\n"


def main() -> None:
    """Write both files beside this one."""
    cldr, registry = map(Path, sys.argv[1:])
    here = Path(__file__).parent
    (here / "places.json").write_bytes(render(places(cldr)))
    (here / "subtags.json").write_bytes(render(subtags(registry, cldr)))


if __name__ == "__main__":
    main()
