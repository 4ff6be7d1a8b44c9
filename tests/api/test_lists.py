"""Lists hold what is asked for, in pages that follow one another, as JSON or as a table."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from api.questions.table import table
from testamur.catalogue import events as e
from testamur.catalogue.members import Definition, Identifier
from tests.harness.served import Served, problem
from tests.harness.story import party

ROR = "https://ror.org/04dkp9463"


@pytest.fixture(scope="module")
def served(opened_log: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server of a log whose lists are known: nothing is submitted to it by these tests."""
    with closing(opened_log.copy(tmp_path_factory.mktemp("lists") / "data")) as log, log.running():
        story = log.story
        log.submit(story.cohort(3))
        bare = Definition(name="=SUM(A1)", achievement_type="Badge")
        log.submit(
            story.submission(
                story.provider, e.AchievementDefined(achievement=story.new_id(), definition=bare)
            )
        )
        log.submit(story.submission(story.provider, *(story.issued(accredited=False),) * 1))
        identifiers = (Identifier(scheme="ROR", value=ROR),)
        for who in (story.provider, story.accreditor):
            updated = e.OrganizationUpdated(
                country="NL", name=f"Københavns {who.did[-4:]}", identifiers=identifiers
            )
            log.submit(story.submission(who, updated))
        log.answer(f"/organizations?size={log.size}")
        yield log


def items(served: Served, path: str, **asked: Any) -> list[dict[str, Any]]:
    answer = served.get(path, params=asked)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


# --- Filters ---


def test_organizations_are_found_by_name_role_and_flag(served: Served) -> None:
    story = served.story
    every = items(served, "/organizations")
    assert len(every) == 3
    named = items(served, "/organizations", name="KOBENHAVN")
    assert {each["did"] for each in named} == {story.provider.did, story.accreditor.did}
    (one,) = items(served, "/organizations", name="koben", role="provider")
    assert one["did"] == story.provider.did
    (second,) = items(served, "/organizations", flag="identifier-shared")
    assert second["did"] == story.accreditor.did
    assert items(served, "/organizations", name="nobody") == []
    pasted = " ".join((one["name"], *(f"word{number}" for number in range(22))))
    assert items(served, "/organizations", name=pasted) == []
    assert items(served, "/organizations", name=one["name"]) == [one]
    assert items(served, "/organizations", name="k") == []  # the whole of a word, not its beginning


@pytest.mark.parametrize(
    "spelt", [ROR, f"ROR:{ROR}", "ror:04DKP9463", "ror.org/04dkp9463", f" {ROR}/ "]
)
def test_an_organization_is_found_by_an_identifier_however_it_is_spelt(
    served: Served, spelt: str
) -> None:
    """It is what each of them says of itself: both are shown, and the second is flagged."""
    found = items(served, "/organizations", identifier=spelt)
    assert [each["did"] for each in found] == [
        served.story.accreditor.did,
        served.story.provider.did,
    ]
    assert {each["identifiers"][0]["value"] for each in found} == {ROR}
    assert {"country", "identifiers", "name"} == {*found[0]["ownWord"]}
    assert [each["flags"] for each in found] == [["identifier-shared"], []]


@pytest.mark.parametrize(
    ("identifier", "detail"),
    [
        ("https://ror.org/04dkp9464", "write one of"),
        ("ROR:https://ror.org/04dkp9464", "checksum"),
        ("999986096", "write one of DAPIP:999986096, PIC:999986096"),
        ("DUNS:123", "write one of CTID"),
    ],
)
def test_an_identifier_that_is_none_is_refused_with_what_to_write(
    served: Served, identifier: str, detail: str
) -> None:
    answer = served.get("/organizations", params={"identifier": identifier})
    assert detail in str(problem(answer, 422, "identifier")["detail"])


def test_an_identifier_without_a_character_is_refused(served: Served) -> None:
    answer = served.get("/organizations", params={"identifier": ""})
    assert "at least 1 character" in str(problem(answer, 422, "parameter")["detail"])


def test_grants_and_achievements_are_found_by_their_parties(served: Served) -> None:
    story = served.story
    provider, accreditor = story.provider.did, story.accreditor.did
    for asked in ({"provider": provider}, {"accreditor": accreditor}, {"name": "organiz"}):
        (granted,) = items(served, "/accreditations", **asked)
        assert granted["id"] == story.accreditation
    assert items(served, "/accreditations", accreditor=provider) == []
    (recognised,) = items(served, "/recognitions", organization=accreditor)
    assert recognised["authority"] == story.authority.did
    assert items(served, "/recognitions", authority=accreditor) == []
    (bare,) = items(served, "/achievements", provider=provider, flag="elements-missing")
    assert bare["definition"]["name"] == "=SUM(A1)"
    (soil,) = items(served, "/achievements", name="science soil")
    assert soil["id"] == story.achievement
    path = f"/organizations/{provider}"
    assert items(served, f"{path}/achievements", name="sum") == [bare]
    assert items(served, f"{path}/accreditations", accreditor=accreditor) == [granted]
    assert items(served, f"{path}/accreditations", accreditor=provider) == []
    other = served.get(f"{path}/accreditations", params={"provider": accreditor})
    problem(other, 422, "parameter")


