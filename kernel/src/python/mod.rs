//! What Python calls: `streamtally/transform/kernel/protocol.py` describes it.

mod answers;
mod batch;
mod layout;
mod partials;
mod records;
mod values;

use std::panic::{AssertUnwindSafe, catch_unwind};

use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;

use batch::PyBatch;
use layout::Layout;

/// The number of this interface: `transform/kernel/protocol.py` has the same.
const INTERFACE: u32 = 11;

/// Runs what must never end the process: a panic becomes an exception, after which Python reads the event.
pub(crate) fn guarded<T>(run: impl FnOnce() -> PyResult<T>) -> PyResult<T> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| Err(PyRuntimeError::new_err("the kernel panicked")))
}

pub(crate) fn check(is_done: bool) -> PyResult<()> {
    is_done.then_some(()).ok_or_else(|| PyValueError::new_err("not a line or record that Python reads"))
}

/// The extension module.
#[pymodule]
fn streamtally_kernel(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("INTERFACE", INTERFACE)?;
    module.add_class::<Layout>()?;
    module.add_class::<PyBatch>()?;
    module.add_function(wrap_pyfunction!(records::read, module)?)?;
    module.add_function(wrap_pyfunction!(records::read_data, module)?)
}
