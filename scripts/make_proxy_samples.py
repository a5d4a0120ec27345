"""Makes the samples of other servers in tests/samples/: HAProxy, Squid, Caddy, lighttpd, nginx's main and ingress log.

    apt-get install nginx haproxy squid caddy lighttpd      # on Debian, as root
    python3 -m scripts.make_proxy_samples tests/samples

Each server runs on loopback with the configuration below and gets the same generated requests, from a fixed seed, over
two minutes and more. Afterwards 127.0.0.1 is replaced by documentation addresses, and very long lines are left out.
Since a second run gives different times, the files are committed and no test makes them again.
"""

from __future__ import annotations

import argparse
import random
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from itertools import accumulate
from pathlib import Path

from scripts import sample_requests as requests
from scripts.make_samples import Server, free_port, lay_out_site, send

SEED = 3
AMOUNT = 130  # requests to each server
MAX_LINE = 2_000  # characters; longer lines are left out, and all after MAX_BYTES
MAX_BYTES = 40_000

NGINX = """
user www-data;
pid {root}/nginx.pid;
error_log {root}/nginx-error.log;
worker_processes 1;
events {{ worker_connections 256; }}
http {{
  log_format main '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" '
                  '"$http_user_agent" "$http_x_forwarded_for"';
  map $host $proxy_upstream_name {{ default default-web-80; }}
  map $host $proxy_alternative_upstream_name {{ default ""; }}
  log_format upstreaminfo '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent '
    '"$http_referer" "$http_user_agent" $request_length $request_time [$proxy_upstream_name] '
    '[$proxy_alternative_upstream_name] $upstream_addr $upstream_response_length $upstream_response_time '
    '$upstream_status $request_id';
  access_log {root}/nginx-main.log main;
  access_log {root}/ingress-nginx.log upstreaminfo;
  client_header_timeout 2s;
  client_max_body_size 1k;
  server {{
    listen 127.0.0.1:{nginx};
    root {root}/www;
    location /secret/ {{ deny all; }}
    location /old {{ return 301 http://www.example.com/docs/; }}
    location /api/ {{ proxy_pass http://127.0.0.1:{closed}/; }}
    location /broken/ {{ return 500; }}
  }}
}}
"""
HAPROXY = """
global
  log 127.0.0.1:{syslog} local0
defaults
  log global
  mode http
  timeout client 2s
  timeout server 2s
  timeout connect 1s
  timeout http-request 2s
  default_backend web
frontend http-in
  bind 127.0.0.1:{haproxy}
  option httplog
frontend clf-in
  bind 127.0.0.1:{haproxy_clf}
  option httplog clf
frontend tcp-in
  mode tcp
  bind 127.0.0.1:{haproxy_tcp}
  option tcplog
  default_backend tcp-web
backend web
  server srv1 127.0.0.1:{nginx}
backend tcp-web
  mode tcp
  server srv1 127.0.0.1:{nginx}
"""
LIGHTTPD = """
server.port = {lighttpd}
server.bind = "127.0.0.1"
server.document-root = "{root}/www"
server.modules = ("mod_accesslog", "mod_access", "mod_redirect")
index-file.names = ("index.html")
accesslog.filename = "{root}/lighttpd.log"
url.access-deny = (".png")
url.redirect = ("^/old" => "http://www.example.com/docs/")
server.max-request-size = 1
"""
CADDY = """
{{
  admin off
  auto_https off
}}
http://:{caddy} {{
  bind 127.0.0.1
  log {{
    output file {root}/caddy.log
    format json
  }}
  root * {root}/www
  redir /old /docs/ 301
  respond /broken/* 500
  respond /secret/* 403
  file_server
}}
"""
SQUID = """
http_port 127.0.0.1:{squid}
pid_filename {root}/squid.pid
access_log stdio:{root}/squid.log squid
cache_log {root}/squid-cache.log
cache deny all
coredump_dir {root}
acl secret urlpath_regex ^/secret
http_access deny secret
http_access allow all
shutdown_lifetime 1 seconds
visible_hostname proxy.example.com
"""
LOGS = (
    "nginx-main", "ingress-nginx", "haproxy", "haproxy-clf", "haproxy-tcp", "lighttpd", "caddy", "squid",
)  # fmt: skip
_MARKS = {" http-in ": "haproxy", '"http-in': "haproxy", '"clf-in': "haproxy-clf", " tcp-in ": "haproxy-tcp"}


