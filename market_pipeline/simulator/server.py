"""The simulated exchange as one HTTP server on the loopback interface: one path prefix per source.

Beside the sources: GET /_health, GET /_clock, GET /_stats, GET and POST /_faults.
"""

from __future__ import annotations

import asyncio
import errno
import signal
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from market_pipeline.clock import Clock, ShiftedClock
from market_pipeline.errors import UsageError
from market_pipeline.simulator.exchange import Exchange
from market_pipeline.simulator.faults import FaultPlan, parse_plan, plan_as_json
from market_pipeline.simulator.options import HOST, SimulatorOptions
from market_pipeline.simulator.simulation import Simulation, iso
from market_pipeline.simulator.spoil import respond
from market_pipeline.simulator.wire import all_wires
from market_pipeline.simulator.wire.format import Route, Wire

__all__ = ["RunningSimulator", "SimulatorOptions", "running_simulator", "serve"]

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
LARGEST_REQUEST = 1 << 20
READY_SECONDS = 20


def serve(options: SimulatorOptions, *, when_ready: Callable[[str], None] = lambda _: None) -> None:
    """Run until SIGINT or SIGTERM; hand the URL to `when_ready` once it answers.

    Raise UsageError for a wrong recording or plan, and for a port in use.
    """
    simulation = Simulation(options, options.clock())
    asyncio.run(_until_signal(simulation, options.port, when_ready))


async def _until_signal(simulation: Simulation, port: int, when_ready: Callable[[str], None]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    runner, taken = await _start(simulation, port)
    when_ready(f"http://{HOST}:{taken}")
    try:
        await stop.wait()
    finally:
        await runner.cleanup()


@dataclass(frozen=True)
class RunningSimulator:
    """A simulated exchange in a thread of this process."""

    url: str
    simulation: Simulation

    def exchange(self, market: str) -> Exchange:
        """Return the exchange behind a market, to ask it what is true."""
        return self.simulation.exchange(market)

    def set_faults(self, plan: FaultPlan) -> None:
        """Replace the fault plan."""
        self.simulation.faults.replace(plan)

    def requests(self, route: str) -> int:
        """Return how often a route, like /dhan/v2/charts/intraday, was asked for."""
        return self.simulation.counts[route].requests


@contextmanager
def running_simulator(
    options: SimulatorOptions | None = None, *, clock: Clock | None = None
) -> Iterator[RunningSimulator]:
    """Run a simulated exchange in a thread while the block lasts; on any free port unless the options name one.

    A clock of the caller's, such as a HandClock, takes the place of the options' clock.
    """
    options = options or SimulatorOptions(port=0)
    simulation = Simulation(options, clock or options.clock())
    thread = _ServerThread(simulation, options.port)
    thread.start()
    try:
        yield RunningSimulator(thread.wait_for_url(), simulation)
    finally:
        thread.stop()


class _ServerThread(threading.Thread):
    def __init__(self, simulation: Simulation, port: int) -> None:
        super().__init__(name="simulated-exchange", daemon=True)
        self._simulation = simulation
        self._port = port
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._asked_to_stop = asyncio.Event()
        self._url = ""
        self._error: UsageError | None = None

    def run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._ready.set()
            self._loop.run_until_complete(_cancelled(asyncio.all_tasks(self._loop)))
            self._loop.close()

    async def _serve(self) -> None:
        try:
            runner, port = await _start(self._simulation, self._port)
        except UsageError as error:
            self._error = error
            return
        self._url = f"http://{HOST}:{port}"
        self._ready.set()
        await self._asked_to_stop.wait()
        await runner.cleanup()

    def wait_for_url(self) -> str:
        self._ready.wait(READY_SECONDS)
        if self._error is not None:
            raise self._error
        return self._url

    def stop(self) -> None:
        if self.is_alive():
            self._loop.call_soon_threadsafe(self._asked_to_stop.set)
        self.join(READY_SECONDS)


async def _cancelled(tasks: set[asyncio.Task[Any]]) -> None:
    """End the answers that somebody is still made to wait for."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _start(simulation: Simulation, port: int) -> tuple[web.AppRunner, int]:
    runner = web.AppRunner(_application(simulation), access_log=None, shutdown_timeout=0.2, handle_signals=False)
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, port, backlog=1024).start()
    except OSError as error:
        await runner.cleanup()
        reason = "another program uses it" if error.errno == errno.EADDRINUSE else str(error.strerror)
        raise UsageError(
            f"tried to listen on {HOST}:{port}: {reason}; a retry helps only when the port is free; "
            "stop the other program, or choose another port with --port"
        ) from error
    return runner, runner.addresses[0][1]


def _application(simulation: Simulation) -> web.Application:
    app = web.Application(client_max_size=LARGEST_REQUEST)
    for wire in all_wires().values():
        for route in wire.routes:
            app.router.add_route(route.method, f"/{wire.source}{route.path}", _route_handler(simulation, wire, route))
        app.router.add_route("*", f"/{wire.source}/{{tail:.*}}", _unknown_handler(simulation, wire))
    app.router.add_get("/_health", _json_handler(lambda: {"status": "ok"}))
    app.router.add_get("/_clock", _json_handler(lambda: _clock_state(simulation)))
    app.router.add_get("/_stats", _json_handler(simulation.stats))
    app.router.add_get("/_faults", _show_faults(simulation))
    app.router.add_post("/_faults", _replace_faults(simulation))
    return app


def _route_handler(simulation: Simulation, wire: Wire, route: Route) -> Handler:
    name = f"/{wire.source}{route.path}"

    async def handle(request: web.Request) -> web.StreamResponse:
        fields = {
            "path": request.path.removeprefix(f"/{wire.source}"),
            "query": tuple(request.query.items()),
            "headers": {key.lower(): value for key, value in request.headers.items()},
            "body": await request.read() if request.can_read_body else b"",
        }
        call = simulation.call(wire, fields)
        fault = simulation.fault_of(wire, route, call)
        return await respond(
            request,
            fault,
            wire=wire,
            answer=lambda: route.answer(call),
            count=lambda status: simulation.count(name, status),
        )

    return handle


def _unknown_handler(simulation: Simulation, wire: Wire) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        reply = wire.refuse(404, request.method, request.path.removeprefix(f"/{wire.source}"))
        simulation.count(f"/{wire.source}/*", reply.status)
        return web.Response(body=reply.body, status=reply.status, headers={"Content-Type": reply.content_type})

    return handle


def _json_handler(state: Callable[[], object]) -> Handler:
    async def handle(_: web.Request) -> web.StreamResponse:
        return web.json_response(state())

    return handle


def _clock_state(simulation: Simulation) -> dict[str, object]:
    clock = simulation.clock
    speed = clock.speed if isinstance(clock, ShiftedClock) else simulation.options.speed
    return {"now": iso(clock.now()), "speed": speed}


def _show_faults(simulation: Simulation) -> Handler:
    async def handle(_: web.Request) -> web.StreamResponse:
        return web.Response(text=plan_as_json(simulation.faults.plan), content_type="application/json")

    return handle


def _replace_faults(simulation: Simulation) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            plan = parse_plan(await request.text(), origin="posted to /_faults")
        except UsageError as error:
            return web.json_response({"error": str(error)}, status=400)
        simulation.faults.replace(plan)
        return web.Response(text=plan_as_json(plan), content_type="application/json")

    return handle
