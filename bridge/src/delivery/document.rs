//! The shapes of destination and route documents, of which their JSON Schemas are made.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use upturn_connectors::deliver::KINDS;
use upturn_core::task::Title;

use crate::kind_schema;

/// A destination: a system that is told of tasks, and how it is reached.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Upturn destination")]
pub(crate) struct DestinationDocument {
    /// The destination's identity, which letters and records are kept under.
    #[schemars(regex(pattern = r"^[a-z0-9][a-z0-9-]{0,39}$"))]
    pub(crate) id: String,
    /// The kind of its channel.
    pub(crate) kind: String,
    /// Its name for people, in at least one language.
    #[schemars(extend("minProperties" = 1))]
    pub(crate) title: Title,
    /// How often a letter is tried before it waits for a person, 1 to 100. Default: 16, about half a day.
    #[schemars(range(min = 1, max = 100))]
    pub(crate) tries: Option<u32>,
    /// How often the destination is asked what became of its records, where it can be asked, at least
    /// `10s`. Default: `1m`.
    #[schemars(regex(pattern = r"^[0-9]+(s|m|h)$"))]
    pub(crate) ask_every: Option<String>,
    /// What the channel needs, by its kind. Secrets stand in files of their own.
    #[serde(default)]
    pub(crate) settings: Map<String, Value>,
}

/// A route: which event of a task's life is told to which destination, and when.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Upturn route")]
pub(crate) struct RouteDocument {
    /// The route's identity.
    #[schemars(regex(pattern = r"^[a-z0-9][a-z0-9-]{0,39}$"))]
    pub(crate) id: String,
    /// The events of a task's life that are told.
    #[schemars(length(min = 1))]
    pub(crate) on: Vec<Occurrence>,
    /// The id of the destination.
    pub(crate) to: String,
    /// Which tasks. Default: all.
    #[serde(default)]
    pub(crate) only: OnlyDocument,
    /// How long a letter is kept back, so that what is undone meanwhile is not told; at most `1d`.
    /// Default: `5s`.
    #[schemars(regex(pattern = r"^[0-9]+(ms|s|m|h|d)$"))]
    pub(crate) hold: Option<String>,
    /// When no letter goes out by itself. Default: none, letters go out at any hour.
    pub(crate) quiet: Option<Quiet>,
    /// The time of day at which the letters of a recipient go out as one: `08:30`.
    #[schemars(regex(pattern = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"))]
    pub(crate) digest: Option<String>,
    /// The language of letters to people who have none of their own. Default: `en`.
    pub(crate) language: Option<LetterLanguage>,
}

/// Which tasks a route tells of: those that fit every list that is not empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct OnlyDocument {
    /// Rules, by id.
    pub(crate) rules: Vec<String>,
    /// Kinds of tasks, as rules name them.
    pub(crate) kinds: Vec<String>,
    /// Owners: people's ids, or `pool:TEAM`.
    pub(crate) owners: Vec<String>,
}

/// An event of a task's life.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Occurrence {
    /// It was made.
    TaskCreated,
    /// It stands on other evidence.
    TaskAmended,
    /// Late evidence took it away before anybody touched it.
    TaskWithdrawn,
    /// Late evidence took away what it stood on, after somebody touched it.
    TaskContradicted,
    /// Somebody took it on.
    TaskAccepted,
    /// Somebody gave it to another, or decided who has it: whoever has it now is told.
    TaskHandedOver,
    /// It was done.
    TaskDone,
    /// Somebody decided that nothing will be done.
    TaskDismissed,
    /// Its time is over, and nobody has spoken with the customer: superiors are told.
    TaskEscalated,
    /// For a working day nobody did anything with it: owner and manager are told.
    TaskSilent,
    /// Somebody asked for something because of it: a requirement, or feedback.
    RequirementCreated,
    /// The customer is interested: a deal was opened.
    DealOpened,
    /// A coupon goes to the customer. Its letter has the code in it, and is for the customer's contact.
    CouponIssued,
    /// A meeting of the customer with a consultant is booked. It goes into the consultant's calendar without a
    /// route, too.
    BookingCreated,
    /// A quote is beyond its seller's authority, and somebody is asked to allow it.
    ApprovalAsked,
    /// Somebody allowed it, or did not.
    ApprovalDecided,
    /// A delivery was promised to a customer: the service makes a work order for it.
    PromiseSigned,
    /// There is no work order in time, or what was promised is not delivered.
    PromiseLate,
    /// A plan of stock says that something is to be sent.
    AdviceCreated,
    /// A plan says something else of it than the one before.
    AdviceSuperseded,
    /// Somebody agreed on it.
    AdviceFirmed,
    /// Nothing has to be sent any more.
    AdviceWithdrawn,
    /// Forecasts have become worse.
    ForecastDrifted,
}

