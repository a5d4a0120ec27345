//! Reading the lines of a batch.

use memchr::memchr_iter;
use memchr::memmem::Finder;

use crate::batch::{Batch, Line, Other, Placed};
use crate::layout::Columns;
use crate::record::{Limits, OtherLine, Pending, Way};
use crate::text::begins_with;
use crate::w3c::Directive;

pub(crate) const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

impl Batch {
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
        let scanned = chunk.first().copied().zip(chunk.last().map(|last| last + 1));
        for index in chunk {
            let empty_lines = self.empty_lines;
            self.scan_record(index, columns, limits.directive.as_ref(), &mut others);
            if self.empty_lines - empty_lines > limits.empty_lines as u64 {
                return None;
            }
        }
        if !others.is_empty() {
            pending.push(Pending::Others(others));
        }
        if let Some((first, end)) = scanned.filter(|_| limits.says_scanned) {
            pending.push(Pending::Scanned(first, end));
        }
        Some(())
    }

    fn scan_record(
        &mut self,
        index: usize,
        columns: &Columns,
        directive: Option<&Directive>,
        others: &mut Vec<OtherLine>,
    ) {
        let mut is_in_force = directive.is_none_or(Directive::is_first);
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
                let is_entry = is_in_force && !(directive.is_some() && line.starts_with(b"#"));
                if is_entry && is_text && columns.take(line, start as u32, &mut self.spans) {
                    columns.write(&self.text, &self.spans[spans as usize..], &mut self.json);
                    self.plain_lines += 1;
                    Line::Plain(spans)
                } else {
                    is_in_force = directive.is_none_or(|directive| directive.after(line, is_in_force));
                    let text = start..start + line.len();
                    self.others.push(Other { text: text.clone(), json: Vec::new(), rows: 0 });
                    others.push(OtherLine { line: self.lines.len(), record: index, number, text });
                    Line::Other(self.others.len() as u32 - 1)
                }
            };
            self.lines.push(Placed { line: placed, json: (from, self.json.len() as u32) });
            start = stop + 1;
        }
        record.lines = first..self.lines.len();
    }
}

/// Whether a line begins with one of these texts.
fn has_line_of(payload: &[u8], beginnings: &[Vec<u8>]) -> bool {
    let starts = || memchr_iter(b'\n', payload).map(|position| position + 1);
    beginnings.iter().any(|beginning| {
        begins_with(payload, beginning) || starts().any(|start| begins_with(&payload[start..], beginning))
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::layout::{Described, Presence};
    use crate::record::Record;
    use crate::shape::Shape;

    pub(crate) fn batch(payloads: &[&[u8]]) -> Batch {
        let mut batch = Batch::default();
        for payload in payloads {
            let start = batch.text.len();
            batch.text.extend_from_slice(payload);
            batch.records.push(Record::new(0, start..batch.text.len()));
        }
        batch
    }

    pub(crate) fn columns() -> Columns {
        let described = [("a", Shape::Host, ""), ("b", Shape::Integer(18), " ")].map(|(name, shape, before)| {
            let presence = Presence::Always;
            Described { name: name.to_owned(), shape, before: before.to_owned(), is_nullable: true, presence }
        });
        Columns::new(&described, "", true).expect("columns")
    }

    pub(crate) fn limits() -> Limits {
        Limits {
            chunk_bytes: 8,
            empty_lines: 2,
            marks_of_parts: vec![b" stdout P".to_vec()],
            beginnings: vec![b"#".to_vec()],
            directive: None,
            says_scanned: false,
        }
    }

    #[test]
    fn parts_and_many_empty_lines_are_left() {
        let mut with_parts = batch(&[b"x 1", b"2025 stdout P abc"]);
        let pending = with_parts.scan(&columns(), &limits()).expect("few empty lines");
        assert!(matches!(&pending[..], [Pending::Parts(records)] if records == &[0, 1]));
        assert!(batch(&[b"\n\n\n\n"]).scan(&columns(), &limits()).is_none());
    }

    #[test]
    fn what_is_scanned_is_said() {
        let mut batch = batch(&[b"x 1\n?", b"", b"y 2\nz 3\nz 4", b"#", b"z 5"]);
        let pending = batch.scan(&columns(), &Limits { says_scanned: true, ..limits() }).expect("few empty lines");
        assert!(matches!(
            &pending[..],
            [Pending::Others(_), Pending::Scanned(0, 3), Pending::Whole(3), Pending::Scanned(4, 5)]
        ));
        assert_eq!(
            batch.plain_lines_of(0, 3).map(|(record, number, _)| (record, number)).collect::<Vec<_>>(),
            [(0, 0), (2, 0), (2, 1), (2, 2)]
        );
        assert_eq!(batch.plain_lines_of(3, 9).count(), 0);
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
