//! Chances of open deals, from what became of those before them.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};
use upturn_core::forecast::ledger::WinSaid;
use upturn_core::forecast::win::{Outlook, Sight, Signal};

use super::deals::{Deals, Outcome, Row, Words};
use super::reading::{self, Document};
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::forecast::{ForecastKind, NewForecast};

/// Horizons of one history that are looked back at.
pub(crate) const LOOKED_BACK: u32 = 24;
/// Columns of a deal that tell deals apart, the coarse ones first; the last one moves as it goes on.
const COLUMNS: [&str; 5] = ["product", "place", "owner", "account", STAGE];
const STAGE: &str = "stage";
/// The column with what has been obtained, in words with blanks between.
const SIGNALS: &str = "signals";
/// Signals that are told apart, the most frequent ones.
const SIGNALS_MAX: usize = 12;
/// What a column holds while it is not known.
const UNKNOWN: &str = "";
/// What makes the forecasts.
const METHOD: &str = "hazard-logistic";

/// What was said of a deal, and what would raise its chance most.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub(crate) struct ChanceSaid {
    #[serde(flatten)]
    pub(crate) said: WinSaid,
    /// What to obtain next.
    pub(crate) step: Option<StepSaid>,
}

/// What would raise a deal's chance most.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
pub(crate) struct StepSaid {
    /// `stage` or `signal`.
    pub(crate) what: String,
    /// Which one.
    pub(crate) word: String,
    /// The chance of deals like this one that have it.
    pub(crate) probability: f64,
    /// How often it was seen.
    pub(crate) n: u64,
}

/// Deals with their history, as they stand.
#[derive(Debug, Default)]
pub(crate) struct Wins {
    /// What was known when.
    pub(crate) deals: Deals,
    words: Words,
    signals: Vec<String>,
    /// The newest revision of each.
    revisions: BTreeMap<String, u64>,
}

impl Wins {
    /// Reads deals and their revisions.
    pub(crate) async fn read(store: &Store) -> Result<Self, StoreError> {
        let mut newest: BTreeMap<String, Document> = BTreeMap::new();
        reading::records(store, "deal", |id, deal| {
            newest.insert(id.to_owned(), deal.clone());
        })
        .await?;
        let mut wins = Self { signals: signals(newest.values()), ..Self::default() };
        for (id, deal) in &newest {
            wins.open_and_close(id, deal);
        }
        reading::revisions(store, |revision, deal| {
            let Some(opened_on) =
                newest.get(&revision.deal).and_then(|deal| day(deal, "opened_on"))
            else {
                return;
            };
            let on = revision.at.date_naive().max(opened_on);
            let row = wins.row(deal, on, None);
            wins.deals.add(revision.deal.clone(), row);
            wins.revisions.insert(revision.deal.clone(), revision.revision);
        })
        .await?;
        wins.deals.sort();
        Ok(wins)
    }

    /// Adds what is known of a deal from its first day on, but for what moves, and its end.
    fn open_and_close(&mut self, id: &str, deal: &Document) {
        let Some(opened_on) = day(deal, "opened_on") else { return };
        let mut first = deal.clone();
        first.remove(STAGE);
        first.remove(SIGNALS);
        let row = self.row(&first, opened_on, None);
        self.deals.add(id.to_owned(), row);
        let outcome = match deal.get("outcome").map(String::as_str) {
            Some("won") => Outcome::Won,
            Some("lost") => Outcome::Lost,
            _ => return,
        };
        let closed_on = day(deal, "closed_on").unwrap_or(opened_on);
        let row = self.row(deal, closed_on, Some(outcome));
        self.deals.add(id.to_owned(), row);
    }

    fn row(&mut self, deal: &Document, on: NaiveDate, outcome: Option<Outcome>) -> Row {
        let cell = |name: &str| deal.get(name).map_or(UNKNOWN, String::as_str);
        let mut levels: Vec<u32> = (0..)
            .zip(COLUMNS)
            .map(|(column, name)| self.words.number(column, cell(name)))
            .collect();
        let obtained: Option<BTreeSet<&str>> =
            deal.get(SIGNALS).map(|words| words.split_whitespace().collect());
        for (column, signal) in (COLUMNS.len()..).zip(&self.signals) {
            let word = match &obtained {
                None => UNKNOWN,
                Some(words) if words.contains(&**signal) => YES,
                Some(_) => NO,
            };
            levels.push(self.words.number(column, word));
        }
        let amount = deal.get("amount").and_then(|text| text.parse::<f64>().ok());
        let amount = amount.filter(|amount| 0.0 < *amount).map_or(f64::NAN, f64::ln);
        Row { on, outcome, levels, numbers: vec![amount] }
    }

