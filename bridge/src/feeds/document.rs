//! The shape of a feed's document, of which its JSON Schema is made.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};
use upturn_connectors::feed::KINDS;
use upturn_connectors::feed::source::Source;
use upturn_core::task::Title;

use super::limits::LimitsDocument;
use crate::kind_schema;

/// A feed: where facts come from, when, and how they are judged.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Upturn feed")]
pub(crate) struct FeedDocument {
    /// The feed's identity, which runs and sets are kept under.
    #[schemars(regex(pattern = r"^[a-z0-9][a-z0-9-]{0,39}$"))]
    pub(crate) id: String,
    /// Its kind.
    pub(crate) kind: String,
    /// Its name for people, in at least one language.
    #[schemars(extend("minProperties" = 1))]
    pub(crate) title: Title,
    /// The id by which the person signs in who answers for this document: somebody else has to release
    /// a set of its facts that is held.
    #[schemars(length(min = 1, max = 128))]
    pub(crate) configured_by: String,
    /// When it runs: minute, hour, day, month and weekday, `15 16 * * Mon-Fri`. Default: as its kind has
    /// it.
    pub(crate) schedule: Option<String>,
    /// By which clocks, and whose days are meant in addresses: `Europe/Berlin`. Default: as its kind has
    /// it.
    pub(crate) zone: Option<String>,
    /// How much later than its slot a run may begin, so that not all run at once; always the same for
    /// one feed; at most `1h`. Default: `2m`.
    #[schemars(regex(pattern = r"^[0-9]+(s|m|h)$"))]
    pub(crate) jitter: Option<String>,
    /// Whether it does not run by itself. Default: false.
    #[serde(default)]
    pub(crate) paused: bool,
    /// How its facts are judged.
    #[serde(default)]
    pub(crate) limits: LimitsDocument,
    /// The secrets that addresses and headers name in braces, and where they are.
    #[serde(default)]
    pub(crate) secrets: BTreeMap<String, SecretDocument>,
    /// Where its documents are, as far as that differs from the kind.
    #[serde(default)]
    pub(crate) source: Source,
    /// What its reader needs, by its kind.
    #[serde(default)]
    pub(crate) settings: Map<String, Value>,
}

/// Where a secret is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum SecretDocument {
    /// In a file that holds it and nothing else.
    File(String),
    /// In a variable of the program's environment.
    Environment(String),
    /// In the database, encrypted: set on the feed's page or by `upturn secrets set`, under this name.
    Stored(String),
}

/// Returns the JSON Schema of a feed: the settings are those of the kind.
pub(crate) fn schema() -> String {
    let kinds = KINDS.iter().map(|kind| (kind.name, kind.about, kind.schema));
    kind_schema::by_kind(schemars::schema_for!(FeedDocument), kinds)
}
