//! `GET /api/v1/feeds`, one of them with its runs and sets, and what people decide about them.

use axum::extract::{Path, Query, State};
use axum::response::Response;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use upturn_core::fact::review::Verdict;
use upturn_core::task::Title;

use super::answer;
use super::openapi::Endpoint;
use crate::auth::rights::Action;
use crate::facts::changes::Change;
use crate::feeds::standing::{Health, Standing};
use crate::store::feed_run::{self, Outcome, Run};
use crate::store::feed_set::{self, Set, SetState};
use crate::web::App;
use crate::web::caller::Caller;
use crate::web::fault::{Fault, FaultKind};
use crate::web::feeds;
use crate::web::when::machine;

/// Runs and sets that one answer has at most.
const LATEST: u32 = 50;

/// All feeds.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Feeds")]
struct List<'a> {
    feeds: Vec<FeedJson<'a>>,
}

/// Where facts come from, and how that does.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Feed")]
struct FeedJson<'a> {
    id: &'a str,
    kind: &'a str,
    title: &'a Title,
    configured_by: &'a str,
    state: Health,
    /// When the source last confirmed the set in force.
    checked_at: Option<String>,
    /// How often in a row it failed.
    failures: u32,
    /// Who paused it, if somebody did.
    paused_by: Option<&'a str>,
    /// When it runs next by itself.
    next_at: Option<String>,
    /// The set in force.
    set: Option<SetJson<'a>>,
    /// What became of its newest run.
    outcome: Option<Outcome>,
    /// That in words.
    said: Option<&'a str>,
}

/// What a run brought.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "FactSet")]
struct SetJson<'a> {
    id: i64,
    state: SetState,
    fetched_at: String,
    /// How many facts it has.
    facts: u64,
    /// Why it was held or rejected.
    reasons: &'a [String],
    /// Who had a hand in how it was fetched, and so does not release it.
    configured_by: &'a [String],
    decided_by: Option<&'a str>,
    decided_at: Option<String>,
    /// The place in the log behind which it came into force.
    active_position: Option<u64>,
    active_at: Option<String>,
}

/// One feed with its newest runs and sets.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "FeedHistory")]
struct OneJson<'a> {
    feed: FeedJson<'a>,
    runs: Vec<RunJson<'a>>,
    sets: Vec<SetJson<'a>>,
    /// What would change if the held set came into force, as far as it is told.
    would_change: Vec<Change>,
}

/// A run of a feed.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "FeedRun")]
struct RunJson<'a> {
    id: i64,
    slot: Option<String>,
    /// How many slots passed before it without a run.
    missed: u64,
    /// `schedule`, `retry` or `person`.
    cause: &'a str,
    actor: Option<&'a str>,
    started_at: Option<String>,
    ended_at: Option<String>,
    outcome: Option<Outcome>,
    said: Option<&'a str>,
    facts: Option<u64>,
}

/// What came of trying a feed.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "FeedTest")]
struct TestJson {
    /// Whether facts came.
    works: bool,
    /// How many.
    facts: usize,
    /// What they would be: `active`, `held` or `rejected`; absent where none came.
    would_be: Option<&'static str>,
    /// Why, or what went wrong.
    said: Vec<String>,
}

/// Which set in force was seen beside the held one; the one in force, if nobody says.
#[derive(Debug, Deserialize)]
pub(crate) struct Seen {
    against: Option<i64>,
}

/// Returns the routes of this file.
pub(super) fn endpoints() -> Vec<Endpoint> {
    let text = &json!({ "type": "string" });
    let number = &json!({ "type": "integer" });
    let id = "The feed's id";
    let verbs = &json!({ "enum": ["run", "test", "pause", "resume"] });
    let decisions = &json!({ "enum": ["release", "reject"] });
    vec![
        Endpoint::get("/api/v1/feeds", list, "Lists where facts come from").answers::<List<'_>>(),
        Endpoint::get("/api/v1/feeds/{id}", one, "Tells of one feed, with its runs and sets")
            .part("id", id, text)
            .answers::<OneJson<'_>>(),
        Endpoint::post("/api/v1/feeds/{id}/{verb}", act, "Runs, tries, pauses or resumes a feed")
            .part("id", id, text)
            .part("verb", "What to do", verbs),
        Endpoint::post(
            "/api/v1/feeds/{id}/sets/{set}/{verb}",
            decide,
            "Releases or rejects a set that is held",
        )
        .part("id", id, text)
        .part("set", "The set's number", number)
        .part("verb", "What to do", decisions)
        .query("against", "The set in force that was seen beside it", number)
        .answers::<OneJson<'_>>(),
    ]
}

