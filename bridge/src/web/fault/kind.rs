//! Kinds of fault: what went wrong, as a code that programs can rely on.

use axum::http::StatusCode;

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
    /// 409: the consultant is not free at that time, or the task has a meeting.
    SlotTaken,
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
    pub(crate) const ALL: [Self; 38] = [
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
        Self::SlotTaken,
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
            Self::SlotTaken => "slot-taken",
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
            | Self::SlotTaken
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
    pub(super) fn of_status(status: StatusCode) -> Self {
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
