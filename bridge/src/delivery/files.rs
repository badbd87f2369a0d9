//! The folder of documents: `destinations/*.toml`, `routes/*.toml` and the templates, all or none of
//! them.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;
use tokio::sync::watch;
use upturn_connectors::deliver::kind::Publisher;
use upturn_connectors::deliver::template::Templates;
use upturn_connectors::deliver::{KINDS, Surroundings};
use upturn_connectors::http::guard::Allowed;
use upturn_connectors::http::{Http, HttpError, Options};
use upturn_core::rule::finding::{Fault, Finding};
use upturn_core::task::Title;

use super::document::{LetterLanguage, Occurrence, OnlyDocument};
use super::route::Route;
use super::templates::{self, TEMPLATES};
use super::timing::Timing;
use super::{ASK_EVERY_S, BUILT_IN, Destination, Routing, TRIES, reading};
use crate::config::Config;
use crate::rules::{self, CheckedFile, RulesError};
use crate::supervisor::publisher::Broker;

/// The folder of destinations, within that of the documents.
pub(crate) const DESTINATIONS: &str = "destinations";
/// The folder of routes.
pub(crate) const ROUTES: &str = "routes";
/// Destinations at most; each has a worker of its own.
const DESTINATIONS_MAX: usize = 64;
/// Routes at most.
const ROUTES_MAX: usize = 256;

/// What documents are read with.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    dir: Option<PathBuf>,
    mqtt_topic: Option<String>,
    pages: Option<String>,
    around: Surroundings,
}

