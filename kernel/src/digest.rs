//! What identifies a batch: `transform/batch.py` and `ids.py` in Rust.

use sha2::{Digest, Sha256};

const HEX_CHARS: usize = 32;

/// The hash of all records' times and data, sorted by both.
///
/// Sorted by time, then by bytes; equal ones cannot be told apart, so an unstable sort gives the same.
#[must_use]
pub fn batch_digest(mut records: Vec<(i64, &[u8])>) -> String {
    if !records.is_sorted() {
        records.sort_unstable();
    }
    let mut numbers = Vec::with_capacity(records.len() * 16);
    for (time, _) in &records {
        numbers.extend_from_slice(&time.to_le_bytes());
    }
    for (_, data) in &records {
        numbers.extend_from_slice(&(data.len() as u64).to_le_bytes());
    }
    let mut hash = Sha256::new();
    hash.update(&numbers);
    for (_, data) in &records {
        hash.update(data);
    }
    hex(&hash.finalize())
}

/// `ids.digest` of a list of texts that JSON writes without escapes, sorted; `None` if two are equal or one is other.
#[must_use]
pub fn batch_id(mut identities: Vec<&str>) -> Option<String> {
    if !identities.iter().all(|text| is_plain(text)) {
        return None;
    }
    identities.sort_unstable();
    if identities.windows(2).any(|pair| pair[0] == pair[1]) {
        return None;
    }
    let mut json = String::with_capacity(2 + identities.iter().map(|text| text.len() + 3).sum::<usize>());
    for (index, text) in identities.iter().enumerate() {
        json.push_str(if index == 0 { "[\"" } else { "\",\"" });
        json.push_str(text);
    }
    json.push_str(if identities.is_empty() { "[]" } else { "\"]" });
    Some(hex(&Sha256::digest(json.as_bytes())))
}

fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, 0x20..=0x7e) && byte != b'"' && byte != b'\\')
}

pub(crate) fn hex(digest: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = digest.iter().flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    digits.take(HEX_CHARS).map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_records_does_not_matter() {
        let sorted = batch_digest(vec![(1, b"b".as_slice()), (2, b"a"), (2, b"c")]);
        assert_eq!(sorted, batch_digest(vec![(2, b"c".as_slice()), (1, b"b"), (2, b"a")]));
        assert_eq!(sorted.len(), HEX_CHARS);
    }

    #[test]
    fn equal_identities_have_no_id() {
        assert_eq!(batch_id(vec!["a", "b", "a"]), None);
        assert_eq!(batch_id(vec!["a\""]), None);
        assert!(batch_id(vec!["a", "b"]) == batch_id(vec!["b", "a"]));
    }
}
