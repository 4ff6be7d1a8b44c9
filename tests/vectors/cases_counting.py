"""The lives of `counting/`: what happened to an organization's keys, and what counts because of it.

What counts is written by hand, and no program is asked for it. `make_counting.py` writes them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from tests.vectors.counting_life import FIRST, Life, declares, lists, retires

Tale: TypeAlias = Callable[[Life], None]
LIVES: Final[dict[str, list[tuple[str, Tale]]]] = {"listed": [], "compromised": [], "thieves": []}
"""By file, each life's description and what happens in it."""


def _life(file: str, desc: str) -> Callable[[Tale], Tale]:
    def add(tale: Tale) -> Tale:
        LIVES[file].append((desc, tale))
        return tale

    return add


def told(file: str) -> list[dict[str, Any]]:
    """Return the cases of a file."""
    found = []
    for desc, tale in LIVES[file]:
        life = Life()
        tale(life)
        found.append(life.document(desc))
    return found


# --- Listed and retired ---


@_life("listed", "the keys of a registration sign after it, a key never listed does not")
def _(life: Life) -> None:
    for key in ("s1", "s2"):
        life.signs(key)
    for key in ("r1", "r2", "f"):
        life.says(key, retires("nobody"))
    life.falls(life.signs("s3"))


@_life("listed", "a key signs after the submission that lists it, and not before")
def _(life: Life) -> None:
    early = life.signs("s3")
    life.says("r1", lists("s3"))
    life.signs("s3")
    life.falls(early)


@_life("listed", "a signing key lists none")
def _(life: Life) -> None:
    life.says("s1", lists("s3"))
    life.falls(life.signs("s3"))


@_life("listed", "a recovery key lists no recovery key, the founding key does")
def _(life: Life) -> None:
    life.says("r1", lists("r3", "recovery"))
    vain = life.says("r3", lists("s3"))
    life.says("f", lists("r4", "recovery"))
    life.says("r4", lists("s4"))
    life.signs("s4")
    life.falls(vain)


@_life("listed", "a retirement ends what the key signs afterwards")
def _(life: Life) -> None:
    life.signs("s1")
    life.says("r1", retires("s1"))
    late = life.signs("s1")
    life.falls(late)


@_life("listed", "a submission that retires its own key first counts whole")
def _(life: Life) -> None:
    life.says("r1", retires("r1"), lists("s3"), retires("s1"))
    life.signs("s3")
    life.falls(life.says("r1", lists("s4")), life.signs("s1"), life.signs("s4"))


@_life("listed", "of two retirements the first one holds, unless it does not count")
def _(life: Life) -> None:
    thief = life.says("r1", retires("s1"))
    between = life.signs("s1")
    life.says("f", retires("s1"))
    after = life.signs("s1")
    life.falls(between, after)
    life.says("f", declares("r1", thief))
    life.falls(thief, after)


@_life("listed", "a key is not retired by one of its own rank or a lower one, save by itself")
def _(life: Life) -> None:
    life.says("s1", retires("s2"))
    life.says("r2", retires("r1"), retires("f"))
    for key in ("s1", "s2", "r1", "f"):
        life.says(key, retires("nobody"))
    life.says("s2", retires("s2"))
    life.falls(life.signs("s2"))


@_life("listed", "a key listed after others were retired ranks behind these too")
def _(life: Life) -> None:
    life.says("f", lists("r3", "recovery"), retires("r1"))
    life.says("f", lists("r4", "recovery"))
    life.says("r4", retires("r3"))
    life.says("r3", lists("s3"))
    life.says("r3", retires("r4"))
    life.signs("s3")
    life.falls(life.says("r4", lists("s4")), life.says("r1", lists("s5")))


@_life("listed", "a key that only a later size lists or retires, as of earlier ones")
def _(life: Life) -> None:
    early, size = life.signs("s3"), life.size
    life.says("r1", lists("s3"), retires("s2"))
    with_both = life.size
    late, retired = life.signs("s3"), life.signs("s2")
    life.falls(early, retired)
    life.falls(early, retired, as_of=with_both)
    life.falls(early, late, as_of=with_both - 1)
    life.falls(early, late, as_of=size)


# --- Declared compromised ---


@_life("compromised", "what the key signed from since on falls, at since itself too")
def _(life: Life) -> None:
    life.signs("s1")
    theft, after = life.signs("s1"), life.signs("s1")
    life.signs("s2")
    life.falls()
    life.says("r1", declares("s1", theft))
    life.falls(theft, after)


