//! Adjusters: what is learnt from records and facts, judged, and put into the plan where it helps.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Days, NaiveDate, Utc};
use chrono_tz::Tz;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::told::{self, Told};
use super::{Gathered, Outside};
use crate::calendar::shipping::TRANSIT_DAYS_MAX;
use crate::forecast::demand::LEVELS;
use crate::forecast::regressor::{self, Case, Verdict};
use crate::stock::plan::adjust::{Adjusted, Scale, Scaled, SlowDay};
use crate::stock::plan::setting::{ItemIndex, LaneIndex, PlaceIndex, Position, Setting};
use crate::stock::plan::{AHEAD_DAYS_MAX, BEYOND_DAYS};
use crate::stock::stocking::Stocking;
use crate::stock::stocking::adjuster::{AdjusterDocument, DemandScopeDocument};

/// What was found of an adjuster.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[schemars(rename = "AdjusterVerdict")]
pub struct Judged {
    /// The adjuster.
    pub id: Box<str>,
    /// What it is in English, for people.
    pub en: Box<str>,
    /// The same in Chinese.
    pub zh: Box<str>,
    /// What it adjusts.
    pub of: Subject,
    /// Cases that were left out because nobody tells the fact of their day.
    pub untold: usize,
    /// The days of departure, or of demand, from the plan's first on of which it is told to be so.
    pub days_ahead: usize,
    /// What the test says.
    pub verdict: Verdict,
}

/// What an adjuster adjusts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// Days of transit.
    Lanes,
    /// Demand apart from deals and failures.
    Demand,
}

/// An adjuster of demand that helps.
struct OnDemand {
    id: Arc<str>,
    scope: Scope,
    /// The days ahead on which it is so.
    days: Vec<NaiveDate>,
    /// How many times the usual is needed on them, for each of the levels.
    weights: [f64; 3],
}

/// Which positions; none: all.
pub(super) struct Scope {
    items: Option<BTreeSet<ItemIndex>>,
    places: Option<BTreeSet<PlaceIndex>>,
}

impl Scope {
    /// Returns the positions that `document` names, and what it names that is not there.
    pub(super) fn of(document: &DemandScopeDocument, setting: &Setting) -> (Self, Vec<String>) {
        let DemandScopeDocument { products, places } = document;
        let mut unknown = Vec::new();
        let mut find =
            |kind: &str, cure: &str, asked: &[String], ids: &mut dyn Iterator<Item = &str>| {
                let at: BTreeMap<&str, u32> = ids.zip(0..).collect();
                let gone = asked.iter().filter(|id| !at.contains_key(&***id));
                unknown.extend(gone.map(|id| format!("there is no {kind} '{id}'; {cure}")));
                let known = asked.iter().filter_map(|id| at.get(&**id).copied());
                known.collect::<Vec<u32>>()
            };
        let items = find(
            "product",
            "correct it or import it",
            products,
            &mut setting.items.iter().map(|item| &*item.id),
        );
        let there = find(
            "place",
            "name one of this document",
            places,
            &mut setting.places.iter().map(|place| &*place.id),
        );
        let items = items.into_iter().map(ItemIndex).collect();
        let there = there.into_iter().map(PlaceIndex).collect();
        let scope = Self {
            items: (!products.is_empty()).then_some(items),
            places: (!places.is_empty()).then_some(there),
        };
        (scope, unknown)
    }

    pub(super) fn has(&self, item: ItemIndex, place: PlaceIndex) -> bool {
        self.items.as_ref().is_none_or(|items| items.contains(&item))
            && self.places.as_ref().is_none_or(|places| places.contains(&place))
    }
}

