//! A batch: its records decoded, their lines, and the JSON of those that are plain.
//!
//! Nothing here knows Python. What Python reads itself (records that are not plain, lines that are not plain) it puts
//! in afterwards, so that counts and answers are made in the order of the lines.

use std::mem::size_of;
use std::ops::Range;

use memchr::memchr_iter;
use memchr::memmem::Finder;

use crate::layout::{Columns, Span};

/// More text than this is left to Python; all offsets fit into 32 bits.
pub const MAX_TEXT_BYTES: usize = 128 * 1024 * 1024;
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// How a record is read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Way {
    /// Its lines are read here, together with those of other records.
    Lines,
    /// Python reads it as a whole.
    Whole,
}

/// A record's places in the batch.
#[derive(Debug)]
pub struct Record {
    /// Its arrival, in ms since the epoch.
    pub arrival: i64,
    /// Its data in the text: what the digest is made of.
    pub data: Range<usize>,
    /// What holds its lines in the text.
    pub payload: Range<usize>,
    /// How it is read.
    pub way: Way,
    lines: Range<usize>,
    whole: Option<(Vec<u8>, u64)>,
}

impl Record {
    /// A record whose lines are read here.
    #[must_use]
    pub fn new(arrival: i64, data: Range<usize>) -> Self {
        Self { arrival, payload: data.clone(), data, way: Way::Lines, lines: 0..0, whole: None }
    }
}

/// What a line is.
#[derive(Clone, Copy, Debug)]
enum Line {
    Empty,
    /// The index of its first span.
    Plain(u32),
    /// Read by Python: where its JSON is in `others`.
    Other(u32),
}

struct Placed {
    line: Line,
    /// Of a plain line: where its JSON is in `json`.
    json: (u32, u32),
}

/// A line that Python reads.
#[derive(Debug)]
pub struct OtherLine {
    /// Its index in the batch.
    pub line: usize,
    /// Its record's index.
    pub record: usize,
    /// Its number in the record, from 0.
    pub number: usize,
    /// Its text without its line end.
    pub text: Range<usize>,
}

/// What Python has to read, in order.
#[derive(Debug)]
pub enum Pending {
    /// A record as a whole.
    Whole(usize),
    /// Records whose lines may be parts of longer ones.
    Parts(Vec<usize>),
    /// Lines.
    Others(Vec<OtherLine>),
}

/// The limits of what is read at once.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of text that are scanned together.
    pub chunk_bytes: usize,
    /// Empty lines of a record; with more of them, it is read by Python.
    pub empty_lines: usize,
    /// What a line holds that may be a part of a longer one.
    pub marks_of_parts: Vec<Vec<u8>>,
    /// What lines begin with that Python has to see among all lines of their record, such as header lines.
    pub beginnings: Vec<Vec<u8>>,
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
    spans: Vec<Span>,
    lines: Vec<Placed>,
    json: Vec<u8>,
    others: Vec<(Vec<u8>, u64)>,
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

    /// Reads the lines of all records whose way is `Lines`; returns what Python has to read.
    ///
    /// `None`: a record has too many empty lines.
    pub fn scan(&mut self, columns: &Columns, limits: &Limits) -> Option<Vec<Pending>> {
        let finders: Vec<Finder<'_>> = limits.marks_of_parts.iter().map(Finder::new).collect();
        let mut pending = Vec::new();
        let mut chunk = Vec::new();
        let mut size = 0;
        self.json.reserve(self.text.len() * 2);
        for index in 0..self.records.len() {
            if has_line_of(&self.text[self.records[index].payload.clone()], &limits.beginnings) {
                self.records[index].way = Way::Whole;
            }
            let record = &self.records[index];
            if record.way == Way::Whole {
                pending.push(Pending::Whole(index));
                continue;
            }
            if record.payload.is_empty() {
                continue;
            }
            size += record.payload.len();
            chunk.push(index);
            if size >= limits.chunk_bytes {
                self.scan_chunk(std::mem::take(&mut chunk), columns, limits, &finders, &mut pending)?;
                size = 0;
            }
        }
        if !chunk.is_empty() {
            self.scan_chunk(chunk, columns, limits, &finders, &mut pending)?;
        }
        Some(pending)
    }

    fn scan_chunk(
        &mut self,
        chunk: Vec<usize>,
        columns: &Columns,
        limits: &Limits,
        finders: &[Finder<'_>],
        pending: &mut Vec<Pending>,
    ) -> Option<()> {
        let payload = |index: &usize| &self.text[self.records[*index].payload.clone()];
        if chunk.iter().any(|index| finders.iter().any(|finder| finder.find(payload(index)).is_some())) {
            for &index in &chunk {
                self.records[index].way = Way::Whole;
            }
            pending.push(Pending::Parts(chunk));
            return Some(());
        }
        let mut others = Vec::new();
        for index in chunk {
            let empty_lines = self.empty_lines;
            self.scan_record(index, columns, &mut others);
            if self.empty_lines - empty_lines > limits.empty_lines as u64 {
                return None;
            }
        }
        if !others.is_empty() {
            pending.push(Pending::Others(others));
        }
        Some(())
    }

    fn scan_record(&mut self, index: usize, columns: &Columns, others: &mut Vec<OtherLine>) {
        let record = &mut self.records[index];
        let mut end = record.payload.end;
        if self.text[record.payload.clone()].ends_with(b"\n") {
            end -= 1;
        }
        let first = self.lines.len();
        let mut start = record.payload.start;
        for (number, stop) in memchr_iter(b'\n', &self.text[start..end])
            .map(|position| record.payload.start + position)
            .chain([end])
            .enumerate()
        {
            let mut line = &self.text[start..stop];
            if let [rest @ .., b'\r'] = line {
                line = rest;
            }
            let from = self.json.len() as u32;
            let placed = if line.is_empty() {
                self.empty_lines += 1;
                Line::Empty
            } else {
                let spans = self.spans.len() as u32;
                let is_text =
                    line.is_ascii() || (!line.starts_with(BYTE_ORDER_MARK) && std::str::from_utf8(line).is_ok());
                if is_text && columns.take(line, start as u32, &mut self.spans) {
                    columns.write(&self.text, &self.spans[spans as usize..], &mut self.json);
                    self.plain_lines += 1;
                    Line::Plain(spans)
                } else {
                    let text = start..start + line.len();
                    others.push(OtherLine { line: self.lines.len(), record: index, number, text });
                    self.others.push((Vec::new(), 0));
                    Line::Other(self.others.len() as u32 - 1)
                }
            };
            self.lines.push(Placed { line: placed, json: (from, self.json.len() as u32) });
            start = stop + 1;
        }
        record.lines = first..self.lines.len();
    }

    /// Puts in the JSON of a line that Python has read, and how many rows it is. False: there is no such line.
    #[must_use]
    pub fn put_line(&mut self, line: usize, json: &str, rows: u64) -> bool {
        let Some(Placed { line: Line::Other(other), .. }) = self.lines.get(line) else {
            return false;
        };
        self.others[*other as usize] = (json.as_bytes().to_vec(), rows);
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
                Line::Other(other) => {
                    let (json, count) = &self.others[other as usize];
                    buffer.extend_from_slice(json);
                    rows += count;
                }
            }
        }
        (buffer, rows)
    }
}

