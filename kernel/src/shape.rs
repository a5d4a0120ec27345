//! What the values of columns look like.
//!
//! A shape may be narrower than the pattern that it stands for, never wider: what it does not take, Python decides.

use memchr::{memchr, memchr2};

/// What a column's value looks like.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Shape {
    /// A client: a name, an address, or an address of IPv6 without brackets and zone.
    Host,
    /// identd's answer: a word that cannot be an address.
    Ident,
    /// A user: the same, of at most 256 characters.
    User,
    /// `[10/Oct/2025:13:55:36 -0700]`; the value is between the brackets.
    BracketedTime,
    /// A text in double quotes, without control characters; a backslash takes the next character with it.
    Quoted,
    /// A status code from 100 to 999.
    Status,
    /// An integer of up to so many digits without a leading zero, or `-`.
    Integer(usize),
    /// A word, not empty, without quotes and backslashes.
    Word,
    /// The same, but not `-`.
    Value,
    /// A text up to a quote, as in `Quoted`; the quotes belong to what stands around it.
    Escapable,
    /// `10/Oct/2025:13:55:36 -0700`
    Time,
    /// `2025-07-02T22:23:00.186641Z`
    IsoTime,
    /// A word of small letters, a slash, and another word; or `-`.
    Path,
    /// One of the schemes of a load balancer's lines.
    Scheme,
    /// Nothing: Python reads lines with this column, which is optional.
    Never,
    /// A decimal number that a double holds exactly as it is written, from 0.00001 on; or zero, or `-`.
    Decimal,
    /// A text up to a tab or the end, which may be empty.
    Cell,
    /// A text in double quotes as in `Quoted`, or `-` without quotes.
    QuotedOrDash,
    /// A text in double quotes, in which nothing is escaped.
    Unescaped,
    /// A text in braces, which are not part of the value.
    Braced,
    /// 16 to 64 hexadecimal digits with small letters, or `-`.
    Hex,
    /// Such as `REST.GET.OBJECT`: words with a full stop between, of which the first begins with a capital; or `-`.
    Operation,
    /// A text up to a space, a colon or a slash, not empty, without quotes and backslashes.
    Part,
    /// Two to four letters or dashes.
    Letters,
    /// A header as syslog writes it, up to the bracket after the process: `Feb  6 12:14:14 host haproxy[14389]`. A colon
    /// and a space after it belong to the column.
    Header,
    /// An address as W3C's entries have it, without a zone; or `-`.
    Address,
    /// A text of this form; see `is_like`.
    Form(Vec<u8>),
    /// The same in brackets, which are not part of the value.
    BracketedForm(Vec<u8>),
}

