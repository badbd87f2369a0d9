//! `upturn stock`: what to stock where, from files, without a service.

use std::path::Path;

use clap::Subcommand;

use crate::clock::Clock;
use crate::exit::Exit;

mod advise;
mod learn;
mod load;
mod solve;

/// Stock and when to move it.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Say what to send to each place, from where, and by which day at the latest
    Advise(advise::Args),
    /// Propose which parts failures of devices need, from closed work orders
    Learn(learn::Args),
    /// Solve single inventory instances
    Solve(solve::Args),
}

pub(super) fn run(command: &Command, config: Option<&Path>, clock: &dyn Clock) -> Exit {
    match command {
        Command::Advise(args) => advise::run(args, clock),
        Command::Learn(args) => learn::run(args, config, clock),
        Command::Solve(args) => solve::run(args),
    }
}
