//! Letters as tasks or appointments in a calendar, over `CalDAV`.
//!
//! **What it does** puts one item for each task into a collection: a to-do, or an appointment that
//! ends when the task is due. Its id is a function of the task's, and it is made only if it is not
//! there, so that a repetition changes nothing. Later letters change what people left alone; what
//! people closed stays closed, and closes the task here. The calendar of a consultant is read, too: meetings
//! are booked into its free hours.
//! **When it fires** as soon as the task and its letter are committed and its hold is over.
//! **Example** `collection = "https://dav.example.com/sales/tasks/"`, `user = "upturn"`
//! **Settings** the collection, who logs in, and what a task becomes.

use std::collections::BTreeMap;
use std::path::PathBuf;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use quick_xml::escape::escape;
use schemars::JsonSchema;
use serde::Deserialize;
use upturn_core::booking::Span;
use url::Url;

use self::item::{Amended, Form};
use super::channel::{Channel, Receipt, RecordState};
use super::failure::Failure;
use super::kind::{self, Kind, Proof, SettingsError};
use super::letter::Letter;
use crate::http::header::{
    AUTHORIZATION, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, IF_MATCH, IF_NONE_MATCH,
};
use crate::http::{Answer, Http, Method, Request};
use crate::secret::Secret;

mod busy;
mod dav;
mod item;

/// This kind of channel.
pub const KIND: Kind = Kind {
    name: "caldav",
    about: "Puts tasks or appointments into a calendar, and learns when they are closed there.",
    proof: Proof::Real("Radicale 3.9"),
    schema: || schemars::schema_for!(Settings),
    build: |settings, around| Ok(Box::new(Caldav::new(&kind::read(settings)?, &around.http)?)),
};

/// Which calendar, and what lies in it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The address of the collection, with a slash at its end.
    pub collection: String,
    /// The name to log in with.
    pub user: String,
    /// The file with the password; its whole path.
    pub password_file: PathBuf,
    /// What a task becomes.
    #[serde(default)]
    pub component: Component,
    /// How long an appointment is, in minutes: 1 to 1,440.
    #[serde(default = "half_an_hour")]
    pub minutes: u16,
    /// The person whose calendar this is, by id: meetings of customers with them are booked into its free
    /// hours. Needs `component = "appointment"`. Default: nobody's.
    pub consultant: Option<String>,
}

/// What a task becomes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Component {
    /// A to-do with a due time.
    #[default]
    Task,
    /// An appointment that ends when the task is due.
    Appointment,
}

fn half_an_hour() -> u16 {
    30
}

/// How often a change is tried anew because somebody else was faster.
const RACES_MAX: usize = 4;
/// How many items are asked for at once: their answer has to stay below what is read.
const ASKED_MAX: usize = 25;
/// How many appointments a consultant may have within the time that is asked for.
const SPANS_MAX: usize = 10_000;
const CALENDAR: HeaderValue = HeaderValue::from_static("text/calendar; charset=utf-8");
const XML: HeaderValue = HeaderValue::from_static("application/xml; charset=utf-8");

/// Letters as calendar items.
#[derive(Debug)]
struct Caldav {
    collection: Url,
    form: Form,
    consultant: Option<String>,
    /// `user:password` as it goes over the wire, and the password, to be kept out of reasons.
    secrets: [Secret; 2],
    http: Http,
}

/// An item as the server has it.
#[derive(Debug)]
struct Held {
    calendar: String,
    tag: Option<HeaderValue>,
}

impl Caldav {
    fn new(settings: &Settings, http: &Http) -> Result<Self, SettingsError> {
        let no = |why: &str| Err(SettingsError(why.to_owned()));
        let collection = kind::address(http, "collection", &settings.collection)?;
        if !collection.path().ends_with('/') || collection.query().is_some() {
            return no("'collection' is no collection; write its address with '/' at the end");
        }
        if settings.user.contains(':') || settings.user.chars().any(char::is_control) {
            return no("'user' must not contain ':' or control characters");
        }
        if !(1..=1_440).contains(&settings.minutes) {
            return no("'minutes' must be 1 to 1440");
        }
        let password = Secret::read(&settings.password_file)
            .map_err(|error| SettingsError(format!("'password_file' cannot be used: {error}")))?;
        let basic = STANDARD.encode(format!("{}:{}", settings.user, password.expose()));
        let form = match settings.component {
            Component::Task => Form::Task,
            Component::Appointment => {
                Form::Appointment(TimeDelta::minutes(i64::from(settings.minutes)))
            }
        };
        let consultant = settings.consultant.clone();
        if consultant.is_some() && form == Form::Task {
            return no("'consultant' needs appointments; write component = \"appointment\"");
        }
        let secrets = [Secret::from(basic), password];
        Ok(Self { collection, form, consultant, secrets, http: http.clone() })
    }