impl Shape {
    /// The shape of this name; `None` if there is none.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Some(match name {
            "host" => Self::Host,
            "ident" => Self::Ident,
            "user" => Self::User,
            "bracketed_time" => Self::BracketedTime,
            "quoted" => Self::Quoted,
            "status" => Self::Status,
            "integer" => Self::Integer(18),
            "word" => Self::Word,
            "value" => Self::Value,
            "escapable" => Self::Escapable,
            "time" => Self::Time,
            "decimal" => Self::Decimal,
            "iso_time" => Self::IsoTime,
            "path" => Self::Path,
            "scheme" => Self::Scheme,
            "never" => Self::Never,
            "cell" => Self::Cell,
            "quoted_or_dash" => Self::QuotedOrDash,
            "unescaped" => Self::Unescaped,
            "braced" => Self::Braced,
            "hex" => Self::Hex,
            "operation" => Self::Operation,
            "part" => Self::Part,
            "letters" => Self::Letters,
            "header" => Self::Header,
            "address" => Self::Address,
            _ => match name.split_once(':')? {
                ("integer", digits) => Self::Integer(digits.parse().ok().filter(|digits| *digits <= 18)?),
                ("form", form) => Self::Form(form.as_bytes().to_vec()),
                ("bracketed_form", form) => Self::BracketedForm(form.as_bytes().to_vec()),
                _ => return None,
            },
        })
    }

    pub(crate) fn is_number(&self) -> bool {
        matches!(self, Self::Status | Self::Integer(_) | Self::Decimal)
    }

    /// Whether it is certain that the column is not there, where it may be missing: what stands there is another one.
    pub(crate) fn lacks(&self, rest: &[u8]) -> bool {
        match self {
            Self::Braced => !rest.starts_with(b"{"),
            Self::Header => !rest.starts_with(b"<") && header_size(rest).is_none(),
            _ => false,
        }
    }

    /// The bounds of the value at `start`, and where the column ends; `None` if it is not certain to have this shape.
    pub(crate) fn take(&self, line: &[u8], start: usize) -> Option<(usize, usize, usize)> {
        let rest = &line[start..];
        match self {
            Self::Host
            | Self::Ident
            | Self::User
            | Self::Word
            | Self::Value
            | Self::IsoTime
            | Self::Path
            | Self::Scheme
            | Self::Hex
            | Self::Operation
            | Self::Part
            | Self::Letters
            | Self::Address => {
                let size = self.word_size(rest)?;
                Some((start, start + size, start + size))
            }
            Self::BracketedTime => {
                let end = start + TIME.len();
                is_time(line.get(start..end)?.try_into().ok()?).then_some((start + 1, end - 1, end))
            }
            Self::Quoted => {
                if rest.first() != Some(&b'"') {
                    return None;
                }
                let size = quoted_size(&rest[1..])?;
                is_printable(&rest[1..=size]).then_some((start + 1, start + 1 + size, start + size + 2))
            }
            Self::Status => {
                let digits = rest.get(..3)?;
                let is_status = digits[0] != b'0' && digits.iter().all(u8::is_ascii_digit);
                is_status.then_some((start, start + 3, start + 3))
            }
            Self::Integer(digits) => {
                let size = number_size(rest);
                is_integer(&rest[..size], *digits).then_some((start, start + size, start + size))
            }
            Self::Decimal => {
                let size = number_size(rest);
                is_decimal(&rest[..size]).then_some((start, start + size, start + size))
            }
            Self::Never => None,
            Self::Cell => {
                let size = memchr(b'\t', rest).unwrap_or(rest.len());
                is_printable(&rest[..size]).then_some((start, start + size, start + size))
            }
            Self::QuotedOrDash if rest.first() == Some(&b'-') => Some((start, start + 1, start + 1)),
            Self::QuotedOrDash => Self::Quoted.take(line, start),
            Self::Unescaped => between(rest, b'"', b'"').map(|size| (start + 1, start + 1 + size, start + size + 2)),
            Self::Braced => between(rest, b'{', b'}').map(|size| (start + 1, start + 1 + size, start + size + 2)),
            Self::Header => {
                let size = header_size(rest)?;
                is_unescaped(&rest[..size]).then_some((start, start + size, start + size + 2))
            }
            Self::Form(form) => {
                let end = start + form.len();
                is_like(line.get(start..end)?, form).then_some((start, end, end))
            }
            Self::BracketedForm(form) => {
                let (end, is_open) = (start + 1 + form.len(), rest.first() == Some(&b'['));
                let is_time = is_open && is_like(line.get(start + 1..end)?, form) && line.get(end) == Some(&b']');
                is_time.then_some((start + 1, end, end + 1))
            }
            Self::Escapable => {
                let size = quoted_size(rest)?;
                is_printable(&rest[..size]).then_some((start, start + size, start + size))
            }
            Self::Time => {
                let end = start + TIME.len() - 2;
                is_like(line.get(start..end)?, &TIME[1..TIME.len() - 1]).then_some((start, end, end))
            }
        }
    }

    /// How long the word is at the beginning; `None` if it is not certain to have this shape.
    fn word_size(&self, rest: &[u8]) -> Option<usize> {
        let size = if *self == Self::Part { part_size(rest) } else { word_size(rest) };
        let word = &rest[..size];
        let is_one = match self {
            Self::Host => is_host(word),
            Self::Ident => is_ident(word),
            Self::User => is_user(word),
            Self::IsoTime => is_iso_time(word),
            Self::Path => is_path(word),
            Self::Scheme => matches!(word, b"http" | b"https" | b"h2" | b"grpcs" | b"ws" | b"wss"),
            Self::Hex => is_hex(word),
            Self::Operation => is_operation(word),
            Self::Letters => is_letters(word),
            Self::Address => is_address(word),
            Self::Value => size > 0 && word != b"-" && is_unescaped(word),
            _ => size > 0 && is_unescaped(word),
        };
        is_one.then_some(size)
    }
}

