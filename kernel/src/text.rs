//! Comparing short texts without a call of the C library for each, which takes longer than the comparison.

const WORD_BYTES: usize = 8;

/// Whether two texts are equal.
#[inline]
pub(crate) fn is_same(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    let (words, other_words) = (one.chunks_exact(WORD_BYTES), other.chunks_exact(WORD_BYTES));
    let are_last_same = words.remainder().iter().zip(other_words.remainder()).all(|(byte, other)| byte == other);
    are_last_same && words.zip(other_words).all(|(word, other)| number(word) == number(other))
}

/// Whether a text begins with a short one.
#[inline]
pub(crate) fn begins_with(text: &[u8], beginning: &[u8]) -> bool {
    text.get(..beginning.len()).is_some_and(|start| is_same(start, beginning))
}

#[inline]
fn number(word: &[u8]) -> Option<u64> {
    word.try_into().ok().map(u64::from_ne_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_other_byte_makes_a_difference() {
        for size in 0..40 {
            let text: Vec<u8> = (0..size).collect();
            assert!(is_same(&text, &text.clone()));
            assert!(begins_with(&[&text[..], b"x"].concat(), &text));
            assert!(!begins_with(&text, &[&text[..], b"x"].concat()));
            assert!(!is_same(&text, &[&text[..], b"x"].concat()));
            for position in 0..text.len() {
                let mut other = text.clone();
                other[position] ^= 0x80;
                assert!(!is_same(&text, &other) && !begins_with(&text, &other), "{size}, {position}");
            }
        }
    }
}
