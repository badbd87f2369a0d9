//! What a plan is made of, read from the database: records, and sets of facts in force.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use serde::de::DeserializeOwned;
use upturn_core::fact::Fact;
use upturn_core::fact::weather::Weather;
use upturn_core::registry::{DeviceStatus, Registry};
use upturn_core::rule::Stage;
use upturn_core::stock::gather::Outside;
use upturn_core::stock::gather::row::{Device, Rows, Site, Stock};
use upturn_core::stock::stocking::Stocking;

use crate::facts::shelf::Shelf;
use crate::facts::stored::StoredError;
use crate::facts::told_days::tells_days;
use crate::lifecycle;
use crate::store::error::StoreError;
use crate::store::{Store, feed_set, record, task_faults};

/// Records that are read at once.
const PAGE_LEN: u32 = 5_000;
/// How far back tasks tell how often devices fail.
const FAULTS_BACK: TimeDelta = TimeDelta::days(366);

/// The kinds of feeds whose facts bear on a plan beside those that tell days.
const BEARING: [&str; 2] = ["closures", "lanes"];
/// The kinds whose facts bear on a plan where sailings are the departures of a lane.
const SAILING: [&str; 3] = ["dcsa-schedules", "departures", "portchain"];
/// The kinds whose facts bear on a plan where an adjuster asks for them.
const WEATHER: &str = "open-meteo";
const POLICIES: &str = "policies";

/// Returns the numbers of the sets in force that bear on a plan.
pub(crate) async fn bearing(store: &Store, stocking: &Stocking) -> Result<Vec<i64>, StoreError> {
    let active = feed_set::active(store).await?;
    let bearing = active.iter().filter(|set| is_bearing(&set.kind, stocking));
    Ok(bearing.map(|set| set.id).collect())
}

fn is_bearing(kind: &str, stocking: &Stocking) -> bool {
    let has_sailings = || stocking.lane.iter().any(|lane| lane.sailings.is_some());
    BEARING.contains(&kind)
        || tells_days(kind)
        || (SAILING.contains(&kind) && has_sailings())
        || (kind == WEATHER && stocking.adjuster.iter().any(|one| one.weather.is_some()))
        || (kind == POLICIES && stocking.adjuster.iter().any(|one| one.policy.is_some()))
}

/// Returns what the sets in force tell, those that came into force later later.
pub(crate) async fn outside(
    (store, shelf): (&Store, &Shelf),
    stocking: &Stocking,
) -> Result<Outside, StoredError> {
    let mut outside = Outside::default();
    let in_force = shelf.sets_in_force(store, |kind| is_bearing(kind, stocking)).await?;
    let asked = stocking.weather_places();
    let is_asked =
        |weather: &Weather| weather.place.as_deref().is_some_and(|name| asked.contains(name));
    for (set, facts) in in_force {
        let feed = &set.feed;
        outside.fetched_at.insert(feed.clone(), set.fetched_at);
        for fact in facts.iter() {
            match fact {
                Fact::Calendar(almanac) => outside.almanacs.push((**almanac).clone()),
                Fact::Closure(closure) => outside.closures.push((**closure).clone()),
                Fact::Lane(lane) => outside.lanes.push((feed.clone(), (**lane).clone())),
                Fact::Sailing(sailing) => {
                    outside.sailings.push((feed.clone(), (**sailing).clone()));
                }
                Fact::PortCall(call) if call.is_omitted => outside.omitted.push((**call).clone()),
                Fact::Weather(weather) if is_asked(weather) => {
                    outside.weather.push((**weather).clone());
                }
                Fact::Policy(policy) => outside.policies.push((**policy).clone()),
                Fact::Rate(_)
                | Fact::Tax(_)
                | Fact::Duty(_)
                | Fact::Goods(_)
                | Fact::PortCall(_)
                | Fact::TransportEvent(_)
                | Fact::Weather(_)
                | Fact::Attributes(_)
                | Fact::Unread(_) => {}
            }
        }
    }
    Ok(outside)
}

/// Returns the records that bear on a plan. Those that hold what an import never writes are left out.
/// Devices and their failures bear on it only where the document says which parts they need.
pub(crate) async fn rows(
    store: &Store,
    stocking: &Stocking,
    (folder, as_of): (&Registry, DateTime<Utc>),
) -> Result<Rows, StoreError> {
    let dated = |(mut row, at): (Stock, i64)| {
        row.updated_at = at;
        row
    };
    let mut rows = Rows {
        products: plain(store, "product").await?,
        stock: of_kind(store, "stock").await?.into_iter().map(dated).collect(),
        deals: plain(store, "deal").await?,
        orders: plain(store, "order").await?,
        shipments: plain(store, "shipment").await?,
        plans: plain(store, "plan").await?,
        ..Rows::default()
    };
    if stocking.failure.is_empty() {
        return Ok(rows);
    }
    let of_field = field(store, folder).await?;
    rows = Rows {
        devices: of_field.devices,
        sites: of_field.sites,
        installed: of_field.installed,
        work_orders: of_field.work_orders,
        ..rows
    };
    let since = as_of.checked_sub_signed(FAULTS_BACK).unwrap_or(DateTime::UNIX_EPOCH);
    let rules: BTreeSet<&str> = stocking.failure.iter().map(|row| &*row.fault).collect();
    for rule in rules {
        if let Some(since) = live_since(store, rule).await? {
            rows.rules.insert(rule.to_owned(), since);
        }
        rows.faults.append(&mut task_faults::of_rule(store, rule, since).await?);
    }
    rows.faults.retain(|fault| fault.at <= as_of);
    Ok(rows)
}

