"""What a start finds in PostgreSQL's own structures, and how questions are answered by them."""

from __future__ import annotations

import signal
from contextlib import closing
from pathlib import Path

import pytest

from registry.gate import StorageDamaged
from registry.postgres import integrity, reading
from registry.postgres.packing import Streams
from registry.postgres.store import PostgresStore
from registry.store import SubmissionRow
from tests.harness import postgres
from tests.harness.gates import Desk
from tests.harness.postgres import Cluster
from tests.harness.stores import Kept
from tests.harness.story import Story
from tests.registry.test_store import row

pytestmark = pytest.mark.postgres


@pytest.fixture
def grown(kept: Kept, story: Story) -> Kept:
    with Desk(kept, story) as desk:
        desk.open_log()
        desk.record(story.cohort(5))
    return kept


def unseen(kept: Kept, index: str, statement: str) -> None:
    """Run a statement of which an index is not told."""
    ready = "UPDATE pg_index SET indisready = ? WHERE indexrelid = ?::regclass"
    kept.sql(ready, False, index)
    kept.sql(statement)
    kept.sql(ready, True, index)


@pytest.mark.parametrize(
    ("index", "statement", "named"),
    [
        # It would be given a second time, and signed.
        (
            "entries_stream",
            "UPDATE entries SET topic = topic || ' ' WHERE notification_id = 13",
            "the unique index has lost 1 entries, 12 the first of them",
        ),
        (
            "entries_stream",
            "UPDATE entries SET originator_version = 2 WHERE notification_id = 13",
            "the unique index has lost 1 entries, 12 the first of them",
        ),
        (
            "entries_pkey",
            "UPDATE entries SET topic = topic || ' ' WHERE notification_id = 13",
            "the head counts 16 entries, but there are 15",
        ),
        *(
            (
                index,
                "UPDATE submissions SET issuer = issuer || 'x' WHERE position = 10",
                f"the index {index} does not hold what its table holds",
            )
            for index in ("submissions_pkey", "submissions_of_key", "submissions_in_time")
        ),
        (
            "register_pkey",
            "UPDATE register SET header = 1 WHERE position = 9",
            "the index register_pkey does not hold what its table holds",
        ),
    ],
)
def test_an_index_that_is_not_what_its_table_is_keeps_the_gate_shut(
    grown: Kept, story: Story, index: str, statement: str, named: str
) -> None:
    # Without this PostgreSQL keeps the new row on the page of the old one, and no index changes.
    grown.sql("CREATE INDEX everything ON entries (topic)")
    grown.sql("CREATE INDEX every_submission ON submissions (issuer, events)")
    grown.sql("CREATE INDEX every_place ON register (header)")
    unseen(grown, index, statement)
    with pytest.raises(StorageDamaged) as found:
        Desk(grown, story)
    assert named in str(found.value)


def test_a_page_that_changed_on_the_disk_is_named(
    cluster: Cluster, story: Story, tmp_path: Path
) -> None:
    url = postgres.made(cluster.url, "flipped")
    with closing(PostgresStore(url)) as store, store.writing() as transaction:
        transaction.append([row(at) for at in range(1, 200)], [])
        transaction.commit()
    for table in ("entries", "entries_stream"):
        ((path,),) = postgres.sql(url, "SELECT pg_relation_filepath(%s)", table)
        cluster.end(signal.SIGINT)
        file = cluster.folder / "data" / path
        raw = file.read_bytes()
        file.write_bytes(raw[:9000] + bytes([raw[9000] ^ 1]) + raw[9001:])
        cluster.start()
        with (
            closing(PostgresStore(url)) as store,
            pytest.raises(StorageDamaged, match="invalid page in block 1"),
        ):
            store.examine()
        cluster.end(signal.SIGINT)
        file.write_bytes(raw)
        cluster.start()


# --- Plans ---

NAMES = {
    "first": 1, "last": 9, "limit": 5, "topics": ["a"], "without": ["b"], "position": 7,
    "stream": "00000000000000000000000000000000", "after": [0], "begin": "a", "size": 9, "most": 3,
    "issuer": "i", "key": "k", "positions": [1], "issuers": ["i"], "keys": ["k"],
    "recorded_at": 5, "streams": Streams([bytes(16)]),
}  # fmt: skip
QUESTIONS = {
    name: statement
    for name, statement in vars(reading).items()
    if name.isupper() and isinstance(statement, str) and not name.startswith("_")
}


def plan(store: PostgresStore, statement: str) -> str:
    with store.reading() as view:
        rows = view._connection.run(f"EXPLAIN {statement}", NAMES if "%(" in statement else None)
    return "\n".join(line for (line,) in rows)


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_is_answered_by_look_ups(store: PostgresStore, question: str) -> None:
    """Whatever the planner thinks of tables that it knows nothing of."""
    found = plan(store, QUESTIONS[question])
    assert "Index" in found
    for scan in ("Seq Scan", "Bitmap", "Hash Join", "Merge Join", "Materialize", "Tid Range"):
        assert scan not in found, found


def test_the_questions_are_all_there_are() -> None:
    assert len(QUESTIONS) == 11


def test_the_examination_reads_tables_as_they_lie_and_looks_up_by_the_index_it_means(
    store: PostgresStore,
) -> None:
    with store.writing() as transaction:
        listed = SubmissionRow(0, 2, "one", "k1", 7, 1, None, 0, 0, 0)
        transaction.append([row(at) for at in range(1, 4)], [listed], [(1, 0)])
        transaction.commit()
    store.examine()
    heap = plan(store, integrity.HEAP)
    assert "Tid Range Scan" in heap
    assert "using entries_stream" in heap
    assert "using entries_pkey" in plan(store, integrity.IDS)
    for index, statement in integrity.BY_INDEX.items():
        assert f"using {index}" in plan(store, statement)
        assert "Tid Range Scan" in plan(store, integrity._AS_THEY_LIE[index])
