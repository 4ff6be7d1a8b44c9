"""docker-compose.yml: compose reads it, and it says what the processes, the proxy and we say."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from api.__main__ import commands
from deploy.cluster.topology import API, PUBLISHERS, SERVERS, options_of
from deploy.make_secrets import make_secrets
from tests.harness.compose import ENVIRONMENT, FILE, compose, read_compose
from tests.harness.served import PROJECT

pytestmark = pytest.mark.compose

NGINX = (PROJECT / "deploy/nginx.conf").read_text()
HANDED_ON = (PROJECT / "deploy/api.conf").read_text()
PROMETHEUS = (PROJECT / "deploy/prometheus.yml").read_text()


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    return read_compose()


@pytest.fixture(scope="module")
def services(found: dict[str, Any]) -> dict[str, Any]:
    read: dict[str, Any] = found["services"]
    return read


def ours(services: dict[str, Any]) -> dict[str, Any]:
    """Return the services that run `python -m api`."""
    return {name: each for name, each in services.items() if each["image"].startswith("testamur:")}


def seconds(text: str) -> int:
    """Return the seconds of a duration such as 1m40s."""
    units = {"h": 3600, "m": 60, "s": 1}
    return sum(int(number) * units[unit] for number, unit in re.findall(r"(\d+)([hms])", text))


# --- Compose itself ---


def test_compose_accepts_the_file() -> None:
    read = compose("config", "-q")
    assert (read.returncode, read.stdout, read.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"database:/var', '"nowhere:/var', "undefined volume nowhere"),
        ("service_completed_successfully", "service_finished", "condition"),
        ("secrets: [database-password]", "secrets: [no-such-secret]", "undefined secret"),
        ("networks: [monitoring]", "networks: [everywhere]", "undefined network"),
        ("network_mode: service:objects", "network_mode: service:nothing", "nothing"),
        ("read_only: true", "read_onyl: true", "read_onyl"),
        ("stop_grace_period: 40s", "stop_grace_period: forty", "forty"),
    ],
)
def test_compose_refuses_what_is_wrong(tmp_path: Path, old: str, new: str, said: str) -> None:
    text = FILE.read_text()
    assert old in text
    bent = tmp_path / "docker-compose.yml"
    bent.write_text(text.replace(old, new))
    refused = compose("config", "-q", file=bent)
    assert refused.returncode != 0
    assert said in refused.stderr


@pytest.mark.parametrize("name", ENVIRONMENT)
def test_without_secrets_it_says_how_to_make_them(name: str) -> None:
    refused = compose("config", "-q", environment=ENVIRONMENT | {name: ""})
    assert refused.returncode != 0
    assert "run python3 deploy/make_secrets.py" in refused.stderr


# --- What it starts ---


def test_the_parts_are_those_of_the_cluster(services: dict[str, Any]) -> None:
    once = {"bucket", "migrate", "init"}
    assert services.keys() - once == {
        *SERVERS,
        *("postgres", "objects", "proxy", "prometheus", "grafana"),
    }
    for name in once:
        assert services[name]["restart"] == "no"


def test_each_command_is_one_of_the_program(
    services: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    known: dict[str, Any] = get_command(commands).commands  # type: ignore[attr-defined]
    for name, each in ours(services).items():
        words = each["command"] or each["entrypoint"][3:]
        if name == "init":
            words = [*words, "--origin=log.example", "--authority=/authorities/one"]
        for variable, value in each["environment"].items():
            monkeypatch.setenv(variable, value)
        known[words[0]].make_context(words[0], list(words[1:]))  # raises on what is no option


def test_each_process_is_started_as_in_the_cluster(services: dict[str, Any]) -> None:
    for name in SERVERS:
        words = services[name]["command"]
        assert set(options_of(name)) <= set(words), name
        places = {word.partition("=")[0] for word in words} - {
            word.partition("=")[0] for word in options_of(name)
        }
        listening = {"--host", "--port", "--trusted-proxy"} if name in API else set()
        assert places == {"serve", "--data", "--ops-host", "--ops-port", *listening}


def test_nothing_is_killed_while_it_drains(services: dict[str, Any]) -> None:
    for name in SERVERS:
        (grace,) = (word for word in services[name]["command"] if word.startswith("--grace="))
        assert seconds(services[name]["stop_grace_period"]) > int(grace.partition("=")[2]) + 5
    # The proxy ends after the longest wait for an answer.
    (patience,) = re.findall(r"proxy_read_timeout (100)s", HANDED_ON)
    assert seconds(services["proxy"]["stop_grace_period"]) >= int(patience)


def test_each_service_has_a_health_check_that_asks_whether_it_is_ready(
    services: dict[str, Any],
) -> None:
    for name, each in services.items():
        if each["restart"] == "no":
            continue
        (*_, asked) = each["healthcheck"]["test"]
        if name in SERVERS:
            (port,) = (word[11:] for word in each["command"] if word.startswith("--ops-port="))
            assert f"http://127.0.0.1:{port}/readyz" in asked
        if name == "proxy":
            assert asked == "http://127.0.0.1:8080/readyz"


def test_what_must_be_done_once_is_done_before(services: dict[str, Any]) -> None:
    for name in SERVERS:
        needed = services[name]["depends_on"]
        assert {other: each["condition"] for other, each in needed.items()} == {
            "migrate": "service_completed_successfully",
            "bucket": "service_completed_successfully",
        }
    assert services["migrate"]["depends_on"]["postgres"]["condition"] == "service_healthy"
    assert services["bucket"]["depends_on"]["objects"]["condition"] == "service_healthy"


# --- Who may do what ---


def test_everything_is_read_only_and_without_privileges(services: dict[str, Any]) -> None:
    for name, each in services.items():
        assert each["read_only"] is True, name
        assert each["cap_drop"] == ["ALL"], name
        assert "cap_add" not in each, name
        assert each["security_opt"] == ["no-new-privileges:true"], name
    for each in (*ours(services).values(), services["objects"], services["bucket"]):
        assert each["user"] == "1000:1000"


def test_the_publishers_alone_have_the_key_of_the_log(services: dict[str, Any]) -> None:
    holders = {
        name
        for name, each in services.items()
        if "log-key" in {secret["source"] for secret in each.get("secrets", ())}
    }
    assert holders == set(PUBLISHERS)
    # `init` makes the key, in the folder that the secret is a file of.
    mounting = {
        name
        for name, each in services.items()
        if any("secrets" in volume["source"] for volume in each.get("volumes", ()))
    }
    assert mounting == {"init"}


def test_who_writes_to_the_bucket_is_not_who_listens(services: dict[str, Any]) -> None:
    for name, each in services.items():
        given = {secret["source"] for secret in each.get("secrets", ())}
        assert ("bucket-publisher" in given) == (name in {*PUBLISHERS, "init"}), name


def test_the_public_reaches_the_proxy_alone(services: dict[str, Any], found: Any) -> None:
    published = {
        name: [port["host_ip"] for port in each["ports"]]
        for name, each in services.items()
        if "ports" in each
    }
    assert published == {"proxy": ["127.0.0.1"], "grafana": ["127.0.0.1"]}
    inner = {name for name, each in found["networks"].items() if each.get("internal")}
    assert inner == {"front", "files", "database", "monitoring"}
    on = {name: set(each.get("networks") or ()) for name, each in services.items()}
    for name in (*PUBLISHERS, "projector"):
        assert on[name] == {"database", "files", "monitoring"}
    assert on["postgres"] == {"database"}
    assert on["objects"] == {"files"}
    assert {name for name, nets in on.items() if "public" in nets} == {"proxy", "grafana"}
    assert {name for name, nets in on.items() if "front" in nets} == {"proxy", *API}


def test_no_secret_is_in_the_file_and_each_is_one_that_is_made(
    found: dict[str, Any], tmp_path: Path
) -> None:
    make_secrets(tmp_path / "secrets")
    made = {path.name for path in (tmp_path / "secrets").iterdir() if path.is_file()}
    folder = PROJECT / "deploy/secrets"
    named = {Path(each["file"]) for each in found["secrets"].values()}
    # `init` makes the key, and prints the verifier key.
    assert named == {folder / name for name in made} | {folder / "log/key", folder / "log.vkey"}
    for name, each in found["services"].items():
        for variable, value in (each.get("environment") or {}).items():
            secret = re.search(r"PASSWORD|SECRET|KEY|PASS", variable) is not None
            assert not secret or value.startswith("/run/secrets/"), (name, variable)


def test_each_image_has_a_version(services: dict[str, Any]) -> None:
    for name, each in services.items():
        assert re.search(r":v?\d+\.\d+", each["image"]), name
    version = tuple(map(int, services["objects"]["image"].rpartition(":")[2].split(".")))
    assert version >= (4, 48), "earlier ones let several conditional creates win"
    assert services["postgres"]["image"].startswith("postgres:17.")


def test_each_file_that_is_mounted_is_there(services: dict[str, Any]) -> None:
    for each in services.values():
        for volume in each.get("volumes", ()):
            if volume["type"] == "bind" and not volume["source"].endswith(
                ("/secrets/log", "/authorities", "/objects")
            ):
                assert Path(volume["source"]).is_file(), volume
                assert volume["read_only"] is True


# --- What the files beside it say ---


def test_the_proxy_finds_each_process_where_it_is(services: dict[str, Any]) -> None:
    hosts = services["proxy"]["extra_hosts"]
    named = dict(re.split("[=:]", host, maxsplit=1) for host in hosts)
    asked = dict(re.findall(r"server ([a-z0-9-]+):(\d+)", NGINX))
    assert named.keys() == asked.keys()
    for name, address in named.items():
        assert address in {
            net.get("ipv4_address") for net in services[name]["networks"].values() if net
        }
    for name in API:
        assert f"--port={asked[name]}" in services[name]["command"]
        front = services["proxy"]["networks"]["front"]["ipv4_address"]
        assert f"--trusted-proxy={front}" in services[name]["command"]
    (port,) = services["proxy"]["ports"]
    assert f"listen 0.0.0.0:{port['target']} " in NGINX
    # The largest submission, and what the proxy keeps in its memory.
    assert "client_max_body_size 64m" in HANDED_ON
    # nginx looks for what it includes beside the file that includes it.
    beside = {each["target"] for each in services["proxy"]["volumes"]}
    (included,) = re.findall(r"^ +include (\S+);", NGINX, re.MULTILINE)
    assert f"/etc/testamur/{included}" in beside


def test_prometheus_scrapes_every_process(services: dict[str, Any]) -> None:
    targets = set(re.findall(r'- "([a-z0-9:-]+)"', PROMETHEUS))
    assert targets == {f"{name}:9464" for name in SERVERS}
    for name in SERVERS:
        assert "--ops-port=9464" in services[name]["command"]
        assert "monitoring" in services[name]["networks"]


def test_grafana_finds_prometheus_and_the_dashboard(services: dict[str, Any]) -> None:
    mounted = {each["target"]: each["source"] for each in services["grafana"]["volumes"]}
    folder = re.findall(r"path: (\S+)", (PROJECT / "deploy/grafana/dashboards.yml").read_text())
    (board,) = (each for each in mounted if each.startswith(f"{folder[0]}/"))
    assert json.loads(Path(mounted[board]).read_text())["uid"] == "testamur"
    source = (PROJECT / "deploy/grafana/datasources.yml").read_text()
    assert "url: http://prometheus:9090" in source
