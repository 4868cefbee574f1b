"""The only way to a source: budget, breaker, retries, time-outs, body checks, payload keeping.

Sources name their true addresses; in the simulated feed each request goes to the simulated exchange instead, and no
other host can be reached. Errors are ours only, and hold no query, no header value and no library's text.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeGuard
from urllib.parse import urlsplit

import requests
import urllib3
from tenacity import RetryCallState, Retrying, retry_if_exception

from market_pipeline.clock import Clock
from market_pipeline.errors import (
    Blocked,
    BreakerOpen,
    BudgetExhausted,
    ConfigurationError,
    MarketPipelineError,
    PayloadError,
    ProxyFailed,
    RateLimited,
    SourceTimeout,
    SourceUnreachable,
    Transient,
    Unauthorised,
)
from market_pipeline.markets.schema import SourceRule
from market_pipeline.settings import Settings
from market_pipeline.sources.source import Answer, Request
from market_pipeline.sources.transport.answer_checks import RETRIED_STATUSES, body_error, described, status_error
from market_pipeline.sources.transport.breaker import Breaker, BreakerRule
from market_pipeline.sources.transport.budget import Budgets
from market_pipeline.sources.transport.http_session import Deadline, Sender, keeping, open_session, sent_url
from market_pipeline.sources.transport.patience import Patience
from market_pipeline.sources.transport.proxies import Proxy, proxy_pool
from market_pipeline.sources.transport.shared_state import SharedState

READ_BYTES = 65_536
SOURCE_TROUBLE = (SourceUnreachable, SourceTimeout, RateLimited, Blocked, Unauthorised)
"""Errors that speak against the source as a whole and count for its breaker."""


@dataclass(slots=True)
class _Call:
    """One request on its way through the retries; its deadline starts when its first turn comes."""

    request: Request
    url: str
    deadline: Deadline
    breaker: Breaker
    tries: int
    attempts: int = 0

    @property
    def host(self) -> str:
        """Return the true host, also where the request goes to the simulated exchange."""
        return urlsplit(self.request.url).netloc


class HttpTransport:
    """Implements Transport for one source of one market. Safe to share among threads."""

    def __init__(
        self,
        rule: SourceRule,
        *,
        settings: Settings,
        clock: Clock,
        keep: Callable[[bytes], str],
        patience: Patience | None = None,
        session: str = "",
    ) -> None:
        """`keep` stores a body and returns its SHA-256; every 2xx body is kept, also one that fails the checks.

        `session` is who asks, for the choice among proxies: the same one keeps to the same proxy.
        """
        self._rule, self._settings, self._clock, self._keep = rule, settings, clock, keep
        self._patience = patience or Patience()
        self._created = clock.monotonic()
        self._folder = settings.feed_folder / "limits"
        self._plain = Sender(open_session(settings))
        self._browser = Sender(open_session(settings, as_browser=True))
        self._breakers: dict[tuple[str, str], Breaker] = {}
        self._proxies = proxy_pool(rule.name, session, settings=settings, clock=clock)
        self._budgets = Budgets(rule, self._folder, clock, self._patience.sleep)
        self._retrying = self._make_retrying()

    def close(self) -> None:
        """Release the pooled connections."""
        self._plain.close()
        self._browser.close()

    def send(self, request: Request) -> Answer:
        """Return the checked answer.

        Raise Transient and Permanent errors of errors.py, never a library's; `attempts` and `http_status` are set.
        """
        self._cycle_left(request)  # before the breaker: a probe that is granted has to be sent
        breaker = self._breaker(request)
        tries = 1 if breaker.ask() else self._patience.tries
        url = sent_url(request.url, request.source, self._settings)
        call = _Call(request, url, self._deadline(request), breaker, tries)
        try:
            answer = self._retrying(self._attempt, call)
        except MarketPipelineError as error:
            error.attempts = call.attempts
            if _is_source_trouble(error):
                breaker.failed(error)
            elif error.http_status is not None:
                breaker.succeeded()
            raise
        breaker.succeeded()
        return answer

    def _deadline(self, request: Request) -> Deadline:
        """Return when the call must be over: after its own seconds, and never after its cycle."""
        at = self._clock.monotonic() + (request.total_seconds or self._patience.total_seconds)
        ends = self._patience.cycle_ends(request.kind, made=self._created)
        return Deadline(self._clock, at if ends is None else min(at, ends))

    def _cycle_left(self, request: Request) -> float | None:
        """Return the seconds that the cycle leaves; None in work without one. Raise BudgetExhausted for too few."""
        ends = self._patience.cycle_ends(request.kind, made=self._created)
        if ends is None:
            return None
        left = ends - self._clock.monotonic()
        if left < self._patience.least_call_seconds:
            error = BudgetExhausted(
                f"did not ask {described(request)}: its cycle's time is used up ({max(left, 0):.1f} s are left); the "
                "next cycle goes on; deadline_seconds and cycle_deadline_seconds in the market file set it"
            )
            error.attempts = 0
            raise error
        return left

    def _breaker(self, request: Request) -> Breaker:
        key = request.source, request.service or urlsplit(request.url).netloc
        if key not in self._breakers:
            source, host = key
            minutes = float(self._rule.options.get("refusal_minutes", 0))
            state = SharedState(self._folder / f"breaker_{source}_{host.replace(':', '_')}.json")
            rule = BreakerRule(refusal_seconds=60 * minutes)
            self._breakers[key] = Breaker(f"{source} at {host}", rule, state, self._clock)
        return self._breakers[key]

    def _attempt(self, call: _Call) -> Answer:
        if call.attempts and call.breaker.ask():
            call.tries = call.attempts + 1
        proxy = self._proxies.choose()
        self._wait_for_turn(call)
        call.attempts += 1
        started = self._clock.monotonic()
        try:
            with keeping(call.deadline), self._ask(call, proxy) as response:
                body = self._read(call.request, response)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            # the library's text holds the URL with its query
            raise self._proxies.blamed(proxy, error) or _unreachable(call.request, error) from None
        self._proxies.passed(proxy, response.status_code)
        return self._checked(call, response, body, latency_ms=1000 * (self._clock.monotonic() - started))

    def _wait_for_turn(self, call: _Call) -> None:
        """Wait for the budget: a first try until the cycle ends, a retry until the call's own deadline."""
        request, is_limited = call.request, self._settings.budgets
        if call.attempts:
            if is_limited:
                self._budgets.acquire(request.kind, call.deadline.remaining(), host=call.host)
            return
        left = self._cycle_left(request)
        if is_limited:
            longest = self._patience.budget_seconds if left is None else left - self._patience.least_call_seconds
            self._budgets.acquire(request.kind, longest, host=call.host)
        call.deadline = self._deadline(request)

    def _ask(self, call: _Call, proxy: Proxy | None) -> requests.Response:
        request, left = call.request, max(call.deadline.remaining(), 0.001)
        sender = self._browser if request.as_browser else self._plain
        timeout = (min(self._patience.connect_seconds, left), min(self._patience.read_seconds, left))
        return sender.send(request, call.url, proxy=proxy, timeout=timeout)

    def _read(self, request: Request, response: requests.Response) -> bytes:
        announced = response.headers.get("Content-Length", "")
        if announced.isdigit() and int(announced) > request.max_bytes:
            raise _too_large(request)
        parts, size = [], 0
        while part := response.raw.read(READ_BYTES, decode_content=True):
            size += len(part)
            if size > request.max_bytes:
                raise _too_large(request)
            parts.append(part)
        return b"".join(parts)

    def _checked(self, call: _Call, response: requests.Response, body: bytes, *, latency_ms: float) -> Answer:
        request, status, now = call.request, response.status_code, self._clock.now()
        content_type = response.headers.get("Content-Type", "")
        is_good = 200 <= status < 300
        sha = self._keep(body) if is_good else ""
        error = self._explained(request, response, body)
        if error is None and is_good:
            error = body_error(request, body, content_type)
        if error is not None:
            error.http_status = status
            if self._settings.budgets:
                self._budgets.refused(request.kind, error, host=call.host)
            raise error
        cookies = tuple(response.raw.headers.getlist("Set-Cookie"))
        return Answer(body, status, content_type, now, sha, call.attempts, latency_ms, response.headers, cookies)

    def _explained(self, request: Request, response: requests.Response, body: bytes) -> MarketPipelineError | None:
        """Return what the answer's status means: in the source's own words, if it has any, with its Retry-After."""
        status = response.status_code
        if status in request.accepts:
            return None
        general = status_error(request, status, body, headers=response.headers, now=self._clock.now())
        own = request.refusal(status, body) if request.refusal else None
        if isinstance(own, Transient) and isinstance(general, Transient) and own.retry_after_seconds is None:
            own.retry_after_seconds = general.retry_after_seconds
        return own or general

    def _make_retrying(self) -> Retrying:
        patience = self._patience
        return Retrying(
            retry=retry_if_exception(self._is_worth_a_retry),
            stop=self._is_over,
            wait=self._pause,
            sleep=patience.sleep,
            reraise=True,
        )

    def _is_worth_a_retry(self, error: BaseException) -> bool:
        if not isinstance(error, Transient) or isinstance(error, BudgetExhausted | BreakerOpen) or not error.attempts:
            return False
        status, wait = error.http_status, error.retry_after_seconds or 0
        may_change = status is None or 200 <= status < 300 or status in RETRIED_STATUSES
        return may_change and wait <= self._patience.retry_after_limit_seconds

    def _pause(self, state: RetryCallState) -> float:
        """Return what the source asks for, else full jitter: U(0, min(30, 0.5 * 2^n)) before retry n, from 0."""
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, Transient) and error.retry_after_seconds is not None:
            return error.retry_after_seconds
        patience = self._patience
        ceiling = patience.retry_base_seconds * 2 ** (state.attempt_number - 1)
        return patience.jitter.uniform(0, min(patience.retry_max_seconds, ceiling))

    def _is_over(self, state: RetryCallState) -> bool:
        """Tell whether to give up: tried often enough, no time left, or the breaker opened meanwhile."""
        call: _Call = state.args[0]
        if call.attempts >= call.tries or state.upcoming_sleep >= call.deadline.remaining():
            return True
        error = state.outcome.exception() if state.outcome else None
        return _is_source_trouble(error) and call.breaker.stumbled(error)


