"""The telemetry server, asked over real sockets."""

import socket
from collections.abc import AsyncIterator

import aiohttp
import pytest
from powertrain_operator.telemetry.metrics import OperatorMetrics
from powertrain_operator.telemetry.server import ListenAddress, TelemetryServer, serve
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as classic


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def metrics() -> OperatorMetrics:
    metrics = OperatorMetrics("1.2.3")
    metrics.reconciled("TrainingJob", 0.02)
    return metrics


@pytest.fixture
async def server(metrics: OperatorMetrics) -> AsyncIterator[TelemetryServer]:
    running = await serve("127.0.0.1:0", metrics.registry, lambda: True)
    yield running
    await running.close()


async def test_a_scrape_gets_the_text_format_that_prometheus_reads(
    client: aiohttp.ClientSession, server: TelemetryServer
) -> None:
    async with client.get(f"{server.url}/metrics") as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        names = {family.name for family in classic(await answer.text())}
    assert {"powertrain_reconcile_seconds", "powertrain_build_info", "process_cpu_seconds"} <= names


async def test_a_scrape_that_asks_for_openmetrics_gets_it(
    client: aiohttp.ClientSession, server: TelemetryServer
) -> None:
    accept = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"
    async with client.get(f"{server.url}/metrics", headers={"Accept": accept}) as answer:
        assert answer.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
        text = await answer.text()
    assert text.endswith("# EOF\n")
    assert "powertrain_build" in {family.name for family in openmetrics(text)}  # type: ignore[no-untyped-call]


async def test_a_scrape_that_takes_gzip_gets_gzip(
    client: aiohttp.ClientSession, server: TelemetryServer
) -> None:
    async with client.get(f"{server.url}/metrics", headers={"Accept-Encoding": "gzip"}) as answer:
        assert answer.headers["Content-Encoding"] == "gzip"
        assert "powertrain_reconcile_seconds_count" in await answer.text()


async def test_readyz_says_why_the_process_is_not_ready(
    client: aiohttp.ClientSession, metrics: OperatorMetrics
) -> None:
    verdict: list[bool | str] = ["the list of pods has not come yet"]
    server = await serve("127.0.0.1:0", metrics.registry, lambda: verdict[0])
    try:
        async with client.get(f"{server.url}/readyz") as answer:
            assert (answer.status, await answer.text()) == (503, "the list of pods has not come yet\n")
        verdict[0] = False
        async with client.get(f"{server.url}/readyz") as answer:
            assert (answer.status, await answer.text()) == (503, "not ready\n")
        verdict[0] = True
        async with client.get(f"{server.url}/readyz") as answer:
            assert (answer.status, await answer.text()) == (200, "ok\n")
    finally:
        await server.close()


async def test_healthz_does_not_wait_for_readiness(
    client: aiohttp.ClientSession, metrics: OperatorMetrics
) -> None:
    server = await serve("127.0.0.1:0", metrics.registry, lambda: False)
    try:
        async with client.get(f"{server.url}/healthz") as answer:
            assert (answer.status, await answer.text()) == (200, "ok\n")
    finally:
        await server.close()


async def test_a_closed_server_answers_no_more(
    client: aiohttp.ClientSession, metrics: OperatorMetrics
) -> None:
    server = await serve("127.0.0.1:0", metrics.registry, lambda: True)
    await server.close()
    with pytest.raises(aiohttp.ClientConnectorError):
        await client.get(f"{server.url}/healthz")


async def test_an_empty_host_listens_on_ipv4_and_ipv6_with_one_port(
    client: aiohttp.ClientSession, metrics: OperatorMetrics
) -> None:
    server = await serve(":0", metrics.registry, lambda: True)
    hosts = ["127.0.0.1", "[::1]"] if socket.has_dualstack_ipv6() else ["127.0.0.1"]
    try:
        for host in hosts:
            async with client.get(f"http://{host}:{server.port}/healthz") as answer:
                assert answer.status == 200
    finally:
        await server.close()


async def test_a_port_in_use_is_told_with_the_address_and_the_way_out(
    metrics: OperatorMetrics, server: TelemetryServer
) -> None:
    taken = f"127.0.0.1:{server.port}"
    with pytest.raises(OSError, match=f"cannot listen on {taken}: Address already in use; .*--listen"):
        await serve(taken, metrics.registry, lambda: True)


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:8080", "127.0.0.1", 8080),
        (":8080", "", 8080),
        ("[::]:8080", "::", 8080),
        ("localhost:0", "localhost", 0),
    ],
)
def test_a_listen_address_is_a_host_and_a_port(text: str, host: str, port: int) -> None:
    assert ListenAddress.parse(text) == ListenAddress(host, port)
    assert str(ListenAddress.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "8080",
        "localhost",
        "localhost:",
        ":http",
        ":65536",
        ":-1",
        ":٨٠",
        "::1:80",
        "[::1:80",
        "http://x:80",
    ],
)
def test_what_is_no_listen_address_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match="listen address") as refused:
        ListenAddress.parse(text)
    assert repr(text) in str(refused.value)
