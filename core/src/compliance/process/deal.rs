//! A deal on its way through a process: a fold over what people do. What is refused changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::promise::Promise;
use super::{Process, Requirement, Stage, Wanted};
use crate::digest::hash;

/// Where a deal stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deal {
    /// The stage, counted from 0.
    pub place: usize,
    /// When each stage was entered, from the first to the present one.
    pub entered_at: Vec<DateTime<Utc>>,
    /// What is done, by the requirements' names.
    pub done: BTreeMap<String, Proof>,
    /// The guarded fields that have a value.
    pub fields: BTreeMap<String, String>,
    /// What was promised, once it is signed.
    pub promise: Option<Promise>,
    last_at: DateTime<Utc>,
}

/// Something a person does, or an import does for them.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(tag = "action", rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "DealAction")]
pub enum Action {
    /// Begins the process, in its first stage. Everything else comes after it.
    Begin,
    /// Moves the deal to a stage.
    Enter {
        /// The stage.
        stage: String,
    },
    /// Shows that something is done.
    Complete {
        /// The requirement.
        requirement: String,
        /// What shows it.
        proof: Proof,
    },
    /// Gives a guarded field a value.
    Set {
        /// The field.
        field: String,
        /// The value.
        value: String,
        /// The hash of what was confirmed: [`Deal::field_hash`].
        confirmed: String,
    },
    /// Signs the contract with a promise of delivery.
    Sign {
        /// By when.
        due_at: DateTime<Utc>,
    },
    /// Makes the work order for what was promised.
    OrderWork,
    /// Delivers it.
    Deliver,
}

/// What shows that something is done.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(tag = "by", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Proof {
    /// A form.
    Form {
        /// Its fields.
        fields: BTreeMap<String, String>,
    },
    /// A file.
    File {
        /// Its name.
        name: String,
        /// Its hash.
        sha256: String,
    },
    /// A list.
    Checklist {
        /// What is ticked.
        ticked: BTreeSet<String>,
    },
    /// A confirmation.
    EConfirmation {
        /// The hash of what was confirmed: [`Deal::document_hash`].
        document: String,
        /// Who confirmed.
        person: String,
    },
    /// A contract.
    Contract {
        /// Its name.
        name: String,
        /// Its text.
        text: String,
    },
    /// Another system's consent.
    Hook {
        /// The hash of what it consented to: [`Deal::document_hash`].
        document: String,
        /// What it said besides, for people.
        said: String,
    },
}

/// Why an action is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The time is before the last action's.
    #[error("it is dated {at}, before the last action of {last_at}; nothing is dated back")]
    BackDated {
        /// Its time.
        at: DateTime<Utc>,
        /// The last one's.
        last_at: DateTime<Utc>,
    },
    /// There is no such stage, requirement or guarded field.
    #[error("the process has no '{0}'")]
    Unknown(String),
    /// A stage lies between.
    #[error("'{stage}' comes after '{next}', which nobody may skip")]
    Skipped {
        /// The stage.
        stage: String,
        /// The next one.
        next: String,
    },
    /// The deal has been there.
    #[error("the deal has left '{0}' or is in it; it does not go back")]
    Reversed(String),
    /// Something is not done.
    #[error("before '{stage}' these must be done: {}", missing.join(", "))]
    Missing {
        /// The stage.
        stage: String,
        /// What is not done.
        missing: Vec<String>,
    },
    /// What is shown is not what is wanted.
    #[error("'{requirement}' is not shown by that: {why}")]
    Proof {
        /// The requirement.
        requirement: String,
        /// Why.
        why: String,
    },
    /// The value is none of those.
    #[error("'{field}' is guarded and takes {} only", allowed.join(", "))]
    NotPreset {
        /// The field.
        field: String,
        /// The values.
        allowed: Vec<String>,
    },
    /// Something else was confirmed.
    #[error("what was confirmed for '{0}' is not what stands there now; confirm it again")]
    NotConfirmed(String),
    /// Nothing was promised, or it is done already.
    #[error("{0}")]
    Promise(&'static str),
    /// It has begun.
    #[error("the deal is in its process already")]
    Begun,
}

impl Refusal {
    /// Returns the stable word for it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::BackDated { .. } => "back-dated",
            Self::Unknown(_) => "process-unknown-name",
            Self::Skipped { .. } => "stage-skipped",
            Self::Reversed(_) => "stage-reversed",
            Self::Missing { .. } => "requirement-missing",
            Self::Proof { .. } => "proof-wrong",
            Self::NotPreset { .. } => "value-not-preset",
            Self::NotConfirmed(_) => "confirmation-void",
            Self::Promise(_) => "promise-out-of-turn",
            Self::Begun => "deal-begun",
        }
    }
}

