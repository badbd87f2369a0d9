//! A letter: what happened to a task, on its way to another system.

use serde::Serialize;
use serde_json::Value;

/// What happened to a task, as one destination is told of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Letter {
    /// A pure function of the cause and the destination, 64 hexadecimal digits: the same in every
    /// try, so that a receiver knows a repeated letter by it.
    pub key: String,
    /// What happened: `task-created`, `task-amended`, `task-withdrawn`, `task-contradicted`,
    /// `task-accepted`, `task-done`, `task-dismissed`; `requirement-created`, `advice-created` and
    /// their like. The word before the first hyphen says what it is about.
    pub kind: String,
    /// The task's id. All letters about it share one record elsewhere.
    pub subject: String,
    /// What is known of it, an object. Strings in it come from devices: hostile until escaped.
    pub body: Value,
    /// The same for people to read, from a template, in the recipient's language.
    pub text: Text,
    /// Who is to read it, where it goes to a person.
    pub recipient: Option<Recipient>,
    /// What an earlier letter about the task became at this destination.
    pub remote: Option<String>,
}

/// What a person reads.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Text {
    /// `en` or `zh`.
    pub language: String,
    /// One line, without control characters.
    pub title: String,
    /// Lines of plain text.
    pub plain: String,
    /// The same as HTML, escaped, where the template has it.
    pub html: Option<String>,
    /// The same as Markdown, escaped, where the template has it.
    pub markdown: Option<String>,
}

/// A person a letter is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Recipient {
    /// The person's id in the registry.
    pub id: String,
    /// The name to greet with.
    pub name: Option<String>,
    /// Where mail reaches the person.
    pub email: Option<String>,
}

impl Letter {
    /// Returns the mark that a record elsewhere is found again by: the same for all letters about
    /// one task or one requirement, short enough for a reference field.
    pub fn reference(&self) -> String {
        let about = self.kind.split('-').next().unwrap_or_default();
        format!("upturn:{about}:{}", self.subject)
    }

    /// Tells whether the letter is the first about its subject.
    pub fn is_first(&self) -> bool {
        const FIRST: [&str; 3] = ["digest", "deal-opened", "coupon-issued"];
        FIRST.contains(&&*self.kind) || self.kind.ends_with("-created")
    }

    /// Returns the member `name` of the body, if it is a text.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.body.get(name).and_then(Value::as_str)
    }

    /// Tells whether the subject is over for the receiver: done, dismissed or withdrawn.
    pub fn is_last(&self) -> bool {
        matches!(self.event(), "done" | "dismissed" | "withdrawn")
    }

    /// Returns what happened to the subject, whatever it is: `created`, `done`.
    pub fn event(&self) -> &str {
        self.kind.split_once('-').map_or(self.kind.as_str(), |(_, event)| event)
    }
}
