//! `upturn connectors list|test|run|next|pause|resume`: feeds, while the program runs or not.

use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use upturn_core::fact::review::Verdict;

use super::output;
use crate::cli::store_command::{self, StoreCommandError, open};
use crate::clock::{Clock as _, SystemClock};
use crate::config::Config;
use crate::exit::Exit;
use crate::facts::shelf::Shelf;
use crate::feeds::files::{FeedsError, Setup};
use crate::feeds::job::{Judged, Office};
use crate::feeds::standing::{self, Standing};
use crate::feeds::vault::Vault;
use crate::feeds::{Feed, Feeds};
use crate::store::audit::{self, CONSOLE, NewEntry};
use crate::store::{self, Store};
use crate::telemetry::Metrics;
use crate::web::when::machine;

/// Slots shown of each feed.
const SLOTS: usize = 3;
/// Facts shown of a test.
const FACTS_SHOWN: usize = 10;

/// How something is printed.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(in crate::cli) struct Json {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Which feed.
#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli) struct Which {
    /// The feed's id
    name: String,
}

/// Which feed is tried, and how that is printed.
#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli) struct Test {
    /// The feed's id
    name: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What the commands work with.
struct Desk {
    config: Config,
    store: Store,
    setup: Setup,
    feeds: Feeds,
}

impl Desk {
    async fn open(config: Config) -> Result<Self, StoreCommandError> {
        let setup = Setup::new(&config, Arc::new(SystemClock)).map_err(FeedsError::from)?;
        let feeds = setup.load()?;
        let store = open(&config).await?;
        store::schema::require_current(&store).await?;
        Ok(Self { config, store, setup, feeds })
    }

    fn feed(&self, name: &str) -> Result<&Arc<Feed>, StoreCommandError> {
        self.feeds.feeds.get(name).ok_or_else(|| {
            let known: Vec<_> = self.feeds.feeds.keys().map(String::as_str).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            StoreCommandError::NoFeed { name: name.to_owned(), known }
        })
    }
}

/// Shows how feeds do.
pub(super) fn list(json: Json, config: Option<&Path>) -> Exit {
    store_command::run(config, |config| async move {
        let desk = Desk::open(config).await?;
        let now = SystemClock.now();
        let all = standing::all(&desk.store, &Shelf::default(), &desk.feeds, now).await?;
        desk.store.close().await;
        if json.json {
            let feeds: Vec<_> = all.iter().map(as_json).collect();
            output::say_json(format_args!("{:#}", json!({ "feeds": feeds })))?;
        } else {
            let headings = ["feed", "kind", "state", "age", "next run", "set", "last said"];
            output::say(output::table(&headings, all.iter().map(|one| row(one, now))))?;
        }
        Ok(Exit::Ok)
    })
}

fn row(one: &Standing, now: DateTime<Utc>) -> Vec<String> {
    let said = one.run.as_ref().and_then(|run| run.sentence.clone());
    vec![
        one.feed.id.clone(),
        one.feed.kind.name.to_owned(),
        one.health.word().to_owned(),
        one.state.checked_at.map(|at| age(now - at)).unwrap_or_default(),
        one.next_at.map(machine).unwrap_or_default(),
        one.set.as_ref().map(|set| set.id.to_string()).unwrap_or_default(),
        said.unwrap_or_default(),
    ]
}

/// Returns a length of time in its two largest units.
fn age(span: TimeDelta) -> String {
    let (days, hours) = (span.num_days(), span.num_hours() % 24);
    match (days, hours) {
        (0, 0) => format!("{} min", span.num_minutes().max(0)),
        (0, hours) => format!("{hours} h {} min", span.num_minutes() % 60),
        (days, hours) => format!("{days} d {hours} h"),
    }
}

fn as_json(one: &Standing) -> Value {
    json!({
        "id": one.feed.id,
        "kind": one.feed.kind.name,
        "state": one.health,
        "checked_at": one.state.checked_at.map(machine),
        "failures": one.state.failures,
        "next_at": one.next_at.map(machine),
        "set": one.set.as_ref().map(|set| set.id),
        "outcome": one.run.as_ref().and_then(|run| run.outcome),
        "said": one.run.as_ref().and_then(|run| run.sentence.clone()),
    })
}

/// Shows when feeds run next, soonest first.
pub(super) fn next(json: Json, config: Option<&Path>) -> Exit {
    store_command::run(config, |config| async move {
        let desk = Desk::open(config).await?;
        let now = SystemClock.now();
        let mut all = standing::all(&desk.store, &Shelf::default(), &desk.feeds, now).await?;
        desk.store.close().await;
        all.sort_by_key(|one| (one.next_at.is_none(), one.next_at));
        let slots = |one: &Standing| -> Vec<String> {
            one.feed.schedule.after(now).take(SLOTS).map(machine).collect()
        };
        if json.json {
            let feeds = all.iter().map(|one| {
                json!({ "id": one.feed.id, "next_at": one.next_at.map(machine), "slots": slots(one) })
            });
            let feeds: Vec<_> = feeds.collect();
            output::say_json(format_args!("{:#}", json!({ "feeds": feeds })))?;
        } else {
            let row = |one: &Standing| {
                let next = one.next_at.map_or_else(|| one.health.word().to_owned(), machine);
                let schedule = one.feed.schedule.to_string();
                vec![one.feed.id.clone(), next, schedule, slots(one).join("\n")]
            };
            let headings = ["feed", "next run", "schedule", "slots"];
            output::say(output::table(&headings, all.iter().map(row)))?;
        }
        Ok(Exit::Ok)
    })
}

