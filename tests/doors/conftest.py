"""A cluster with users who have passwords, and every door to it that is there."""

import importlib
import os
import pathlib
import socket
import sys

import pytest

HERE = pathlib.Path(__file__).parent
for folder in (HERE, HERE.parent / "chaos"):
    sys.path.insert(0, str(folder))

import doorslib  # noqa: E402
from chaoslib.cluster import Cluster  # noqa: E402

DOORS = ["sql", "http", "mcp"]

HBA = """
local all all trust
host all all 127.0.0.1/32 scram-sha-256
"""


class PortCluster(Cluster):
    port = None

    def connect(self, autocommit=True, **more):
        return super().connect(autocommit, port=self.port, **more)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    """PostgreSQL with the extension and a key for velo.request, on a port of loopback."""
    prefix = os.environ.get("VELO_PREFIX")
    if not prefix:
        pytest.skip("VELO_PREFIX, an installation with the extension, is not set")
    folder = tmp_path_factory.mktemp("doors")
    made = PortCluster(folder / "cluster", pathlib.Path(prefix) / "bin")
    made.port = free_port()
    made.key_file = folder / "request.key"
    made.key_file.touch(mode=0o600)
    made.key_file.write_bytes(os.urandom(32).hex().encode() + b"\n")
    made.init(
        f"listen_addresses = '127.0.0.1'\nport = {made.port}\n"
        f"password_encryption = 'scram-sha-256'\nvelo.request_key_file = '{made.key_file}'\n"
    )
    (made.data / "pg_hba.conf").write_text(HBA, encoding="ascii")
    try:
        made.start()
        with made.connect() as session:
            session.execute("CREATE EXTENSION velostream")
        doorslib.make_world(made)
        yield made
    finally:
        made.destroy()


@pytest.fixture(scope="session", params=DOORS)
def door(request, cluster, tmp_path_factory):
    """Each test is asked once through each door."""
    module = importlib.import_module(f"doorslib.{request.param}")
    opened = module.open_door(cluster, tmp_path_factory)
    yield opened
    opened.close()
