"""The address of a bucket is read strictly, and never takes or shows a secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from log.bucket import Bucket, Limits, credentials_in_file
from testamur.errors import Unavailable

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


@pytest.mark.parametrize(
    ("address", "bucket"),
    [
        ("s3://logs", Bucket("logs")),
        ("s3://logs/", Bucket("logs")),
        ("s3://log.example/a/b", Bucket("log.example", "a/b/")),
        ("s3://logs/a/?region=eu-west-1", Bucket("logs", "a/", None, "eu-west-1")),
        (
            "s3://logs/2026?endpoint=https%3A%2F%2Fs3.example.org&region=us-east-1",
            Bucket("logs", "2026/", "https://s3.example.org", "us-east-1"),
        ),
        ("s3://logs?endpoint=http://[::1]:8333", Bucket("logs", "", "http://[::1]:8333")),
        ("s3://logs?endpoint=http://objects:8333", Bucket("logs", "", "http://objects:8333")),
    ],
)
def test_an_address_names_bucket_prefix_endpoint_and_region(address: str, bucket: Bucket) -> None:
    assert Bucket.parse(address) == bucket


@pytest.mark.parametrize(
    "address",
    [
        "",
        "s3:",
        "s3://",
        "s3:///a",
        "S3://logs",
        "https://logs/a",
        "s3://lo",
        "s3://Logs",
        "s3://-logs",
        "s3://logs:80/a",
        "s3://lógs",
        "s3://logs//a",
        "s3://logs/a//b",
        "s3://logs/a//",
        "s3://logs/..",
        "s3://logs/a/../b",
        "s3://logs/./a",
        "s3://logs/a%2fb",
        "s3://logs/a b",
        "s3://logs/a\nb",
        "s3://logs/" + "a" * 257,
        "s3://logs/" + "a" * 2000,
        "s3://logs?region",
        "s3://logs?region=",
        "s3://logs?region=a&region=a",
        "s3://logs?region=EU",
        "s3://logs?endpoint=",
        "s3://logs?endpoint=objects:8333",
        "s3://logs?endpoint=ftp://objects",
        "s3://logs?endpoint=http://objects/",
        "s3://logs?endpoint=http://objects/path",
        "s3://logs?endpoint=http://objects:0",
        "s3://logs?endpoint=http://objects:123456",
        "s3://logs?endpoint=http://a..%0d%0ab",
        "s3://logs?fsync=true",
        "s3://logs#a",
        "s3://logs?region=a;endpoint=b",
    ],
)
def test_any_other_address_is_refused(address: str) -> None:
    with pytest.raises(Unavailable, match="address of a bucket"):
        Bucket.parse(address)


@pytest.mark.parametrize(
    "address",
    [
        f"s3://AKIAIOSFODNN7EXAMPLE:{SECRET}@logs/a",
        f"s3://logs/a?secret_access_key={SECRET}",
        f"s3://logs/a?endpoint=https://AKIA:{SECRET}@s3.example.org",
        f"s3://logs/{SECRET}\x00",
        f"s3://logs/a#{SECRET}",
        f"s3://{SECRET}",
        SECRET,
    ],
)
def test_what_may_be_a_secret_is_refused_and_not_shown(address: str) -> None:
    with pytest.raises(Unavailable) as caught:
        Bucket.parse(address)
    for part in ("wJalr", "MDENG", "EXAMPLEKEY", "AKIA"):
        assert part not in str(caught.value)


def test_credentials_are_those_of_the_profile_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "credentials"
    file.write_text(
        "[default]\naws_access_key_id = A\naws_secret_access_key = B%C\n"
        "[other]\naws_access_key_id=D\naws_secret_access_key=E\naws_session_token=F\nx=y\n"
    )
    named = {"AWS_SHARED_CREDENTIALS_FILE": str(file)}
    assert credentials_in_file({}) == {}
    assert credentials_in_file(named) == {"access_key_id": "A", "secret_access_key": "B%C"}
    assert credentials_in_file({**named, "AWS_PROFILE": "other"}) == {
        "access_key_id": "D",
        "secret_access_key": "E",
        "session_token": "F",
    }
    with pytest.raises(Unavailable, match=r"no section \[third\]"):
        credentials_in_file({**named, "AWS_PROFILE": "third"})


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[default]\naws_access_key_id = A\n",
        SECRET.encode(),
        f"[default]\n{SECRET}\n".encode(),
        f"[default]\naws_secret_access_key = {SECRET}\n".encode(),
        f"[default]\naws_access_key_id = A\naws_secret_access_key = {SECRET}\n[default]\n".encode(),
        b"\xff\xfe[default]",
        b"[default]\naws_access_key_id = A\naws_secret_access_key = B\n" + b"#" * 70_000,
    ],
)
def test_a_file_without_credentials_is_refused_and_not_shown(
    tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "credentials"
    file.write_bytes(content)
    with pytest.raises(Unavailable, match="AWS_SHARED_CREDENTIALS_FILE") as caught:
        credentials_in_file({"AWS_SHARED_CREDENTIALS_FILE": str(file)})
    assert "wJalr" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_file_that_is_not_there_is_named_by_its_variable(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="AWS_SHARED_CREDENTIALS_FILE names cannot be read"):
        credentials_in_file({"AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none")})


def test_settings_that_make_no_sense_are_no_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_S3_EXPRESS", SECRET)
    with pytest.raises(Unavailable) as caught:
        Bucket("logs").opened(Limits())
    assert "wJalr" not in str(caught.value)


@pytest.mark.parametrize(
    "endpoint",
    ["http://objects:8333", "http://10.0.0.7", "http://[fe80::1]:80", "http://localhost.example"],
)
def test_no_bucket_is_reached_in_the_clear_unless_that_is_allowed(
    monkeypatch: pytest.MonkeyPatch, endpoint: str
) -> None:
    bucket = Bucket("logs", endpoint=endpoint, region="x")
    for value in (None, "false", "1"):
        if value is not None:
            monkeypatch.setenv("AWS_ALLOW_HTTP", value)
        with pytest.raises(Unavailable, match="AWS_ALLOW_HTTP=true"):
            bucket.opened(Limits())
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    bucket.opened(Limits())


@pytest.mark.parametrize(
    "endpoint",
    ["https://objects:8333", "http://127.0.0.7:8333", "http://[::1]:8333", "http://localhost"],
)
def test_a_bucket_on_this_machine_or_by_tls_needs_no_allowance(endpoint: str) -> None:
    Bucket("logs", endpoint=endpoint, region="x").opened(Limits())
