# SPDX-License-Identifier: Apache-2.0
"""
Time `CheckOrder` over gRPC against an echo of equal bytes on the same server stack; the server has its own process.

Calls of both kinds alternate, block by block, so that whatever else the machine does falls on both.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import grpc

from bench.timing import Row, rounds
from marginrules._pb import check_pb2, types_pb2

ROOT = Path(__file__).parent.parent
BLOCK, IN_FLIGHT = 200, 64
CHECK, CHECKS = "/marginrules.v1.CheckService/CheckOrder", "/marginrules.v1.CheckService/CheckOrders"
ECHO, ECHOES = "/bench.Echo/Unary", "/bench.Echo/Stream"


def request(number: int) -> bytes:
    """Return the bytes of one check, of another account each time."""
    order = types_pb2.Order(symbol=f"P{number % 10}-PERP", quantity=1.0 + number % 7, price=100.0)
    return check_pb2.CheckOrderRequest(account_id=f"a{number % 1_000}", order=order).SerializeToString()


def answer_bytes() -> int:
    """Return the size of a typical answer."""
    decision = types_pb2.OrderDecision(
        accepted=True,
        equity_before=1.0,
        initial_margin_before=1.0,
        maintenance_margin_before=1.0,
        equity_after=1.0,
        initial_margin_after=1.0,
        maintenance_margin_after=1.0,
        quantity_max=1.0,
        rule="smallest:14 perpetual",
        rulebook_digest="0" * 64,
    )
    return check_pb2.CheckOrderResponse(decision=decision).ByteSize()


@contextmanager
def server() -> Iterator[Any]:
    """Run the server in a process of its own."""
    command = [sys.executable, "-m", "bench.serve", str(answer_bytes())]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None
    channel = grpc.insecure_channel(f"127.0.0.1:{process.stdout.readline().strip()}")
    try:
        yield channel
    finally:
        channel.close()
        process.terminate()
        process.wait()
        process.stdout.close()


def latencies(call: Callable[[bytes], object], requests: list[bytes]) -> list[float]:
    """Return the seconds of each call, one after the other."""
    found = []
    for content in requests:
        start = time.perf_counter()
        call(content)
        found.append(time.perf_counter() - start)
    return found


def throughput(multicallable: Any, requests: list[bytes]) -> float:
    """Return calls a second with many in flight."""
    waiting: deque[Any] = deque()
    start = time.perf_counter()
    for content in requests:
        if len(waiting) >= IN_FLIGHT:
            waiting.popleft().result()
        waiting.append(multicallable.future(content))
    while waiting:
        waiting.popleft().result()
    return len(requests) / (time.perf_counter() - start)


class Stream:
    """Send one message at a time on a long-lived stream."""

    def __init__(self, channel: Any, method: str) -> None:
        self._sent: SimpleQueue[bytes | None] = SimpleQueue()
        self._answers = channel.stream_stream(method)(iter(self._sent.get, None))

    def __call__(self, content: bytes) -> bytes:
        self._sent.put(content)
        return bytes(next(self._answers))

    def close(self) -> None:
        """End the stream."""
        self._sent.put(None)


def compare(name: str, mine: list[float], rival: list[float], bar: float | None) -> list[Row]:
    """Return the rows of p50 and p99."""
    rows: list[Row] = []
    for quantile, wanted in ((50, bar), (99, None)):
        values = [statistics.quantiles(one, n=100)[quantile - 1] for one in (mine, rival)]
        blocks = [
            statistics.median(mine[at : at + BLOCK]) / statistics.median(rival[at : at + BLOCK])
            for at in range(0, len(mine), BLOCK)
        ]
        rows.append(
            {
                "name": f"{name}, p{quantile}",
                "value": values[0] * 1e6,
                "unit": "us",
                "rival": f"echo of equal bytes, {values[1] * 1e6:,.0f} us",
                "ratio": values[0] / values[1],
                "ratio_median": statistics.median(blocks) if quantile == 50 else None,
                "bar": wanted,
            }
        )
    return rows


def measure() -> list[Row]:
    """Measure unary calls, a stream, and throughput."""
    with server() as channel:
        check, echo = channel.unary_unary(CHECK), channel.unary_unary(ECHO)
        first = check_pb2.CheckOrderResponse.FromString(check(request(0)))
        assert first.decision.accepted, first
        rows: list[Row] = []
        streams = {CHECK: Stream(channel, CHECKS), ECHO: Stream(channel, ECHOES)}
        streamed = [
            check_pb2.CheckOrdersRequest(check=check_pb2.CheckOrderRequest.FromString(request(n))).SerializeToString()
            for n in range(BLOCK)
        ]
        unary = [request(number) for number in range(BLOCK)]
        kinds: list[tuple[str, Callable[[bytes], object], Callable[[bytes], object], list[bytes], float | None]] = [
            ("CheckOrder", check, echo, unary, 1.15),
            ("CheckOrders, streamed", streams[CHECK], streams[ECHO], streamed, None),
        ]
        for name, mine, rival, contents, bar in kinds:
            latencies(mine, contents)
            latencies(rival, contents)
            times: tuple[list[float], list[float]] = ([], [])
            for _ in range(rounds(25)):
                times[0].extend(latencies(mine, contents))
                times[1].extend(latencies(rival, contents))
            rows += compare(name, *times, bar)
        for stream in streams.values():
            stream.close()
        many = [request(number) for number in range(rounds(5) * 400)]
        rates = [(throughput(check, many), throughput(echo, many)) for _ in range(3)]
        best = max(one for one, _ in rates), max(one for _, one in rates)
        rows.append(
            {
                "name": f"CheckOrder, {IN_FLIGHT} in flight",
                "value": best[0],
                "unit": "/s",
                "rival": f"echo of equal bytes, {best[1]:,.0f} /s",
                "ratio": best[1] / best[0],
                "ratio_median": None,
                "bar": None,
            }
        )
        return rows


def test_check_order_keeps_up_with_an_echo() -> None:
    """A check over gRPC is answered rightly and costs nowhere near twice an echo; the bar is in the report."""
    unary = next(one for one in measure() if one["name"] == "CheckOrder, p50")
    assert unary["ratio_median"] is not None
    assert unary["ratio_median"] < 2.0
