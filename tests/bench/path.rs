//! The whole path: devices, a door, the program, a database, and the acknowledgement.

use std::collections::BTreeSet;
use std::fmt::Write as _;
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
    /// Whether tasks are leads: scored, graded and routed by accounts of a registry.
    pub(super) are_leads: bool,
}

/// So many devices are of one account.
const DEVICES_OF_ACCOUNT: usize = 20;

impl Path<'_> {
    /// Returns what the way is called.
    pub(super) fn name(&self) -> String {
        let door = if self.is_external { "Mosquitto" } else { "the embedded broker" };
        let database = if self.database.is_some() { "PostgreSQL" } else { "SQLite" };
        let disk = self.disk.map(|commit| format!(", commits of {} ms", commit.as_millis()));
        let leads = if self.are_leads { ", with leads" } else { "" };
        format!("{door} to {database}{}{leads}", disk.unwrap_or_default())
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
    let mut site = Site::install(&Plan {
        broker: broker.as_ref().map(|broker| broker.port),
        database: database.as_ref().map(|database| database.url.clone()),
        rules: vec![job.rule.clone()],
        accept_past: Some("36500d".to_owned()),
        environment: environment.unwrap_or_default(),
        ..Plan::default()
    });
    if path.are_leads {
        register(job, site.folder.path())?;
    }
    site.start_again();
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

/// Writes the documents of leads, and a registry in which each device is of an account, into `folder`.
fn register(job: &Job, folder: &std::path::Path) -> Result<(), Failure> {
    let leads = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/rules/leads");
    for name in ["service-lead.toml", "abc.toml", "by-grade.toml", "service.toml"] {
        std::fs::copy(leads.join(name), folder.join("rules").join(name))?;
    }
    let topics = job.messages.iter().filter_map(|message| message.topic.split('/').nth(1));
    let devices: BTreeSet<&str> = topics.collect();
    let mut accounts = "id,name,owner,consent\n".to_owned();
    let mut fleet = "id,model,account\n".to_owned();
    for (place, device) in devices.into_iter().enumerate() {
        let account = place / DEVICES_OF_ACCOUNT;
        if place % DEVICES_OF_ACCOUNT == 0 {
            let owner = if account.is_multiple_of(2) { "advisor-east" } else { "advisor-eu" };
            writeln!(accounts, "acc-{account},Account {account},{owner},yes")?;
        }
        writeln!(fleet, "{device},X7,acc-{account}")?;
    }
    let people =
        "id,name,manager,team\nadvisor-east,East,boss,ev\nadvisor-eu,EU,boss,ev\nboss,B,,\n";
    let registry = folder.join("registry");
    std::fs::create_dir_all(&registry)?;
    for (name, text) in
        [("people.csv", people), ("accounts.csv", &accounts), ("devices.csv", &fleet)]
    {
        std::fs::write(registry.join(name), text)?;
    }
    let settings = folder.join("upturn.toml");
    let text = std::fs::read_to_string(&settings)?;
    std::fs::write(&settings, format!("{text}[registry]\ndir = \"{}\"\n", registry.display()))?;
    Ok(())
}

/// Returns how many events the program at `web` has committed.
pub(super) fn committed(web: u16) -> u64 {
    let text = http::get(web, "/metrics").map(|(_, text)| text).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("upturn_events_total "));
    line.and_then(|count| count.parse().ok()).unwrap_or_default()
}
