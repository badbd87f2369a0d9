//! Charging attempts out of OCPP 1.6 messages.
//!
//! An attempt begins with `Preparing` or an accepted start on a connector, and has one verdict:
//! the first message that settles it. It **failed** when the connector goes from `Preparing` to
//! `Faulted` or `Available` without a start, when the start is not accepted, when the connector
//! is `Faulted` while a session runs, or when the session stops with next to no energy or for a
//! reason that nobody wants. It is **ok** when the session stops otherwise. What comes after the
//! verdict (a stop after a fault) belongs to the same attempt and says nothing new.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{CHARGE_FAILED, CHARGE_OK};
use crate::decode::ocpp16::fields::Fields;
use crate::decode::{digest, ocpp16};
use crate::event::{Attributes, Event};
use crate::id::EventId;

mod cause;

pub use self::cause::Cause;

/// The kinds of messages that attempts are made of.
pub(super) const READ: [&str; 4] = ["status", "session_start", "session_end", "response"];

/// Below this a session has delivered next to no energy: a car takes 100 Wh in under a minute
/// from the weakest public charger in use (a tenth of a kilometre's worth, no driver's aim).
pub const ENERGY_MIN_WH: i64 = 100;

/// The connector that stands for the whole charger.
const WHOLE_CHARGER: u32 = 0;

/// Replaced attempts that are remembered, so that a stop which comes late finds its own.
const PAST_MAX: usize = 8;

/// The attempts of one device.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Attempts {
    /// The newest on each connector, settled or not.
    by_connector: BTreeMap<u32, Attempt>,
    /// Started ones that a newer one has replaced, oldest first, with their connectors.
    past: Vec<(u32, Attempt)>,
}

/// One attempt on one connector.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Attempt {
    /// The ids of the messages it is made of.
    inputs: Vec<EventId>,
    phase: Phase,
    /// Whether it has its verdict already.
    is_settled: bool,
    /// Whether its stop was seen.
    is_stopped: bool,
    id_tag: Option<Box<str>>,
    /// The last state heard while it ran, which tells who held the energy back.
    suspended: Option<Cause>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Phase {
    Preparing,
    Started { unique_id: Option<Box<str>>, transaction: Option<i64>, meter_wh: Option<i64> },
}

/// What a raw message says.
type Signal = Fields<Box<str>>;

/// The attributes of a verdict.
#[derive(Serialize)]
struct Verdict<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<Cause>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vendor_code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    info: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    energy_wh: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_tag: Option<&'a str>,
    /// The ids of the messages the attempt is made of.
    messages: &'a [EventId],
}

impl Attempts {
    /// Takes the device's next message and returns the attempts it settles.
    pub(super) fn observe(&mut self, event: &Event) -> Vec<Event> {
        let Ok(signal) = serde_json::from_str::<Signal>(event.attributes.as_json()) else {
            return Vec::new();
        };
        if signal.format.as_deref() != Some(ocpp16::FORMAT) {
            return Vec::new();
        }
        match &*event.kind {
            "status" => self.on_status(event, &signal),
            "session_start" => self.on_start(event, &signal),
            "response" => self.on_response(event, &signal).into_iter().collect(),
            "session_end" => self.on_stop(event, &signal).into_iter().collect(),
            _ => Vec::new(),
        }
    }

    fn on_status(&mut self, event: &Event, signal: &Signal) -> Vec<Event> {
        let Some(connector) = connector_of(event) else { return Vec::new() };
        if connector == WHOLE_CHARGER {
            let all: Vec<u32> = self.by_connector.keys().copied().collect();
            let faulted = signal.status.as_deref() == Some("Faulted");
            let all = all.into_iter().filter(|_| faulted);
            return all.filter_map(|each| self.on_connector(each, event, signal)).collect();
        }
        self.on_connector(connector, event, signal).into_iter().collect()
    }

    fn on_connector(&mut self, connector: u32, event: &Event, signal: &Signal) -> Option<Event> {
        let status = signal.status.as_deref()?;
        if status == "Preparing" {
            // A session that still runs goes on; a repeated `Preparing` begins nothing new.
            let is_over = self.by_connector.get(&connector).is_none_or(|a| a.is_settled);
            if is_over {
                self.begin(connector, Attempt::begun_by(event, Phase::Preparing));
            }
            return None;
        }
        let attempt = self.by_connector.get_mut(&connector)?;
        let is_preparing = attempt.phase == Phase::Preparing;
        match status {
            "Faulted" => {
                let cause = Some(cause::of_code(signal.code.as_deref()));
                attempt.fail(event, connector, &Verdict { cause, ..Verdict::of(signal) })
            }
            "Available" if is_preparing => {
                let verdict = Verdict {
                    cause: Some(Cause::User),
                    reason: Some("unplugged-before-start"),
                    code: None,
                    ..Verdict::of(signal)
                };
                attempt.fail(event, connector, &verdict)
            }
            "Charging" | "SuspendedEV" | "SuspendedEVSE" => {
                if is_preparing {
                    // The start itself was not seen; the session runs all the same.
                    attempt.phase =
                        Phase::Started { unique_id: None, transaction: None, meter_wh: None };
                }
                attempt.suspended = cause::of_suspension(status);
                None
            }
            _ => None,
        }
    }