/// Fetches and judges what a feed says; changes nothing.
pub(super) fn test(args: &Test, config: Option<&Path>) -> Exit {
    store_command::run(config, |config| async move {
        let desk = Desk::open(config).await?;
        let feed = Arc::clone(desk.feed(&args.name)?);
        // Nothing is asked of a writer.
        let (asks, _nobody) = mpsc::channel(1);
        let office = Office {
            store: desk.store.clone(),
            clock: Arc::new(SystemClock),
            metrics: Metrics::new(),
            asks,
            http: desk.setup.http.clone(),
            vault: Arc::new(Vault::open(&desk.config.feeds)?),
            shelf: Shelf::default(),
        };
        let looked = office.look(&feed).await;
        desk.store.close().await;
        match looked {
            Ok(judged) => told(args, &judged),
            Err(said) if args.json => {
                output::say_json(format_args!("{:#}", json!({ "error": said })))?;
                Ok(Exit::DataErr)
            }
            Err(said) => Err(StoreCommandError::Refused(said)),
        }
    })
}

fn told(args: &Test, judged: &Judged) -> Result<Exit, StoreCommandError> {
    let (verdict, reasons) = match &judged.verdict {
        Verdict::Accept => ("active", Vec::new()),
        Verdict::Hold(reasons) => ("held", reasons.clone()),
        Verdict::Reject(reason) => ("rejected", vec![reason.clone()]),
    };
    let against = judged.against.as_ref().map(|set| set.id);
    let shown = judged.facts.iter().take(FACTS_SHOWN);
    if args.json {
        let told = json!({
            "facts": judged.facts.len(), "would_be": verdict, "reasons": reasons,
            "against": against, "first": shown.collect::<Vec<_>>(),
        });
        output::say_json(format_args!("{told:#}"))?;
        return Ok(Exit::Ok);
    }
    let mut lines = vec![format!("{} facts came; they would be {verdict}", judged.facts.len())];
    lines.push(match against {
        Some(set) => format!("compared with set {set}, which is in force"),
        None => "there is no set in force to compare them with".to_owned(),
    });
    lines.extend(reasons.iter().map(|reason| format!("  {reason}")));
    for fact in shown {
        lines.push(serde_json::to_string(fact).unwrap_or_default());
    }
    output::say(lines.join("\n"))?;
    Ok(Exit::Ok)
}

/// Has the running program fetch a feed.
pub(super) fn want(which: &Which, config: Option<&Path>) -> Exit {
    store_command::run(config, |config| async move {
        let desk = Desk::open(config).await?;
        let feed = desk.feed(&which.name)?;
        let now = SystemClock.now();
        let mut tx = desk.store.begin().await?;
        let run = store::feed_run::want(&mut tx, &feed.id, (CONSOLE, now)).await?;
        if let Some(run) = run {
            let detail = json!({ "run": run });
            let (action, subject) = ("feed-run-wanted", &*feed.id);
            let entry = NewEntry { at: now, actor: CONSOLE, action, subject, detail: &detail };
            audit::append(&mut tx, entry).await?;
        }
        tx.commit().await?;
        desk.store.close().await;
        match run {
            Some(run) => output::say(format_args!(
                "run {run} waits; the running program begins it, upturn connectors list tells its end"
            ))?,
            None => output::say("a run waits already")?,
        }
        Ok(Exit::Ok)
    })
}

/// Pauses a feed, or lets it go on.
pub(super) fn pause(which: &Which, is_paused: bool, config: Option<&Path>) -> Exit {
    store_command::run(config, |config| async move {
        let desk = Desk::open(config).await?;
        let feed = desk.feed(&which.name)?;
        let now = SystemClock.now();
        let is_changed =
            store::feed_state::decide_pause(&desk.store, (&feed.id, is_paused), (CONSOLE, now))
                .await?;
        desk.store.close().await;
        let state = if is_paused { "paused" } else { "not paused" };
        let was = if is_changed { "" } else { " already" };
        output::say(format_args!("{} is {state}{was}", which.name))?;
        if feed_is_paused_by_document(is_paused, &desk.feeds, &which.name) {
            output::note("its document says paused = true; change that, too");
        }
        Ok(Exit::Ok)
    })
}

fn feed_is_paused_by_document(is_paused: bool, feeds: &Feeds, name: &str) -> bool {
    !is_paused && feeds.feeds.get(name).is_some_and(|feed| feed.is_paused)
}
