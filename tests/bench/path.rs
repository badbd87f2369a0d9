//! The whole path: devices, a door, the program, a database, and the acknowledgement.

use std::time::Duration;

use upturn_tests::broker::Mosquitto;
use upturn_tests::fleet;
use upturn_tests::http;
use upturn_tests::site::{Database, Plan, Site};

use super::figures::{Failure, Meter, Rate, peak, say};
use super::job::Job;
use super::postgres::{self, Server};
use super::slow_disk::SlowDisk;

/// Which way messages go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Path<'s> {
    /// Whether they come by Mosquitto, and not by the embedded broker.
    pub(super) is_external: bool,
    /// The server that keeps them; a SQLite file, where absent.
    pub(super) database: Option<&'s Server>,
    /// How long a commit takes at least.
    pub(super) disk: Option<Duration>,
}

impl Path<'_> {
    /// Returns what the way is called.
    pub(super) fn name(&self) -> String {
        let door = if self.is_external { "Mosquitto" } else { "the embedded broker" };
        let database = if self.database.is_some() { "PostgreSQL" } else { "SQLite" };
        let disk = self.disk.map(|commit| format!(", commits of {} ms", commit.as_millis()));
        format!("{door} to {database}{}", disk.unwrap_or_default())
    }
}

/// Publishes everything and waits until the last message is committed; `None` where something is
/// not installed.
pub(super) fn run(job: &Job, path: &Path<'_>) -> Result<Option<Rate>, Failure> {
    let broker = if path.is_external { Mosquitto::start() } else { None };
    if path.is_external && broker.is_none() {
        return Ok(None);
    }
    let database = path.database.map(|server| Database::on(server.url.clone()));
    let mut slow = None;
    match (path.disk, &database) {
        (Some(commit), Some(database)) => postgres::slow_down(database, commit),
        (Some(_), None) => slow = Some(SlowDisk::build()?),
        (None, _) => {}
    }
    let environment = slow.as_ref().zip(path.disk).map(|(slow, commit)| slow.environment(commit));
    let site = Site::start(&Plan {
        broker: broker.as_ref().map(|broker| broker.port),
        database: database.as_ref().map(|database| database.url.clone()),
        rules: vec![job.rule.clone()],
        accept_past: Some("36500d".to_owned()),
        environment: environment.unwrap_or_default(),
        ..Plan::default()
    });
    let Some(pid) = site.process.as_ref().map(|process| process.0.id()) else { return Ok(None) };
    let meter = Meter::of(pid)?;
    fleet::publish(site.mqtt, &job.messages, 4_000, |_| {});
    while committed(site.web) < job.distinct {
        std::thread::sleep(Duration::from_millis(5));
    }
    let memory = peak(pid)?;
    let rate = meter.report(&path.name(), job.messages.len(), "")?;
    say(&format!("  {} tasks, peak memory {memory}", site.tasks().len()));
    Ok(Some(rate))
}

/// Returns how many events the program at `web` has committed.
pub(super) fn committed(web: u16) -> u64 {
    let text = http::get(web, "/metrics").map(|(_, text)| text).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("upturn_events_total "));
    line.and_then(|count| count.parse().ok()).unwrap_or_default()
}
