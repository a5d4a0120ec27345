//! The JSON of plain partials: `plan/partial_text.py` in Rust.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use crate::digest::hex;

/// A longer key may be one that documents carry in their state only.
const MAX_KEY_BYTES: usize = 8_191;

/// A value of a key.
#[derive(Clone, Copy, Debug)]
pub enum Value<'a> {
    /// NULL.
    Null,
    /// BOOLEAN.
    Bool(bool),
    /// An integer, or a time.
    Integer(i64),
    /// A text.
    Text(&'a str),
}

/// A part of a document.
#[derive(Clone, Debug)]
pub enum Part {
    /// A constant text.
    Text(String),
    /// The text at a position among those of the window, the last of which is its start.
    Window(usize),
    /// A value of the key.
    Key(usize),
    /// A text of the key, cut to so many characters.
    Cut(usize, usize),
    /// A number of the states.
    Number(usize),
    /// A number as a member of `tally.merge`; nothing if it is NULL.
    Member(usize),
    /// How many numbers are not NULL.
    Values,
    /// The window's start, in ISO 8601.
    Since,
    /// The id of the partial.
    PartialId,
    /// The id of its window and key.
    GroupId,
    /// The members about the batch.
    Account,
    /// The key.
    Json,
    /// The key, as a text.
    Merged,
    /// How many rows there are.
    Rows,
    /// How many of them are out of range.
    OutOfRange,
}

/// What the partials of a batch share: see `BatchTexts` of Python.
pub struct Shared {
    /// Of the partial's id, before the window.
    pub partial_start: String,
    /// Of the partial's id, after the key.
    pub partial_end: String,
    /// Of the group's id, before the window.
    pub group_start: String,
    /// The members about the batch.
    pub account: String,
}

/// A partial.
pub struct Partial<'a> {
    /// The window's start, in ms.
    pub start: i64,
    /// The values of the key.
    pub key: &'a [Value<'a>],
    /// The numbers of the states.
    pub numbers: &'a [Option<i64>],
    /// How many rows there are.
    pub rows: i64,
    /// How many of them are out of range.
    pub out_of_range: i64,
}

/// Writes partials one after the other, into one buffer.
#[derive(Default)]
pub struct Writer {
    /// The document that was written last.
    pub document: String,
    json: String,
    merged: String,
    canonical: String,
    hashed: String,
}

impl Writer {
    /// Writes a document. False: it is not plain.
    #[must_use]
    pub fn write(&mut self, parts: &[Part], shared: &Shared, window: &[String], partial: &Partial<'_>) -> bool {
        let Some(since) = window.last() else { return false };
        write_key(partial.key, &mut self.json);
        // -2**63 is written as text by Python.
        if self.json.len() > MAX_KEY_BYTES || partial.numbers.contains(&Some(i64::MIN)) {
            return false;
        }
        self.merged.clear();
        write_text(&self.json, &mut self.merged);
        self.canonical.clear();
        write_canonical(&self.json, &mut self.canonical);
        let partial_id = self.id(&shared.partial_start, partial.start, &shared.partial_end);
        let group_id = self.id(&shared.group_start, partial.start, "]");
        let out = &mut self.document;
        out.clear();
        for part in parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Window(position) => match window.get(*position) {
                    Some(text) => out.push_str(text),
                    None => return false,
                },
                Part::Key(position) => match partial.key.get(*position) {
                    Some(value) => write_value(*value, out),
                    None => return false,
                },
                Part::Cut(position, length) => match partial.key.get(*position) {
                    Some(Value::Text(text)) => {
                        let end = text.char_indices().nth(*length).map_or(text.len(), |(end, _)| end);
                        write_text(&text[..end], out);
                    }
                    Some(Value::Null) => out.push_str("null"),
                    _ => return false,
                },
                Part::Number(position) => match partial.numbers.get(*position) {
                    Some(Some(number)) => write_integer(*number, out),
                    Some(None) => out.push_str("null"),
                    None => return false,
                },
                Part::Member(position) => match partial.numbers.get(*position) {
                    Some(Some(number)) => {
                        let _ = write!(out, ",\"v{position}\":{number}");
                    }
                    Some(None) => {}
                    None => return false,
                },
                Part::Values => {
                    let _ = write!(out, "{}", partial.numbers.iter().flatten().count());
                }
                Part::Since => out.push_str(since),
                Part::PartialId => out.push_str(&partial_id),
                Part::GroupId => out.push_str(&group_id),
                Part::Account => out.push_str(&shared.account),
                Part::Json => out.push_str(&self.json),
                Part::Merged => out.push_str(&self.merged),
                Part::Rows => write_integer(partial.rows, out),
                Part::OutOfRange => write_integer(partial.out_of_range, out),
            }
        }
        true
    }

    fn id(&mut self, start: &str, window: i64, end: &str) -> String {
        let hashed = &mut self.hashed;
        hashed.clear();
        hashed.push_str(start);
        write_integer(window, hashed);
        hashed.push(',');
        hashed.push_str(&self.canonical);
        hashed.push_str(end);
        hex(&Sha256::digest(hashed.as_bytes()))
    }
}

