//! Who meets a need: places with more than they need, then suppliers.

use chrono::NaiveDate;

use super::Timetable;
use super::advice::{Action, Advice, Note, Reckoning};
use super::ledger::Ledger;
use super::need::{self, Choice, Context, Need, Taken};
use super::outcome::expectation;
use super::setting::{ItemIndex, PlaceIndex, PlaceKind};

/// Days that demand is told for.
const TOLD_DAYS: f64 = 30.0;
/// Fewer periods than these are a thin history.
const PERIODS_THIN: u32 = 3;

/// What one source sends.
#[derive(Clone, Debug)]
struct Consignment {
    item: ItemIndex,
    from: PlaceIndex,
    action: Action,
    choice: Choice,
    units: u32,
    notes: Vec<Note>,
}

/// Returns what to send for `need`, from each source, and enters it in `ledger`.
pub(super) fn serve(context: Context<'_>, need: &Need<'_>, ledger: &mut Ledger<'_>) -> Vec<Advice> {
    let consignments = consignments(context, need, ledger);
    // The dates are those of the first source, or of the preferred lane where there is none.
    let first = consignments.first().map(|first| &first.choice).or(need.choices.first());
    let sent = consignments.iter().map(|one| one.units).fold(0, u32::saturating_add);
    let Some(choice) = first else { return unreachable_need(context, need) };
    let Ok(reckoning) = need.reckoning(context, choice, sent) else {
        return unreachable_need(context, need);
    };
    let mut advice: Vec<Advice> = Vec::new();
    let left = choice.quantity.saturating_sub(sent);
    for one in &consignments {
        let mut notes = notes(context, need, &one.choice);
        notes.extend(one.notes.iter().cloned());
        if 0 < left {
            notes.push(Note::Shortfall { units: left });
        }
        advice.push(Advice {
            item: one.item,
            needed_item: need.item(),
            to: need.place(),
            from: Some(one.from),
            quantity: one.units,
            action: one.action,
            lane: Some(one.choice.lane),
            voyage: Some(one.choice.voyage),
            next: one.choice.next,
            closed_from: one.choice.closed_from,
            reckoning: reckoning.clone(),
            notes,
        });
    }
    if advice.is_empty() {
        let mut notes = notes(context, need, choice);
        notes.push(Note::Shortfall { units: left });
        advice.push(Advice {
            lane: Some(choice.lane),
            voyage: Some(choice.voyage),
            next: choice.next,
            closed_from: choice.closed_from,
            ..nobody(need, left, reckoning, notes)
        });
    }
    advice
}

/// Returns what is needed beside what was `served` for `need`, because of a closure.
pub(super) fn rest<'s>(
    context: Context<'s>,
    need: &Need<'s>,
    served: &[Advice],
) -> Option<Need<'s>> {
    let lane = served.first()?.lane?;
    let choice = need.choices.iter().find(|choice| choice.lane == lane)?;
    let sent = served.iter().filter(|one| one.from.is_some()).map(|one| one.quantity);
    need::before_closure(context, need, choice, sent.fold(0, u32::saturating_add))
}

/// Returns the units of `served` that nobody has.
pub(super) fn unmet(served: &[Advice]) -> u32 {
    let notes = served.first().map(|first| first.notes.iter());
    let shortfall =
        |note: &Note| if let Note::Shortfall { units } = note { Some(*units) } else { None };
    notes.into_iter().flatten().find_map(shortfall).unwrap_or_default()
}

fn consignments(
    context: Context<'_>,
    need: &Need<'_>,
    ledger: &mut Ledger<'_>,
) -> Vec<Consignment> {
    let mut found: Vec<Consignment> = Vec::new();
    // In time before late, and what is there already before what has to be bought.
    let turns = [(false, Action::Transfer), (false, Action::Purchase)];
    let turns = turns.into_iter().chain([(true, Action::Transfer), (true, Action::Purchase)]);
    for (is_late, action) in turns {
        for choice in need.choices.iter().filter(|choice| choice.is_late == is_late) {
            let sent = found.iter().map(|one| one.units).fold(0, u32::saturating_add);
            let wanted = found.first().map_or(choice.quantity, |first| first.choice.quantity);
            let left = wanted.saturating_sub(sent);
            let Some(lane) = context.setting.lane(choice.lane).filter(|_| 0 < left) else {
                continue;
            };
            let kind = context.setting.place(lane.from).map(|place| place.kind);
            match (action, kind) {
                (Action::Transfer, Some(PlaceKind::Site)) => {
                    let way = (lane.from, need.place());
                    found.extend(transfers(context, way, choice, (left, &mut *ledger)));
                }
                (Action::Purchase, Some(PlaceKind::Supplier)) => {
                    found.extend(purchase(context, need, (lane.from, choice), left));
                }
                (Action::Transfer | Action::Purchase | Action::Find, _) => {}
            }
        }
    }
    found
}

