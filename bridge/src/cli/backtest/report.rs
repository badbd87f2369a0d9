//! What a back-test prints: the tasks, what they add up to, how they differ from others.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write as _};

use chrono::{DateTime, SecondsFormat, Utc};
use chrono_tz::Tz;
use serde::Serialize;
use upturn_core::rule::Stage;
use upturn_core::task::{EpisodeState, Task};

use crate::cli::output;

/// A task, and whether late evidence contradicts it.
pub(super) type Listed<'t> = (&'t Task, bool);

/// All that is to be said.
#[derive(Debug)]
pub(super) struct Report<'t> {
    pub(super) tasks: Vec<Listed<'t>>,
    pub(super) compared: Option<Compared<'t>>,
    pub(super) events: u64,
    pub(super) faults: u64,
    /// Whose days are counted.
    pub(super) zone: Tz,
}

/// How tasks differ from those of other rules, by rule, scope and evidence.
#[derive(Debug)]
pub(super) struct Compared<'t> {
    /// For each of the tasks whether the others have it not.
    is_new: Vec<bool>,
    /// Tasks only the others have.
    gone: Vec<Listed<'t>>,
}

impl<'t> Compared<'t> {
    pub(super) fn of(tasks: &[Listed<'t>], others: &[Listed<'t>]) -> Self {
        let keys: BTreeSet<_> = tasks.iter().map(|(task, _)| key(task)).collect();
        let other_keys: BTreeSet<_> = others.iter().map(|(task, _)| key(task)).collect();
        let is_new = tasks.iter().map(|(task, _)| !other_keys.contains(&key(task))).collect();
        let gone = others.iter().filter(|(task, _)| !keys.contains(&key(task))).copied().collect();
        Self { is_new, gone }
    }

    fn counts(&self) -> Differences {
        let new = self.is_new.iter().filter(|is_new| **is_new).count();
        Differences { new, gone: self.gone.len(), same: self.is_new.len() - new }
    }
}

/// Rule, scope, event time, and the evidence with its times.
type Key<'t> = (&'t str, &'t str, DateTime<Utc>, Vec<(&'t str, DateTime<Utc>)>);

/// Returns what makes two tasks of different folds the same.
fn key(task: &Task) -> Key<'_> {
    let evidence = task.occasion.evidence.iter();
    let evidence = evidence.map(|each| (each.id.as_str(), each.occurred_at)).collect();
    (task.rule.as_str(), &task.scope, task.occasion.last_at, evidence)
}

/// One standing task, as `--json` prints it.
#[derive(Serialize)]
struct Row<'t> {
    rule: &'t str,
    scope: &'t str,
    device: &'t str,
    first_at: String,
    last_at: String,
    evidence: Vec<&'t str>,
    status: EpisodeState,
    version: &'t str,
    stage: Stage,
    joined: u64,
    account: Option<&'t str>,
    owner: &'t str,
    created_at: String,
    /// Late evidence took away what it stands on after a person had touched it.
    contradicted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    difference: Option<&'static str>,
}

impl<'t> Row<'t> {
    fn of((task, contradicted): Listed<'t>, difference: Option<&'static str>) -> Self {
        let text = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Millis, true);
        let occasion = &task.occasion;
        Self {
            rule: task.rule.as_str(),
            scope: &task.scope,
            device: task.device.as_str(),
            first_at: text(occasion.first_at),
            last_at: text(occasion.last_at),
            evidence: occasion.evidence.iter().map(|each| each.id.as_str()).collect(),
            status: occasion.episode,
            version: &task.version,
            stage: task.stage,
            joined: occasion.joined,
            account: task.account.as_deref(),
            owner: &task.owner,
            created_at: text(task.created_at),
            contradicted,
            difference,
        }
    }
}

/// What the tasks add up to.
#[derive(Serialize)]
struct Summary {
    events: u64,
    tasks: usize,
    /// How many of them late evidence contradicts.
    contradicted: usize,
    /// By the day they were made on, in the calendar's zone.
    days: BTreeMap<String, usize>,
    owners: BTreeMap<String, usize>,
    rules: BTreeMap<String, usize>,
    accounts: usize,
    /// How often a rule could not judge an event.
    faults: u64,
    cpu_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    against: Option<Differences>,
}

