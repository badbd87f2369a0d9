//! Processes: the stages of a deal, what must be done before each, and which fields are guarded.
//!
//! **What it does** lets a deal go from stage to stage in order, never over one, back, or back in time,
//! and only when the next stage's requirements are met; judged by the fold [`deal::Deal`].
//! **When it fires** at each action on a deal that the process does not allow.
//! **Example** `deploy/compliance/electric-car.toml`.
//! **Settings** [`Process`].

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::clause::Clauses;
use crate::task::Title;

pub mod clause;
pub mod deal;
pub mod promise;

/// A document that says how a deal goes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Upturn process")]
pub struct Process {
    /// Its identity, stable over its versions.
    pub id: String,
    /// `process`.
    pub kind: ProcessKind,
    /// What it is about, for people.
    pub title: Title,
    /// The stages, in order; at least two.
    pub stage: Vec<Stage>,
    /// Fields that take certain values only, each confirmed.
    #[serde(default)]
    pub guarded: Vec<Guarded>,
    /// What a contract's text must and must not say.
    #[serde(default)]
    pub clauses: Clauses,
    /// How long after signing there must be a work order for what was promised, in hours that pass
    /// (not business hours). Default: 72.
    #[serde(default = "three_days")]
    #[schemars(range(min = 1, max = 8760))]
    pub work_order_within_hours: u32,
}

fn three_days() -> u32 {
    72
}

/// The kind of the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ProcessKind {
    /// A process.
    Process,
}

/// A stage, and what must be done before a deal enters it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// Its name: `order`.
    pub id: String,
    /// What it is called.
    pub title: Title,
    /// What must be done before.
    #[serde(default)]
    pub require: Vec<Requirement>,
}

/// Something that must be done.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    /// Its name: `battery-safety`.
    pub id: String,
    /// What it is called.
    pub title: Title,
    /// What shows that it is done.
    pub proof: Wanted,
}

/// What shows that something is done.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(tag = "by", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Wanted {
    /// A form with these fields, each filled in.
    Form {
        /// The fields.
        fields: Vec<String>,
    },
    /// A file.
    File,
    /// A list, all of it ticked.
    Checklist {
        /// What is ticked.
        items: Vec<String>,
    },
    /// A person's electronic confirmation of this text and of the guarded fields as they stand.
    EConfirmation {
        /// The text.
        text: String,
    },
    /// The text of a contract in which the clauses of the process find nothing wrong.
    Contract,
    /// Another system's consent to the guarded fields as they stand: it is asked by a signed request
    /// (Standard Webhooks) and answers `{"allowed": true}`; any other answer, or none in time, blocks.
    Hook {
        /// Where it is asked.
        url: String,
        /// The file with the secret that requests are signed with: `whsec_` and Base64.
        secret_file: String,
    },
}

/// A field that takes certain values only.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Guarded {
    /// The field: `battery_warranty`.
    pub field: String,
    /// The values it may have.
    pub preset: Vec<String>,
}

impl Process {
    /// Returns the place of the stage `id`, counted from 0.
    pub fn place(&self, id: &str) -> Option<usize> {
        self.stage.iter().position(|stage| stage.id == id)
    }

    /// Returns the requirement `id`, of whatever stage.
    pub fn requirement(&self, id: &str) -> Option<&Requirement> {
        self.stage.iter().flat_map(|stage| &stage.require).find(|one| one.id == id)
    }

    /// Returns what does not fit together in it: the word where it stands, and what is wrong.
    pub(super) fn faults(&self) -> Vec<(String, String)> {
        let mut faults = Vec::new();
        if self.stage.len() < 2 {
            let message = "a process has at least two stages".to_owned();
            faults.push(("stage".to_owned(), message));
        }
        let mut stages = BTreeSet::new();
        let mut requirements = BTreeSet::new();
        for stage in &self.stage {
            if !stages.insert(&stage.id) {
                faults.push((stage.id.clone(), format!("two stages are called '{}'", stage.id)));
            }
            for one in &stage.require {
                if !requirements.insert(&one.id) {
                    let message = format!("two requirements are called '{}'", one.id);
                    faults.push((one.id.clone(), message));
                }
                let is_empty = match &one.proof {
                    Wanted::Form { fields } => fields.is_empty(),
                    Wanted::Checklist { items } => items.is_empty(),
                    Wanted::EConfirmation { text } => text.trim().is_empty(),
                    Wanted::Hook { url, secret_file } => url.is_empty() || secret_file.is_empty(),
                    Wanted::File | Wanted::Contract => false,
                };
                if is_empty {
                    let message = format!("'{}' asks for nothing", one.id);
                    faults.push((one.id.clone(), message));
                }
            }
        }
        let mut fields = BTreeSet::new();
        for guarded in &self.guarded {
            if guarded.preset.is_empty() {
                let message =
                    format!("'{}' is guarded and has no value it may take", guarded.field);
                faults.push((guarded.field.clone(), message));
            }
            if !fields.insert(&guarded.field) {
                let message = format!("'{}' is guarded twice", guarded.field);
                faults.push((guarded.field.clone(), message));
            }
        }
        faults
    }
}

/// Returns the JSON Schema of such documents as text that ends with a newline.
pub fn schema() -> String {
    format!("{:#}\n", schemars::schema_for!(Process).to_value())
}
