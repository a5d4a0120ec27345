//! What an event's records are answered.

use base64_simd::STANDARD;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString};

use super::batch::PyBatch;

/// The records of an answer, and how many are Ok, Dropped and `ProcessingFailed`.
pub(crate) type Answer<'py> = (Bound<'py, PyList>, u64, u64, u64);

/// The JSON of the records that are Ok, how many are Ok and Dropped, and the indices of those that are `ProcessingFailed`.
pub(crate) type Results<'py> = (Bound<'py, PyBytes>, u64, u64, Vec<usize>);
/// See `PyBatch::results`.
pub(crate) fn results<'py>(
    batch: &PyBatch,
    py: Python<'py>,
    limit: usize,
    fixed: (usize, usize, usize),
) -> PyResult<Option<Results<'py>>> {
    let (mut ok, mut dropped, mut failed) = (0, 0, Vec::new());
    let (mut size, mut buffer, mut all) = (0, Vec::new(), Vec::with_capacity(batch.batch.text.len() * 2));
    for (index, texts) in batch.texts.iter().enumerate() {
        let (json, rows) = batch.batch.answer(index, &mut buffer);
        size += texts.id.bind(py).to_str()?.len();
        if rows > 0 {
            size += fixed.0 + STANDARD.encoded_length(json.len());
            all.extend_from_slice(json);
            ok += 1;
        } else if json.is_empty() {
            size += fixed.1;
            dropped += 1;
        } else {
            size += fixed.2 + STANDARD.encoded_length(batch.batch.records[index].data.len());
            failed.push(index);
        }
        if size > limit {
            return Ok(None);
        }
    }
    Ok(Some((PyBytes::new(py, &all), ok, dropped, failed)))
}

/// See `PyBatch::answer`.
pub(crate) fn answer<'py>(
    batch: &PyBatch,
    py: Python<'py>,
    limit: usize,
    fixed: (usize, usize, usize),
) -> PyResult<Option<Answer<'py>>> {
    let answers = PyList::empty(py);
    let (mut ok, mut dropped, mut failed) = (0, 0, 0);
    let (mut size, mut buffer, mut encoded) = (0, Vec::new(), String::new());
    for (index, texts) in batch.texts.iter().enumerate() {
        let (json, rows) = batch.batch.answer(index, &mut buffer);
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
}
