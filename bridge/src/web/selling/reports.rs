//! How processes are kept: gathered from what was done with the deals that the reader sees.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, NaiveDate, Utc};
use rust_decimal::Decimal;
use upturn_core::compliance::funnel::{self, Drop};
use upturn_core::compliance::policy::Policy;
use upturn_core::compliance::process::deal::Action as DealAction;
use upturn_core::compliance::report::{Asked, Entry, Way};
use upturn_core::quote::snapshot::Snapshot;

use super::{DealFilter, cases, deals, quotes};
use crate::store::deal_act::{self, DealAct};
use crate::store::policy;
use crate::web::App;
use crate::web::caller::Caller;
use crate::web::fault::Fault;

/// Acts that are read at once, and at most.
const PAGE: u32 = 5_000;
const ACTS_MAX: usize = 200_000;
/// How many days around a drop changes are told of.
const AROUND: Days = Days::new(7);

/// What was done, by deal.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    policies: BTreeMap<String, Policy>,
    /// Who leads each deal, and when it closed without success.
    deals: BTreeMap<String, (String, Option<NaiveDate>)>,
    acts: BTreeMap<String, Vec<DealAct>>,
    /// What was asked to be allowed.
    pub(crate) asked: Vec<Asked>,
    /// Which part of the tolerance each seller uses.
    pub(crate) tolerance: Vec<Tolerance>,
}

/// How a seller uses what is tolerated below the floor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tolerance {
    /// Who.
    pub(crate) seller: String,
    /// Lines that were offered below the floor, within what is tolerated.
    pub(crate) lines: usize,
    /// How far they were below on average, in percent.
    pub(crate) mean_percent: Decimal,
    /// How far at most.
    pub(crate) most_percent: Decimal,
}

/// A stage at which fewer deals pass than before.
#[derive(Clone, Debug)]
pub(crate) struct Fall {
    /// The stage that they do not leave for the next.
    pub(crate) stage: String,
    /// Since when.
    pub(crate) drop: Drop,
    /// What was changed in the days around: guarded fields, and the rules of the house.
    pub(crate) changes: Vec<String>,
}

/// Gathers what `caller` sees.
pub(crate) async fn gather(app: &App, caller: &Caller) -> Result<Gathered, Fault> {
    let filter = DealFilter { with_closed: true, ..DealFilter::default() };
    let mut gathered = Gathered::default();
    for row in deals(app, caller, &filter).await? {
        let lost = row.field("outcome") == Some("lost");
        let closed = row.field("closed_on").filter(|_| lost).and_then(|day| day.parse().ok());
        let seller = row.field("owner").unwrap_or_default().to_owned();
        gathered.deals.insert(row.id, (seller, closed));
    }
    let (mut after, mut count) = ((String::new(), 0), 0);
    while count < ACTS_MAX {
        let page = deal_act::page(&app.store, (&after.0, after.1), PAGE).await?;
        let Some(last) = page.last() else { break };
        after = (last.deal.clone(), last.revision);
        count += page.len();
        for act in page {
            if gathered.deals.contains_key(&act.deal) {
                if !gathered.policies.contains_key(&act.policy) {
                    let found = policy::get_committed(&app.store, &act.policy).await?;
                    gathered.policies.insert(act.policy.clone(), found);
                }
                gathered.acts.entry(act.deal.clone()).or_default().push(act);
            }
        }
    }
    gathered.asked = cases(app, caller)
        .await?
        .into_iter()
        .map(|view| Asked {
            by: view.case.decision.as_ref().map(|decision| decision.by.clone()),
            asked_at: view.case.asked_at,
            decided_at: view.case.decision.as_ref().map(|decision| decision.at),
        })
        .collect();
    gathered.tolerance = tolerance(app, caller).await?;
    Ok(gathered)
}

impl Gathered {
    /// Returns the ways of all deals that have begun one.
    pub(crate) fn ways(&self) -> Vec<Way<'_>> {
        let way = |(deal, acts): (&String, &Vec<DealAct>)| {
            let entries = acts.iter().filter_map(|act| {
                let process = self.policies.get(&act.policy)?.process(Some(&act.process))?;
                let (actor, action) = (act.actor.clone(), act.action.clone());
                Some(Entry { process, at: act.at, actor, action })
            });
            let (seller, _) = self.deals.get(deal)?;
            Some(Way { deal: deal.clone(), seller: seller.clone(), entries: entries.collect() })
        };
        self.acts.iter().filter_map(way).collect()
    }

    /// Returns the stages at which fewer deals pass than before, each with what was changed then.
    pub(crate) fn falls(&self) -> Vec<Fall> {
        let mut decisions: BTreeMap<String, Vec<(NaiveDate, bool)>> = BTreeMap::new();
        for way in self.ways() {
            let mut stage = way
                .entries
                .first()
                .and_then(|first| first.process.stage.first())
                .map(|stage| stage.id.clone());
            for entry in &way.entries {
                if let DealAction::Enter { stage: next } = &entry.action
                    && let Some(left) = stage.replace(next.clone())
                {
                    decisions.entry(left).or_default().push((entry.at.date_naive(), true));
                }
            }
            let lost = self.deals.get(&way.deal).and_then(|(_, lost)| *lost);
            if let Some((stage, on)) = stage.zip(lost) {
                decisions.entry(stage).or_default().push((on, false));
            }
        }
        let falls = decisions.into_iter().filter_map(|(stage, decisions)| {
            let drop = funnel::find_drop(&funnel::weeks(decisions))?;
            Some(Fall { stage, changes: self.changes_around(&drop), drop })
        });
        falls.collect()
    }

    fn changes_around(&self, drop: &Drop) -> Vec<String> {
        let first = drop.since.checked_sub_days(AROUND).unwrap_or(drop.since);
        let last = drop.seen.checked_add_days(AROUND).unwrap_or(drop.seen);
        let is_then = |at: DateTime<Utc>| (first..=last).contains(&at.date_naive());
        let acts = self.acts.values().flatten().filter(|act| is_then(act.at));
        let changes = acts.filter_map(|act| match &act.action {
            DealAction::Set { field, value, .. } => {
                Some(format!("{} {}: {field} = {value}", act.at.date_naive(), act.deal))
            }
            DealAction::Begin
            | DealAction::Enter { .. }
            | DealAction::Complete { .. }
            | DealAction::Sign { .. }
            | DealAction::OrderWork
            | DealAction::Deliver => None,
        });
        let mut all: Vec<String> = changes.collect();
        all.sort();
        all.truncate(100);
        all
    }
}

/// Returns how sellers use what is tolerated, by the quotes that `caller` sees.
async fn tolerance(app: &App, caller: &Caller) -> Result<Vec<Tolerance>, Fault> {
    let version = policy::committed(&app.store).await?;
    let Some(bands) = version.and_then(|version| version.policy.bands) else {
        return Ok(Vec::new());
    };
    let mut by_seller: BTreeMap<String, Vec<Decimal>> = BTreeMap::new();
    for stored in quotes::list(app, caller, None).await? {
        let Ok(snapshot) = Snapshot::read(&stored.document) else { continue };
        by_seller.entry(stored.seller).or_default().extend(snapshot.tolerated(&bands));
    }
    let each = by_seller.into_iter().filter_map(|(seller, used)| {
        let most_percent = used.iter().max().copied()?;
        let sum = used.iter().try_fold(Decimal::ZERO, |sum, one| sum.checked_add(*one))?;
        let mean_percent = sum.checked_div(used.len().into())?.round_dp(3);
        Some(Tolerance { seller, lines: used.len(), mean_percent, most_percent })
    });
    Ok(each.collect())
}