    /// Returns the deals there are.
    pub(crate) fn known(&self) -> impl Iterator<Item = &str> {
        self.revisions.keys().map(String::as_str)
    }

    /// Returns what is said on `day` of deals that are open at its end and not in `said`, a set of deals
    /// with the revisions that something was said of.
    pub(crate) fn forecast(
        &self,
        day: NaiveDate,
        within: u32,
        said: &BTreeSet<(String, u64)>,
    ) -> Vec<NewForecast> {
        let Some(as_of) = day.succ_opt() else { return Vec::new() };
        let open = self.deals.open(as_of, within).into_iter().filter_map(|(deal, sight)| {
            let revision = self.revisions.get(deal).copied().unwrap_or_default();
            (!said.contains(&(deal.to_owned(), revision))).then_some((deal, sight, revision))
        });
        let open: Vec<_> = open.collect();
        if open.is_empty() {
            return Vec::new();
        }
        let outlook = Outlook::learn(&self.deals.seen(as_of, within, LOOKED_BACK));
        let due = as_of.checked_add_days(Days::new(u64::from(within))).unwrap_or(NaiveDate::MAX);
        let forecast = |(deal, sight, revision): (&str, Sight, u64)| NewForecast {
            kind: ForecastKind::Win,
            subject: deal.to_owned(),
            as_of,
            due,
            horizon: within,
            revision,
            method: METHOD,
            said: serde_json::to_string(&self.chance(&outlook, deal, &sight)).unwrap_or_default(),
        };
        open.into_iter().map(forecast).collect()
    }

    fn chance(&self, outlook: &Outlook, deal: &str, sight: &Sight) -> ChanceSaid {
        ChanceSaid { said: said(outlook, sight), step: self.step(outlook, deal, sight) }
    }

    /// Returns what would raise the chance most: a stage the deal was not in, or a signal.
    fn step(&self, outlook: &Outlook, deal: &str, sight: &Sight) -> Option<StepSaid> {
        let mut steps = Vec::new();
        for column in STAGE_AT..STAGE_AT + 1 + self.signals.len() {
            let had: BTreeSet<u32> = self.deals.had(deal, column).collect();
            let is_next = |(word, level): &(&str, u32)| {
                *word != UNKNOWN && *word != NO && !had.contains(level)
            };
            steps.extend(self.words.of(column).filter(is_next).map(|(_, level)| (column, level)));
        }
        let best = outlook.best_step(sight, &steps)?;
        let signal = best.column.checked_sub(COLUMNS.len());
        let (what, word) = match signal {
            Some(at) => ("signal", self.signals.get(at)?.as_str()),
            None => ("stage", self.words.of(best.column).find(|(_, at)| *at == best.level)?.0),
        };
        Some(StepSaid {
            what: what.to_owned(),
            word: word.to_owned(),
            probability: best.probability,
            n: best.n,
        })
    }
}

const STAGE_AT: usize = COLUMNS.len() - 1;
const YES: &str = "yes";
const NO: &str = "no";

/// Returns what `outlook` says of the deal in `sight`.
pub(crate) fn said(outlook: &Outlook, sight: &Sight) -> WinSaid {
    let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    WinSaid {
        probability: outlook.probability(sight),
        share: outlook.share(),
        has_signal: outlook.signal() == Signal::Deal,
        n: count(outlook.seen()),
        won: count(outlook.won()),
    }
}

fn day(deal: &Document, name: &str) -> Option<NaiveDate> {
    deal.get(name)?.parse().ok()
}

/// Returns the most frequent signals, in the order of their words.
fn signals<'d>(deals: impl Iterator<Item = &'d Document>) -> Vec<String> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for words in deals.filter_map(|deal| deal.get(SIGNALS)) {
        for word in words.split_whitespace().collect::<BTreeSet<_>>() {
            *counts.entry(word).or_default() += 1;
        }
    }
    let mut words: Vec<(&str, u64)> = counts.into_iter().collect();
    words.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    words.truncate(SIGNALS_MAX);
    let mut words: Vec<String> = words.into_iter().map(|(word, _)| word.to_owned()).collect();
    words.sort();
    words
}
