//! Rules that fail at run time: a dead letter now and then, with a count, instead of one for each
//! event.

use std::collections::BTreeMap;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde_json::json;
use upturn_core::effect::Fault;

use crate::store::dead_letter::NewDeadLetter;

/// The code of the dead letters of rules that failed.
pub(crate) const CODE: &str = "rule-failed";
/// Log time within which a version of a rule writes one letter.
const EVERY_MS: i64 = 60_000;
/// Versions that are remembered. Beyond that the oldest may write a letter early.
const VERSIONS_MAX: usize = 1_024;

/// What rules failed at since each last wrote a letter.
#[derive(Debug, Default)]
pub(crate) struct Failures {
    told: BTreeMap<(String, String), Told>,
}

#[derive(Clone, Copy, Debug)]
struct Told {
    /// The minute of log time in which the last letter was written.
    minute: i64,
    /// Failures that no letter has counted yet.
    untold: u64,
}

impl Failures {
    /// Takes the failures of one commit; returns the letters that are to be kept of them.
    pub(crate) fn take(&mut self, at: DateTime<Utc>, faults: &[Fault]) -> Vec<NewDeadLetter> {
        let minute = at.timestamp_millis().div_euclid(EVERY_MS);
        let mut grouped: BTreeMap<(String, String), (&Fault, u64)> = BTreeMap::new();
        for fault in faults {
            let key = (fault.rule.as_str().to_owned(), fault.version.to_string());
            grouped.entry(key).or_insert((fault, 0)).1 += 1;
        }
        let mut letters = Vec::new();
        for (key, (fault, count)) in grouped {
            let before = self.told.get_mut(&key);
            if let Some(told) = before
                && told.minute == minute
            {
                told.untold += count;
                continue;
            }
            let untold = self.told.get(&key).map_or(0, |told| told.untold);
            letters.push(letter(at, fault, untold + count));
            self.told.insert(key, Told { minute, untold: 0 });
        }
        while VERSIONS_MAX < self.told.len() {
            let oldest = self.told.iter().min_by_key(|(_, told)| told.minute);
            let Some(oldest) = oldest.map(|(key, _)| key.clone()) else { break };
            self.told.remove(&oldest);
        }
        letters
    }
}

fn letter(at: DateTime<Utc>, fault: &Fault, count: u64) -> NewDeadLetter {
    let Fault { rule, version, device, event } = fault;
    let payload =
        json!({ "event": event, "device": device, "version": version, "failures": count });
    let further = match count - 1 {
        0 => String::new(),
        more => format!(" and {more} more since the last letter"),
    };
    NewDeadLetter {
        received_at: at,
        topic: rule.as_str().to_owned(),
        payload: Bytes::from(payload.to_string()),
        source: None,
        code: CODE,
        reason: format!(
            "rule '{rule}' in version '{version}' could not judge event '{event}' of device \
             '{device}'{further}; the event counts for the other rules; correct the condition"
        ),
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use upturn_core::id::{DeviceId, EventId, RuleId};

    use super::*;

    fn fault(rule: &str, event: &str) -> Fault {
        Fault {
            rule: RuleId::new(rule).unwrap(),
            version: "v1".into(),
            device: DeviceId::new("d1").unwrap(),
            event: EventId::new(event).unwrap(),
        }
    }

    #[test]
    fn a_version_writes_one_letter_a_minute_with_a_count() {
        let (mut failures, noon) = (Failures::default(), DateTime::UNIX_EPOCH);
        let two = [fault("a", "1"), fault("a", "2"), fault("b", "1")];
        let first = failures.take(noon, &two);
        assert_eq!(first.iter().map(|l| &*l.topic).collect::<Vec<_>>(), ["a", "b"]);
        let said: serde_json::Value = serde_json::from_slice(&first[0].payload).unwrap();
        let expected = json!({"event": "1", "device": "d1", "version": "v1", "failures": 2});
        assert_eq!(said, expected);

        let later = |seconds| noon + TimeDelta::seconds(seconds);
        assert!(failures.take(later(59), &[fault("a", "3")]).is_empty());
        let next = failures.take(later(60), &[fault("a", "4")]);
        assert_eq!(
            next[0].reason,
            "rule 'a' in version 'v1' could not judge event '4' of device 'd1' and 1 more since \
             the last letter; the event counts for the other rules; correct the condition"
        );
        assert!(failures.take(later(61), &[]).is_empty());
    }
}
