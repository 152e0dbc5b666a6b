# SPDX-License-Identifier: Apache-2.0
"""A rulebook in shadow on a running server, by both clients, with its metrics."""

from __future__ import annotations

from typing import Any

import pytest

from marginrules.client import ServerError
from marginrules.codes import Reason
from marginrules.errors import InputError, RulebookError
from marginrules.server.metrics import StateCollector
from tests.client.served import CLIENTS, SMALLEST, mark, order, serving

TEXT = SMALLEST.read_bytes()
STRICTER = TEXT.replace(b"initial: 10%, maintenance: 5%", b"initial: 20%, maintenance: 10%")


@pytest.mark.parametrize("kind", CLIENTS)
def test_a_shadow_is_started_read_and_stopped(kind: str) -> None:
    """Orders are answered as before; the report tells both verdicts, and the metrics count them."""
    assert STRICTER != TEXT
    with serving() as (server, address):
        client: Any = CLIENTS[kind](address)
        alone = client.check_order("a0", order(10.0))
        digest = client.start_shadow(STRICTER, "J. Doe", "try it", "next.yaml")
        assert client.check_order("a0", order(10.0)) == alone
        client.check_order("a0", order(500.0), hold=True)
        mark(client, 94.0)
        found = client.shadow_report()
        assert (found.file, found.digest, found.who, found.why) == ("next.yaml", digest, "J. Doe", "try it")
        assert (found.compared, found.kinds["would_refuse"], found.active_revision) == (2, 1, 1)
        (one,) = found.differences
        assert (one.account_id, one.order.quantity, one.kind) == ("a0", 10.0, "would_refuse")
        assert (one.active.accepted, one.shadow.accepted) == (True, False)
        assert one.shadow.reasons == Reason.INSUFFICIENT_MARGIN
        assert one.shadow.initial_margin > one.shadow.equity >= one.active.initial_margin > 0.0
        assert found.pools == 3
        assert sum(row.now for row in found.levels) == 3
        metrics = "\n".join(
            f"{sample.name}{sorted(sample.labels.items())} {sample.value}"
            for metric in StateCollector(server.service, server.journal).collect()
            for sample in metric.samples
        )
        assert "marginrules_shadow_checks_total[] 2" in metrics
        assert "marginrules_shadow_differences_total[('kind', 'would_refuse')] 1" in metrics
        assert "marginrules_shadow_pools[('shadow_step', " in metrics
        assert client.stop_shadow("J. Doe", "seen enough") == digest
        with pytest.raises(InputError) as caught:
            client.shadow_report()
        assert caught.value.code == "MR-I181"
        events = [event for event in client.watch(0, True) if event.kind.startswith("shadow")]
        assert [(event.kind, event.details["who"]) for event in events] == [
            ("shadow_started", "J. Doe"),
            ("shadow_ended", "J. Doe"),
        ]
        client.close()


def test_what_is_refused() -> None:
    """A bad text comes back with its problems, and too many differences are not sent."""
    with serving() as (_, address), CLIENTS["threads"](address) as client:
        with pytest.raises(RulebookError) as bad:
            client.start_shadow(TEXT.replace(b"restrict", b"restict"), "J. Doe", "try it")
        assert bad.value.diagnostics
        with pytest.raises((InputError, ServerError)) as caught:
            client.shadow_report(1_001)
        assert getattr(caught.value, "code", "") == "MR-I113"
