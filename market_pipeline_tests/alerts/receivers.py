"""Real receivers on loopback: Slack's two ways in, with Slack's limits, and a mail server."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


@dataclass
class Slack:
    """What arrived, and how to answer: `answer` is (status, body), None takes every message that keeps the limits."""

    address: str = ""
    payloads: list[dict[str, Any]] = field(default_factory=list)
    tokens: list[str | None] = field(default_factory=list)
    answer: tuple[int, str] | None = None

    def take(self, payload: dict[str, Any]) -> tuple[int, str]:
        """Judge a payload as Slack's documentation says, and keep it when it is good."""
        if self.answer is not None:
            return self.answer
        if not _keeps_the_limits(payload):
            return 400, "invalid_payload"
        self.payloads.append(payload)
        return 200, "ok"


def _keeps_the_limits(payload: dict[str, Any]) -> bool:
    texts = [(block["type"], block["text"]["text"]) for block in payload["blocks"]]
    return (
        0 < len(payload["text"]) < 40_000
        and len(texts) <= 50
        and all(0 < len(text) <= (150 if kind == "header" else 3000) for kind, text in texts)
    )


@contextmanager
def slack_receiver(context: ssl.SSLContext | None = None, *, again: Slack | None = None) -> Iterator[Slack]:
    """Serve a webhook at `address` + /services/… and the Web API at `address` + /api/. `again`: that one is back."""
    slack = again or Slack()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            is_api = self.path.startswith("/api/")
            slack.tokens.append(self.headers.get("Authorization"))
            payload = json.loads(body) if body.startswith("{") else {k: v[0] for k, v in parse_qs(body).items()}
            if isinstance(payload["blocks"], str):
                payload["blocks"] = json.loads(payload["blocks"])
            status, text = slack.take(payload)
            if is_api and not text.startswith(("{", "<")):
                text = json.dumps({"ok": True} if text == "ok" else {"ok": False, "error": text})
            self.send_response(status)
            self.send_header("Content-Type", "application/json" if text.startswith("{") else "text/html")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """A client that does not trust us hangs up; that is the test."""

    server = Server(("127.0.0.1", urlsplit(slack.address).port or 0), Handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    slack.address = f"{'https' if context else 'http'}://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield slack
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class Mailbox:
    """What arrived. `data_reply` answers a message's content; anything but 250 refuses it."""

    port: int = 0
    envelopes: list[Envelope] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    was_tls: list[bool] = field(default_factory=list)
    data_reply: str = "250 taken"
    refuses: str = "nobody"
    rcpt_reply: str = "550 no such mailbox"
    mail_reply: str = "250 OK"
    hangs_up_at_quit: bool = False

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _: SMTP, __: Session, envelope: Envelope, address: str, *___: object
    ) -> str:
        """Take every recipient but one."""
        if address == self.refuses:
            return self.rcpt_reply
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, _: SMTP, __: Session, envelope: Envelope, address: str, *___: object
    ) -> str:
        """Take the sender, or do not."""
        envelope.mail_from = address
        return self.mail_reply

    async def handle_QUIT(self, server: SMTP, _: Session, __: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        """Say goodbye, or do not."""
        if self.hangs_up_at_quit:
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        return "221 Bye"

    async def handle_DATA(self, _: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        """Keep a message."""
        if self.data_reply.startswith("250"):
            self.envelopes.append(envelope)
            self.was_tls.append(session.ssl is not None)
        return self.data_reply


@contextmanager
def mail_server(
    *,
    tls: str = "none",
    context: ssl.SSLContext | None = None,
    login: bool = False,
    host: str = "127.0.0.1",
    again: Mailbox | None = None,
) -> Iterator[Mailbox]:
    """Serve SMTP; `tls` is none, starttls or from_start.

    With `login`, only alert@example.org with s3cret-word may send. `again`: the server that had this mailbox is back.
    """
    box = again or Mailbox()

    def authenticate(*arguments: object) -> AuthResult:
        auth = arguments[-1]
        assert isinstance(auth, LoginPassword)
        is_right = (auth.login, auth.password) == (b"alert@example.org", b"s3cret-word")
        if is_right:
            box.logins.append(auth.login.decode())
        # handled=False lets the server word the refusal
        return AuthResult(success=is_right, handled=False)

    options: dict[str, Any] = {"authenticator": authenticate, "auth_required": login, "auth_require_tls": False}
    if tls == "starttls":
        options |= {"tls_context": context, "require_starttls": True, "auth_require_tls": True}
    loop = asyncio.new_event_loop()
    from_start = context if tls == "from_start" else None
    listening = loop.create_server(lambda: SMTP(box, loop=loop, **options), host, box.port, ssl=from_start)
    server = loop.run_until_complete(listening)
    box.port = server.sockets[0].getsockname()[1]
    thread = Thread(target=loop.run_forever)
    thread.start()
    try:
        yield box
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        server.close()
        loop.run_until_complete(_end(asyncio.all_tasks(loop)))
        loop.close()


async def _end(tasks: set[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@dataclass
class Pulse:
    """A watcher of heartbeats: which paths were asked, and what it answers."""

    address: str = ""
    asked: list[str] = field(default_factory=list)
    status: int = 200


@contextmanager
def pulse_receiver() -> Iterator[Pulse]:
    """Serve any path at `address`."""
    pulse = Pulse()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            pulse.asked.append(self.path)
            self.send_response(pulse.status)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"OK")

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    pulse.address = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield pulse
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
