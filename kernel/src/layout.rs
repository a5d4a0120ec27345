//! A layout: the columns of a plain line, and how a line is matched against them.
//!
//! A line is taken only if every column has the form that Python's scanner takes, and is certain to. What remains is
//! decided by the scanner itself.

use memchr::{memchr, memchr2, memchr2_iter};

use crate::shape::{Shape, is_unescaped};
use crate::text::{begins_with, is_same};

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
    /// Whether it may be missing.
    pub presence: Presence,
}

/// Whether a column may be missing, and what that means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Presence {
    /// It is in every line.
    Always,
    /// It may be missing together with all columns after it; it is null then.
    OrNull,
    /// The same, but the row does not have it then.
    OrAbsent,
    /// The row does not have it if the column before is missing; else it is there.
    With,
    /// It may be missing by itself; it is null then.
    Apart,
}

impl Presence {
    /// The presence of this name; `None` if there is none.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Some(match name {
            "always" => Self::Always,
            "or_null" => Self::OrNull,
            "or_absent" => Self::OrAbsent,
            "with" => Self::With,
            "apart" => Self::Apart,
            _ => return None,
        })
    }

    fn is_in_row(self) -> bool {
        !matches!(self, Self::OrAbsent | Self::With)
    }
}

struct Column {
    shape: Shape,
    literal: Vec<u8>,
    is_nullable: bool,
    presence: Presence,
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
        let has_first = described.first().is_some_and(|first| first.presence.is_in_row());
        if !has_first || described.iter().any(|column| !is_unescaped(column.name.as_bytes())) {
            return None;
        }
        let columns = described.iter().enumerate().map(|(index, column)| {
            let Described { name, shape, is_nullable, presence, .. } = column;
            let before_null = format!("{}\"{name}\":", if index == 0 { '{' } else { ',' }).into_bytes();
            let mut before = before_null.clone();
            if !shape.is_number() {
                before.push(b'"');
            }
            let literal = column.before.clone().into_bytes();
            let (shape, is_nullable, presence) = (shape.clone(), *is_nullable, *presence);
            Column { shape, literal, is_nullable, presence, before, before_null }
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
        let (mut position, mut is_missing) = (0, false);
        for column in &self.all {
            let rest = &line[position..];
            let is_there = begins_with(rest, &column.literal);
            is_missing = match column.presence {
                Presence::Always => false,
                Presence::OrNull | Presence::OrAbsent => is_same(rest, &self.end),
                Presence::With => is_missing,
                Presence::Apart => !is_there || column.shape.lacks(&rest[column.literal.len()..]),
            };
            if is_missing {
                spans.push(MISSING_SPAN);
                continue;
            }
            if !is_there {
                return None;
            }
            let (start, end, after) = column.shape.take(line, position + column.literal.len())?;
            if !column.is_nullable && &line[start..end] == b"-" {
                return None;
            }
            spans.push((offset + start as u32, offset + end as u32));
            position = after;
        }
        is_same(&line[position..], &self.end).then_some(())
    }

    /// Writes the JSON of a plain line, with its line end.
    pub fn write(&self, text: &[u8], spans: &[Span], out: &mut Vec<u8>) {
        for (column, &(start, end)) in self.all.iter().zip(spans) {
            let value = &text[start as usize..end as usize];
            if (start, end) == MISSING_SPAN && !column.presence.is_in_row() {
                continue;
            }
            if value == b"-" {
                out.extend_from_slice(&column.before_null);
                out.extend_from_slice(b"null");
                continue;
            }
            out.extend_from_slice(&column.before);
            match column.shape {
                Shape::Quoted | Shape::Escapable | Shape::QuotedOrDash if memchr(b'\\', value).is_some() => {
                    write_escaped(value, out);
                }
                Shape::Cell | Shape::Unescaped | Shape::Braced if memchr2(b'"', b'\\', value).is_some() => {
                    write_escaped(value, out);
                }
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
                presence: Presence::Always,
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
}
