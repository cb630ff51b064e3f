"""One modelled desktop: what is on it at the beginning, and how a command line runs on it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .files import Files
from .interpreter import Interpreter, Streams
from .registry import Key, Registry

__all__ = ["Desktop", "Product", "Streams"]
PROFILES = "HKLM\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\ProfileList"
FOLDERS = (
    "C:\\Windows\\System32",
    "C:\\Windows\\Temp",
    "C:\\Program Files",
    "C:\\Program Files (x86)",
    "C:\\ProgramData",
)
ADMIN_SID = "S-1-5-21-1111111111-2222222222-3333333333-1100"


@dataclass(frozen=True)
class Product:
    """What an MSI file with this SHA-256 is taken for. `exit_codes` are given one after the other, then 0."""

    sha256: str
    product_code: str
    upgrade_code: str
    name: str
    version: str
    manufacturer: str = "Test"
    exit_codes: tuple[int, ...] = ()


@dataclass(frozen=True)
class User:
    """Somebody with a profile; `logged_on` has his hive loaded."""

    name: str
    sid: str
    logged_on: bool = False


@dataclass
class Desktop:
    """Registry, files, hives that are not loaded (by the file's folded path), loaded ones (name -> file), products (SHA-256 -> what it is).

    `tried`: SHA-256 -> how often; `installed`: product code -> SHA-256 of its package.
    """

    name: str
    users: tuple[User, ...] = ()
    products: dict[str, Product] = field(default_factory=dict)
    files: Files = field(default_factory=Files)
    hives: dict[str, Key] = field(default_factory=dict)
    loaded: dict[str, str] = field(default_factory=dict)
    tried: dict[str, int] = field(default_factory=dict)
    installed: dict[str, str] = field(default_factory=dict)
    directory: str = "C:\\Users\\Administrator"

    def __post_init__(self) -> None:
        self.registry = Registry(ADMIN_SID)
        for folder in (*FOLDERS, "C:\\Users\\Default", f"{self.directory}\\AppData\\Local\\Temp"):
            self.files.make(folder)
        self.registry.text(PROFILES, "Default", "%SystemDrive%\\Users\\Default")
        self._profile(User("Administrator", ADMIN_SID, True))
        self._hive("C:\\Users\\Default", None)
        for user in self.users:
            self._profile(user)

    def _profile(self, user: User) -> None:
        folder = f"C:\\Users\\{user.name}"
        self.files.make(folder)
        self.registry.set(f"{PROFILES}\\{user.sid}", "ProfileImagePath", 2, (folder + "\0").encode("utf-16-le"))
        self._hive(folder, user)

    def _hive(self, folder: str, user: User | None) -> None:
        file = f"{folder}\\NTUSER.DAT"
        self.files.write(file, b"regf")
        if user is not None and user.logged_on:
            self.registry.text(f"HKU\\{user.sid}\\Volatile Environment", "USERNAME", user.name)
            self.loaded[user.sid.lower()] = file.lower()
        else:
            self.hives[file.lower()] = Key("", keys={"software": Key("Software")})

    def variables(self, more: dict[str, str]) -> dict[str, str]:
        """The environment of a command, names in upper case."""
        home = "C:\\Users\\Administrator"
        values = {
            "SYSTEMDRIVE": "C:",
            "SYSTEMROOT": "C:\\Windows",
            "WINDIR": "C:\\Windows",
            "PROGRAMFILES": "C:\\Program Files",
            "PROGRAMFILES(X86)": "C:\\Program Files (x86)",
            "PROGRAMDATA": "C:\\ProgramData",
            "TEMP": f"{home}\\AppData\\Local\\Temp",
            "TMP": f"{home}\\AppData\\Local\\Temp",
            "USERPROFILE": home,
            "USERNAME": "Administrator",
            "COMPUTERNAME": self.name.upper(),
            "COMSPEC": "C:\\Windows\\system32\\cmd.exe",
            "PROCESSOR_ARCHITECTURE": "AMD64",
            "OS": "Windows_NT",
        }
        return values | {name.upper(): value for name, value in more.items()}

    def absolute(self, path: str, directory: str = "") -> str:
        """A path from the folder where a command runs."""
        path = path.strip('"').replace("/", "\\")
        while "\\\\" in path[1:]:
            path = path[0] + path[1:].replace("\\\\", "\\")
        return path if path[1:2] == ":" else f"{(directory or self.directory).rstrip(chr(92))}\\{path}"

    def run(
        self, line: str, stdin: bytes = b"", environment: dict[str, str] | None = None, directory: str = ""
    ) -> tuple[bytes, bytes, int]:
        """Run a command line: standard output, standard error, exit code (unsigned, 32 bit)."""
        streams = Streams(stdin)
        code = Interpreter(self, self.variables(environment or {}), directory or self.directory).line(line, streams)
        return bytes(streams.out), bytes(streams.err), code & 0xFFFFFFFF

    @classmethod
    def of(cls, name: str, model: dict[str, Any]) -> Desktop:
        """From a configuration: {"users": [{name, sid, logged_on}], "products": [{sha256, …}]}."""
        users = tuple(User(**user) for user in model.get("users", ()))
        products = [
            Product(**{**item, "exit_codes": tuple(item.get("exit_codes", ()))}) for item in model.get("products", ())
        ]
        return cls(name, users, {product.sha256: product for product in products})
