"""What all doors have in common."""

import abc

import pytest


class Refused(Exception):
    """The door said no."""

    def __init__(self, sqlstate, message):
        super().__init__(f"{sqlstate}: {message}")
        self.sqlstate = sqlstate
        self.message = message


class Door(abc.ABC):
    """A way to call functions of schema velo as a role that logs in with its password."""

    name = None  # as velo.request calls it

    @abc.abstractmethod
    def call(self, role, function, **arguments):
        """What velo.FUNCTION answers to the role: a value as JSON has it, rows as a list of
        dictionaries.  Raises Refused."""

    def close(self):
        """Lets go of what it holds."""

    # What the matrix asks, in one place.
    def streams(self, role):
        return {row["name"] for row in self.call(role, "stream_list")}

    def relations(self, role):
        return {row["name"] for row in self.call(role, "schema")["relations"]}

    def jobs(self, role):
        return {row["name"] for row in self.call(role, "job_list")}

    def tools(self, role):
        """Names of tools; a door that has none is not asked."""
        pytest.skip("no tools here")

    def operations(self, role):
        """Names of the functions that the description of the HTTP interface has."""
        paths = self.call(role, "openapi")["paths"].values()
        return {operation["operationId"] for path in paths for operation in path.values()}