    fn address(&self, name: &str) -> Result<Url, Failure> {
        let url = self.collection.join(name).ok();
        url.ok_or_else(|| Failure::refused("the task's id makes no address"))
    }

    async fn ask(
        &self,
        method: &str,
        url: Url,
        headers: &[(HeaderName, HeaderValue)],
        body: String,
    ) -> Result<Answer, Failure> {
        let method = Method::from_bytes(method.as_bytes()).unwrap_or_default();
        let mut request = Request::new(method, url);
        let [basic, _] = &self.secrets;
        let authorization = HeaderValue::try_from(format!("Basic {}", basic.expose()));
        let mut authorization =
            authorization.map_err(|_| Failure::later("user and password make no header"))?;
        authorization.set_sensitive(true);
        request.headers.insert(AUTHORIZATION, authorization);
        request.headers.extend(headers.iter().cloned());
        request.body = Bytes::from(body);
        Ok(self.http.send(request).await?)
    }

    /// Returns what an answer without success means, without our password in it.
    fn failure(&self, mut answer: Answer) -> Failure {
        let mut text = answer.text();
        for secret in &self.secrets {
            text = secret.hide_in(&text);
        }
        answer.body = Bytes::from(text);
        Failure::of_answer(&answer)
    }

    /// Returns the item at `url`, if there is one.
    async fn get(&self, url: Url) -> Result<Option<Held>, Failure> {
        let answer = self.ask("GET", url, &[], String::new()).await?;
        match answer.status {
            200 => {
                Ok(Some(Held { calendar: answer.text(), tag: answer.headers.get(ETAG).cloned() }))
            }
            404 | 410 => Ok(None),
            _ => Err(self.failure(answer)),
        }
    }

    /// Puts `calendar` at `url` if `condition` holds; tells whether it did.
    async fn put(
        &self,
        url: Url,
        condition: (HeaderName, HeaderValue),
        calendar: String,
    ) -> Result<bool, Failure> {
        let answer = self.ask("PUT", url, &[(CONTENT_TYPE, CALENDAR), condition], calendar).await?;
        match answer.status {
            412 => Ok(false),
            _ if answer.is_success() => Ok(true),
            _ => Err(self.failure(answer)),
        }
    }

    async fn create(
        &self,
        letter: &Letter,
        url: &Url,
        now: DateTime<Utc>,
    ) -> Result<bool, Failure> {
        let calendar = item::compose(self.form, letter, now)?;
        let if_absent = (IF_NONE_MATCH, HeaderValue::from_static("*"));
        self.put(url.clone(), if_absent, calendar).await
    }

    fn receipt(&self, name: String, was_there: bool) -> Result<Receipt, Failure> {
        let url = self.address(&name)?.to_string();
        Ok(Receipt { remote: Some(name), url: Some(url), was_there })
    }

    async fn report(
        &self,
        method: &str,
        depth: u8,
        body: String,
    ) -> Result<Vec<dav::Resource>, Failure> {
        let depth = (HeaderName::from_static("depth"), HeaderValue::from(u16::from(depth)));
        let url = self.collection.clone();
        let answer = self.ask(method, url, &[depth, (CONTENT_TYPE, XML)], body).await?;
        if answer.status != 207 {
            return Err(self.failure(answer));
        }
        dav::read(&answer.text()).map_err(|why| {
            Failure::later(format!("its answer was not understood ({why}); is this a calendar?"))
        })
    }
}

/// Returns the name of the letter's item in the collection.
fn name(letter: &Letter) -> String {
    format!("{}.ics", item::uid(letter))
}

#[async_trait]
impl Channel for Caldav {
    async fn find(&self, letter: &Letter) -> Result<Option<Receipt>, Failure> {
        let name = name(letter);
        match self.get(self.address(&name)?).await? {
            // Whether a later letter was put into it, or this one, the item is there.
            Some(held) if letter.is_first() || item::holds(&held.calendar, letter) => {
                self.receipt(name, true).map(Some)
            }
            _ => Ok(None),
        }
    }

