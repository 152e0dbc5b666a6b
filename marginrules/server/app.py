# SPDX-License-Identifier: Apache-2.0
"""
The server: start, serve, drain, stop.

On grpcio with threads: a unary check costs what it costs with asyncio, throughput is twice that, and a request that
waits for the disk simply waits (decision 0005).
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import HTTPServer
from pathlib import Path
from typing import Any, NoReturn

import grpc
from google.protobuf.message import DecodeError, Message
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from prometheus_client import start_http_server

from marginrules import rulebook
from marginrules.errors import DurabilityError, InputError, MarginRulesError
from marginrules.journal import SqliteJournal
from marginrules.limits import BULK_REQUEST_BYTES_MAX
from marginrules.server.access import LANES, Gate
from marginrules.server.handlers import METHODS, Handlers
from marginrules.server.method import Method
from marginrules.server.metrics import Metrics, StateCollector
from marginrules.server.settings import Settings
from marginrules.server.status import STATUS, trailing_metadata
from marginrules.service.decision_log import DecisionLog
from marginrules.service.policy import Policy, load_policy
from marginrules.service.ports import Clock, MarketClock, SystemClock
from marginrules.service.service import Service
from marginrules.service.signing import check_installed

PACKAGE = "marginrules.v1"
EXIT_STORAGE = 70
_TIMER_WAIT_S = 0.05
_SIGNAL_WAIT_S = 0.5
_SERVICES = tuple(dict.fromkeys(f"{PACKAGE}.{method.service}" for method in METHODS))


class Server:
    """
    Run one shard behind gRPC.

    Raises:
        InputError: the settings contradict each other.
        RulebookError: the rulebook or the policy of the settings was refused.
        StorageError: the journal cannot be used.
    """

    def __init__(self, settings: Settings) -> None:
        settings.check()
        self.settings = settings
        self.metrics = Metrics()
        self._health = health.HealthServicer()
        program = None
        if settings.rulebook is not None:
            program = rulebook.load(settings.rulebook.read_bytes(), str(settings.rulebook))
        self._given_digest = program.digest if program else ""
        self._policy: Policy | None = None
        if settings.policy is not None:
            self._policy = load_policy(settings.policy.read_bytes(), str(settings.policy))
            if self._policy.is_signed:
                check_installed()
        self._scratch = tempfile.TemporaryDirectory(prefix="marginrules-") if settings.journal is None else None
        path = settings.journal or Path(self._scratch.name if self._scratch else "", "journal.db")
        self.journal = SqliteJournal(path, self._fail)
        clock: Clock = SystemClock()
        if settings.clock == "market":
            clock = MarketClock(program.effective_ns if program else 0)
        self._decisions = DecisionLog(settings.decisions) if settings.decisions is not None else None
        self.service = Service(self.journal, clock, self._fail, self._decisions)
        self._gate = Gate()
        self._is_stopping = threading.Event()
        self._server: grpc.Server | None = None
        self._metrics_server: HTTPServer | None = None
        self._timer_thread: threading.Thread | None = None
        self.port = 0
        self.metrics_port = 0

    def start(self, progress: Callable[[int], None] | None = None) -> int:
        """Restore the journal, put policy and rulebook in force, and listen; return the port."""
        self.service.restore(progress)
        self._set_policy()
        self._activate_first()
        workers = sum(LANES.values()) + 16
        self._server = grpc.server(
            ThreadPoolExecutor(workers, thread_name_prefix="grpc"),
            maximum_concurrent_rpcs=workers,
            options=[
                ("grpc.max_receive_message_length", BULK_REQUEST_BYTES_MAX),
                ("grpc.max_concurrent_streams", sum(LANES.values())),
                ("grpc.so_reuseport", 0),
                ("grpc.http2.min_ping_interval_without_data_ms", 20_000),
            ],
        )
        self._register(self._server)
        self.port = self._listen(self._server)
        self._server.start()
        self._start_metrics()
        self._timer_thread = threading.Thread(target=self._run_timers, name="timers", daemon=True)
        self._timer_thread.start()
        self._set_health(health_pb2.HealthCheckResponse.SERVING)
        return self.port

    def run(self, announce: Callable[[], None] | None = None) -> int:
        """
        Serve until SIGINT or SIGTERM, then drain.

        Args:
            announce: called once a signal would be heard.

        Returns:
            The exit code.
        """
        wanted = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: wanted.set())
        if announce:
            announce()
        while not wanted.wait(_SIGNAL_WAIT_S):
            pass  # a signal that comes just before the waiting begins does not interrupt it
        self.stop(self.settings.drain_seconds)
        return 0

    @property
    def keeps_another(self) -> bool:
        """Say whether the journal keeps another rulebook active than the one that was given."""
        active = self.service.shard.active
        return active is not None and self._given_digest not in ("", active.program.digest)

    def wait(self) -> None:
        """Wait until the server has stopped."""
        if self._server:
            self._server.wait_for_termination()

    def stop(self, grace_s: float = 0.0) -> None:
        """Take nothing new, let what runs finish, write what was taken, then let go."""
        self._gate.close()
        self._set_health(health_pb2.HealthCheckResponse.NOT_SERVING)
        self._is_stopping.set()
        if self._server:
            self._server.stop(grace_s).wait()
        if self._timer_thread:
            self._timer_thread.join()
        if self._metrics_server:
            self._metrics_server.shutdown()
            self._metrics_server.server_close()
        self.journal.close()
        if self._decisions is not None:
            self._decisions.close()
        if self._scratch:
            self._scratch.cleanup()

    # Start

    def _set_policy(self) -> None:
        """A policy is recorded where it differs; without one, that of the journal stays in force."""
        policy, known = self._policy, self.service.shard.changes.policy
        if policy is None or self.settings.policy is None or (known is not None and known.text == policy.text):
            return
        data = {"file": self.settings.policy.name, "text": policy.text}
        self.service.submit("policy", data, f"!policy-{self.journal.seq}")

    def _activate_first(self) -> None:
        """A journal that has an active rulebook keeps it: a restart must not take back what was activated since."""
        path = self.settings.rulebook
        if path is None or self.service.shard.active is not None:
            return
        data = {
            "text": path.read_text(encoding="utf-8"),
            "file": path.name,
            "who": "serve",
            "why": "given at the start",
        }
        self.service.submit("activate", data, f"!start-{self.journal.seq}")

    def _register(self, server: grpc.Server) -> None:
        handlers = Handlers(self.service, self.metrics)
        for service in dict.fromkeys(method.service for method in METHODS):
            methods = {one.name: self._method(one, handlers) for one in METHODS if one.service == service}
            server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(f"{PACKAGE}.{service}", methods),))
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        if self.settings.reflection:
            reflection.enable_server_reflection((*_SERVICES, health.SERVICE_NAME, reflection.SERVICE_NAME), server)

    def _listen(self, server: grpc.Server) -> int:
        settings = self.settings
        address = f"{settings.host}:{settings.port}"
        try:
            if settings.tls_certificate is None or settings.tls_key is None:
                return server.add_insecure_port(address)
            ca = settings.tls_client_ca
            credentials = grpc.ssl_server_credentials(
                [(settings.tls_key.read_bytes(), settings.tls_certificate.read_bytes())],
                root_certificates=ca.read_bytes() if ca else None,
                require_client_auth=ca is not None,
            )
            return server.add_secure_port(address, credentials)
        except RuntimeError:
            hint = "another process may be listening there; give another port, or 0 for any"
            raise InputError("MR-I102", f"address {address} could not be bound", hint) from None

    def _start_metrics(self) -> None:
        self.metrics.registry.register(StateCollector(self.service, self.journal))
        if self.settings.metrics_port:
            port = self.settings.metrics_port
            try:
                # The page is plain HTTP, so it stays on this machine whatever the services listen on.
                made = start_http_server(port, "127.0.0.1", self.metrics.registry)
            except OSError as error:
                raise InputError("MR-I102", f"metrics port {port} could not be bound: {error.strerror}") from None
            self._metrics_server = made[0]
            self.metrics_port = self._metrics_server.server_port

    def _set_health(self, status: health_pb2.HealthCheckResponse.ServingStatus) -> None:
        """Say how each component stands; checks need a rulebook, everything else does not."""
        serving = health_pb2.HealthCheckResponse.SERVING
        for name in ("", "journal", *_SERVICES):
            self._health.set(name, status)
        has_rulebook = self.service.shard.active is not None
        rulebook_status = status if has_rulebook or status != serving else health_pb2.HealthCheckResponse.NOT_SERVING
        self._health.set("rulebook", rulebook_status)

    # Running

    def _run_timers(self) -> None:
        """Let time pass for the ladder; market time passes with the market updates instead."""
        while not self._is_stopping.wait(_TIMER_WAIT_S):
            if not self.service.clock.follows_market:
                self.service.tick()
            has_rulebook = self.service.shard.active is not None
            if has_rulebook and not self._is_stopping.is_set():
                self._health.set("rulebook", health_pb2.HealthCheckResponse.SERVING)

    def _fail(self, error: Exception) -> NoReturn:
        """Stop the process at the first failed write, or fault of our own: nothing after it may be acknowledged."""
        sys.stderr.write(f"marginrules stops: {error}\n")
        if not isinstance(error, DurabilityError):
            traceback.print_exception(error)
        sys.stderr.flush()
        os._exit(EXIT_STORAGE)

    def _method(self, method: Method, handlers: Handlers) -> grpc.RpcMethodHandler[Any, Any]:
        handler = getattr(handlers, method.handler)
        if method.shape == "unary":
            return grpc.unary_unary_rpc_method_handler(self._unary(method, handler))
        if method.shape == "watch":
            return grpc.unary_stream_rpc_method_handler(self._watch(method, handler))
        return grpc.stream_stream_rpc_method_handler(self._bidirectional(method, handler))

    def _unary(
        self, method: Method, handler: Callable[[Any], Message]
    ) -> Callable[[bytes, grpc.ServicerContext], bytes]:
        decode, lane = _decoder(method), method.lane

        def serve(content: bytes, context: grpc.ServicerContext) -> bytes:
            try:
                self._gate.enter(lane)
                try:
                    return handler(decode(content)).SerializeToString()
                finally:
                    self._gate.leave(lane)
            except MarginRulesError as error:
                self._abort(context, error)

        return serve

    def _watch(
        self, method: Method, handler: Callable[[Any, Callable[[], bool]], Iterator[Message]]
    ) -> Callable[[bytes, grpc.ServicerContext], Iterator[bytes]]:
        decode = _decoder(method)

        def serve(content: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
            def is_over() -> bool:
                return self._is_stopping.is_set() or not context.is_active()

            try:
                with self._gate.admit(method.lane):
                    for message in handler(decode(content), is_over):
                        yield message.SerializeToString()
            except MarginRulesError as error:
                self._abort(context, error)

        return serve

    def _bidirectional(
        self, method: Method, handler: Callable[[Iterator[Any]], Iterator[Message]]
    ) -> Callable[[Iterator[bytes], grpc.ServicerContext], Iterator[bytes]]:
        decode = _decoder(method)

        def serve(contents: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
            try:
                with self._gate.admit(method.lane):
                    for message in handler(decode(content) for content in contents):
                        yield message.SerializeToString()
            except MarginRulesError as error:
                self._abort(context, error)

        return serve

    def _abort(self, context: grpc.ServicerContext, error: MarginRulesError) -> NoReturn:
        self.metrics.refused(error.code)
        context.set_trailing_metadata(trailing_metadata(error))
        context.abort(STATUS[error.code], error.message)
        raise AssertionError("abort returned")


def _decoder(method: Method) -> Callable[[bytes], Message]:
    parse, bytes_max = method.request.FromString, method.bytes_max

    def decode(content: bytes) -> Message:
        if len(content) > bytes_max:
            raise InputError("MR-I113", f"request was {len(content):,} bytes", f"allowed: at most {bytes_max:,}")
        try:
            return parse(content)
        except DecodeError:
            raise InputError("MR-I110", f"request was not a {method.request.DESCRIPTOR.full_name}") from None

    return decode