impl Gathered {
    /// Judges the adjusters of `stocking` by what records and facts tell at `as_of`, and takes those that
    /// help into the setting, in the place of those before.
    pub(super) fn take_adjusters(
        &mut self,
        stocking: &Stocking,
        outside: &Outside,
        as_of: DateTime<Utc>,
    ) {
        self.setting.adjusted = Adjusted::default();
        self.verdicts.clear();
        let mut on_demand = Vec::new();
        for (index, document) in stocking.adjuster.iter().enumerate() {
            let name = format!("adjuster {}", document.id);
            let (told, messages) = told::told(document, stocking, outside);
            for message in messages {
                self.troubles.report(&*name, message);
            }
            let days = told.as_ref().map(|told| days_ahead(told, stocking, as_of));
            let days = days.unwrap_or_default();
            let (of, (cases, untold)) = match &document.demand {
                None => (Subject::Lanes, self.past.of_lanes(document, stocking, told.as_ref())),
                Some(_) => (Subject::Demand, self.past.of_demand(index, told.as_ref())),
            };
            let verdict = regressor::judge(&cases);
            match &document.demand {
                None => {
                    let lanes = self.lanes_of(document, stocking, &name);
                    if verdict.is_on {
                        slow(&mut self.setting, &document.id, (&lanes, &days), &verdict);
                    }
                }
                Some(scope) => {
                    let (scope, unknown) = Scope::of(scope, &self.setting);
                    for message in unknown {
                        self.troubles.report(&*name, message);
                    }
                    let id = Arc::from(&*document.id);
                    let weights = weights(&verdict, &cases);
                    if verdict.is_on && !days.is_empty() {
                        on_demand.push(OnDemand { id, scope, days: days.clone(), weights });
                    }
                }
            }
            self.verdicts.push(Judged {
                id: (*document.id).into(),
                en: document.title.in_language("en").into(),
                zh: document.title.in_language("zh").into(),
                of,
                untold,
                days_ahead: days.len(),
                verdict,
            });
        }
        self.setting.adjusted.scales = scales(&self.setting, &on_demand);
    }

    /// Returns the lanes of the document that an adjuster names, and reports those that are not there.
    fn lanes_of(
        &mut self,
        document: &AdjusterDocument,
        stocking: &Stocking,
        name: &str,
    ) -> Vec<LaneIndex> {
        let known: BTreeMap<&str, LaneIndex> = (0..)
            .zip(self.setting.lanes.iter().take(stocking.lane.len()))
            .map(|(index, lane)| (&*lane.id, LaneIndex(index)))
            .collect();
        if document.lanes.iter().any(|id| id == "*") {
            return known.into_values().collect();
        }
        let mut found = BTreeSet::new();
        for id in &document.lanes {
            if let Some(lane) = known.get(&**id) {
                found.insert(*lane);
            } else {
                let message = format!("there is no lane '{id}'; name one of this document, or '*'");
                self.troubles.report(name, message);
            }
        }
        found.into_iter().collect()
    }
}

/// Returns the days of a plan of `as_of` on which the fact is told to be so.
fn days_ahead(told: &Told, stocking: &Stocking, as_of: DateTime<Utc>) -> Vec<NaiveDate> {
    let zone: Tz = stocking.zone.parse().unwrap_or(Tz::UTC);
    let first = as_of.with_timezone(&zone).date_naive();
    // A day earlier and later than any place has it.
    let first = first.pred_opt().unwrap_or(first);
    let days = u64::from(AHEAD_DAYS_MAX) + BEYOND_DAYS + 2;
    let last = first.checked_add_days(Days::new(days)).unwrap_or(NaiveDate::MAX);
    let days = first.iter_days().take_while(|day| *day <= last);
    days.filter(|day| told.on(*day) == Some(true)).collect()
}

/// Returns which of [`LEVELS`] is nearest to `level`; of two the higher.
fn nearest(level: f64) -> usize {
    let distances = LEVELS.iter().map(|known| (known - level).abs()).enumerate();
    let nearest =
        distances.min_by(|one, other| one.1.total_cmp(&other.1).then(other.0.cmp(&one.0)));
    nearest.map_or(0, |(index, _)| index)
}

