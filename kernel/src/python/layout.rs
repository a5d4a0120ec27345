//! The layout of plain lines as Python describes it.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::layout::{Columns, Described, Presence};
use crate::record::Limits;
use crate::shape::Shape;
use crate::w3c::Directive;

/// The layout of plain lines, and what is read of records.
#[pyclass(frozen)]
pub(crate) struct Layout {
    pub(crate) columns: Columns,
    pub(crate) limits: Limits,
    first_bytes: [bool; 256],
    marks: Vec<[u8; 2]>,
    record_bytes: usize,
    pub(crate) arrivals: (i64, i64),
}

#[pymethods]
impl Layout {
    #[new]
    #[allow(clippy::too_many_arguments)]
    fn new(
        columns: Vec<(String, String, String, bool, String)>,
        end: &str,
        has_escapes: bool,
        first_bytes: &[u8],
        marks: Vec<[u8; 2]>,
        marks_of_parts: Vec<Vec<u8>>,
        beginnings: Vec<Vec<u8>>,
        chunk_bytes: usize,
        empty_lines: usize,
        record_bytes: usize,
        arrivals: (i64, i64),
        directive: Option<Vec<u8>>,
        says_scanned: bool,
    ) -> PyResult<Self> {
        let described: Option<Vec<_>> = columns
            .into_iter()
            .map(|(name, shape, before, is_nullable, presence)| {
                let (shape, presence) = (Shape::of_name(&shape)?, Presence::of_name(&presence)?);
                Some(Described { name, shape, before, is_nullable, presence })
            })
            .collect();
        let columns = described.and_then(|described| Columns::new(&described, end, has_escapes));
        let columns = columns.ok_or_else(|| PyValueError::new_err("the kernel does not know this layout"))?;
        let mut table = [false; 256];
        for &byte in first_bytes {
            table[usize::from(byte)] = true;
        }
        let limits = Limits {
            chunk_bytes,
            empty_lines,
            marks_of_parts,
            beginnings,
            directive: directive.map(Directive),
            says_scanned,
        };
        Ok(Self { columns, limits, first_bytes: table, marks, record_bytes, arrivals })
    }
}

impl Layout {
    pub(crate) fn is_plain(&self, data: &[u8]) -> bool {
        let is_marked = data.first().is_some_and(|&first| self.first_bytes[usize::from(first)])
            || self.marks.iter().any(|mark| data.starts_with(mark));
        !is_marked && data.len() <= self.record_bytes
    }
}
