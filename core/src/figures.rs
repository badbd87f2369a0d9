//! Figures on how tasks were worked on, each with the number of cases behind it. Pure.
//!
//! A figure without its number is not told, and one of no cases is absent, not zero.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;

pub mod attribution;

/// A task, as figures see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worked {
    /// Of what it is one: a rule, a person, a team or a grade.
    pub group: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When the customer had to be contacted, if the rule says so.
    pub due_at: Option<DateTime<Utc>>,
    /// The first contact with the customer, if there was one.
    pub contacted_at: Option<DateTime<Utc>>,
    /// How much working time lies before that contact, in seconds, by the calendar of who has the task.
    pub worked_s: Option<u64>,
    /// Whether that contact was told later.
    pub is_late: bool,
    /// When it was closed.
    pub closed_at: Option<DateTime<Utc>>,
    /// How it ended: an outcome, or `dismissed`.
    pub outcome: Option<String>,
}

/// So many of so many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Share {
    /// How many.
    pub count: u64,
    /// Of how many.
    pub n: u64,
    /// The same in thousandths, rounded half up; absent where there are none.
    pub permille: Option<u64>,
}

/// How long something took, in whole seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Spread {
    /// Half of the cases took at most so long.
    pub median_s: Option<u64>,
    /// Nine of ten did.
    pub p90_s: Option<u64>,
    /// How many cases.
    pub n: u64,
}

/// The figures of some tasks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Figures {
    /// Tasks made in the period.
    pub tasks: u64,
    /// From the making of a task to its first contact; what was told later is left out.
    pub response: Spread,
    /// The same in working time, by the calendars of those who have the tasks.
    pub response_working: Spread,
    /// Tasks with a contact, told in time or later.
    pub followed_up: Share,
    /// Contacts by the due time, of the tasks whose clock has stopped or run out.
    pub on_time: Share,
    /// Of the same tasks those without any contact by the due time.
    pub wasted: Share,
    /// First contacts that were told later.
    pub told_later: u64,
    /// Tasks that are closed, by how they ended.
    pub outcomes: BTreeMap<String, u64>,
    /// Those that ended with an interested customer.
    pub converted: Share,
    /// Orders of the period that came of it, of all orders of the period.
    pub orders: Share,
}

/// The outcome of a task whose customer wants more.
const INTERESTED: &str = "interested";

impl Share {
    /// Returns `count` of `n`.
    pub fn of(count: u64, n: u64) -> Self {
        let permille =
            (count.saturating_mul(2_000).saturating_add(n)).checked_div(n.saturating_mul(2));
        Self { count, n, permille }
    }
}

impl Spread {
    /// Returns the median and the ninth decile of `seconds`, by the nearest rank: a time that was
    /// measured, never one in between.
    pub fn of(mut seconds: Vec<u64>) -> Self {
        seconds.sort_unstable();
        let rank = |tenths: usize| {
            let place = (seconds.len() * tenths).div_ceil(10);
            seconds.get(place.checked_sub(1)?).copied()
        };
        let n = u64::try_from(seconds.len()).unwrap_or(u64::MAX);
        Self { median_s: rank(5), p90_s: rank(9), n }
    }
}

/// Returns the figures of `tasks` as they stand at `now`. Of all `orders` of the period `attributed` came
/// of them.
pub fn count<'w>(
    tasks: impl IntoIterator<Item = &'w Worked>,
    now: DateTime<Utc>,
    (attributed, orders): (u64, u64),
) -> Figures {
    let mut figures = Figures { orders: Share::of(attributed, orders), ..Figures::default() };
    let (mut responses, mut working) = (Vec::new(), Vec::new());
    let (mut followed, mut on_time, mut wasted, mut clocks, mut closed) = (0, 0, 0, 0, 0);
    for task in tasks {
        figures.tasks += 1;
        followed += u64::from(task.contacted_at.is_some());
        figures.told_later += u64::from(task.contacted_at.is_some() && task.is_late);
        if let Some(at) = task.contacted_at.filter(|_| !task.is_late) {
            let seconds = (at - task.created_at).num_seconds();
            responses.push(u64::try_from(seconds).unwrap_or_default());
            working.extend(task.worked_s);
        }
        match task.clock(now) {
            Clock::None => {}
            Clock::Stopped => {
                clocks += 1;
                on_time += 1;
            }
            Clock::ToldLater => clocks += 1,
            Clock::RunOut => {
                clocks += 1;
                wasted += 1;
            }
        }
        if let Some(outcome) = &task.outcome {
            closed += 1;
            *figures.outcomes.entry(outcome.clone()).or_default() += 1;
        }
    }
    let converted = figures.outcomes.get(INTERESTED).copied().unwrap_or_default();
    figures.response = Spread::of(responses);
    figures.response_working = Spread::of(working);
    figures.followed_up = Share::of(followed, figures.tasks);
    figures.on_time = Share::of(on_time, clocks);
    figures.wasted = Share::of(wasted, clocks);
    figures.converted = Share::of(converted, closed);
    figures
}

