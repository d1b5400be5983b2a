"""Keys and certificates of a test's own, as PEM files in one folder.

ca.crt                      who signs
server.pem                  key and certificate of the broker, for 127.0.0.1 and localhost
client.crt, client.key      a client, CN=client; client-locked.key is the same key under PASSWORD
expired.crt, expired.key    one whose time is over, CN=client too
other_ca.crt                an authority that the broker does not know
stranger.crt, stranger.key  a client that it signed
"""

import os
import pathlib
import subprocess

PASSWORD = "key-secret"

CA_SETTINGS = """
[ca]
default_ca = it
[it]
database = {folder}/index
new_certs_dir = {folder}
rand_serial = yes
default_md = sha256
policy = any
[any]
commonName = supplied
"""


def _openssl(*arguments):
    # The key's password goes by the environment, as anybody's should.
    subprocess.run(
        ["openssl", *map(str, arguments)],
        check=True,
        capture_output=True,
        env={**os.environ, "KEY_PASSWORD": PASSWORD},
    )


class Certificates:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        for name in ("ca", "other_ca"):
            self._authority(name)
        self._signed("server", "ca", "subjectAltName=IP:127.0.0.1,DNS:localhost")
        self._signed("client", "ca")
        self._signed("stranger", "other_ca")
        self._expired("expired", "client", "ca")
        parts = [self.path("server.key").read_text(), self.path("server.crt").read_text()]
        self.path("server.pem").write_text("".join(parts), encoding="ascii")
        _openssl(
            "pkcs8", "-topk8", "-in", self.path("client.key"), "-passout", "env:KEY_PASSWORD",
            "-out", self.path("client-locked.key"),
        )  # fmt: skip

    def path(self, name):
        return self.folder / name

    def _key(self, name):
        _openssl(
            "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-out", self.path(f"{name}.key"),
        )  # fmt: skip

    def _authority(self, name):
        self._key(name)
        _openssl(
            "req", "-x509", "-new", "-key", self.path(f"{name}.key"), "-subj", f"/CN=test {name}",
            "-days", 30, "-out", self.path(f"{name}.crt"),
        )  # fmt: skip

    def _request(self, name, subject):
        self._key(name)
        _openssl(
            "req", "-new", "-key", self.path(f"{name}.key"), "-subj", f"/CN={subject}",
            "-out", self.path(f"{name}.csr"),
        )  # fmt: skip

    def _signed(self, name, authority, extension="extendedKeyUsage=clientAuth"):
        self._request(name, name)
        self.path(f"{name}.ext").write_text(extension + "\n", encoding="ascii")
        _openssl(
            "x509", "-req", "-in", self.path(f"{name}.csr"), "-days", 30, "-CAcreateserial",
            "-CA", self.path(f"{authority}.crt"), "-CAkey", self.path(f"{authority}.key"),
            "-extfile", self.path(f"{name}.ext"), "-out", self.path(f"{name}.crt"),
        )  # fmt: skip

    def _expired(self, name, subject, authority):
        # Only `openssl ca` sets both dates in every version that Debian has.
        self._request(name, subject)
        self.path("index").write_text("", encoding="ascii")
        settings = self.path("ca.cnf")
        settings.write_text(CA_SETTINGS.format(folder=self.folder), encoding="utf-8")
        _openssl(
            "ca", "-batch", "-notext", "-config", settings, "-in", self.path(f"{name}.csr"),
            "-cert", self.path(f"{authority}.crt"), "-keyfile", self.path(f"{authority}.key"),
            "-startdate", "20200101000000Z", "-enddate", "20200201000000Z",
            "-out", self.path(f"{name}.crt"),
        )  # fmt: skip