/// Makes `lanes` slower that depart on `days`: their own days, times the factor at the level nearest to
/// their slack, in whole days. Of several adjusters the slowest counts.
fn slow(
    setting: &mut Setting,
    id: &str,
    (lanes, days): (&[LaneIndex], &[NaiveDate]),
    verdict: &Verdict,
) {
    let id: Arc<str> = id.into();
    for index in lanes {
        let Some(lane) = setting.lane(*index) else { continue };
        let own = lane.terms.transit.percentile(lane.terms.slack);
        let level = f64::try_from(lane.terms.slack).unwrap_or(1.0);
        let factor = verdict.factors.get(nearest(level)).copied().unwrap_or(1.0);
        let planned = whole_days(f64::from(own) * factor).max(own);
        if planned == own {
            continue;
        }
        let of_lane = setting.adjusted.slow.entry(*index).or_default();
        for day in days {
            let known = of_lane.get(day).map_or(own, |known| known.days);
            if known < planned {
                let adjuster = Arc::clone(&id);
                of_lane.insert(*day, SlowDay { days: planned, adjuster });
            }
        }
    }
}

/// Returns `days` rounded up, and no more than a lane may take.
fn whole_days(days: f64) -> u16 {
    let up = (days - 1e-9).ceil().clamp(0.0, TRANSIT_DAYS_MAX.into());
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is within bounds"
    )]
    let up = up as u16;
    up
}

/// Returns how many times the usual is needed under the fact, for each of the levels. The usual was learnt
/// from days under it, too, so it is weighed against the part that they are.
fn weights(verdict: &Verdict, cases: &[Case]) -> [f64; 3] {
    let under = cases.iter().filter(|case| case.holds).count() as f64;
    let part = under / (cases.len().max(1) as f64);
    verdict.factors.map(|factor| factor / part.mul_add(factor - 1.0, 1.0))
}

/// Returns how much more or less is needed of each position on days ahead. Of several adjusters of a day the
/// one counts that changes most.
fn scales(
    setting: &Setting,
    on_demand: &[OnDemand],
) -> BTreeMap<(ItemIndex, PlaceIndex), Arc<Scale>> {
    if on_demand.is_empty() {
        return BTreeMap::new();
    }
    let mut made: BTreeMap<(Vec<usize>, usize), Arc<Scale>> = BTreeMap::new();
    let scaled = setting.positions.iter().filter_map(|position: &Position| {
        let Position { item, place, .. } = *position;
        let known = on_demand.iter().enumerate();
        let of: Vec<usize> =
            known.filter(|(_, one)| one.scope.has(item, place)).map(|(index, _)| index).collect();
        let level = setting.item(item)?.aim.level();
        // The middle of what is needed now and then is nothing, and says nothing about its mean.
        let level = nearest(level).max(1);
        if of.is_empty() {
            return None;
        }
        let scale = made.entry((of, level)).or_insert_with_key(|(of, level)| {
            let of = of.iter().filter_map(|index| on_demand.get(*index));
            Arc::new(scale(of, *level))
        });
        Some(((item, place), Arc::clone(scale)))
    });
    scaled.collect()
}

fn scale<'o>(adjusters: impl Iterator<Item = &'o OnDemand>, level: usize) -> Scale {
    let mut days: BTreeMap<NaiveDate, Scaled> = BTreeMap::new();
    let change = |factor: f64| factor.max(f64::MIN_POSITIVE).ln().abs();
    for one in adjusters {
        let factor = one.weights.get(level).copied().unwrap_or(1.0);
        for day in &one.days {
            let known = days.get(day).map_or(0.0, |known| change(known.factor));
            if known < change(factor) {
                days.insert(*day, Scaled { factor, adjuster: Arc::clone(&one.id) });
            }
        }
    }
    Scale::of(days)
}

/// Returns the cases of `values`, each of a group, a day and a number, of which the fact is told, and how
/// many it is not.
pub(super) fn cases(
    values: impl Iterator<Item = (u32, NaiveDate, f64, Option<bool>)>,
) -> (Vec<Case>, usize) {
    let mut untold = 0;
    let cases = values.filter_map(|(group, on, value, holds)| {
        untold += usize::from(holds.is_none());
        Some(Case { group, on, value, holds: holds? })
    });
    (cases.collect(), untold)
}