def test_credentials_are_found_by_everybody_who_has_to_do_with_them(served: Served) -> None:
    story = served.story
    every = items(served, "/credentials")
    assert len(every) == 4
    for asked in (
        {"provider": story.provider.did},
        {"achievement": story.achievement},
        {"provider": story.provider.did, "achievement": story.achievement},
    ):
        assert items(served, "/credentials", **asked) == every
    assert items(served, "/credentials", accreditor=story.accreditor.did) == every[:3]
    for asked in ({"flagged": "true"}, {"flag": "no-accreditation-claimed"}):
        assert items(served, "/credentials", **asked) == every[3:]
    path = f"/organizations/{story.provider.did}/credentials"
    assert items(served, path, flag="no-accreditation-claimed") == every[3:]
    assert items(served, "/credentials", flag="backdated", accreditor=story.accreditor.did) == []
    nobody = served.get("/credentials", params={"provider": party("nobody").did})
    problem(nobody, 404, "unknown-organization")
    problem(served.get(f"/credentials?achievement={story.new_id()}"), 404, "unknown-achievement")


def test_submissions_are_found_by_flag_and_by_signer(served: Served) -> None:
    story = served.story
    every = items(served, "/submissions")
    assert every[0]["position"] == 0
    flagged = items(served, "/submissions", flag="no-accreditation-claimed")
    assert [each["issuer"] for each in flagged] == [story.provider.did]
    own = items(served, "/submissions", organization=story.provider.did)
    assert own == [each for each in every if each["issuer"] == story.provider.did]
    key = story.provider.key.public.multikey()
    assert items(served, "/submissions", organization=story.provider.did, key=key) == own
    problem(served.get("/submissions", params={"key": key}), 422, "parameter")


def test_a_period_is_told_by_times_days_and_positions(served: Served) -> None:
    every = items(served, "/submissions")
    third = every[2]
    after = items(served, "/submissions", after=every[1]["position"])
    assert after == every[2:]
    since = items(served, "/submissions", since=third["recordedAt"])
    assert since == [each for each in every if each["recordedAt"] >= third["recordedAt"]]
    until = items(served, "/submissions", until=third["recordedAt"])
    assert until == [each for each in every if each["recordedAt"] <= third["recordedAt"]]
    day = third["recordedAt"][:10]
    assert items(served, "/submissions", since=day, until="2999-01-01") == every
    assert items(served, "/submissions", until="2001-01-01") == []
    assert items(served, "/organizations", since="2999-01-01") == []
    assert len(items(served, "/organizations", until="2999-01-01")) == 3


@pytest.mark.parametrize(
    ("path", "query", "rule"),
    [
        ("/organizations", "since=yesterday", "time"),
        ("/organizations", "since=2026-02-30", "time"),
        ("/organizations", "until=2026-11-21T10:00:00", "time"),
        ("/organizations", "since=%D9%A2026-11-01", "time"),
        ("/organizations", "since=2026-11-02&until=2026-11-01", "parameter"),
        ("/organizations", "after=-1", "parameter"),
        ("/organizations", "name=", "parameter"),
        ("/organizations", "name=%21%21", "parameter"),
        ("/organizations", f"name={'x' * 201}", "parameter"),
        ("/organizations", "role=thief", "parameter"),
        ("/organizations", "flag=", "parameter"),
        ("/organizations", "flag=unheard-of", "parameter"),
        ("/organizations", "flag=backdated", "flag"),
        ("/credentials", "flag=identifier-shared", "flag"),
        ("/credentials", "name=soil", "parameter"),
        ("/credentials", "provider=college", "parameter"),
        ("/credentials", "flag=backdated&flag=postdated", "parameter"),
        ("/credentials", "limit=1&limit=2", "parameter"),
        ("/credentials", "&".join(f"f{n}=1" for n in range(100)), "parameter"),
        ("/achievements", "identifier=x", "parameter"),
        ("/recognitions", "provider=x", "parameter"),
    ],
)
def test_a_filter_that_would_be_passed_over_is_refused(
    served: Served, path: str, query: str, rule: str
) -> None:
    problem(served.get(f"{path}?{query}"), 422, rule)


# --- Pages ---

