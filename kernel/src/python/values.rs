//! Values of plain lines as texts of Python.

use pyo3::exceptions::PyValueError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString, PyTuple};

use super::batch::PyBatch;
use crate::count::{SecondsAt, count_distinct};

/// See `PyBatch::count`.
pub(crate) fn count<'py>(
    batch: &PyBatch,
    py: Python<'py>,
    positions: &[usize],
    seconds: Option<(usize, usize)>,
    records: Option<(usize, usize)>,
) -> PyResult<Bound<'py, PyDict>> {
    let (text, spans) = (&batch.batch.text, batch.batch.spans());
    if positions.iter().any(|&position| position >= batch.layout.get().columns.len()) {
        return Err(PyValueError::new_err("no such column"));
    }
    let counts = PyDict::new(py);
    let seconds = seconds.map(|(position, length)| SecondsAt { position, length });
    let lines = match records {
        None => batch.batch.plain(),
        Some((first, end)) => batch.batch.plain_of(first, end),
    };
    for (line, times) in count_distinct(text, spans, &lines, positions, seconds) {
        let value = |position: usize| {
            let (start, end) = spans[line as usize + position];
            PyString::from_bytes(py, &text[start as usize..end as usize])
        };
        if let [position] = *positions {
            counts.set_item(value(position)?, times)?;
        } else {
            let values: Vec<_> = positions.iter().map(|&position| value(position)).collect::<PyResult<_>>()?;
            counts.set_item(PyTuple::new(py, values)?, times)?;
        }
    }
    Ok(counts)
}

/// See `PyBatch::rows`.
pub(crate) fn rows<'py>(batch: &PyBatch, py: Python<'py>, positions: &[usize]) -> PyResult<Bound<'py, PyList>> {
    let width = batch.layout.get().columns.len();
    if positions.iter().any(|&position| position >= width) {
        return Err(PyValueError::new_err("no such column"));
    }
    let (text, spans, rows) = (&batch.batch.text, batch.batch.spans(), PyList::empty(py));
    let mut last: Vec<(&[u8], Bound<'py, PyString>)> = vec![(b"", intern!(py, "").clone()); width];
    for first in batch.batch.firsts() {
        let Some(first) = first else {
            rows.append(py.None())?;
            continue;
        };
        for &position in positions {
            let (start, end) = spans[first as usize + position];
            let bytes = &text[start as usize..end as usize];
            if last[position].0 != bytes {
                last[position] = (bytes, PyString::from_bytes(py, bytes)?);
            }
        }
        rows.append(PyTuple::new(py, last.iter().map(|(_, value)| value))?)?;
    }
    Ok(rows)
}

/// See `PyBatch::plain_rows`.
pub(crate) fn plain_rows<'py>(
    batch: &PyBatch,
    py: Python<'py>,
    positions: &[usize],
    records: (usize, usize),
) -> PyResult<Bound<'py, PyList>> {
    if positions.iter().any(|&position| position >= batch.layout.get().columns.len()) {
        return Err(PyValueError::new_err("no such column"));
    }
    let (text, spans, rows) = (&batch.batch.text, batch.batch.spans(), PyList::empty(py));
    for (record, number, span) in batch.batch.plain_lines_of(records.0, records.1) {
        let value = |&position: &usize| {
            let (start, end) = spans[span as usize + position];
            PyString::from_bytes(py, &text[start as usize..end as usize])
        };
        let values: Vec<_> = positions.iter().map(value).collect::<PyResult<_>>()?;
        rows.append((record, number, PyTuple::new(py, values)?))?;
    }
    Ok(rows)
}
