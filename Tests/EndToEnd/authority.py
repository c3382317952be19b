"""Keys, tokens and certificates made on the fly; they last as long as the test."""

import datetime
import ipaddress
import json
import time
from pathlib import Path

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID


class Issuer:
    """Signs RS256 tokens and publishes its key."""

    def __init__(self, name: str):
        self.name = name
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def jwks(self) -> str:
        key = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self._key.public_key()))
        return json.dumps({"keys": [key | {"kid": "test", "use": "sig", "alg": "RS256"}]})

    def token(self, **claims) -> str:
        claims = {"iss": self.name, "exp": time.time() + 600} | claims
        claims["exp"] = int(claims["exp"])
        return jwt.encode(claims, self._key, "RS256", headers={"kid": "test"})


class CertificateAuthority:
    """A CA that signs one server and any number of clients."""

    def __init__(self, folder: Path):
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test CA")])
        certificate = self._sign("test CA", self._key, [], is_ca=True)
        self.ca_file = str(self._write("ca.pem", certificate.public_bytes(_PEM)))
        self._count = 0

    def server(self) -> tuple[str, str, str]:
        """The server's certificate, its key, and the CA that clients must have, as files."""
        names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        return (*self._pair("server", names), self.ca_file)

    def client(self, uris: list[str]) -> tuple[str, str]:
        """A client's certificate with these URI names, and its key, as files."""
        self._count += 1
        uri_names = [x509.UniformResourceIdentifier(uri) for uri in uris]
        return self._pair(f"client-{self._count}", uri_names)

    def _pair(self, name: str, alternatives: list[x509.GeneralName]) -> tuple[str, str]:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._sign(name, key, alternatives)
        secret = key.private_bytes(
            _PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return (
            str(self._write(f"{name}.pem", certificate.public_bytes(_PEM))),
            str(self._write(f"{name}.key", secret)),
        )

    def _sign(self, name: str, key, alternatives: list, is_ca: bool = False) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(hours=12))
            .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        )
        if is_ca:
            usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
            builder = builder.add_extension(usage, critical=True)
        if alternatives:
            names = x509.SubjectAlternativeName(alternatives)
            builder = builder.add_extension(names, critical=False)
        return builder.sign(self._key, hashes.SHA256())

    def _write(self, name: str, content: bytes) -> Path:
        path = self._folder / name
        path.write_bytes(content)
        path.chmod(0o600)
        return path


_PEM = serialization.Encoding.PEM
