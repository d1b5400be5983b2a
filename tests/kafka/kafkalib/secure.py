"""A broker that wants to know who comes: TLS, passwords, access control lists."""

import pathlib
import shutil
import tempfile

from confluent_kafka import KafkaException
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from kafkalib.broker import COMMON, new_id, replicated
from kafkalib.certificates import Certificates
from kafkalib.client import Client, Producer
from kafkalib.node import Node
from kafkalib.wait import free_port, wait_for

ADMIN = "admin"
SCRAM = {
    "SCRAM-SHA-256": ScramMechanism.SCRAM_SHA_256,
    "SCRAM-SHA-512": ScramMechanism.SCRAM_SHA_512,
}
SCRAM_MODULE = "org.apache.kafka.common.security.scram.ScramLoginModule"
PLAIN_MODULE = "org.apache.kafka.common.security.plain.PlainLoginModule"


class SecureBroker(Client):
    """Listeners, all on 127.0.0.1:

    sasl_ssl        SASL_SSL: SCRAM-SHA-256, SCRAM-SHA-512, PLAIN
    ssl             SSL, a client's certificate is required
    sasl            SASL_PLAINTEXT, the same mechanisms; the broker's own way, too

    Users by SCRAM: admin, who may do everything, and those of add_user(); by PLAIN:
    those of plain_users, {name: password}.  Nobody may do anything that allow() does
    not allow.  A client with a certificate is the user CN=client.
    """

    replication = 1

    def __init__(self, plain_users=None, settings=None):
        super().__init__()
        self.passwords = {ADMIN: "admin-secret", **(plain_users or {"bob": "bob-secret"})}
        self.plain_users = [name for name in self.passwords if name != ADMIN]
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="velo-kafka-"))
        self.certificates = Certificates(self.folder / "tls")
        self.ports = {name: free_port() for name in ("sasl_ssl", "ssl", "sasl", "controller")}
        self.sasl_ssl, self.ssl, self.sasl = (
            f"127.0.0.1:{self.ports[name]}" for name in ("sasl_ssl", "ssl", "sasl")
        )
        self.node = Node(self.folder / "1", {**self._settings(), **(settings or {})})

    def _settings(self):
        controller = f"127.0.0.1:{self.ports['controller']}"
        clients = f"SASL_SSL://{self.sasl_ssl},SSL://{self.ssl},SASL_PLAINTEXT://{self.sasl}"
        return {
            **COMMON,
            **replicated(1),
            "node.id": 1,
            "controller.quorum.voters": f"1@{controller}",
            "listeners": f"{clients},CONTROLLER://{controller}",
            "advertised.listeners": clients,
            "listener.security.protocol.map": "SASL_SSL:SASL_SSL,SSL:SSL,"
            "SASL_PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT",
            "inter.broker.listener.name": "SASL_PLAINTEXT",
            "sasl.enabled.mechanisms": "SCRAM-SHA-512,SCRAM-SHA-256,PLAIN",
            "sasl.mechanism.inter.broker.protocol": "SCRAM-SHA-512",
            **self._log_in("sasl_plaintext"),
            **self._log_in("sasl_ssl"),
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": self.certificates.path("server.pem"),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": self.certificates.path("ca.crt"),
            "ssl.client.auth": "none",
            "listener.name.ssl.ssl.client.auth": "required",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            # The controller's listener, which only the broker itself talks to, has no log-in.
            "super.users": f"User:{ADMIN};User:ANONYMOUS",
            "allow.everyone.if.no.acl.found": "false",
        }

    def _log_in(self, listener):
        own = f'username="{ADMIN}" password="{self.passwords[ADMIN]}"'
        plain = " ".join(f'user_{name}="{self.passwords[name]}"' for name in self.plain_users)
        prefix = f"listener.name.{listener}"
        return {
            f"{prefix}.scram-sha-512.sasl.jaas.config": f"{SCRAM_MODULE} required {own};",
            f"{prefix}.scram-sha-256.sasl.jaas.config": f"{SCRAM_MODULE} required;",
            f"{prefix}.plain.sasl.jaas.config": f"{PLAIN_MODULE} required {plain};",
        }

    # --- life ----------------------------------------------------------------------

    def start(self):
        self.node.format(
            new_id(),
            "--add-scram",
            f"SCRAM-SHA-512=[name={ADMIN},password={self.passwords[ADMIN]}]",
        )
        self.node.start()
        return self

    def close(self):
        self.close_clients()
        self.node.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *_):
        self.close()

    # --- ways in, in librdkafka's words ------------------------------------------------

    def client_settings(self):
        return self.as_user(ADMIN, "SCRAM-SHA-512", tls=False)

    def java_settings(self):
        own = f'username="{ADMIN}" password="{self.passwords[ADMIN]}"'
        return {
            "bootstrap.servers": self.sasl,
            "security.protocol": "SASL_PLAINTEXT",
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.jaas.config": f"{SCRAM_MODULE} required {own};",
        }

    def as_user(self, name, mechanism, password=None, tls=True):
        """By a password, the right one if none is given."""
        settings = {
            "bootstrap.servers": self.sasl_ssl if tls else self.sasl,
            "security.protocol": "sasl_ssl" if tls else "sasl_plaintext",
            "sasl.mechanism": mechanism,
            "sasl.username": name,
            "sasl.password": self.passwords[name] if password is None else password,
        }
        if tls:
            settings["ssl.ca.location"] = str(self.certificates.path("ca.crt"))
        return settings

    def as_certificate(self, name="client", authority="ca"):
        """By a client's certificate: client, expired, stranger; None: without."""
        settings = {
            "bootstrap.servers": self.ssl,
            "security.protocol": "ssl",
            "ssl.ca.location": str(self.certificates.path(f"{authority}.crt")),
        }
        if name is not None:
            settings["ssl.certificate.location"] = str(self.certificates.path(f"{name}.crt"))
            settings["ssl.key.location"] = str(self.certificates.path(f"{name}.key"))
        return settings

    def producer_as(self, settings, transactional_id=None):
        return Producer(settings, transactional_id)

    # --- users and rights --------------------------------------------------------------

    def add_user(self, name, password, mechanisms=tuple(SCRAM)):
        """By SCRAM; also changes the password of one who exists."""
        self.passwords[name] = password
        for mechanism in mechanisms:
            info = ScramCredentialInfo(SCRAM[mechanism], 4096)
            change = UserScramCredentialUpsertion(name, info, password.encode())
            self.admin.alter_user_scram_credentials([change])[name].result()

    def allow(self, user, operation="ALL", *, topic=None, transactional_id=None, group=None):
        """Operations: ALL, READ, WRITE, DESCRIBE, CREATE, … on one thing; a name that ends
        in * stands for all that begin so.  For the cluster if no thing is named."""
        binding = self._binding(AclBinding, user, operation, topic, transactional_id, group)
        self.admin.create_acls([binding])[binding].result()
        # The broker answers before its own listeners know.
        wait_for("the right is known", lambda: self._has(binding))

    def forbid(self, user, operation="ALL", *, topic=None, transactional_id=None, group=None):
        """Takes back what allow() gave."""
        asked = self._binding(AclBindingFilter, user, operation, topic, transactional_id, group)
        self.admin.delete_acls([asked])[asked].result()

    def _has(self, binding):
        asked = AclBindingFilter(
            binding.restype, binding.name, binding.resource_pattern_type, binding.principal,
            binding.host, binding.operation, binding.permission_type,
        )  # fmt: skip
        try:
            return self.admin.describe_acls(asked).result()
        except KafkaException:
            return False

    @staticmethod
    def _binding(kind, user, operation, topic, transactional_id, group):
        restype, name = ResourceType.BROKER, "kafka-cluster"
        if topic is not None:
            restype, name = ResourceType.TOPIC, topic
        elif transactional_id is not None:
            restype, name = ResourceType.TRANSACTIONAL_ID, transactional_id
        elif group is not None:
            restype, name = ResourceType.GROUP, group
        pattern = ResourcePatternType.LITERAL
        if name.endswith("*") and len(name) > 1:
            pattern, name = ResourcePatternType.PREFIXED, name[:-1]
        return kind(
            restype, name, pattern, f"User:{user}", "*",
            AclOperation[operation], AclPermissionType.ALLOW,
        )  # fmt: skip