#[derive(Clone, Copy, Serialize)]
struct Differences {
    new: usize,
    gone: usize,
    same: usize,
}

impl Report<'_> {
    pub(super) fn print_lines(&self) -> io::Result<()> {
        let mut out = io::BufWriter::new(io::stdout().lock());
        for row in self.rows() {
            serde_json::to_writer(&mut out, &row)?;
            out.write_all(b"\n")?;
        }
        out.flush()
    }

    pub(super) fn print_table(&self) -> io::Result<()> {
        let headings =
            ["rule", "scope", "first", "last", "events", "joined", "owner", "state", "against"];
        let shown = if self.compared.is_some() { headings.len() } else { headings.len() - 1 };
        let cells = self.rows().map(|row| {
            let mut cells = vec![
                row.rule.to_owned(),
                row.scope.to_owned(),
                row.first_at,
                row.last_at,
                row.evidence.len().to_string(),
                row.joined.to_string(),
                row.owner.to_owned(),
                if row.contradicted { "contradicted" } else { "stands" }.to_owned(),
            ];
            cells.extend(row.difference.map(str::to_owned));
            cells
        });
        output::say(output::table(headings.get(..shown).unwrap_or(&headings), cells))
    }

    pub(super) fn print_summary(&self) -> io::Result<()> {
        let summary = self.summary();
        output::say(format_args!("tasks that would stand: {}", summary.tasks))?;
        if 0 < summary.contradicted {
            let contradicted = summary.contradicted;
            output::say(format_args!("of these contradicted:  {contradicted}"))?;
        }
        let list = |counts: &BTreeMap<String, usize>| {
            let each = counts.iter().map(|(name, count)| format!("{name} {count}"));
            each.collect::<Vec<_>>().join(", ")
        };
        if 0 < summary.tasks {
            output::say(format_args!("by day:                 {}", list(&summary.days)))?;
            output::say(format_args!("by owner:               {}", list(&summary.owners)))?;
            output::say(format_args!("by rule:                {}", list(&summary.rules)))?;
        }
        output::say(format_args!("accounts touched:       {}", summary.accounts))?;
        if let Some(Differences { new, gone, same }) = summary.against {
            output::say(format_args!(
                "against the others:     {new} new, {gone} gone, {same} same"
            ))?;
        }
        if 0 < summary.faults {
            let faults = summary.faults;
            output::say(format_args!("events a rule could not judge: {faults}"))?;
        }
        output::say(format_args!("events read:            {}", summary.events))?;
        output::say(format_args!("processor time:         {} ms", summary.cpu_ms))
    }

    pub(super) fn summary_json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(&self.summary())
    }

    fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        let compared = self.compared.as_ref();
        let of = move |at: usize| {
            let is_new = compared?.is_new.get(at)?;
            Some(if *is_new { "new" } else { "same" })
        };
        let own = self.tasks.iter().enumerate().map(move |(at, task)| Row::of(*task, of(at)));
        let gone = compared.into_iter().flat_map(|compared| &compared.gone);
        own.chain(gone.map(|task| Row::of(*task, Some("gone"))))
    }

    fn summary(&self) -> Summary {
        let count = |name: &dyn Fn(&Task) -> String| {
            let mut counts = BTreeMap::new();
            for (task, _) in &self.tasks {
                *counts.entry(name(task)).or_insert(0) += 1;
            }
            counts
        };
        let accounts: BTreeSet<_> =
            self.tasks.iter().filter_map(|(task, _)| task.account.as_deref()).collect();
        Summary {
            events: self.events,
            tasks: self.tasks.len(),
            contradicted: self.tasks.iter().filter(|(_, contradicted)| *contradicted).count(),
            days: count(&|task| task.created_at.with_timezone(&self.zone).date_naive().to_string()),
            owners: count(&|task| task.owner.to_string()),
            rules: count(&|task| task.rule.as_str().to_owned()),
            accounts: accounts.len(),
            faults: self.faults,
            cpu_ms: cpu_ms(),
            against: self.compared.as_ref().map(Compared::counts),
        }
    }
}

/// Returns how long the processor has worked for this process.
fn cpu_ms() -> u64 {
    let spent = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    let whole = u64::try_from(spent.tv_sec).unwrap_or_default() * 1_000;
    whole + u64::try_from(spent.tv_nsec).unwrap_or_default() / 1_000_000
}
