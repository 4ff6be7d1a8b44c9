"""Another executable model of the same rules, for a comparison step by step.

It lies beside the project, not in it, and is found through `TESTAMUR_TRUST_MODEL` (the folder
with its `model.py`). It covers neither terms and jurisdictions nor restatements, objections and
the retirement of achievements, and it caps fewer things; stories for the comparison are told
without those. Where an answer of the gate rests on a rule that only this model has, the step is
left out of both.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from functools import cache
from pathlib import Path
from typing import Any, Final

from tests.trust_model.cast import ANCHORS
from tests.trust_model.events import (
    AccreditationGranted,
    Changed,
    Closed,
    Defined,
    Event,
    Issued,
    KeyCompromised,
    KeyListed,
    KeyRetired,
    Objected,
    Opened,
    RecognitionGranted,
    Registered,
    Restated,
    Succeeded,
    Updated,
)
from tests.trust_model.gate import ADMITTED
from tests.trust_model.keys import Key
from tests.trust_model.random_story import tell
from tests.trust_model.settings import SMALL, Settings
from tests.trust_model.status import everybody, status
from tests.trust_model.story import Register, Step, as_logged
from tests.trust_model.submissions import Log, Submission
from tests.trust_model.verdict import verdict
from tests.trust_model.world import World, evaluate

FOLDER: Final = Path(
    os.environ.get(
        "TESTAMUR_TRUST_MODEL", Path(__file__).resolve().parents[3] / "shared" / "trust-model"
    )
)
_MANY: Final = 10**9
COMMON: Final = Settings(
    organization_key_events=_MANY,
    founders_reserve=0,
    submission_key_events=_MANY,
    recovery_key_spends=SMALL.recovery_key_spends,
    signing_keys_in_force=_MANY,
    recovery_keys_in_force=_MANY,
    status_events=SMALL.status_events,
    status_together=_MANY,
    status_reserve=0,
    writings=_MANY,
    revisions=_MANY,
    grants=_MANY,
    authorities=_MANY,
    kept_ranges=_MANY,
    recovery_key_kept=_MANY,
    organization_kept=_MANY,
    founders_kept=0,
)
"""The caps that both models have."""

_VERBS: Final = {
    ("credential", "suspend"): "susp",
    ("credential", "reinstate"): "rein",
    ("credential", "revoke"): "revoke",
    ("credential", "supersede"): "supersede",
    ("accreditation", "suspend"): "asusp",
    ("accreditation", "reinstate"): "arein",
    ("accreditation", "withdraw"): "awd",
    ("recognition", "withdraw"): "rwd",
}
_KINDS: Final = {"recognition": "rec", "accreditation": "accr", "credential": "cred"}
_ONLY_HERE: Final = frozenset(
    {
        "successor",
        "unknown-accreditation",
        "accreditation-of-another",
        "another-line",
        "event-schema",
        "role",
    }
)
"""Rules on issuances and replacements that the shared model does not have at its gate."""


@cache
def shared_model() -> Any:
    """Return the shared model, with the caps and periods of `COMMON`."""
    spec = importlib.util.spec_from_file_location("shared_trust_model", FOLDER / "model.py")
    assert spec is not None
    assert spec.loader is not None
    model = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = model
    spec.loader.exec_module(model)
    periods = {"LIMIT_DAYS": COMMON.limit, "NOTICE": COMMON.notice, "DEPTH": COMMON.chain}
    spends = {"CAP_KEY_EVENTS": COMMON.recovery_key_spends, "CAP_STATUS": COMMON.status_events}
    boundless = {"CAP_KEYS_IN_FORCE": _MANY, "EVIDENCE": _MANY}
    vars(model).update(periods | spends | boundless)
    return model


def compare(seed: int) -> tuple[list[str], Register]:
    """Tell the story of a seed to both models; return where they first differ, if they do.

    In every third story thefts are found late, so that declarations reach their limits.
    """
    told = tell(seed, COMMON, plain=True, late=seed % 3 == 0, steps=25).register
    both = _Both(told)
    now = 0
    for step in told.steps:
        now += step.after
        found = both.step(step, now)
        if found:
            return found, told
    return [], told


class _Both:
    """The two models at the same place of a story that this one was told before."""

    def __init__(self, told: Register) -> None:
        self.told = told
        self.admitted = 1
        self.model = shared_model()
        self.theirs = self.model.Gate(self.model.FULL)
        self.mine: World = evaluate(told.log[:1], None, COMMON)
        self._follow(told.log[0])

    def step(self, step: Step, now: int) -> list[str]:
        """Play one step in the other; return what differs after it."""
        if step.answer in _ONLY_HERE or _capped_here_alone(step):
            return []
        position = self.told.log[self.admitted - 1].end
        submission = Submission(position, step.organization, step.key, step.events, now)
        try:
            self.theirs.admit(self._translated(submission))
            theirs = ADMITTED
        except self.model.Refused as refused:
            theirs = str(refused)
        if (step.answer == ADMITTED) != (theirs == ADMITTED):
            return [f"admission: {step.answer} here, {theirs} there, of {submission}"]
        if step.answer != ADMITTED:
            return []
        self._follow(submission)
        self.admitted += 1
        self.mine = evaluate(self.told.log[: self.admitted], None, COMMON)
        return self._differences()

    def _follow(self, submission: Submission) -> None:
        self.theirs.log.append(self._translated(submission))
        self.theirs.now = submission.recorded_at
        self.theirs._w = None

    def _translated(self, submission: Submission) -> Any:
        events = tuple(
            line
            for event in submission.events
            for line in _translated(event, submission, self.told.log)
        )
        return self.model.Sub(
            submission.position,
            submission.organization,
            submission.key,
            events,
            submission.recorded_at,
            submission.by,
            len(self.theirs.log),
        )

    def _differences(self) -> list[str]:
        mine, theirs = self.mine, self.theirs.world()
        found = []
        counting = {self.theirs.log[i].pos for i in theirs.counted}
        if counting != set(mine.counting):
            found.append(f"counting: {sorted(mine.counting)} here, {sorted(counting)} there")
        for who, keys in mine.keys.items():
            here = {name: _key(key) for name, key in keys.items()}
            there = {name: _their_key(name, key) for name, key in theirs.T[who].items()}
            if here != there:
                found.append(f"keys: of {who}, {here} here, {there} there")
        return found + self._things() + self._verdicts()

    def _things(self) -> list[str]:
        mine, theirs, found = self.mine, self.theirs.world(), []
        for kind, id_ in mine.writers:
            if kind == "achievement":
                continue
            here, there = mine.thing(kind, id_), theirs.thing(_KINDS[kind], id_)
            now = status(mine, kind, id_, heard=everybody)
            state = None if here is None else (here.owner, here.position, now)
            other = None
            if there is not None:
                other = there.owner, there.pos, there.status(self.model.FULL)
            if state != other:
                found.append(f"status: of {id_}, {state} here, {other} there")
        return found

    def _verdicts(self) -> list[str]:
        mine, found = self.mine, []
        for kind, id_ in mine.writers:
            if kind != "credential":
                continue
            shown = as_logged(mine.log, id_)
            here = verdict(mine, shown, ANCHORS)
            issuer, opened = shown.issuer_id, (shown.commitment, shown.facts.level)
            there = self.model.verdict(
                self.theirs.world(), self.theirs.log, id_, issuer, opened, set(ANCHORS)
            )
            if here.holds != (there == "holds"):
                found.append(f"verdict: on {id_}, {here} here, {there} there")
        return found


def _capped_here_alone(step: Step) -> bool:
    """Return whether a cap was exceeded that the shared model has for status events alone."""
    return step.answer == "status-event-count" and not all(
        isinstance(event, Changed) for event in step.events
    )


def _key(key: Key) -> tuple[Any, ...]:
    cuts = {by: (cut.since, cut.first) for by, cut in key.cuts.items() if by != key.name}
    own = key.name in key.cuts
    rank = key.rank if key.kind == "recovery" else None
    return key.kind, rank, key.listed, key.retired, cuts, own


def _their_key(name: str, key: Any) -> tuple[Any, ...]:
    # What a key says of itself starts one entry after the header there, after the end here: no
    # header lies between.
    cuts = {by: (since, first) for by, (since, _, first) in key.cuts.items() if by != name}
    kind = "recovery" if key.kind == "r" else "signing"
    rank = key.rank if kind == "recovery" else None
    retired = None if key.end >= _MANY else key.end
    return kind, rank, key.listed, retired, cuts, name in key.cuts


def _translated(event: Event, submission: Submission, log: Log) -> list[tuple[Any, ...]]:
    line: tuple[Any, ...]
    match event:
        case Opened():
            return [each for a in event.authorities for each in _translated(a, submission, log)]
        case Registered():
            keys = [("r", key) for key in event.recovery_keys]
            keys += [("s", key) for key in event.signing_keys]
            line = "reg", event.organization, tuple(event.roles), tuple(keys), event.country
        case KeyListed():
            line = "list", event.kind[0], event.key
        case KeyRetired():
            line = "retire", event.key
        case KeyCompromised():
            kept = tuple(p for first, last in event.kept for p in range(first, last + 1))
            line = "comp", event.key, event.since, kept
        case Succeeded():
            line = "succeed", event.organization, event.successor
        case Closed():
            line = ("close",)
        case _:
            line = _about_things(event, log)
    return [line]


def _about_things(event: Event, log: Log) -> tuple[Any, ...]:
    match event:
        case RecognitionGranted():
            name, as_ = event.recognition, event.recognised_as
            return "recog", name, event.organization, as_, event.scope.levels
        case AccreditationGranted():
            return "accr", event.accreditation, event.organization, event.scope.levels, None
        case Defined():
            return "def", event.achievement, event.version, event.definition.level
        case Issued():
            level = _level(log, event)
            opened = event.commitment, level
            return (
                "issue",
                event.credential,
                event.achievement,
                event.version,
                opened,
                event.accreditation,
            )
        case Changed():
            return _VERBS[event.kind, event.verb], event.id, event.replacement
        case Updated() | Restated() | Objected():
            return ("other",)
        case _:
            raise TypeError(f"the shared model has no such event: {event}")


def _level(log: Log, issued: Issued) -> int | None:
    """Return the level of the definition that an issuance names."""
    for submission in log:
        for event in submission.events:
            if isinstance(event, Defined) and (event.achievement, event.version) == (
                issued.achievement,
                issued.version,
            ):
                return event.definition.level
    return None
