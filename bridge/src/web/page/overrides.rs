//! What people decided over what the machine says of a task or a deal, with the forms to do so, as a part
//! of its page: `overrides.html`.

use fluent_bundle::FluentValue;

use crate::store::overrule::{Override, What};
use crate::web::i18n::{key, text, text_with};
use crate::web::overrule::Form;
use crate::web::profile_form::Pairs;
use crate::web::visible::{Visible, VisibleLines};
use crate::web::when::{Teller, When};

/// What people decided, and what the reader can decide.
#[derive(Debug)]
pub(super) struct Overrides {
    /// What people decided, the newest first.
    pub(super) decisions: Vec<DecisionShown>,
    /// What the reader can decide.
    pub(super) forms: Vec<FormShown>,
    /// Where that is sent.
    pub(super) href: String,
}

/// What somebody decided.
#[derive(Debug)]
pub(super) struct DecisionShown {
    pub(super) id: i64,
    pub(super) what: String,
    pub(super) word: &'static str,
    pub(super) value: String,
    pub(super) machine: String,
    pub(super) reason: String,
    pub(super) actor: String,
    pub(super) at: When,
    pub(super) until: When,
    /// When and by whom it ended.
    pub(super) ended: Option<String>,
    /// Whether the reader can take it back.
    pub(super) is_open: bool,
}

/// A form to decide with.
#[derive(Debug)]
pub(super) struct FormShown {
    pub(super) what: &'static str,
    pub(super) label: String,
    /// What can be chosen; nothing where a number is typed.
    pub(super) choices: Vec<String>,
    pub(super) replaces: Option<i64>,
}

impl Overrides {
    /// Returns `decisions` about what is at `href`, and a form for each of `choices`, with what can be
    /// chosen; a reader who has none may decide nothing.
    pub(super) fn of(
        teller: &Teller,
        decisions: &[Override],
        href: &str,
        choices: Option<Vec<(What, Vec<String>)>>,
    ) -> Self {
        let can_decide = choices.is_some();
        let form = |(what, choices): (What, Vec<String>)| {
            let standing = decisions.iter().find(|one| one.what == what && one.ended_at.is_none());
            FormShown {
                what: what.word(),
                label: text(teller.language, label(what)),
                choices,
                replaces: standing.map(|one| one.id),
            }
        };
        Self {
            forms: choices.into_iter().flatten().map(form).collect(),
            decisions: decisions.iter().map(|one| decision(teller, one, can_decide)).collect(),
            href: format!("{href}/override"),
        }
    }
}

/// Returns the decision that a form says.
pub(super) fn read(pairs: Pairs) -> Form {
    let mut form = Form::default();
    for (name, value) in pairs {
        match &*name {
            "what" => form.what = value,
            "value" => form.value = value,
            "reason" => form.reason = value,
            "until" => form.until = value,
            "replaces" => form.replaces = value.parse().ok(),
            _ => {}
        }
    }
    form
}

fn decision(teller: &Teller, one: &Override, can_decide: bool) -> DecisionShown {
    let ended = one.ended_at.map(|at| {
        let by = Visible(one.ended_by.as_deref().unwrap_or_default()).to_string();
        let at = FluentValue::from(teller.in_sentence(at));
        text_with(teller.language, key!("override-ended"), [("at", at), ("by", by.into())])
    });
    DecisionShown {
        id: one.id,
        what: text(teller.language, label(one.what)),
        word: one.what.word(),
        value: Visible(&one.value).to_string(),
        machine: Visible(one.machine.as_deref().unwrap_or("–")).to_string(),
        reason: VisibleLines(&one.reason).to_string(),
        actor: Visible(&one.actor).to_string(),
        at: teller.when(one.at),
        until: teller.when(one.until),
        is_open: can_decide && ended.is_none(),
        ended,
    }
}

fn label(what: What) -> &'static str {
    match what {
        What::Grade => key!("lead-grade"),
        What::Score => key!("lead-score"),
        What::Route => key!("lead-route"),
        What::Probability => key!("lead-probability"),
    }
}
