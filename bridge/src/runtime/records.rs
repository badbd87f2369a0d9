//! Records that are written, and those of the registry that come into force: at a place in the log, in
//! one transaction.
//!
//! The registry in force is that of the folder with the records of devices, sites, accounts and
//! contacts over it (`bridge/decisions/0015-registry-records.md`).

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;
use sha2::{Digest as _, Sha256};
use upturn_core::id::DeviceId;
use upturn_core::input::Input;
use upturn_core::record::{KINDS, Kind, naming};
use upturn_core::registry::Registry;
use upturn_core::registry::entry::Entry;
use upturn_core::registry::of_record;

use super::Runtime;
use super::fold::Fold;
use super::reading::LoggedRegistry;
use super::selling::Refused;
use super::selling::deals::{Fields, KIND as DEAL};
use super::selling::guard::Guard;
use super::wish::Logged;
use crate::hex::hex;
use crate::store::audit::{self, NewEntry};
use crate::store::error::StoreError;
use crate::store::idempotent_request::{self, Answered};
use crate::store::record::{self, ROWS_MAX, StoredRecord};
use crate::store::{self, Tx, log, registry_change, unknown_device};

/// How often the writer looks for records of the registry that were imported.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How many keys the audit trail names.
const NAMED_MAX: usize = 20;

/// Records that somebody wants written or removed: all or none.
#[derive(Clone, Debug)]
pub(crate) struct RecordWish {
    /// What they are.
    pub(crate) kind: &'static Kind,
    /// Those that are written.
    pub(crate) put: Vec<StoredRecord>,
    /// The keys of those that are removed.
    pub(crate) remove: Vec<String>,
    /// The revision that each of them must have, 0 for none; unset, any will do.
    pub(crate) revision: Option<u64>,
    /// The key under which the answer is given again.
    pub(crate) key: Option<String>,
    /// What to mind, told with the answer.
    pub(crate) warnings: Vec<String>,
    /// Who.
    pub(crate) actor: String,
}

/// Why nothing was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RecordRefusal {
    #[error("this Idempotency-Key came with another body before; use a new key for a new request")]
    OtherBody,
    #[error("\"{id}\" has revision {found}, not {wanted}; read it again and decide anew")]
    Changed { id: String, found: i64, wanted: u64 },
    #[error("there is no \"{0}\"; look for its id")]
    Absent(String),
    #[error("\"{id}\": {detail}")]
    Guarded { id: String, code: &'static str, detail: String },
    #[error("\"{id}\" cannot be removed: {by} names it; change that first")]
    InUse { id: String, by: String },
}

impl RecordWish {
    /// Returns a digest of what is asked.
    fn digest(&self) -> String {
        let put: Vec<_> = self.put.iter().map(|record| (&record.id, &record.document)).collect();
        let asked = json!([self.kind.name, put, self.remove, self.revision]).to_string();
        hex(&Sha256::digest(asked))
    }
}