impl Deal {
    /// Returns a deal that has just begun, in the first stage.
    pub fn begin(at: DateTime<Utc>) -> Self {
        let (done, fields) = (BTreeMap::new(), BTreeMap::new());
        Self { place: 0, entered_at: vec![at], done, fields, promise: None, last_at: at }
    }

    /// Takes an action of the time `at`, whoever does it: a person, a program, or an import of many.
    ///
    /// Fails, and stays as it was, where the process does not allow it.
    pub fn act(
        &mut self,
        process: &Process,
        at: DateTime<Utc>,
        action: &Action,
    ) -> Result<(), Refusal> {
        if at < self.last_at {
            return Err(Refusal::BackDated { at, last_at: self.last_at });
        }
        match action {
            Action::Begin => return Err(Refusal::Begun),
            Action::Enter { stage } => self.enter(process, at, stage)?,
            Action::Complete { requirement, proof } => {
                self.complete(process, requirement, proof)?;
            }
            Action::Set { field, value, confirmed } => {
                self.set(process, field, value, confirmed)?;
            }
            Action::Sign { .. } | Action::OrderWork | Action::Deliver => {
                self.fulfil(at, action)?;
            }
        }
        self.last_at = at;
        Ok(())
    }

    /// Returns the hash that a confirmation of `requirement` is bound to: its text, and the guarded
    /// fields as they stand.
    pub fn document_hash(&self, process: &Process, requirement: &Requirement) -> String {
        hash(&(&process.id, requirement, &self.fields))
    }

    /// Returns the hash that a confirmation of a guarded field's value is bound to.
    pub fn field_hash(process: &Process, field: &str, value: &str) -> String {
        hash(&(&process.id, field, value))
    }

    /// Returns when something was last done.
    pub fn last_at(&self) -> DateTime<Utc> {
        self.last_at
    }

