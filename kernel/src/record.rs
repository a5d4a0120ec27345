//! Records, and what of them Python reads.

use std::ops::Range;

use crate::w3c::Directive;

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
    pub(crate) lines: Range<usize>,
    pub(crate) whole: Option<(Vec<u8>, u64)>,
}

impl Record {
    /// A record whose lines are read here.
    #[must_use]
    pub fn new(arrival: i64, data: Range<usize>) -> Self {
        Self { arrival, payload: data.clone(), data, way: Way::Lines, lines: 0..0, whole: None }
    }
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
    /// None: the lines of the records from the first to the one before the second have been read.
    Scanned(usize, usize),
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
    /// Under which header line entries are plain; `None`: there are none.
    pub directive: Option<Directive>,
    /// Whether it is said which records have been scanned, each time after the lines of theirs that Python reads.
    pub says_scanned: bool,
}