def _is_source_trouble(error: BaseException | None) -> TypeGuard[MarketPipelineError]:
    return isinstance(error, SOURCE_TROUBLE) and not isinstance(error, ProxyFailed)


def _too_large(request: Request) -> PayloadError:
    return PayloadError(
        f"asked {described(request)} and saw more than {request.max_bytes / 1e6:g} MB: a retry does not help; "
        "look at what the source sends, and raise the request's max_bytes if it is right"
    )


def _unreachable(request: Request, error: Exception) -> MarketPipelineError:
    """Return our error for a library's, without its text."""
    tried = f"asked {described(request)} and got {type(error).__name__}"
    match error:
        case requests.exceptions.InvalidSchema():
            return ConfigurationError(
                f"{tried}: this feed does not reach that address (live: https only; simulated: the simulated exchange "
                "only); a retry does not help; correct the source's address or MARKET_PIPELINE_SIMULATOR_URL"
            )
        case requests.exceptions.SSLError():
            return SourceUnreachable(
                f"{tried}: a retry may help if the handshake was dropped; if the certificate's chain is incomplete, "
                "put the missing one into the file that MARKET_PIPELINE_CA_BUNDLE names"
            )
        case requests.exceptions.Timeout() | urllib3.exceptions.TimeoutError() | TimeoutError():
            return SourceTimeout(f"{tried}: a retry may help; if it lasts, the source is overloaded or blocks silently")
        case requests.exceptions.ContentDecodingError() | urllib3.exceptions.DecodeError():
            return PayloadError(f"{tried}: its compression is broken; a retry does not help; report it to the source")
    return SourceUnreachable(f"{tried}: a retry may help; if it lasts, check the network and the source's address")