@_life("compromised", "a declaration since its own position costs only what follows")
def _(life: Life) -> None:
    life.signs("s1")
    life.says("r1", declares("s1", life.size + 1))
    life.falls(life.signs("s1"))


@_life("compromised", "of a submission that lies across since, the header decides")
def _(life: Life) -> None:
    across = life.says("r2", lists("s3"), lists("s4"))
    life.signs("s3")
    life.says("r1", declares("r2", across + 1))
    life.falls()
    theft = life.signs("s4")
    life.says("f", declares("r2", across))
    life.falls(across, across + 3, theft)


@_life("compromised", "kept ranges hold both their ends")
def _(life: Life) -> None:
    signed = [life.signs("s1") for _ in range(7)]
    life.says("r1", declares("s1", signed[0], (signed[1], signed[2]), (signed[4] - 1, signed[4])))
    life.falls(signed[0], signed[3], signed[5], signed[6])


@_life("compromised", "kept ranges reach to headers that only lie in them")
def _(life: Life) -> None:
    signed = [life.signs("s1") for _ in range(4)]
    life.says("r1", declares("s1", signed[0], (signed[0] + 1, signed[2] + 1)))
    life.falls(signed[0], signed[3])


@_life("compromised", "a declaration reaches 90 days back, to the millisecond")
def _(life: Life) -> None:
    life.signs("s1")
    life.wait(ms=1)
    oldest = life.signs("s1")
    life.wait(90)
    life.says("f", declares("s1", 0))
    life.falls(oldest)


@_life("compromised", "a word about it within 90 days takes the place of the first")
def _(life: Life) -> None:
    own, theft = life.signs("s1"), life.signs("s1")
    life.says("r1", declares("s1", own))
    life.falls(own, theft)
    life.wait(90)
    life.says("r1", declares("s1", theft))
    life.falls(theft)
    life.wait(ms=1)
    life.says("r1", declares("s1", own))  # the gate refuses it: the last word was final
    life.falls(theft)


@_life("compromised", "a restatement reaches back 90 days from the first word, no less and no more")
def _(life: Life) -> None:
    life.signs("s1")
    life.wait(1)
    late = life.signs("s1")
    life.wait(90)
    life.says("r1", declares("s1", 0))
    life.falls(late)
    life.wait(45)
    latest = life.size
    life.says("r1", declares("s1", latest))
    life.falls()
    life.wait(45)
    life.says("r1", declares("s1", 0))
    life.falls(late)


@_life("compromised", "the last word holds also where it gives up what was kept")
def _(life: Life) -> None:
    one, other = life.signs("s1"), life.signs("s1")
    life.says("r1", declares("s1", one, one))
    life.falls(other)
    life.says("r1", declares("s1", one, other))
    life.falls(one)
    life.says("r1", declares("s1", one))
    life.falls(one, other)
    life.says("r1", declares("s1", one, (one, other)))
    life.falls()


@_life("compromised", "each key has a word of its own about a third")
def _(life: Life) -> None:
    life.signs("s1")
    second, third = life.signs("s1"), life.signs("s1")
    life.says("r2", declares("s1", second, third))
    life.falls(second)
    life.says("r1", declares("s1", third))
    life.falls(second, third)


@_life("compromised", "a key says nothing about its own past")
def _(life: Life) -> None:
    life.signs("s1")
    life.says("s1", declares("s1"))
    after = life.signs("s1")
    life.falls(after)


@_life("compromised", "what a key says of itself holds from the end of its submission on")
def _(life: Life) -> None:
    life.says("r1", declares("r1"), lists("s3"), retires("s1"))
    life.signs("s3")
    life.falls(life.signs("s1"), life.says("r1", lists("s4")))


@_life("compromised", "every key declares itself, and all that was signed stands")
def _(life: Life) -> None:
    for key in ("s1", "s2"):
        life.signs(key)
    for key in ("s1", "s2", "r2", "r1", "f"):
        life.says(key, declares(key))
    life.falls(life.signs("s2"), life.says("f", lists("s3")), life.signs("s3"))


@_life("compromised", "a compromised key that was retired before")
def _(life: Life) -> None:
    life.signs("s1")
    theft = life.signs("s1")
    life.says("r1", retires("s1"))
    life.says("r1", declares("s1", theft))
    life.falls(theft, life.signs("s1"))


@_life("compromised", "as of sizes before, within and after a declaration")
def _(life: Life) -> None:
    signed, before = life.signs("s1"), life.size
    life.says("r1", declares("s1", signed), lists("s3"))
    after = life.size
    new = life.signs("s3")
    life.falls(new, as_of=before)
    life.falls(new, as_of=before + 1)
    life.falls(new, as_of=after - 1)
    life.falls(signed, as_of=after)
    life.falls(signed)


