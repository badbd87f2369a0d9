//! Upturn's bridge: connects devices, the core, the store and people.

mod clock;
#[cfg_attr(not(test), expect(dead_code, reason = "the runtime and the pages call it"))]
mod store;
mod exit;
mod config;
mod registry;
mod ingest;
pub mod cli;
