//! The batch as a class of Python.

use std::collections::HashMap;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::{PyBytes, PyDict, PyList, PyTuple};

use super::answers::{Answer, Results, answer, results};
use super::layout::Layout;
use super::partials::{PartialLayout, write_partials};
use super::records::Texts;
use super::values::{count, plain_rows, rows};
use super::{check, guarded};
use crate::batch::{Batch, MAX_TEXT_BYTES};
use crate::digest::{batch_digest, batch_id};
use crate::record::{Pending, Record, Way};

/// An event that is being read.
#[pyclass(name = "Batch")]
pub(crate) struct PyBatch {
    pub(crate) layout: Py<Layout>,
    pub(crate) batch: Batch,
    pub(crate) texts: Vec<Texts>,
    pub(crate) specials: Vec<usize>,
}

#[pymethods]
impl PyBatch {
    #[getter]
    fn specials(&self) -> Vec<usize> {
        self.specials.clone()
    }

    #[getter]
    fn plain_lines(&self) -> u64 {
        self.batch.plain_lines
    }

    #[getter]
    fn empty_lines(&self) -> u64 {
        self.batch.empty_lines
    }

    #[getter]
    fn arrivals(&self) -> Option<(i64, i64)> {
        let times = || self.batch.records.iter().map(|record| record.arrival);
        Some((times().min()?, times().max()?))
    }

    fn arrival(&self, index: usize) -> PyResult<i64> {
        Ok(self.record(index)?.arrival)
    }

