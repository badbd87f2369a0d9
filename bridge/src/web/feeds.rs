//! What pages and the API ask of feeds.

use std::sync::Arc;

use serde_json::json;
use upturn_connectors::secret::Secret;

use super::App;
use super::ask::{self, ask};
use super::fault::{Fault, FaultKind};
use crate::facts::changes::{Change, changes};
use crate::facts::stored;
use crate::feeds::Feed;
use crate::feeds::document::SecretDocument;
use crate::feeds::job::Judged;
use crate::feeds::standing::{self, Standing};
use crate::feeds::vault::{self, VaultError};
use crate::runtime::request::{Decision, FeedStep, Request, Stepped};
use crate::store::audit::{self, NewEntry};
use crate::store::feed_set::{Set, SetState};
use crate::store::{self, feed_run, feed_set};

/// The longest secret, in bytes.
const SECRET_MAX: usize = 4_096;

/// Returns how all feeds do.
pub(crate) async fn all(app: &App) -> Result<Vec<Standing>, Fault> {
    let feeds = Arc::clone(&app.feeds.borrow());
    Ok(standing::all(&app.store, &app.feed_office.shelf, &feeds, app.clock.now()).await?)
}

/// Returns how the feed `id` does.
pub(crate) async fn one(app: &App, id: &str) -> Result<Standing, Fault> {
    let found = all(app).await?.into_iter().find(|standing| standing.feed.id == id);
    found.ok_or_else(|| FaultKind::NotFound.into())
}

/// Fetches and judges what the feed says; changes nothing.
pub(crate) async fn test(app: &App, id: &str) -> Result<Result<Judged, String>, Fault> {
    let feed = find(app, id)?;
    let looked = tokio::time::timeout(ask::ANSWER_TIME_MAX, app.feed_office.look(&feed)).await;
    Ok(looked.unwrap_or_else(|_elapsed| {
        let limit = ask::ANSWER_TIME_MAX.as_secs();
        Err(format!("nothing came within {limit} s; a run may take longer"))
    }))
}

/// Has the feed run now.
pub(crate) async fn want(app: &App, id: &str, actor: &str) -> Result<(), Fault> {
    let feed = find(app, id)?;
    let now = app.clock.now();
    let mut tx = app.store.begin().await?;
    if let Some(run) = feed_run::want(&mut tx, &feed.id, (actor, now)).await? {
        let detail = json!({ "run": run });
        let (action, subject) = ("feed-run-wanted", &*feed.id);
        let entry = NewEntry { at: now, actor, action, subject, detail: &detail };
        audit::append(&mut tx, entry).await?;
    }
    Ok(tx.commit().await?)
}

/// Pauses the feed, or lets it go on.
pub(crate) async fn pause(
    app: &App,
    (id, is_paused): (&str, bool),
    actor: &str,
) -> Result<(), Fault> {
    let feed = find(app, id)?;
    let now = app.clock.now();
    store::feed_state::decide_pause(&app.store, (&feed.id, is_paused), (actor, now)).await?;
    Ok(())
}

/// Puts a held set of the feed in force, or rejects it, unless `actor` had a hand in it. `against` is
/// the set in force that was seen beside it.
pub(crate) async fn decide(
    app: &App,
    (id, set): (&str, i64),
    (is_released, against): (bool, Option<i64>),
    actor: &str,
) -> Result<(), Fault> {
    let set = feed_set::find(&app.store, set).await?.filter(|set| set.feed == id);
    let set = set.ok_or(FaultKind::NotFound)?;
    if set.state != SetState::Held {
        let detail = format!("set {} is {}, and not held", set.id, set.state.word());
        return Err(Fault::of(FaultKind::SetState, detail));
    }
    if had_a_hand(app, &set, actor) {
        let detail = format!("set {} came of what {actor} configured or started", set.id);
        return Err(Fault::of(FaultKind::OwnFeed, detail));
    }
    let actor = actor.to_owned();
    let decision = Decision { set: set.id, is_released, against, actor };
    let step = FeedStep::Decide(decision);
    match ask(app, |reply| Request::Feed { step, reply }).await? {
        Stepped::Done => Ok(()),
        Stepped::Refused => {
            let detail = "another set came into force meanwhile; look at it again".to_owned();
            Err(Fault::of(FaultKind::SetState, detail))
        }
    }
}

/// Returns whether `actor` had a hand in the set: answers for the feed's document, then or now, set a
/// secret it was fetched with, or started the run.
pub(crate) fn had_a_hand(app: &App, set: &Set, actor: &str) -> bool {
    let feeds = app.feeds.borrow();
    let answers_now = feeds.feeds.get(&set.feed).is_some_and(|feed| feed.configured_by == actor);
    answers_now || set.configured_by.iter().any(|hand| hand == actor)
}

/// Returns what would change if the held `set` came into force in the place of `standing`.
pub(crate) async fn would_change(
    app: &App,
    set: &Set,
    standing: Option<&Set>,
) -> Result<(Vec<Change>, usize), Fault> {
    let unreadable = |error: stored::StoredError| {
        if let stored::StoredError::Store(error) = error {
            return Fault::from(error);
        }
        Fault::of(FaultKind::Internal, error.to_string())
    };
    let shelf = &app.feed_office.shelf;
    let new = shelf.facts_of(&app.store, set).await.map_err(unreadable)?;
    let last = match standing {
        Some(standing) => shelf.facts_of(&app.store, standing).await.map_err(unreadable)?,
        None => Arc::default(),
    };
    let compared = tokio::task::spawn_blocking(move || changes(&new, &last)).await;
    compared.map_err(|_gone| FaultKind::Unavailable.into())
}

/// Keeps a secret that the feed's document names as stored.
pub(crate) async fn set_secret(
    app: &App,
    (id, name): (&str, &str),
    secret: &str,
    actor: &str,
) -> Result<(), Fault> {
    let feed = find(app, id)?;
    if !stored_secrets(&feed).any(|stored| stored == name) {
        return Err(FaultKind::NotFound.into());
    }
    if secret.is_empty() || SECRET_MAX < secret.len() {
        let detail = format!("a secret has 1 to {SECRET_MAX} bytes");
        return Err(Fault::of(FaultKind::WrongSecret, detail));
    }
    let secret = Secret::from(secret.to_owned());
    let kept =
        vault::keep(&app.feed_office.vault, &app.store, (name, &secret), (actor, app.clock.now()));
    kept.await.map_err(|error| {
        if let VaultError::Store(error) = error {
            return error.into();
        }
        Fault::of(FaultKind::WrongSecret, error.to_string())
    })
}

/// Returns the names under which the feed's secrets are kept in the database.
pub(crate) fn stored_secrets(feed: &Feed) -> impl Iterator<Item = &str> {
    feed.secrets.values().filter_map(|place| match place {
        SecretDocument::Stored(name) => Some(&**name),
        SecretDocument::File(_) | SecretDocument::Environment(_) => None,
    })
}

fn find(app: &App, id: &str) -> Result<Arc<Feed>, Fault> {
    let found = app.feeds.borrow().feeds.get(id).cloned();
    found.ok_or_else(|| FaultKind::NotFound.into())
}
