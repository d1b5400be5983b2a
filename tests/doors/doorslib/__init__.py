"""Roles, what they own, and the doors through which they come."""

from doorslib.door import Refused
from doorslib.world import PASSWORDS, make_world

__all__ = ["PASSWORDS", "Refused", "make_world"]
