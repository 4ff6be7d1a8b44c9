"""Whatever is asked, and however it is malformed, the answer is one that was announced.

`TESTAMUR_SCHEMA_EXAMPLES` says how many requests of each kind are made to each path.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from typing import Any, Final

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from testamur.catalogue import dry_run
from testamur.catalogue.submission import MEDIA_TYPE
from tests.harness.served import Served, api, authority_of

EXAMPLES: Final = int(os.environ.get("TESTAMUR_SCHEMA_EXAMPLES", "3"))
_ENDLESS: Final = "/stream"


@schemathesis.serializer(MEDIA_TYPE, dry_run.MEDIA_TYPE)
def as_it_is(_: schemathesis.SerializationContext, value: object) -> bytes:
    """Send a made-up submission or dry run as the text it is."""
    return (
        value.encode("utf-8", "surrogatepass") if isinstance(value, str) else repr(value).encode()
    )


@pytest.fixture(scope="module")
def on_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server of a log whose provider may issue, kept in a database."""
    from tests.harness import postgres
    from tests.harness.postgres import Cluster

    folder = tmp_path_factory.mktemp("schema")
    with closing(Cluster()) as cluster, closing(Served(folder / "data")) as served:
        store = postgres.made(cluster.url, postgres.schema_of(folder))
        made = api(
            *("init", "--data", served.data, "--store", store, "--origin", served.story.origin),
            *("--authority", authority_of(served.story, folder)),
        )
        assert made.returncode == 0, made.stderr
        served.vkey = made.stdout.strip()
        with served.running("--store", store):
            served.open_register()
            yield served
        assert "Traceback" not in served.errors()


@pytest.mark.parametrize("mode", GenerationMode, ids=lambda mode: mode.value)
def test_whatever_is_asked_the_answer_is_one_that_was_announced(
    served: Served, mode: GenerationMode
) -> None:
    ask_everything(served, mode)


@pytest.mark.postgres
@pytest.mark.server
@pytest.mark.parametrize("mode", GenerationMode, ids=lambda mode: mode.value)
def test_whatever_is_asked_of_a_database_the_answer_is_one_that_was_announced(
    on_postgres: Served, mode: GenerationMode
) -> None:
    ask_everything(on_postgres, mode)


def ask_everything(served: Served, mode: GenerationMode) -> None:
    """Never a 5xx, and always a status, a media type and a shape that the document names."""
    document = schemathesis.openapi.from_url(f"{served.url}/openapi.json")
    operations: list[Any] = [found.ok() for found in document.get_all_operations()]  # type: ignore[union-attr]
    assert len(operations) > 30
    # What is well-formed may still be refused: it breaks a rule, or is yet to come.
    excluded = [positive_data_acceptance] if mode is GenerationMode.POSITIVE else []
    for operation in operations:
        if operation.path == _ENDLESS:
            continue

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case: Any) -> None:
            case.call_and_validate(excluded_checks=excluded)

        try:
            ask()
        except Unsatisfiable:
            # Nothing is asked that could be malformed.
            assert mode is GenerationMode.NEGATIVE
            assert not operation.body
            assert not list(operation.query) + list(operation.path_parameters)


def test_an_answer_that_was_not_announced_would_be_noticed(served: Served) -> None:
    document = schemathesis.openapi.from_url(f"{served.url}/openapi.json")
    case = document["/organizations"]["GET"].Case()
    answer = case.call()
    case.validate_response(answer)
    answer.status_code = 202
    with pytest.raises(BaseExceptionGroup):
        case.validate_response(answer)
