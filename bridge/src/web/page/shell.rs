//! What every page has around it: words, links, the reader's name.

use axum::extract::FromRequestParts;
use axum::http::Uri;
use axum::http::request::Parts;
use axum::response::Response;

use crate::auth::rights::Action;
use crate::auth::sight::Sight;
use crate::web::App;
use crate::web::asset;
use crate::web::caller::Caller;
use crate::web::fault::{Fault, FaultKind};
use crate::web::i18n::{self, key};
use crate::web::language::Language;
use crate::web::session::Reader;
use crate::web::when::Teller;

/// The frame of a page.
#[derive(Clone, Debug)]
pub(crate) struct Shell {
    /// The reader's language.
    pub(crate) language: Language,
    /// The reader, if somebody is logged in.
    pub(crate) reader: Option<Caller>,
    /// Where the page is, to mark it in the navigation.
    pub(crate) path: String,
    /// The same page in each language.
    pub(crate) languages: Vec<LanguageLink>,
    /// The zone that times are shown in.
    pub(crate) zone: &'static str,
}

/// A link to the same page in another language.
#[derive(Clone, Debug)]
pub(crate) struct LanguageLink {
    /// Where it leads.
    pub(crate) href: String,
    /// The language.
    pub(crate) language: Language,
}

/// A part of the pages.
#[derive(Clone, Debug)]
pub(crate) struct Section {
    /// Where it begins.
    pub(crate) href: &'static str,
    /// Its name.
    pub(crate) label: String,
}

/// A part of the product: sections that one kind of work needs.
#[derive(Debug)]
pub(crate) struct Part {
    /// Its name.
    pub(crate) label: String,
    /// Its sections, at least one.
    pub(crate) sections: Vec<Section>,
    /// Whether the page is in one of them.
    pub(crate) is_here: bool,
}

impl Part {
    /// Returns the address of its first section.
    pub(crate) fn href(&self) -> &'static str {
        self.sections.first().map_or("/", |section| section.href)
    }
}

/// A section's right, address and name.
type Entry = (Action, &'static str, &'static str);

/// All parts with their sections. A page that is opened from lists alone has no line.
const PARTS: [(&str, &[Entry]); 5] = [
    (
        key!("nav-work"),
        &[
            (Action::ReadTasks, "/", key!("nav-start")),
            (Action::ReadTasks, "/tasks", key!("nav-tasks")),
            (Action::ReadTasks, "/leads", key!("nav-leads")),
            (Action::ReadCoupons, "/coupons", key!("nav-coupons")),
            (Action::ReadTasks, "/figures", key!("nav-figures")),
        ],
    ),
    (
        key!("nav-selling"),
        &[
            (Action::ReadDeals, "/deals", key!("nav-deals")),
            (Action::ReadDeals, "/quotes", key!("nav-quotes")),
            (Action::ReadDeals, "/approvals", key!("nav-approvals")),
            (Action::ReadDeals, "/reports", key!("nav-reports")),
        ],
    ),
    (
        key!("nav-logistics"),
        &[
            (Action::ReadAdvice, "/advice", key!("nav-advice")),
            (Action::ReadDeals, "/deliveries-at-risk", key!("nav-at-risk")),
            (Action::ReadForecasts, "/forecasts", key!("nav-forecasts")),
        ],
    ),
    (
        key!("nav-set-up"),
        &[
            (Action::ReadRules, "/rules", key!("nav-rules")),
            (Action::ReadFeeds, "/feeds", key!("nav-feeds")),
            (Action::ReadFeeds, "/calendars", key!("nav-calendars")),
            (Action::ReadRecords, "/records", key!("nav-records")),
            (Action::ReadDestinations, "/destinations", key!("nav-destinations")),
            (Action::ReadDeadLetters, "/dead-letters", key!("nav-dead-letters")),
        ],
    ),
    (
        key!("nav-house"),
        &[
            (Action::ReadPeople, "/people", key!("nav-people")),
            (Action::ReadAudit, "/audit", key!("nav-audit")),
        ],
    ),
];

impl Shell {
    /// Returns the frame of a page that needs no log-in.
    pub(crate) fn for_nobody(app: &App, language: Language, uri: &Uri) -> Self {
        let links = Language::ALL
            .map(|other| LanguageLink { href: in_language(uri, other), language: other });
        Self {
            language,
            reader: None,
            path: uri.path().to_owned(),
            languages: links.into(),
            zone: app.reloader.zone().name(),
        }
    }

    /// Returns the text for `key` in the reader's language.
    pub(crate) fn text(&self, key: &str) -> String {
        i18n::text(self.language, key)
    }

    /// Returns whether the reader may do `action` to anything.
    pub(crate) fn can(&self, action: Action) -> bool {
        self.reader.as_ref().is_some_and(|reader| reader.can(action))
    }

    /// Returns the parts of the product that the reader may see, each with its sections.
    pub(crate) fn parts(&self) -> Vec<Part> {
        let open = PARTS.iter().map(|(label, sections)| {
            let open = sections.iter().filter(|(action, _, _)| self.can(*action));
            let sections: Vec<_> =
                open.map(|(_, href, label)| Section { href, label: self.text(label) }).collect();
            let is_here = sections.iter().any(|section| self.is_in(section.href));
            Part { label: self.text(label), sections, is_here }
        });
        open.filter(|part| !part.sections.is_empty()).collect()
    }

    /// Returns the reader; refuses where nobody is logged in.
    pub(crate) fn caller(&self) -> Result<&Caller, Fault> {
        self.reader.as_ref().ok_or_else(|| FaultKind::Unauthenticated.into())
    }

    /// Refuses unless the reader may do `action` to everything.
    pub(crate) fn check(&self, action: Action) -> Result<(), Fault> {
        self.caller()?.check(action)
    }

    /// Returns what the reader may do `action` to; refuses if it is nothing.
    pub(crate) async fn sight(&self, app: &App, action: Action) -> Result<Sight, Fault> {
        self.caller()?.sight(app, action).await
    }

    /// Returns the frame of a page for `caller`, who may have yet to choose a password.
    pub(crate) fn for_caller(app: &App, language: Language, uri: &Uri, caller: Caller) -> Self {
        Self { reader: Some(caller), ..Self::for_nobody(app, language, uri) }
    }

    /// Returns whether the reader has a password of their own, so that other pages are open.
    pub(crate) fn is_settled(&self) -> bool {
        self.reader.as_ref().is_some_and(|reader| reader.person.password_given_at.is_none())
    }

    /// Returns the path of the asset called `name`.
    #[expect(clippy::unused_self, reason = "templates reach functions through the shell")]
    pub(crate) fn asset(&self, name: &str) -> &'static str {
        asset::path(name)
    }

    /// Returns whether the page stands below `section`.
    pub(crate) fn is_in(&self, section: &str) -> bool {
        self.path.strip_prefix(section).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Returns what times are told by.
    pub(crate) fn teller(&self, app: &App) -> Teller {
        Teller { language: self.language, zone: app.reloader.zone(), now: app.clock.now() }
    }
}

fn in_language(uri: &Uri, language: Language) -> String {
    let query = uri.query().unwrap_or_default();
    let others = url::form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name != "lang");
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(others)
        .append_pair("lang", language.tag())
        .finish();
    format!("{}?{query}", uri.path())
}

/// The frame of a page for somebody who is logged in. Others are sent to the log-in page.
impl FromRequestParts<App> for Shell {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let Reader(caller) = Reader::from_request_parts(parts, app).await?;
        let language = parts.extensions.get().copied().unwrap_or(Language::En);
        Ok(Self::for_caller(app, language, &parts.uri, caller))
    }
}
