//! Distinct combinations of the values that outputs read, with how often each occurs.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::layout::Span;
use crate::shape::is_like;
use crate::text::is_same;

/// Where the texts of a time have their seconds.
#[derive(Clone, Copy, Debug)]
pub struct SecondsAt {
    /// Of the two digits.
    pub position: usize,
    /// Of a text; 0: of ISO 8601 in UTC, whose text has a fraction and `Z` after the seconds.
    pub length: usize,
}

const ISO_MINUTE: &[u8; 17] = b"0000-00-00T00:00:";

impl SecondsAt {
    /// What stands before and after the seconds, which texts of the same minute have in common; `None`: nothing is known
    /// of the text, such as one with a leap second.
    fn split<'t>(&self, text: &'t [u8]) -> Option<(&'t [u8], &'t [u8])> {
        let (minute, [b'0'..=b'5', ones, rest @ ..]) = text.split_at_checked(self.position)? else { return None };
        if !ones.is_ascii_digit() || !text.is_ascii() {
            return None;
        }
        if self.length > 0 {
            return (text.len() == self.length).then_some((minute, rest));
        }
        let is_minute = minute.len() == ISO_MINUTE.len() && is_like(minute, ISO_MINUTE);
        let is_rest = match rest {
            [b'Z'] => true,
            [b'.', digits @ .., b'Z'] => (1..=9).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit),
            _ => false,
        };
        (is_minute && is_rest).then_some((minute, b""))
    }
}

/// The lines with a combination of values that no earlier one has, and how many lines have it, in the lines' order.
///
/// `lines` are the indices of each line's first span; `positions` say which of its spans are compared. With `seconds`, the
/// first of these is compared without them.
#[must_use]
pub fn count_distinct(
    text: &[u8],
    spans: &[Span],
    lines: &[u32],
    positions: &[usize],
    seconds: Option<SecondsAt>,
) -> Vec<(u32, u64)> {
    let builder = DefaultHashBuilder::default(); // seeded at random: keys are from log lines
    let mut counted: Vec<(u32, u64)> = Vec::new();
    let mut keys = Keys::default();
    let mut table: HashTable<(u64, usize)> = HashTable::new(); // hashes, and indices in `counted`
    for &line in lines {
        keys.begin();
        for (index, &position) in positions.iter().enumerate() {
            let (start, end) = spans[line as usize + position];
            keys.push(&text[start as usize..end as usize], seconds.filter(|_| index == 0));
        }
        let hash = builder.hash_one(keys.last());
        let known = table.find(hash, |&(other, index)| other == hash && is_same(keys.last(), keys.get(index)));
        if let Some(&(_, index)) = known {
            counted[index].1 += 1;
        } else {
            counted.push((line, 1));
            keys.keep();
            table.insert_unique(hash, (hash, counted.len() - 1), |&(hash, _)| hash);
        }
    }
    counted
}

/// What combinations are compared by, one after the other: each value with its length, and whether it is without seconds.
///
/// The length of a value without seconds is that of what stands before them; that of the rest follows from the format. So
/// two keys are equal if all values are, and a comparison is one of a few bytes that lie together.
#[derive(Default)]
struct Keys {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Keys {
    fn end(&self) -> usize {
        self.ends.last().copied().unwrap_or_default()
    }

    /// Begins a key, in place of the last one unless that is kept.
    fn begin(&mut self) {
        self.bytes.truncate(self.end());
    }

    fn push(&mut self, value: &[u8], seconds: Option<SecondsAt>) {
        let parts = seconds.and_then(|seconds| seconds.split(value));
        let (minute, rest) = parts.unwrap_or((value, b""));
        // A text of 128 MB at most has a length of 31 bits.
        let length = (minute.len() as u32) << 1 | u32::from(parts.is_some());
        self.bytes.extend_from_slice(&length.to_ne_bytes());
        self.bytes.extend_from_slice(minute);
        self.bytes.extend_from_slice(rest);
    }

    fn last(&self) -> &[u8] {
        &self.bytes[self.end()..]
    }

    fn get(&self, index: usize) -> &[u8] {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.bytes[start..self.ends[index]]
    }

    fn keep(&mut self) {
        self.ends.push(self.bytes.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn combinations_are_counted_in_the_order_of_their_first_lines() {
        let (text, spans) = (b"abab", [(0, 1), (1, 2), (1, 2), (0, 1), (2, 3), (3, 4)]);
        assert_eq!(count_distinct(text, &spans, &[0, 2, 4], &[0, 1], None), [(0, 2), (2, 1)]);
        assert_eq!(count_distinct(text, &spans, &[0, 2, 4], &[], None), [(0, 3)]);
    }

    fn count_minutes(texts: &[&str], position: usize, length: usize) -> Vec<(u32, u64)> {
        let text = texts.concat();
        let mut spans: Vec<Span> = Vec::new();
        for part in texts {
            let start = spans.last().map_or(0, |&(_, end)| end);
            spans.push((start, start + part.len() as u32));
        }
        let lines: Vec<u32> = (0..texts.len() as u32).collect();
        count_distinct(text.as_bytes(), &spans, &lines, &[0], Some(SecondsAt { position, length }))
    }

    #[test]
    fn times_of_a_minute_are_counted_together() {
        let times = [
            "08:47:00 +0000",
            "08:47:59 +0000",
            "08:47:60 +0000",
            "08:47:00 +0100",
            "08:47:3",
            "08:47:01 +0000",
            "08:47:01 +000é",
            "08:47:02 +00é",
        ];
        let counted = [(0, 3), (2, 1), (3, 1), (4, 1), (6, 1), (7, 1)];
        assert_eq!(count_minutes(&times, 6, 14), counted);
    }

    #[test]
    fn iso_times_in_utc_have_fractions() {
        let times = [
            "2018-07-02T22:23:00.186641Z",
            "2018-07-02T22:23:59Z",
            "2018-07-02T22:23:60Z",
            "2018-07-02T22:24:00.186641Z",
            "2018-07-02T22:23:00.Z",
            "2018-07-02T22:23:01.0123456789Z",
            "   2018-07-02T22:23Z",
            "   2018-07-02T22:24Z",
        ];
        let counted = [(0, 2), (2, 1), (3, 1), (4, 1), (5, 1), (6, 1), (7, 1)];
        assert_eq!(count_minutes(&times, 17, 0), counted);
    }
}