    fn on_start(&mut self, event: &Event, signal: &Signal) -> Vec<Event> {
        let Some(connector) = connector_of(event) else { return Vec::new() };
        let phase = Phase::Started {
            unique_id: signal.unique_id.clone(),
            transaction: signal.transaction,
            meter_wh: signal.meter_wh,
        };
        let is_begun = |a: &&mut Attempt| a.phase == Phase::Preparing && !a.is_settled;
        if let Some(begun) = self.by_connector.get_mut(&connector).filter(is_begun) {
            begun.inputs.push(event.id.clone());
            begun.phase = phase;
        } else {
            self.begin(connector, Attempt::begun_by(event, phase));
        }
        let Some(attempt) = self.by_connector.get_mut(&connector) else { return Vec::new() };
        attempt.id_tag.clone_from(&signal.id_tag);
        // A gateway may write the answer into the call itself.
        let refused = refusal(signal).and_then(|status| attempt.refuse(event, connector, status));
        refused.into_iter().collect()
    }

    fn on_response(&mut self, event: &Event, signal: &Signal) -> Option<Event> {
        let answered = signal.unique_id.as_deref()?;
        if signal.id_tag_status.is_none() && signal.transaction.is_none() && !is_error(signal) {
            // The answer to another call: ids are small counters, and each side has its own.
            return None;
        }
        let (connector, attempt) = self.by_connector.iter_mut().find(|(_, attempt)| {
            matches!(&attempt.phase, Phase::Started { unique_id: Some(id), .. } if **id == *answered)
        })?;
        if let Phase::Started { transaction, unique_id, .. } = &mut attempt.phase {
            *transaction = signal.transaction.or(*transaction);
            // A start is answered once.
            *unique_id = None;
        }
        let status = refusal(signal)?;
        attempt.refuse(event, *connector, status)
    }

    fn on_stop(&mut self, event: &Event, signal: &Signal) -> Option<Event> {
        let Some((connector, attempt)) = self.stopped_by(signal) else {
            // The start was never seen: what was delivered is unknown, a bad reason is not.
            let cause = cause::of_reason(signal.reason.as_deref())?;
            let attempt =
                Attempt { inputs: Vec::new(), ..Attempt::begun_by(event, Phase::Preparing) };
            let verdict = Verdict { cause: Some(cause), ..Verdict::of(signal) };
            return Some(attempt.judged(event, CHARGE_FAILED, None, &verdict));
        };
        attempt.is_stopped = true;
        if attempt.is_settled {
            return None;
        }
        attempt.is_settled = true;
        let start_wh = match attempt.phase {
            Phase::Started { meter_wh, .. } => meter_wh,
            Phase::Preparing => None,
        };
        let energy_wh =
            signal.meter_wh.zip(start_wh).map(|(stop, start)| stop.saturating_sub(start));
        let too_little = energy_wh.is_some_and(|energy| energy < ENERGY_MIN_WH);
        let held_back = || attempt.suspended.unwrap_or(Cause::User);
        let reason = cause::of_reason(signal.reason.as_deref());
        let cause = reason.or_else(|| too_little.then(held_back));
        let verdict = Verdict { cause, energy_wh, ..Verdict::of(signal) };
        let kind = if cause.is_some() { CHARGE_FAILED } else { CHARGE_OK };
        Some(attempt.judged(event, kind, Some(connector), &verdict))
    }

    /// Returns the attempt that a stop ends. It names its transaction, not its connector.
    fn stopped_by(&mut self, signal: &Signal) -> Option<(u32, &mut Attempt)> {
        let wanted = signal.transaction;
        let is_named = |attempt: &Attempt| wanted.is_some() && attempt.transaction() == wanted;
        if let Some(place) = self.past.iter().rposition(|(_, attempt)| is_named(attempt)) {
            return self.past.get_mut(place).map(|(connector, attempt)| (*connector, attempt));
        }
        let connector = self
            .only(is_named)
            // The answer with the transaction was lost; only one session can be meant.
            .or_else(|| self.only(|a| a.phase != Phase::Preparing && a.transaction().is_none()))
            // The start was lost; only one attempt that has failed can be meant.
            .or_else(|| self.only(|a| a.phase == Phase::Preparing && a.is_settled))?;
        self.by_connector.get_mut(&connector).map(|attempt| (connector, attempt))
    }