    async fn send(&self, letter: &Letter, now: DateTime<Utc>) -> Result<Receipt, Failure> {
        if letter.kind == "digest" {
            return Err(Failure::refused("a digest is no task; send digests to people"));
        }
        let name = name(letter);
        let url = self.address(&name)?;
        if letter.is_first() {
            // A refusal of the condition says that it is there.
            let is_new = self.create(letter, &url, now).await?;
            return self.receipt(name, !is_new);
        }
        for _ in 0..RACES_MAX {
            let Some(held) = self.get(url.clone()).await? else {
                if matches!(&*letter.kind, "task-withdrawn" | "task-dismissed") {
                    // There is nothing to take back; it may have been deleted there.
                    return Ok(Receipt::default());
                }
                if self.create(letter, &url, now).await? {
                    return self.receipt(name, false);
                }
                continue;
            };
            let changed = match item::amend(self.form, &held.calendar, letter, now)? {
                Amended::Same => return self.receipt(name, true),
                Amended::Changed(calendar) => calendar,
            };
            let Some(tag) = held.tag else {
                return Err(Failure::later(
                    "the server gives items no tag (ETag), without which a \
                                           change could undo somebody else's; use another server",
                ));
            };
            if self.put(url.clone(), (IF_MATCH, tag), changed).await? {
                return self.receipt(name, false);
            }
        }
        Err(Failure::later("somebody else kept changing the item; it is tried again"))
    }

    fn preview(&self, letter: &Letter, now: DateTime<Utc>) -> Option<String> {
        item::compose(self.form, letter, now).ok()
    }

    async fn test(&self, _now: DateTime<Utc>) -> Result<String, Failure> {
        const ASKED: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<d:propfind xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><d:prop><d:resourcetype/><c:supported-calendar-component-set/><d:current-user-privilege-set/></d:prop></d:propfind>"#;
        let found = self.report("PROPFIND", 0, ASKED.to_owned()).await?;
        let Some(collection) = found.first().filter(|found| found.is_calendar) else {
            return Err(Failure::later("there is no calendar at this address; check 'collection'"));
        };
        let component = match self.form {
            Form::Task => "VTODO",
            Form::Appointment(_) => "VEVENT",
        };
        if !collection.components.is_empty() && !collection.components.contains(component) {
            return Err(Failure::later(format!(
                "the calendar takes no {component}; use another one"
            )));
        }
        let may = &collection.privileges;
        let can_write =
            ["write", "write-content", "all", "bind"].iter().any(|name| may.contains(*name));
        if !may.is_empty() && !can_write {
            return Err(Failure::later("the user may only read this calendar; let it write, too"));
        }
        Ok(format!("the calendar is there and takes {component}; nothing was changed"))
    }

    async fn states(&self, remotes: &[String]) -> Result<Vec<RecordState>, Failure> {
        let mut states = Vec::new();
        for some in remotes.chunks(ASKED_MAX) {
            let mut paths = BTreeMap::new();
            for remote in some {
                paths.insert(self.address(remote)?.path().to_owned(), remote);
            }
            let asked: Vec<_> = paths
                .keys()
                .map(|path| format!("<d:href>{}</d:href>", escape(path.as_str())))
                .collect();
            let body = format!(
                "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<c:calendar-multiget xmlns:d=\"DAV:\" \
                 xmlns:c=\"urn:ietf:params:xml:ns:caldav\"><d:prop><d:getetag/><c:calendar-data/>\
                 </d:prop>{}</c:calendar-multiget>",
                asked.concat()
            );
            for found in self.report("REPORT", 1, body).await? {
                let path = self.collection.join(&found.href).ok();
                let remote = path.and_then(|path| paths.get(path.path()).copied());
                let (Some(remote), Some(calendar)) = (remote, found.calendar) else { continue };
                let uid = remote.strip_suffix(".ics").unwrap_or(remote);
                if let Some(state) = item::state(self.form, &calendar, uid) {
                    let (remote, at) = (remote.clone(), state.at);
                    states.push(RecordState { remote, progress: state.progress, at });
                }
            }
        }
        Ok(states)
    }

    fn can_be_asked(&self) -> bool {
        true
    }

    fn consultant(&self) -> Option<&str> {
        self.consultant.as_deref()
    }

    async fn busy(&self, within: Span, zone: Tz) -> Result<Vec<Span>, Failure> {
        let mut spans = Vec::new();
        for found in self.report("REPORT", 1, busy::query(within)).await? {
            let Some(calendar) = found.calendar else { continue };
            let read = busy::read(&calendar, within, zone);
            spans.extend(read.map_err(|why| {
                Failure::later(format!("an appointment in the calendar is not understood: {why}"))
            })?);
            if SPANS_MAX < spans.len() {
                return Err(Failure::later(format!(
                    "the calendar has more than {SPANS_MAX} appointments in that time"
                )));
            }
        }
        Ok(spans)
    }
}