impl Runtime<'_> {
    /// Returns the registry of `folder` with what feeds tell and the records in the store over it.
    pub(super) async fn compose(
        &self,
        fold: &Fold,
        folder: &Registry,
    ) -> Result<Registry, StoreError> {
        let mut registry = folder.clone();
        registry.extend(self.days_of(fold, folder).await?);
        registry.site_attributes = fold.engine.registry().site_attributes.clone();
        registry.account_attributes = fold.engine.registry().account_attributes.clone();
        registry.extend(self.attributes_of(fold).await?);
        for kind in KINDS.iter().filter(|kind| is_registered(kind)) {
            let mut after = String::new();
            loop {
                let max = u32::try_from(ROWS_MAX).unwrap_or(u32::MAX);
                let page = record::page(self.store, kind.name, &after, max).await?;
                let Some(last) = page.last() else { break };
                after.clone_from(&last.id);
                for record in &page {
                    registry.extend(entry(kind.name, &record.id, Some(&record.document))?);
                }
            }
        }
        Ok(registry)
    }

    /// Puts records of the registry in force that were written beside the log, all at once.
    pub(super) async fn take_changes(&self, fold: &mut Fold) -> Result<(), StoreError> {
        if !registry_change::is_any(self.store).await? {
            return Ok(());
        }
        let mut tx = self.store.begin().await?;
        let changed = registry_change::take(&mut tx).await?;
        let mut by_kind: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (kind, id) in &changed {
            by_kind.entry(kind).or_default().push(id);
        }
        let mut entries = Vec::new();
        for (kind, ids) in by_kind {
            for ids in ids.chunks(ROWS_MAX) {
                let found = record::find_all_in(&mut tx, kind, ids).await?;
                for id in ids {
                    let document = found.get(*id).map(|(document, _)| document.as_str());
                    entries.extend(self.in_force(kind, id, document)?);
                }
            }
        }
        self.put_in_force(fold, tx, entries).await
    }

    /// Writes and removes what `wish` says, if nobody was faster; returns the answer.
    pub(super) async fn write_records(
        &self,
        fold: &mut Fold,
        wish: &RecordWish,
    ) -> Result<Result<String, RecordRefusal>, StoreError> {
        let (now, kind) = (self.now(fold), wish.kind.name);
        let mut tx = self.store.begin().await?;
        // Fenced like everything that is written for people: whoever was shut out writes nothing.
        store::cursor::advance(&mut tx, fold.epoch, fold.cursor, fold.cursor).await?;
        let digest = wish.digest();
        let once = wish.key.as_deref().map(|key| (wish.actor.as_str(), key));
        if let Some(once) = once
            && let Some(before) = idempotent_request::find(&mut tx, once, now).await?
        {
            let is_same = before.digest == digest;
            return Ok(if is_same { Ok(before.answer) } else { Err(RecordRefusal::OtherBody) });
        }
        let before = match find_before(&mut tx, wish).await? {
            Ok(before) => before,
            Err(refusal) => return Ok(Err(refusal)),
        };
        for id in &wish.remove {
            if let Some(by) = self.user_of(&mut tx, fold.engine.registry(), (wish.kind, id)).await?
            {
                return Ok(Err(RecordRefusal::InUse { id: id.clone(), by }));
            }
        }
        if kind == DEAL
            && let Some(refusal) = self.keep_to_process(wish).await?
        {
            return Ok(Err(refusal));
        }
        let mut entries = Vec::new();
        for records in wish.put.chunks(ROWS_MAX) {
            record::write(&mut tx, kind, records, now, &wish.actor).await?;
        }
        for record in &wish.put {
            entries.extend(self.in_force(kind, &record.id, Some(&record.document))?);
        }
        for id in &wish.remove {
            record::remove(&mut tx, kind, id).await?;
            entries.extend(self.in_force(kind, id, None)?);
        }
        let answer = answer(wish, &before);
        if let Some(once) = once {
            let answered = Answered { digest, answer: answer.clone() };
            idempotent_request::keep(&mut tx, once, &answered, now).await?;
        }
        let action = if wish.remove.is_empty() { "records-written" } else { "records-removed" };
        let ids = wish.put.iter().map(|record| &record.id).chain(&wish.remove);
        let named: Vec<_> = ids.take(NAMED_MAX).collect();
        let detail = json!({ "ids": named, "count": wish.put.len() + wish.remove.len() });
        let entry =
            NewEntry { at: now, actor: &wish.actor, action, subject: kind, detail: &detail };
        audit::append(&mut tx, entry).await?;
        self.put_in_force(fold, tx, entries).await?;
        Ok(Ok(answer))
    }

    /// Returns why a deal of `wish` would go past its process.
    async fn keep_to_process(
        &self,
        wish: &RecordWish,
    ) -> Result<Option<RecordRefusal>, StoreError> {
        let Some(guard) = Guard::of(self.store).await? else { return Ok(None) };
        for record in &wish.put {
            let before = record::find_all(self.store, DEAL, &[&record.id]).await?;
            let read = |text: &str| serde_json::from_str::<Fields>(text).unwrap_or_default();
            let old = before.get(&record.id).map(|text| read(text)).unwrap_or_default();
            let new = read(&record.document);
            let cell = |name: &str| old.get(name).map(String::as_str);
            let wanted = |name: &str| new.get(name).map(String::as_str);
            if let Err(refused) = guard.check(self.store, &record.id, cell, wanted).await? {
                let Refused { code, detail, .. } = refused;
                return Ok(Some(RecordRefusal::Guarded { id: record.id.clone(), code, detail }));
            }
        }
        let led = wish.remove.iter().find(|id| guard.is_led(id));
        Ok(led.map(|id| RecordRefusal::Guarded {
            id: id.clone(),
            code: "deal-in-process",
            detail: "the deal goes by a process, and its history stays; close it instead".into(),
        }))
    }

    /// Commits `tx` with those of `entries` that change something as an input of the log.
    pub(super) async fn put_in_force(
        &self,
        fold: &mut Fold,
        mut tx: Tx,
        mut entries: Vec<Entry>,
    ) -> Result<(), StoreError> {
        entries.retain(|entry| !entry.is_in(fold.engine.registry()));
        let devices: Vec<&str> = entries
            .iter()
            .filter_map(|entry| match entry {
                Entry::Device(id, Some(_)) => Some(id.as_str()),
                Entry::Device(_, None)
                | Entry::Site(..)
                | Entry::Account(..)
                | Entry::Contact(..)
                | Entry::HouseCalendar(_)
                | Entry::Calendar(..)
                | Entry::Attributes(..) => None,
            })
            .collect();
        unknown_device::forget(&mut tx, &devices).await?;
        if entries.is_empty() {
            store::cursor::advance(&mut tx, fold.epoch, fold.cursor, fold.cursor).await?;
            tx.commit().await?;
            self.metrics.commits.inc();
            return Ok(());
        }
        let logged = LoggedRegistry::Entries { entries };
        let body = json!(logged).to_string();
        let LoggedRegistry::Entries { entries } = logged else { return Ok(()) };
        let input = Input::Entries(entries);
        self.commit_inputs(fold, tx, vec![Logged { kind: log::Kind::Registry, body, input }]).await
    }

    /// Returns what would name nothing if the record `id` were removed, if anything would.
    async fn user_of(
        &self,
        tx: &mut Tx,
        registry: &Registry,
        (kind, id): (&'static Kind, &str),
    ) -> Result<Option<String>, StoreError> {
        if is_in_folder(&self.folder.borrow(), kind.name, id) {
            // The folder's row takes its place.
            return Ok(None);
        }
        if let Some(by) = entry_naming(registry, kind.name, id) {
            return Ok(Some(by));
        }
        for (of, column) in naming(kind).filter(|(of, _)| !is_registered(of)) {
            if let Some(key) = record::find_naming(tx, of, column.name, id).await? {
                return Ok(Some(format!("{} {key}", of.name)));
            }
        }
        Ok(None)
    }

    /// Returns what the registry has under a key, by its record or else by the folder.
    fn in_force(
        &self,
        kind: &str,
        id: &str,
        document: Option<&str>,
    ) -> Result<Option<Entry>, StoreError> {
        let Some(found) = entry(kind, id, document)? else { return Ok(None) };
        if document.is_some() {
            return Ok(Some(found));
        }
        let folder = self.folder.borrow();
        Ok(Some(match found {
            Entry::Device(id, _) => {
                let device = folder.devices.get(&id).cloned();
                Entry::Device(id, device)
            }
            Entry::Site(id, _) => {
                let site = folder.sites.get(&id).cloned();
                Entry::Site(id, site)
            }
            Entry::Account(id, _) => {
                let account = folder.accounts.get(&id).cloned();
                Entry::Account(id, account)
            }
            Entry::Contact(id, _) => {
                let contact = folder.contacts.get(&id).cloned();
                Entry::Contact(id, contact)
            }
            // No record is a calendar, or what a feed tells.
            Entry::HouseCalendar(_) | Entry::Calendar(..) | Entry::Attributes(..) => found,
        }))
    }
}

