//! Entries of the registry as records have them.

use std::collections::BTreeMap;

use super::entry::Entry;
use super::{Account, Contact, Device, DeviceStatus, Site};
use crate::id::DeviceId;

/// How a device's status is written.
const STATUSES: [(&str, DeviceStatus); 4] = [
    ("in-service", DeviceStatus::InService),
    ("commissioning", DeviceStatus::Commissioning),
    ("maintenance", DeviceStatus::Maintenance),
    ("retired", DeviceStatus::Retired),
];

/// Returns the status that `word` names.
pub fn status(word: &str) -> Option<DeviceStatus> {
    STATUSES.iter().find(|(known, _)| *known == word).map(|(_, status)| *status)
}

/// Returns the words for a device's status.
pub fn statuses() -> impl Iterator<Item = &'static str> {
    STATUSES.iter().map(|(word, _)| *word)
}

/// Returns what the record `id` of `kind` puts into the registry, `None` for a kind that is no part of
/// it; without a record, that the entry is gone.
pub fn entry(kind: &str, id: &str, record: Option<&BTreeMap<String, String>>) -> Option<Entry> {
    let text = |column: &str| record?.get(column).map(|text| Box::from(&**text));
    let name = || text("name").unwrap_or_default();
    let is_yes = |column: &str| record?.get(column).map(|word| word == "yes");
    let there = record.map(|_| ());
    Some(match kind {
        "device" => {
            let device = there.map(|()| Device {
                model: text("model").unwrap_or_default(),
                site: text("site"),
                account: text("account"),
                status: text("status").and_then(|word| status(&word)).unwrap_or_default(),
            });
            Entry::Device(DeviceId::new(id).ok()?, device)
        }
        "site" => {
            let site = there.map(|()| Site {
                name: name(),
                account: text("account"),
                region: text("region"),
            });
            Entry::Site(id.into(), site)
        }
        "account" => {
            let account = there.map(|()| Account {
                name: name(),
                owner: text("owner"),
                consent: is_yes("consent"),
            });
            Entry::Account(id.into(), account)
        }
        "contact" => {
            let tags = text("tags").unwrap_or_default();
            let tags = tags.split(';').map(str::trim).filter(|tag| !tag.is_empty());
            let contact = there.map(|()| Contact {
                name: name(),
                account: text("account"),
                is_test: is_yes("test").unwrap_or_default(),
                tags: tags.map(Box::from).collect(),
            });
            Entry::Contact(id.into(), contact)
        }
        _ => return None,
    })
}
