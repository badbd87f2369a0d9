//! What went wrong with a request, told in one way: a page to a browser, RFC 9457 to a program.

use std::borrow::Cow;
use std::error::Error;
use std::sync::Arc;

use askama::Template as _;
use axum::Json;
use axum::extract::{Request, State};
use axum::http::HeaderName;
use axum::http::header::{
    ALLOW, CONTENT_TYPE, HeaderValue, RETRY_AFTER, SET_COOKIE, WWW_AUTHENTICATE,
};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use serde::Serialize;

use super::App;
use super::i18n::{find_text, text};
use super::language::Language;
use super::page::fault::FaultPage;
use super::page::shell::Shell;
use crate::auth::password::PasswordError;
use crate::hex::hex;
use crate::people::PeopleError;
use crate::reload::FileFinding;
use crate::store::error::StoreError;

pub(crate) use self::kind::FaultKind;

mod kind;

/// The media type of a problem.
const PROBLEM_JSON: &str = "application/problem+json";

/// What of an answer outlives its replacement by a told fault.
const KEPT: [HeaderName; 4] = [ALLOW, RETRY_AFTER, SET_COOKIE, WWW_AUTHENTICATE];

/// One of many things that were sent, and what is wrong with it.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct WrongItem {
    /// Which one, counted from 0.
    pub(crate) index: usize,
    /// The line it stands on, counted from 1, where things are sent by lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<usize>,
    /// Where it stands in a JSON document, as a JSON Pointer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pointer: Option<String>,
    /// The stable word for this kind of trouble.
    pub(crate) code: Cow<'static, str>,
    /// What is wrong and what would be right.
    pub(crate) detail: String,
}

/// One of many things that are wrong.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
#[serde(untagged)]
enum Wrong {
    Item(WrongItem),
    File(FileFinding),
}

/// What went wrong with a request.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    /// Its kind.
    pub(crate) kind: FaultKind,
    /// What exactly, for people; never about the inside of the program.
    detail: Option<String>,
    /// Each thing that is wrong, where there may be many.
    items: Vec<Wrong>,
    /// Seconds to wait before the next try.
    retry_after_s: Option<i64>,
    /// What to log.
    source: Option<Arc<dyn Error + Send + Sync>>,
}

impl From<FaultKind> for Fault {
    fn from(kind: FaultKind) -> Self {
        Self { kind, detail: None, items: Vec::new(), retry_after_s: None, source: None }
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        let kind = if error.is_transient() { FaultKind::Unavailable } else { FaultKind::Internal };
        Self { source: Some(Arc::new(error)), ..kind.into() }
    }
}

impl From<PeopleError> for Fault {
    fn from(error: PeopleError) -> Self {
        let kind = match error {
            PeopleError::Store(error) => return error.into(),
            PeopleError::Random(error) => return Self::internal(error),
            PeopleError::Password(error @ (PasswordError::Hash(_) | PasswordError::Stopped)) => {
                return Self::internal(error);
            }
            PeopleError::Unknown(_) | PeopleError::UnknownToken(_) => FaultKind::NotFound,
            PeopleError::Taken(_) => FaultKind::PersonTaken,
            PeopleError::Changed(_) => FaultKind::PersonChanged,
            PeopleError::Oneself => FaultKind::Forbidden,
            PeopleError::Name(_)
            | PeopleError::Profile(_)
            | PeopleError::Password(_)
            | PeopleError::Token => FaultKind::WrongPerson,
        };
        Self::of(kind, error.to_string())
    }
}

impl Fault {
    /// Returns a fault of the request, with what exactly is wrong and what would be right.
    pub(crate) fn bad_request(detail: impl Into<String>) -> Self {
        Self::of(FaultKind::BadRequest, detail)
    }

    /// Returns a fault of `kind`, with what exactly is wrong and what would be right.
    pub(crate) fn of(kind: FaultKind, detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..kind.into() }
    }

    /// Returns the refusal of events, all of them, because `items` are wrong.
    pub(crate) fn wrong_events(detail: String, items: Vec<WrongItem>) -> Self {
        let items = items.into_iter().map(Wrong::Item).collect();
        Self { items, ..Self::of(FaultKind::WrongEvents, detail) }
    }

    /// Returns the refusal of a quote's request, because of `items`.
    pub(crate) fn wrong_quote(detail: String, items: Vec<WrongItem>) -> Self {
        let items = items.into_iter().map(Wrong::Item).collect();
        Self { items, ..Self::of(FaultKind::WrongQuote, detail) }
    }

    /// Returns a fault of `kind` with the stable word for what exactly is wrong.
    pub(crate) fn with_code(kind: FaultKind, code: &'static str, detail: String) -> Self {
        let item = WrongItem {
            index: 0,
            line: None,
            pointer: None,
            code: code.into(),
            detail: detail.clone(),
        };
        Self { items: vec![Wrong::Item(item)], ..Self::of(kind, detail) }
    }

    /// Returns the refusal of records, all of them, because `items` are wrong.
    pub(crate) fn wrong_records(detail: String, items: Vec<WrongItem>) -> Self {
        let items = items.into_iter().map(Wrong::Item).collect();
        Self { items, ..Self::of(FaultKind::WrongRecords, detail) }
    }

    /// Returns the refusal of a reload, because of `findings`.
    pub(crate) fn wrong_rules(detail: String, findings: Vec<FileFinding>) -> Self {
        let items = findings.into_iter().map(Wrong::File).collect();
        Self { items, ..Self::of(FaultKind::WrongRules, detail) }
    }

    /// Returns the request to send the same again in a moment.
    pub(crate) fn try_again(detail: impl Into<String>, retry_after_s: i64) -> Self {
        let retry_after_s = Some(retry_after_s.max(1));
        Self { retry_after_s, ..Self::of(FaultKind::Unavailable, detail) }
    }

    /// Returns what exactly is wrong, for people who read `language`: its stable word in their language,
    /// and the sentence.
    pub(crate) fn words(&self, language: Language) -> String {
        let code = self.items.iter().find_map(|item| match item {
            Wrong::Item(item) => Some(&item.code),
            Wrong::File(_) => None,
        });
        let told = code.and_then(|code| {
            let found = find_text(language, &format!("refused-{code}"));
            found.or_else(|| find_text(language, &format!("problem-{code}")))
        });
        let parts = [told, self.detail.clone()];
        parts.into_iter().flatten().collect::<Vec<_>>().join(": ")
    }

    /// Returns a fault of ours.
    pub(crate) fn internal(source: impl Error + Send + Sync + 'static) -> Self {
        Self { source: Some(Arc::new(source)), ..FaultKind::Internal.into() }
    }

    /// Returns the refusal of one more try.
    pub(crate) fn too_many_attempts(retry_after_s: i64) -> Self {
        Self { retry_after_s: Some(retry_after_s.max(1)), ..FaultKind::TooManyAttempts.into() }
    }
}

