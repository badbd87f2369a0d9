//! Attributes of sites and accounts that another system knows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What another system says of a site or an account.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Attributes {
    /// Of what.
    pub of: Subject,
    /// Its id in the registry, or whatever the source calls it.
    pub key: String,
    /// The attributes by their names, each as it is written.
    pub values: BTreeMap<String, String>,
}

/// What can have attributes.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// A place where devices stand.
    Site,
    /// A customer.
    Account,
}
