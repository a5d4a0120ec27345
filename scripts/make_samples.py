"""Makes tests/samples/: logs of generated requests, written by a real Apache httpd and a real nginx.

    apt-get install apache2 nginx && python3 -m scripts.make_samples tests/samples      # as root, on Debian

Both servers run on loopback with the configurations below. Requests are generated from a fixed seed; clients are
fictitious (documentation addresses, sent as X-Forwarded-For). Every byte of the logs is written by the servers, even
the timestamps. Since a second run gives different times, the files are committed and no test makes them again.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from scripts import sample_requests as requests

# Requests in each minute of the run: varying, with two bursts, so that a chart of them has a shape.
MINUTES = (38, 62, 80, 130, 74, 118, 66, 44)
WRITTEN = 1_577_836_800  # 2020-01-01: before what the clients say in If-Modified-Since
BURSTS = {3: "not_found", 5: "failing"}

APACHE_CONF = """
ServerRoot {root}
DefaultRuntimeDir {root}
PidFile {root}/apache.pid
ServerName www.example.com
User www-data
Group www-data
Listen 127.0.0.1:{port}
Listen [::1]:{port}
{modules}
TypesConfig /etc/mime.types
ErrorLog {root}/apache-error.log
LogFormat "%h %l %u %t \\"%r\\" %>s %b \\"%{{Referer}}i\\" \\"%{{User-Agent}}i\\"" combined
LogFormat "%h %l %u %t \\"%r\\" %>s %b" common
CustomLog {root}/apache-combined.log combined
CustomLog {root}/apache-common.log common
RemoteIPHeader X-Forwarded-For
RemoteIPInternalProxy 127.0.0.1 ::1
RequestReadTimeout header=2 body=3
LimitRequestBody 1024
TraceEnable off
DocumentRoot {root}/www
<Directory {root}/www>
  Require all granted
  AllowOverride All
  DirectoryIndex index.html
</Directory>
<Location /secret/>
  Require all denied
</Location>
<Location /members/>
  AuthType Basic
  AuthName members
  AuthUserFile {root}/users
  Require valid-user
</Location>
<Location /static/>
  AllowMethods GET HEAD