    fn payload<'py>(&self, py: Python<'py>, index: usize) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &self.batch.text[self.record(index)?.payload.clone()]))
    }

    fn put_special(
        &mut self,
        index: usize,
        identity: String,
        arrival: i64,
        data: &[u8],
        payload: Option<&[u8]>,
        is_whole: bool,
    ) -> PyResult<()> {
        self.record(index)?;
        let text = &mut self.batch.text;
        let record = &mut self.batch.records[index];
        let start = text.len();
        text.extend_from_slice(data);
        record.data = start..text.len();
        record.payload = record.data.clone();
        if let Some(payload) = payload {
            text.extend_from_slice(payload);
            record.payload = record.data.end..text.len();
        }
        record.arrival = arrival;
        record.way = if is_whole { Way::Whole } else { Way::Lines };
        self.texts[index].identity = Some(identity);
        Ok(())
    }

    /// The payloads' bytes, and the line ends in them, one more for each record: at least as many as there are lines.
    fn size(&self) -> (usize, usize) {
        let payloads = || self.batch.records.iter().map(|record| &self.batch.text[record.payload.clone()]);
        let lines = payloads().map(|payload| memchr::memchr_iter(b'\n', payload).count() + 1);
        (payloads().map(<[u8]>::len).sum(), lines.sum())
    }

    /// The batch's digest and id; `None`: the ids of its records are not plain, or not distinct.
    fn identify(&self, py: Python<'_>) -> PyResult<Option<(String, String)>> {
        guarded(|| {
            let mut identities = Vec::with_capacity(self.texts.len());
            for texts in &self.texts {
                identities.push(match &texts.identity {
                    Some(identity) => identity,
                    None => texts.id.bind(py).to_str()?,
                });
            }
            let Some(id) = batch_id(identities) else { return Ok(None) };
            let records = &self.batch.records;
            let data = records.iter().map(|record| (record.arrival, &self.batch.text[record.data.clone()]));
            Ok(Some((batch_digest(data.collect()), id)))
        })
    }

    /// Reads all plain lines; returns what Python has to read, `None` if the whole batch.
    fn scan<'py>(&mut self, py: Python<'py>) -> PyResult<Option<Vec<Bound<'py, PyTuple>>>> {
        guarded(|| {
            if self.batch.text.len() > MAX_TEXT_BYTES {
                return Ok(None);
            }
            let layout = self.layout.get();
            let Some(pending) = self.batch.scan(&layout.columns, &layout.limits) else { return Ok(None) };
            pending.iter().map(|item| self.pending(py, item)).collect::<PyResult<_>>().map(Some)
        })
    }

    fn put_line(&mut self, line: usize, json: &str, rows: u64) -> PyResult<()> {
        check(self.batch.put_line(line, json, rows))
    }

    /// Lines that are refused: `after` is what follows each text in its JSON.
    fn put_refused(&mut self, lines: Vec<usize>, after: &str) -> PyResult<()> {
        guarded(|| check(self.batch.put_refused(&lines, after)))
    }

    fn put_plain(&mut self, line: usize, values: Vec<PyBackedStr>) -> PyResult<()> {
        let layout = self.layout.get();
        check(self.batch.put_plain(line, values.iter().map(|value| &**value), &layout.columns))
    }

    fn put_record(&mut self, index: usize, json: &str, rows: u64) -> PyResult<()> {
        check(self.batch.put_record(index, json, rows))
    }

    /// The distinct combinations of the values at these positions, as `itemgetter` gives them, with how often each is.
    ///
    /// `seconds` is where the value at the first position has its seconds; values of one minute are counted together.
    /// `records` are the first record whose lines count and the one after the last; `None`: all do.
    #[pyo3(signature = (positions, seconds=None, records=None))]
    fn count<'py>(
        &self,
        py: Python<'py>,
        positions: Vec<usize>,
        seconds: Option<(usize, usize)>,
        records: Option<(usize, usize)>,
    ) -> PyResult<Bound<'py, PyDict>> {
        guarded(|| count(self, py, &positions, seconds, records))
    }

    /// The documents of groups of rows; `None` for each that is not plain.
    #[allow(clippy::unused_self)] // a class has no other way to offer it
    fn write_partials<'py>(
        &self,
        py: Python<'py>,
        layout: PartialLayout,
        batch: (String, String, String, String),
        windows: HashMap<i64, Vec<String>>,
        groups: Bound<'py, PyList>,
    ) -> PyResult<Bound<'py, PyList>> {
        guarded(|| write_partials(py, layout, batch, &windows, &groups))
    }

    /// When each record arrives, in ms since the epoch.
    fn set_arrivals(&mut self, arrivals: Vec<i64>) -> PyResult<()> {
        check(arrivals.len() == self.batch.records.len())?;
        for (record, arrival) in self.batch.records.iter_mut().zip(arrivals) {
            record.arrival = arrival;
        }
        Ok(())
    }

    /// The values of each line at some positions, in a tuple of all columns with empty texts at the others; `None` where
    /// a line is not plain. Equal values of lines in a row are one object.
    fn rows<'py>(&self, py: Python<'py>, positions: Vec<usize>) -> PyResult<Bound<'py, PyList>> {
        guarded(|| rows(self, py, &positions))
    }

    /// The plain lines of the records from the first to the one before the end: the record's index, the line's number in
    /// it, and its values at some positions.
    fn plain_rows<'py>(
        &self,
        py: Python<'py>,
        positions: Vec<usize>,
        first: usize,
        end: usize,
    ) -> PyResult<Bound<'py, PyList>> {
        guarded(|| plain_rows(self, py, &positions, (first, end)))
    }

    /// The JSON of all records that are Ok, in one piece; how many are Ok and Dropped; the indices of those that are
    /// `ProcessingFailed`. `None`: their answer would be larger than allowed, see `answer`.
    fn results<'py>(
        &self,
        py: Python<'py>,
        limit: usize,
        fixed: (usize, usize, usize),
    ) -> PyResult<Option<Results<'py>>> {
        guarded(|| results(self, py, limit, fixed))
    }

    /// The records of the answer, and how many are Ok, Dropped and `ProcessingFailed`; `None` if they are too large.
    ///
    /// `fixed` are the bytes that a record of each result has without its id and data.
    fn answer<'py>(
        &self,
        py: Python<'py>,
        limit: usize,
        fixed: (usize, usize, usize),
    ) -> PyResult<Option<Answer<'py>>> {
        guarded(|| answer(self, py, limit, fixed))
    }
}

impl PyBatch {
    fn record(&self, index: usize) -> PyResult<&Record> {
        self.batch.records.get(index).ok_or_else(|| PyValueError::new_err("no such record"))
    }

    fn pending<'py>(&self, py: Python<'py>, item: &Pending) -> PyResult<Bound<'py, PyTuple>> {
        match item {
            Pending::Whole(index) => ("record", *index).into_pyobject(py),
            Pending::Parts(indices) => ("parts", indices).into_pyobject(py),
            Pending::Scanned(first, end) => ("scanned", *first, *end).into_pyobject(py),
            Pending::Others(lines) => {
                let lines: Vec<_> = lines
                    .iter()
                    .map(|other| {
                        let text = PyBytes::new(py, &self.batch.text[other.text.clone()]);
                        (other.line, other.record, other.number, text)
                    })
                    .collect();
                ("lines", lines).into_pyobject(py)
            }
        }
    }
}
