"""A cluster with producers and jobs at work, and what tests do with it."""

from chaoslib import jobs, oracle
from chaoslib.cluster import Cluster, wait_for
from chaoslib.producers import SCHEMA, Producers
from chaoslib.series import LIFE, Series


class Scene:
    def __init__(self, folder, bindir, seed, say=print):
        self.folder = folder
        self.say = say
        self.cluster = Cluster(folder / "primary", bindir)
        self.producers = Producers(self.cluster, seed)
        self.clusters = [self.cluster]
        try:
            self.cluster.init()
            self.cluster.start()
            with self.cluster.connect() as session:
                session.execute("CREATE EXTENSION velostream")
                session.execute(SCHEMA)
                jobs.create_all(session)
            self.producers.start()
            self.series = Series(self.cluster, self.producers, seed, say)
            self.series.begin_life()
        except BaseException:
            self.destroy()
            raise

    def state(self):
        """{job: (commits, epoch, position)}"""
        return {name: row for name, *row in self.cluster.ask(LIFE)}

    def wait_busy(self):
        self.series.wait_busy()

    def wait_commits_after(self, state):
        """Until every job has committed since."""

        def done():
            now = self.state()
            return all(now[name][0] > row[0] for name, row in state.items())

        wait_for("all jobs go on", done, 60, 0.1)

    def judge(self):
        """(lost, doubled, faults) when everything has been read."""
        return oracle.judge(self.cluster, self.producers, self.say)

    def assert_exact(self):
        lost, doubled, faults = self.judge()
        assert (lost, doubled, faults) == (0, 0, [])

    def destroy(self):
        self.producers.stopping.set()
        for cluster in self.clusters:
            cluster.destroy()
