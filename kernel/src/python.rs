//! What Python calls: `streamtally/transform/kernel/protocol.py` describes it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

use base64_simd::STANDARD;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::{PyBytes, PyDict, PyInt, PyList, PyString, PyTuple};

use crate::batch::{Batch, Limits, MAX_TEXT_BYTES, Pending, Record, Way};
use crate::count::{SecondsAt, count_distinct};
use crate::digest::{batch_digest, batch_id};
use crate::layout::{Columns, Described, MISSING, Presence};
use crate::shape::Shape;

/// The number of this interface: `transform/kernel/protocol.py` has the same.
const INTERFACE: u32 = 6;

/// Runs what must never end the process: a panic becomes an exception, after which Python reads the event.
fn guarded<T>(run: impl FnOnce() -> PyResult<T>) -> PyResult<T> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| Err(PyRuntimeError::new_err("the kernel panicked")))
}

/// The layout of plain lines, and what is read of records.
#[pyclass(frozen)]
struct Layout {
    columns: Columns,
    limits: Limits,
    first_bytes: [bool; 256],
    marks: Vec<[u8; 2]>,
    record_bytes: usize,
    arrivals: (i64, i64),
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
        let limits = Limits { chunk_bytes, empty_lines, marks_of_parts, beginnings };
        Ok(Self { columns, limits, first_bytes: table, marks, record_bytes, arrivals })
    }
}

impl Layout {
    fn is_plain(&self, data: &[u8]) -> bool {
        let is_marked = data.first().is_some_and(|&first| self.first_bytes[usize::from(first)])
            || self.marks.iter().any(|mark| data.starts_with(mark));
        !is_marked && data.len() <= self.record_bytes
    }
}

/// The records of an answer, and how many are Ok, Dropped and `ProcessingFailed`.
type Answer<'py> = (Bound<'py, PyList>, u64, u64, u64);

/// The JSON of the records that are Ok, how many are Ok and Dropped, and the indices of those that are `ProcessingFailed`.
type Results<'py> = (Bound<'py, PyBytes>, u64, u64, Vec<usize>);

/// A record's own texts.
struct Texts {
    id: Py<PyString>,
    raw: Py<PyString>,
    identity: Option<String>, // None: the id
}

/// The memory of the last event, kept for the next one if it is not unusually much.
static SPARE: Mutex<Option<Batch>> = Mutex::new(None);
const MAX_SPARE_BYTES: usize = 32 * 1024 * 1024;

impl Drop for PyBatch {
    fn drop(&mut self) {
        let batch = std::mem::take(&mut self.batch);
        if batch.capacity() <= MAX_SPARE_BYTES {
            if let Ok(mut spare) = SPARE.lock() {
                *spare = Some(batch.emptied());
            }
        }
    }
}

/// An event that is being read.
#[pyclass(name = "Batch")]
struct PyBatch {
    layout: Py<Layout>,
    batch: Batch,
    texts: Vec<Texts>,
    specials: Vec<usize>,
}

/// Decodes an event's records. `None`: one of them has no texts as id and data.
#[pyfunction]
fn read(py: Python<'_>, layout: Py<Layout>, records: &Bound<'_, PyList>) -> PyResult<Option<PyBatch>> {
    guarded(|| {
        let settings = layout.get();
        let mut batch = SPARE.lock().ok().and_then(|mut spare| spare.take()).unwrap_or_default();
        let (mut texts, mut specials) = (Vec::with_capacity(records.len()), Vec::new());
        let mut size = 0;
        for record in records.iter() {
            let Ok(record) = record.cast_exact::<PyDict>() else { return Ok(None) };
            let (Some(id), Some(raw)) =
                (text_of(record, intern!(py, "recordId"))?, text_of(record, intern!(py, "data"))?)
            else {
                return Ok(None);
            };
            size += raw.to_str()?.len();
            texts.push(Texts { id: id.unbind(), raw: raw.unbind(), identity: None });
        }
        if size > MAX_TEXT_BYTES {
            return Ok(None);
        }
        batch.text.reserve(size / 4 * 3 + 4);
        batch.text.extend_from_slice(MISSING);
        for (index, (record, texts)) in records.iter().zip(&texts).enumerate() {
            let start = batch.text.len();
            let arrival = arrival_of(record.cast_exact::<PyDict>()?, settings)?;
            let is_decoded = STANDARD.decode_append(texts.raw.bind(py).to_str()?, &mut batch.text).is_ok();
            let is_plain = is_decoded && settings.is_plain(&batch.text[start..]);
            if arrival.is_none() || !is_plain {
                batch.text.truncate(start);
                specials.push(index);
            }
            batch.records.push(Record::new(arrival.unwrap_or(0), start..batch.text.len()));
        }
        Ok(Some(PyBatch { layout, batch, texts, specials }))
    })
}

