//! `upturn doctor`: whether what Upturn needs is there and in order.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use serde::Serialize;
use tokio::time::timeout;

use crate::cli::causes;
use crate::clock::Clock;
use crate::config::Config;
use crate::exit::Exit;

mod broker;
mod certificates;
mod check;
mod disk;
mod doors;
mod folders;
mod machine;
mod mosquitto;
mod secrets;
mod store;
mod tasks;

pub(crate) use self::check::{Check, Outcome, Verdict};

/// How long a check may take; longer than the time limits of what it calls.
const CHECK_LIMIT: Duration = Duration::from_secs(30);

/// How to say what was found.
#[derive(Clone, Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Look through a Mosquitto's configuration too
    #[arg(long, value_name = "FILE")]
    mosquitto: Option<PathBuf>,
    /// Print one JSON document instead of a table
    #[arg(long)]
    json: bool,
}

/// What was found, check by check.
#[derive(Debug, Serialize)]
struct Report {
    /// Whether nothing failed.
    ok: bool,
    checks: Vec<Entry>,
}

#[derive(Debug, Serialize)]
struct Entry {
    name: &'static str,
    #[serde(flatten)]
    outcome: Outcome,
}

/// Looks at everything and prints it; ends with [`Exit::Findings`] if anything failed.
pub(crate) async fn run(
    args: DoctorArgs,
    file: Option<&Path>,
    clock: &dyn Clock,
    out: &mut (dyn Write + Send),
) -> io::Result<Exit> {
    let mut entries = Vec::new();
    let mut checks: Vec<Box<dyn Check>> = vec![
        Box::new(machine::ClockCheck { now: clock.now() }),
        Box::new(machine::DescriptorsCheck),
    ];
    if let Some(file) = args.mosquitto {
        checks.push(Box::new(mosquitto::MosquittoCheck { file }));
    }
    match Config::load(file) {
        Ok(config) => {
            entries.push(Entry { name: "configuration", outcome: described(&config) });
            checks.extend(checks_of(&config, clock));
        }
        Err(error) => {
            let advice = "correct it; what depends on it was not looked at";
            let outcome = Outcome::fail(causes::describe(&error), advice);
            entries.push(Entry { name: "configuration", outcome });
        }
    }
    for check in checks {
        entries.push(Entry { name: check.name(), outcome: limited(check.as_ref()).await });
    }
    let ok = entries.iter().all(|entry| entry.outcome.verdict != Verdict::Fail);
    let report = Report { ok, checks: entries };
    if args.json {
        serde_json::to_writer_pretty(&mut *out, &report)?;
        writeln!(out)?;
    } else {
        print(&report, out)?;
    }
    Ok(if ok { Exit::Ok } else { Exit::Findings })
}

fn checks_of(config: &Config, clock: &dyn Clock) -> Vec<Box<dyn Check>> {
    let mut checks: Vec<Box<dyn Check>> = vec![
        Box::new(secrets::SecretsCheck::of(config)),
        Box::new(store::StoreCheck {
            config: config.store.clone(),
            alarm_above_bytes: config.retention.alarm_above_bytes(),
        }),
        Box::new(folders::RulesCheck {
            dir: config.rules.dir.clone(),
            catalogue: config.catalogue(),
        }),
        Box::new(folders::RegistryCheck { dir: config.registry.dir.clone(), now: clock.now() }),
        Box::new(tasks::TasksCheck {
            store: config.store.clone(),
            registry: config.registry.dir.clone(),
        }),
    ];
    if let Some(path) = config.store.url.file() {
        checks.push(Box::new(disk::DiskCheck { file: path.to_owned() }));
    }
    let web = config.web.listen;
    checks.push(Box::new(doors::DoorCheck { name: "web port", at: web, web }));
    if let Some(at) = config.mqtt.listen {
        checks.push(Box::new(doors::DoorCheck { name: "mqtt port", at, web }));
    }
    if let Some(tls) = &config.mqtt.tls {
        checks.push(Box::new(doors::DoorCheck { name: "mqtts port", at: tls.listen, web }));
        let (tls, now) = (tls.clone(), clock.now());
        checks.push(Box::new(certificates::CertificatesCheck { tls, now }));
    }
    if let Some(connect) = &config.mqtt.connect {
        checks.push(Box::new(broker::BrokerCheck { connect: connect.clone() }));
    }
    checks
}

fn described(config: &Config) -> Outcome {
    Outcome::ok(match &config.file {
        Some(file) => format!("{} and the environment", file.display()),
        None => "no file; the defaults and the environment".to_owned(),
    })
}

async fn limited(check: &dyn Check) -> Outcome {
    timeout(CHECK_LIMIT, check.run()).await.unwrap_or_else(|_| {
        let found = format!("no answer within {} s", CHECK_LIMIT.as_secs());
        Outcome::fail(found, "see whether it is overloaded or cut off")
    })
}

/// Prints a table: verdict, what was looked at, what was found, and below it what to do.
fn print(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let width = report.checks.iter().map(|entry| entry.name.len()).max().unwrap_or_default();
    let margin = " ".repeat("warn  ".len() + width + 2);
    for Entry { name, outcome } in &report.checks {
        let verdict = match outcome.verdict {
            Verdict::Ok => "ok",
            Verdict::Warn => "warn",
            Verdict::Fail => "FAIL",
        };
        let found = outcome.found.replace('\n', &format!("\n{margin}"));
        writeln!(out, "{verdict:<4}  {name:<width$}  {found}")?;
        if let Some(advice) = &outcome.advice {
            writeln!(out, "{margin}-> {advice}")?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
