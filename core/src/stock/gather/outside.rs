//! Calendars and lanes, of the stocking document and of what feeds tell.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;

use super::networks::report_gaps;
use super::sailings::Sailings;
use super::{Gathered, Troubles, places_by_name, slack};
use crate::calendar::Calendar;
use crate::calendar::hours::Minute;
use crate::calendar::shipping::{Exception, Terms, Transit, TransitError};
use crate::fact;
use crate::fact::almanac::{Almanac, Days, Work};
use crate::fact::closure::Closure;
use crate::fact::policy::Policy;
use crate::fact::port_call::PortCall;
use crate::fact::sailing::Sailing;
use crate::fact::weather::Weather;
use crate::stock::plan::loops::Loops;
use crate::stock::plan::setting::{CalendarIndex, Lane, PlaceIndex};
use crate::stock::stocking::{
    CalendarDocument, Day, FeedLanesDocument, LaneDocument, SailingsDocument, Stocking,
};

/// What is wrong with places that supply each other in a circle, and what to do.
const CYCLE: &str = "they form a cycle that nothing reaches from outside: no supplier, no production, no \
                     other place; what is there can be moved, and advice to these places is marked; \
                     add a lane from a supplier";

/// What feeds tell that bears on a plan, of the sets in force.
#[derive(Clone, Debug, Default)]
pub struct Outside {
    /// Days of regions, the oldest first.
    pub almanacs: Vec<Almanac>,
    /// Closed windows.
    pub closures: Vec<Closure>,
    /// Lanes, each with its feed.
    pub lanes: Vec<(String, fact::lane::Lane)>,
    /// Sailings, each with its feed, those that came into force later later.
    pub sailings: Vec<(String, Sailing)>,
    /// When the set in force of a feed was fetched.
    pub fetched_at: BTreeMap<String, DateTime<Utc>>,
    /// Calls that are left out.
    pub omitted: Vec<PortCall>,
    /// Weather at places, what came into force later later.
    pub weather: Vec<Weather>,
    /// Policies, all of them confirmed.
    pub policies: Vec<Policy>,
}

impl Gathered {
    /// Takes calendars and lanes as they are at `as_of`, in the place of those before.
    pub fn take_outside(&mut self, stocking: &Stocking, outside: &Outside, as_of: DateTime<Utc>) {
        self.calendars.clear();
        self.setting.calendars.clear();
        self.setting.lanes.clear();
        for document in &stocking.calendar {
            self.calendars.push((*document.id).into());
            let calendar = calendar(document, outside, as_of, &mut self.troubles);
            self.setting.calendars.push(calendar);
        }
        let places = places_by_name(stocking);
        let sailings = Sailings::of(outside);
        for document in &stocking.lane {
            let ends = places.get(&*document.from).zip(places.get(&*document.to));
            let (Some((from, to)), Ok(terms)) = (ends, terms(document)) else { continue };
            let (id, carrier) = ((*document.id).into(), carrier(stocking, &document.calendar));
            let schedule = document.sailings.as_ref().map(|asked| {
                let schedule = sailings.schedule(asked, as_of);
                if schedule.told_until.is_none() {
                    let SailingsDocument { from, to, .. } = asked;
                    let message = format!(
                        "no feed in force tells a sailing from {from} to {to} to come; its own days \
                         of departure stand alone"
                    );
                    self.troubles.report(format!("lane {}", document.id), message);
                }
                Box::new(schedule)
            });
            let (from, to) = (*from, *to);
            self.setting.lanes.push(Lane { id, from, to, carrier, terms, schedule });
        }
        if let Some(of_feeds) = &stocking.lanes_of_feeds {
            self.take_lanes_of_feeds((stocking, of_feeds), outside, as_of);
        }
        for cycle in Loops::of(&self.setting).cycles() {
            let name = cycle.name(&self.setting);
            self.troubles.report(format!("lanes {name}"), CYCLE);
        }
        report_gaps(&self.setting, &mut self.troubles);
        self.take_fetched(stocking, outside, &sailings);
        self.take_adjusters(stocking, outside, as_of);
    }

    fn take_lanes_of_feeds(
        &mut self,
        (stocking, of_feeds): (&Stocking, &FeedLanesDocument),
        outside: &Outside,
        as_of: DateTime<Utc>,
    ) {
        let places = places_by_name(stocking);
        let carrier = carrier(stocking, &of_feeds.calendar);
        let today = as_of.date_naive();
        for (feed, lane) in &outside.lanes {
            // Lanes between other places are none of this plan.
            let ends = places.get(&*lane.from).zip(places.get(&*lane.to));
            let Some((from, to)) = ends.filter(|(from, to)| from != to) else { continue };
            if !lane.valid.holds_on(today) {
                continue;
            }
            let id = lane_id(feed, lane);
            let zone = self.zone_of(*from);
            match terms_of_fact(lane, of_feeds, zone) {
                Ok(terms) => {
                    let id = id.into();
                    let (from, to, schedule) = (*from, *to, None);
                    self.setting.lanes.push(Lane { id, from, to, carrier, terms, schedule });
                }
                Err(why) => self.troubles.report(format!("lane {id}"), why),
            }
        }
    }

    fn zone_of(&self, place: PlaceIndex) -> Option<Tz> {
        let calendar = self.setting.place(place)?.calendar;
        self.setting.calendar(calendar).map(Calendar::zone)
    }
}

/// Returns which calendar `id` is.
fn carrier(stocking: &Stocking, id: &str) -> CalendarIndex {
    let found = stocking.calendar.iter().position(|calendar| calendar.id == id);
    CalendarIndex(found.and_then(|found| u32::try_from(found).ok()).unwrap_or_default())
}