    /// Returns the connector whose attempt, not stopped yet, is as wanted, if there is just one.
    fn only(&self, is_wanted: impl Fn(&Attempt) -> bool) -> Option<u32> {
        let is_candidate = |attempt: &Attempt| !attempt.is_stopped && is_wanted(attempt);
        let mut found = self.by_connector.iter().filter(|(_, attempt)| is_candidate(attempt));
        match (found.next(), found.next()) {
            (Some((connector, _)), None) => Some(*connector),
            _ => None,
        }
    }

    /// Puts a new attempt on `connector`, and remembers the one before if it may still be stopped.
    fn begin(&mut self, connector: u32, attempt: Attempt) {
        let replaced = self.by_connector.insert(connector, attempt);
        if let Some(replaced) = replaced.filter(|replaced| replaced.phase != Phase::Preparing) {
            if self.past.len() == PAST_MAX {
                self.past.remove(0);
            }
            self.past.push((connector, replaced));
        }
    }
}

impl Attempt {
    fn begun_by(event: &Event, phase: Phase) -> Self {
        let inputs = vec![event.id.clone()];
        Self { inputs, phase, is_settled: false, is_stopped: false, id_tag: None, suspended: None }
    }

    fn transaction(&self) -> Option<i64> {
        match self.phase {
            Phase::Started { transaction, .. } => transaction,
            Phase::Preparing => None,
        }
    }

    fn refuse(&mut self, event: &Event, connector: u32, status: &str) -> Option<Event> {
        let verdict = Verdict {
            cause: Some(Cause::User),
            reason: Some("start-not-accepted"),
            info: Some(status),
            ..Verdict::empty()
        };
        self.fail(event, connector, &verdict)
    }

    /// Returns the failure, unless the attempt has its verdict already.
    fn fail(&mut self, event: &Event, connector: u32, verdict: &Verdict<'_>) -> Option<Event> {
        if self.is_settled {
            return None;
        }
        self.is_settled = true;
        Some(self.judged(event, CHARGE_FAILED, Some(connector), verdict))
    }

    /// Returns the attempt's verdict, which happened when `event` did.
    fn judged(
        &self,
        event: &Event,
        kind: &str,
        connector: Option<u32>,
        verdict: &Verdict<'_>,
    ) -> Event {
        let mut messages = self.inputs.clone();
        if messages.last() != Some(&event.id) {
            messages.push(event.id.clone());
        }
        let parts = [kind, event.device.as_str()].into_iter();
        let hash = digest(parts.chain(messages.iter().map(EventId::as_str)).map(str::as_bytes));
        let verdict = Verdict {
            session: self.transaction().or(verdict.session),
            id_tag: self.id_tag.as_deref().or(verdict.id_tag),
            messages: &messages,
            ..*verdict
        };
        Event {
            // A digest is short and printable: always an id.
            id: EventId::new(&hash).unwrap_or_else(|_| event.id.clone()),
            kind: kind.into(),
            channel: connector.map(|connector| connector.to_string().into()),
            attributes: serde_json::to_string(&verdict)
                .map_or_else(|_| Attributes::none(), Attributes::from_json_object),
            ..event.clone()
        }
    }
}

impl<'a> Verdict<'a> {
    fn empty() -> Self {
        Self {
            cause: None,
            code: None,
            vendor_code: None,
            info: None,
            reason: None,
            energy_wh: None,
            session: None,
            id_tag: None,
            messages: &[],
        }
    }

    /// What the settling message says by itself.
    fn of(signal: &'a Signal) -> Self {
        Self {
            code: signal.code.as_deref(),
            vendor_code: signal.vendor_code.as_deref(),
            info: signal.info.as_deref(),
            reason: signal.reason.as_deref(),
            session: signal.transaction,
            id_tag: signal.id_tag.as_deref(),
            ..Self::empty()
        }
    }
}

/// Returns the answer to a start, if it is a refusal.
fn refusal(signal: &Signal) -> Option<&str> {
    if is_error(signal) {
        return Some("CallError");
    }
    signal.id_tag_status.as_deref().filter(|status| *status != "Accepted")
}

fn is_error(signal: &Signal) -> bool {
    signal.action.as_deref() == Some(ocpp16::words::CALL_ERROR)
}

fn connector_of(event: &Event) -> Option<u32> {
    event.channel.as_deref()?.parse().ok()
}
