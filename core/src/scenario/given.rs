//! What is given: rules, and the rows of the registry.

use serde::Deserialize;
use toml::Spanned;

use super::Setting;
use super::document::Notes;
use crate::calendar::Calendar;
use crate::id::DeviceId;
use crate::registry::{Account, Contact, Device, DeviceStatus, Person, Registry, Site};
use crate::rule::finding::Finding;
use crate::rule::{Rule, parse};

/// The most rows that one row may stand for.
pub(super) const REPEAT_MAX: usize = 1_000_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Given {
    #[serde(default)]
    rules: Vec<Spanned<String>>,
    #[serde(default)]
    rule: Vec<InlineRule>,
    #[serde(default)]
    devices: Vec<DeviceRow>,
    #[serde(default)]
    sites: Vec<SiteRow>,
    #[serde(default)]
    accounts: Vec<AccountRow>,
    #[serde(default)]
    contacts: Vec<ContactRow>,
    #[serde(default)]
    people: Vec<PersonRow>,
    calendar: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InlineRule {
    text: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DeviceRow {
    id: Spanned<String>,
    model: Option<String>,
    site: Option<Spanned<String>>,
    account: Option<Spanned<String>>,
    #[serde(default)]
    status: DeviceStatus,
    repeat: Option<Spanned<usize>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SiteRow {
    id: String,
    name: Option<String>,
    account: Option<Spanned<String>>,
    region: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AccountRow {
    id: String,
    name: Option<String>,
    owner: Option<Spanned<String>>,
    consent: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ContactRow {
    id: String,
    name: Option<String>,
    account: Option<Spanned<String>>,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    test: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PersonRow {
    id: String,
    name: Option<String>,
    manager: Option<String>,
    substitute: Option<String>,
    team: Option<String>,
}

/// Returns the rules that are given, of which there must be one.
pub(super) fn rules(given: &Given, setting: &Setting<'_>, notes: &mut Notes<'_>) -> Vec<Rule> {
    let mut rules: Vec<Rule> = Vec::new();
    let mut add = |rule: Option<Rule>, span: std::ops::Range<usize>, notes: &mut Notes<'_>| {
        let Some(rule) = rule else { return };
        if rules.iter().any(|known| known.id == rule.id) {
            let message = format!("'{}' is the id of two of the rules", rule.id.as_str());
            notes.error(span, "duplicate-id", message, "give one of them another id");
        } else {
            rules.push(rule);
        }
    };
    for path in &given.rules {
        for rule in load(path, setting, notes) {
            add(Some(rule), path.span(), notes);
        }
    }
    for InlineRule { text } in &given.rule {
        let (rule, findings) = parse::parse(text.get_ref(), setting.catalogue);
        for finding in findings.iter().filter(|finding| finding.is_error()) {
            note_inline(text, finding, notes);
        }
        add(rule, text.span(), notes);
    }
    if given.rules.is_empty() && given.rule.is_empty() {
        let cure = "name files by rules = [\"…\"], or write [[given.rule]]";
        notes.error(0..0, "missing-key", "no rule is given", cure);
    }
    rules
}

/// Returns the rules at a path.
pub(super) fn load(
    path: &Spanned<String>,
    setting: &Setting<'_>,
    notes: &mut Notes<'_>,
) -> Vec<Rule> {
    let documents = match setting.loader.rules(path.get_ref()) {
        Ok(documents) => documents,
        Err(why) => {
            let cure = "name rules by their path from the scenario's folder";
            notes.error(path.span(), "unreadable", why, cure);
            return Vec::new();
        }
    };
    let mut rules = Vec::new();
    for document in documents {
        let (rule, findings) = parse::parse(&document, setting.catalogue);
        if let Some(first) = findings.iter().find(|finding| finding.is_error()) {
            let Finding { line, column, message, cure, .. } = first;
            let message = format!("the rule is wrong at {line}:{column}: {message}");
            notes.error(path.span(), first.code, message, cure.clone());
        }
        rules.extend(rule);
    }
    rules
}

/// Notes what is wrong in a rule that stands in the scenario, at its own line.
fn note_inline(rule: &Spanned<String>, finding: &Finding, notes: &mut Notes<'_>) {
    let span = rule.span();
    let raw = notes.text.get(span.clone()).unwrap_or_default();
    let quotes = raw.len() - raw.trim_start_matches(['"', '\'']).len();
    let opened = raw.get(quotes..).unwrap_or_default();
    // A line break right after the quotes is not part of the text.
    let skipped = opened.len() - opened.trim_start_matches('\r').trim_start_matches('\n').len();
    let start = span.start + quotes + skipped.min(2);
    // Where nothing is escaped, the text is as it is written.
    let is_plain = notes.text.get(start..).is_some_and(|rest| rest.starts_with(rule.get_ref()));
    let (at, message) = if is_plain {
        (start + finding.span.start..start + finding.span.end, finding.message.clone())
    } else {
        let Finding { line, column, message, .. } = finding;
        (span, format!("line {line}, column {column} of the rule: {message}"))
    };
    notes.error(at, finding.code, message, finding.cure.clone());
}

/// Returns the registry that is given.
pub(super) fn registry(given: &Given, notes: &mut Notes<'_>) -> Registry {
    let mut registry = Registry::default();
    let name = |name: &Option<String>, id: &str| name.as_deref().unwrap_or(id).into();
    let boxed = |text: &Option<String>| text.as_deref().map(Into::into);
    if let Some(calendar) = &given.calendar {
        match Calendar::from_toml(calendar.get_ref()) {
            Ok(read) => registry.calendar = read,
            Err(errors) => {
                for error in errors {
                    let message = format!("the calendar's line {}: {error}", error.line());
                    notes.error(calendar.span(), "bad-calendar", message, "correct the calendar");
                }
            }
        }
    }
    for row in &given.people {
        let person = Person {
            name: name(&row.name, &row.id),
            manager: boxed(&row.manager),
            substitute: boxed(&row.substitute),
            team: boxed(&row.team),
            email: None,
            language: None,
            calendar: None,
        };
        registry.people.insert(row.id.as_str().into(), person);
    }
    for row in &given.accounts {
        let owner =
            reference(row.owner.as_ref(), "people", notes, |id| registry.people.contains_key(id));
        let account = Account { name: name(&row.name, &row.id), owner, consent: row.consent };
        registry.accounts.insert(row.id.as_str().into(), account);
    }
    for row in &given.sites {
        let account = reference(row.account.as_ref(), "accounts", notes, |id| {
            registry.accounts.contains_key(id)
        });
        let site = Site { name: name(&row.name, &row.id), account, region: boxed(&row.region) };
        registry.sites.insert(row.id.as_str().into(), site);
    }
    for row in &given.contacts {
        let account = reference(row.account.as_ref(), "accounts", notes, |id| {
            registry.accounts.contains_key(id)
        });
        let id: Box<str> = row.id.as_str().into();
        let tags: Vec<Box<str>> = row.tags.iter().map(|tag| tag.as_str().into()).collect();
        registry.tags.extend(tags.iter().map(|tag| (tag.clone(), id.clone())));
        let contact = Contact { name: name(&row.name, &row.id), account, is_test: row.test, tags };
        registry.contacts.insert(id, contact);
    }
    for row in &given.devices {
        add_devices(row, &mut registry, notes);
    }
    registry
}

fn add_devices(row: &DeviceRow, registry: &mut Registry, notes: &mut Notes<'_>) {
    let site = reference(row.site.as_ref(), "sites", notes, |id| registry.sites.contains_key(id));
    let account =
        reference(row.account.as_ref(), "accounts", notes, |id| registry.accounts.contains_key(id));
    let device = Device {
        model: row.model.as_deref().unwrap_or_default().into(),
        site,
        account,
        status: row.status,
    };
    for number in 1..=repeats(row.repeat.as_ref(), notes) {
        match DeviceId::new(&numbered(row.id.get_ref(), number)) {
            Ok(id) => drop(registry.devices.insert(id, device.clone())),
            Err(error) => {
                notes.error(row.id.span(), "bad-id", error.to_string(), "correct the id");
                return;
            }
        }
    }
}

/// Returns `text` with the number of a repetition for `{n}`, and with five digits for `{n:05}`.
pub(super) fn numbered(text: &str, number: usize) -> String {
    text.replace("{n}", &number.to_string()).replace("{n:05}", &format!("{number:05}"))
}

/// Returns how often something is repeated, once where nothing is said.
pub(super) fn repeats(repeat: Option<&Spanned<usize>>, notes: &mut Notes<'_>) -> usize {
    let Some(repeat) = repeat else { return 1 };
    if (1..=REPEAT_MAX).contains(repeat.get_ref()) {
        return *repeat.get_ref();
    }
    let message = format!("{} is no number of repetitions", repeat.get_ref());
    notes.error(repeat.span(), "bad-number", message, format!("use 1 to {REPEAT_MAX}"));
    1
}

fn reference(
    id: Option<&Spanned<String>>,
    table: &str,
    notes: &mut Notes<'_>,
    exists: impl FnOnce(&str) -> bool,
) -> Option<Box<str>> {
    let id = id?;
    if !exists(id.get_ref()) {
        let message = format!("'{}' is not among the {table}", id.get_ref());
        notes.error(id.span(), "unknown-row", message, format!("add it to given.{table}"));
    }
    Some(id.get_ref().as_str().into())
}
