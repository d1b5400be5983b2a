"""The page's files."""

import gzip
import os

import pytest

import gatewaylib

INDEX = b"<!doctype html><title>page</title>"
SCRIPT = b"console.log('a script')\n" * 200


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    base = tmp_path_factory.mktemp("page")
    (base / "secret.txt").write_bytes(b"top secret")
    page = base / "dist"
    (page / "assets").mkdir(parents=True)
    (page / "index.html").write_bytes(INDEX)
    (page / "favicon.svg").write_bytes(b"<svg/>")
    (page / ".env").write_bytes(b"top secret")
    script = page / "assets" / "index-B7x_9-Qz.js"
    script.write_bytes(SCRIPT)
    (page / "assets" / "index-B7x_9-Qz.js.gz").write_bytes(gzip.compress(SCRIPT))
    (page / "assets" / "index-B7x_9-Qz.js.br").write_bytes(b"as if by brotli")
    (page / "assets" / "plain.css").write_bytes(b"a {}")
    os.symlink(base / "secret.txt", page / "link.txt")
    os.symlink(base, page / "up")
    return page


@pytest.fixture(scope="module")
def gateway(folder, build, tmp_path_factory):
    """Without a database: the page does not need one."""
    program = gatewaylib.Gateway(tmp_path_factory.mktemp("static"), build, static=str(folder),
                                 database="host=/nonexistent")  # fmt: skip
    yield program
    assert program.stop() == 0


ASSET = "/assets/index-B7x_9-Qz.js"


@pytest.mark.parametrize("path", ["/", "/index.html", "/jobs", "/streams/a%20name/", "/jobs?x=1"])
def test_pages(gateway, path):
    answer = gateway.get(path)
    assert (answer.status, answer.body) == (200, INDEX)
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-cache"
    assert "Content-Security-Policy" in answer.headers


def test_hashed_files_are_for_ever(gateway):
    answer = gateway.get(ASSET)
    assert (answer.status, answer.body) == (200, SCRIPT)
    assert answer.headers["Content-Type"].startswith("text/javascript")
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    for path in ("/assets/plain.css", "/favicon.svg"):
        assert gateway.get(path).headers["Cache-Control"] == "no-cache"


def test_etag(gateway):
    etag = gateway.get("/").headers["ETag"]
    same = gateway.get("/", If_None_Match=f'"x", {etag}')
    assert (same.status, same.body, same.headers["ETag"]) == (304, b"", etag)
    assert gateway.get("/", If_None_Match='"x"').status == 200


def test_a_changed_file_has_another_etag(gateway, folder):
    name = folder / "changing.txt"
    name.write_bytes(b"one")
    etag = gateway.get("/changing.txt").headers["ETag"]
    name.write_bytes(b"two!")
    answer = gateway.get("/changing.txt", If_None_Match=etag)
    assert (answer.status, answer.body) == (200, b"two!")


def test_compressed_files_beside(gateway):
    for accepted, coding in (("gzip, deflate, br", "br"), ("gzip", "gzip"), ("br;q=0, gzip", "gzip")):
        answer = gateway.get(ASSET, Accept_Encoding=accepted)
        assert answer.headers["Content-Encoding"] == coding
        assert answer.headers["Vary"] == "Accept-Encoding"
        assert answer.headers["Content-Type"].startswith("text/javascript")
    assert gzip.decompress(gateway.get(ASSET, Accept_Encoding="gzip").body) == SCRIPT
    etags = {gateway.get(ASSET, Accept_Encoding=a).headers["ETag"] for a in ("br", "gzip", "identity")}
    assert len(etags) == 3


def test_head(gateway):
    answer = gateway.client().ask("HEAD", ASSET)
    assert (answer.status, answer.body) == (200, b"")
    assert int(answer.headers["Content-Length"]) == len(SCRIPT)


@pytest.mark.parametrize("path", ["/assets/none-B7x_9-Qz.js", "/none.png", "/assets/../.env", "/.env",
                                  "/link.txt", "/up/secret.txt", "/up/dist/index.html", "/.git/config.txt",
                                  "/secret.txt", "/index.html/x.txt"])  # fmt: skip
def test_what_is_not_there(gateway, path):
    answer = gateway.get(path)
    assert answer.status in (400, 404)
    assert b"secret" not in answer.body
    assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("path", ["/assets", "/assets/", "/up"])
def test_folders_are_the_page(gateway, path):
    assert gateway.get(path).body == INDEX


def test_only_read(gateway):
    answer = gateway.post("/index.html", {})
    assert answer.status in (404, 405)


def test_the_api_is_no_page(gateway):
    answer = gateway.get("/api/none")
    assert (answer.status, answer.json()["code"]) == (503, "57P03"), "no routes are known yet"
    assert gateway.get("/ready").status == 503
    assert gateway.get("/health").status == 200
