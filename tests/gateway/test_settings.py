"""Settings: where they come from, which wins, and what is said about wrong ones."""

import os
import re
import subprocess

import pytest

import gatewaylib


def run(*flags, **environment):
    return subprocess.run(
        [gatewaylib.program(), *flags], capture_output=True, text=True, timeout=20, check=False,
        env={**os.environ, **environment},
    )  # fmt: skip


def wrong(*flags, **environment):
    process = run(*flags, **environment)
    assert (process.returncode, process.stdout) == (2, "")
    assert process.stderr.startswith("velo-gateway: ")
    return process.stderr


@pytest.mark.parametrize(
    "flag, message",
    [
        ("--nonsense=1", "there is no option --nonsense; --help lists them"),
        ("stray", 'unexpected "stray"; --help lists the options'),
        ("--port", "--port needs a value"),
        ("--port=70000", '--port: port must be from 0 to 65535, not "70000"'),
        ("--port=-1", "port must be from 0 to 65535"),
        ("--port=", "port must be from 0 to 65535"),
        ("--port=80x", "port must be from 0 to 65535"),
        ("--workers=99999999999999999999", "workers must be from 1 to 512"),
        ("--auth=none", 'auth must be one of open, password, not "none"'),
        ("--body-size-max=1TB", "body_size_max must be from 1kB to 256MB, with a unit of B, kB or MB"),
        ("--read-timeout=0", "read_timeout must be from 100ms to 1h, with a unit of ms, s, min, h or d"),
        ("--secure-cookies=maybe", "secure_cookies must be on or off"),
        ("--listen=localhost", "listen must be an IP address"),
        ("--cors-origin=*", "cors_origin must list origins"),
        ("--config=/nonexistent", "cannot read /nonexistent: No such file or directory"),
    ],
)
def test_wrong_flags(flag, message):
    assert message in wrong(flag)


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.0.2.1"])
def test_open_mode_is_for_loopback_only(address):
    assert "loopback address only" in wrong(f"--listen={address}")


def test_wrong_environment():
    assert "VELO_GATEWAY_PORT: port must be" in wrong(VELO_GATEWAY_PORT="x")
    assert "VELO_GATEWAY_PROT: there is no such setting" in wrong(VELO_GATEWAY_PROT="1")


@pytest.mark.parametrize(
    "line, message",
    [
        ("nonsense = 1", 'there is no setting "nonsense"'),
        ("port 80", "expected name = value"),
        ("= 80", "a name is missing before ="),
        ("database = 'x", "the closing quote is missing"),
        ("database = 'x' y", "text behind the closing quote"),
        ("port = eighty", 'port must be from 0 to 65535, not "eighty"'),
    ],
)
def test_wrong_lines(tmp_path, line, message):
    file = tmp_path / "conf"
    file.write_text(f"# a comment\n\n{line}\n")
    error = wrong(f"--config={file}")
    assert f"{file}:3: " in error
    assert message in error


def test_all_faults_of_a_file_are_told(tmp_path):
    file = tmp_path / "conf"
    file.write_text("port = x\nauth = y\n")
    assert wrong(f"--config={file}").count("\n") == 2


def test_flag_wins_over_environment_over_file(start, tmp_path):
    """Seen by the limit of a body."""
    file = tmp_path / "conf"
    file.write_text("body_size_max = 1kB # small\nworkers = 2\nhosts = 'a.example'\n")

    def limit(environment, **flags):
        gateway = start(config=str(file), environment=environment, **flags)
        for size in (1000, 2000, 4000):
            if gateway.post("/api/try/echo", '{"a": "' + "x" * size + '"}').status == 413:
                return size
        return None

    assert limit({}) == 2000
    assert limit({"VELO_GATEWAY_BODY_SIZE_MAX": "3kB"}) == 4000
    assert limit({"VELO_GATEWAY_BODY_SIZE_MAX": "3kB"}, body_size_max="1MB") is None
    assert limit({"VELO_GATEWAY_CONFIG": "/nonexistent"}, body_size_max="1MB") is None


def test_check(database, tmp_path):
    process = run("--check", "--database", gatewaylib.superuser_dsn(database))
    assert (process.returncode, process.stdout) == (0, "velo-gateway: the settings are right and the database answers\n")
    assert run("--check", "--database=host=/nonexistent").returncode == 1
    assert run("--check", "--database", gatewaylib.superuser_dsn("postgres")).returncode == 1
    assert run("--check", "--port=x").returncode == 2


@pytest.mark.parametrize("content, message", [(b"short", "32 to 1024"), (b"x" * 2000, "32 to 1024"), (None, "cannot be read")])
def test_wrong_key_files(tmp_path, content, message):
    file = tmp_path / "key"
    if content:
        file.write_bytes(content)
        file.chmod(0o600)
    process = run("--port=0", f"--request-key-file={file}")
    assert process.returncode == 1
    assert message in process.stderr


def test_a_key_that_others_can_read(tmp_path):
    file = tmp_path / "key"
    file.write_bytes(b"x" * 32)
    file.chmod(0o644)
    assert "chmod 600" in run("--port=0", f"--request-key-file={file}").stderr


def test_help_teaches():
    process = run("--help")
    assert process.returncode == 0
    for word in ("Examples:", "open mode", "--body-size-max=1MB", "VELO_GATEWAY_", "SIGTERM"):
        assert word in process.stdout
    assert max(map(len, process.stdout.splitlines())) <= 100


def test_version():
    assert re.fullmatch(r"velo-gateway \d+\.\d+\.\d+ \(libpq .*\)\n", run("--version").stdout)


def test_documentation_lists_all_settings():
    """docs/gateway/settings.md ends with what --describe-settings prints."""
    page = (gatewaylib.ROOT / "docs/gateway/settings.md").read_text(encoding="utf-8")
    assert page.endswith(run("--describe-settings").stdout)
