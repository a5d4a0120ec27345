//! Lines that Python refuses for one reason: their JSON is written here.

use crate::batch::{Batch, Line};
use crate::scan::BYTE_ORDER_MARK;

impl Batch {
    /// Puts in lines that are refused. False: one of them is not a line that Python reads.
    ///
    /// `after` is what follows a line's text in its JSON: the reason, and the line end.
    #[must_use]
    pub fn put_refused(&mut self, lines: &[usize], after: &str) -> bool {
        for &line in lines {
            let Some(placed) = self.lines.get_mut(line) else { return false };
            let Line::Other(other) = placed.line else { return false };
            let from = self.json.len() as u32;
            self.json.extend_from_slice(b"{\"unparsed\":\"");
            write_text(&self.text[self.others[other as usize].text.clone()], &mut self.json);
            self.json.push(b'"');
            self.json.extend_from_slice(after.as_bytes());
            (placed.line, placed.json) = (Line::Refused, (from, self.json.len() as u32));
        }
        true
    }
}

/// Writes a line's text as JSON's string without its quotes: without a byte order mark at its beginning, and `\xHH` for
/// each byte that is not UTF-8 (`to_text` in `transform/records.py`).
fn write_text(line: &[u8], out: &mut Vec<u8>) {
    for chunk in line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line).utf8_chunks() {
        write_valid(chunk.valid().as_bytes(), out);
        for byte in chunk.invalid() {
            out.extend_from_slice(b"\\\\x");
            write_hex(*byte, out);
        }
    }
}

fn write_valid(text: &[u8], out: &mut Vec<u8>) {
    let mut start = 0;
    for (position, &byte) in text.iter().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.extend_from_slice(&text[start..position]);
        start = position + 1;
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            0x08 => out.extend_from_slice(b"\\b"),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'\n' => out.extend_from_slice(b"\\n"),
            0x0c => out.extend_from_slice(b"\\f"),
            b'\r' => out.extend_from_slice(b"\\r"),
            _ => {
                out.extend_from_slice(b"\\u00");
                write_hex(byte, out);
            }
        }
    }
    out.extend_from_slice(&text[start..]);
}

fn write_hex(byte: u8, out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.extend([DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
}

#[cfg(test)]
mod tests {
    use super::write_text;
    use crate::scan::tests::{batch, columns, limits};

    #[test]
    fn texts_are_written_as_json() {
        for (line, json) in [
            (&b"a b"[..], "a b"),
            (b"\"\\", "\\\"\\\\"),
            (b"\x00\x08\t\n\x0b\x0c\r\x1f\x7f", "\\u0000\\b\\t\\n\\u000b\\f\\r\\u001f\u{7f}"),
            ("é\u{2028}\u{1f600}".as_bytes(), "é\u{2028}\u{1f600}"),
            (b"\xff\xe2\x82x\xf0\x9f\x98", "\\\\xff\\\\xe2\\\\x82x\\\\xf0\\\\x9f\\\\x98"),
            ("\u{feff}\u{feff}a".as_bytes(), "\u{feff}a"),
            (b"", ""),
        ] {
            let mut out = Vec::new();
            write_text(line, &mut out);
            assert_eq!(String::from_utf8(out).expect("text"), json);
        }
    }

    #[test]
    fn refused_lines_stand_in_their_order() {
        let mut batch = batch(&[b"x 1\n?\xff\ny 2\n\nz", b"w"]);
        assert!(batch.scan(&columns(), &limits()).is_some());
        assert!(batch.put_refused(&[1, 4], ",\"reason\":\"r\"}\n"));
        assert!(batch.put_refused(&[5], ",\"reason\":\"s\"}\n"));
        assert!(!batch.put_refused(&[0], "}") && !batch.put_refused(&[1], "}") && !batch.put_refused(&[9], "}"));
        let mut buffer = Vec::new();
        let (json, rows) = batch.answer(0, &mut buffer);
        let expected = "{\"a\":\"x\",\"b\":1}\n{\"unparsed\":\"?\\\\xff\",\"reason\":\"r\"}\n{\"a\":\"y\",\"b\":2}\n\
            {\"unparsed\":\"z\",\"reason\":\"r\"}\n";
        assert_eq!((std::str::from_utf8(json).expect("text"), rows), (expected, 2));
        assert_eq!(batch.answer(1, &mut Vec::new()), (&b"{\"unparsed\":\"w\",\"reason\":\"s\"}\n"[..], 0));
    }
}
