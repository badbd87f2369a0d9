//! Records as a plan reads them: the columns that bear on it, as they are kept.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use serde::Deserialize;

use crate::stock::plan::setting::{Holding, ItemIndex};

/// The records that bear on a plan.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    /// Records of the kind `product`.
    pub products: Vec<Product>,
    /// Records of the kind `stock`.
    pub stock: Vec<Stock>,
    /// Records of the kind `deal`.
    pub deals: Vec<Deal>,
    /// Records of the kind `order`.
    pub orders: Vec<Order>,
    /// Records of the kind `shipment`.
    pub shipments: Vec<Shipment>,
    /// Records of the kind `plan`.
    pub plans: Vec<Plan>,
    /// Records of the kind `device`.
    pub devices: Vec<Device>,
    /// Records of the kind `site`.
    pub sites: Vec<Site>,
    /// Records of the kind `installed`.
    pub installed: Vec<Installed>,
    /// Records of the kind `work-order`.
    pub work_orders: Vec<WorkOrder>,
    /// What tasks tell of failures.
    pub faults: Vec<Fault>,
    /// Since when rules have made tasks, by id; none where that is not known.
    pub rules: BTreeMap<String, DateTime<Utc>>,
}

/// See [`crate::record`] for what each column means.
#[derive(Clone, Debug, Deserialize)]
#[expect(missing_docs, reason = "the columns are described at the kind of record")]
pub struct Product {
    pub id: String,
    pub family: Option<String>,
    pub pack_size: Option<String>,
    pub minimum_order: Option<String>,
    pub replaced_by: Option<String>,
}

/// See [`crate::record`] for what each column means.
#[derive(Clone, Debug, Deserialize)]
#[expect(missing_docs, reason = "the columns are described at the kind of record")]
pub struct Stock {
    pub product: String,
    pub place: String,
    pub on_hand: String,
    pub reserved: Option<String>,
    pub on_order: Option<String>,
    pub counted_at: Option<String>,
    /// When the record was written, in milliseconds; it stands in where nobody says when it was counted.
    #[serde(skip)]
    pub updated_at: i64,
}

/// See [`crate::record`] for what each column means.
#[derive(Clone, Debug, Deserialize)]
#[expect(missing_docs, reason = "the columns are described at the kind of record")]
pub struct Deal {
    pub id: String,
    pub product: Option<String>,
    pub quantity: Option<String>,
    pub probability: Option<String>,
    pub expected_on: Option<NaiveDate>,
    pub place: Option<String>,
    pub closed_on: Option<NaiveDate>,
}

/// See [`crate::record`] for what each column means.
#[derive(Clone, Debug, Deserialize)]
#[expect(missing_docs, reason = "the columns are described at the kind of record")]
pub struct Order {
    pub id: String,
    pub line: String,
    pub account: String,
    pub deal: Option<String>,
    pub product: String,
    pub quantity: String,
    pub ordered_on: NaiveDate,
}

/// See [`crate::record`] for what each column means.
#[derive(Clone, Debug, Deserialize)]
#[expect(missing_docs, reason = "the columns are described at the kind of record")]
pub struct Shipment {
    pub id: String,
    pub product: String,
    pub quantity: String,
    pub from: String,
    pub to: String,
    pub lane: Option<String>,
    pub shipped_on: NaiveDate,
    pub arrived_on: Option<NaiveDate>,
}

/// See [`crate::record`] for what each column means.
#[derive(Clone, Debug, Deserialize)]
#[expect(missing_docs, reason = "the columns are described at the kind of record")]
pub struct Plan {
    pub id: String,
    pub product: String,
    pub quantity: String,
    pub due_on: NaiveDate,
    pub place: Option<String>,
    pub order: Option<String>,
    pub state: String,
}

/// See [`crate::record`] for what each column means.
#[derive(Clone, Debug, Deserialize)]
#[expect(missing_docs, reason = "the columns are described at the kind of record")]
pub struct Device {
    pub id: String,
    pub model: String,
    pub site: Option<String>,
    pub account: Option<String>,
    pub status: Option<String>,
}

/// See [`crate::record`] for what each column means.
#[derive(Clone, Debug, Deserialize)]
#[expect(missing_docs, reason = "the columns are described at the kind of record")]
pub struct Site {
    pub id: String,
    pub account: Option<String>,
}

/// See [`crate::record`] for what each column means.
#[derive(Clone, Debug, Deserialize)]
#[expect(missing_docs, reason = "the columns are described at the kind of record")]
pub struct Installed {
    pub device: String,
    pub product: String,
    pub installed_on: Option<NaiveDate>,
}

/// See [`crate::record`] for what each column means.
#[derive(Clone, Debug, Deserialize)]
#[expect(missing_docs, reason = "the columns are described at the kind of record")]
pub struct WorkOrder {
    pub id: String,
    pub device: String,
    pub fault: String,
    pub failed_on: NaiveDate,
    pub closed_on: NaiveDate,
    pub part: Option<String>,
    pub used_on: Option<NaiveDate>,
}

/// A task that a rule made because a device failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The rule's id.
    pub rule: String,
    /// The device's id.
    pub device: String,
    /// When the device failed.
    pub at: DateTime<Utc>,
    /// Whether nobody closed it.
    pub is_open: bool,
}

impl Stock {
    /// Returns what stands there, or what is wrong with it.
    pub(super) fn holding(&self, item: ItemIndex, zone: Tz) -> Result<Holding, String> {
        let counted_at = match self.counted_at.as_deref() {
            Some(text) => DateTime::parse_from_rfc3339(text).ok().map(|at| at.to_utc()),
            None => DateTime::<Utc>::from_timestamp_millis(self.updated_at),
        };
        let counted_at = counted_at.ok_or("counted_at is no instant")?;
        let none_if_empty = |units: Option<u32>| units.unwrap_or(0);
        Ok(Holding {
            item,
            on_hand: none_if_empty(units(Some(&self.on_hand))?),
            on_order: none_if_empty(units(self.on_order.as_deref())?),
            reserved: none_if_empty(units(self.reserved.as_deref())?),
            counted_on: counted_at.with_timezone(&zone).date_naive(),
        })
    }
}

/// Returns the units that `text` says, if it says any.
pub(super) fn units(text: Option<&str>) -> Result<Option<u32>, String> {
    let Some(text) = text else { return Ok(None) };
    let shown: String = text.chars().take(40).collect();
    match text.parse::<u64>() {
        Ok(units) => u32::try_from(units)
            .map(Some)
            .map_err(|_| format!("{shown} units are more than {}; count them in packs", u32::MAX)),
        Err(_) => Err(format!("'{shown}' is no number of units; write one of 0 or more")),
    }
}
