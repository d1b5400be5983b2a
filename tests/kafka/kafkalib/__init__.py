"""Real Kafka brokers for tests, and clients that share no code with the extension."""

from kafkalib.broker import Broker, Cluster
from kafkalib.client import Out, Producer, Record
from kafkalib.proxy import CutProxy
from kafkalib.secure import SecureBroker

__all__ = ["Broker", "Cluster", "CutProxy", "Out", "Producer", "Record", "SecureBroker"]
