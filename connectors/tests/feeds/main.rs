//! Feeds from end to end: a server that answers, a pull, and what the review makes of it.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails where something is missing"
)]

mod evil;
mod evil_feed;
mod kinds;
mod mutations;
mod pulled;
mod pulling;
#[expect(dead_code, reason = "the channels' tests use more of it")]
#[path = "../http/server.rs"]
mod server;
mod sources;
