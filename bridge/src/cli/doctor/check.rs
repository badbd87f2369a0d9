//! Checks: what the doctor looks at, and what it finds.

use async_trait::async_trait;
use serde::Serialize;

/// One thing the doctor looks at. Changes nothing.
#[async_trait]
pub(crate) trait Check: Send + Sync {
    /// Returns what is looked at, in a word or two.
    fn name(&self) -> &'static str;

    /// Looks.
    async fn run(&self) -> Outcome;
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Verdict {
    /// All is well.
    Ok,
    /// Upturn works, but a person should look at it.
    Warn,
    /// Upturn will not work.
    Fail,
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Outcome {
    /// How bad it is.
    pub(crate) verdict: Verdict,
    /// What is the case.
    pub(crate) found: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) advice: Option<String>,
}

impl Outcome {
    /// Returns that all is well.
    pub(crate) fn ok(found: impl Into<String>) -> Self {
        Self { verdict: Verdict::Ok, found: found.into(), advice: None }
    }

    /// Returns that a person should look at it.
    pub(crate) fn warn(found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { verdict: Verdict::Warn, found: found.into(), advice: Some(advice.into()) }
    }

    /// Returns that it will not work.
    pub(crate) fn fail(found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { verdict: Verdict::Fail, found: found.into(), advice: Some(advice.into()) }
    }
}