    /// Returns the stage it is in.
    pub fn stage<'p>(&self, process: &'p Process) -> Option<&'p Stage> {
        process.stage.get(self.place)
    }

    /// Returns the stage after it; none after the last.
    pub fn next_stage<'p>(&self, process: &'p Process) -> Option<&'p Stage> {
        process.stage.get(self.place + 1)
    }

    /// Returns what is not done for the stage at `place`.
    pub fn missing(&self, process: &Process, place: usize) -> Vec<String> {
        let stage = process.stage.get(place);
        let required = stage.into_iter().flat_map(|stage| &stage.require);
        required.map(|one| &one.id).filter(|id| !self.done.contains_key(*id)).cloned().collect()
    }

    fn enter(&mut self, process: &Process, at: DateTime<Utc>, stage: &str) -> Result<(), Refusal> {
        let place = process.place(stage).ok_or_else(|| Refusal::Unknown(stage.to_owned()))?;
        if place <= self.place {
            return Err(Refusal::Reversed(stage.to_owned()));
        }
        if self.place + 1 < place {
            let next = process.stage.get(self.place + 1).map(|next| next.id.clone());
            let stage = stage.to_owned();
            return Err(Refusal::Skipped { stage, next: next.unwrap_or_default() });
        }
        let missing = self.missing(process, place);
        if !missing.is_empty() {
            return Err(Refusal::Missing { stage: stage.to_owned(), missing });
        }
        self.place = place;
        self.entered_at.push(at);
        Ok(())
    }

    fn complete(&mut self, process: &Process, id: &str, proof: &Proof) -> Result<(), Refusal> {
        let requirement = process.requirement(id).ok_or_else(|| Refusal::Unknown(id.to_owned()))?;
        let why = self.flaw(process, requirement, proof);
        if let Some(why) = why {
            return Err(Refusal::Proof { requirement: id.to_owned(), why });
        }
        self.done.insert(id.to_owned(), proof.clone());
        Ok(())
    }

    /// Returns what is wrong with a proof.
    fn flaw(&self, process: &Process, wanted: &Requirement, proof: &Proof) -> Option<String> {
        match (&wanted.proof, proof) {
            (Wanted::Form { fields: wanted }, Proof::Form { fields }) => {
                let is_filled =
                    |name: &String| fields.get(name).is_some_and(|text| !text.trim().is_empty());
                let empty: Vec<&str> =
                    wanted.iter().filter(|name| !is_filled(name)).map(String::as_str).collect();
                (!empty.is_empty()).then(|| format!("fill in {}", empty.join(", ")))
            }
            (Wanted::File, Proof::File { name, sha256 }) => {
                let is_hash =
                    sha256.len() == 64 && sha256.bytes().all(|byte| byte.is_ascii_hexdigit());
                let is_file = !name.trim().is_empty() && is_hash;
                (!is_file).then(|| "a file has a name and a SHA-256".to_owned())
            }
            (Wanted::Checklist { items }, Proof::Checklist { ticked }) => {
                let open: Vec<&str> = items
                    .iter()
                    .filter(|item| !ticked.contains(*item))
                    .map(String::as_str)
                    .collect();
                (!open.is_empty()).then(|| format!("tick {}", open.join(", ")))
            }
            (Wanted::EConfirmation { .. }, Proof::EConfirmation { document, person }) => {
                if person.trim().is_empty() {
                    return Some("say who confirms".to_owned());
                }
                let is_this = *document == self.document_hash(process, wanted);
                (!is_this).then(|| "another text, or other values, were confirmed".to_owned())
            }
            (Wanted::Contract, Proof::Contract { text, .. }) => {
                let found = process.clauses.check(text);
                let told: Vec<String> = found.iter().map(ToString::to_string).collect();
                let empty = text.trim().is_empty().then(|| "the contract is empty".to_owned());
                empty.or_else(|| (!told.is_empty()).then(|| told.join("; ")))
            }
            (Wanted::Hook { .. }, Proof::Hook { document, .. }) => {
                let is_this = *document == self.document_hash(process, wanted);
                (!is_this).then(|| "the consent is to other values".to_owned())
            }
            (Wanted::Form { .. }, _) => Some("it wants a form".to_owned()),
            (Wanted::File, _) => Some("it wants a file".to_owned()),
            (Wanted::Checklist { .. }, _) => Some("it wants a checklist".to_owned()),
            (Wanted::EConfirmation { .. }, _) => Some("it wants a confirmation".to_owned()),
            (Wanted::Contract, _) => Some("it wants a contract".to_owned()),
            (Wanted::Hook { .. }, _) => Some("it wants another system's consent".to_owned()),
        }
    }

    fn set(
        &mut self,
        process: &Process,
        field: &str,
        value: &str,
        confirmed: &str,
    ) -> Result<(), Refusal> {
        let guarded = process.guarded.iter().find(|guarded| guarded.field == field);
        let guarded = guarded.ok_or_else(|| Refusal::Unknown(field.to_owned()))?;
        if !guarded.preset.iter().any(|preset| preset == value) {
            let (field, allowed) = (field.to_owned(), guarded.preset.clone());
            return Err(Refusal::NotPreset { field, allowed });
        }
        if confirmed != Self::field_hash(process, field, value) {
            return Err(Refusal::NotConfirmed(field.to_owned()));
        }
        self.fields.insert(field.to_owned(), value.to_owned());
        // Who confirmed the document with the old value has not confirmed it with this one.
        let mut done = std::mem::take(&mut self.done);
        done.retain(|id, proof| match proof {
            Proof::EConfirmation { document, .. } | Proof::Hook { document, .. } => process
                .requirement(id)
                .is_some_and(|one| *document == self.document_hash(process, one)),
            Proof::Form { .. }
            | Proof::File { .. }
            | Proof::Checklist { .. }
            | Proof::Contract { .. } => true,
        });
        self.done = done;
        Ok(())
    }

    fn fulfil(&mut self, at: DateTime<Utc>, action: &Action) -> Result<(), Refusal> {
        if let Action::Sign { due_at } = action {
            if self.promise.is_some() {
                return Err(Refusal::Promise("the contract is signed already"));
            }
            if *due_at < at {
                return Err(Refusal::Promise("delivery is promised for a time that has passed"));
            }
            let (ordered_at, delivered_at) = (None, None);
            let promise = Promise { signed_at: at, due_at: *due_at, ordered_at, delivered_at };
            self.promise = Some(promise);
            return Ok(());
        }
        let unsigned = Refusal::Promise("nothing is promised: the contract is not signed");
        let promise = self.promise.as_mut().ok_or(unsigned)?;
        let is_order = *action == Action::OrderWork;
        let done_at = if is_order { &mut promise.ordered_at } else { &mut promise.delivered_at };
        if done_at.is_some() {
            return Err(Refusal::Promise("it is done already"));
        }
        *done_at = Some(at);
        Ok(())
    }
}
