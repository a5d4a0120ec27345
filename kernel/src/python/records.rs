//! An event's records, decoded.

use std::sync::Mutex;

use base64_simd::STANDARD;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyInt, PyList, PyString};

use super::batch::PyBatch;
use super::guarded;
use super::layout::Layout;
use crate::batch::{Batch, MAX_TEXT_BYTES};
use crate::layout::MISSING;
use crate::record::Record;

/// A record's own texts.
pub(crate) struct Texts {
    pub(crate) id: Py<PyString>,
    pub(crate) raw: Py<PyString>,
    pub(crate) identity: Option<String>, // None: the id
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

/// Decodes an event's records. `None`: one of them has no texts as id and data.
#[pyfunction]
pub(crate) fn read(py: Python<'_>, layout: Py<Layout>, records: &Bound<'_, PyList>) -> PyResult<Option<PyBatch>> {
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
pub(crate) fn read_data(
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
