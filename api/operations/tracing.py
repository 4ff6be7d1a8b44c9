"""Whether traces are asked for, and where they go: the standard variables of OpenTelemetry.

    OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4318      where (or ..._TRACES_ENDPOINT)
    OTEL_TRACES_SAMPLER=parentbased_traceidratio           of how many
    OTEL_TRACES_SAMPLER_ARG=0.01
    OTEL_TRACES_EXPORTER=none, OTEL_SDK_DISABLED=true      of none after all

Without the first nothing of OpenTelemetry is imported.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from testamur.errors import Unavailable

if TYPE_CHECKING:
    from api.operations.traces import Traces


def wanted(environment: Mapping[str, str]) -> bool:
    """Return whether the environment names a collector."""
    named = any(environment.get(f"OTEL_EXPORTER_OTLP_{which}ENDPOINT") for which in ("", "TRACES_"))
    off = environment.get("OTEL_SDK_DISABLED", "").lower() == "true"
    return named and not off and environment.get("OTEL_TRACES_EXPORTER", "otlp") == "otlp"


def traces_of(environment: Mapping[str, str] = os.environ) -> Traces | None:
    """Return the traces that the environment asks for, None if it asks for none.

    Raises `Unavailable` when they are asked for and the SDK is not installed.
    """
    if not wanted(environment):
        return None
    try:
        from api.operations.traces import Traces  # noqa: PLC0415

        return Traces.by_otlp()
    except ImportError as error:
        raise Unavailable(
            "traces are asked for (OTEL_EXPORTER_OTLP_ENDPOINT), and a package is missing: "
            f"{error.name}; install opentelemetry-sdk and opentelemetry-exporter-otlp-proto-http"
        ) from None
