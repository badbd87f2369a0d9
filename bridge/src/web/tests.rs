//! The web from outside: a request in, an answer out.

mod api;
mod login;
mod pages;
mod probes;
mod safety;
mod server;
mod site;
