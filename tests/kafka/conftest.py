"""Brokers for the tests of Kafka, and PostgreSQL clusters that read from and write to them."""

import os
import pathlib
import shutil
import sys

import pytest

HERE = pathlib.Path(__file__).parent
# Clusters that survive kill -9 are made as the chaos tests make them.
for folder in (HERE, HERE.parent / "chaos"):
    sys.path.insert(0, str(folder))

import kafkalib  # noqa: E402
from chaoslib.cluster import Cluster  # noqa: E402


@pytest.fixture(scope="session")
def _broker():
    with kafkalib.Broker() as broker:
        yield broker


@pytest.fixture
def broker(_broker):
    """One broker for all tests; whole and reachable again after each.  Its topics are
    the tests': take names of your own (the fixture `topic` has one)."""
    yield _broker
    _broker.heal()
    if not _broker.node.is_running():
        _broker.node.start()
    _broker.node.resume()


@pytest.fixture(scope="session")
def _secure():
    with kafkalib.SecureBroker() as broker:
        yield broker


@pytest.fixture
def secure(_secure):
    """One broker with TLS, passwords and access control lists for all tests."""
    return _secure


@pytest.fixture
def brokers():
    """Three brokers of the test's own."""
    with kafkalib.Cluster() as cluster:
        yield cluster


@pytest.fixture
def topic(request):
    """A name that no other test uses."""
    name = "".join(c if c.isalnum() else "_" for c in request.node.name)
    return f"{request.module.__name__.rsplit('.', 1)[-1]}_{name}".lower()[:200]


@pytest.fixture
def new_cluster(tmp_path):
    """Makes PostgreSQL clusters with the extension; more: lines of postgresql.conf."""
    prefix = os.environ.get("VELO_PREFIX")
    if not prefix:
        pytest.skip("VELO_PREFIX, an installation with the extension, is not set")
    clusters = []

    def make(more=""):
        folder = tmp_path / f"cluster{len(clusters)}"
        clusters.append(Cluster(folder, pathlib.Path(prefix) / "bin"))
        clusters[-1].init(more)
        clusters[-1].start()
        with clusters[-1].connect() as session:
            session.execute("CREATE EXTENSION velostream")
        return clusters[-1]

    yield make
    for cluster in clusters:
        cluster.destroy()
        # The log stays for who looks why a test failed.
        shutil.rmtree(cluster.data, ignore_errors=True)


@pytest.fixture
def cluster(new_cluster):
    """A PostgreSQL cluster of the test's own, database postgres: connect(), ask(),
    stop(), kill_postmaster(), start()."""
    return new_cluster()
