"""Makes tests/samples/haproxy-log-formats.jsonl: lines that a real HAProxy writes by log-formats from public sources.

    apt-get install haproxy && python3 -m scripts.make_haproxy_samples tests/samples

Each log-format gets an HAProxy of its own with a frontend that captures headers and a cookie, and one that captures
nothing. To each go three requests: one with everything, one with nothing, and one that is no HTTP. Afterwards 127.0.0.1
is replaced by documentation addresses. A second run gives other times and ports, so the file is committed.
"""

from __future__ import annotations

import argparse
import json
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from scripts.make_samples import free_port

HTTP = "%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc %ac/%fc/%bc/%sc/%rc %sq/%bq"
OLD_HTTP = r"%ci:%cp\ [%t]\ %ft\ %b/%s\ %Tq/%Tw/%Tc/%Tr/%Tt\ %ST\ %B\ %CC\ %CS\ %tsc\ %ac/%fc/%bc/%sc/%rc\ %sq/%bq"
# Where a log-format was found → its line in haproxy.cfg.
LOG_FORMATS = {
    "HAProxy manual, 8.2.3: option httplog": f'log-format "{HTTP} %hr %hs %{{+Q}}r"',
    "HAProxy manual, 8.2.3: option httplog clf": (
        r'log-format "%{+Q}o %{-Q}ci - - [%trg] %r %ST %B \"\" \"\" %cp %ms %ft %b %s %TR %Tw %Tc %Tr %Ta %tsc %ac %fc '
        r'%bc %sc %rc %sq %bq %CC %CS %hrl %hsl"'
    ),
    "HAProxy manual, 8.2.4: option httpslog": (
        f'log-format "{HTTP} %hr %hs %{{+Q}}r %[fc_err]/%[ssl_fc_err,hex]/%[ssl_c_err]/%[ssl_c_ca_err]/'
        '%[ssl_fc_is_resumed] %[ssl_fc_sni]/%sslv/%sslc"'
    ),
    "HAProxy manual, 8.2.2: TCP": (
        'log-format "%ci:%cp [%t] %ft %b/%s %Tw/%Tc/%Tt %B %ts %ac/%fc/%bc/%sc/%rc %sq/%bq"'
    ),
    "allinurl/goaccess#36, with the variables' later names": (
        r"log-format %{+Q}o\ %{-Q}ci\ -\ -\ [%T]\ %r\ %ST\ %B\ \"\"\ \"\"\ %cp\ %ms\ %ft\ %b\ %s\ %Tq\ %Tw\ %Tc\ %Tr\ "
        r"%Tt\ %tsc\ %ac\ %fc\ %bc\ %sc\ %rc\ %sq\ %bq\ %CC\ %CS\ %hrl\ %hsl"
    ),
    "allinurl/goaccess#881": (
        r"log-format [%pid]\ [%Ts.%ms]\ %ac/%fc/%bc/%bq/%sc/%sq/%rc\ %Tq/%Tw/%Tc/%Tr/%Tt\ %tsc\ %ci:%cp\ %fi:%fp\ "
        r"%si:%sp\ %ft\ %sslc\ %sslv\ %{+Q}r\ %ST\ %b:%s\ \"%CC\"\ \"%hr\"\ \"%CS\"\ \"%hs\"\ req_size=%U\ resp_size=%B"
    ),
    "allinurl/goaccess#1096": (
        r"log-format [%tr]\ [%ID]\ %ci:%cp\ %ft\ %b/%s\ %TR/%Tq/%Tw/%Tc/%Tr/%Ta\ %ST\ %B\ %CC\ %CS\ %tsc\ "
        r"%ac/%fc/%bc/%sc/%rc\ %sq/%bq\ %hr\ %hs\ %{+Q}r"
    ),
    "allinurl/goaccess#1656": f'log-format "{HTTP} %hr %hs %sslv %sslc %{{+Q}}r"',
    "a gist: JSON with braces in braces": (
        """log-format '{"host":"%H","pid":%pid,"time":"%Tl","internal":{"conn":{"act":%ac,"fe":%fc},"""
        """"time":{"tq":%Tq,"tt":%Tt},"termination_state":"%tsc","retries":%rc,"""
        """"network":{"client_ip":"%ci","client_port":%cp},"ssl":{"version":"%sslv","ciphers":"%sslc"},"""
        """"request":{"method":"%HM","hu":"%HU","hp":"%HP","hq":"%HQ","protocol":"%HV","""
        """"header":{"host":"%[capture.req.hdr(0),json(utf8s)]","ua":"%[capture.req.hdr(2),json(utf8s)]"}},"""
        """"name":{"backend":"%b","frontend":"%ft","server":"%s"},"response":{"status_code":%ST},"""
        """"bytes":{"uploaded":%U,"read":%B}}}'"""
    ),
    "a gist: tabs for rsyslog": (
        r"log-format client_ip:%ci\tclient_port_int:%cp\tdate_time:%t\tfrontend_name:%ft\tbackend_name:%b\t"
        r"server_name:%s\ttime_request_int:%Tq\thttp_status_code_int:%ST\tbytes_read_int:%B\t"
        r"captured_request_cookie:%CC\ttermination_state:%tsc\tcaptured_request_headers:%hr\t"
        r"captured_response_headers:%hs\thttp_request:%r\tmessage:%ci:%cp\ [%t]\ %{+Q}r"
    ),
    "Graylog, a content pack": (
        r"log-format %ci:%cp\ -\ [%Tl]\ %{+Q}r\ %ST\ %B\ [%{+Q}hrl]\ ---\ %{+Q}[var(txn.scheme)]\ %{+Q}HV\ [%b/%s]\ "
        r"[%{+Q}hsl]\ %TR/%Tw/%Tc/%Tr/%Ta"
    ),
    "a wiki: a unique id in hexadecimal": (
        rf"log-format {OLD_HTTP}\ %hr\ %hs\ %{{+Q}}r\ %{{+X}}o\ %ci:%cp_%fi:%fp_%Ts_%rt:%pid\ %sslv\ %sslc"
    ),
    "an article: a few fields": r"log-format %ci\ -\ %T\ %ST\ %U\ %si\ %cp\ %Th\ %Tw\ %Tc\ %Tt",
    "an application: words between": r'log-format "%{+Q}o\ backend = %b, path, = %HU, status = %ST"',
    "a wiki: the CLF list and the braces": r"log-format %ci\ -\ [%T]\ %{+Q}r\ %ST\ %B\ %{+Q}hrl\ %hs",
    "a question: lists in braces": (
        r"log-format %ci\ [id=%ID]\ [%t]\ %f\ %b/%s\ %Tq/%Tw/%Tc/%Tr/%Tt\ %ST\ %B\ %CC\ %CS\ %tsc\ "
        r"%ac/%fc/%bc/%sc/%rc\ %sq/%bq\ {%hrl}\ {%hsl}\ %{+Q}r"
    ),
    "a question: lists without quotes": rf"log-format {OLD_HTTP}\ %hrl\ %hsl\ %{{+Q}}r\ %sslc",
    "EasyHAProxy": 'log-format "%{+Q}[var(txn.nothing)]:-/%ci:%cp [%tr] %ft %b/%s"',
    "an article: a header after the request": (
        f'log-format "{HTTP} %hr %hs %{{+Q}}r %[capture.req.hdr(0)] rate_exceeded=%[var(txn.nothing)]"'
    ),
    "a manual: braces of its own": f'log-format "{HTTP} %hr %hs {{%[ssl_c_verify]}} %{{+Q}}r %[var(txn.scheme)]"',
    "a forum: the method and the URI apart": 'log-format "%ci %HM %HP %HQ %HV %ST %B %[capture.req.hdr(2)]"',
}
CAPTURES = r"""
  capture cookie ID= len 32
  capture request header Host len 64
  capture request header X-Forwarded-For len 64
  capture request header User-Agent len 64
  capture response header X-App len 20
"""
REQUESTS = (
    b"GET /a/b?c=d HTTP/1.1\r\nHost: www.example.com\r\nX-Forwarded-For: 203.0.113.9, 198.51.100.7\r\n"
    b'User-Agent: Mozilla/5.0 (X11; Linux) "q" {x|y} \\\r\nCookie: ID=abc/d==; x=y\r\nConnection: close\r\n\r\n',
    b"POST / HTTP/1.1\r\nHost: x.example\r\nContent-Length: 2\r\nConnection: close\r\n\r\nab",
    b"no HTTP\r\n\r\n",
)
RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-App: v1\r\nConnection: close\r\n\r\nok"


