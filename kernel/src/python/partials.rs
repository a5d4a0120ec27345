//! Groups of rows of Python as partials.

use std::collections::HashMap;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyInt, PyList, PyString, PyTuple};

use crate::partials::{Part, Partial, Shared, Value, Writer};

/// A layout's parts, where a group has its numbers, and whether they may be `None`.
pub(crate) type PartialLayout = (Vec<(String, usize, String)>, Vec<(usize, isize)>, Vec<bool>);
type Group<'py> = (Bound<'py, PyTuple>, Bound<'py, PyList>, u32);

/// See `KernelBatch.write_partials` in Python.
pub(crate) fn write_partials<'py>(
    py: Python<'py>,
    layout: PartialLayout,
    batch: (String, String, String, String),
    windows: &HashMap<i64, Vec<String>>,
    groups: &Bound<'py, PyList>,
) -> PyResult<Bound<'py, PyList>> {
    let (parts, numbers, nullable) = layout;
    let parts: Vec<_> = parts.into_iter().map(part).collect::<Option<_>>().ok_or_else(unknown)?;
    if numbers.len() != nullable.len() {
        return Err(unknown());
    }
    let shared = Shared { partial_start: batch.0, partial_end: batch.1, group_start: batch.2, account: batch.3 };
    let mut writer = Writer::default();
    let documents = PyList::empty(py);
    for group in groups {
        let (key, group, _): Group<'py> = group.extract()?;
        let values: Vec<Bound<'py, PyAny>> = key.iter().collect();
        let is_plain = read(&values, &group, &numbers, &nullable).is_some_and(|(start, key, numbers, rows, others)| {
            let partial = Partial { start, key: &key, numbers: &numbers, rows, out_of_range: others };
            windows.get(&start).is_some_and(|window| writer.write(&parts, &shared, window, &partial))
        });
        if is_plain {
            documents.append(PyBytes::new(py, writer.document.as_bytes()))?;
        } else {
            documents.append(py.None())?;
        }
    }
    Ok(documents)
}

fn unknown() -> PyErr {
    PyValueError::new_err("not a layout of partials that the kernel knows")
}

fn part((kind, position, text): (String, usize, String)) -> Option<Part> {
    Some(match kind.as_str() {
        "text" => Part::Text(text),
        "w" => Part::Window(text.parse().ok()?),
        "t" => Part::Key(position),
        "c" => {
            let (position, length) = text.split_once(',')?;
            Part::Cut(position.parse().ok()?, length.parse().ok()?)
        }
        "j" => Part::Number(position),
        "m" => Part::Member(position),
        "name" => match text.as_str() {
            "values" => Part::Values,
            "since" => Part::Since,
            "partial_id" => Part::PartialId,
            "group_id" => Part::GroupId,
            "account" => Part::Account,
            "json" => Part::Json,
            "merged" => Part::Merged,
            "rows" => Part::Rows,
            "out_of_range" => Part::OutOfRange,
            _ => return None,
        },
        _ => return None,
    })
}

type Read<'a> = (i64, Vec<Value<'a>>, Vec<Option<i64>>, i64, i64);

/// The window's start, the key, the numbers, the rows and those out of range; `None`: one of them is not plain.
fn read<'a>(
    values: &'a [Bound<'_, PyAny>],
    group: &Bound<'_, PyList>,
    numbers: &[(usize, isize)],
    nullable: &[bool],
) -> Option<Read<'a>> {
    let (start, key) = values.split_first()?;
    let key = key.iter().map(value).collect::<Option<_>>()?;
    let numbers = numbers
        .iter()
        .zip(nullable)
        .map(|(&(position, place), &is_nullable)| {
            let mut state = group.get_item(position).ok()?;
            if let Ok(place) = usize::try_from(place) {
                state = state.cast_exact::<PyTuple>().ok()?.get_item(place).ok()?;
            }
            if is_nullable && state.is_none() { Some(None) } else { integer(&state).map(Some) }
        })
        .collect::<Option<_>>()?;
    let count = |position| integer(&group.get_item(position).ok()?);
    Some((integer(start)?, key, numbers, count(0)?, count(1)?))
}

fn value<'a>(value: &'a Bound<'_, PyAny>) -> Option<Value<'a>> {
    if let Ok(text) = value.cast_exact::<PyString>() {
        return text.to_str().ok().map(Value::Text); // a lone surrogate is no text of Rust
    }
    if let Ok(truth) = value.cast_exact::<PyBool>() {
        return Some(Value::Bool(truth.is_true()));
    }
    if value.is_none() { Some(Value::Null) } else { integer(value).map(Value::Integer) }
}

fn integer(value: &Bound<'_, PyAny>) -> Option<i64> {
    value.cast_exact::<PyInt>().ok()?.extract().ok()
}
