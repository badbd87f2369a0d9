//! Channels over HTTP against a real server, which answers what others recorded, or does its worst.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails where something is missing"
)]

mod bots;
mod channels;
mod docs;
mod evil;
mod products;
mod records;
mod server;
mod shapes;
mod systems;
mod tls;
mod webhook;