/// Lists them all.
pub(crate) async fn list(State(app): State<App>, caller: Caller) -> Result<Response, Fault> {
    caller.check(Action::ReadFeeds)?;
    let all = feeds::all(&app).await?;
    let feeds = all.iter().map(feed_json).collect();
    Ok(answer(List { feeds }, None))
}

/// Tells of one.
pub(crate) async fn one(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    caller.check(Action::ReadFeeds)?;
    tell(&app, &id).await
}

async fn tell(app: &App, id: &str) -> Result<Response, Fault> {
    // Runs first: who reads how one ended reads what it led to as well.
    let runs = feed_run::of_feed(&app.store, id, LATEST).await?;
    let sets = feed_set::of_feed(&app.store, id, LATEST).await?;
    let standing = feeds::one(app, id).await?;
    let held = sets.iter().find(|set| set.state == SetState::Held);
    let would_change = match held {
        Some(held) => feeds::would_change(app, held, standing.set.as_ref()).await?.0,
        None => Vec::new(),
    };
    let told = OneJson {
        feed: feed_json(&standing),
        runs: runs.iter().map(run_json).collect(),
        sets: sets.iter().map(set_json).collect(),
        would_change,
    };
    Ok(answer(told, None))
}

/// Runs, tries, pauses or resumes one.
pub(crate) async fn act(
    State(app): State<App>,
    caller: Caller,
    Path((id, verb)): Path<(String, String)>,
) -> Result<Response, Fault> {
    caller.check(Action::ManageFeeds)?;
    match &*verb {
        "run" => feeds::want(&app, &id, caller.id()).await?,
        "pause" => feeds::pause(&app, (&id, true), caller.id()).await?,
        "resume" => feeds::pause(&app, (&id, false), caller.id()).await?,
        "test" => return test(&app, &id).await,
        _ => return Err(FaultKind::NotFound.into()),
    }
    tell(&app, &id).await
}

async fn test(app: &App, id: &str) -> Result<Response, Fault> {
    let told = match feeds::test(app, id).await? {
        Ok(judged) => {
            let (would_be, said) = match judged.verdict {
                Verdict::Accept => ("active", Vec::new()),
                Verdict::Hold(reasons) => ("held", reasons),
                Verdict::Reject(reason) => ("rejected", vec![reason]),
            };
            TestJson { works: true, facts: judged.facts.len(), would_be: Some(would_be), said }
        }
        Err(said) => TestJson { works: false, facts: 0, would_be: None, said: vec![said] },
    };
    Ok(answer(told, None))
}

/// Releases or rejects a held set.
pub(crate) async fn decide(
    State(app): State<App>,
    caller: Caller,
    Path((id, set, verb)): Path<(String, i64, String)>,
    Query(Seen { against }): Query<Seen>,
) -> Result<Response, Fault> {
    caller.check(Action::ManageFeeds)?;
    let is_released = match &*verb {
        "release" => true,
        "reject" => false,
        _ => return Err(FaultKind::NotFound.into()),
    };
    let against = match against {
        Some(seen) => Some(seen),
        None => feed_set::in_force(&app.store, &id).await?.map(|set| set.id),
    };
    feeds::decide(&app, (&id, set), (is_released, against), caller.id()).await?;
    tell(&app, &id).await
}

fn feed_json(standing: &Standing) -> FeedJson<'_> {
    let Standing { feed, health, state, set, run, next_at } = standing;
    FeedJson {
        id: &feed.id,
        kind: feed.kind.name,
        title: &feed.title,
        configured_by: &feed.configured_by,
        state: *health,
        checked_at: state.checked_at.map(machine),
        failures: state.failures,
        paused_by: state.paused_by.as_deref(),
        next_at: next_at.map(machine),
        set: set.as_ref().map(set_json),
        outcome: run.as_ref().and_then(|run| run.outcome),
        said: run.as_ref().and_then(|run| run.sentence.as_deref()),
    }
}

fn set_json(set: &Set) -> SetJson<'_> {
    SetJson {
        id: set.id,
        state: set.state,
        fetched_at: machine(set.fetched_at),
        facts: set.facts,
        reasons: &set.reasons,
        configured_by: &set.configured_by,
        decided_by: set.decided_by.as_deref(),
        decided_at: set.decided_at.map(machine),
        active_position: set.active_position,
        active_at: set.active_at.map(machine),
    }
}

fn run_json(run: &Run) -> RunJson<'_> {
    RunJson {
        id: run.id,
        slot: run.slot.map(machine),
        missed: run.missed,
        cause: &run.cause,
        actor: run.actor.as_deref(),
        started_at: run.started_at.map(machine),
        ended_at: run.ended_at.map(machine),
        outcome: run.outcome,
        said: run.sentence.as_deref(),
        facts: run.facts,
    }
}
