//! What went wrong with a request, told in one way: a page to a browser, RFC 9457 to a program.

use std::borrow::Cow;
use std::error::Error;
use std::sync::Arc;

use askama::Template as _;
use axum::Json;
use axum::extract::{Request, State};
use axum::http::header::{
    ALLOW, CONTENT_TYPE, HeaderValue, RETRY_AFTER, SET_COOKIE, WWW_AUTHENTICATE,
};
use axum::http::{HeaderName, StatusCode};
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

/// The media type of a problem.
const PROBLEM_JSON: &str = "application/problem+json";

/// What of an answer outlives its replacement by a told fault.
const KEPT: [HeaderName; 4] = [ALLOW, RETRY_AFTER, SET_COOKIE, WWW_AUTHENTICATE];

/// The kinds of fault; their codes are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FaultKind {
    /// 400: the request is not understood.
    BadRequest,
    /// 401: nobody knows who asks.
    Unauthenticated,
    /// 403: it came from another site.
    CrossSite,
    /// 403: who asks may not.
    Forbidden,
    /// 403: who asks has yet to choose a password of their own.
    PasswordGiven,
    /// 404: there is no such thing.
    NotFound,
    /// 405: it cannot be asked for this way.
    MethodNotAllowed,
    /// 413: too much was sent.
    TooLarge,
    /// 415: it was sent as something else.
    UnsupportedMediaType,
    /// 409: the task is closed, or was withdrawn.
    TaskClosed,
    /// 409: somebody else did something with the task first.
    TaskChanged,
    /// 409: the task is a rule's on trial, which nobody works on.
    TaskOnTrial,
    /// 422: what is said about what is done with a task is missing or wrong.
    WrongAct,
    /// 409: the task or the contact has a coupon.
    CouponIssued,
    /// 409: the campaign has no budget, or it is spent.
    CouponBudget,
    /// 409: the pool has no coupon left.
    CouponPool,
    /// 409: the customer has not agreed to be approached.
    NoConsent,
    /// 409: the letter's state does not allow it.
    LetterState,
    /// 409: the set is no longer held, or another came into force.
    SetState,
    /// 409: a plan or somebody else changed the advice first.
    AdviceChanged,
    /// 409: a back-test of the kind is under way.
    TrialOpen,
    /// 403: who decides had a hand in it.
    OwnFeed,
    /// 422: the secret cannot be kept.
    WrongSecret,
    /// 409: nobody is told of it.
    NotRouted,
    /// 422: it is understood, but what it brings is wrong.
    WrongEvents,
    /// 422: rules or registry are wrong.
    WrongRules,
    /// 422: records are wrong.
    WrongRecords,
    /// 409: somebody else changed the record first, or something needs it.
    RecordState,
    /// 409: another person has the id.
    PersonTaken,
    /// 409: somebody else changed the person first.
    PersonChanged,
    /// 422: what is said about a person cannot be.
    WrongPerson,
    /// 409: somebody else did something with the deal, or decided, first.
    DealChanged,
    /// 409: the rules of the house do not allow it.
    DealRefused,
    /// 422: the quote's request is wrong.
    WrongQuote,
    /// 429: too many wrong passwords.
    TooManyAttempts,
    /// 500: our mistake.
    Internal,
    /// 503: not at the moment.
    Unavailable,
}

impl FaultKind {
    /// All of them.
    pub(crate) const ALL: [Self; 37] = [
        Self::BadRequest,
        Self::Unauthenticated,
        Self::CrossSite,
        Self::Forbidden,
        Self::PasswordGiven,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::TooLarge,
        Self::UnsupportedMediaType,
        Self::TaskClosed,
        Self::TaskChanged,
        Self::TaskOnTrial,
        Self::WrongAct,
        Self::CouponIssued,
        Self::CouponBudget,
        Self::CouponPool,
        Self::NoConsent,
        Self::LetterState,
        Self::SetState,
        Self::AdviceChanged,
        Self::TrialOpen,
        Self::OwnFeed,
        Self::WrongSecret,
        Self::NotRouted,
        Self::WrongEvents,
        Self::WrongRules,
        Self::WrongRecords,
        Self::RecordState,
        Self::PersonTaken,
        Self::PersonChanged,
        Self::WrongPerson,
        Self::DealChanged,
        Self::DealRefused,
        Self::WrongQuote,
        Self::TooManyAttempts,
        Self::Internal,
        Self::Unavailable,
    ];

