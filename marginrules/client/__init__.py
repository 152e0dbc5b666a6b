# SPDX-License-Identifier: Apache-2.0
"""Typed clients of a server: `Client` for threads, `AsyncClient` for asyncio, with the same methods."""

from marginrules.client.aio import AsyncClient
from marginrules.client.answers import (
    Exposure,
    MarginExplanation,
    PoolDistance,
    PoolFigures,
    Resilience,
    Stress,
    StressMove,
    VulnerablePage,
    WaysOut,
)
from marginrules.client.changes import BrokenGlass, CallsMigration, PolicySummary, RulebookChange, RulebookStatus
from marginrules.client.errors import ServerError
from marginrules.client.methods_explain import DecisionExplanation
from marginrules.client.methods_shadow import ShadowReport
from marginrules.client.records import (
    AccountSummary,
    Activation,
    Approval,
    Fill,
    LadderEvent,
    LiquidationPrice,
    MarginCall,
    OrderCheck,
    PoolAssessment,
    PriceMove,
    RulebookRevision,
    WhatIf,
)
from marginrules.client.sync import Client

__all__ = [
    "AccountSummary",
    "Activation",
    "Approval",
    "AsyncClient",
    "BrokenGlass",
    "CallsMigration",
    "Client",
    "DecisionExplanation",
    "Exposure",
    "Fill",
    "LadderEvent",
    "LiquidationPrice",
    "MarginCall",
    "MarginExplanation",
    "OrderCheck",
    "PolicySummary",
    "PoolAssessment",
    "PoolDistance",
    "PoolFigures",
    "PriceMove",
    "Resilience",
    "RulebookChange",
    "RulebookRevision",
    "RulebookStatus",
    "ServerError",
    "ShadowReport",
    "Stress",
    "StressMove",
    "VulnerablePage",
    "WaysOut",
    "WhatIf",
]
