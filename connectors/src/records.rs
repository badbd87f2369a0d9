//! Records as other systems keep them, read as rows of the kinds in [`upturn_core::record`].
//!
//! To add a system: a file in this folder with what it has and how it is read.

use std::collections::BTreeMap;

pub mod tryton;

/// A row: texts under the columns of its kind.
pub type Row = BTreeMap<&'static str, String>;