# --- Thieves ---


@_life("thieves", "a key that a thief listed never signed")
def _(life: Life) -> None:
    theft = life.says("r1", lists("t"))
    forged = life.signs("t")
    life.falls()
    life.says("f", declares("r1", theft))
    life.falls(theft, forged)


@_life("thieves", "what a thief declared falls, and what that cut off comes back")
def _(life: Life) -> None:
    life.signs("s1")
    theft = life.says("r1", declares("s1", 0), retires("s2"))
    life.falls(FIRST)
    life.says("f", declares("r1", theft))
    life.signs("s1")
    life.signs("s2")
    life.falls(theft)


@_life("thieves", "the thief of a recovery key silences the next one until the founder speaks")
def _(life: Life) -> None:
    listing = life.says("r2", lists("s3"))
    honest = life.signs("s3")
    theft = life.says("r1", declares("r2", listing))
    life.falls(listing, honest)
    life.says("f", declares("r1", theft))
    life.says("r2", lists("s4"))
    life.signs("s4")
    life.falls(theft)


@_life("thieves", "the thief of the second recovery key is answered by the first")
def _(life: Life) -> None:
    life.signs("s1")
    theft = life.says("r2", declares("s1", 0), declares("r1", 0), lists("t"))
    life.falls(FIRST)
    life.says("r1", declares("r2", theft))
    life.falls(theft, life.signs("t"))


@_life("thieves", "two recovery keys that accuse each other: the higher one is heard")
def _(life: Life) -> None:
    life.says("r2", declares("r1", 0))
    listing = life.says("r1", lists("s3"))
    life.signs("s3")
    life.falls()
    life.says("r1", declares("r2", listing))
    life.falls(life.says("r2", declares("r1", 0)))


@_life("thieves", "a chain of declarations, from the founding key down")
def _(life: Life) -> None:
    honest = life.signs("s1")
    by_r2 = life.says("r2", declares("s1", honest))
    life.falls(honest)
    by_r1 = life.says("r1", declares("r2", by_r2))
    life.falls(by_r2)
    by_f = life.says("f", declares("r1", by_r1))
    life.falls(by_r1, honest)
    life.says("f", declares("r1", by_f))
    life.falls(by_r2)


@_life("thieves", "what a stolen recovery key listed for its owner is kept")
def _(life: Life) -> None:
    theft = life.says("r1", lists("t"))
    own = life.says("r1", lists("s3"))
    life.says("f", declares("r1", theft, own))
    life.signs("s3")
    life.falls(theft, life.signs("t"))


@_life("thieves", "a key that one recovery key listed is declared by a higher one")
def _(life: Life) -> None:
    listing = life.says("r2", lists("s3"), lists("s4"))
    life.signs("s3")
    theft = life.signs("s3")
    life.signs("s4")
    life.says("f", declares("s3", theft), retires("s4"))
    late = life.signs("s4")
    life.falls(theft, late)
    life.says("r1", declares("r2", listing + 1))
    life.falls(theft, late)


@_life("thieves", "what is said of a key whose listing fell holds once the listing is back")
def _(life: Life) -> None:
    listing = life.says("r1", lists("s3"), lists("s4"))
    early, theft = life.signs("s3"), life.signs("s3")
    life.says("f", declares("r1", listing))
    life.falls(listing, early, theft)
    life.says("f", declares("s3", theft))
    life.says("r2", retires("s4"))
    life.says("f", declares("r1", life.size))
    life.falls(theft, life.signs("s3"), life.signs("s4"))


@_life("thieves", "the thief of the founding key takes the future and 90 days")
def _(life: Life) -> None:
    life.signs("s1")
    life.signs("s2")
    life.wait(91)
    lately = [life.signs("s1"), life.signs("s2")]
    life.says("f", *(declares(key, 0) for key in ("r1", "r2", "s1", "s2")))
    life.falls(*lately)


@_life("thieves", "a thief of a signing key retires the key, declares it and accuses others")
def _(life: Life) -> None:
    life.signs("s1")
    life.says("s1", declares("s2", 0), declares("r1", 0), declares("f", 0), lists("t"))
    life.signs("s2")
    forged = life.signs("t")
    life.falls(forged)
    theft = life.says("s1", declares("s1"))
    own = life.signs("s1")
    life.falls(forged, own)
    life.says("r1", declares("s1", theft, own))
    life.falls(forged, theft)
