//! The one task that plans stock: on schedule, and when something changes that bears on the plan.

use std::num::NonZero;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use upturn_core::parallel;
use upturn_core::registry::Registry;
use upturn_core::stock::gather::{self, Gathered, Outside};
use upturn_core::stock::plan::{self as core_plan, Period};

use super::document::{self, InForce};
use super::kept::{Kept, Names};
use super::plan::{self, Comparison, NewPlan};
use super::reading;
use crate::clock::Clock;
use crate::facts::shelf::Shelf;
use crate::facts::stored::StoredError;
use crate::runtime::request::Request;
use crate::store::advice::Standing;
use crate::store::error::StoreError;
use crate::store::{Store, advice, record};

/// How often it looks whether there is something new, apart from facts and decisions: these ring.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// After so many looks it plans, even if records are still being written.
const LOOKS_MAX: u32 = 30;
/// So many items are planned at once.
const ITEMS_AT_ONCE: NonZero<usize> = NonZero::new(512).unwrap();
/// Seconds of an hour.
const HOUR_SECONDS: i64 = 3_600;

/// What the planner works with.
#[derive(Debug)]
pub(crate) struct Office {
    /// Where records, facts and advice are.
    pub(crate) store: Store,
    /// What time it is.
    pub(crate) clock: Arc<dyn Clock>,
    /// To the one writer.
    pub(crate) asks: mpsc::Sender<Request>,
    /// The facts of sets that were read already.
    pub(crate) shelf: Shelf,
    /// The registry of the folder.
    pub(crate) folder: watch::Receiver<Arc<Registry>>,
    /// Where the stocking document is.
    pub(crate) path: PathBuf,
}

/// Why a plan was not made. The one before stays.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlanError {
    /// The database is away.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A set of facts is not read.
    #[error(transparent)]
    Facts(#[from] StoredError),
    /// The work was cut short.
    #[error("the plan was cut short")]
    Cut,
}

/// By what the planner sees that something is new.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Mark {
    records: i64,
    sets: Vec<i64>,
    advice: i64,
    text: String,
    day: NaiveDate,
    /// The hour, where tasks bear on the plan: they change all the time, and are read once in it.
    hour: Option<i64>,
}

#[derive(Debug)]
struct Planner {
    office: Office,
    in_force: Option<InForce>,
    /// The last text that was wrong, so that it is told once.
    wrong: Option<String>,
    seen: Mark,
    done: Option<Mark>,
    looks: u32,
    planned_at: Option<DateTime<Utc>>,
    /// What records say, of the mark's records, advice, document and day.
    kept: Option<(Mark, Gathered)>,
    /// What stands, of a revision of advice and a day.
    standing: Option<(i64, NaiveDate, Vec<Standing>)>,
}

/// Plans until `stop`.
pub(crate) async fn run(office: Office, stop: CancellationToken) {
    let mut planner = Planner {
        office,
        in_force: None,
        wrong: None,
        seen: Mark::default(),
        done: None,
        looks: 0,
        planned_at: None,
        kept: None,
        standing: None,
    };
    let bells = planner.office.store.bells().clone();
    let mut told = false;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = bells.planner().notified() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        let looked = tokio::select! {
            () = stop.cancelled() => return,
            looked = planner.look() => looked,
        };
        match looked {
            Ok(()) => told = false,
            Err(error) if told => {
                tracing::debug!(error = &error as &dyn std::error::Error, "no plan");
            }
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "stock is not planned; trying again");
                told = true;
            }
        }
    }
}

impl Planner {
    /// Plans if something is new, or a slot has come.
    async fn look(&mut self) -> Result<(), PlanError> {
        self.read_document().await?;
        let Some(in_force) = &self.in_force else { return Ok(()) };
        let store = &self.office.store;
        let now = self.office.clock.now();
        let as_of = in_force.stocking.as_of.map_or(now, |as_of| as_of.to_utc());
        let mark = Mark {
            records: record::changes(store).await?,
            sets: reading::bearing(store, &in_force.stocking).await?,
            advice: advice::plan_state(store).await?.revision,
            text: in_force.text.clone(),
            day: as_of.with_timezone(&in_force.zone).date_naive(),
            hour: (!in_force.stocking.failure.is_empty())
                .then(|| now.timestamp().div_euclid(HOUR_SECONDS)),
        };
        let is_due = self
            .planned_at
            .is_some_and(|at| in_force.schedule.after(at).next().is_some_and(|slot| slot <= now));
        if self.done.as_ref() == Some(&mark) && !is_due {
            self.looks = 0;
            return Ok(());
        }
        // Records come in many writings: it waits for the last, but not for ever.
        self.looks += 1;
        if mark.records != self.seen.records && self.looks < LOOKS_MAX {
            self.seen = mark;
            return Ok(());
        }
        let advice = self.plan(&mark, as_of).await?;
        if let Some(advice) = advice {
            self.done = Some(Mark { advice, ..mark });
            self.planned_at = Some(now);
        }
        self.looks = 0;
        Ok(())
    }

