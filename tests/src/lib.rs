//! Helpers of the tests that look at the binary from outside.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a test ends where something is missing, and says what it leaves out"
)]

pub mod binary;
pub mod broker;
pub mod certificates;
pub mod device;
pub mod fleet;
pub mod http;
pub mod proxy;
pub mod shared;
pub mod site;
pub mod source;
pub mod stranger;
pub mod target;
