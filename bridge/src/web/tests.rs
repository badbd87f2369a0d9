//! The web from outside: a request in, an answer out.

mod api;
mod acts;
mod clocks;
mod delivery;
mod events;
mod explanation;
mod forecasts;
mod login;
mod matrix;
mod openapi;
mod people;
mod pages;
mod probes;
mod rules;
mod safety;
mod server;
mod site;
mod task_life;
mod writer;
