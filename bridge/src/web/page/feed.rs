//! One feed: its runs, the set in force, and a set that waits for a person.

use askama::Template;
use axum::Form;
use axum::extract::{Path, Query, State};
use axum::response::{Html, Redirect};
use fluent_bundle::FluentValue;
use serde::Deserialize;
use upturn_core::fact::review::Verdict;

use super::feeds::{Line, line};
use super::render;
use super::shell::Shell;
use super::told::{Params, Told};
use crate::auth::rights::Action;
use crate::facts::changes::Change;
use crate::store::feed_run::{self, Outcome, Run};
use crate::store::feed_set::{self, Set, SetState};
use crate::store::named_secret;
use crate::web::App;
use crate::web::fault::{Fault, FaultKind};
use crate::web::feeds;
use crate::web::i18n::{key, text, text_with};
use crate::web::language::Language;
use crate::web::session::Reader;
use crate::web::visible::Visible;
use crate::web::when::{Teller, When};

/// Runs on the page.
const RUNS: u32 = 30;
/// Sets that are looked through for one that is held.
const SETS: u32 = 60;

/// The page.
#[derive(Debug, Template)]
#[template(path = "feed.html")]
struct FeedPage {
    shell: Shell,
    feed: Line,
    configured_by: String,
    schedule: String,
    credit: &'static str,
    is_paused: bool,
    held: Option<Held>,
    runs: Vec<RunLine>,
    secrets: Vec<SecretLine>,
    has_key: bool,
    can_manage: bool,
    told: Option<Told>,
}

/// A set that waits for a person.
#[derive(Debug)]
struct Held {
    id: i64,
    fetched: When,
    reasons: Vec<String>,
    changes: Vec<Change>,
    more: usize,
    /// The set in force that it is shown beside.
    against: Option<i64>,
    /// Whether the reader had a hand in it, and so does not release it.
    is_own: bool,
}

/// A run in the timeline.
#[derive(Debug)]
struct RunLine {
    began: Option<When>,
    cause: String,
    actor: Option<String>,
    outcome: String,
    is_bad: bool,
    said: String,
}

/// A secret that is kept in the database: never what it is.
#[derive(Debug)]
struct SecretLine {
    name: String,
    set: Option<When>,
    set_by: String,
}

/// Shows one.
pub(crate) async fn show(
    State(app): State<App>,
    shell: Shell,
    Path(id): Path<String>,
    Query(params): Query<Params>,
) -> Result<Html<String>, Fault> {
    shell.check(Action::ReadFeeds)?;
    let words = match &*params.did {
        "run" => Some((key!("told-feed-run"), false)),
        "pause" => Some((key!("told-feed-pause"), false)),
        "resume" => Some((key!("told-feed-resume"), false)),
        "release" => Some((key!("told-set-release"), false)),
        "reject" => Some((key!("told-set-reject"), false)),
        "secret" => Some((key!("told-secret"), false)),
        "refused" => Some((key!("told-set-refused"), true)),
        _ => None,
    };
    let language = shell.language;
    let told = words.map(|(key, is_refusal)| Told { words: text(language, key), is_refusal });
    page(&app, shell, &id, told).await
}

/// Runs, tries, pauses or resumes one.
pub(crate) async fn act(
    State(app): State<App>,
    shell: Shell,
    Path((id, verb)): Path<(String, String)>,
) -> Result<Result<Redirect, Html<String>>, Fault> {
    shell.check(Action::ManageFeeds)?;
    let actor = shell.caller()?.id().to_owned();
    match &*verb {
        "run" => feeds::want(&app, &id, &actor).await?,
        "pause" => feeds::pause(&app, (&id, true), &actor).await?,
        "resume" => feeds::pause(&app, (&id, false), &actor).await?,
        "test" => return Ok(Err(test(&app, shell, &id).await?)),
        _ => return Err(FaultKind::NotFound.into()),
    }
    Ok(Ok(Redirect::to(&format!("/feeds/{id}?did={verb}"))))
}

async fn test(app: &App, shell: Shell, id: &str) -> Result<Html<String>, Fault> {
    let (key, is_refusal, said, count) = match feeds::test(app, id).await? {
        Ok(judged) => {
            let (key, said) = match judged.verdict {
                Verdict::Accept => (key!("told-feed-would-work"), String::new()),
                Verdict::Hold(reasons) => (key!("told-feed-would-hold"), reasons.join("; ")),
                Verdict::Reject(reason) => (key!("told-feed-would-reject"), reason),
            };
            (key, !said.is_empty(), said, judged.facts.len())
        }
        Err(said) => (key!("told-feed-test-failed"), true, said, 0),
    };
    let said = Visible(&said).to_string();
    let values = [("said", FluentValue::from(said)), ("count", FluentValue::from(count))];
    let words = text_with(shell.language, key, values);
    page(app, shell, id, Some(Told { words, is_refusal })).await
}

/// Which set in force the reader saw beside the held one.
#[derive(Debug, Deserialize)]
pub(crate) struct Seen {
    #[serde(default)]
    against: String,
}

