# SPDX-License-Identifier: Apache-2.0
"""
Compare the two ways in which grpcio serves, on a bare echo: `python -m bench.serving`.

Not part of the report: it is the measurement behind decision 0005. The client has a process of its own, as have both
servers; calls alternate block by block.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc

from bench.test_grpc import ROOT, Stream, latencies, throughput

REQUEST, ANSWER = bytes(60), bytes(160)
ROUNDS, BLOCK = 20, 200


def serve_threads() -> None:
    """Echo with threads."""

    def stream(contents: Iterator[bytes], _context: Any) -> Iterator[bytes]:
        for _ in contents:
            yield ANSWER

    server = grpc.server(ThreadPoolExecutor(64))
    server.add_generic_rpc_handlers((_handlers(lambda _content, _context: ANSWER, stream),))
    _announce(server.add_insecure_port("127.0.0.1:0"))
    server.start()
    server.wait_for_termination()


async def serve_asyncio() -> None:
    """Echo with asyncio."""

    async def unary(_content: bytes, _context: Any) -> bytes:
        return ANSWER

    async def stream(contents: AsyncIterator[bytes], _context: Any) -> AsyncIterator[bytes]:
        async for _ in contents:
            yield ANSWER

    server = grpc.aio.server()
    server.add_generic_rpc_handlers((_handlers(unary, stream),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    _announce(port)
    await server.wait_for_termination()


def _handlers(unary: Any, stream: Any) -> grpc.GenericRpcHandler[Any, Any]:
    methods = {
        "Unary": grpc.unary_unary_rpc_method_handler(unary),
        "Stream": grpc.stream_stream_rpc_method_handler(stream),
    }
    return grpc.method_handlers_generic_handler("bench.Echo", methods)


def _announce(port: int) -> None:
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()


def main() -> None:
    """Start both, measure in turns, print."""
    processes: dict[str, subprocess.Popen[str]] = {}
    channels: dict[str, Any] = {}
    for way in ("threads", "asyncio"):
        command = [sys.executable, "-m", "bench.serving", way]
        processes[way] = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        said = processes[way].stdout
        assert said is not None
        channels[way] = grpc.insecure_channel(f"127.0.0.1:{said.readline().strip()}")
    calls = {way: channel.unary_unary("/bench.Echo/Unary") for way, channel in channels.items()}
    streams = {way: Stream(channel, "/bench.Echo/Stream") for way, channel in channels.items()}
    unary: dict[str, list[float]] = {way: [] for way in channels}
    streamed: dict[str, list[float]] = {way: [] for way in channels}
    rates: dict[str, list[float]] = {way: [] for way in channels}
    for _ in range(ROUNDS):
        for way in channels:
            unary[way] += latencies(calls[way], [REQUEST] * BLOCK)
            streamed[way] += latencies(streams[way], [REQUEST] * BLOCK)
    for _ in range(3):
        for way in channels:
            rates[way].append(throughput(calls[way], [REQUEST] * 2_000))
    for way in channels:
        print(
            f"{way}: unary p50 {statistics.median(unary[way]) * 1e6:.0f} us, "
            f"streamed p50 {statistics.median(streamed[way]) * 1e6:.0f} us, "
            f"64 in flight {max(rates[way]):,.0f} calls a second"
        )
        streams[way].close()
        processes[way].kill()


if __name__ == "__main__":
    if sys.argv[1:] == ["threads"]:
        serve_threads()
    elif sys.argv[1:] == ["asyncio"]:
        asyncio.run(serve_asyncio())
    else:
        main()
