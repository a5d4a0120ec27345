//! Reads the plain lines of a Firehose event, as `streamtally`'s transform does in Python.
//!
//! Python's way is the definition: the kernel takes what it is certain to read alike, and gives everything else back.
//! It knows layouts, fields and records, no plans.

pub mod batch;
pub mod count;
pub mod digest;
pub mod layout;
pub mod partials;
mod python;
pub mod record;
mod refused;
pub mod scan;
mod shape;
mod text;
pub mod w3c;
