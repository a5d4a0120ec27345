//! A layout: the columns of a plain line, and how a line is matched against them.
//!
//! A line is taken only if every column has the form that Python's scanner takes, and is certain to. What remains is
//! decided by the scanner itself, so a shape may be narrower than its pattern, never wider.

use memchr::{memchr, memchr2, memchr2_iter};

/// What a column's value looks like.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
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
            "escapable" => Self::Escapable,
            "time" => Self::Time,
            "decimal" => Self::Decimal,
            "iso_time" => Self::IsoTime,
            "path" => Self::Path,
            "scheme" => Self::Scheme,
            "never" => Self::Never,
            _ => Self::Integer(name.strip_prefix("integer:")?.parse().ok().filter(|digits| *digits <= 18)?),
        })
    }

    fn is_number(self) -> bool {
        matches!(self, Self::Status | Self::Integer(_) | Self::Decimal)
    }

    /// The bounds of the value at `start`, and where the column ends; `None` if it is not certain to have this shape.
    fn take(self, line: &[u8], start: usize) -> Option<(usize, usize, usize)> {
        let rest = &line[start..];
        match self {
            Self::Host => {
                let size = word_size(rest);
                is_host(&rest[..size]).then_some((start, start + size, start + size))
            }
            Self::Ident | Self::User => {
                let size = word_size(rest);
                let word = &rest[..size];
                let is_certain = if self == Self::Ident { is_ident(word) } else { is_user(word) };
                is_certain.then_some((start, start + size, start + size))
            }
            Self::BracketedTime => {
                let end = start + TIME.len();
                is_like(line.get(start..end)?, TIME).then_some((start + 1, end - 1, end))
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
                is_integer(&rest[..size], digits).then_some((start, start + size, start + size))
            }
            Self::Decimal => {
                let size = number_size(rest);
                is_decimal(&rest[..size]).then_some((start, start + size, start + size))
            }
            Self::Word => {
                let size = word_size(rest);
                let is_word = size > 0 && is_unescaped(&rest[..size]);
                is_word.then_some((start, start + size, start + size))
            }
            Self::IsoTime | Self::Path | Self::Scheme => {
                let size = word_size(rest);
                let word = &rest[..size];
                let is_one = match self {
                    Self::IsoTime => is_iso_time(word),
                    Self::Path => is_path(word),
                    _ => matches!(word, b"http" | b"https" | b"h2" | b"grpcs" | b"ws" | b"wss"),
                };
                is_one.then_some((start, start + size, start + size))
            }
            Self::Never => None,
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
}

/// What each byte of a time looks like: `0` any digit, `A` a capital, `a` a small letter, `+` a sign.
const TIME: &[u8; 28] = b"[00/Aaa/0000:00:00:00 +0000]";

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
    memchr(b' ', rest).unwrap_or(rest.len())
}

/// Whether a text needs no escape in JSON. All of it is looked at, which compilers turn into a few wide instructions.
fn is_unescaped(text: &[u8]) -> bool {
    let is_other = |byte: u8| u8::from(byte < 0x20) | u8::from(byte == b'"') | u8::from(byte == b'\\');
    text.iter().fold(0, |others, &byte| others | is_other(byte)) == 0
}

