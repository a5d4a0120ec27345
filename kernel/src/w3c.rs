//! The directives of W3C's extended log format, as far as they say which lines of a record are plain.
//!
//! A plain entry has no quotes and its own date, so `#Software` and `#Date` change nothing about it.

/// Directives that change no plain entry, as programs write them.
const WITHOUT_EFFECT: [&[u8]; 7] =
    [b"#Version:", b"#Software:", b"#Date:", b"#Start-Date:", b"#End-Date:", b"#Remark:", b"#GMT-Offset:"];

/// Under which `#Fields` line entries are plain; empty: as long as their record has no such line.
#[derive(Clone, Debug)]
pub struct Directive(pub Vec<u8>);

impl Directive {
    /// Whether a record's first lines are plain entries.
    #[must_use]
    pub fn is_first(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the lines after this one, which is not a plain entry, are plain entries.
    ///
    /// Any other mark may be a header line that a wrapper stands before, or written in another way.
    #[must_use]
    pub fn after(&self, line: &[u8], is_in_force: bool) -> bool {
        if !self.0.is_empty() && line == self.0 {
            return true;
        }
        let has_mark = memchr::memchr(b'#', line).is_some();
        is_in_force && (!has_mark || WITHOUT_EFFECT.iter().any(|name| line.starts_with(name)))
    }
}

#[cfg(test)]
mod tests {
    use super::Directive;

    #[test]
    fn entries_are_plain_under_one_line() {
        let directive = Directive(b"#Fields: date time".to_vec());
        assert!(!directive.is_first() && Directive(Vec::new()).is_first());
        for (line, before, after) in [
            (&b"#Fields: date time"[..], false, true),
            (b"#Fields: date time", true, true),
            (b"#Fields: date  time", true, false),
            (b"#fields: date time", true, false),
            (b"#Date: 2025-11-22 00:00:00", true, true),
            (b"#Date: 2025-11-22 00:00:00", false, false),
            (b"2025-11-22T21:21:41Z stdout F #Fields: a", true, false),
            (b"x", true, true),
            (b"x", false, false),
        ] {
            assert_eq!(directive.after(line, before), after, "{}", String::from_utf8_lossy(line));
        }
        assert!(!Directive(Vec::new()).after(b"", false));
        assert!(!Directive(Vec::new()).after(b"#Fields: a", true));
    }
}
