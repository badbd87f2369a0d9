//! More than can be taken: senders wait, memory stays bounded, nothing is lost.

use upturn_tests::binary::scale;
use upturn_tests::fleet::{self, Message};
use upturn_tests::http;
use upturn_tests::site::Site;

use crate::load;

/// How much a flood may add to what the program uses anyway.
const GROWTH_MAX: u64 = 256 * 1024 * 1024;
const SENDERS: usize = 8;

#[test]
fn a_flood_is_taken_in_whole_and_memory_stays_bounded() {
    let mut site = Site::start(&load::plan());
    let before = site.running().memory();
    let each = scale(2_000, 40_000);
    let padding = "x".repeat(2_000);
    let messages = |sender: usize| -> Vec<Message> {
        let beat = |number: usize| {
            let payload = format!(r#"{{"id":"{number}","kind":"heartbeat","note":"{padding}"}}"#);
            Message::new(format!("devices/flood-{sender}/events"), payload)
        };
        (0..each).map(beat).collect()
    };
    let (port, mut most) = (site.mqtt, before);
    std::thread::scope(|scope| {
        let send = |sender| {
            let messages = messages(sender);
            move || fleet::publish(port, &messages, 2_000, |_| {})
        };
        let flood: Vec<_> = (0..SENDERS).map(|sender| scope.spawn(send(sender))).collect();
        while !flood.iter().all(std::thread::ScopedJoinHandle::is_finished) {
            most = most.max(site.running().memory());
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    });
    assert_eq!(site.events().len(), SENDERS * each);
    let (_, metrics) = http::get(site.web, "/metrics").unwrap();
    let commits = metrics.lines().find_map(|line| line.strip_prefix("upturn_commits_total "));
    let commits: usize = commits.unwrap().parse().unwrap();
    assert!(commits < SENDERS * each / 4, "all connections share {commits} commits");
    let growth = most - before;
    assert!(growth < GROWTH_MAX, "a flood takes {growth} bytes");
}