    async fn read_document(&mut self) -> Result<(), PlanError> {
        let path = self.office.path.clone();
        let read = tokio::task::spawn_blocking(move || document::load(&path)).await;
        match read.map_err(|_gone| PlanError::Cut)? {
            Ok(read) => {
                self.in_force = Some(read);
                self.wrong = None;
            }
            Err(error) => {
                let why = error.to_string();
                if self.wrong.as_ref() != Some(&why) {
                    tracing::error!("the stocking document stays as it was: {why}");
                    self.wrong = Some(why);
                }
            }
        }
        Ok(())
    }

    /// Plans for `as_of`; returns the revision of advice after it, none if somebody changed advice
    /// meanwhile.
    async fn plan(&mut self, mark: &Mark, as_of: DateTime<Utc>) -> Result<Option<i64>, PlanError> {
        let Some(in_force) = self.in_force.clone() else { return Ok(None) };
        let store = &self.office.store;
        let standing = match self.standing.take() {
            Some((revision, day, known)) if (revision, day) == (mark.advice, mark.day) => known,
            Some(_) | None => advice::standing(store, mark.day).await?,
        };
        let outside = reading::outside((store, &self.office.shelf), &in_force.stocking).await?;
        let kept = self.kept.take().filter(|(known, _)| {
            let same = Mark { sets: Vec::new(), ..mark.clone() };
            *known == same
        });
        let rows = if kept.is_some() {
            None
        } else {
            let folder = Arc::clone(&self.office.folder.borrow());
            Some(reading::rows(store, &in_force.stocking, (&folder, as_of)).await?)
        };
        let draft = NewPlan {
            revision: mark.advice,
            stocking: in_force.stocking.id.clone(),
            owner: in_force.stocking.owner.clone(),
            as_of,
            is_exercise: in_force.stocking.as_of.is_some(),
            ..NewPlan::default()
        };
        let work = tokio::task::spawn_blocking(move || {
            let gathered = match (kept, rows) {
                (Some((_, gathered)), _) => gathered,
                (None, rows) => {
                    let firmed = plan::firmed(&standing);
                    let rows = rows.unwrap_or_default();
                    gather::records(&in_force.stocking, &rows, &firmed, as_of)
                }
            };
            make(gathered, &in_force, &outside, (draft, standing))
        });
        let (gathered, (new, standing)) = work.await.map_err(|_gone| PlanError::Cut)?;
        let known = Mark { sets: Vec::new(), ..mark.clone() };
        let (reply, answer) = oneshot::channel();
        let request = Request::Advice { step: super::step::Step::Plan(Box::new(new)), reply };
        self.office.asks.send(request).await.map_err(|_gone| PlanError::Cut)?;
        let kept_plan = answer.await.map_err(|_gone| PlanError::Cut)?;
        let revision = mark.advice + 1;
        if kept_plan == super::step::Stepped::Refused {
            // What was gathered may rest on decisions that are others now.
            return Ok(None);
        }
        self.kept = Some((Mark { advice: revision, ..known }, gathered));
        self.standing = Some((revision, mark.day, standing));
        Ok(Some(revision))
    }
}

/// Makes a plan of what was gathered, and compares it with what stands.
fn make(
    mut gathered: Gathered,
    in_force: &InForce,
    outside: &Outside,
    (draft, standing): (NewPlan, Vec<Standing>),
) -> (Gathered, (NewPlan, Vec<Standing>)) {
    let of_records = gathered.troubles.clone();
    gathered.take_outside(&in_force.stocking, outside, draft.as_of);
    let period = Period { as_of: draft.as_of, ahead_days: in_force.stocking.ahead_days };
    let names = Names { setting: &gathered.setting, calendars: &gathered.calendars };
    let (troubles, verdicts) = (gathered.troubles.clone(), gathered.verdicts.clone());
    let draft = NewPlan { troubles, verdicts, ..draft };
    let mut comparison = Comparison::of(draft, standing);
    for part in core_plan::parts(&gathered.setting, period, ITEMS_AT_ONCE) {
        comparison.take(parallel::map(&part, |advice| Kept::of(names, advice)));
    }
    let new = comparison.finish();
    gathered.troubles = of_records;
    (gathered, new)
}
