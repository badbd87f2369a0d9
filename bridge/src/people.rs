//! What is done with people and their tokens: each change in one transaction with its entry in the
//! trail, whoever asks for it, a page, a program or a command.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use upturn_core::registry::Person as Registered;

use crate::auth::name::{self, NameError};
use crate::auth::password::{self, PasswordError};
use crate::auth::person::{Directory, Person, Profile, ProfileError};
use crate::auth::rights::TokenScope;
use crate::auth::token;
use crate::store::api_token::{self, ApiToken};
use crate::store::audit::{self, NewEntry};
use crate::store::error::StoreError;
use crate::store::person::{self, NewPerson};
use crate::store::{Store, Tx};

/// The longest time a token lasts.
pub(crate) const TOKEN_DAYS_MAX: i64 = 365;
/// The most characters of a token's label.
const LABEL_MAX: usize = 100;

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PeopleError {
    /// The id cannot be a person's.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The id is taken.
    #[error("there already is a person {0}; choose another id, or change that one")]
    Taken(String),
    /// Nobody has the id.
    #[error("there is no person {0}")]
    Unknown(String),
    /// Somebody else was first.
    #[error("{0} was changed in the meantime; look again, then change it")]
    Changed(String),
    /// Somebody changes what they may do, or keeps themselves out.
    #[error(
        "nobody changes their own roles, regions, teams, superior or substitute, or disables themselves; ask another admin"
    )]
    Oneself,
    /// What is said about them cannot be.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// The password cannot be one.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The token cannot be made.
    #[error(
        "a token needs a label of 1 to {LABEL_MAX} characters, a scope, and 1 to {TOKEN_DAYS_MAX} days"
    )]
    Token,
    /// There is no such token, or it was revoked.
    #[error("there is no token {0} that is not revoked")]
    UnknownToken(String),
    /// The system has no chance to give.
    #[error("the system gives no random numbers")]
    Random(#[from] getrandom::Error),
    /// The store did not do it.
    #[error("the people could not be changed")]
    Store(#[from] StoreError),
}

/// Who changes something, and when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct By<'a> {
    /// A person's id, or [`audit::CONSOLE`].
    pub(crate) actor: &'a str,
    /// When.
    pub(crate) at: DateTime<Utc>,
}

/// Whom the registry knows.
pub(crate) type Registry = BTreeMap<Box<str>, Registered>;

/// Whom a deed is about, as the trail has it.
pub(crate) fn subject(id: &str) -> String {
    format!("person:{id}")
}

/// Adds a person who signs in with `password`; `is_given` says that they choose another one then.
pub(crate) async fn add(
    store: &Store,
    registered: &Registry,
    by: By<'_>,
    (id, profile): (&str, Profile),
    (password, is_given): (String, bool),
) -> Result<(), PeopleError> {
    name::check(id)?;
    let people = person::all(store).await?;
    Directory { people: &people, registered }.check(id, &profile)?;
    let password_hash = password::hash(password).await?;
    let detail = json!({ "profile": profile, "password_given": is_given });
    let created_at = by.at;
    let new = NewPerson { id: id.to_owned(), profile, password_hash, is_given, created_at };
    let mut tx = store.begin().await?;
    if !person::create(&mut tx, &new).await? {
        return Err(PeopleError::Taken(id.to_owned()));
    }
    finish(tx, by, (id, "person-added"), &detail).await
}

/// Says `profile` about `before`, unless somebody else changed them since.
pub(crate) async fn change(
    store: &Store,
    registered: &Registry,
    by: By<'_>,
    before: &Person,
    profile: Profile,
) -> Result<(), PeopleError> {
    let id = &before.id;
    if by.actor == id && !keeps_rights(&before.profile, &profile) {
        return Err(PeopleError::Oneself);
    }
    let people = person::all(store).await?;
    Directory { people: &people, registered }.check(id, &profile)?;
    let detail = difference(&before.profile, &profile);
    if detail.is_empty() {
        return Ok(());
    }
    let mut tx = store.begin().await?;
    if !person::change(&mut tx, id, before.revision, &profile).await? {
        return Err(PeopleError::Changed(id.clone()));
    }
    finish(tx, by, (id, "person-changed"), &Value::Object(detail)).await
}

/// Returns whether what somebody may do and see is the same.
fn keeps_rights(before: &Profile, after: &Profile) -> bool {
    before.roles == after.roles
        && before.regions == after.regions
        && before.teams == after.teams
        && before.superior == after.superior
        && before.substitute == after.substitute
}

