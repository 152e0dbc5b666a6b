# SPDX-License-Identifier: Apache-2.0
"""How a server is to run, as one frozen record."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from marginrules.errors import InputError


@dataclass(frozen=True, slots=True)
class Settings:
    """
    Carry the settings of a server.

    Args:
        rulebook: activated where the journal has no active rulebook yet; None: wait for one to come by the API.
        policy: who may change the rulebook; None: what the journal has, or else everybody.
        journal: file; None: a temporary one, gone with the process.
        decisions: file to which every check is appended with everything it was made from; None: none. Checks then take
            turns, and each takes longer.
        host, port: to listen on; port 0: any free one.
        metrics_port: of the Prometheus page, always on loopback; 0: none.
        clock: "system", or "market" to take the time of the market updates.
        tls_certificate, tls_key: PEM files; needed for any host but loopback.
        tls_client_ca: PEM file; where given, clients must show a certificate it signed.
        reflection: let clients ask what services there are.
        drain_seconds: how long running requests may take once the server is told to stop.
    """

    rulebook: Path | None = None
    policy: Path | None = None
    journal: Path | None = None
    decisions: Path | None = None
    host: str = "127.0.0.1"
    port: int = 50051
    metrics_port: int = 9464
    clock: Literal["system", "market"] = "system"
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    tls_client_ca: Path | None = None
    reflection: bool = True
    drain_seconds: float = 10.0

    def check(self) -> None:
        """Refuse settings that contradict each other, or that would show the book to the network in the clear."""
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise InputError("MR-I103", "of the TLS certificate and its key, one was missing", "give both")
        if self.tls_client_ca is not None and self.tls_certificate is None:
            raise InputError("MR-I103", "a client CA was given without a certificate", "give certificate and key")
        if self.tls_certificate is None and not _is_loopback(self.host):
            hint = "give --tls-certificate and --tls-key, or listen on 127.0.0.1"
            raise InputError("MR-I102", f"host was {self.host}, without TLS", hint)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
