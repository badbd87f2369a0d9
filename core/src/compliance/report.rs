//! How processes are kept: what deals' ways and approvals' times show, for a month and over all.
//!
//! Each way is folded with its process as it stands; what the fold refuses is a breach. Of a running house
//! there are none, since nothing is stored that was refused; of histories from other systems there may be.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::process::Process;
use super::process::deal::{Action, Deal, Refusal};

/// How long an approver may take, in hours, before the hint to delegate.
const SLOW_HOURS: i64 = 24;
/// Approvals from which on an approver is judged.
const SLOW_CASES: usize = 3;

/// A deal's way.
#[derive(Clone, Debug)]
pub struct Way<'p> {
    /// The deal.
    pub deal: String,
    /// Who leads it.
    pub seller: String,
    /// What was done, in order; the first begins it.
    pub entries: Vec<Entry<'p>>,
}

/// Something that was done.
#[derive(Clone, Debug)]
pub struct Entry<'p> {
    /// The process as it was in force.
    pub process: &'p Process,
    /// When.
    pub at: DateTime<Utc>,
    /// By whom.
    pub actor: String,
    /// What.
    pub action: Action,
}

/// Something that was asked to be allowed.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Who decided; none while it waits.
    pub by: Option<String>,
    /// When it was asked for.
    pub asked_at: DateTime<Utc>,
    /// When it was decided.
    pub decided_at: Option<DateTime<Utc>>,
}

/// What a way shows.
#[derive(Clone, Debug)]
struct Folded {
    deal: String,
    seller: String,
    /// What is against the process: the stage, and the stable word.
    breaches: Vec<(String, &'static str)>,
    gates: Vec<Gate>,
    /// Stages that were left, and how long they took.
    dwells: Vec<(String, TimeDelta)>,
}

/// A stage that was entered.
#[derive(Clone, Debug)]
struct Gate {
    stage: String,
    at: DateTime<Utc>,
    actor: String,
    wanted: usize,
    missing: Vec<String>,
}

/// How processes are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The month, as `2025-03`; none where it is all time.
    pub month: Option<String>,
    /// Deals that something was done with.
    pub deals: usize,
    /// Deals without a breach, in hundredths of a percent of all; none without deals.
    pub compliance_bp: Option<u64>,
    /// Requirements that were done when their stage was entered, in hundredths of a percent; none without.
    pub completeness_bp: Option<u64>,
    /// How often a stage was skipped.
    pub jumps: usize,
    /// Breaches by their words.
    pub breaches: BTreeMap<String, usize>,
    /// How long stages take.
    pub dwell: Vec<Dwell>,
    /// How long approvals take, the slowest approver first.
    pub approvers: Vec<Approver>,
}

/// How long a stage takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Dwell {
    /// The stage.
    pub stage: String,
    /// How many deals have left it.
    pub deals: usize,
    /// The median, in hours.
    pub median_hours: i64,
    /// The median of how far deals are from that, in hours.
    pub deviation_hours: i64,
    /// The one that took longest, and how many hours that was.
    pub longest: (String, i64),
}

/// How long an approver takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Approver {
    /// Who.
    pub person: String,
    /// How many cases they decided.
    pub cases: usize,
    /// The median time from asking to deciding, in hours.
    pub median_hours: i64,
    /// Whether to name somebody who stands in.
    pub should_delegate: bool,
}

/// A weak point.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Weakness {
    /// What: `requirement-missing`, `stage-skipped`, `dwell`, `approval`, `seller`.
    pub kind: &'static str,
    /// Where: a requirement, a stage, a person.
    pub at: String,
    /// How bad, in hundredths of a percent of what could be.
    pub share_bp: u64,
    /// Deals that show it, the first ten, or what else does.
    pub evidence: Vec<String>,
}

/// A deal of a scan: each hand-over's trail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Trail {
    /// The deal.
    pub deal: String,
    /// Who leads it.
    pub seller: String,
    /// The stages it entered.
    pub steps: Vec<Step>,
}