fn write_key(key: &[Value<'_>], out: &mut String) {
    out.clear();
    out.push('[');
    for (position, value) in key.iter().enumerate() {
        if position > 0 {
            out.push(',');
        }
        write_value(*value, out);
    }
    out.push(']');
}

fn write_value(value: Value<'_>, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if value { "true" } else { "false" }),
        Value::Integer(number) => write_integer(number, out),
        Value::Text(text) => write_text(text, out),
    }
}

fn write_integer(number: i64, out: &mut String) {
    let _ = write!(out, "{number}");
}

/// A text as orjson writes it.
fn write_text(text: &str, out: &mut String) {
    out.push('"');
    let mut start = 0;
    for (position, byte) in text.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.push_str(&text[start..position]);
        start = position + 1;
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            0x08 => out.push_str("\\b"),
            0x0c => out.push_str("\\f"),
            _ => {
                let _ = write!(out, "\\u{byte:04x}");
            }
        }
    }
    out.push_str(&text[start..]);
    out.push('"');
}

/// JSON with everything beyond printable ASCII as escapes, as `ids.canonical_json` writes it.
fn write_canonical(json: &str, out: &mut String) {
    if json.bytes().all(|byte| byte < 0x7f) {
        out.push_str(json);
        return;
    }
    let mut units = [0; 2];
    for char in json.chars() {
        if char < '\u{7f}' {
            out.push(char);
            continue;
        }
        for unit in char.encode_utf16(&mut units) {
            let _ = write!(out, "\\u{unit:04x}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(parts: &[Part], key: &[Value<'_>], numbers: &[Option<i64>]) -> Option<String> {
        let empty = String::new;
        let shared =
            Shared { partial_start: "[".into(), partial_end: "]".into(), group_start: empty(), account: empty() };
        let mut writer = Writer::default();
        let partial = Partial { start: 60_000, key, numbers, rows: 3, out_of_range: 1 };
        writer.write(parts, &shared, &["\"w\"".into(), "s".into()], &partial).then_some(writer.document)
    }

    #[test]
    fn parts_stand_in_their_order() {
        let parts =
            [Part::Window(0), Part::Since, Part::Rows, Part::OutOfRange, Part::Values, Part::Json, Part::Merged];
        let key = [Value::Text("a\"\u{1}"), Value::Null, Value::Bool(true), Value::Integer(-1)];
        let written = write(&parts, &key, &[Some(1), None]).expect("plain");
        assert_eq!(written, concat!(r#""w"s311["a\"\u0001",null,true,-1]"#, r#""[\"a\\\"\\u0001\",null,true,-1]""#));
        let members = [Part::Member(0), Part::Member(1), Part::Number(1), Part::Cut(0, 1), Part::Key(1)];
        assert_eq!(write(&members, &key, &[Some(7), None]).as_deref(), Some(",\"v0\":7null\"a\"null"));
    }

    #[test]
    fn what_is_not_plain_is_left() {
        let long = "a".repeat(MAX_KEY_BYTES);
        assert_eq!(write(&[Part::Json], &[Value::Text(&long)], &[]), None);
        assert_eq!(write(&[Part::Json], &[], &[Some(i64::MIN)]), None);
        assert_eq!(write(&[Part::Cut(0, 1)], &[Value::Integer(1)], &[]), None);
        assert_eq!(write(&[Part::Number(3)], &[], &[]), None);
    }

    #[test]
    fn ids_are_of_ascii() {
        let mut canonical = String::new();
        write_canonical("[\"é\u{7f}\u{1f600}\"]", &mut canonical);
        assert_eq!(canonical, "[\"\\u00e9\\u007f\\ud83d\\ude00\"]");
    }
}
