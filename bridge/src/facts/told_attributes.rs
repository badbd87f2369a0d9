//! What the sets in force tell of sites and accounts.

use std::collections::BTreeMap;

use upturn_core::fact::Fact;
use upturn_core::fact::attributes::{Attributes as One, Subject};
use upturn_core::registry::Attributes;

use super::shelf::Shelf;
use super::stored::StoredError;
use crate::store::Store;

/// The kind of feed that tells them.
const KIND: &str = "attributes";

/// Attributes of sites and of accounts, by their ids, from the sets in force.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ToldAttributes {
    /// Of sites.
    pub(crate) sites: BTreeMap<Box<str>, Attributes>,
    /// Of accounts.
    pub(crate) accounts: BTreeMap<Box<str>, Attributes>,
}

/// Returns what the sets in force tell. Where several tell an attribute of the same name, the one that
/// came into force last has it.
pub(crate) async fn in_force(store: &Store, shelf: &Shelf) -> Result<ToldAttributes, StoredError> {
    let mut told = ToldAttributes::default();
    for_each(store, shelf, |one| {
        let all = match one.of {
            Subject::Site => &mut told.sites,
            Subject::Account => &mut told.accounts,
        };
        all.entry(one.key.as_str().into()).or_default().extend(values(one));
    })
    .await?;
    told.sites.retain(|_, attributes| !attributes.is_empty());
    told.accounts.retain(|_, attributes| !attributes.is_empty());
    Ok(told)
}

/// Returns what the sets in force tell of one site or account.
pub(crate) async fn of_one(
    store: &Store,
    shelf: &Shelf,
    (of, id): (Subject, &str),
) -> Result<Attributes, StoredError> {
    let mut told = Attributes::new();
    for_each(store, shelf, |one| {
        if one.of == of && one.key == id {
            told.extend(values(one));
        }
    })
    .await?;
    Ok(told)
}

async fn for_each(
    store: &Store,
    shelf: &Shelf,
    mut look: impl FnMut(&One),
) -> Result<(), StoredError> {
    for (_, facts) in shelf.in_force(store, |kind| kind == KIND).await? {
        for fact in facts.iter() {
            if let Fact::Attributes(one) = fact {
                look(one);
            }
        }
    }
    Ok(())
}

fn values(one: &One) -> impl Iterator<Item = (Box<str>, Box<str>)> {
    one.values.iter().map(|(name, value)| (name.as_str().into(), value.as_str().into()))
}
