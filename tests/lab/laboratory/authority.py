"""The company's certificate authority: an offline root and an issuing CA, made when the domain is provisioned (images/dc.sh).

No machine that runs holds a key of theirs: both lie in the instance's folder, for root only.
"""

import os
import secrets
import shutil
import tempfile
from pathlib import Path

from .errors import LabError, run

LEAF = """basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=serverAuth
subjectAltName={names}
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid
"""


def take(made: Path, state: Path) -> None:
    """Take it from where it was made. The keys go, the certificates stay there, too."""
    for name in ("company-root", "company-issuing"):
        _replace(state / f"{name}.crt", (made / f"{name}.crt").read_bytes(), 0o644)
        key = made / f"{name}.key"
        # Not there any more when a machine that was killed is started again.
        if key.exists():
            _replace(state / f"{name}.key", key.read_bytes(), 0o600)
            key.unlink()
    # What the company hands out for others to trust.
    shutil.copyfile(state / "company-root.crt", state / "company-ca.crt")
    (state / "company-ca.crt").chmod(0o644)


def issue(state: Path, name: str, *further: str, days: int = 397) -> tuple[bytes, bytes]:
    """A server's certificate with that of the issuing CA, and its key (P-256, PKCS#8), as PEM; negative days: expired."""
    issuer, issuer_key = state / "company-issuing.crt", state / "company-issuing.key"
    if not issuer_key.exists():
        raise LabError(
            f"{issuer_key} is missing: dc1 was started by an older laboratory. Make it anew with `lab reset dc1`."
        )
    with tempfile.TemporaryDirectory(dir=state) as folder:
        key, request, extensions, certificate = (Path(folder, file) for file in ("key", "csr", "ext", "crt"))
        extensions.write_text(LEAF.format(names=_names(name, *further)))
        run(
            *("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
            *("-subj", f"/CN={name}", "-keyout", str(key), "-out", str(request)),
        )
        run(
            *("openssl", "x509", "-req", "-in", str(request), "-CA", str(issuer), "-CAkey", str(issuer_key), "-sha256"),
            *("-set_serial", str(secrets.randbits(127) + 1), "-days", str(days), "-extfile", str(extensions)),
            *("-out", str(certificate)),
        )
        return certificate.read_bytes() + issuer.read_bytes(), key.read_bytes()


def self_signed(state: Path, issuer: str, *names: str) -> tuple[bytes, bytes]:
    """A certificate that nobody trusts, and its key, as PEM."""
    with tempfile.TemporaryDirectory(dir=state) as folder:
        key, certificate = Path(folder, "key"), Path(folder, "crt")
        run(
            *(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-days",
                "30",
            ),
            *("-subj", f"/CN={issuer}", "-addext", f"subjectAltName={_names(*names)}"),
            *("-keyout", str(key), "-out", str(certificate)),
        )
        return certificate.read_bytes(), key.read_bytes()


def _names(*names: str) -> str:
    return ",".join(f"DNS:{name}" for name in names)


def _replace(file: Path, content: bytes, mode: int) -> None:
    """Whole at any moment, and never readable for more than it should be."""
    new = file.with_name(f"{file.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as handle:
        handle.write(content)
    new.replace(file)
