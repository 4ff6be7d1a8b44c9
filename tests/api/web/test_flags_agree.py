"""A page tells the flags of an issuance, and what became of its accreditation, as Python does."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from testamur.badges.commitment import HolderFile
from testamur.catalogue import events as e
from testamur.catalogue.members import Document
from testamur.rules import Flag
from testamur.tlog.policy import parse_policy
from testamur.verification.evidence import parse_evidence
from testamur.verification.report import EvidenceFrom, Report
from testamur.verification.verify import verify
from tests.api.web.test_verdicts_agree import case, differences, said_by_page, told, written
from tests.harness.page_modules import ask
from tests.vectors.scene import Scene

Story = Callable[[Scene], None]
_TODAY: Final = date(2026, 11, 21)


def restated(scene: Scene, **members: Any) -> None:
    said = scene.story.accreditation_restated(name="An Organization")
    scene.says(scene.story.accreditor, msgspec.structs.replace(said, **members))


def regranted(scene: Scene, **members: Any) -> str:
    """Grant another accreditation; return its id."""
    granted = msgspec.structs.replace(scene.story.accredited(scene.story.new_id()), **members)
    scene.says(scene.story.accreditor, granted)
    return granted.accreditation


def revised(scene: Scene, version: int, **members: Any) -> None:
    definition = msgspec.structs.replace(scene.story.definition(), **members)
    story = scene.story
    scene.says(
        story.provider,
        e.AchievementRevised(achievement=story.achievement, definition=definition, version=version),
    )


def retired(scene: Scene) -> None:
    scene.says(scene.story.provider, e.AchievementRetired(achievement=scene.story.achievement))


def awarded_on(day: date) -> Story:
    def story(scene: Scene) -> None:
        scene.award(lambda c: c.update(validFrom=f"{day}T00:00:00Z"), valid_from=day)

    return story


def later_version(scene: Scene) -> None:
    revised(scene, 2)
    scene.award()


def version_of_less(scene: Scene) -> None:
    revised(scene, 2, workload=None, level=None)
    scene.award(achievement_version=2)


def retired_before(scene: Scene) -> None:
    retired(scene)
    scene.award()


def retired_after(scene: Scene) -> None:
    scene.award()
    retired(scene)


def closed_before(scene: Scene) -> None:
    scene.says(scene.story.accreditor, e.OrganizationClosed())
    scene.award()


def closed_after(scene: Scene) -> None:
    scene.award()
    scene.says(scene.story.accreditor, e.OrganizationClosed())
    scene.says(scene.story.authority, e.OrganizationClosed())


def review_overdue(scene: Scene) -> None:
    restated(scene, review_by=date(2026, 11, 1))
    scene.award()


def review_overdue_since(scene: Scene) -> None:
    scene.award()
    restated(scene, review_by=date(2026, 11, 1))


def review_done(scene: Scene) -> None:
    restated(scene, review_by=date(2026, 11, 1))
    restated(scene, review_by=date(2027, 11, 1))
    scene.award()


def conditional(scene: Scene) -> None:
    document = Document(digest=bytes(range(32)), url="https://accreditor.example/decision")
    terms = {"decision": "conditional", "obligation": "obligatory", "evidence": document}
    scene.award(accreditation=regranted(scene, **terms, review_by=_TODAY))


def over(scene: Scene) -> None:
    scene.award(accreditation=regranted(scene, valid_until=date(2026, 11, 1)))


def without_accreditation(scene: Scene) -> None:
    scene.award(accreditation=None)


def changed_many_times(scene: Scene) -> None:
    scene.award()
    for event in itertools.islice(itertools.cycle(_changes(scene)), 8):
        scene.says(scene.story.accreditor, event)


def _changes(scene: Scene) -> Iterator[e.Event]:
    id_ = scene.story.accreditation
    yield e.AccreditationSuspended(accreditation=id_, reason="qualityConcern")
    yield e.AccreditationReinstated(accreditation=id_)


def suspended_before(scene: Scene) -> None:
    suspended, *_ = _changes(scene)
    scene.says(scene.story.accreditor, suspended)
    scene.award()


def revoked_in_retrospect(scene: Scene) -> None:
    scene.award()
    revoked = e.CredentialRevoked(
        credential=scene.holder.id, reason="misconduct", effective_at=date(2026, 11, 1)
    )
    scene.says(scene.story.provider, revoked)


def named_otherwise(scene: Scene) -> None:
    scene.says(scene.story.provider, e.OrganizationUpdated(country="NL", name="The College"))
    scene.award(
        lambda c: c["issuer"].update(name="The College", url="https://a.example"),
        suite="eddsa-jcs-2022",
    )


STORIES: Final[tuple[Story, ...]] = (
    *(later_version, version_of_less, retired_before, retired_after, closed_before, closed_after),
    *(review_overdue, review_overdue_since, review_done, conditional, over, suspended_before),
    *(without_accreditation, changed_many_times, revoked_in_retrospect, named_otherwise),
    *map(
        awarded_on, (date(2026, 10, 21), date(2026, 10, 22), date(2026, 11, 22), date(2026, 11, 23))
    ),
)
STATED: Final[tuple[tuple[Flag, ...] | None, ...]] = (
    None,
    (),
    (Flag.BACKDATED, Flag.SELF_RECOGNITION),
    tuple(Flag),
)


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    found = []
    for number, story in enumerate(STORIES):
        scene = Scene(Path(tmp_path_factory.mktemp("scene")) / str(number))
        story(scene)
        found.append(scene.document(story.__name__, {}, "register"))
    return found


def judged(found: Any, stated: tuple[Flag, ...] | None) -> Report:
    return verify(
        msgspec.convert(found["holder"], HolderFile),
        parse_evidence(written(found["evidence"]).encode()),
        parse_policy(found["policy"]),
        anchors=frozenset(found["anchors"]),
        now=datetime.fromisoformat(found["now"]).astimezone(UTC),
        evidence_from=EvidenceFrom.REGISTER,
        stated=stated,
    )


def test_flags_and_notes_are_told_alike(scenes: list[dict[str, Any]]) -> None:
    pairs = [(found, stated) for found in scenes for stated in STATED]
    cases = [
        {**case(found), "flags": None if stated is None else [flag.value for flag in stated]}
        for found, stated in pairs
    ]

    flags, notes = set[str](), set[str]()
    for (found, stated), page in zip(pairs, ask("verify", cases), strict=True):
        report = judged(found, stated)
        assert differences(said_by_page(page), told(report)) == [], (found["desc"], stated)
        flags |= {flag.code for flag in report.flags} if stated is None else set()
        notes |= {*report.notes}
    assert flags == {
        *("no-accreditation-claimed", "accreditation-not-in-force", "accreditor-closed"),
        *("achievement-retired", "achievement-version-outdated", "backdated", "postdated"),
        *("elements-missing", "review-overdue"),
    }
    for part in ("by what counts now that does not follow", "does not state that the issuance was"):
        assert any(part in note for note in notes)
    for part in (
        "was changed 8 times",
        "closed at position",
        "calls itself",
        "the log did not say",
    ):
        assert any(part in note for note in notes)
    assert any("the review of the accreditation was due by" in note for note in notes)


def test_flags_mean_the_same() -> None:
    (meanings,) = ask("flagMeanings", [None])

    assert meanings == {flag.value: flag.meaning for flag in Flag}
    assert [*meanings] == [flag.value for flag in Flag]