/// Whether a line begins with one of these texts.
fn has_line_of(payload: &[u8], beginnings: &[Vec<u8>]) -> bool {
    let starts = || memchr_iter(b'\n', payload).map(|position| position + 1);
    beginnings.iter().any(|beginning| {
        payload.starts_with(beginning) || starts().any(|start| payload[start..].starts_with(beginning))
    })
}

/// Whether the JSON of the lines is in one piece: a line that was put in later has its own at the end.
fn is_adjacent(lines: &[Placed]) -> bool {
    lines.windows(2).all(|pair| pair[0].json.1 == pair[1].json.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::{Described, Presence};
    use crate::shape::Shape;

    fn batch(payloads: &[&[u8]]) -> Batch {
        let mut batch = Batch::default();
        for payload in payloads {
            let start = batch.text.len();
            batch.text.extend_from_slice(payload);
            batch.records.push(Record::new(0, start..batch.text.len()));
        }
        batch
    }

    fn columns() -> Columns {
        let described = [("a", Shape::Host, ""), ("b", Shape::Integer(18), " ")].map(|(name, shape, before)| {
            let presence = Presence::Always;
            Described { name: name.to_owned(), shape, before: before.to_owned(), is_nullable: true, presence }
        });
        Columns::new(&described, "", true).expect("columns")
    }

    fn limits() -> Limits {
        Limits {
            chunk_bytes: 8,
            empty_lines: 2,
            marks_of_parts: vec![b" stdout P".to_vec()],
            beginnings: vec![b"#".to_vec()],
        }
    }

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

    #[test]
    fn parts_and_many_empty_lines_are_left() {
        let mut with_parts = batch(&[b"x 1", b"2025 stdout P abc"]);
        let pending = with_parts.scan(&columns(), &limits()).expect("few empty lines");
        assert!(matches!(&pending[..], [Pending::Parts(records)] if records == &[0, 1]));
        assert!(batch(&[b"\n\n\n\n"]).scan(&columns(), &limits()).is_none());
    }

    #[test]
    fn records_with_headers_are_left() {
        let mut batch = batch(&[b"x 1\n#a\nx 2", b"x# 1\nx 2#", b"#\n"]);
        let pending = batch.scan(&columns(), &limits()).expect("few empty lines");
        assert!(
            matches!(&pending[..], [Pending::Whole(0), Pending::Others(lines), Pending::Whole(2)] if lines.len() == 2)
        );
    }

    #[test]
    fn bytes_that_are_no_text_are_left() {
        let mut batch = batch(&[b"\xff 1\n\xef\xbb\xbfx 1\n\xc3\xa9 1"]);
        let pending = batch.scan(&columns(), &limits()).expect("few empty lines");
        assert!(matches!(&pending[..], [Pending::Others(lines)] if lines.len() == 2));
        assert_eq!(batch.plain_lines, 1);
    }
}