/// Returns whether records of `kind` are entries of the registry.
pub(crate) fn is_registered(kind: &Kind) -> bool {
    ["account", "contact", "device", "site"].contains(&kind.name)
}

fn entry(kind: &str, id: &str, document: Option<&str>) -> Result<Option<Entry>, StoreError> {
    let record: Option<BTreeMap<String, String>> = document.map(log::parsed).transpose()?;
    Ok(of_record::entry(kind, id, record.as_ref()))
}

/// Returns the documents and revisions of what is written or removed, as they are.
async fn find_before(
    tx: &mut Tx,
    wish: &RecordWish,
) -> Result<Result<BTreeMap<String, (String, i64)>, RecordRefusal>, StoreError> {
    let ids: Vec<&str> =
        wish.put.iter().map(|record| &record.id).chain(&wish.remove).map(String::as_str).collect();
    let mut before = BTreeMap::new();
    for ids in ids.chunks(ROWS_MAX) {
        before.extend(record::find_all_in(tx, wish.kind.name, ids).await?);
    }
    for id in &ids {
        let found = before.get(*id).map_or(0, |(_, revision)| *revision);
        if let Some(wanted) = wish.revision
            && u64::try_from(found) != Ok(wanted)
        {
            return Ok(Err(RecordRefusal::Changed { id: (*id).to_owned(), found, wanted }));
        }
    }
    for id in &wish.remove {
        if !before.contains_key(id) {
            return Ok(Err(RecordRefusal::Absent(id.clone())));
        }
    }
    Ok(Ok(before))
}