/// Takes records that are decoded already, and arrive when `set_arrivals` says. `None`: one of them is not plain.
#[pyfunction]
fn read_data(
    py: Python<'_>,
    layout: Py<Layout>,
    ids: Vec<Bound<'_, PyString>>,
    data: Vec<Bound<'_, PyBytes>>,
) -> PyResult<Option<PyBatch>> {
    guarded(|| {
        let settings = layout.get();
        let size: usize = data.iter().map(|data| data.as_bytes().len()).sum();
        let is_plain = data.iter().all(|data| settings.is_plain(data.as_bytes()));
        if size > MAX_TEXT_BYTES || ids.len() != data.len() || !is_plain {
            return Ok(None);
        }
        let mut batch = SPARE.lock().ok().and_then(|mut spare| spare.take()).unwrap_or_default();
        batch.text.reserve(size + 4);
        batch.text.extend_from_slice(MISSING);
        let raw = PyString::intern(py, "");
        let mut texts = Vec::with_capacity(ids.len());
        for (id, data) in ids.into_iter().zip(data) {
            let start = batch.text.len();
            batch.text.extend_from_slice(data.as_bytes());
            batch.records.push(Record::new(0, start..batch.text.len()));
            texts.push(Texts { id: id.unbind(), raw: raw.clone().unbind(), identity: None });
        }
        Ok(Some(PyBatch { layout, batch, texts, specials: Vec::new() }))
    })
}

fn text_of<'py>(record: &Bound<'py, PyDict>, name: &Bound<'py, PyString>) -> PyResult<Option<Bound<'py, PyString>>> {
    let Some(value) = record.get_item(name)? else { return Ok(None) };
    Ok(value.cast_into_exact::<PyString>().ok())
}