</Location>
Redirect 302 /old http://www.example.com/docs/
ProxyPass /api/ http://127.0.0.1:{closed_port}/
"""
APACHE_MODULES = (
    *(
        "mpm_event",
        "authn_core",
        "authn_file",
        "authz_core",
        "authz_user",
        "auth_basic",
        "access_compat",
        "alias",
    ),
    *("dir", "mime", "allowmethods", "proxy", "proxy_http", "remoteip", "reqtimeout"),
)

NGINX_CONF = """
user www-data;
pid {root}/nginx.pid;
error_log {root}/nginx-error.log;
worker_processes 1;
events {{ worker_connections 256; }}
http {{
  types {{ text/html html; text/css css; application/javascript js; image/png png; }}
  log_format graphql '$remote_addr - - [$time_local] "$request" $status $body_bytes_sent "$http_referer" '
                     '"$http_user_agent" $request_time "$http_x_graphql" $http_x_company;$http_x_user';
  access_log {root}/nginx-combined.log;
  set_real_ip_from 127.0.0.1;
  set_real_ip_from ::1;
  real_ip_header X-Forwarded-For;
  if_modified_since before;
  client_header_timeout 2s;
  client_max_body_size 1k;
  server {{
    listen 127.0.0.1:{port};
    listen [::1]:{port};
    server_name www.example.com;
    root {root}/www;
    location /secret/ {{ deny all; }}
    location /members/ {{ auth_basic members; auth_basic_user_file {root}/users; }}
    location /old {{ return 302 http://www.example.com/docs/; }}
    location /api/ {{ proxy_pass http://127.0.0.1:{closed_port}/; }}
    location /slow/ {{ proxy_pass http://127.0.0.1:{silent_port}/; proxy_read_timeout 2s; }}
    location /broken/ {{ return 500; }}
    location = /graphql {{
      access_log {root}/nginx-graphql.log graphql;
      default_type application/json;
      return 200 '{{"data":{{"user":{{"id":"$http_x_user"}}}}}}';
    }}
  }}
}}
"""


class Server(NamedTuple):
    """A running server: its name, its port, and a function that stops it."""

    name: str
    port: int
    stop: Callable[[], None]


def free_port() -> int:
    """A TCP port of loopback that is not in use."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def lay_out_site(root: Path) -> None:
    """Write the pages that are requested, and a directory whose .htaccess makes Apache fail (a real 500)."""
    sizes = {"index.html": 1830, "docs/index.html": 5210, "docs/install.html": 9120, "about.html": 940}
    sizes |= {
        "static/site.css": 3300,
        "static/app.js": 18211,
        "static/logo.png": 4021,
        "shop/index.html": 7100,
    }
    sizes |= {
        "docs/über uns.html": 611,
        "members/index.html": 402,
        "secret/plan.html": 77,
        "broken/x.html": 10,
    }
    sizes["static/empty.css"] = 0
    for name, size in sizes.items():
        page = root / "www" / name
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_bytes((b"example " * (size // 8 + 1))[:size])
        os.utime(page, (WRITTEN, WRITTEN))
    (root / "www" / "broken" / ".htaccess").write_text("ThisDirectiveDoesNotExist on\n")
    for path in (root, *root.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


def write_users(root: Path) -> None:
    """Write the password file in a form that both servers read (Apache's MD5, made by openssl)."""
    lines = []
    for user in requests.USERS:
        command = ["openssl", "passwd", "-apr1", requests.PASSWORD]
        made = subprocess.run(command, capture_output=True, check=True, text=True)
        lines.append(f"{user}:{made.stdout.strip()}")
    (root / "users").write_text("\n".join(lines) + "\n")


def start_apache(root: Path, closed_port: int) -> Server:
    """Start Apache httpd in the foreground, as a child."""
    port = free_port()
    modules = "\n".join(f"LoadModule {m}_module /usr/lib/apache2/modules/mod_{m}.so" for m in APACHE_MODULES)
    conf = root / "apache.conf"
    conf.write_text(APACHE_CONF.format(root=root, port=port, modules=modules, closed_port=closed_port))
    child = subprocess.Popen(["/usr/sbin/apache2", "-f", str(conf), "-D", "FOREGROUND"], env={"TZ": "UTC"})
    return Server("apache", port, lambda: _end(child))


def start_nginx(root: Path, closed_port: int, silent_port: int) -> Server:
    """Start nginx in the foreground, as a child, in a time zone whose offset includes half an hour."""
    port = free_port()
    conf = root / "nginx.conf"
    conf.write_text(NGINX_CONF.format(root=root, port=port, closed_port=closed_port, silent_port=silent_port))
    child = subprocess.Popen(["/usr/sbin/nginx", "-c", str(conf), "-g", "daemon off;"], env={"TZ": "America/St_Johns"})
    return Server("nginx", port, lambda: _end(child))


def _end(child: subprocess.Popen[bytes]) -> None:
    child.terminate()
    child.wait(timeout=20)


def send(server: Server, request: requests.Request) -> None:
    """Send a request's bytes unmodified and read the response to its end, or disconnect if the request says so."""
    family, host = (socket.AF_INET6, "::1") if request.over_ipv6 else (socket.AF_INET, "127.0.0.1")
    try:
        with socket.socket(family) as connection:
            connection.settimeout(6)
            connection.connect((host, server.port))
            connection.sendall(request.raw)
            if request.leave_after is not None:
                time.sleep(request.leave_after)
                return
            while connection.recv(65536):
                pass
    except OSError:
        pass  # the response to a hostile request is often a reset; only the server's log matters


def drive(server: Server, seed: int, minutes: tuple[int, ...], minute_seconds: float) -> None:
    """Send the requests of the whole run in real time, spread unevenly over each minute."""
    rng = random.Random(seed)
    started = time.monotonic()
    noise = requests.noise_in_turn(rng)
    for minute, amount in enumerate(minutes):
        kinds = requests.minute_of_kinds(rng, amount, BURSTS.get(minute))
        offsets = sorted(rng.random() for _ in kinds)
        for kind, offset in zip(kinds, offsets, strict=True):
            wait = started + (minute + offset) * minute_seconds - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            send(server, next(noise) if kind == "noise" else requests.make(rng, kind, server.name))


def main() -> None:
    """Run both servers, send the requests, and copy the four logs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--minute-seconds", type=float, default=60.0, help="shorter, to test the script")
    options = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="samples-"))
    silent = socket.create_server(("127.0.0.1", 0))  # accepts and never responds: 504, 499
    lay_out_site(root)
    write_users(root)
    closed_port = free_port()
    servers = [start_apache(root, closed_port), start_nginx(root, closed_port, silent.getsockname()[1])]
    try:
        time.sleep(2)
        threads = [
            threading.Thread(target=drive, args=(server, seed, MINUTES, options.minute_seconds))
            for seed, server in enumerate(servers)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        for server in servers:
            server.stop()
        silent.close()
    for log in ("apache-combined.log", "apache-common.log", "nginx-combined.log", "nginx-graphql.log"):
        shutil.copyfile(root / log, options.out / log)
    shutil.rmtree(root)


if __name__ == "__main__":
    main()