/// A hand-over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Into which stage.
    pub stage: String,
    /// When.
    pub at: DateTime<Utc>,
    /// By whom.
    pub actor: String,
    /// What was missing.
    pub missing: Vec<String>,
    /// Whether the trail is broken here: a stage was skipped, or something was missing.
    pub is_broken: bool,
}

/// Returns how `ways` and `asked` keep to the processes, of a month (`2025-03`) or of all time.
pub fn report(ways: &[Way<'_>], asked: &[Asked], month: Option<&str>) -> Report {
    let is_in =
        |at: DateTime<Utc>| month.is_none_or(|month| at.format("%Y-%m").to_string() == month);
    let touched = ways.iter().filter(|way| way.entries.iter().any(|entry| is_in(entry.at)));
    let folded: Vec<Folded> = touched.map(|way| fold(way, is_in)).collect();
    let clean = folded.iter().filter(|one| one.breaches.is_empty()).count();
    let gates = || folded.iter().flat_map(|one| &one.gates);
    let wanted: usize = gates().map(|gate| gate.wanted).sum();
    let missing: usize = gates().map(|gate| gate.missing.len()).sum();
    let mut breaches = BTreeMap::new();
    for (_, code) in folded.iter().flat_map(|one| &one.breaches) {
        *breaches.entry((*code).to_owned()).or_default() += 1;
    }
    Report {
        month: month.map(str::to_owned),
        deals: folded.len(),
        compliance_bp: share(clean, folded.len()),
        completeness_bp: share(wanted - missing.min(wanted), wanted),
        jumps: breaches.get("stage-skipped").copied().unwrap_or_default(),
        breaches,
        dwell: dwell(&folded),
        approvers: approvers(asked, is_in),
    }
}

/// Returns the months in which something was done, in order.
pub fn months(ways: &[Way<'_>]) -> Vec<String> {
    let all = ways.iter().flat_map(|way| &way.entries);
    let months: BTreeSet<String> = all.map(|entry| entry.at.format("%Y-%m").to_string()).collect();
    months.into_iter().collect()
}

/// Returns the three weakest points, the worst first, each with what shows it.
pub fn check_up(ways: &[Way<'_>], asked: &[Asked]) -> Vec<Weakness> {
    let folded: Vec<Folded> = ways.iter().map(|way| fold(way, |_| true)).collect();
    let mut found = Vec::new();
    found.extend(weak_requirements(&folded));
    found.extend(weak_sellers(&folded));
    for one in dwell(&folded) {
        // How far deals are from the median, as a part of it; more than all of it is all.
        let part = u64::try_from(one.deviation_hours).unwrap_or_default() * 10_000;
        let whole = u64::try_from(one.median_hours.max(1)).unwrap_or(1);
        found.push(Weakness {
            kind: "dwell",
            at: one.stage,
            share_bp: (part / whole).min(10_000),
            evidence: vec![format!("{} ({} h)", one.longest.0, one.longest.1)],
        });
    }
    for one in approvers(asked, |_| true) {
        let late = asked.iter().filter(|case| case.by.as_deref() == Some(&*one.person));
        let late = late.filter(|case| SLOW_HOURS < hours(case).unwrap_or_default()).count();
        let share_bp = share(late, one.cases).unwrap_or_default();
        let evidence = vec![format!("{late} of {} after {SLOW_HOURS} h", one.cases)];
        found.push(Weakness { kind: "approval", at: one.person, share_bp, evidence });
    }
    found.retain(|one| 0 < one.share_bp);
    found.sort_by(|one, other| {
        other
            .share_bp
            .cmp(&one.share_bp)
            .then_with(|| (one.kind, &one.at).cmp(&(other.kind, &other.at)))
    });
    found.truncate(3);
    found
}

/// Returns at most `count` deals, drawn by `seed`, each with the trail of its hand-overs. The same seed
/// draws the same deals of the same ways.
pub fn scan(ways: &[Way<'_>], seed: u64, count: usize) -> Vec<Trail> {
    let mut places: Vec<usize> = (0..ways.len()).collect();
    let mut state = seed;
    let mut drawn = Vec::new();
    while drawn.len() < count && !places.is_empty() {
        let length = u64::try_from(places.len()).unwrap_or(u64::MAX);
        let place = usize::try_from(next(&mut state) % length).unwrap_or_default();
        drawn.push(places.swap_remove(place));
    }
    drawn.sort_unstable();
    let ways = drawn.into_iter().filter_map(|place| ways.get(place));
    ways.map(|way| {
        let folded = fold(way, |_| true);
        let skipped: BTreeSet<&String> = folded.breaches.iter().map(|(stage, _)| stage).collect();
        let steps = folded.gates.iter().map(|gate| Step {
            stage: gate.stage.clone(),
            at: gate.at,
            actor: gate.actor.clone(),
            missing: gate.missing.clone(),
            is_broken: !gate.missing.is_empty() || skipped.contains(&gate.stage),
        });
        let steps = steps.collect();
        Trail { deal: folded.deal, seller: folded.seller, steps }
    })
    .collect()
}

/// Takes a step of a generator in which every state leads to another, and returns its number.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Folds a way. A stage that was entered against the process is entered all the same, as it was in truth,
/// so that one breach is not told again with each act after it.
fn fold(way: &Way<'_>, is_in: impl Fn(DateTime<Utc>) -> bool) -> Folded {
    let mut folded = Folded {
        deal: way.deal.clone(),
        seller: way.seller.clone(),
        breaches: Vec::new(),
        gates: Vec::new(),
        dwells: Vec::new(),
    };
    let mut entries = way.entries.iter();
    let Some(first) = entries.next() else { return folded };
    let (mut deal, mut since) = (Deal::begin(first.at), first.at);
    for entry in entries {
        let process = entry.process;
        let left = deal.stage(process).map(|stage| stage.id.clone());
        if let Action::Enter { stage } = &entry.action
            && let Some(place) = process.place(stage)
            && deal.place < place
        {
            let require = process.stage.get(place).map(|stage| stage.require.len());
            let missing = deal.missing(process, place);
            if is_in(entry.at) {
                folded.gates.push(Gate {
                    stage: stage.clone(),
                    at: entry.at,
                    actor: entry.actor.clone(),
                    wanted: require.unwrap_or_default(),
                    missing,
                });
                folded.dwells.extend(left.map(|left| (left, entry.at - since)));
            }
            since = entry.at;
        }
        if let Err(refusal) = deal.act(process, entry.at, &entry.action) {
            let told = match &entry.action {
                Action::Enter { stage } => stage.clone(),
                Action::Begin
                | Action::Complete { .. }
                | Action::Set { .. }
                | Action::Sign { .. }
                | Action::OrderWork
                | Action::Deliver => deal.stage(process).map(|s| s.id.clone()).unwrap_or_default(),
            };
            if is_in(entry.at) {
                folded.breaches.push((told, refusal.code()));
            }
            force(&mut deal, entry, &refusal);
        }
    }
    folded
}

/// Moves a deal where it was moved against the process.
fn force(deal: &mut Deal, entry: &Entry<'_>, refusal: &Refusal) {
    let Action::Enter { stage } = &entry.action else { return };
    let is_move = matches!(refusal, Refusal::Skipped { .. } | Refusal::Missing { .. });
    if let Some(place) = entry.process.place(stage).filter(|_| is_move) {
        deal.place = place;
        deal.entered_at.push(entry.at);
    }
}

fn dwell(folded: &[Folded]) -> Vec<Dwell> {
    let mut by_stage: BTreeMap<&str, Vec<(i64, &str)>> = BTreeMap::new();
    for one in folded {
        for (stage, time) in &one.dwells {
            by_stage.entry(stage).or_default().push((time.num_hours(), &one.deal));
        }
    }
    let each = by_stage.into_iter().filter_map(|(stage, mut all)| {
        all.sort_unstable();
        let hours: Vec<i64> = all.iter().map(|(hours, _)| *hours).collect();
        let median_hours = median(&hours)?;
        let mut away: Vec<i64> = hours.iter().map(|hours| (hours - median_hours).abs()).collect();
        away.sort_unstable();
        let longest = all.last().map(|(hours, deal)| ((*deal).to_owned(), *hours))?;
        let deviation_hours = median(&away)?;
        let stage = stage.to_owned();
        Some(Dwell { stage, deals: all.len(), median_hours, deviation_hours, longest })
    });
    each.collect()
}

fn hours(case: &Asked) -> Option<i64> {
    Some((case.decided_at? - case.asked_at).num_hours())
}

fn approvers(asked: &[Asked], is_in: impl Fn(DateTime<Utc>) -> bool) -> Vec<Approver> {
    let mut by_person: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    for case in asked.iter().filter(|case| case.decided_at.is_some_and(&is_in)) {
        if let Some((person, hours)) = case.by.as_deref().zip(hours(case)) {
            by_person.entry(person).or_default().push(hours);
        }
    }
    let each = by_person.into_iter().filter_map(|(person, mut hours)| {
        hours.sort_unstable();
        let (cases, median_hours) = (hours.len(), median(&hours)?);
        let should_delegate = SLOW_CASES <= cases && SLOW_HOURS < median_hours;
        Some(Approver { person: person.to_owned(), cases, median_hours, should_delegate })
    });
    let mut all: Vec<_> = each.collect();
    all.sort_by_key(|one| std::cmp::Reverse(one.median_hours));
    all
}

fn weak_requirements(folded: &[Folded]) -> Vec<Weakness> {
    let mut by_name: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (one, gate) in folded.iter().flat_map(|one| one.gates.iter().map(move |gate| (one, gate))) {
        for name in &gate.missing {
            by_name.entry(name).or_default().push(&one.deal);
        }
    }
    let each = by_name.into_iter().map(|(name, deals)| Weakness {
        kind: "requirement-missing",
        at: name.to_owned(),
        share_bp: share(deals.len(), folded.len()).unwrap_or_default(),
        evidence: deals.into_iter().take(10).map(str::to_owned).collect(),
    });
    each.collect()
}

fn weak_sellers(folded: &[Folded]) -> Vec<Weakness> {
    let mut by_seller: BTreeMap<&str, (usize, Vec<&str>)> = BTreeMap::new();
    for one in folded {
        let (deals, broken) = by_seller.entry(&one.seller).or_default();
        *deals += 1;
        if !one.breaches.is_empty() {
            broken.push(&one.deal);
        }
    }
    let each = by_seller.into_iter().map(|(seller, (deals, broken))| Weakness {
        kind: "seller",
        at: seller.to_owned(),
        share_bp: share(broken.len(), deals).unwrap_or_default(),
        evidence: broken.into_iter().take(10).map(str::to_owned).collect(),
    });
    each.collect()
}

/// Returns the middle of sorted numbers; of an even count the lower one.
fn median(sorted: &[i64]) -> Option<i64> {
    sorted.get(sorted.len().checked_sub(1)? / 2).copied()
}

/// Returns `part` of `whole` in hundredths of a percent.
fn share(part: usize, whole: usize) -> Option<u64> {
    let (part, whole) = (u64::try_from(part).ok()?, u64::try_from(whole).ok()?);
    part.checked_mul(10_000)?.checked_div(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROCESS: &str = "id = \"p\"\nkind = \"process\"\ntitle = { en = \"P\" }\n\
        [[stage]]\nid = \"a\"\ntitle = { en = \"A\" }\n\
        [[stage]]\nid = \"b\"\ntitle = { en = \"B\" }\n\
        [[stage.require]]\nid = \"paper\"\ntitle = { en = \"x\" }\nproof = { by = \"contract\" }\n\
        [[stage]]\nid = \"c\"\ntitle = { en = \"C\" }\n";

    fn at(day: u32) -> DateTime<Utc> {
        format!("2025-03-{day:02}T00:00:00Z").parse().unwrap()
    }

    /// Plays `b@5`: the stage b on the fifth; a `+` before it shows the paper first.
    fn way<'p>(process: &'p Process, deal: &str, seller: &str, steps: &[&str]) -> Way<'p> {
        let entry = |at, action| Entry { process, at, actor: seller.to_owned(), action };
        let mut entries = vec![entry(at(1), Action::Begin)];
        for step in steps {
            let (stage, day) = step.split_once('@').unwrap();
            let at = at(day.parse().unwrap());
            if stage.starts_with('+') {
                let (name, text) = ("c".to_owned(), "x".to_owned());
                let proof = super::super::process::deal::Proof::Contract { name, text };
                let requirement = "paper".to_owned();
                entries.push(entry(at, Action::Complete { requirement, proof }));
            }
            let stage = stage.trim_start_matches('+').to_owned();
            entries.push(entry(at, Action::Enter { stage }));
        }
        Way { deal: deal.to_owned(), seller: seller.to_owned(), entries }
    }

    #[test]
    fn ways_from_elsewhere_show_where_the_process_was_not_kept() {
        let process: Process = toml::from_str(PROCESS).unwrap();
        let ways = [
            way(&process, "d1", "lin", &["+b@3", "c@5"]),
            way(&process, "d2", "mei", &["b@3", "c@13"]),
            way(&process, "d3", "mei", &["c@9"]),
            way(&process, "d4", "lin", &["+b@5", "c@6"]),
        ];
        let case = |hours: i64| Asked {
            by: Some("d.lin".to_owned()),
            asked_at: at(2),
            decided_at: Some(at(2) + TimeDelta::hours(hours)),
        };
        let asked = [case(1), case(30), case(40), Asked { by: None, decided_at: None, ..case(0) }];
        let told = report(&ways, &asked, Some("2025-03"));
        assert_eq!((told.deals, told.compliance_bp, told.jumps), (4, Some(5_000), 1));
        // Of three gates that want the paper two had it; the fourth deal went past.
        assert_eq!(told.completeness_bp, Some(6_666));
        let codes: Vec<_> = told.breaches.iter().map(|(code, n)| (&**code, *n)).collect();
        assert_eq!(codes, [("requirement-missing", 1), ("stage-skipped", 1)]);
        let stages: Vec<_> = told.dwell.iter().map(|one| (&*one.stage, one.median_hours)).collect();
        assert_eq!(stages, [("a", 48), ("b", 48)]);
        assert_eq!(told.dwell[1].longest, ("d2".to_owned(), 240));
        let [approver] = &*told.approvers else { panic!("{told:?}") };
        assert_eq!((approver.median_hours, approver.should_delegate), (30, true));
        assert_eq!(months(&ways), ["2025-03"]);
        assert_eq!(report(&ways, &asked, Some("2025-04")).deals, 0);

        let weak = check_up(&ways, &asked);
        let told: Vec<_> = weak.iter().map(|one| (one.kind, &*one.at, one.share_bp)).collect();
        let expected =
            [("seller", "mei", 10_000), ("approval", "d.lin", 6_666), ("dwell", "b", 5_000)];
        assert_eq!(told, expected);

        let drawn = scan(&ways, 7, 2);
        assert_eq!(drawn, scan(&ways, 7, 2));
        assert_eq!(drawn.len(), 2);
        let all = scan(&ways, 1, 10);
        let broken: Vec<_> = all
            .iter()
            .filter(|trail| trail.steps.iter().any(|step| step.is_broken))
            .map(|trail| &*trail.deal)
            .collect();
        assert_eq!(broken, ["d2", "d3"]);
    }
}
