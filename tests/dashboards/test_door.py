"""The door of a served dashboard, asked as a browser asks it."""

from __future__ import annotations

import asyncio
import time

import pytest
from tornado.httpclient import AsyncHTTPClient
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application, RequestHandler

from lrpwidgets.dashboards import door as doors
from lrpwidgets.dashboards.door import Door


class Inside(RequestHandler):
    def get(self):
        self.finish("inside")

    post = delete = get


def asked(visit, **options):
    """What `visit(get, door)` finds behind a door."""

    async def main():
        socket, port = bind_unused_port()
        door = Door(Application([(r".*", Inside)]), options.pop("token", "word"), port, **options)
        server = HTTPServer(door)
        server.add_socket(socket)
        client = AsyncHTTPClient(force_instance=True)

        async def get(path="/", **given):
            given = {"follow_redirects": False, "raise_error": False, **given}
            return await client.fetch(f"http://127.0.0.1:{port}{path}", **given)

        try:
            return await visit(get, door)
        finally:
            server.stop()
            client.close()

    return asyncio.run(main())


def test_whoever_shows_the_token_comes_in_with_a_cookie():
    async def visit(get, door):
        first = await get("/?item=3&token=word&look=%7B%7D")
        cookie = first.headers["Set-Cookie"].partition(";")[0]
        second = await get("/?item=3", headers={"Cookie": cookie})
        return first, second

    first, second = asked(visit)
    assert (first.code, first.headers["Location"]) == (303, "/?item=3&look=%7B%7D")
    assert {"HttpOnly", "SameSite=Lax"} <= {part.strip() for part in first.headers["Set-Cookie"].split(";")}
    assert (second.code, second.body) == (200, b"inside")


@pytest.mark.parametrize("path", ["/", "/?token=", "/?token=wor", "/?token=words", "/x?token=word", "/api/kernels"])
def test_nobody_else_does(path):
    async def visit(get, door):
        forged = {"Cookie": f"{door.cookie}=word"}
        return [await get(path), await get(path, headers=forged), await get(path, method="DELETE")]

    assert [found.code for found in asked(visit)] == [403, 403, 403]


def test_without_a_token_everybody_does():
    async def visit(get, door):
        return await get("/anything")

    assert asked(visit, token=None).body == b"inside"


@pytest.mark.parametrize("token", ["word", None])
@pytest.mark.parametrize(
    ("host", "code"),
    [
        ("127.0.0.1:1", 0),
        ("localhost", 0),
        ("LOCALHOST:8866", 0),
        ("[::1]:8866", 0),
        ("lab.example.org", 0),
        ("evil.example", 421),
        ("localhost.evil.example", 421),
        ("", 421),
    ],
)
def test_only_names_of_this_server_are_answered(host, code, token):
    async def visit(get, door):
        return await get("/", headers={"Host": host})

    found = asked(visit, token=token, hosts=["lab.example.org"]).code
    assert found == (code or (403 if token else 200))


@pytest.mark.alone
def test_wrong_tokens_are_looked_at_slower_and_slower(monkeypatch):
    monkeypatch.setattr(doors, "PATIENCE", (0.0, 0.05, 0.1))

    async def visit(get, door):
        started = time.perf_counter()
        await asyncio.gather(*(get(f"/?token={number}") for number in range(4)))
        wrong = time.perf_counter() - started
        right = await get("/?token=word")
        started = time.perf_counter()
        await get("/?token=word")
        return wrong, right.code, time.perf_counter() - started

    wrong, right, after = asked(visit)
    assert wrong > 0.25
    assert right == 303
    assert after < 0.05
