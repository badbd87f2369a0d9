//! Upturn's bridge: connects devices, the core, the store and people.

pub mod cli;
mod clock;
mod exit;
mod config;
mod logging;
mod health;
mod telemetry;
mod hex;
mod backoff;
mod store;
mod rules;
mod registry;
mod ingest;
mod runtime;
mod outbox;
mod supervisor;
mod simulate;
mod auth;
mod web;