    /// Returns its code, which names its page and its texts.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::BadRequest => "bad-request",
            Self::Unauthenticated => "unauthenticated",
            Self::CrossSite => "cross-site",
            Self::Forbidden => "forbidden",
            Self::PasswordGiven => "password-given",
            Self::NotFound => "not-found",
            Self::MethodNotAllowed => "method-not-allowed",
            Self::TooLarge => "too-large",
            Self::UnsupportedMediaType => "unsupported-media-type",
            Self::TaskClosed => "task-closed",
            Self::TaskChanged => "task-changed",
            Self::TaskOnTrial => "task-on-trial",
            Self::WrongAct => "wrong-act",
            Self::CouponIssued => "coupon-issued",
            Self::CouponBudget => "coupon-budget",
            Self::CouponPool => "coupon-pool",
            Self::NoConsent => "no-consent",
            Self::LetterState => "letter-state",
            Self::SetState => "set-state",
            Self::AdviceChanged => "advice-changed",
            Self::TrialOpen => "trial-open",
            Self::OwnFeed => "own-feed",
            Self::WrongSecret => "wrong-secret",
            Self::NotRouted => "not-routed",
            Self::WrongEvents => "wrong-events",
            Self::WrongRules => "wrong-rules",
            Self::WrongRecords => "wrong-records",
            Self::RecordState => "record-state",
            Self::PersonTaken => "person-taken",
            Self::PersonChanged => "person-changed",
            Self::WrongPerson => "wrong-person",
            Self::DealChanged => "deal-changed",
            Self::DealRefused => "deal-refused",
            Self::WrongQuote => "wrong-quote",
            Self::TooManyAttempts => "too-many-attempts",
            Self::Internal => "internal",
            Self::Unavailable => "unavailable",
        }
    }

    /// Returns its HTTP status.
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::BadRequest => StatusCode::BAD_REQUEST,
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::CrossSite | Self::Forbidden | Self::PasswordGiven | Self::OwnFeed => {
                StatusCode::FORBIDDEN
            }
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TaskClosed
            | Self::TaskChanged
            | Self::TaskOnTrial
            | Self::CouponIssued
            | Self::CouponBudget
            | Self::CouponPool
            | Self::NoConsent
            | Self::LetterState
            | Self::SetState
            | Self::AdviceChanged
            | Self::TrialOpen
            | Self::NotRouted
            | Self::RecordState
            | Self::PersonTaken
            | Self::PersonChanged
            | Self::DealChanged
            | Self::DealRefused => StatusCode::CONFLICT,
            Self::WrongAct
            | Self::WrongEvents
            | Self::WrongRules
            | Self::WrongRecords
            | Self::WrongPerson
            | Self::WrongSecret
            | Self::WrongQuote => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooManyAttempts => StatusCode::TOO_MANY_REQUESTS,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// Returns the kind of an answer that a library gave.
    fn of_status(status: StatusCode) -> Self {
        let same = Self::ALL.into_iter().find(|kind| kind.status() == status);
        // A form that lacks a field or holds another type is told as 422, but brings no events.
        let is_ours = |kind: &Self| {
            matches!(kind.status(), StatusCode::CONFLICT | StatusCode::UNPROCESSABLE_ENTITY)
        };
        same.filter(|kind| !is_ours(kind)).unwrap_or_else(|| match status {
            _ if status.is_client_error() => Self::BadRequest,
            _ => Self::Internal,
        })
    }
}

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