/// What each byte of a time looks like: `0` any digit, `A` a capital, `a` a small letter, `+` a sign, `L` a letter or a dash.
const TIME: &[u8; 28] = b"[00/Aaa/0000:00:00:00 +0000]";

/// The lowest and the highest byte at each place of a time.
const TIME_BOUNDS: ([u8; 28], [u8; 28]) = time_bounds();

const fn time_bounds() -> ([u8; 28], [u8; 28]) {
    let (mut low, mut high) = (*TIME, *TIME);
    let mut place = 0;
    while place < TIME.len() {
        (low[place], high[place]) = match TIME[place] {
            b'0' => (b'0', b'9'),
            b'A' => (b'A', b'Z'),
            b'a' => (b'a', b'z'),
            b'+' => (b'+', b'-'),
            byte => (byte, byte),
        };
        place += 1;
    }
    (low, high)
}

/// `is_like(text, TIME)`. All bytes are looked at, as in `is_unescaped`.
fn is_time(text: &[u8; 28]) -> bool {
    let is_other = |place: usize| {
        let byte = text[place];
        let is_between_signs = u8::from(byte == b',');
        u8::from(byte < TIME_BOUNDS.0[place]) | u8::from(byte > TIME_BOUNDS.1[place]) | is_between_signs
    };
    (0..text.len()).fold(0, |others, place| others | is_other(place)) == 0
}

const NAME: u8 = 1; // of a name or an address of IPv4
const HEX: u8 = 2; // of an address of IPv6
const CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let code = byte as u8;
        let is_word = code.is_ascii_alphanumeric() || matches!(code, b'*' | b'-' | b'.' | b'_');
        if is_word || code >= 0x80 {
            table[byte] |= NAME;
        }
        if code.is_ascii_hexdigit() || matches!(code, b':' | b'.') {
            table[byte] |= HEX;
        }
        byte += 1;
    }
    table
}

fn are_all(text: &[u8], class: u8) -> bool {
    text.iter().fold(class, |common, &byte| common & CLASSES[byte as usize]) != 0
}

/// Where the quote is that ends a text: not one that a backslash precedes which is not itself preceded by one.
fn quoted_size(rest: &[u8]) -> Option<usize> {
    let mut position = 0;
    loop {
        let found = position + memchr2(b'"', b'\\', &rest[position..])?;
        if rest[found] == b'"' {
            return Some(found);
        }
        position = found + 2;
        if position > rest.len() {
            return None;
        }
    }
}

fn is_printable(text: &[u8]) -> bool {
    text.iter().fold(0, |others, &byte| others | u8::from(byte < 0x20)) == 0
}

fn word_size(rest: &[u8]) -> usize {
    if let [_, b' ', ..] = rest {
        return usize::from(rest[0] != b' '); // mostly a dash
    }
    memchr(b' ', rest).unwrap_or(rest.len())
}

fn part_size(rest: &[u8]) -> usize {
    rest.iter().position(|byte| b" :/".contains(byte)).unwrap_or(rest.len())
}

/// Whether a text needs no escape in JSON. All of it is looked at, which compilers turn into a few wide instructions.
pub(crate) fn is_unescaped(text: &[u8]) -> bool {
    let is_other = |byte: u8| u8::from(byte < 0x20) | u8::from(byte == b'"') | u8::from(byte == b'\\');
    text.iter().fold(0, |others, &byte| others | is_other(byte)) == 0
}

pub(crate) fn is_like(text: &[u8], form: &[u8]) -> bool {
    text.iter().zip(form).all(|(&byte, &form)| match form {
        b'0' => byte.is_ascii_digit(),
        b'A' => byte.is_ascii_uppercase(),
        b'a' => byte.is_ascii_lowercase(),
        b'+' => byte == b'+' || byte == b'-',
        b'L' => byte.is_ascii_alphabetic() || byte == b'-',
        _ => byte == form,
    })
}

