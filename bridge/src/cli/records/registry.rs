//! `upturn records duplicates`, `unknown` and `adopt`: who and what is known, and what is not.

use serde_json::json;
use upturn_core::record::{self as kinds, RecordError};

use super::super::output;
use super::super::store_command::open;
use super::{Refusal, folder};
use crate::clock::Clock;
use crate::config::Config;
use crate::exit::Exit;
use crate::import::references;
use crate::import::rows::Numbered;
use crate::import::stored;
use crate::store::audit::{self, CONSOLE, NewEntry};
use crate::store::{self, Store, record, registry_change, unknown_device};
use crate::twins::Marks;
use crate::web::when::machine;

/// How many unknown devices are told.
const UNKNOWN_MAX: u32 = 10_000;

/// A device, and what it is.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct AdoptArgs {
    /// Its id, as its messages have it
    device: String,
    /// The maker's name of the model
    #[arg(long)]
    model: String,
    /// The site it stands at
    #[arg(long)]
    site: Option<String>,
    /// The account it belongs to, where not its site's
    #[arg(long)]
    account: Option<String>,
}

/// Prints the accounts and contacts that may be one.
pub(super) async fn duplicates(config: &Config, json: bool) -> Result<Exit, Refusal> {
    let registry = folder(config)?;
    let store = open_current(config).await?;
    let all = Marks::load(&store, &registry).await?.all();
    store.close().await;
    if json {
        output::say_json(format_args!("{:#}", json!({ "duplicates": all })))?;
        return Ok(Exit::Ok);
    }
    let rows = all.iter().flat_map(|twins| {
        twins.records.iter().map(|member| {
            let owner = member.owner.clone().unwrap_or_else(|| "nobody".to_owned());
            let across = if twins.across_owners { "yes" } else { "" };
            let id = format!("{} {}", member.kind, member.id);
            vec![twins.what.clone(), twins.value.clone(), across.to_owned(), id, owner]
        })
    });
    output::say(output::table(&["same", "value", "across owners", "record", "owner"], rows))?;
    Ok(Exit::Ok)
}

/// Prints the devices that nobody has registered.
pub(super) async fn unknown(config: &Config, json: bool) -> Result<Exit, Refusal> {
    let store = open_current(config).await?;
    let (devices, count) = unknown_device::newest(&store, UNKNOWN_MAX).await?;
    store.close().await;
    if json {
        let devices: Vec<_> = devices
            .iter()
            .map(|found| {
                json!({
                    "device": found.device, "topic": found.topic, "messages": found.messages,
                    "first_seen_at": machine(found.first_seen_at),
                    "last_seen_at": machine(found.last_seen_at),
                })
            })
            .collect();
        let told = json!({ "count": count, "devices": devices });
        output::say_json(format_args!("{told:#}"))?;
        return Ok(Exit::Ok);
    }
    let rows = devices.iter().map(|found| {
        vec![
            found.device.clone(),
            found.messages.to_string(),
            machine(found.first_seen_at),
            machine(found.last_seen_at),
            found.topic.clone(),
        ]
    });
    output::say(output::table(&["device", "messages", "first", "last", "topic"], rows))?;
    Ok(Exit::Ok)
}

/// Registers a device, as a record.
pub(super) async fn adopt(
    args: &AdoptArgs,
    config: &Config,
    clock: &dyn Clock,
) -> Result<Exit, Refusal> {
    let folder = folder(config)?;
    let kind = kinds::kind("device").ok_or_else(|| Refusal::Wrong("no devices".to_owned()))?;
    let AdoptArgs { device, model, site, account } = args;
    let cell = |name: &str| match name {
        "id" => Some(device.as_str()),
        "model" => Some(model.as_str()),
        "site" => site.as_deref(),
        "account" => account.as_deref(),
        _ => None,
    };
    let words = |errors: Vec<RecordError>| {
        let errors: Vec<_> = errors.iter().map(ToString::to_string).collect();
        Refusal::Wrong(errors.join("; "))
    };
    let row = Numbered { line: 1, record: kind.read(cell).map_err(words)? };
    let store = open_current(config).await?;
    let missing = references::missing((&store, &folder), kind, std::slice::from_ref(&row)).await?;
    if let Some(missing) = missing.first() {
        return Err(Refusal::Wrong(missing.message()));
    }
    let record = stored(kind, &row.record);
    let at = clock.now();
    let mut tx = store.begin().await?;
    record::write(&mut tx, kind.name, std::slice::from_ref(&record), at, CONSOLE).await?;
    registry_change::note(&mut tx, kind.name, &record.id).await?;
    let detail = json!({ "ids": [record.id], "count": 1 });
    let (action, subject) = ("records-written", kind.name);
    let entry = NewEntry { at, actor: CONSOLE, action, subject, detail: &detail };
    audit::append(&mut tx, entry).await?;
    tx.commit().await?;
    store.close().await;
    output::say(format_args!(
        "{device} is registered; the program at work knows it within a second"
    ))?;
    Ok(Exit::Ok)
}

async fn open_current(config: &Config) -> Result<Store, Refusal> {
    let store = open(config).await.map_err(Refusal::Open)?;
    store::schema::require_current(&store).await?;
    Ok(store)
}
