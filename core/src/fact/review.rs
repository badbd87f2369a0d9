//! Whether a new set of facts may take the place of the one in force, or a person looks at it first.
//!
//! Rates have a day and may move within a band. Taxes, duties and codes of goods change by law: any
//! change of what is known is looked at, what is new besides is not.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::Fact;
use super::almanac::Almanac;
use super::duty::Measure;
use super::goods::Goods;
use super::lane::Lane;
use super::policy::Policy;
use super::rate_book::Publication;
use super::sailing::Sailing;
use super::tax::TaxRate;
use super::unread::Unread;

mod calendars;
mod duties;
mod lanes;
mod policies;
mod rates;
mod sailings;
mod standing;
mod taxes;

/// How a set is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// On which days the source publishes.
    pub publication: Publication,
    /// How far a rate may be from the one before, as a part of it: 0.05 for 5 %.
    pub jump_max: Decimal,
    /// How many publications the newest rate of a set may have missed.
    pub missed_max: u32,
    /// How old the newest rate of a set may be at most, in days, before it is no news of any kind.
    pub age_max: i64,
}

/// What becomes of a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It comes into force.
    Accept,
    /// The set in force stays until a person has looked at this one; why, at least one reason.
    Hold(Vec<String>),
    /// The set in force stays, and this one is of no use.
    Reject(String),
}

/// How many things a reason names.
const NAMED_MAX: usize = 5;

/// Judges the set `new` on the day `today` against `last`, the one in force, if there is one. Its source
/// publishes nothing on days that are `closed`.
pub fn judge(
    new: &[Fact],
    last: &[Fact],
    today: NaiveDate,
    limits: &Limits,
    closed: &BTreeSet<NaiveDate>,
) -> Verdict {
    match (new.is_empty(), last.len()) {
        (true, 0) => return Verdict::Reject("it is empty".to_owned()),
        (true, count) => {
            return Verdict::Hold(vec![format!(
                "it is empty, and the set in force has {count} facts"
            )]);
        }
        (false, _) => {}
    }
    let mut reasons = match rates::compare_sets(new, last, today, limits, closed) {
        Ok(reasons) => reasons,
        Err(reason) => return Verdict::Reject(reason),
    };
    let (new, last) = (Kinds::of(new), Kinds::of(last));
    taxes::compare(&new.taxes, &last.taxes, &mut reasons);
    duties::compare(&new.duties, &last.duties, &mut reasons);
    standing::compare("codes of goods", &goods(&new.goods), &goods(&last.goods), &mut reasons);
    calendars::compare(&new.calendars, &last.calendars, today, &mut reasons);
    lanes::compare(&new.lanes, &last.lanes, &mut reasons);
    sailings::compare(&new.sailings, &last.sailings, today, &mut reasons);
    policies::compare(&new.policies, &last.policies, &mut reasons);
    leave(&new.unread, &mut reasons);
    if new.kept < last.kept.div_ceil(2) {
        reasons.push(format!("it has {} rows, and the set in force has {}", new.kept, last.kept));
    }
    if reasons.is_empty() { Verdict::Accept } else { Verdict::Hold(reasons) }
}

/// The facts of a set by their kinds, but for rates, of which there are too many to list them.
#[derive(Default)]
struct Kinds<'f> {
    taxes: Vec<&'f TaxRate>,
    duties: Vec<&'f Measure>,
    goods: Vec<&'f Goods>,
    calendars: Vec<&'f Almanac>,
    lanes: Vec<&'f Lane>,
    sailings: Vec<&'f Sailing>,
    policies: Vec<&'f Policy>,
    unread: Vec<&'f Unread>,
    /// How many closures, attributes and policies there are: tables that somebody keeps, of which half
    /// does not go at once.
    kept: usize,
}

impl<'f> Kinds<'f> {
    fn of(facts: &'f [Fact]) -> Self {
        let mut kinds = Self::default();
        for fact in facts {
            match fact {
                Fact::Tax(rate) => kinds.taxes.push(rate),
                Fact::Duty(measure) => kinds.duties.push(measure),
                Fact::Goods(goods) => kinds.goods.push(goods),
                Fact::Calendar(almanac) => kinds.calendars.push(almanac),
                Fact::Lane(lane) => kinds.lanes.push(lane),
                Fact::Closure(_) | Fact::Attributes(_) => kinds.kept += 1,
                Fact::Policy(policy) => {
                    kinds.kept += 1;
                    kinds.policies.push(policy);
                }
                Fact::Sailing(sailing) => kinds.sailings.push(sailing),
                Fact::Unread(unread) => kinds.unread.push(unread),
                // They come and go by the hour; rates are compared as they stand.
                Fact::PortCall(_) | Fact::TransportEvent(_) | Fact::Weather(_) | Fact::Rate(_) => {}
            }
        }
        kinds
    }
}

/// Adds to `reasons` what the reader of a set left to a person.
fn leave(unread: &[&Unread], reasons: &mut Vec<String>) {
    let told = unread.iter().map(|unread| format!("{}: {}", unread.place, unread.what));
    reasons.extend(told.take(NAMED_MAX));
    if NAMED_MAX < unread.len() {
        reasons.push(format!("{} places could not be read", unread.len()));
    }
}

/// Returns what stands in a nomenclature. What a code is called may change.
fn goods(entries: &[&Goods]) -> standing::Standing {
    entries.iter().map(|goods| (goods.code.clone(), "listed".to_owned())).collect()
}
