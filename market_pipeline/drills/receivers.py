"""Where a drill's alerts arrive: a webhook and a mail server on loopback, which can be down and come back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes
from email.policy import SMTP as MAIL_POLICY
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from market_pipeline.drills.record import Arrival

HOST = "127.0.0.1"
Now = Callable[[], datetime]


@dataclass
class Webhook:
    """Slack's incoming webhook: answers 503 while it is down."""

    now: Now
    address: str = ""
    is_down: bool = False
    refused: int = 0
    arrivals: list[Arrival] = field(default_factory=list)

    def take(self, body: bytes) -> tuple[int, bytes]:
        """Take a payload, or refuse it."""
        if self.is_down:
            self.refused += 1
            return 503, b"service unavailable"
        blocks = json.loads(body)["blocks"]
        texts = [block["text"]["text"] for block in blocks if "text" in block]
        self.arrivals.append(Arrival(self.now(), texts[0], "\n".join(texts[1:])))
        return 200, b"ok"


@contextmanager
def webhook(now: Now) -> Iterator[Webhook]:
    """Serve the webhook while the block lasts."""
    hook = Webhook(now)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            status, text = hook.take(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            """Say nothing on stderr."""

    server = ThreadingHTTPServer((HOST, 0), Handler)
    hook.address = f"http://{HOST}:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, name="drill-webhook", daemon=True)
    thread.start()
    try:
        yield hook
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class MailServer:
    """An SMTP server with one mailbox; while it is stopped its port refuses. It keeps its port."""

    def __init__(self, now: Now) -> None:
        self.arrivals: list[Arrival] = []
        self.port = 0
        self._now = now
        self._loop: asyncio.AbstractEventLoop | None = None
        self._server: asyncio.Server | None = None
        self._thread: Thread | None = None

    async def handle_DATA(self, _: SMTP, __: Session, envelope: Envelope) -> str:  # noqa: N802 aiosmtpd's name
        """Keep a mail."""
        content = envelope.content
        mail = message_from_bytes(content if isinstance(content, bytes) else b"", policy=MAIL_POLICY)
        part = mail.get_body(preferencelist=("plain",))
        subject = " ".join(str(mail["Subject"]).split())  # a folded line begins with a blank
        self.arrivals.append(Arrival(self._now(), subject, part.get_content() if part else ""))
        return "250 taken"

    def start(self) -> None:
        """Begin to listen, on the port it had before if it had one."""
        loop = self._loop = asyncio.new_event_loop()
        listening = loop.create_server(lambda: SMTP(self, loop=loop), HOST, self.port)
        self._server = loop.run_until_complete(listening)
        self.port = self._server.sockets[0].getsockname()[1]
        self._thread = Thread(target=loop.run_forever, name="drill-mail", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Refuse every connection from now on."""
        loop, server, thread = self._loop, self._server, self._thread
        if loop is None or server is None or thread is None:
            return
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        server.close()
        loop.run_until_complete(_cancelled(asyncio.all_tasks(loop)))
        loop.close()
        self._loop = self._server = self._thread = None


async def _cancelled(tasks: set[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@contextmanager
def mail_server(now: Now) -> Iterator[MailServer]:
    """Run the mail server while the block lasts; within it, it may be stopped and started."""
    server = MailServer(now)
    server.start()
    try:
        yield server
    finally:
        server.stop()