LISTS = (
    "/organizations",
    "/credentials",
    "/credentials?flagged=true",
    "/achievements",
    "/accreditations",
    "/recognitions",
    "/submissions",
    "/organizations/{did}/keys",
    "/organizations/{did}/history",
    "/organizations/{did}/credentials",
    "/organizations/{did}/submissions",
    "/achievements/{achievement}/credentials",
)


@pytest.mark.parametrize("path", LISTS)
def test_every_list_has_one_way_of_paging(served: Served, path: str) -> None:
    """`next` and `Link: rel="next"` say the same, and lead through the whole list."""
    story = served.story
    path = path.format(did=story.provider.did, achievement=story.achievement)
    whole = served.get(path).json()
    assert whole.get("next") is None
    seen = []
    address: str | None = f"{path}{'&' if '?' in path else '?'}limit=1"
    while address is not None:
        answer = served.get(address)
        page = answer.json()
        assert len(page["items"]) <= 1
        assert page["size"] == whole["size"] == int(answer.headers["testamur-size"])
        seen += page["items"]
        address = page.get("next")
        link = answer.headers.get("link")
        assert link == (None if address is None else f'<{address}>; rel="next"')
    assert seen == whole["items"]


def test_a_cursor_is_good_for_its_list_its_size_and_its_filters_alone(served: Served) -> None:
    following = served.get("/submissions?limit=1&since=2001-01-01").json()["next"]
    assert served.get(following).status_code == 200
    assert served.get(following.replace("limit=1", "limit=3")).status_code == 200
    query = urlsplit(following).query
    for other in (
        following.replace("2001-01-01", "2001-01-02"),
        following.replace("&since=2001-01-01", ""),
        following + "&until=2999-01-01",
        following.replace(f"size={served.size}", f"size={served.size - 1}"),
        following.replace(f"&size={served.size}", ""),
        following.replace(f"size={served.size}", "at=2026-01-01T00:00:00Z"),
        following.replace("/submissions", "/credentials"),
        f"/organizations/{served.story.provider.did}/submissions?{query}",
        following.replace("cursor=0-", "cursor=1"),
        following.replace("cursor=0-", "cursor=-"),
        following.replace("cursor=0-", "cursor=0-0"),
        following.replace("cursor=0-", f"cursor={'9' * 17}-"),
        following.replace("cursor=0-", "cursor=%D9%A0-"),
    ):
        problem(served.get(other), 422, "cursor")
    # One that somebody makes up begins elsewhere in the same list, and leads to nothing else.
    forged = served.get(following.replace("cursor=0-", "cursor=9999999999999999-"))
    assert (forged.status_code, forged.json()["items"]) == (200, [])


# --- Tables ---


