//! Reads what each pattern has of its own.
//!
//! What is wrong is noted, and something sound taken instead: a document with an error makes no
//! rule.

use std::num::NonZeroUsize;

use chrono::TimeDelta;

use super::super::super::finding::Fault;
use super::super::super::keys::{self, Key};
use super::super::super::reader::{Item, Notes, Table};
use super::super::super::{Step, Test};
use super::super::{choose, note_remarks, read_count, read_duration};
use super::{kinds, step};
use crate::catalogue::Catalogue;
use crate::condition::Reading;
use crate::pattern::change::{Direction, Measure};
use crate::pattern::sustained::Side;
use crate::pattern::{Pattern, Steps, absence, change, consecutive, count, sequence, sustained};

/// How often an event can be asked for.
const TIMES_MAX: i64 = 1_000;
/// How often, where the document does not say.
const TIMES_DEFAULT: NonZeroUsize = NonZeroUsize::MIN.saturating_add(2);
/// Within which time, where the document does not say.
const WITHIN_DEFAULT: TimeDelta = TimeDelta::hours(24);
/// How many events a rule can keep for each device, or whatever it counts by.
const EVENTS_MAX: usize = 10_000;

/// What `[when]` says of a pattern and its events.
pub(super) struct Shape {
    pub(super) pattern: Pattern,
    pub(super) steps: Vec<Step>,
    pub(super) forbidden: Vec<Test>,
    pub(super) value: Option<Reading>,
}

impl Shape {
    /// Returns a shape that watches no number and forbids nothing.
    fn of(pattern: Pattern, steps: Vec<Step>) -> Self {
        Self { pattern, steps, forbidden: Vec::new(), value: None }
    }
}

/// Returns the shape that the pattern `name` makes of its keys.
pub(super) fn read(
    name: &str,
    table: &mut Table<'_, '_>,
    catalogue: &Catalogue,
    notes: &mut Notes<'_>,
) -> Option<Shape> {
    let read = match name {
        "consecutive" => read_consecutive,
        "count" => read_count_of,
        "sequence" => read_sequence,
        "absence" => read_absence,
        "sustained" => read_sustained,
        "change" => read_change,
        _ => return None,
    };
    Some(read(table, catalogue, notes))
}

fn read_consecutive(
    table: &mut Table<'_, '_>,
    catalogue: &Catalogue,
    notes: &mut Notes<'_>,
) -> Shape {
    let steps = vec![step::read(table, catalogue, notes)];
    let (times, _) = read_times(table, TIMES_DEFAULT, notes);
    let within = read_within(table, notes);
    Shape::of(Pattern::Consecutive(consecutive::Config { times, within }), steps)
}

fn read_count_of(table: &mut Table<'_, '_>, catalogue: &Catalogue, notes: &mut Notes<'_>) -> Shape {
    let default = if table.has(keys::ALL) { NonZeroUsize::MIN } else { TIMES_DEFAULT };
    let steps = step::read_each(table, Steps::MAX, catalogue, notes);
    let (times, given) = read_times(table, default, notes);
    let within = read_within(table, notes);
    let kept = times.get().saturating_mul(steps.len());
    if let Some(given) = given.filter(|_| EVENTS_MAX < kept) {
        let message = format!(
            "'times' and 'all' make the rule keep {kept} events for each scope, more than {EVENTS_MAX}"
        );
        let fault = Fault::new("too-much-memory", message, "lower 'times', or shorten 'all'");
        notes.error(given.span, fault);
    }
    let config = count::Config { times, within, steps: number_of(&steps) };
    Shape::of(Pattern::Count(config), steps)
}

fn read_sequence(table: &mut Table<'_, '_>, catalogue: &Catalogue, notes: &mut Notes<'_>) -> Shape {
    table.require(keys::SEQUENCE);
    let steps = step::read_list(table, keys::SEQUENCE, (2, Steps::MAX), (catalogue, notes));
    let forbidden = step::read_tests(table, keys::NOT, catalogue, notes);
    refuse_impossible(table, &steps, &forbidden, notes);
    let within = read_within(table, notes);
    let config = sequence::Config { steps: number_of(&steps), within };
    Shape { forbidden, ..Shape::of(Pattern::Sequence(config), steps) }
}

/// Notes a step that can never follow another, since what meets it is forbidden in between.
fn refuse_impossible(
    table: &mut Table<'_, '_>,
    steps: &[Step],
    forbidden: &[Test],
    notes: &mut Notes<'_>,
) {
    let text = |test: &Test| test.condition.as_ref().map(|condition| condition.as_str().to_owned());
    let is_forbidden = |test: &Test| {
        let mut of_kind = forbidden.iter().filter(|not| not.event == test.event);
        of_kind.any(|not| not.condition.is_none() || text(not) == text(test))
    };
    // The first step may be forbidden: it begins anew.
    let mut later = (1..).zip(steps).skip(1);
    let found = later.find(|(_, step)| !step.any.is_empty() && step.any.iter().all(is_forbidden));
    if let Some((number, step)) = found
        && let Some(not) = table.find(keys::NOT)
    {
        let kinds: Vec<_> = step.any.iter().map(|test| &*test.event).collect();
        let kinds = kinds.join(" and ");
        let message = format!("'not' forbids {kinds}, which is step {number}: it can never come");
        let cure = "leave it out of 'not', or say with 'where' which of them is forbidden";
        notes.error(not.span(), Fault::new("never-holds", message, cure));
    }
}

