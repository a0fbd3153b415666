"""Who may come in: one door for every request to a served dashboard, whatever it asks for.

A token is asked for unless nobody wants one, as Jupyter does; whoever has shown it gets a cookie. The Host that a
request names must be one of this machine's, so that no foreign page can reach the dashboard by a name that it lets
point here (DNS rebinding).
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl, urlencode

from tornado.httputil import HTTPMessageDelegate, HTTPServerRequest, split_host_and_port
from tornado.routing import Router
from tornado.web import Application, RequestHandler

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
"""Names of this machine, as a browser on it says them."""

PATIENCE = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)
"""Seconds before a token is looked at, by how many wrong ones came since the last right one."""

_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<link rel="icon" href="data:,">
<title>lrpwidgets</title>
<style>
  :root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
  body { display: grid; place-items: center; min-height: 90vh; }
  form { display: grid; gap: 10px; max-width: 30em; padding: 20px; }
  input, button { font: inherit; padding: 6px 10px; }
  p { margin: 0; }
</style>
<form method="post"><strong>lrpwidgets</strong>
<p role="alert">%s</p>
<label for="token">Token</label><input id="token" name="token" type="password" autocomplete="off" autofocus>
<button>Open</button>
<p>It is in the address that the terminal printed, behind “token=”.</p></form></html>
"""


class Door(Router):
    """Lets requests through to the `rooms` that may pass, and answers the others itself.

    Parameters
    ----------
    rooms
        What is behind it.
    token
        The secret word; None lets everybody in who reaches the port.
    port
        Where it listens. Cookies are of a host, not of a port: their name has it.
    hosts
        Further names under which this server is known, such as that of a proxy.
    tls
        Whether it is reached by https.
    """

    def __init__(
        self, rooms: Application, token: str | None, port: int, hosts: Iterable[str] = (), *, tls: bool = False
    ):
        self._rooms, self.token, self.tls = rooms, token, tls
        self._hosts = {host.lower() for host in (*LOOPBACK, *hosts)}
        self.cookie, self.secret = f"lrpwidgets-{port}", secrets.token_urlsafe(32)
        self._wrong = 0
        self._turn = asyncio.Lock()
        self._entrance = Application([(r"/(.*)", _Entrance, {"door": self})])
        self._strangers = Application([(r".*", _Stranger)])

    def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> HTTPMessageDelegate:
        """Who answers `request`."""
        if not self.knows(request):
            found = self._strangers
        elif self.token is not None and not self.admitted(request):
            found = self._entrance
        else:
            found = self._rooms
        return found.find_handler(request, **kwargs)

    def knows(self, request: HTTPServerRequest) -> bool:
        """Whether the request names a host that this server goes by."""
        return split_host_and_port(request.host.lower())[0] in self._hosts

    def admitted(self, request: HTTPServerRequest) -> bool:
        """Whether the request comes from somebody who has shown the token."""
        shown = request.cookies.get(self.cookie)
        return shown is not None and _same(shown.value, self.secret)

    async def accepts(self, token: str) -> bool:
        """Whether that is the token; one is looked at after the other, and slower after wrong ones."""
        async with self._turn:
            await asyncio.sleep(PATIENCE[min(self._wrong, len(PATIENCE) - 1)])
            right = self.token is not None and _same(token, self.token)
            self._wrong = 0 if right else self._wrong + 1
            return right


class _Entrance(RequestHandler):
    """Asks for the token; whoever shows it goes on to where they wanted, with a cookie in place of it."""

    def initialize(self, door: Door) -> None:
        self._door = door

    def set_default_headers(self) -> None:
        self.set_header("Cache-Control", "no-store")
        self.set_header("Referrer-Policy", "no-referrer")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header(
            "Content-Security-Policy",
            "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'",
        )

    async def get(self, path: str) -> None:
        await self._ask(path, self.get_query_argument("token", None))

    async def post(self, path: str) -> None:
        await self._ask(path, self.get_body_argument("token", None))

    async def prepare(self) -> None:
        if self.request.method not in ("GET", "POST"):
            self._refuse("x", "")

    async def _ask(self, path: str, given: str | None) -> None:
        door = self._door
        if path or given is None:
            self._refuse(path, "This dashboard asks for its token.")
            return
        if not await door.accepts(given):
            self._refuse("", "That is not the token of this dashboard.")
            return
        self.set_cookie(door.cookie, door.secret, httponly=True, samesite="Lax", secure=door.tls)
        rest = [pair for pair in parse_qsl(self.request.query, keep_blank_values=True) if pair[0] != "token"]
        self.redirect("/" + (f"?{urlencode(rest)}" if rest else ""), status=303)

    def _refuse(self, path: str, why: str) -> None:
        self.set_status(403)
        if path:
            self.set_header("Content-Type", "text/plain; charset=utf-8")
            self.finish("This needs the token of the dashboard.\n")
        else:
            self.finish(_PAGE % why)


class _Stranger(RequestHandler):
    """Answers whoever calls this server by a name that is not its own."""

    async def prepare(self) -> None:
        self.set_status(421)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(
            "This dashboard is not known by that name. If it is behind a proxy, start it with --allow-host NAME.\n"
        )


def _same(one: str, other: str) -> bool:
    """Whether two secrets are the same, in a time that does not tell where they differ."""
    return hmac.compare_digest(one.encode(), other.encode())