pub(crate) fn is_like(text: &[u8], form: &[u8]) -> bool {
    text.iter().zip(form).all(|(&byte, &form)| match form {
        b'0' => byte.is_ascii_digit(),
        b'A' => byte.is_ascii_uppercase(),
        b'a' => byte.is_ascii_lowercase(),
        b'+' => byte == b'+' || byte == b'-',
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

/// A value's place in the text: where it begins, and where it ends.
pub type Span = (u32, u32);

/// A column as Python describes it.
#[derive(Clone, Debug)]
pub struct Described {
    /// The field's name.
    pub name: String,
    /// What its value looks like.
    pub shape: Shape,
    /// The text before it.
    pub before: String,
    /// Whether `-` is null; if not, a line with it is left.
    pub is_nullable: bool,
    /// Whether it may be missing, together with all columns after it; it is null then.
    pub is_optional: bool,
}

struct Column {
    shape: Shape,
    literal: Vec<u8>,
    is_nullable: bool,
    is_optional: bool,
    /// What is written before the value, with the quote of a text.
    before: Vec<u8>,
    /// The same before a null.
    before_null: Vec<u8>,
}

/// The text in which all spans are begins with this: the value of a column that is missing.
pub const MISSING: &[u8] = b"-";
const MISSING_SPAN: Span = (0, 1);

/// The columns of a plain line.
pub struct Columns {
    all: Vec<Column>,
    end: Vec<u8>,
    /// Whether values with escapes are taken: they are passed on unmodified.
    has_escapes: bool,
}

impl Columns {
    /// These columns, and the text after them; `None` if a name would need an escape in JSON, or there is no column.
    #[must_use]
    pub fn new(described: &[Described], end: &str, has_escapes: bool) -> Option<Self> {
        if described.is_empty() || described.iter().any(|column| !is_unescaped(column.name.as_bytes())) {
            return None;
        }
        let columns = described.iter().enumerate().map(|(index, column)| {
            let Described { name, shape, is_nullable, is_optional, .. } = column;
            let before_null = format!("{}\"{name}\":", if index == 0 { '{' } else { ',' }).into_bytes();
            let mut before = before_null.clone();
            if !shape.is_number() {
                before.push(b'"');
            }
            let literal = column.before.clone().into_bytes();
            let (shape, is_nullable, is_optional) = (*shape, *is_nullable, *is_optional);
            Column { shape, literal, is_nullable, is_optional, before, before_null }
        });
        Some(Self { all: columns.collect(), end: end.as_bytes().to_vec(), has_escapes })
    }

    /// How many columns there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there are none, which `new` does not allow.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Appends the spans of a plain line's values. False: the line is not certain to be plain, and nothing is appended.
    ///
    /// `offset` is where the line begins in the text that spans refer to. The line is valid UTF-8.
    #[must_use]
    pub fn take(&self, line: &[u8], offset: u32, spans: &mut Vec<Span>) -> bool {
        let before = spans.len();
        if !self.has_escapes && memchr(b'\\', line).is_some() {
            return false;
        }
        let is_plain = self.take_all(line, offset, spans).is_some();
        if !is_plain {
            spans.truncate(before);
        }
        is_plain
    }

    fn take_all(&self, line: &[u8], offset: u32, spans: &mut Vec<Span>) -> Option<()> {
        let mut position = 0;
        for column in &self.all {
            if column.is_optional && line[position..] == self.end[..] {
                spans.push(MISSING_SPAN);
                continue;
            }
            if !line[position..].starts_with(&column.literal) {
                return None;
            }
            let (start, end, after) = column.shape.take(line, position + column.literal.len())?;
            if !column.is_nullable && &line[start..end] == b"-" {
                return None;
            }
            spans.push((offset + start as u32, offset + end as u32));
            position = after;
        }
        (line[position..] == self.end[..]).then_some(())
    }

    /// Writes the JSON of a plain line, with its line end.
    pub fn write(&self, text: &[u8], spans: &[Span], out: &mut Vec<u8>) {
        for (column, &(start, end)) in self.all.iter().zip(spans) {
            let value = &text[start as usize..end as usize];
            if value == b"-" {
                out.extend_from_slice(&column.before_null);
                out.extend_from_slice(b"null");
                continue;
            }
            out.extend_from_slice(&column.before);
            match column.shape {
                Shape::Quoted | Shape::Escapable if memchr(b'\\', value).is_some() => write_escaped(value, out),
                Shape::Decimal => write_decimal(value, out),
                _ => out.extend_from_slice(value),
            }
            if !column.shape.is_number() {
                out.push(b'"');
            }
        }
        out.extend_from_slice(b"}\n");
    }
}

/// A decimal number as JSON's writer writes a double: one digit at least after the point, and no zero after it.
fn write_decimal(value: &[u8], out: &mut Vec<u8>) {
    if !value.contains(&b'.') {
        out.extend_from_slice(value);
        out.extend_from_slice(b".0");
        return;
    }
    let zeros = value.iter().rev().take_while(|&&byte| byte == b'0').count();
    let end = value.len() - zeros;
    out.extend_from_slice(&value[..end]);
    if value[end - 1] == b'.' {
        out.push(b'0');
    }
}

/// A text as JSON writes it, without control characters in it.
fn write_escaped(value: &[u8], out: &mut Vec<u8>) {
    let mut start = 0;
    for position in memchr2_iter(b'"', b'\\', value) {
        out.extend_from_slice(&value[start..position]);
        out.push(b'\\');
        start = position;
    }
    out.extend_from_slice(&value[start..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn combined(has_escapes: bool) -> Columns {
        let named = [
            ("host", "host"),
            ("ident", "ident"),
            ("authuser", "user"),
            ("datetime", "bracketed_time"),
            ("request", "quoted"),
            ("response", "status"),
            ("bytes", "integer"),
        ];
        columns(&named, has_escapes)
    }

    fn columns(named: &[(&str, &str)], has_escapes: bool) -> Columns {
        let described: Vec<_> = named
            .iter()
            .enumerate()
            .map(|(index, (name, shape))| Described {
                name: (*name).to_owned(),
                shape: Shape::of_name(shape).expect("a shape"),
                before: if index == 0 { "" } else { " " }.to_owned(),
                is_nullable: true,
                is_optional: false,
            })
            .collect();
        Columns::new(&described, "", has_escapes).expect("columns")
    }

    #[test]
    fn decimals_are_written_as_doubles_are() {
        for (text, written) in
            [("0.000", "0.0"), ("0.0100", "0.01"), ("0.000070", "0.00007"), ("5", "5.0"), ("10", "10.0"), ("-", "null")]
        {
            let (columns, mut spans, mut out) = (columns(&[("a", "decimal")], true), Vec::new(), Vec::new());
            assert!(columns.take(text.as_bytes(), 0, &mut spans));
            columns.write(text.as_bytes(), &spans, &mut out);
            assert_eq!(out, format!("{{\"a\":{written}}}\n").into_bytes());
        }
        for text in ["0.000001", "01.5", "1.", ".5", "-1.5", "1.1234567", "--", "1.-", ""] {
            assert!(!is_decimal(text.as_bytes()), "{text}");
        }
    }

    fn json(line: &str) -> Option<String> {
        let (columns, mut spans, mut out) = (combined(true), Vec::new(), Vec::new());
        columns.take(line.as_bytes(), 0, &mut spans).then(|| {
            columns.write(line.as_bytes(), &spans, &mut out);
            String::from_utf8(out).expect("text")
        })
    }

    #[test]
    fn a_plain_line_is_its_json() {
        let line = "192.0.2.1 - ann [10/Oct/2025:13:55:36 -0700] \"GET /é HTTP/1.1\" 200 0";
        let expected = "{\"host\":\"192.0.2.1\",\"ident\":null,\"authuser\":\"ann\",\
            \"datetime\":\"10/Oct/2025:13:55:36 -0700\",\"request\":\"GET /é HTTP/1.1\",\"response\":200,\"bytes\":0}\n";
        assert_eq!(json(line).as_deref(), Some(expected));
    }

    #[test]
    fn lines_that_need_more_are_left() {
        let time = "[10/Oct/2025:13:55:36 -0700]";
        for line in [
            format!("192.0.2.1 - - {time} \"GET /\\\" 200 1"),
            format!("192.0.2.1 - - {time} \"GET /\t\" 200 1"),
            format!("192.0.2.1 - - {time} \"GET /\" 099 1"),
            format!("192.0.2.1 - - {time} \"GET /\" 200 01"),
            format!("192.0.2.1 - - {time} \"GET /\" 200 1 "),
            format!("192.0.2.1 - 192.0.2.2 {time} \"GET /\" 200 1"),
            format!("192.0.2.1 - ann lee {time} \"GET /\" 200 1"),
            format!("192.0.2.1,192.0.2.2 - - {time} \"GET /\" 200 1"),
            "192.0.2.1 - - [10/oct/2025:13:55:36 -0700] \"GET /\" 200 1".to_owned(),
            String::new(),
            "\"".to_owned(),
        ] {
            assert_eq!(json(&line), None, "{line}");
        }
    }

    #[test]
    fn escapes_are_passed_on_where_they_are_allowed() {
        let line = r#"h - - [10/Oct/2025:13:55:36 -0700] "GET /\"q\" \\" 200 -"#;
        let value = r#""request":"GET /\\\"q\\\" \\\\","#;
        assert!(json(line).expect("taken").contains(value));
        assert!(!combined(false).take(line.as_bytes(), 0, &mut Vec::new()));
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