fn read_absence(table: &mut Table<'_, '_>, catalogue: &Catalogue, notes: &mut Notes<'_>) -> Shape {
    let mut steps = vec![step::read(table, catalogue, notes)];
    let silence = read_required(table, keys::FOR, notes);
    let after = table.table(keys::AFTER, "'after'", notes);
    let is_armed_by_second = after.is_some();
    if let Some(mut after) = after {
        steps.push(step::read(&mut after, catalogue, notes));
        after.finish(notes);
    }
    Shape::of(Pattern::Absence(absence::Config { silence, is_armed_by_second }), steps)
}

fn read_sustained(
    table: &mut Table<'_, '_>,
    catalogue: &Catalogue,
    notes: &mut Notes<'_>,
) -> Shape {
    let steps = vec![step::read(table, catalogue, notes)];
    let value = read_value(table, &kinds(&steps, &[]), catalogue, notes);
    let level = table.choose_one(&[keys::ABOVE, keys::BELOW], notes);
    let side = if level == Some(keys::BELOW) { Side::Below } else { Side::Above };
    let set = level.and_then(|level| table.number(level, notes)).map(|set| set.value);
    let clear = table.number(keys::CLEAR, notes);
    if let (Some(key), Some(set), Some(clear)) = (level, set, &clear) {
        check_clear((key, set), clear, notes);
    }
    let set = set.unwrap_or_default();
    let clear = clear.map_or(set, |clear| clear.value);
    let lasts = read_required(table, keys::FOR, notes);
    let config = sustained::Config { side, set, clear, lasts };
    Shape { value, ..Shape::of(Pattern::Sustained(config), steps) }
}

/// Checks that the level at which the bad state ends is not worse than the one at which it begins.
fn check_clear((key, set): (Key, f64), clear: &Item<f64>, notes: &mut Notes<'_>) {
    let (is_good, side) = match key {
        keys::BELOW => (set <= clear.value, "more"),
        _ => (clear.value <= set, "less"),
    };
    if !is_good {
        let message =
            format!("'clear' is {}, on the bad side of {} = {set}", clear.value, key.name);
        let cure = format!("write clear = {set} or {side}");
        notes.error(clear.span.clone(), Fault::new("clear-on-bad-side", message, cure));
    }
}

fn read_change(table: &mut Table<'_, '_>, catalogue: &Catalogue, notes: &mut Notes<'_>) -> Shape {
    let steps = vec![step::read(table, catalogue, notes)];
    let value = read_value(table, &kinds(&steps, &[]), catalogue, notes);
    let way = table.choose_one(&[keys::RISE, keys::FALL, keys::CHANGE], notes);
    let direction = match way {
        Some(keys::RISE) => Direction::Rise,
        Some(keys::FALL) => Direction::Fall,
        Some(_) | None => Direction::Either,
    };
    let by = way.and_then(|key| Some((key, table.number(key, notes)?)));
    if let Some((key, by)) = &by
        && by.value <= 0.0
    {
        let message = format!("'{}' is {}, not more than 0", key.name, by.value);
        let cure = "write how much, without a sign; 'rise' and 'fall' say which way";
        notes.error(by.span.clone(), Fault::new("out-of-range", message, cure));
    }
    let measure = table.text(keys::MEASURE, notes);
    let measure = measure
        .and_then(|measure| choose(&measure, &["difference", "slope", "rate"], &[], notes))
        .and_then(|place| [Measure::Difference, Measure::Slope, Measure::Rate].get(place).copied());
    let within = read_required(table, keys::WITHIN, notes);
    let by = by.map(|(_, by)| by.value).unwrap_or_default();
    let measure = measure.unwrap_or(Measure::Difference);
    let config = change::Config { direction, measure, by, within };
    Shape { value, ..Shape::of(Pattern::Change(config), steps) }
}

/// Returns the number that the rule watches.
fn read_value(
    table: &mut Table<'_, '_>,
    kinds: &[&str],
    catalogue: &Catalogue,
    notes: &mut Notes<'_>,
) -> Option<Reading> {
    let text = table.required_text(keys::VALUE, notes)?;
    let (reading, remarks) = Reading::compile(text.value, catalogue, kinds);
    note_remarks(&text, remarks, notes);
    reading
}

/// Returns how often, and where the document says so.
fn read_times(
    table: &mut Table<'_, '_>,
    default: NonZeroUsize,
    notes: &mut Notes<'_>,
) -> (NonZeroUsize, Option<Item<usize>>) {
    let given = read_count(table, keys::TIMES, TIMES_MAX, notes);
    let times = given.as_ref().and_then(|given| NonZeroUsize::new(given.value));
    (times.unwrap_or(default), given)
}

fn read_within(table: &mut Table<'_, '_>, notes: &mut Notes<'_>) -> TimeDelta {
    read_duration(table, keys::WITHIN, notes).unwrap_or(WITHIN_DEFAULT)
}

/// Returns a stretch of time that must be there.
fn read_required(table: &mut Table<'_, '_>, key: Key, notes: &mut Notes<'_>) -> TimeDelta {
    table.require(key);
    read_duration(table, key, notes).unwrap_or(WITHIN_DEFAULT)
}

fn number_of(steps: &[Step]) -> NonZeroUsize {
    NonZeroUsize::new(steps.len()).unwrap_or(NonZeroUsize::MIN)
}