/// When no letter goes out by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Quiet {
    /// Outside the working hours of the calendar.
    OutsideWorkingHours,
}

/// A language of letters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LetterLanguage {
    /// English.
    #[default]
    En,
    /// Simplified Chinese.
    Zh,
}

impl LetterLanguage {
    /// Returns its tag.
    pub(crate) fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Zh => "zh",
        }
    }
}

impl Occurrence {
    /// All of them.
    pub(crate) const ALL: [Self; 23] = [
        Self::TaskCreated,
        Self::TaskAmended,
        Self::TaskWithdrawn,
        Self::TaskContradicted,
        Self::TaskAccepted,
        Self::TaskHandedOver,
        Self::TaskDone,
        Self::TaskDismissed,
        Self::TaskEscalated,
        Self::TaskSilent,
        Self::RequirementCreated,
        Self::DealOpened,
        Self::CouponIssued,
        Self::BookingCreated,
        Self::ApprovalAsked,
        Self::ApprovalDecided,
        Self::PromiseSigned,
        Self::PromiseLate,
        Self::AdviceCreated,
        Self::AdviceSuperseded,
        Self::AdviceFirmed,
        Self::AdviceWithdrawn,
        Self::ForecastDrifted,
    ];

    /// Returns its word, the kind of its letters.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::TaskCreated => "task-created",
            Self::TaskAmended => "task-amended",
            Self::TaskWithdrawn => "task-withdrawn",
            Self::TaskContradicted => "task-contradicted",
            Self::TaskAccepted => "task-accepted",
            Self::TaskHandedOver => "task-handed-over",
            Self::TaskDone => "task-done",
            Self::TaskDismissed => "task-dismissed",
            Self::TaskEscalated => "task-escalated",
            Self::TaskSilent => "task-silent",
            Self::RequirementCreated => "requirement-created",
            Self::DealOpened => "deal-opened",
            Self::CouponIssued => "coupon-issued",
            Self::BookingCreated => "booking-created",
            Self::ApprovalAsked => "approval-asked",
            Self::ApprovalDecided => "approval-decided",
            Self::PromiseSigned => "promise-signed",
            Self::PromiseLate => "promise-late",
            Self::AdviceCreated => "advice-created",
            Self::AdviceSuperseded => "advice-superseded",
            Self::AdviceFirmed => "advice-firmed",
            Self::AdviceWithdrawn => "advice-withdrawn",
            Self::ForecastDrifted => "forecast-drifted",
        }
    }

    /// Returns the one called `word`.
    pub(crate) fn find(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|occurrence| occurrence.word() == word)
    }
}

/// Returns the JSON Schema of a destination: the settings are those of the kind.
pub(crate) fn destination_schema() -> String {
    let kinds = KINDS.iter().map(|kind| (kind.name, kind.about, kind.schema));
    kind_schema::by_kind(schemars::schema_for!(DestinationDocument), kinds)
}

/// Returns the JSON Schema of a route.
pub(crate) fn route_schema() -> String {
    format!("{:#}\n", schemars::schema_for!(RouteDocument).to_value())
}
