"""What stands before the time of an access line: one or more addresses or names, identd's answer, a user.

Addresses: RFC 4291, section 2.2; RFC 3986, section 3.2.2 (brackets). Lists: MDN, "X-Forwarded-For".
"""

from __future__ import annotations

_IPV4 = r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}"
IPV6 = (
    r"(?:(?=[0-9A-Fa-f:]{0,40}::)"  # with a run of zeros left out, or
    r"|(?=(?:[0-9A-Fa-f]{1,4}:){6}))"  # with the six groups that precede the last two, or an IPv4 address
    r"[0-9A-Fa-f:.]{2,45}+"
    r"(?:%[0-9A-Za-z_.\-]{1,32}+)?+"  # a zone
)
"""An address of IPv6, without brackets."""
# Letters, digits, dots, hyphens and underscores; * of masked addresses; all that is not ASCII. Written as what is
# excluded, which matches faster.
_NAME = r"[^\x00-)+,/:-@\[-^`{-\x7f]++"
_PORT = r"(?::[0-9]{1,5}+)?+"
_SOCKET = r"unix:[^\x20,\"|]*+"  # nginx's $remote_addr of a client on a socket
HOST = (
    rf"(?:{_NAME}{_PORT}"
    rf"|{IPV6}"
    rf"|\[{IPV6}\]{_PORT}"
    rf"|{_SOCKET})"
)
"""One address or name, with or without a port; what follows decides where it ends."""
_NEXT_HOST = rf"{HOST}(?=[\x20,\"])"
_MORE = rf"(?:,{_NEXT_HOST})"
HOSTS = (
    rf"{_NAME}|{IPV6}"  # these are usual; what follows is none of them before a space, which would be tried twice
    rf"|{_NAME}(?![\x20\"]){_PORT}{_MORE}*+"
    rf"|{IPV6}{_MORE}++"
    rf"|\[{IPV6}\]{_PORT}{_MORE}*+"
    rf"|{_SOCKET}{_MORE}*+"
)
"""One or several, separated by commas alone."""
LIST = rf"{HOST}(?:,\x20?+{_NEXT_HOST})*+"
"""The same, also with a space after a comma."""
SEVERAL = rf"{HOST}(?:,\x20?+{_NEXT_HOST})++"
"""The same, of at least two."""

_ADDRESS = (
    r"(?=[0-9A-Fa-f]{0,40}+[.:])"  # as any of them begins; fails early for most words
    rf"(?:{_IPV4}|{IPV6})"
    r"(?![0-9A-Za-z_.\-])"  # as a part of a name, it is none
)
IDENT = rf"-|(?!\"?{_ADDRESS})[^\x20,\"|]++"
"""identd's answer, which is no address."""
PLAIN_IDENT = rf'-|(?!{_ADDRESS})[^ ,"|\\\x00-\x1f]++'
"""The same, as scanners read it."""

_TIME = r"\x20\[[0-9]{2}/"
TEXT_AFTER_WORD = (
    r"[^\x20\[]*+"  # the end of a word, then words, each with the separator before it:
    rf"(?:(?:(?<!:)\x20(?!-\x20|\[[0-9]{{2}}/|{_ADDRESS})"  # a space, neither before the time nor in ": " or " - ", or
    rf"|\[(?![0-9]{{2}}/|{_ADDRESS}))"  # a bracket that does not begin the time
    r"[^\x20\[]*+"
    r"){0,256}+"  # possessive: a line without a time fails in one pass; no user has more words
)
"""What a user holds after any of its separators, up to its end."""
_TEXT_OF_USER = rf"(?!{_ADDRESS}){TEXT_AFTER_WORD}"
USER = (
    r"(?:\"(?=\"\x20\[))?+"  # Apache writes an empty name as two quotes, of which none is part of the value
    r"("
    rf"-(?={_TIME})"  # first, since these are usual: none, and
    rf"|[^0-9:\"\x20\[\-][^\x20\[:]*+(?={_TIME})"  # one word that cannot be an address
    r"|(?<=\x20\")(?=\"\x20\[)"  # between the quotes
    r"|(?!(?<!\x20-\x20)-\x20)"  # "- ann" after a name of identd: ident and user, of a line with a virtual host
    rf"(?!{_TIME}|\"\"\x20\[)"  # a user is not empty
    rf"{_TEXT_OF_USER}(?={_TIME})"
    r")"
    r"(?:\"(?=\x20\[))?+"
)
"""The user, which may hold spaces and brackets, but no address, no ``: `` and no `` - ``."""
PLAIN_USER = rf'(-|(?!{_ADDRESS})[^ \["\\\x00-\x1f]{{1,256}}+)'
"""A user without spaces, as scanners read it."""
