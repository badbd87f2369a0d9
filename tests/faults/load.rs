//! What devices publish while something goes wrong, and what must be there afterwards.

use std::collections::BTreeSet;

use upturn_tests::binary::wait_for;
use upturn_tests::fleet::Message;
use upturn_tests::site::{Plan, Site, THREE_FAILURES};

/// How many devices publish.
pub(crate) const DEVICES: usize = 50;

/// What became of a load.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    /// Messages that are not in the log.
    pub(crate) lost: usize,
    /// Messages that are there more than once.
    pub(crate) twice: usize,
    /// Tasks.
    pub(crate) tasks: usize,
}

impl Kept {
    /// What becomes of a load that every device took part in with three failures at least: each has
    /// one task, since the next would come a week later.
    pub(crate) const ALL: Self = Self { lost: 0, twice: 0, tasks: DEVICES };
}

/// Returns `count` messages. Every tenth is a failure, so that rules have work as well; the devices
/// take turns with them.
pub(crate) fn messages(count: usize) -> Vec<Message> {
    let message = |number: usize| {
        let kind = if number.is_multiple_of(10) { "charge_failed" } else { "heartbeat" };
        let at = 1_767_600_000_000_u64 + 1_000 * number as u64;
        let payload = format!(r#"{{"id":"m{number}","ts":{at},"kind":"{kind}"}}"#);
        let device = (number / 10 + number) % DEVICES;
        Message::new(format!("devices/cp-{device}/events"), payload)
    };
    (0..count).map(message).collect()
}

/// Returns an installation for such messages. They are of a fixed day, which grows old.
pub(crate) fn plan() -> Plan {
    Plan {
        rules: vec![THREE_FAILURES.to_owned()],
        accept_past: Some("36500d".to_owned()),
        ..Plan::default()
    }
}

/// Returns what `site`, which runs, has kept of `count` messages.
pub(crate) fn kept(site: &Site, count: usize) -> Kept {
    let ids = site.events();
    let distinct: BTreeSet<&String> = ids.iter().collect();
    Kept {
        lost: count - distinct.len(),
        twice: ids.len() - distinct.len(),
        tasks: site.tasks().len(),
    }
}

/// Waits until `site` has kept `count` messages: where a broker stands between, they may be on
/// their way when they are acknowledged.
pub(crate) fn until_kept(site: &Site, count: usize) -> Kept {
    wait_for("all messages", || (count <= site.events().len()).then_some(()));
    kept(site, count)
}