/// Returns the devices in the field, where they are, and what was done about their failures.
pub(crate) async fn field(store: &Store, folder: &Registry) -> Result<Rows, StoreError> {
    let mut rows = Rows {
        devices: plain(store, "device").await?,
        sites: plain(store, "site").await?,
        installed: plain(store, "installed").await?,
        work_orders: plain(store, "work-order").await?,
        ..Rows::default()
    };
    add_folder(&mut rows, folder);
    Ok(rows)
}

/// Returns since when `rule` has made tasks, with breaks or without, if the log says so.
async fn live_since(store: &Store, rule: &str) -> Result<Option<DateTime<Utc>>, StoreError> {
    for term in lifecycle::terms(store, Some(rule)).await? {
        let summary = lifecycle::summary(store, rule, &term.version).await?;
        if summary.stage == Some(Stage::Live) {
            return Ok(Some(term.since_at));
        }
    }
    Ok(None)
}

/// Adds the devices and sites of the registry's folder that no record takes the place of.
fn add_folder(rows: &mut Rows, folder: &Registry) {
    let text = |text: &Option<Box<str>>| text.as_deref().map(str::to_owned);
    let known: BTreeSet<String> = rows.devices.iter().map(|device| device.id.clone()).collect();
    let devices = folder.devices.iter().filter(|(id, device)| {
        device.status != DeviceStatus::Retired && !known.contains(id.as_str())
    });
    rows.devices.extend(devices.map(|(id, device)| Device {
        id: id.as_str().to_owned(),
        model: device.model.to_string(),
        site: text(&device.site),
        account: text(&device.account),
        status: None,
    }));
    let known: BTreeSet<String> = rows.sites.iter().map(|site| site.id.clone()).collect();
    let sites = folder.sites.iter().filter(|(id, _)| !known.contains(&***id));
    rows.sites
        .extend(sites.map(|(id, site)| Site { id: id.to_string(), account: text(&site.account) }));
}

async fn plain<T: DeserializeOwned>(store: &Store, kind: &str) -> Result<Vec<T>, StoreError> {
    Ok(of_kind(store, kind).await?.into_iter().map(|(row, _)| row).collect())
}

async fn of_kind<T: DeserializeOwned>(
    store: &Store,
    kind: &str,
) -> Result<Vec<(T, i64)>, StoreError> {
    let mut rows = Vec::new();
    let mut after = String::new();
    loop {
        let page = record::dated_page(store, kind, &after, PAGE_LEN).await?;
        let Some((last, _, _)) = page.last() else { return Ok(rows) };
        after.clone_from(last);
        for (id, document, at) in page {
            match serde_json::from_str(&document) {
                Ok(row) => rows.push((row, at)),
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, record.kind = kind, record.id = id, "not planned with");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::log::{self, Kind, LoggedInput};
    use crate::store::rule::{self, Version};
    use crate::store::testing::{at, each_backend};

    #[tokio::test]
    async fn a_rule_makes_tasks_since_its_first_live_version() {
        const DOCUMENT: &str = include_str!("../../../deploy/rules/charger-care.toml");
        each_backend(async |store| {
            let id = "id = \"charger-care\"\n";
            let shadow = DOCUMENT.replacen(id, &format!("{id}stage = \"shadow\"\n"), 1);
            assert_ne!(shadow, DOCUMENT);
            let mut tx = store.begin().await.unwrap();
            for (hash, document) in [("s", &*shadow), ("l", DOCUMENT)] {
                rule::keep(&mut tx, Version { rule: "care", hash, document }).await.unwrap();
            }
            let switches: [(u64, &[&str]); 4] =
                [(1, &["s"]), (2, &["s", "l"]), (3, &[]), (4, &["l"])];
            for (position, versions) in switches {
                let rules = versions.iter();
                let rules = rules.map(|v| serde_json::json!({ "rule": "care", "version": v }));
                let body = rules.collect::<serde_json::Value>().to_string();
                let received_at = at(i64::try_from(position).unwrap());
                let input = LoggedInput { position, received_at, kind: Kind::Rules, body };
                log::append(&mut tx, &input).await.unwrap();
            }
            tx.commit().await.unwrap();
            assert_eq!(live_since(store, "care").await.unwrap(), Some(at(2)));
            assert_eq!(live_since(store, "other").await.unwrap(), None);
        })
        .await;
    }
}