/// Returns what differs: each field as it was and as it is.
fn difference(before: &Profile, after: &Profile) -> serde_json::Map<String, Value> {
    let fields = |profile: &Profile| {
        let document = json!(profile);
        document.as_object().cloned().unwrap_or_default()
    };
    let before = fields(before);
    let changed = fields(after).into_iter().filter(|(name, now)| before.get(name) != Some(now));
    let told = changed.map(|(name, now)| {
        let change = json!({ "before": before.get(&name), "now": now });
        (name, change)
    });
    told.collect()
}

/// Keeps `id` out from now on, or lets them in again. Nobody keeps themselves out.
pub(crate) async fn set_enabled(
    store: &Store,
    by: By<'_>,
    id: &str,
    is_enabled: bool,
) -> Result<(), PeopleError> {
    if by.actor == id {
        return Err(PeopleError::Oneself);
    }
    if person::find(store, id).await?.is_none() {
        return Err(PeopleError::Unknown(id.to_owned()));
    }
    let mut tx = store.begin().await?;
    if !person::set_disabled(&mut tx, id, (!is_enabled).then_some(by.at)).await? {
        return Ok(());
    }
    let action = if is_enabled { "person-enabled" } else { "person-disabled" };
    finish(tx, by, (id, action), &json!({})).await
}

/// Gives `id` a new password and ends their sessions; `is_given` says that they choose another one
/// at the next sign-in.
pub(crate) async fn set_password(
    store: &Store,
    by: By<'_>,
    id: &str,
    (password, is_given): (String, bool),
) -> Result<(), PeopleError> {
    let hash = password::hash(password).await?;
    let mut tx = store.begin().await?;
    if !person::set_password(&mut tx, id, &hash, is_given.then_some(by.at)).await? {
        return Err(PeopleError::Unknown(id.to_owned()));
    }
    finish(tx, by, (id, "password-changed"), &json!({ "password_given": is_given })).await
}

/// A token to be made.
#[derive(Clone, Debug)]
pub(crate) struct NewToken {
    /// What it is for.
    pub(crate) label: String,
    /// What it may be used for.
    pub(crate) scopes: BTreeSet<TokenScope>,
    /// How long it lasts.
    pub(crate) days: i64,
}

/// Makes a token of `id` and returns it: nobody learns it again.
pub(crate) async fn make_token(
    store: &Store,
    by: By<'_>,
    id: &str,
    new: NewToken,
) -> Result<String, PeopleError> {
    let label = new.label.trim().to_owned();
    let is_label =
        (1..=LABEL_MAX).contains(&label.chars().count()) && !label.contains(char::is_control);
    if !is_label || new.scopes.is_empty() || !(1..=TOKEN_DAYS_MAX).contains(&new.days) {
        return Err(PeopleError::Token);
    }
    if person::find(store, id).await?.is_none() {
        return Err(PeopleError::Unknown(id.to_owned()));
    }
    let text = token::for_program()?;
    let made = ApiToken {
        id: token::id()?,
        person: id.to_owned(),
        label,
        scopes: new.scopes,
        created_at: by.at,
        expires_at: by.at + TimeDelta::days(new.days),
        last_used_at: None,
        revoked_at: None,
    };
    let detail = json!({
        "token": made.id,
        "label": made.label,
        "scopes": made.scopes,
        "expires_at": made.expires_at,
    });
    let mut tx = store.begin().await?;
    api_token::create(&mut tx, &made, &token::hash(&text)).await?;
    finish(tx, by, (id, "token-made"), &detail).await?;
    Ok(text)
}

/// Revokes a token, of `owner` alone where one is named.
pub(crate) async fn revoke_token(
    store: &Store,
    by: By<'_>,
    token: &str,
    owner: Option<&str>,
) -> Result<(), PeopleError> {
    let mut tx = store.begin().await?;
    let Some(owner) = api_token::revoke(&mut tx, token, owner, by.at).await? else {
        return Err(PeopleError::UnknownToken(token.to_owned()));
    };
    finish(tx, by, (&owner, "token-revoked"), &json!({ "token": token })).await
}

/// Writes down what was done to whom, and makes it last.
async fn finish(
    mut tx: Tx,
    by: By<'_>,
    (id, action): (&str, &str),
    detail: &Value,
) -> Result<(), PeopleError> {
    let subject = subject(id);
    let entry = NewEntry { at: by.at, actor: by.actor, action, subject: &subject, detail };
    audit::append(&mut tx, entry).await?;
    tx.commit().await?;
    Ok(())
}
