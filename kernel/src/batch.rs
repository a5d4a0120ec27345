//! A batch: its records decoded, their lines, and the JSON of those that are plain.
//!
//! Nothing here knows Python. What Python reads itself (records that are not plain, lines that are not plain) it puts
//! in afterwards, so that counts and answers are made in the order of the lines.

use std::mem::size_of;
use std::ops::Range;

use crate::layout::{Columns, Span};
use crate::record::{Record, Way};

/// More text than this is left to Python; all offsets fit into 32 bits.
pub const MAX_TEXT_BYTES: usize = 128 * 1024 * 1024;

/// What a line is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Line {
    Empty,
    /// The index of its first span.
    Plain(u32),
    /// Read by Python: where its JSON is in `others`.
    Other(u32),
    /// Refused by Python, with JSON written here.
    Refused,
}

pub(crate) struct Placed {
    pub(crate) line: Line,
    /// Of a plain or refused line: where its JSON is in `json`.
    pub(crate) json: (u32, u32),
}

/// What Python has read of a line.
pub(crate) struct Other {
    /// Where the line is in the text.
    pub(crate) text: Range<usize>,
    pub(crate) json: Vec<u8>,
    pub(crate) rows: u64,
}

/// A batch. `text` holds the data of its records, and whatever is put in later.
#[derive(Default)]
pub struct Batch {
    /// All text that spans refer to.
    pub text: Vec<u8>,
    /// Its records.
    pub records: Vec<Record>,
    /// How many lines are plain.
    pub plain_lines: u64,
    /// How many lines are empty.
    pub empty_lines: u64,
    pub(crate) spans: Vec<Span>,
    pub(crate) lines: Vec<Placed>,
    pub(crate) json: Vec<u8>,
    pub(crate) others: Vec<Other>,
}

impl Batch {
    /// The batch without content, for another event: to have new memory for each costs more than to scan its lines.
    #[must_use]
    pub fn emptied(mut self) -> Self {
        self.text.clear();
        self.records.clear();
        self.spans.clear();
        self.lines.clear();
        self.json.clear();
        self.others.clear();
        (self.plain_lines, self.empty_lines) = (0, 0);
        self
    }