impl IntoResponse for Fault {
    /// Answers with the bare status; [`tell`] puts it into words.
    fn into_response(self) -> Response {
        let mut response = self.kind.status().into_response();
        let headers = response.headers_mut();
        if let Some(seconds) = self.retry_after_s {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.kind == FaultKind::Unauthenticated {
            let bearer = HeaderValue::from_static("Bearer realm=\"Upturn\"");
            headers.insert(WWW_AUTHENTICATE, bearer);
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// Marks an error answer that is already in words.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told;

/// RFC 9457.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Problem<'a> {
    r#type: String,
    title: String,
    status: u16,
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [Wrong],
    #[serde(skip_serializing_if = "Option::is_none")]
    correlation_id: Option<&'a str>,
}

/// Puts every error answer into words, whoever gave it: a handler, a library, a limit.
pub(crate) async fn tell(State(app): State<App>, request: Request, next: Next) -> Response {
    let language = request.extensions().get().copied().unwrap_or(Language::En);
    let uri = request.uri().clone();
    let mut bare = next.run(request).await;
    let is_error = bare.status().is_client_error() || bare.status().is_server_error();
    if !is_error || bare.extensions().get::<Told>().is_some() {
        return bare;
    }

    let status = bare.status();
    let fault = bare.extensions_mut().remove::<Fault>();
    let fault = fault.unwrap_or_else(|| FaultKind::of_status(status).into());
    let correlation_id = fault.kind.status().is_server_error().then(|| log(&fault));
    let path = uri.path();
    let mut told = if path == "/api" || path.starts_with("/api/") {
        problem(&fault, language, correlation_id.as_deref())
    } else {
        let shell = Shell::for_nobody(&app, language, &uri);
        let page = FaultPage { shell, kind: fault.kind, detail: fault.detail, correlation_id };
        page.render().map_or_else(|_| ().into_response(), |html| Html(html).into_response())
    };
    *told.status_mut() = fault.kind.status();
    for name in KEPT {
        if let Some(value) = bare.headers_mut().remove(&name) {
            told.headers_mut().insert(name, value);
        }
    }
    told
}

fn problem(fault: &Fault, language: Language, correlation_id: Option<&str>) -> Response {
    let code = fault.kind.code();
    let problem = Problem {
        r#type: format!("/problems/{code}"),
        title: text(language, &format!("fault-{code}")),
        status: fault.kind.status().as_u16(),
        code,
        detail: fault.detail.as_deref(),
        errors: &fault.items,
        correlation_id,
    };
    ([(CONTENT_TYPE, PROBLEM_JSON)], Json(problem)).into_response()
}

/// Logs a fault of ours and returns the id under which it is found.
fn log(fault: &Fault) -> String {
    let mut bytes = [0; 8];
    // Without chance the id is zero: still better than no answer.
    getrandom::fill(&mut bytes).ok();
    let id = hex(&bytes);
    let error = fault.source.as_deref().map(|source| source as &dyn Error);
    match fault.kind {
        FaultKind::Unavailable => {
            tracing::warn!(correlation.id = id, error, "a request has to be repeated");
        }
        FaultKind::BadRequest
        | FaultKind::Unauthenticated
        | FaultKind::CrossSite
        | FaultKind::Forbidden
        | FaultKind::PasswordGiven
        | FaultKind::NotFound
        | FaultKind::MethodNotAllowed
        | FaultKind::TooLarge
        | FaultKind::UnsupportedMediaType
        | FaultKind::TaskClosed
        | FaultKind::TaskChanged
        | FaultKind::TaskOnTrial
        | FaultKind::WrongAct
        | FaultKind::CouponIssued
        | FaultKind::CouponBudget
        | FaultKind::CouponPool
        | FaultKind::SlotTaken
        | FaultKind::NoConsent
        | FaultKind::LetterState
        | FaultKind::SetState
        | FaultKind::AdviceChanged
        | FaultKind::TrialOpen
        | FaultKind::OwnFeed
        | FaultKind::WrongSecret
        | FaultKind::NotRouted
        | FaultKind::WrongEvents
        | FaultKind::WrongRules
        | FaultKind::WrongRecords
        | FaultKind::RecordState
        | FaultKind::PersonTaken
        | FaultKind::PersonChanged
        | FaultKind::WrongPerson
        | FaultKind::DealChanged
        | FaultKind::DealRefused
        | FaultKind::WrongQuote
        | FaultKind::TooManyAttempts
        | FaultKind::Internal => {
            tracing::error!(correlation.id = id, error, "a request was not answered");
        }
    }
    id
}