/// Why there is no delivery.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DeliveryError {
    /// The folder, or a file in it, cannot be read.
    #[error(transparent)]
    Folder(#[from] RulesError),
    /// Documents are wrong.
    #[error("{}", Summary(.0))]
    Wrong(Vec<CheckedFile>),
    /// No client for HTTP.
    #[error(transparent)]
    Http(#[from] HttpError),
}

/// Documents, and what was found in them.
#[derive(Debug, Default)]
pub(crate) struct Checked {
    /// The files, sound or not.
    pub(crate) files: Vec<CheckedFile>,
    destinations: BTreeMap<String, Arc<Destination>>,
    routes: Vec<Route>,
    templates: Templates,
}

impl Setup {
    /// Returns what the documents that `config` names are read with, with what channels use beside
    /// HTTP.
    pub(crate) fn new(config: &Config, publisher: Arc<dyn Publisher>) -> Result<Self, HttpError> {
        let http = Http::with(Options {
            allowed: Allowed::new(config.http.allow_private.iter().cloned()),
            authorities: config.http.ca_files.clone(),
            ..Options::default()
        })?;
        let pages = config.web.public_url.as_ref();
        Ok(Self {
            dir: config.delivery.dir.clone(),
            mqtt_topic: config.outbox.mqtt_topic.clone(),
            pages: pages.map(|url| url.trim_end_matches('/').to_owned()),
            around: Surroundings { http, publisher: Some(publisher) },
        })
    }

    /// Returns what documents are only looked at with: nothing is published.
    pub(crate) fn for_checks(config: &Config) -> Result<Self, HttpError> {
        Self::new(config, Arc::new(Broker(watch::Sender::new(None).subscribe())))
    }

    /// Returns the folder of documents, if the settings name one.
    pub(crate) fn dir(&self) -> Option<&Path> {
        self.dir.as_deref()
    }

    /// Reads all documents; one with an error refuses them all.
    pub(crate) fn load(&self) -> Result<Routing, DeliveryError> {
        let Checked { files, mut destinations, mut routes, templates } = match &self.dir {
            Some(dir) => self.check(dir)?,
            None => Checked::default(),
        };
        if files.iter().any(|file| !file.findings.is_empty()) {
            return Err(DeliveryError::Wrong(files));
        }
        if let Some((destination, route)) = self.built_in() {
            destinations.entry(BUILT_IN.to_owned()).or_insert_with(|| Arc::new(destination));
            routes.push(route);
        }
        routes.sort_by(|one, other| one.id.cmp(&other.id));
        let (templates, pages) = (Arc::new(templates), self.pages.clone());
        Ok(Routing { destinations, routes, templates, pages })
    }

    /// Reads the documents in the folder `dir` and says what is wrong with each, also between them.
    pub(crate) fn check(&self, dir: &Path) -> Result<Checked, RulesError> {
        let mut checked = Checked::default();
        let mut lines: BTreeMap<String, PathBuf> = BTreeMap::new();
        for path in files_in(dir, DESTINATIONS)? {
            let mut file = rules::read_text(path)?;
            if file.findings.is_empty() {
                let (found, findings) = reading::destination(&file.text, &self.around);
                file.findings = findings;
                if let Some(found) = found
                    && self.is_new(&mut file, &found.id, &mut lines)
                {
                    checked.destinations.insert(found.id.clone(), Arc::new(found));
                }
            }
            checked.files.push(file);
        }
        refuse_too_many(&mut checked.files, DESTINATIONS_MAX);
        let (mut lines, mut of_routes) = (BTreeMap::new(), Vec::new());
        for path in files_in(dir, ROUTES)? {
            let mut file = rules::read_text(path)?;
            if file.findings.is_empty() {
                let (found, findings) = reading::route(&file.text);
                file.findings = findings;
                if let Some(found) = found
                    && is_first(&mut file, &found.id, &mut lines)
                {
                    check_target(&mut file, &found, &checked.destinations, self.built_in_id());
                    checked.routes.push(found);
                }
            }
            of_routes.push(file);
        }
        refuse_too_many(&mut of_routes, ROUTES_MAX);
        checked.files.append(&mut of_routes);
        let known: Vec<&str> =
            checked.destinations.keys().map(String::as_str).chain(self.built_in_id()).collect();
        let (templates, mut of_templates) = templates::read(dir, &known)?;
        checked.templates = templates;
        checked.files.append(&mut of_templates);
        Ok(checked)
    }

    fn built_in_id(&self) -> Option<&'static str> {
        self.mqtt_topic.is_some().then_some(BUILT_IN)
    }

    fn is_new(
        &self,
        file: &mut CheckedFile,
        id: &str,
        lines: &mut BTreeMap<String, PathBuf>,
    ) -> bool {
        if self.built_in_id() == Some(id) {
            let what = format!("'{id}' is the destination of [outbox] mqtt_topic");
            let cure = "give this one another id, or remove that setting";
            report(file, "id", Fault::new("duplicate-id", what, cure));
            return false;
        }
        is_first(file, id, lines)
    }

    /// Returns the destination of `[outbox] mqtt_topic`, and the route to it.
    fn built_in(&self) -> Option<(Destination, Route)> {
        let topic = self.mqtt_topic.as_ref()?;
        let kind = KINDS.iter().find(|kind| kind.name == "mqtt")?;
        let channel = (kind.build)(&json!({ "topic": topic }), &self.around).ok()?;
        let mut settings = toml::Table::new();
        settings.insert("topic".to_owned(), topic.as_str().into());
        let mut text = toml::Table::new();
        text.insert("settings".to_owned(), settings.into());
        let destination = Destination {
            id: BUILT_IN.to_owned(),
            kind: kind.name,
            title: Title { en: Some("MQTT".to_owned()), zh: None },
            tries: TRIES,
            ask_every: chrono::TimeDelta::seconds(ASK_EVERY_S),
            channel: Arc::from(channel),
            text: text.to_string(),
        };
        let route = Route {
            id: BUILT_IN.to_owned(),
            on: vec![
                Occurrence::TaskCreated,
                Occurrence::TaskAmended,
                Occurrence::TaskWithdrawn,
                Occurrence::TaskContradicted,
            ],
            to: BUILT_IN.to_owned(),
            only: OnlyDocument::default(),
            timing: Timing::default(),
            language: LetterLanguage::En,
        };
        Some((destination, route))
    }
}

/// Returns the folder of documents that `path` is, or is in.
pub(crate) fn folder_of(path: &Path) -> Option<&Path> {
    if [DESTINATIONS, ROUTES, TEMPLATES].iter().any(|name| path.join(name).is_dir()) {
        return Some(path);
    }
    let folder = if path.is_dir() { path } else { path.parent()? };
    let name = folder.file_name()?;
    [DESTINATIONS, ROUTES, TEMPLATES]
        .iter()
        .any(|known| name == *known)
        .then(|| folder.parent())
        .flatten()
}

/// Returns the documents in the folder `name` of `dir`; none where there is no such folder.
fn files_in(dir: &Path, name: &str) -> Result<Vec<PathBuf>, RulesError> {
    // That the whole folder is missing is a mistake.
    rules::files_in(dir)?;
    match rules::files_in(&dir.join(name)) {
        Err(RulesError::Missing(_)) => Ok(Vec::new()),
        found => found,
    }
}

