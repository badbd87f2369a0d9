//! Roles: what somebody is there for. What each may do is in [`super::rights`].

use serde::{Deserialize, Serialize};

/// What somebody is there for; one may have several.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Deserialize,
    Serialize,
    schemars::JsonSchema,
    clap::ValueEnum,
)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Role {
    /// Manages people, and does no business.
    Admin,
    /// Rules, sources, what could not be read.
    Operations,
    /// Works on their own tasks and on those of their pools.
    Sales,
    /// Works on the tasks of a team or a region.
    SalesManager,
    /// Works on the tasks of the pools of logistics.
    Logistics,
    /// Reads everything and changes nothing.
    Auditor,
}

impl Role {
    /// All of them, in the order in which they are shown.
    pub(crate) const ALL: [Self; 6] = [
        Self::Admin,
        Self::Operations,
        Self::Sales,
        Self::SalesManager,
        Self::Logistics,
        Self::Auditor,
    ];

    /// Returns its word, as forms, the API and the store have it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Operations => "operations",
            Self::Sales => "sales",
            Self::SalesManager => "sales-manager",
            Self::Logistics => "logistics",
            Self::Auditor => "auditor",
        }
    }

    /// Returns the role that `word` names.
    pub(crate) fn find(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.word() == word)
    }
}
