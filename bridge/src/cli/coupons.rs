//! `upturn coupons`: pools of coupons, and what campaigns may give away.

use std::path::{Path, PathBuf};

use serde_json::json;
use upturn_core::record::coupon::{BUDGET, COUPON};
use upturn_core::registry::Registry;

use super::output;
use super::store_command::{self, StoreCommandError, open};
use crate::clock::Clock;
use crate::config::Config;
use crate::exit::Exit;
use crate::import::{Examined, Import, ImportError, Source};
use crate::store::audit::{CONSOLE, NewEntry};
use crate::store::error::StoreError;
use crate::store::record::{self, StoredRecord};
use crate::store::{self, audit, coupon};

/// Imports coupons, sets budgets, and shows how campaigns stand. Codes are never shown.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Take in a pool: a table with campaign, code, value, currency and `expires_on`; all of it or none
    Import {
        /// The table: CSV, or with semicolons or tabs
        file: PathBuf,
        /// Look at the table and write nothing
        #[arg(long)]
        dry_run: bool,
        /// Let this column change in as many coupons as it will; may be given several times
        #[arg(long, value_name = "COLUMN")]
        allow_change: Vec<String>,
        /// Print one JSON document
        #[arg(long)]
        json: bool,
    },
    /// Set what the coupons of a campaign may be worth together in a calendar month
    Budget {
        /// The campaign
        campaign: String,
        /// The most, such as 5000.00
        amount: String,
        /// Its currency, such as EUR
        currency: String,
    },
    /// Show every campaign: coupons left and issued, budget and what is spent of it
    List {
        /// Print one JSON document
        #[arg(long)]
        json: bool,
    },
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error(transparent)]
    Import(#[from] ImportError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{0}")]
    Budget(String),
    #[error(transparent)]
    Print(#[from] std::io::Error),
}

impl Refusal {
    fn exit(&self) -> Exit {
        match self {
            Self::Import(ImportError::Read { .. }) => Exit::NoInput,
            Self::Import(
                ImportError::Table { .. } | ImportError::Restless(_) | ImportError::Overtaken(_),
            )
            | Self::Budget(_) => Exit::DataErr,
            Self::Import(ImportError::Store(_) | ImportError::Random(_)) | Self::Store(_) => {
                Exit::Unavailable
            }
            Self::Print(_) => Exit::Output,
        }
    }
}

/// Runs `command` on the database that the settings in `file` name.
pub(super) fn run(command: &Command, file: Option<&Path>, clock: &dyn Clock) -> Exit {
    store_command::run(file, |config| async move {
        match carry_out(command, &config, clock).await {
            Ok(exit) => Ok(exit),
            Err(Refusal::Print(error)) => Err(StoreCommandError::Print(error)),
            Err(error) => Ok(output::failed(&error, error.exit())),
        }
    })
}

async fn carry_out(command: &Command, config: &Config, clock: &dyn Clock) -> Result<Exit, Refusal> {
    let store = match open(config).await {
        Ok(store) => store,
        Err(error) => return Ok(output::failed(&error, Exit::Unavailable)),
    };
    store::schema::require_current(&store).await?;
    let exit = match command {
        Command::Import { file, dry_run, allow_change, json } => {
            let source =
                Source { file: file.clone(), map: Vec::new(), delimiter: None, encoding: None };
            let registry = Registry::default();
            let import = Import {
                store: &store,
                registry: &registry,
                kind: &COUPON,
                source: &source,
                made_of: None,
            };
            let examined = import.examine(allow_change).await?;
            let is_sound = examined.findings.is_empty();
            let written = if is_sound && !dry_run {
                Some(import.take_in(&examined, clock.now(), CONSOLE).await?)
            } else {
                None
            };
            tell(&examined, written, *json)?;
            if is_sound { Exit::Ok } else { Exit::DataErr }
        }
        Command::Budget { campaign, amount, currency } => {
            set_budget(&store, (campaign, amount, currency), clock).await?
        }
        Command::List { json } => list(&store, clock, *json).await?,
    };
    store.close().await;
    Ok(exit)
}

async fn set_budget(
    store: &store::Store,
    (campaign, amount, currency): (&str, &str, &str),
    clock: &dyn Clock,
) -> Result<Exit, Refusal> {
    let cell = |name: &'static str| match name {
        "campaign" => Some(campaign),
        "amount" => Some(amount),
        "currency" => Some(currency),
        _ => None,
    };
    let budget = BUDGET.read(cell).map_err(|errors| {
        let errors: Vec<_> = errors.iter().map(ToString::to_string).collect();
        Refusal::Budget(errors.join("\n"))
    })?;
    let id = BUDGET.key_of(&budget);
    let detail = json!(budget);
    let stored = StoredRecord { id: id.clone(), document: detail.to_string() };
    let (at, mut tx) = (clock.now(), store.begin().await?);
    record::write(&mut tx, BUDGET.name, &[stored], at, CONSOLE).await?;
    let (action, actor) = ("coupon-budget-set", CONSOLE);
    let entry = NewEntry { at, actor, action, subject: &id, detail: &detail };
    audit::append(&mut tx, entry).await?;
    tx.commit().await?;
    output::say(format_args!("'{campaign}' may give away {amount} {currency} a month"))?;
    Ok(Exit::Ok)
}

