//! The binary from outside: MQTT in, HTTP out.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails where something is missing"
)]

mod adjusters;
mod advice;
mod backtest;
mod backup;
mod booking;
mod commands;
mod connectors;
mod database;
mod delivery;
mod demo;
mod explain;
mod export;
mod facts;
mod forecast;
mod feeds;
mod journey;
mod late;
mod neighbours;
mod outage;
mod people;
mod process;
mod records;
mod quote;
mod reload;
mod sailings;
mod secrets;
mod service_events;
mod stock;
mod tls;
