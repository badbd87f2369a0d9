//! The web from outside: a request in, an answer out.

mod api;
mod acts;
mod advice;
mod clocks;
mod delivery;
mod events;
mod explanation;
mod leads;
mod figures;
mod forecasts;
mod login;
mod matrix;
mod openapi;
mod people;
mod pages;
mod probes;
mod records;
mod rules;
mod safety;
mod selling;
mod sellers;
mod server;
mod site;
mod task_life;
mod task_results;
mod writer;
