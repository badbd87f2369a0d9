//! Promises of delivery: a work order in time, and the promise kept; each has a light.

use chrono::{DateTime, TimeDelta, Utc};

/// What was promised when a contract was signed, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promise {
    /// When it was signed.
    pub signed_at: DateTime<Utc>,
    /// By when it is to be delivered.
    pub due_at: DateTime<Utc>,
    /// When the work order was made.
    pub ordered_at: Option<DateTime<Utc>>,
    /// When it was delivered.
    pub delivered_at: Option<DateTime<Utc>>,
}

/// How something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Light {
    /// There is time.
    Waiting,
    /// It was done in time.
    Green,
    /// It was not, or is late.
    Red,
}

impl Promise {
    /// Returns by when there must be a work order: hours that pass, whatever the calendar.
    pub fn order_due_at(&self, within_hours: u32) -> Option<DateTime<Utc>> {
        self.signed_at.checked_add_signed(TimeDelta::hours(within_hours.into()))
    }

    /// Returns at `now` whether there is a work order in time, and whether the promise is kept. The last
    /// instant counts as in time.
    pub fn lights(&self, within_hours: u32, now: DateTime<Utc>) -> [Light; 2] {
        let order_due = self.order_due_at(within_hours).unwrap_or(self.signed_at);
        [light(self.ordered_at, order_due, now), light(self.delivered_at, self.due_at, now)]
    }
}

fn light(done_at: Option<DateTime<Utc>>, due_at: DateTime<Utc>, now: DateTime<Utc>) -> Light {
    match done_at.filter(|at| *at <= now) {
        Some(at) if at <= due_at => Light::Green,
        Some(_) => Light::Red,
        None if due_at < now => Light::Red,
        None => Light::Waiting,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        format!("{text}:00Z").parse().unwrap()
    }

    #[test]
    fn a_work_order_has_72_hours_that_pass_and_the_promise_its_day() {
        use Light::{Green, Red, Waiting};
        // Signed on a Friday: the weekend counts.
        let cases = [
            ("nothing yet", None, None, "2025-01-26T09:00", [Waiting, Waiting]),
            ("the last minute", None, None, "2025-01-27T09:00", [Waiting, Waiting]),
            ("a minute late", None, None, "2025-01-27T09:01", [Red, Waiting]),
            ("in time", Some("2025-01-27T09:00"), None, "2025-01-28T00:00", [Green, Waiting]),
            ("not yet", Some("2025-01-27T09:00"), None, "2025-01-26T00:00", [Waiting, Waiting]),
            ("too late", Some("2025-01-27T09:01"), None, "2025-01-28T00:00", [Red, Waiting]),
            ("overdue", Some("2025-01-25T09:00"), None, "2025-02-11T00:00", [Green, Red]),
            (
                "kept",
                Some("2025-01-25T09:00"),
                Some("2025-02-10T00:00"),
                "2025-02-11T00:00",
                [Green, Green],
            ),
            (
                "broken",
                Some("2025-01-25T09:00"),
                Some("2025-02-10T00:01"),
                "2025-02-11T00:00",
                [Green, Red],
            ),
        ];
        for (name, ordered, delivered, now, expected) in cases {
            let promise = Promise {
                signed_at: at("2025-01-24T09:00"),
                due_at: at("2025-02-10T00:00"),
                ordered_at: ordered.map(at),
                delivered_at: delivered.map(at),
            };
            assert_eq!(promise.lights(72, at(now)), expected, "case: {name}");
        }
    }
}