fn transfers(
    context: Context<'_>,
    (from, to): (PlaceIndex, PlaceIndex),
    choice: &Choice,
    (mut left, ledger): (u32, &mut Ledger<'_>),
) -> Vec<Consignment> {
    let mut found = Vec::new();
    for (item, spare) in ledger.surplus((from, to), (choice.voyage.ship_on, choice.cover_until)) {
        let pack = context.setting.item(item).map_or(1, |item| item.pack.max(1));
        let packs = left.div_ceil(pack).min(spare / pack);
        let units = packs.saturating_mul(pack);
        if units == 0 {
            continue;
        }
        ledger.give(from, item, units);
        let mut notes = vec![Note::Surplus];
        if left < units {
            notes.push(Note::Pack { needed: left, pack });
        }
        left = left.saturating_sub(units);
        found.push(Consignment {
            item,
            from,
            action: Action::Transfer,
            choice: *choice,
            units,
            notes,
        });
    }
    found
}

fn purchase(
    context: Context<'_>,
    need: &Need<'_>,
    (from, choice): (PlaceIndex, &Choice),
    left: u32,
) -> Option<Consignment> {
    let item = context.setting.item(need.item())?;
    let (pack, order_min) = (item.pack.max(1), item.order_min);
    let wanted = left.max(order_min);
    let units = wanted.div_ceil(pack).saturating_mul(pack);
    let mut notes = Vec::new();
    if left < order_min {
        notes.push(Note::Minimum { needed: left, order_min });
    }
    if wanted < units {
        notes.push(Note::Pack { needed: wanted, pack });
    }
    let (item, action) = (need.item(), Action::Purchase);
    Some(Consignment { item, from, action, choice: *choice, units, notes })
}

/// Returns why `need` is met as it is.
fn notes(context: Context<'_>, need: &Need<'_>, choice: &Choice) -> Vec<Note> {
    let mut notes = notes_of_level(context, need, choice);
    if 0 < need.earlier {
        notes.push(Note::Earlier { units: need.earlier });
    }
    let (now, later) = need.outlook.count_deals(choice.cover_until);
    if 0 < now + later {
        notes.push(Note::Deals { now, later });
    }
    let timetable = context.timetable(choice.lane);
    notes.extend(timetable.into_iter().flat_map(|timetable| days_lost(timetable, choice)));
    let coming = need.position.coming.first().filter(|first| first.on < choice.cover_until);
    notes.extend(coming.map(|first| Note::Coming {
        units: need.position.coming_before(choice.cover_until),
        first_on: first.on,
    }));
    let base = &need.position.base;
    if 0.0 < base.per_day {
        let per_30_days = expectation(base.per_day * TOLD_DAYS);
        notes.push(Note::Base { per_30_days, periods: base.periods });
        notes.extend(need.outlook.scaled(choice.cover_until));
    }
    if let Some(failures) = need.position.failures.as_deref().filter(|one| !one.is_nothing()) {
        notes.push(Note::Failures {
            devices: failures.devices,
            per_30_days: expectation(failures.per_day() * TOLD_DAYS),
            known: failures.count_known(choice.cover_until),
        });
    }
    if 1 < need.position.holdings.len() {
        notes.push(Note::Replaced);
    }
    notes.extend(need.no_levels.clone());
    notes.extend(cycle(context, need));
    if choice.is_late {
        notes.push(Note::Late);
    }
    let is_announced = choice.next.is_none_or(|next| next.is_announced);
    if !(choice.voyage.is_announced && is_announced) {
        notes.push(Note::NotAnnounced);
    }
    if choice.next.is_none() {
        notes.push(Note::NoNextArrival);
    }
    notes.extend(timetable.and_then(|t| t.note([choice.voyage].into_iter().chain(choice.next))));
    if base.has_gaps {
        notes.push(Note::Gaps);
    }
    if (1..PERIODS_THIN).contains(&base.periods) {
        notes.push(Note::Thin);
    }
    notes
}

/// Returns whether `need` runs out, and what it has to do with a network.
fn notes_of_level(context: Context<'_>, need: &Need<'_>, choice: &Choice) -> Vec<Note> {
    let mut notes = Vec::new();
    if !need.is_covered_apart() {
        notes.push(Note::RunsOut);
    }
    let below = need.below_level(choice.cover_until);
    let level = need.level.filter(|_| below.is_ok_and(|below| 0 < below));
    if let Some(level) = level {
        let network = context.setting.networks.get(level.network);
        let network = network.map(|network| network.id.clone()).unwrap_or_default();
        notes.push(Note::Level { network, units: level.units, reached: level.reached });
    }
    let Taken { given, owed } = need.taken;
    if 0 < given || 0 < owed {
        notes.push(Note::Taken { given, owed });
    }
    notes
}

/// Returns the days on which nothing is received between the arrivals of `choice`, and the departures that
/// take longer.
fn days_lost(timetable: &Timetable, choice: &Choice) -> Vec<Note> {
    let next_on = choice.next.map_or(choice.cover_until, |next| next.arrive_on);
    let closure = timetable.closure_between(choice.voyage.arrive_on, next_on);
    // Where nothing is in time, days before the first voyage may be too slow for it, too.
    let first_on = if choice.is_late { NaiveDate::MIN } else { choice.voyage.ship_on };
    let last_on = choice.next.map_or(choice.cover_until, |next| next.ship_on);
    let slowed = timetable.slowed(first_on, last_on);
    closure.cloned().map(Note::Closed).into_iter().chain(slowed).collect()
}

/// Returns the cycle of lanes on which alone the place of `need` depends, if there is one.
fn cycle(context: Context<'_>, need: &Need<'_>) -> Option<Note> {
    let cycle = context.loops.cycle_of(need.place())?;
    Some(Note::Cycle(cycle.name(context.setting).into()))
}

/// Returns the advice for a need that no voyage can meet: to find one.
fn unreachable_need(context: Context<'_>, need: &Need<'_>) -> Vec<Advice> {
    let notes: Vec<Note> = need
        .trouble
        .clone()
        .into_iter()
        .chain(need.no_levels.clone())
        .chain(cycle(context, need))
        .collect();
    let (quantity, reckoning) = need.without_lane(context);
    vec![nobody(need, quantity, reckoning, notes)]
}

fn nobody(need: &Need<'_>, quantity: u32, reckoning: Reckoning, notes: Vec<Note>) -> Advice {
    Advice {
        item: need.item(),
        needed_item: need.item(),
        to: need.place(),
        from: None,
        quantity,
        action: Action::Find,
        lane: None,
        voyage: None,
        next: None,
        closed_from: None,
        reckoning,
        notes,
    }
}
