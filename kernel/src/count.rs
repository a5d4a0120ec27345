//! Distinct combinations of the values that outputs read, with how often each occurs.

use std::hash::{BuildHasher, Hash, Hasher};

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::layout::Span;

/// The lines with a combination of values that no earlier one has, and how many lines have it, in the lines' order.
///
/// `lines` are the indices of each line's first span; `positions` say which of its spans are compared.
#[must_use]
pub fn count_distinct(text: &[u8], spans: &[Span], lines: &[u32], positions: &[usize]) -> Vec<(u32, u64)> {
    let value = |line: u32, position: usize| {
        let (start, end) = spans[line as usize + position];
        &text[start as usize..end as usize]
    };
    let builder = DefaultHashBuilder::default(); // seeded at random: keys are from log lines
    let hash_of = |line: u32| {
        let mut hasher = builder.build_hasher();
        for &position in positions {
            value(line, position).hash(&mut hasher);
        }
        hasher.finish()
    };
    let mut counted: Vec<(u32, u64)> = Vec::new();
    let mut table: HashTable<usize> = HashTable::new(); // indices in `counted`
    for &line in lines {
        let hash = hash_of(line);
        let known = table.find(hash, |&index| {
            let other = counted[index].0;
            positions.iter().all(|&position| value(line, position) == value(other, position))
        });
        if let Some(&index) = known {
            counted[index].1 += 1;
        } else {
            counted.push((line, 1));
            table.insert_unique(hash, counted.len() - 1, |&index| hash_of(counted[index].0));
        }
    }
    counted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn combinations_are_counted_in_the_order_of_their_first_lines() {
        let (text, spans) = (b"abab", [(0, 1), (1, 2), (1, 2), (0, 1), (2, 3), (3, 4)]);
        assert_eq!(count_distinct(text, &spans, &[0, 2, 4], &[0, 1]), [(0, 2), (2, 1)]);
        assert_eq!(count_distinct(text, &spans, &[0, 2, 4], &[]), [(0, 3)]);
    }
}