/// Releases or rejects a held set.
pub(crate) async fn decide(
    State(app): State<App>,
    Reader(caller): Reader,
    Path((id, set, verb)): Path<(String, i64, String)>,
    Form(Seen { against }): Form<Seen>,
) -> Result<Redirect, Fault> {
    caller.check(Action::ManageFeeds)?;
    let is_released = match &*verb {
        "release" => true,
        "reject" => false,
        _ => return Err(FaultKind::NotFound.into()),
    };
    let against = against.parse().ok();
    let decided = feeds::decide(&app, (&id, set), (is_released, against), caller.id()).await;
    let did = match decided {
        Ok(()) => &*verb,
        Err(fault) if fault.kind == FaultKind::SetState => "refused",
        Err(fault) => return Err(fault),
    };
    Ok(Redirect::to(&format!("/feeds/{id}?did={did}")))
}

/// A secret as it is typed in.
#[derive(Deserialize)]
pub(crate) struct Typed {
    secret: String,
}

/// Keeps a secret.
pub(crate) async fn set_secret(
    State(app): State<App>,
    Reader(caller): Reader,
    Path((id, name)): Path<(String, String)>,
    Form(typed): Form<Typed>,
) -> Result<Redirect, Fault> {
    caller.check(Action::ManageFeeds)?;
    feeds::set_secret(&app, (&id, &name), &typed.secret, caller.id()).await?;
    Ok(Redirect::to(&format!("/feeds/{id}?did=secret")))
}

async fn page(
    app: &App,
    shell: Shell,
    id: &str,
    told: Option<Told>,
) -> Result<Html<String>, Fault> {
    let standing = feeds::one(app, id).await?;
    let teller = shell.teller(app);
    let sets = feed_set::of_feed(&app.store, id, SETS).await?;
    let held = match sets.into_iter().find(|set| set.state == SetState::Held) {
        Some(set) => Some(held(app, &shell, (&set, standing.set.as_ref())).await?),
        None => None,
    };
    let runs = feed_run::of_feed(&app.store, id, RUNS).await?;
    let kept = named_secret::all(&app.store).await?;
    let secrets = feeds::stored_secrets(&standing.feed).map(|name| {
        let kept = kept.iter().find(|kept| kept.name == name);
        SecretLine {
            name: Visible(name).to_string(),
            set: kept.map(|kept| teller.when(kept.set_at)),
            set_by: kept.map(|kept| Visible(&kept.set_by).to_string()).unwrap_or_default(),
        }
    });
    render(&FeedPage {
        feed: line(&teller, &standing),
        configured_by: Visible(&standing.feed.configured_by).to_string(),
        schedule: standing.feed.schedule.to_string(),
        credit: standing.feed.kind.supply.credit,
        is_paused: standing.state.paused_by.is_some(),
        held,
        runs: runs.iter().map(|run| run_line(&teller, run)).collect(),
        secrets: secrets.collect(),
        has_key: app.feed_office.vault.has_key(),
        can_manage: shell.can(Action::ManageFeeds),
        told,
        shell,
    })
}

async fn held(
    app: &App,
    shell: &Shell,
    (set, standing): (&Set, Option<&Set>),
) -> Result<Held, Fault> {
    let (changes, count) = feeds::would_change(app, set, standing).await?;
    let visible = |text: &String| Visible(text).to_string();
    let changes: Vec<_> = changes
        .iter()
        .map(|change| Change {
            what: visible(&change.what),
            before: change.before.as_ref().map(visible),
            after: change.after.as_ref().map(visible),
        })
        .collect();
    Ok(Held {
        id: set.id,
        fetched: shell.teller(app).when(set.fetched_at),
        reasons: set.reasons.iter().map(visible).collect(),
        more: count - changes.len(),
        changes,
        against: standing.map(|set| set.id),
        is_own: feeds::had_a_hand(app, set, shell.caller()?.id()),
    })
}

fn run_line(teller: &Teller, run: &Run) -> RunLine {
    let cause = match &*run.cause {
        "person" => key!("run-cause-person"),
        "retry" => key!("run-cause-retry"),
        _ => key!("run-cause-schedule"),
    };
    let is_bad = matches!(
        run.outcome,
        Some(Outcome::Failed | Outcome::Rejected | Outcome::Held | Outcome::Interrupted)
    );
    RunLine {
        began: run.started_at.map(|at| teller.when(at)),
        cause: text(teller.language, cause),
        actor: run.actor.as_deref().map(|actor| Visible(actor).to_string()),
        outcome: outcome_words(teller.language, run.outcome),
        is_bad,
        said: run.sentence.as_deref().map(|said| Visible(said).to_string()).unwrap_or_default(),
    }
}

fn outcome_words(language: Language, outcome: Option<Outcome>) -> String {
    let key = match outcome {
        None => key!("run-under-way"),
        Some(Outcome::Active) => key!("run-active"),
        Some(Outcome::Unchanged) => key!("run-unchanged"),
        Some(Outcome::Held) => key!("run-held"),
        Some(Outcome::Rejected) => key!("run-rejected"),
        Some(Outcome::Failed) => key!("run-failed"),
        Some(Outcome::Interrupted) => key!("run-interrupted"),
        Some(Outcome::Dropped) => key!("run-dropped"),
    };
    text(language, key)
}
