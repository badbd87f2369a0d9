//! Reads one feed's document: what it says, or what is wrong with it and where.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde_json::Value;
use upturn_connectors::feed::pull::Feed as Pulling;
use upturn_connectors::feed::{self, FeedError, KINDS, Kind};
use upturn_connectors::http::Http;
use upturn_connectors::schedule::Schedule;
use upturn_connectors::secret::Secret;
use upturn_core::rule::finding::{Fault, Finding};

use super::Feed;
use super::document::{FeedDocument, SecretDocument};
use super::limits::Limits;
use crate::delivery::reading::Reading;

/// Where the shape is told.
const HELP: &str = "see `upturn schema feed`";
/// How much later than its slot a run begins at most, unless the document says otherwise.
const JITTER: TimeDelta = TimeDelta::minutes(2);
/// The longest jitter.
const JITTER_MAX: TimeDelta = TimeDelta::hours(1);
/// The longest name of a secret or person, in bytes.
const NAME_MAX: usize = 128;

/// Returns the feed that `text` describes, if there is no error in it, and what was found. Addresses
/// are looked at as they are on the day of `now`; nobody is called.
pub(crate) fn feed(text: &str, http: &Http, now: DateTime<Utc>) -> (Option<Feed>, Vec<Finding>) {
    let mut reading = Reading { text, findings: Vec::new(), help: HELP };
    let document: Option<FeedDocument> = reading.document();
    let found = document.and_then(|document| read(&mut reading, document));
    if let Some(feed) = &found
        && reading.findings.is_empty()
    {
        check_source(&mut reading, feed, http, now);
    }
    (found.filter(|_| reading.findings.is_empty()), reading.findings)
}

fn read(reading: &mut Reading<'_>, document: FeedDocument) -> Option<Feed> {
    reading.check_id("id", &document.id);
    reading.check_title(&document.title);
    check_person(reading, &document.configured_by);
    check_secrets(reading, &document.secrets);
    let jitter = document.jitter.as_deref().and_then(|text| reading.span(&["jitter"], text));
    let jitter = jitter.unwrap_or(JITTER);
    if JITTER_MAX < jitter {
        let fault = Fault::new("too-long", "that is too much jitter", "write at most 1h");
        reading.report(&["jitter"], fault);
    }
    let kind = kind(reading, &document.kind)?;
    let zone = zone(reading, kind, document.zone.as_deref());
    let schedule = schedule(reading, kind, document.schedule.as_deref(), zone);
    let limits = Limits::of(kind, &document.limits);
    if let Err(error) = &limits {
        let fault = Fault::new("bad-limit", error.what.clone(), error.cure);
        reading.report(&["limits", error.key], fault);
    }
    let settings = Value::Object(document.settings);
    check_settings(reading, kind, &settings);
    Some(Feed {
        id: document.id,
        kind,
        title: document.title,
        configured_by: document.configured_by,
        schedule: schedule?,
        zone,
        jitter,
        is_paused: document.paused,
        limits: limits.ok()?,
        publishes_by: document.limits.publishes_by,
        secrets: document.secrets,
        source: document.source,
        settings,
        text: reading.text.to_owned(),
    })
}