fn lane_id(feed: &str, lane: &fact::lane::Lane) -> String {
    let by = lane.carrier.as_deref().unwrap_or(&lane.mode);
    format!("{feed}/{}-{}/{by}", lane.from, lane.to)
}

/// Returns the calendar that `document` describes, without what feeds tell, or what is wrong with it.
pub fn own_calendar(document: &CalendarDocument) -> Result<Calendar, String> {
    let zone: Tz = document
        .zone
        .parse()
        .map_err(|_| format!("'{}' is no zone; use one as Asia/Shanghai", document.zone))?;
    if document.week.is_empty() {
        return Err("nobody ever works; name a day of the week".to_owned());
    }
    let mut exceptions = Vec::new();
    for days in &document.days {
        let (first_on, last_on) = (days.from, days.until.unwrap_or(days.from));
        if last_on < first_on {
            return Err(format!("'{}' ends on {last_on}, before it begins", days.name));
        }
        let name = (*days.name).into();
        exceptions.push(Exception { first_on, last_on, is_open: days.open, name });
    }
    if let Some(wider) = document.widen.iter().find(|wider| !wider.is_bounded()) {
        return Err(format!("'{}' is widened by too many days; 60 are the most", wider.window));
    }
    Calendar::of_workdays(zone, Day::week(&document.week), exceptions)
        .map(|calendar| calendar.known((*document.revision).into(), document.announced_until))
        .map_err(|error| error.to_string())
}

/// Returns the calendar with what feeds tell of its region and its closures. What cannot be used is
/// reported, and the days of the document stand alone.
fn calendar(
    document: &CalendarDocument,
    outside: &Outside,
    as_of: DateTime<Utc>,
    troubles: &mut Troubles,
) -> Calendar {
    let own = own_calendar(document).unwrap_or_default();
    let today = as_of.with_timezone(&own.zone()).date_naive();
    let region = document.region.as_deref();
    let of_region = outside.almanacs.iter().filter(|almanac| Some(&*almanac.region) == region);
    let closed: Vec<Almanac> = outside
        .closures
        .iter()
        .enumerate()
        .filter(|(_, closure)| document.closures.contains(&closure.what))
        .map(|(index, closure)| closed(index, closure))
        .collect();
    let known: Vec<&Almanac> = of_region.chain(&closed).collect();
    if region.is_some() && known.len() == closed.len() {
        let message = format!(
            "no feed in force tells the days of '{}'; its own days and its week stand alone",
            region.unwrap_or_default()
        );
        troubles.report(format!("calendar {}", document.id), message);
    }
    let made = own.with_almanacs(&known, today).unwrap_or_else(|error| {
        troubles.report(format!("calendar {}", document.id), error.to_string());
        own.clone()
    });
    for window in made.without_windows(&document.widen) {
        let message = format!("it has no window called '{window}', which would be widened");
        troubles.report(format!("calendar {}", document.id), message);
    }
    made.widened(&document.widen, &own)
}

/// Returns a closure as days on which nobody works; each stands beside the others.
fn closed(index: usize, closure: &Closure) -> Almanac {
    let Closure { what, first_on, last_on, reason } = closure;
    let days =
        Days { first_on: *first_on, last_on: *last_on, work: Work::Off, name: reason.clone() };
    Almanac {
        region: what.clone(),
        part: index.to_string(),
        zone: None,
        revision: None,
        announced: Vec::new(),
        week: None,
        days: vec![days],
    }
}

/// Returns how a lane of the document runs, or what is wrong with it.
pub fn terms(document: &LaneDocument) -> Result<Terms, String> {
    let transit: Transit =
        document.transit.parse().map_err(|error: TransitError| error.to_string())?;
    let cut_off = match &document.cut_off {
        None => None,
        Some(text) => Some(
            Minute::parse(text)
                .ok_or_else(|| format!("cut_off is '{text}'; write a time of day as 16:00"))?,
        ),
    };
    let (last_pickup_on, pickup_again_on) = (document.last_pickup_on, document.pickup_again_on);
    check_pause(last_pickup_on, pickup_again_on)?;
    let every_day = document.departures.is_empty();
    Ok(Terms {
        transit,
        slack: slack(document.slack)?,
        departs_on: if every_day { [true; 7] } else { Day::week(&document.departures) },
        cut_off,
        last_pickup_on,
        pickup_again_on,
        hold_days: document.hold_days,
    })
}

fn check_pause(last: Option<NaiveDate>, again: Option<NaiveDate>) -> Result<(), String> {
    match (last, again) {
        (None, Some(_)) => Err("pickup_again_on stands without last_pickup_on".to_owned()),
        (Some(last), Some(again)) if again <= last => {
            Err(format!("pickup_again_on, {again}, is not after last_pickup_on, {last}"))
        }
        (Some(_) | None, Some(_) | None) => Ok(()),
    }
}

/// Returns how a lane runs that a feed tells of. Its last day is the carrier's last pick-up.
fn terms_of_fact(
    lane: &fact::lane::Lane,
    of_feeds: &FeedLanesDocument,
    origin: Option<Tz>,
) -> Result<Terms, String> {
    if let Some(zone) = lane.zone.filter(|zone| lane.cut_off.is_some() && Some(*zone) != origin) {
        return Err(format!(
            "its cut-off is told in {zone}, and the place it leaves from has another zone; tell it \
             in the place's zone"
        ));
    }
    let shares: Vec<_> = lane.days.iter().map(|share| (share.days, share.weight)).collect();
    Ok(Terms {
        transit: Transit::of_weights(&shares).map_err(|error| error.to_string())?,
        slack: slack(of_feeds.slack)?,
        departs_on: lane.departures.0,
        cut_off: lane.cut_off,
        last_pickup_on: lane.valid.until(),
        pickup_again_on: None,
        hold_days: of_feeds.hold_days,
    })
}
