//! Duplicates: accounts and contacts that seem to be the same company or person, found in the records.
//!
//! What is kept is kept until a record of an account or a contact changes, or the registry's folder.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;
use tokio::sync::Mutex;
use upturn_core::record::twin::{self, Mark};
use upturn_core::registry::Registry;

use crate::store::error::StoreError;
use crate::store::record::{self, ROWS_MAX};
use crate::store::{Store, log};

/// The kinds of records that are compared.
const KINDS: [&str; 2] = ["account", "contact"];
/// How many records with one mark are told.
const MEMBERS_MAX: usize = 20;

/// Records that have something in common which only one person or company has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[schemars(rename = "Duplicate")]
pub(crate) struct Twins {
    /// What they have in common: `phone`, `email`, `company`, `credit-code`.
    pub(crate) what: String,
    /// Its value, in one way of writing.
    pub(crate) value: String,
    /// Whether different people answer for them.
    pub(crate) across_owners: bool,
    /// Which they are, at most 20.
    pub(crate) records: Vec<Member>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, schemars::JsonSchema)]
#[schemars(rename = "DuplicateRecord")]
pub(crate) struct Member {
    /// `account` or `contact`.
    pub(crate) kind: String,
    /// Its id.
    pub(crate) id: String,
    /// Its name.
    pub(crate) name: String,
    /// The account it is or belongs to, if any.
    pub(crate) account: Option<String>,
    /// Who answers for that account, if anybody does.
    pub(crate) owner: Option<String>,
}

/// All marks, and what has them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Marks {
    members: BTreeMap<Mark, Vec<Member>>,
    /// Who answers for each account.
    owners: BTreeMap<String, String>,
}

/// The marks of the records as they are.
#[derive(Debug, Default)]
pub(crate) struct Known(Mutex<Option<Kept>>);

type State = (i64, i64, i64);

/// Marks, and of what they are.
#[derive(Debug)]
struct Kept {
    records: [State; 2],
    /// Who answers for an account may stand here.
    folder: Arc<Registry>,
    marks: Arc<Marks>,
}

impl Known {
    /// Returns the marks of the records in `store`, whose accounts `folder` may have as well.
    pub(crate) async fn marks(
        &self,
        store: &Store,
        folder: &Arc<Registry>,
    ) -> Result<Arc<Marks>, StoreError> {
        let mut kept = self.0.lock().await;
        let [account, contact] = KINDS;
        let records = [record::state(store, account).await?, record::state(store, contact).await?];
        if let Some(kept) = &*kept
            && kept.records == records
            && Arc::ptr_eq(&kept.folder, folder)
        {
            return Ok(Arc::clone(&kept.marks));
        }
        let marks = Arc::new(Marks::load(store, folder).await?);
        let folder = Arc::clone(folder);
        *kept = Some(Kept { records, folder, marks: Arc::clone(&marks) });
        Ok(marks)
    }
}

impl Marks {
    /// Reads the records in `store`.
    pub(crate) async fn load(store: &Store, folder: &Registry) -> Result<Self, StoreError> {
        let mut marks = Self::default();
        let owners = folder.accounts.iter().filter_map(|(id, account)| {
            Some((id.to_string(), account.owner.as_ref()?.to_string()))
        });
        marks.owners = owners.collect();
        for kind in KINDS {
            let mut after = String::new();
            loop {
                let max = u32::try_from(ROWS_MAX).unwrap_or(u32::MAX);
                let page = record::page(store, kind, &after, max).await?;
                let Some(last) = page.last() else { break };
                after.clone_from(&last.id);
                for stored in &page {
                    let record: BTreeMap<String, String> = log::parsed(&stored.document)?;
                    marks.note(kind, &stored.id, &record);
                }
            }
        }
        Ok(marks)
    }

    /// Takes note of the record `id` of `kind`.
    pub(crate) fn note<K: AsRef<str> + Ord + Borrow<str>>(
        &mut self,
        kind: &str,
        id: &str,
        record: &BTreeMap<K, String>,
    ) {
        if kind == "account" {
            self.owners.remove(id);
            let owner = record.get("owner").cloned();
            self.owners.extend(owner.map(|owner| (id.to_owned(), owner)));
        }
        let found = twin::marks(kind, record);
        if found.is_empty() {
            return;
        }
        let account =
            if kind == "account" { Some(id.to_owned()) } else { record.get("account").cloned() };
        let member = Member {
            kind: kind.to_owned(),
            id: id.to_owned(),
            name: record.get("name").cloned().unwrap_or_default(),
            owner: account.as_ref().and_then(|account| self.owners.get(account).cloned()),
            account,
        };
        for mark in found {
            self.members.entry(mark).or_default().push(member.clone());
        }
    }

    /// Returns all duplicates, those across owners first.
    pub(crate) fn all(&self) -> Vec<Twins> {
        let mut all: Vec<_> =
            self.members.iter().filter_map(|(mark, members)| twins(mark, members)).collect();
        all.sort_by_key(|twins| !twins.across_owners);
        all
    }

    /// Returns the duplicates that tie `account`, or somebody there, to another account.
    pub(crate) fn of_account(&self, account: &str) -> Vec<Twins> {
        let is_of = |member: &Member| member.account.as_deref() == Some(account);
        let touching = self
            .members
            .iter()
            .filter(|(_, members)| members.iter().any(is_of) && !members.iter().all(is_of));
        touching.filter_map(|(mark, members)| twins(mark, members)).collect()
    }

    /// Returns what to mind about a record that is to be written.
    pub(crate) fn warnings(
        &self,
        kind: &str,
        id: &str,
        record: &BTreeMap<&'static str, String>,
    ) -> Vec<String> {
        let account =
            if kind == "account" { Some(id) } else { record.get("account").map(String::as_str) };
        let mut warnings = Vec::new();
        for mark in twin::marks(kind, record) {
            let others = self.members.get(&mark).into_iter().flatten();
            // Somebody's own company may have the same number.
            let mut others = others.filter(|other| {
                (other.kind != kind || other.id != id)
                    && (other.kind == kind || other.account.as_deref() != account)
            });
            let Some(other) = others.next() else { continue };
            let owner = other.owner.as_deref().unwrap_or("nobody");
            warnings.push(format!(
                "{kind} \"{}\" has the same {} as {} \"{}\", for whom {owner} answers; look \
                 whether they are one before anybody calls",
                id.escape_debug(),
                mark.what,
                other.kind,
                other.id.escape_debug(),
            ));
        }
        warnings
    }
}

/// Returns what has `mark` as duplicates, if they are: two of one kind, or of different accounts.
fn twins(mark: &Mark, members: &[Member]) -> Option<Twins> {
    let accounts: BTreeSet<_> = members.iter().map(|member| &member.account).collect();
    let is_twice = |kind: &str| 1 < members.iter().filter(|member| member.kind == kind).count();
    if accounts.len() < 2 && !KINDS.into_iter().any(is_twice) {
        return None;
    }
    let owners: BTreeSet<_> = members.iter().map(|member| &member.owner).collect();
    Some(Twins {
        what: mark.what.to_owned(),
        value: mark.value.clone(),
        across_owners: 1 < owners.len(),
        records: members.iter().take(MEMBERS_MAX).cloned().collect(),
    })
}