    /// How much memory its largest parts hold.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.text.capacity() + self.json.capacity() + self.spans.capacity() * size_of::<Span>()
    }

    /// Puts in the JSON of a line that Python has read, and how many rows it is. False: there is no such line.
    #[must_use]
    pub fn put_line(&mut self, line: usize, json: &str, rows: u64) -> bool {
        let Some(Placed { line: Line::Other(other), .. }) = self.lines.get(line) else {
            return false;
        };
        let other = &mut self.others[*other as usize];
        (other.json, other.rows) = (json.as_bytes().to_vec(), rows);
        true
    }

    /// Puts in the values of a line that Python's scanner has taken. False: there is no such line.
    #[must_use]
    pub fn put_plain<'a>(&mut self, line: usize, values: impl Iterator<Item = &'a str>, columns: &Columns) -> bool {
        let first = self.spans.len();
        for value in values {
            let start = self.text.len() as u32;
            self.text.extend_from_slice(value.as_bytes());
            self.spans.push((start, self.text.len() as u32));
        }
        let is_other = matches!(self.lines.get(line), Some(Placed { line: Line::Other(_), .. }));
        if !is_other || self.spans.len() - first != columns.len() || self.text.len() > MAX_TEXT_BYTES {
            return false;
        }
        let from = self.json.len() as u32;
        columns.write(&self.text, &self.spans[first..], &mut self.json);
        self.lines[line] = Placed { line: Line::Plain(first as u32), json: (from, self.json.len() as u32) };
        self.plain_lines += 1;
        true
    }

    /// Puts in the JSON of a record that Python has read, and how many rows it holds. False: there is no such record.
    #[must_use]
    pub fn put_record(&mut self, index: usize, json: &str, rows: u64) -> bool {
        match self.records.get_mut(index) {
            Some(record) if record.way == Way::Whole => {
                record.whole = Some((json.as_bytes().to_vec(), rows));
                true
            }
            _ => false,
        }
    }

    /// The first spans of all plain lines, in order.
    #[must_use]
    pub fn plain(&self) -> Vec<u32> {
        let first = |placed: &Placed| if let Line::Plain(first) = placed.line { Some(first) } else { None };
        self.lines.iter().filter_map(first).collect()
    }

    /// The same for the lines of some records: the first one, and the one after the last.
    #[must_use]
    pub fn plain_of(&self, first: usize, end: usize) -> Vec<u32> {
        let first_of = |placed: &Placed| if let Line::Plain(first) = placed.line { Some(first) } else { None };
        let records = self.records.get(first..end).unwrap_or_default();
        records.iter().flat_map(|record| &self.lines[record.lines.clone()]).filter_map(first_of).collect()
    }

    /// The plain lines of some records: the record's index, the line's number in it, and its first span.
    pub fn plain_lines_of(&self, first: usize, end: usize) -> impl Iterator<Item = (usize, usize, u32)> {
        let records = self.records.get(first..end).unwrap_or_default().iter().enumerate();
        records.flat_map(move |(index, record)| {
            let lines = self.lines[record.lines.clone()].iter().enumerate();
            lines.filter_map(move |(number, placed)| match placed.line {
                Line::Plain(span) => Some((first + index, number, span)),
                _ => None,
            })
        })
    }

    /// The first span of each line, in order; `None`: it is not plain.
    pub fn firsts(&self) -> impl Iterator<Item = Option<u32>> {
        self.lines.iter().map(|placed| if let Line::Plain(first) = placed.line { Some(first) } else { None })
    }

    /// All spans: those of a line are together.
    #[must_use]
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// A record's JSON, and how many rows it holds. The JSON is put together in `buffer` unless it is in one piece.
    pub fn answer<'a>(&'a self, index: usize, buffer: &'a mut Vec<u8>) -> (&'a [u8], u64) {
        let record = &self.records[index];
        if let Some((json, rows)) = &record.whole {
            return (json, *rows);
        }
        let lines = &self.lines[record.lines.clone()];
        let (Some(first), Some(last)) = (lines.first(), lines.last()) else {
            return (&[], 0);
        };
        if lines.iter().all(|placed| !matches!(placed.line, Line::Other(_))) && is_adjacent(lines) {
            let rows = lines.iter().filter(|placed| matches!(placed.line, Line::Plain(_))).count() as u64;
            return (&self.json[first.json.0 as usize..last.json.1 as usize], rows);
        }
        buffer.clear();
        let mut rows = 0;
        for placed in lines {
            match placed.line {
                Line::Empty => {}
                Line::Plain(_) => {
                    buffer.extend_from_slice(&self.json[placed.json.0 as usize..placed.json.1 as usize]);
                    rows += 1;
                }
                Line::Refused => {
                    buffer.extend_from_slice(&self.json[placed.json.0 as usize..placed.json.1 as usize]);
                }
                Line::Other(other) => {
                    let other = &self.others[other as usize];
                    buffer.extend_from_slice(&other.json);
                    rows += other.rows;
                }
            }
        }
        (buffer, rows)
    }
}

/// Whether the JSON of the lines is in one piece: a line that was put in later has its own at the end.
fn is_adjacent(lines: &[Placed]) -> bool {
    lines.windows(2).all(|pair| pair[0].json.1 == pair[1].json.0)
}

#[cfg(test)]
mod tests {
    use crate::record::Pending;
    use crate::scan::tests::{batch, columns, limits};

    #[test]
    fn lines_of_python_stand_in_their_order() {
        let mut batch = batch(&[b"x 1\n?\r\ny 2\r\n", b"", b"\n\n", b"z 3\n[q] 4"]);
        let pending = batch.scan(&columns(), &limits()).expect("few empty lines");
        let Pending::Others(first) = &pending[0] else { panic!("lines") };
        assert_eq!(&batch.text[first[0].text.clone()], b"?");
        let Pending::Others(second) = &pending[1] else { panic!("lines") };
        assert!(batch.put_line(1, "{\"unparsed\":\"?\"}\n", 0));
        assert!(batch.put_plain(second[0].line, ["[q]", "-"].into_iter(), &columns()));
        assert!(!batch.put_line(0, "", 0));
        let mut buffer = Vec::new();
        let answers: Vec<_> = (0..4)
            .map(|index| {
                let (json, rows) = batch.answer(index, &mut buffer);
                (String::from_utf8(json.to_vec()).expect("text"), rows)
            })
            .collect();
        assert_eq!(answers[0].0, "{\"a\":\"x\",\"b\":1}\n{\"unparsed\":\"?\"}\n{\"a\":\"y\",\"b\":2}\n");
        assert_eq!(answers[1], (String::new(), 0));
        assert_eq!(answers[3], ("{\"a\":\"z\",\"b\":3}\n{\"a\":\"[q]\",\"b\":null}\n".to_owned(), 2));
        assert_eq!((answers[0].1, batch.plain_lines, batch.empty_lines), (2, 4, 2));
    }
}