fn kind(reading: &mut Reading<'_>, name: &str) -> Option<&'static Kind> {
    let found = feed::kind(name);
    if found.is_none() {
        let what = format!("'{}' is no kind of feed", name.escape_debug());
        let names: Vec<_> = KINDS.iter().map(|kind| kind.name).collect();
        let cure = format!("use one of: {}", names.join(", "));
        reading.report(&["kind"], Fault::new("unknown-value", what, cure));
    }
    found
}

fn check_person(reading: &mut Reading<'_>, id: &str) {
    if id.trim().is_empty() || NAME_MAX < id.len() || id.contains(char::is_control) {
        let cure = "write the id by which the person signs in who answers for this feed";
        reading.report(&["configured_by"], Fault::new("bad-text", "that is no person's id", cure));
    }
}

fn check_secrets(reading: &mut Reading<'_>, secrets: &BTreeMap<String, SecretDocument>) {
    for (name, place) in secrets {
        let (SecretDocument::File(text)
        | SecretDocument::Environment(text)
        | SecretDocument::Stored(text)) = place;
        let is_named = match place {
            SecretDocument::File(_) => !text.is_empty(),
            SecretDocument::Environment(_) => {
                !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
            }
            SecretDocument::Stored(_) => is_secret_name(text),
        };
        if !is_named {
            let cure =
                "write { file = \"…\" }, { environment = \"NAME\" } or { stored = \"name\" }";
            let what = format!("the secret '{name}' is nowhere");
            reading.report(&["secrets", name], Fault::new("bad-secret", what, cure));
        }
    }
}

/// Returns whether a stored secret may be called `name`.
pub(crate) fn is_secret_name(name: &str) -> bool {
    let is_word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_');
    (1..=64).contains(&name.len()) && name.bytes().all(is_word)
}

fn zone(reading: &mut Reading<'_>, kind: &Kind, text: Option<&str>) -> Tz {
    let Some(text) = text else { return kind.supply.zone };
    text.parse().unwrap_or_else(|_unsaid| {
        let what = format!("'{}' is no time zone", text.escape_debug());
        let cure = "use a name such as \"Europe/Berlin\" or \"Asia/Shanghai\"";
        reading.report(&["zone"], Fault::new("bad-zone", what, cure));
        kind.supply.zone
    })
}

fn schedule(
    reading: &mut Reading<'_>,
    kind: &Kind,
    text: Option<&str>,
    zone: Tz,
) -> Option<Schedule> {
    match Schedule::read(text.unwrap_or(kind.supply.schedule), zone) {
        Ok(schedule) => Some(schedule),
        Err(error) => {
            let message = error.to_string();
            let (what, cure) = message.split_once("; ").unwrap_or((&message, "see crontab(5)"));
            reading.report(&["schedule"], Fault::new("bad-schedule", what, cure));
            None
        }
    }
}

/// Settings are read before the document, so that an empty one tells what is wrong with them.
fn check_settings(reading: &mut Reading<'_>, kind: &Kind, settings: &Value) {
    let Err(FeedError::Settings(what)) = (kind.parse)(settings, b"") else { return };
    report_settings(reading, "settings", settings, &what);
}

/// Notes what is wrong with settings at the key that the message names, if it names one.
fn report_settings(reading: &mut Reading<'_>, table: &str, settings: &Value, what: &str) {
    let key = settings.as_object().and_then(|members| {
        members
            .keys()
            .find(|key| what.contains(&format!("`{key}`")) || what.contains(&format!("'{key}'")))
    });
    let path: Vec<&str> = [table].into_iter().chain(key.map(String::as_str)).collect();
    let (what, cure) = what.split_once("; ").unwrap_or((what, HELP));
    reading.report(&path, Fault::new("bad-settings", what, cure));
}

/// Looks at the addresses with something in the place of secrets.
fn check_source(reading: &mut Reading<'_>, feed: &Feed, http: &Http, now: DateTime<Utc>) {
    let secrets = feed.secrets.keys().map(|name| (name.clone(), Secret::from("x".to_owned())));
    let secrets = secrets.collect();
    let pulling = Pulling {
        kind: feed.kind,
        settings: &feed.settings,
        source: &feed.source,
        secrets: &secrets,
    };
    let today = now.with_timezone(&feed.zone).date_naive();
    if let Err(error) = pulling.check(http, today) {
        let message = error.to_string();
        let message = message.strip_prefix("the settings are wrong: ").unwrap_or(&message);
        let source = serde_json::to_value(&feed.source).unwrap_or_default();
        report_settings(reading, "source", &source, message);
    }
}
