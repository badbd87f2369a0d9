//! The command line: one file a command, and its line here.

use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, Subcommand};

use self::output::printed;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::delivery::files::Setup;
use crate::exit::Exit;
use crate::feeds;

mod audit;
mod backtest;
mod backup;
mod causes;
mod check;
mod config;
mod connectors;
mod demo;
mod doctor;
mod events;
mod explain;
mod export;
mod facts;
mod first_admin;
mod forecast;
mod migrate;
mod outbox;
mod output;
mod process;
mod coupons;
mod records;
mod quote;
mod restore;
mod rules;
mod schema;
mod secrets;
mod serve;
mod stock;
mod store_command;
mod user;

/// From service to sales: devices report trouble, the right person gets the task.
#[derive(Debug, Parser)]
#[command(name = "upturn", version, propagate_version = true)]
struct Cli {
    /// The configuration; without it `UPTURN_CONFIG`, else ./upturn.toml if it exists
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Play a day of simulated chargers and show what comes of it
    Demo(demo::Args),
    /// Take in telemetry and serve the pages
    Serve,
    /// Find what is wrong with rules, leads, registry, destinations, routes and feeds
    Check(check::Args),
    /// Fold events and print the tasks that would stand
    Backtest(backtest::Args),
    /// Say why there is a task, or why there is none
    #[command(subcommand)]
    Explain(explain::Command),
    /// Test rules, look at their versions, and go back to an earlier one
    #[command(subcommand)]
    Rules(rules::Command),
    /// Hand in service events: tickets, repairs, visits
    #[command(subcommand)]
    Events(events::Command),
    /// Look at feeds: rates, taxes, schedules
    #[command(subcommand)]
    Connectors(connectors::Command),
    /// Look at products, prices, stock and deals, and take tables of them in
    #[command(subcommand)]
    Records(records::Command),
    /// Import coupons, set what campaigns may give away, and see what is left
    #[command(subcommand)]
    Coupons(coupons::Command),
    /// Say what to stock where, and by when to send it
    #[command(subcommand)]
    Stock(stock::Command),
    /// Forecast demand, from files
    #[command(subcommand)]
    Forecast(forecast::Command),
    /// Look rates, taxes and duties up, as of a day
    #[command(subcommand)]
    Facts(facts::Command),
    /// Price a quote by seven terms of delivery, show it again, or see how far it has drifted
    #[command(subcommand)]
    Quote(quote::Command),
    /// Say how deals kept to their process, by tables of them
    #[command(subcommand)]
    Process(process::Command),
    /// Write the log of events to a file for other tools
    #[command(subcommand)]
    Export(export::Command),
    /// Write the whole database to a file, while the program runs or not
    Backup(backup::Args),
    /// Fill an empty database from a backup, and check that it folds to the same
    Restore(restore::Args),
    /// Look at the database's schema, and bring it up to date
    #[command(subcommand)]
    Migrate(migrate::Command),
    /// Look at letters to other systems, send one again, or give one up
    #[command(subcommand)]
    Outbox(outbox::Command),
    /// Keep secrets that feeds need, encrypted in the database
    #[command(subcommand)]
    Secrets(secrets::Command),
    /// Look over broker, database, clock, disk and ports
    Doctor(doctor::DoctorArgs),
    /// Show the configuration
    #[command(subcommand)]
    Config(config::Command),
    /// Print the JSON Schema of a document
    Schema(schema::Args),
    /// Look after the trail of who changed what
    #[command(subcommand)]
    Audit(audit::Command),
    /// Manage the people who may sign in, and what they may do
    #[command(subcommand)]
    User(user::Command),
}

/// Runs the command that the process was started with.
pub fn run() -> ExitCode {
    let Cli { config, command } = Cli::parse();
    let config = config.as_deref();
    let exit = match command {
        Command::Demo(args) => demo::run(&args),
        Command::Serve => serve::run(config),
        Command::Check(args) => check(&args, config),
        Command::Backtest(args) => backtest::run(&args, config),
        Command::Explain(command) => explain::run(&command, config),
        Command::Rules(command) => rules::run(&command, config),
        Command::Events(command) => events::run(&command, &SystemClock),
        Command::Stock(command) => stock::run(&command, config, &SystemClock),
        Command::Forecast(command) => forecast::run(&command),
        Command::Connectors(command) => connectors::run(&command, config),
        Command::Facts(command) => facts::run(&command, config),
        Command::Secrets(command) => secrets::run(&command, config),
        Command::Quote(command) => quote::run(&command, config, &SystemClock),
        Command::Process(command) => process::run(&command),
        Command::Export(command) => export::run(&command, config),
        Command::Backup(args) => backup::run(&args, config),
        Command::Restore(args) => restore::run(&args, config),
        Command::Migrate(command) => migrate::run(&command, config),
        Command::Outbox(command) => outbox::run(&command, config, &SystemClock),
        Command::Records(command) => records::run(&command, config, &SystemClock),
        Command::Coupons(command) => coupons::run(&command, config, &SystemClock),
        Command::Doctor(args) => doctor(args, config),
        Command::Config(command) => config::run(command, config, &mut io::stdout().lock())
            .unwrap_or_else(|error| output::failed(&error, error.exit())),
        Command::Schema(args) => {
            printed(schema::run(&args, &mut io::stdout().lock()).map(|()| Exit::Ok))
        }
        Command::Audit(command) => audit::run(command, config),
        Command::User(command) => user(&command, config),
    };
    ExitCode::from(exit)
}

fn check(args: &check::Args, config: Option<&Path>) -> Exit {
    let config = match Config::load(config) {
        Ok(config) => config,
        Err(error) => return output::failed(&error, Exit::Config),
    };
    let delivery = match Setup::for_checks(&config) {
        Ok(setup) => setup,
        Err(error) => return output::failed(&error, Exit::Software),
    };
    let feeds = match feeds::files::Setup::new(&config, Arc::new(SystemClock)) {
        Ok(setup) => setup,
        Err(error) => return output::failed(&error, Exit::Software),
    };
    let setup = check::Setup {
        rules_dir: &config.rules.dir,
        compliance_dir: config.compliance.dir.as_deref(),
        registry_dir: config.registry.dir.as_deref(),
        delivery: &delivery,
        feeds: &feeds,
        catalogue: &config.catalogue(),
        is_terminal: io::stdout().is_terminal(),
    };
    printed(check::run(args, &setup, &mut io::stdout().lock(), &mut io::stderr().lock()))
}

fn doctor(args: doctor::DoctorArgs, config: Option<&Path>) -> Exit {
    block_on(async { printed(doctor::run(args, config, &SystemClock, &mut io::stdout()).await) })
}

fn user(command: &user::Command, config: Option<&Path>) -> Exit {
    let config = match Config::load(config) {
        Ok(config) => config,
        Err(error) => return output::failed(&error, Exit::Config),
    };
    block_on(async {
        match user::run(command, &config, &SystemClock, &mut io::stdout()).await {
            Ok(()) => Exit::Ok,
            Err(error) => output::failed(&error, error.exit()),
        }
    })
}

/// Runs `work` on a runtime of several threads, for commands that wait for something.
fn block_on(work: impl Future<Output = Exit>) -> Exit {
    match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(work),
        Err(error) => output::failed(&error, Exit::Software),
    }
}
