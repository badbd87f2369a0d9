//! Upturn's bridge: connects devices, the core, the store and people.

pub mod cli;
mod clock;
mod exit;
mod failpoint;
mod config;
mod logging;
mod health;
mod telemetry;
mod hex;
mod lines;
mod backoff;
mod store;
mod rules;
mod registry;
mod reload;
mod lifecycle;
mod ingest;
mod runtime;
mod replay;
mod outbox;
mod supervisor;
mod simulate;
mod auth;
mod web;
