//! Feeds: where facts come from, as documents say.

pub(crate) mod limits;