/// What became of the clock of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Clock {
    /// There is none, it runs, or the task was closed before its time without a contact.
    None,
    /// A contact stopped it in time.
    Stopped,
    /// A contact was in time, but was told later: neither on time nor wasted.
    ToldLater,
    /// Its time is over, and nobody had spoken with the customer.
    RunOut,
}

impl Worked {
    fn clock(&self, now: DateTime<Utc>) -> Clock {
        let Some(due_at) = self.due_at else { return Clock::None };
        if self.contacted_at.is_some_and(|at| at <= due_at) {
            return if self.is_late { Clock::ToldLater } else { Clock::Stopped };
        }
        // Without a contact in time: over where time ran out before anybody closed it.
        let ended_at = self.closed_at.unwrap_or(now);
        if due_at < ended_at { Clock::RunOut } else { Clock::None }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes)
    }

    /// A task made at 0 and due at 60.
    fn task(contact: Option<i64>, closed: Option<(i64, &str)>) -> Worked {
        Worked {
            group: String::new(),
            created_at: at(0),
            due_at: Some(at(60)),
            contacted_at: contact.map(at),
            worked_s: contact.map(|_| 120),
            is_late: false,
            closed_at: closed.map(|(minutes, _)| at(minutes)),
            outcome: closed.map(|(_, outcome)| outcome.to_owned()),
        }
    }

    #[test]
    fn each_clock_is_counted_once() {
        let late = |task: Worked| Worked { is_late: true, ..task };
        let free = Worked { due_at: None, ..task(None, None) };
        let cases = [
            ("contacted in time", task(Some(60), None), Clock::Stopped),
            ("contacted too late", task(Some(61), None), Clock::RunOut),
            ("told later", late(task(Some(5), None)), Clock::ToldLater),
            ("told later, too late", late(task(Some(61), None)), Clock::RunOut),
            ("never", task(None, None), Clock::RunOut),
            ("closed before", task(None, Some((59, "dismissed"))), Clock::None),
            ("closed after", task(None, Some((61, "dismissed"))), Clock::RunOut),
            ("without a due time", free, Clock::None),
        ];
        for (case, task, expected) in &cases {
            assert_eq!(task.clock(at(100)), *expected, "case: {case}");
        }
        assert_eq!(task(None, None).clock(at(60)), Clock::None, "it runs");
        let figures = count(cases.iter().map(|(_, task, _)| task), at(100), (1, 3));
        assert_eq!((figures.tasks, figures.told_later), (8, 2));
        assert_eq!(figures.followed_up, Share { count: 4, n: 8, permille: Some(500) });
        assert_eq!(figures.on_time, Share { count: 1, n: 6, permille: Some(167) });
        assert_eq!(figures.wasted, Share { count: 4, n: 6, permille: Some(667) });
        assert_eq!(figures.orders, Share { count: 1, n: 3, permille: Some(333) });
        let expected = Spread { median_s: Some(3_600), p90_s: Some(3_660), n: 2 };
        assert_eq!(figures.response, expected);
        let expected = Spread { median_s: Some(120), p90_s: Some(120), n: 2 };
        assert_eq!(figures.response_working, expected, "what was told later is left out");
        assert_eq!(figures.converted, Share { count: 0, n: 2, permille: Some(0) });
    }

    #[test]
    fn a_figure_of_nothing_is_absent() {
        let figures = count([], at(0), (0, 0));
        assert_eq!(figures, Figures::default());
        assert_eq!(figures.converted.permille, None);
    }

    #[test]
    fn a_spread_is_of_times_that_were_measured() {
        let cases = [
            (vec![], None, None),
            (vec![7], Some(7), Some(7)),
            (vec![4, 1], Some(1), Some(4)),
            (vec![3, 1, 2], Some(2), Some(3)),
            ((1..=10).collect(), Some(5), Some(9)),
            ((1..=11).collect(), Some(6), Some(10)),
        ];
        for (seconds, median_s, p90_s) in cases {
            let n = u64::try_from(seconds.len()).unwrap();
            assert_eq!(Spread::of(seconds), Spread { median_s, p90_s, n });
        }
    }
}