fn is_first(file: &mut CheckedFile, id: &str, lines: &mut BTreeMap<String, PathBuf>) -> bool {
    if let Some(first) = lines.get(id) {
        let what = format!("'{id}' is the id in {} too", first.display());
        report(file, "id", Fault::new("duplicate-id", what, "give one of them another id"));
        return false;
    }
    lines.insert(id.to_owned(), file.path.clone());
    true
}

fn check_target(
    file: &mut CheckedFile,
    route: &Route,
    destinations: &BTreeMap<String, Arc<Destination>>,
    built_in: Option<&str>,
) {
    if destinations.contains_key(&route.to) || built_in == Some(&route.to) {
        return;
    }
    let known: Vec<_> = destinations.keys().map(String::as_str).chain(built_in).collect();
    let cure = match &known[..] {
        [] => format!("write {DESTINATIONS}/{}.toml", route.to),
        known => format!("use one of: {}", known.join(", ")),
    };
    let what = format!("there is no sound destination '{}'", route.to);
    report(file, "to", Fault::new("unknown-destination", what, cure));
}

fn refuse_too_many(files: &mut [CheckedFile], most: usize) {
    for file in files.iter_mut().skip(most) {
        let what = format!("there are more than {most} such documents");
        report(file, "id", Fault::new("too-many", what, "put together what can be"));
    }
}

fn report(file: &mut CheckedFile, key: &str, fault: Fault) {
    let span = reading::span_of(&file.text, &[key]);
    file.findings.push(Finding::error(&file.text, span, fault));
}

/// Says how much is wrong, where it begins, and how to see all of it.
struct Summary<'f>(&'f [CheckedFile]);

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let errors = self.0.iter().flat_map(|file| file.findings.iter().map(move |e| (file, e)));
        let count = errors.clone().count();
        write!(f, "destinations and routes have {count} error")?;
        f.write_str(if count == 1 { "" } else { "s" })?;
        for (file, first) in errors.take(1) {
            let Finding { line, column, message, .. } = first;
            write!(f, ", the first at {}:{line}:{column}: {message}", file.path.display())?;
        }
        f.write_str("; see all of them with `upturn check`")
    }
}

#[cfg(test)]
mod tests {
    use super::super::document;
    use super::*;

    const DEPLOY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/delivery");

    #[test]
    fn the_samples_are_sound_and_their_schemas_are_ours() {
        let mut config = Config::default();
        config.delivery.dir = Some(DEPLOY.into());
        config.web.public_url = Some("https://upturn.example/".to_owned());
        let routing = Setup::for_checks(&config).unwrap().load().unwrap();
        assert!(routing.destinations.contains_key("devices"));
        assert_eq!(routing.topics(), ["devices/{device}/tasks"]);
        assert_eq!(routing.pages.as_deref(), Some("https://upturn.example"));
        for (name, schema) in
            [("destination", document::destination_schema()), ("route", document::route_schema())]
        {
            let path = format!("{DEPLOY}/{name}.schema.json");
            let kept = std::fs::read_to_string(path).unwrap_or_default();
            assert!(kept == schema, "write it anew: upturn schema {name}");
        }
    }

    #[test]
    fn one_wrong_document_refuses_them_all_and_the_topic_of_the_settings_is_a_destination() {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        config.outbox.mqtt_topic = Some("t/{device}".to_owned());
        let alone = Setup::for_checks(&config).unwrap().load().unwrap();
        assert_eq!(alone.destinations.keys().collect::<Vec<_>>(), [BUILT_IN]);
        assert!(alone.tells(Occurrence::TaskCreated) && !alone.tells(Occurrence::TaskDone));

        config.delivery.dir = Some(folder.path().join("missing"));
        let missing = Setup::for_checks(&config).unwrap().load().unwrap_err();
        assert!(missing.to_string().contains("there is no file or folder"), "{missing}");

        config.delivery.dir = Some(folder.path().to_owned());
        let routes = folder.path().join(ROUTES);
        std::fs::create_dir(&routes).unwrap();
        let route = "id = \"r\"\non = [\"task-done\"]\nto = \"mqtt\"\n";
        std::fs::write(routes.join("a.toml"), route).unwrap();
        let both = Setup::for_checks(&config).unwrap().load().unwrap();
        assert!(both.tells(Occurrence::TaskDone), "a route may lead to the built-in one");

        std::fs::write(routes.join("b.toml"), route).unwrap();
        let wrong = Setup::for_checks(&config).unwrap().load().unwrap_err();
        let said = wrong.to_string();
        assert!(said.starts_with("destinations and routes have 1 error, the first at "), "{said}");
        assert!(said.contains("b.toml:1:6: 'r' is the id in "), "{said}");
    }
}
