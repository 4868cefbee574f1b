"""Sends an answer over HTTP, spoilt as a fault of the answer says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from math import ceil

from aiohttp import web

from market_pipeline.simulator.faults import Fault, FaultKind
from market_pipeline.simulator.wire.format import HTML, Reply, Wire, html_page

STATUS_FAULTS = frozenset(
    {
        FaultKind.RATE_LIMITED, FaultKind.UNAUTHORISED, FaultKind.FORBIDDEN,
        FaultKind.SERVER_ERROR, FaultKind.UNAVAILABLE,
    }
)  # fmt: skip
WAITING_STATUS = frozenset({429, 503})
MAINTENANCE = html_page("Maintenance", "<body><h1>Will be right back...</h1><p>Please log in again later.</p></body>")


async def respond(
    request: web.Request, fault: Fault | None, *, wire: Wire, answer: Callable[[], Reply], count: Callable[[int], None]
) -> web.StreamResponse:
    """Send a route's answer, or what the fault makes of it, and count its status."""
    reply = answer() if fault is None else _spoilt(fault, request, wire=wire, answer=answer)
    count(reply.status)
    if fault is not None and fault.kind is FaultKind.SLOW:
        await asyncio.sleep(fault.duration)
    if fault is not None and fault.kind is FaultKind.DRIP:
        return await _drip(request, reply, fault.bytes_per_second)
    return _response(reply)


def _spoilt(fault: Fault, request: web.Request, *, wire: Wire, answer: Callable[[], Reply]) -> Reply:
    if fault.kind in STATUS_FAULTS:
        return _refusal(fault, request, wire)
    if fault.kind is FaultKind.HTML:
        return Reply(MAINTENANCE, content_type=HTML)
    reply = answer()
    match fault.kind:
        case FaultKind.EMPTY:
            return Reply(b"", reply.status, reply.content_type)
        case FaultKind.TRUNCATED:
            return Reply(reply.body[: len(reply.body) // 2], reply.status, reply.content_type)
        case FaultKind.WRONG_ENCODING:
            spoilt = reply.body.decode("utf-8").encode("utf-16")
            return Reply(spoilt, reply.status, f"{reply.content_type.partition(';')[0]}; charset=utf-8")
        case _:
            return reply


def _refusal(fault: Fault, request: web.Request, wire: Wire) -> Reply:
    status = int(fault.kind)
    reply = wire.refuse(status, request.method, request.path.removeprefix(f"/{wire.source}"))
    waits = {"Retry-After": str(ceil(fault.seconds))} if fault.seconds and status in WAITING_STATUS else {}
    return Reply(reply.body, status, reply.content_type, {**reply.headers, **waits})


async def _drip(request: web.Request, reply: Reply, bytes_per_second: float) -> web.StreamResponse:
    response = web.StreamResponse(status=reply.status, headers={"Content-Type": reply.content_type})
    response.content_length = len(reply.body)
    await response.prepare(request)
    for place in range(len(reply.body)):
        await response.write(reply.body[place : place + 1])
        await asyncio.sleep(1 / bytes_per_second)
    await response.write_eof()
    return response


def _response(reply: Reply) -> web.Response:
    return web.Response(
        body=reply.body, status=reply.status, headers={"Content-Type": reply.content_type, **reply.headers}
    )
