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
from marginrules.client.errors import ServerError
from marginrules.client.methods_explain import DecisionExplanation
from marginrules.client.records import (
    AccountSummary,
    Activation,
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
    "AsyncClient",
    "Client",
    "DecisionExplanation",
    "Exposure",
    "Fill",
    "LadderEvent",
    "LiquidationPrice",
    "MarginCall",
    "MarginExplanation",
    "OrderCheck",
    "PoolAssessment",
    "PoolDistance",
    "PoolFigures",
    "PriceMove",
    "Resilience",
    "RulebookRevision",
    "ServerError",
    "Stress",
    "StressMove",
    "VulnerablePage",
    "WaysOut",
    "WhatIf",
]