def serve(server: socket.socket) -> None:
    """Answer every connection with the same response, until the socket is closed."""
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        with connection:
            connection.recv(65536)
            connection.sendall(RESPONSE)


def lines_of(log_format: str, captures: str) -> list[str]:
    """What HAProxy logs for the requests."""
    syslog = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    syslog.bind(("127.0.0.1", 0))
    syslog.settimeout(2)
    server = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=serve, args=(server,), daemon=True).start()
    port, server_port = free_port(), server.getsockname()[1]
    path = Path(tempfile.mkdtemp(prefix="samples-")) / "haproxy.cfg"
    path.write_text(
        f"global\n  log 127.0.0.1:{syslog.getsockname()[1]} local0\n"
        "defaults\n  log global\n  mode http\n  timeout client 1s\n  timeout server 1s\n  timeout connect 1s\n"
        f"frontend http-in\n  bind 127.0.0.1:{port}\n{captures}"
        "  http-request set-var(txn.scheme) str(http)\n"
        "  unique-id-format %{+X}o\\ %ci:%cp_%fi:%fp_%Ts_%rt:%pid\n"
        f"  {log_format}\n  default_backend web\n"
        f"backend web\n  server srv1 127.0.0.1:{server_port}\n"
    )
    haproxy = subprocess.Popen(["/usr/sbin/haproxy", "-db", "-f", str(path)], env={"TZ": "Europe/Paris"})
    lines = []
    try:
        time.sleep(0.7)
        for request in REQUESTS:
            with socket.create_connection(("127.0.0.1", port)) as client:
                client.sendall(request)
                while client.recv(65536):
                    pass
            lines.append(syslog.recv(65536).decode().rstrip("\n"))
    finally:
        haproxy.terminate()
        haproxy.wait()
        server.close()
    return [neutral(line, port, server_port) for line in lines]


def neutral(line: str, port: int, server_port: int) -> str:
    """The line with documentation addresses in place of loopback's, and usual ports in place of the run's."""
    for run, usual in ((port, "198.51.100.80:443"), (server_port, "198.51.100.81:8080")):
        line = line.replace(f"127.0.0.1:{run}", usual).replace(f"7F000001:{run:04X}", "C6336450:01BB")
    line = line.replace(f'"host":"{socket.gethostname()}"', '"host":"lb1"')
    return line.replace("127.0.0.1", "192.0.2.1").replace("7F000001", "C0000201")


def main() -> None:
    """Write the samples."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    with (options.out / "haproxy-log-formats.jsonl").open("w", encoding="utf-8") as out:
        for source, log_format in LOG_FORMATS.items():
            with_captures = lines_of(log_format, CAPTURES)
            without = lines_of(log_format, "") if "capture." not in log_format else []
            sample = {"source": source, "log_format": log_format, "lines": with_captures, "without_captures": without}
            out.write(json.dumps(sample) + "\n")


if __name__ == "__main__":
    main()