fn is_iso_time(text: &[u8]) -> bool {
    let Some((date, [time @ .., b'Z'])) = text.split_at_checked(11) else { return false };
    let is_time = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b':' | b'.');
    is_like(date, b"0000-00-00T") && (8..=18).contains(&time.len()) && time.iter().all(is_time)
}

fn is_path(text: &[u8]) -> bool {
    let size = text.iter().take_while(|byte| byte.is_ascii_lowercase()).count();
    let has_parts = size > 0 && text.get(size) == Some(&b'/') && text.len() > size + 1;
    text == b"-" || (has_parts && is_unescaped(text))
}

/// How many bytes of printable text stand between two marks at the beginning.
fn between(rest: &[u8], open: u8, close: u8) -> Option<usize> {
    if rest.first() != Some(&open) {
        return None;
    }
    let size = memchr(close, &rest[1..])?;
    is_printable(&rest[1..=size]).then_some(size)
}

/// How long a header of syslog is that begins with its time or host, as far as the bracket after the process.
fn header_size(rest: &[u8]) -> Option<usize> {
    let open = memchr(b'[', &rest[..rest.len().min(MAX_HEADER + 2)])?;
    let digits = rest[open + 1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let end = open + digits + 2;
    let is_header = open > 0 && rest[0].is_ascii_alphanumeric() && (1..=10).contains(&digits);
    (is_header && rest[end - 1..].starts_with(b"]: ")).then_some(end)
}

/// Characters between the first one of a header and its bracket.
const MAX_HEADER: usize = 300;

fn is_hex(text: &[u8]) -> bool {
    let is_small = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
    text == b"-" || ((16..=64).contains(&text.len()) && text.iter().all(is_small))
}

fn is_address(text: &[u8]) -> bool {
    text == b"-" || ((2..=45).contains(&text.len()) && are_all(text, HEX))
}

fn is_letters(text: &[u8]) -> bool {
    (2..=4).contains(&text.len()) && text.iter().all(|byte| byte.is_ascii_alphabetic() || *byte == b'-')
}

fn is_operation(text: &[u8]) -> bool {
    let first = text.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let is_other = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    let has_words = first > 0 && text[0].is_ascii_uppercase() && text.len() > first + 1 && text[first] == b'.';
    text == b"-" || (has_words && text[first + 1..].iter().all(is_other))
}

/// Where a number ends, if it is one: what follows may be a space, a quote, a bracket …
fn number_size(rest: &[u8]) -> usize {
    rest.iter().position(|byte| !(byte.is_ascii_digit() || matches!(byte, b'-' | b'.'))).unwrap_or(rest.len())
}

fn is_integer(text: &[u8], digits: usize) -> bool {
    match text {
        [b'-' | b'0'] => true,
        [b'1'..=b'9', others @ ..] => others.len() < digits && others.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

/// Whether a double's shortest form is the text, apart from zeros at its end.
fn is_decimal(text: &[u8]) -> bool {
    if text == b"-" {
        return true;
    }
    let mut parts = text.splitn(2, |&byte| byte == b'.');
    let (Some(whole), fraction) = (parts.next(), parts.next()) else { return false };
    if whole == b"-" || !is_integer(whole, 9) {
        return false;
    }
    let Some(fraction) = fraction else { return true };
    let zeros = fraction.iter().take_while(|&&byte| byte == b'0').count();
    let is_small = whole == b"0" && zeros > 4 && zeros < fraction.len();
    let is_short = !fraction.is_empty() && fraction.len() <= 6;
    is_short && !is_small && fraction.iter().all(u8::is_ascii_digit)
}

fn is_host(text: &[u8]) -> bool {
    !text.is_empty() && (are_all(text, NAME) || is_ipv6(text))
}

/// An address with a run of zeros left out, of the form that all patterns for addresses take.
fn is_ipv6(text: &[u8]) -> bool {
    let is_address = (2..=45).contains(&text.len()) && are_all(text, HEX);
    is_address && text.windows(2).take(41).take_while(|pair| pair[0] != b'.').any(|pair| pair == b"::")
}

/// Whether a word is certain not to begin with an address: those begin with a digit, or hold a colon.
fn is_no_address(text: &[u8]) -> bool {
    match text.first() {
        Some(first) if CLASSES[*first as usize] & HEX == 0 => true,
        Some(first) => !first.is_ascii_digit() && !text.contains(&b':'),
        None => false,
    }
}

fn is_ident(text: &[u8]) -> bool {
    text == b"-" || (is_no_address(text) && is_unescaped(text) && !text.iter().any(|byte| matches!(byte, b',' | b'|')))
}

fn is_user(text: &[u8]) -> bool {
    text == b"-" || (is_no_address(text) && text.len() <= 256 && is_unescaped(text) && !text.contains(&b'['))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(name: &str, line: &str) -> Option<(usize, usize, usize)> {
        Shape::of_name(name).expect("a shape").take(line.as_bytes(), 0)
    }

    #[test]
    fn decimals_are_exact() {
        for text in ["0.000001", "01.5", "1.", ".5", "-1.5", "1.1234567", "--", "1.-", ""] {
            assert!(!is_decimal(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn texts_end_where_their_columns_do() {
        for (name, line, value, end) in [
            ("cell", "a \"b\tc", "a \"b", 4),
            ("cell", "\tc", "", 0),
            ("quoted_or_dash", "- x", "-", 1),
            ("quoted_or_dash", "\"a\" x", "a", 3),
            ("unescaped", "\"a\\\" x", "a\\", 4),
            ("braced", "{a|b} x", "a|b", 5),
            ("hex", "0123456789abcdef x", "0123456789abcdef", 16),
            ("operation", "REST.GET.OBJECT x", "REST.GET.OBJECT", 15),
            ("part", "be/srv", "be", 2),
            ("letters", "---- x", "----", 4),
            ("address", "2001:db8::7 x", "2001:db8::7", 11),
            ("address", "- x", "-", 1),
            ("header", "Feb  6 12:14:14 host haproxy[14389]: x", "Feb  6 12:14:14 host haproxy[14389]", 37),
            ("form:0000-00", "2025-11-22", "2025-11", 7),
            ("bracketed_form:00/Aaa", "[22/Nov] x", "22/Nov", 8),
        ] {
            let (first, last, after) = taken(name, line).expect(line);
            assert_eq!((&line[first..last], after), (value, end), "{name}");
        }
        for (name, line) in [
            ("cell", "a\u{1}"),
            ("quoted_or_dash", "a"),
            ("unescaped", "\"a"),
            ("braced", "{a"),
            ("hex", "0123456789ABCDEF"),
            ("hex", "0123"),
            ("operation", "REST"),
            ("operation", "rest.GET"),
            ("operation", "REST."),
            ("part", "/"),
            ("letters", "-----"),
            ("letters", "-"),
            ("address", "web"),
            ("address", "7"),
            ("address", "fe80::1%eth0"),
            ("header", "haproxy[]: x"),
            ("header", "haproxy[1] x"),
            ("header", "<1>haproxy[1]: x"),
            ("form:0000-00", "2025-1"),
            ("bracketed_form:00/Aaa", "[22/Nov"),
        ] {
            assert_eq!(taken(name, line), None, "{name}");
        }
        assert!(Shape::of_name("other").is_none() && Shape::of_name("integer:19").is_none());
    }

    #[test]
    fn times_are_of_one_form() {
        let time = *b"[10/Oct/2025:13:55:36 -0700]";
        assert!(is_time(&time));
        for place in 0..time.len() {
            for byte in 0..=u8::MAX {
                let mut text = time;
                text[place] = byte;
                assert_eq!(is_time(&text), is_like(&text, TIME), "{place}, {byte}");
            }
        }
    }

    #[test]
    fn words_end_at_a_space() {
        for (text, size) in [("", 0), (" ", 0), ("- -", 1), ("  a", 0), (" a", 0), ("a", 1), ("ab c", 2), ("é x", 2)] {
            assert_eq!(word_size(text.as_bytes()), size, "{text}");
        }
    }

    #[test]
    fn addresses_of_ipv6_are_hosts() {
        assert!(is_host(b"2001:db8::7"));
        assert!(is_host(b"::1"));
        assert!(!is_host(b"2001:db8::7]"));
        assert!(!is_host(b"1.2::"));
        assert!(!is_host(b""));
    }
}
