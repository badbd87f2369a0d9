//! `upturn forecast`: what will be needed and what will be won, from files and without a database.

use clap::Subcommand;

use crate::exit::Exit;

mod demand;
mod lifetime;
mod regressors;
mod win;

/// Forecasts from CSV files; `deploy/forecast/README.md` describes their columns.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Forecast the demand of many items: quantiles of each period and of their sum
    ///
    /// Items that cannot be read are named and left out; then the exit code is 1.
    Demand(demand::Args),
    /// Say how likely each open deal is won within so many days
    ///
    /// Learns from what became of deals that were open before. Where nothing that is known of them
    /// told them apart, it says so and gives the share of all deals.
    Win(win::Args),
    /// Fit what customers will still order, for the factor `lifetime-value` of a score
    ///
    /// Prints the section `[lifetime]` of a document of kind score.
    Lifetime(lifetime::Args),
    /// Say which facts, as weather or the end of a quarter, help to forecast a number
    ///
    /// Learns from earlier days, judges by later ones, and leaves off what does not clearly help.
    Regressors(regressors::Args),
}

pub(super) fn run(command: &Command) -> Exit {
    match command {
        Command::Demand(args) => demand::run(args),
        Command::Win(args) => win::run(args),
        Command::Lifetime(args) => lifetime::run(args),
        Command::Regressors(args) => regressors::run(args),
    }
}