def test_a_list_is_a_table_for_those_who_ask_for_one(served: Served) -> None:
    answer = served.get("/credentials?limit=3", headers={"Accept": "text/csv"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    assert answer.headers["link"].endswith('rel="next"')
    assert answer.headers["testamur-size"] == str(served.size)
    name = f'filename="credentials-{served.size}.csv"'
    assert answer.headers["content-disposition"] == f"attachment; {name}"
    assert answer.content.startswith(b"\xef\xbb\xbfid,status,issuer,achievement,position,")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    expected = items(served, "/credentials", limit=3)
    assert [row["id"] for row in rows] == [each["id"] for each in expected]
    assert {row["status"] for row in rows} == {"active"}
    assert rows[0]["flags"] == " ".join(expected[0]["flags"])
    empty = served.get("/credentials?until=2001-01-01", headers={"Accept": "text/csv"})
    assert empty.text.count("\n") == 1
    one = served.get(f"/credentials/{rows[0]['id']}", headers={"Accept": "text/csv"})
    (row,) = csv.DictReader(io.StringIO(one.content.decode("utf-8-sig")))
    assert (row["issuer.did"], row["achievement.name"]) == (
        served.story.provider.did,
        "Soil Science",
    )


@pytest.mark.parametrize("path", [path for path in LISTS if "?" not in path])
def test_every_list_is_a_table_with_the_same_columns_on_each_page(
    served: Served, path: str
) -> None:
    story = served.story
    path = path.format(did=story.provider.did, achievement=story.achievement)
    csv_alone = {"Accept": "text/csv"}
    whole = served.get(path, headers=csv_alone)
    first = served.get(f"{path}?limit=1", headers=csv_alone)
    lines = list(csv.reader(io.StringIO(whole.text)))
    assert len({len(line) for line in lines}) == 1
    assert len(set(lines[0])) == len(lines[0])
    assert list(csv.reader(io.StringIO(first.text))) == lines[:2]
    assert len(lines) == 1 + len(served.get(path).json()["items"])


def test_no_cell_is_run_by_a_spreadsheet(served: Served) -> None:
    answer = served.get("/achievements", headers={"Accept": "text/csv"})
    (row,) = (
        row for row in csv.DictReader(io.StringIO(answer.text)) if "SUM" in row["definition.name"]
    )
    assert row["definition.name"] == "'=SUM(A1)"
    found = e.OrganizationUpdated(
        country="NL", name='@x",\n=1', url="https://a.example/;=cmd|x", identifiers=()
    )
    body = table(found, e.OrganizationUpdated).decode("utf-8-sig")
    (cells,) = list(csv.reader(io.StringIO(body)))[1:]
    assert "'@x\",\n'=1" in cells
    assert "https://a.example/;'=cmd|x" in cells


@pytest.mark.parametrize("path", ["/organizations", "/credentials/{id}", "/organizations/{did}"])
def test_a_client_that_takes_no_form_of_an_answer_is_told_so(served: Served, path: str) -> None:
    (one, *_) = items(served, "/credentials")
    path = path.format(id=one["id"], did=served.story.provider.did)
    found = problem(served.get(path, headers={"Accept": "image/png"}), 406, "not-acceptable")
    assert "application/json or text/csv or text/html" in str(found["detail"])
    for taken in ("image/png,*/*;q=0.1", "application/*", "", "application/problem+json, */*"):
        answer = served.get(path, headers={"Accept": taken})
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["vary"] == "Accept, Accept-Encoding"


# --- Links, and what a client has already ---


def test_every_link_leads_to_something(served: Served) -> None:
    story = served.story
    todo = {"/"}
    seen: set[str] = set()
    while todo:
        path = todo.pop()
        seen.add(path)
        if path == "/stream":
            continue
        answer = served.get(path)
        assert answer.status_code == 200, path
        if answer.headers["content-type"] == "application/json" and path != "/openapi.json":
            todo |= links_in(answer.json()) - seen
    did = quote(story.provider.did, safe=":")
    assert {
        f"/organizations/{did}",
        f"/achievements/{story.achievement}/credentials",
        f"/recognitions/{story.recognition}/history",
        f"/accreditations/{story.accreditation}",
        "/log/checkpoint",
    } <= seen


def links_in(found: Any) -> set[str]:
    """Return every address in the links of an answer, at any depth."""
    if isinstance(found, list):
        return {path for each in found for path in links_in(each)}
    if not isinstance(found, dict):
        return set()
    own = {path for path in found.get("links", {}).values() if str(path).startswith("/")}
    return own | {path for each in found.values() for path in links_in(each)}


def test_a_client_that_has_an_answer_is_not_sent_it_again(served: Served) -> None:
    for path in ("/organizations", f"/credentials?size={served.size}"):
        first = served.get(path)
        held = {"If-None-Match": f'"other", {first.headers["etag"]}'}
        again = served.get(path, headers=held)
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]
        assert again.headers["testamur-size"] == str(served.size)
        table = served.get(path, headers={**held, "Accept": "text/csv"})
        assert table.status_code == 200
        zipped = served.get(path, headers={**held, "Accept-Encoding": "*;q=0, gzip"})
        assert (zipped.status_code, zipped.content) == (304, b"")
        other = served.get(path, headers={"If-None-Match": '"other"'})
        assert other.content == first.content


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("/", "no-store"),
        ("/healthz", "no-store"),
        ("/readyz", "no-store"),
        ("/docs", "no-cache"),
        ("/openapi.json", "no-cache"),
        ("/organizations", "no-cache"),
        ("/organizations?size=3", "public, max-age=3600"),
        ("/organizations?at=2026-01-01T00:00:00Z", "no-cache"),
        ("/organizations?size=x", "no-store"),
        ("/entries", "no-cache"),
        ("/log/checkpoint", "public, max-age=1"),
        ("/log/vkey", "public, max-age=1"),
        ("/log/tile/0/000", "no-store"),  # there is no such tile yet
        ("/log", "no-store"),
        ("/nothing", "no-store"),
        ("/accreditations/{ID}", "public, max-age=86400"),  # led to its one spelling
        ("/credentials/{credential}/evidence", "no-cache"),
        ("/submissions/{did}/{jti}", "no-cache"),
    ],
)
def test_every_answer_says_how_long_it_may_be_kept(served: Served, path: str, kept: str) -> None:
    """And what may be asked for again has a tag, by which nothing is sent twice."""
    submitted = items(served, "/submissions")[-1]
    path = path.format(
        ID=served.story.accreditation.upper(),
        credential=items(served, "/credentials")[0]["id"],
        did=submitted["issuer"],
        jti=submitted["jti"],
    )
    answer = served.get(path)
    assert answer.headers.get_list("cache-control") == [kept]
    if "no-store" not in kept and answer.status_code == 200 and path != "/entries":
        again = served.get(path, headers={"If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