async fn list(store: &store::Store, clock: &dyn Clock, json: bool) -> Result<Exit, Refusal> {
    let day = clock.now().date_naive();
    let campaigns = coupon::campaigns(store, day).await?;
    if json {
        let all = campaigns.iter().map(|(campaign, one)| {
            json!({
                "campaign": campaign, "imported": one.imported, "issued": one.issued,
                "left": one.left, "spent": one.spent.to_string(),
                "budget": one.budget.map(|budget| budget.amount.to_string()),
                "currency": one.budget.map(|budget| budget.currency),
            })
        });
        let all: Vec<_> = all.collect();
        output::say_json(format_args!("{:#}", json!({ "campaigns": all })))?;
        return Ok(Exit::Ok);
    }
    let rows = campaigns.into_iter().map(|(campaign, one)| {
        let budget = one.budget.map(|budget| format!("{} {}", budget.amount, budget.currency));
        let budget = budget.unwrap_or_else(|| "none set".to_owned());
        let counts = [one.left, one.issued, one.imported].map(|count| count.to_string());
        [campaign].into_iter().chain(counts).chain([budget, one.spent.to_string()]).collect()
    });
    let heading = ["campaign", "left", "issued", "imported", "budget a month", "spent"];
    output::say(output::table(&heading, rows))?;
    Ok(Exit::Ok)
}

/// Tells what is in a table, without its codes.
fn tell(examined: &Examined, written: Option<u64>, json: bool) -> Result<(), std::io::Error> {
    let Examined { rows, new, same, changed, findings, .. } = examined;
    if json {
        let wrong: Vec<_> = findings
            .rows()
            .iter()
            .map(|(line, message)| json!({ "line": line, "message": message }))
            .collect();
        let report = json!({
            "rows": rows, "new": new, "same": same, "changed": changed, "wrong": wrong,
            "more_wrong": findings.unlisted(), "refused": findings.whole(), "written": written,
        });
        return output::say_json(format_args!("{report:#}"));
    }
    let mut lines = vec![format!("rows {rows}: new {new}, changed {changed}, the same {same}")];
    lines.extend(findings.rows().iter().map(|(line, message)| format!("line {line}: {message}")));
    if 0 < findings.unlisted() {
        lines.push(format!("and {} more", findings.unlisted()));
    }
    lines.extend(findings.whole().iter().cloned());
    lines.push(match written {
        Some(count) => format!("coupons written: {count}"),
        None if findings.is_empty() => "nothing was written, as asked".to_owned(),
        None => "nothing was written; mend the table and try again".to_owned(),
    });
    output::say(lines.join("\n"))
}