/// Returns whether the folder has the row `id` of `kind`.
fn is_in_folder(folder: &Registry, kind: &str, id: &str) -> bool {
    match kind {
        "device" => DeviceId::new(id).is_ok_and(|id| folder.devices.contains_key(&id)),
        "site" => folder.sites.contains_key(id),
        "account" => folder.accounts.contains_key(id),
        "contact" => folder.contacts.contains_key(id),
        _ => false,
    }
}

/// Returns what in the registry names its entry `id`, if anything does.
fn entry_naming(registry: &Registry, kind: &str, id: &str) -> Option<String> {
    let is_it = |named: &Option<Box<str>>| named.as_deref() == Some(id);
    match kind {
        "site" => {
            let mut devices = registry.devices.iter();
            devices.find(|(_, device)| is_it(&device.site)).map(|(id, _)| format!("device {id}"))
        }
        "account" => {
            let (mut devices, mut sites) = (registry.devices.iter(), registry.sites.iter());
            let mut contacts = registry.contacts.iter();
            devices
                .find(|(_, device)| is_it(&device.account))
                .map(|(id, _)| format!("device {id}"))
                .or_else(|| {
                    let site = sites.find(|(_, site)| is_it(&site.account));
                    site.map(|(id, _)| format!("site {id}"))
                })
                .or_else(|| {
                    let contact = contacts.find(|(_, contact)| is_it(&contact.account));
                    contact.map(|(id, _)| format!("contact {id}"))
                })
        }
        _ => None,
    }
}

/// Returns what is answered, as JSON.
fn answer(wish: &RecordWish, before: &BTreeMap<String, (String, i64)>) -> String {
    let written = wish.put.iter().map(|record| {
        let (is_same, old) = before
            .get(&record.id)
            .map_or((false, 0), |(document, revision)| (*document == record.document, *revision));
        let revision = if is_same { old } else { old + 1 };
        json!({ "id": record.id, "revision": revision, "created": old == 0, "changed": !is_same })
    });
    let written: Vec<_> = written.collect();
    json!({ "records": written, "removed": wish.remove, "warnings": wish.warnings }).to_string()
}