/// The arrival of a record that Firehose received itself; `None`: Python finds it, and what identifies the record.
fn arrival_of(record: &Bound<'_, PyDict>, settings: &Layout) -> PyResult<Option<i64>> {
    let py = record.py();
    if let Some(metadata) = record.get_item(intern!(py, "kinesisRecordMetadata"))? {
        if !metadata.is_none() {
            return Ok(None);
        }
    }
    let Some(arrival) = record.get_item(intern!(py, "approximateArrivalTimestamp"))? else { return Ok(None) };
    let Ok(arrival) = arrival.cast_exact::<PyInt>() else { return Ok(None) };
    let Ok(arrival) = arrival.extract::<i64>() else { return Ok(None) };
    Ok((settings.arrivals.0 <= arrival && arrival <= settings.arrivals.1).then_some(arrival))
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
        guarded(|| {
            let (text, spans) = (&self.batch.text, self.batch.spans());
            if positions.iter().any(|&position| position >= self.layout.get().columns.len()) {
                return Err(PyValueError::new_err("no such column"));
            }
            let counts = PyDict::new(py);
            let seconds = seconds.map(|(position, length)| SecondsAt { position, length });
            let lines = match records {
                None => self.batch.plain(),
                Some((first, end)) => self.batch.plain_of(first, end),
            };
            for (line, times) in count_distinct(text, spans, &lines, &positions, seconds) {
                let value = |position: usize| {
                    let (start, end) = spans[line as usize + position];
                    PyString::from_bytes(py, &text[start as usize..end as usize])
                };
                if let [position] = positions[..] {
                    counts.set_item(value(position)?, times)?;
                } else {
                    let values: Vec<_> = positions.iter().map(|&position| value(position)).collect::<PyResult<_>>()?;
                    counts.set_item(PyTuple::new(py, values)?, times)?;
                }
            }
            Ok(counts)
        })
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
        guarded(|| {
            let width = self.layout.get().columns.len();
            if positions.iter().any(|&position| position >= width) {
                return Err(PyValueError::new_err("no such column"));
            }
            let (text, spans, rows) = (&self.batch.text, self.batch.spans(), PyList::empty(py));
            let mut last: Vec<(&[u8], Bound<'py, PyString>)> = vec![(b"", intern!(py, "").clone()); width];
            for first in self.batch.firsts() {
                let Some(first) = first else {
                    rows.append(py.None())?;
                    continue;
                };
                for &position in &positions {
                    let (start, end) = spans[first as usize + position];
                    let bytes = &text[start as usize..end as usize];
                    if last[position].0 != bytes {
                        last[position] = (bytes, PyString::from_bytes(py, bytes)?);
                    }
                }
                rows.append(PyTuple::new(py, last.iter().map(|(_, value)| value))?)?;
            }
            Ok(rows)
        })
    }

    /// The JSON of all records that are Ok, in one piece; how many are Ok and Dropped; the indices of those that are
    /// `ProcessingFailed`. `None`: their answer would be larger than allowed, see `answer`.
    fn results<'py>(
        &self,
        py: Python<'py>,
        limit: usize,
        fixed: (usize, usize, usize),
    ) -> PyResult<Option<Results<'py>>> {
        guarded(|| {
            let (mut ok, mut dropped, mut failed) = (0, 0, Vec::new());
            let (mut size, mut buffer, mut all) = (0, Vec::new(), Vec::with_capacity(self.batch.text.len() * 2));
            for (index, texts) in self.texts.iter().enumerate() {
                let (json, rows) = self.batch.answer(index, &mut buffer);
                size += texts.id.bind(py).to_str()?.len();
                if rows > 0 {
                    size += fixed.0 + STANDARD.encoded_length(json.len());
                    all.extend_from_slice(json);
                    ok += 1;
                } else if json.is_empty() {
                    size += fixed.1;
                    dropped += 1;
                } else {
                    size += fixed.2 + STANDARD.encoded_length(self.batch.records[index].data.len());
                    failed.push(index);
                }
                if size > limit {
                    return Ok(None);
                }
            }
            Ok(Some((PyBytes::new(py, &all), ok, dropped, failed)))
        })
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
        guarded(|| {
            let answers = PyList::empty(py);
            let (mut ok, mut dropped, mut failed) = (0, 0, 0);
            let (mut size, mut buffer, mut encoded) = (0, Vec::new(), String::new());
            for (index, texts) in self.texts.iter().enumerate() {
                let (json, rows) = self.batch.answer(index, &mut buffer);
                let answer = PyDict::new(py);
                answer.set_item(intern!(py, "recordId"), &texts.id)?;
                size += texts.id.bind(py).to_str()?.len();
                if rows > 0 {
                    encoded.clear();
                    STANDARD.encode_append(json, &mut encoded);
                    size += fixed.0 + encoded.len();
                    answer.set_item(intern!(py, "result"), intern!(py, "Ok"))?;
                    answer.set_item(intern!(py, "data"), PyString::new(py, &encoded))?;
                    ok += 1;
                } else if json.is_empty() {
                    size += fixed.1;
                    answer.set_item(intern!(py, "result"), intern!(py, "Dropped"))?;
                    answer.set_item(intern!(py, "data"), intern!(py, ""))?;
                    dropped += 1;
                } else {
                    size += fixed.2 + texts.raw.bind(py).to_str()?.len();
                    answer.set_item(intern!(py, "result"), intern!(py, "ProcessingFailed"))?;
                    answer.set_item(intern!(py, "data"), &texts.raw)?;
                    failed += 1;
                }
                if size > limit {
                    return Ok(None);
                }
                answers.append(answer)?;
            }
            Ok(Some((answers, ok, dropped, failed)))
        })
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

fn check(is_done: bool) -> PyResult<()> {
    is_done.then_some(()).ok_or_else(|| PyValueError::new_err("not a line or record that Python reads"))
}

/// The extension module.
#[pymodule]
fn streamtally_kernel(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("INTERFACE", INTERFACE)?;
    module.add_class::<Layout>()?;
    module.add_class::<PyBatch>()?;
    module.add_function(wrap_pyfunction!(read, module)?)?;
    module.add_function(wrap_pyfunction!(read_data, module)?)
}