def receive_syslog(server: socket.socket, root: Path) -> None:
    """Write HAProxy's datagrams into one file for each frontend, until the socket is closed."""
    while True:
        try:
            line = server.recv(65536).decode("utf-8", "replace").rstrip("\n")
        except OSError:
            return
        name = next((name for mark, name in _MARKS.items() if mark in line), "")
        if name:  # else a message of HAProxy itself
            with (root / f"{name}.log").open("a", encoding="utf-8") as log:
                log.write(line + "\n")


def start(root: Path, ports: dict[str, int]) -> list[subprocess.Popen[bytes]]:
    """Start the servers in the foreground, as children."""
    texts = {"nginx": NGINX, "haproxy": HAPROXY, "lighttpd": LIGHTTPD, "caddy": CADDY, "squid": SQUID}
    for name, text in texts.items():
        (root / f"{name}.conf").write_text(text.format(root=root, **ports))
    commands = {
        "nginx": ["/usr/sbin/nginx", "-g", "daemon off;", "-c"],
        "haproxy": ["/usr/sbin/haproxy", "-db", "-f"],
        "lighttpd": ["/usr/sbin/lighttpd", "-D", "-f"],
        "caddy": ["/usr/bin/caddy", "run", "--adapter", "caddyfile", "--config"],
        "squid": ["/usr/sbin/squid", "-N", "-f"],
    }
    root.chmod(0o777)  # squid writes as its own user
    environment = {"TZ": "UTC", "HOME": str(root)}
    return [
        subprocess.Popen([*command, str(root / f"{name}.conf")], env=environment) for name, command in commands.items()
    ]


def drive(name: str, port: int, target: str, seconds: float) -> None:
    """Send the same requests to a server, spread over the time; a proxy gets the whole URL of the server behind it."""
    rng = random.Random(SEED)
    noise = requests.noise_in_turn(rng)
    kinds = (requests.minute_of_kinds(rng, AMOUNT // 2, None) + requests.minute_of_kinds(rng, AMOUNT // 2, None))[
        :AMOUNT
    ]
    for kind in kinds:
        request = next(noise) if kind == "noise" else requests.make(rng, kind, "nginx")
        raw = request.raw
        if target and b" /" in raw:
            raw = raw.replace(b" /", b" " + target.encode() + b"/", 1)
        send(Server(name, port, lambda: None), request._replace(raw=raw, over_ipv6=False))
        time.sleep(seconds / AMOUNT * 2 * rng.random())


def neutral(text: str, ports: dict[str, int]) -> str:
    """The log with documentation addresses in place of loopback's, and usual ports in place of the run's."""
    for name, port in ports.items():
        text = text.replace(f"127.0.0.1:{port}", "198.51.100.80:8080" if name != "closed" else "198.51.100.81:8080")
    text = text.replace("127.0.0.1", "192.0.2.1")
    lines = [line for line in text.split("\n")[:-1] if len(line) <= MAX_LINE]
    sizes = accumulate(len(line) + 1 for line in lines)
    return "".join(line + "\n" for line, size in zip(lines, sizes, strict=True) if size <= MAX_BYTES)


def main() -> None:
    """Run the servers, send the requests, and copy the logs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seconds", type=float, default=130.0)
    options = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="samples-"))
    lay_out_site(root)
    syslog = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    syslog.bind(("127.0.0.1", 0))
    names = ("nginx", "haproxy", "haproxy_clf", "haproxy_tcp", "lighttpd", "caddy", "squid", "closed")
    ports = {name: free_port() for name in names} | {"syslog": syslog.getsockname()[1]}
    threading.Thread(target=receive_syslog, args=(syslog, root), daemon=True).start()
    children = start(root, ports)
    try:
        time.sleep(4)
        threads = [
            threading.Thread(
                target=drive,
                args=(
                    name,
                    ports[name],
                    f"http://127.0.0.1:{ports['nginx']}" if name == "squid" else "",
                    options.seconds,
                ),
            )
            for name in names[:-1]
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        time.sleep(5)  # lighttpd and squid write their logs late
    finally:
        for child in children:
            child.terminate()
        for child in children:
            child.wait(timeout=20)
    for name in LOGS:
        text = (root / f"{name}.log").read_bytes().decode("utf-8", "surrogateescape")
        (options.out / f"{name}.log").write_bytes(neutral(text, ports).encode("utf-8", "surrogateescape"))
    shutil.rmtree(root)


if __name__ == "__main__":
    main()
